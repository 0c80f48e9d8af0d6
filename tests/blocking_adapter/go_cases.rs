//! The cases of `p2p/conn/connection_test.go @ v0.38` that concern I/O, over TCP. `TestConnVectors` has none.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use bytes::Bytes;
use mconn::connection::{ChannelConfig, CloseReason, Fault, MConnConfig, SendRefusal};

use crate::support::*;

/// Far enough apart that a busy machine answers in between.
const PING_INTERVAL: Duration = Duration::from_millis(1_000);
const PONG_TIMEOUT: Duration = Duration::from_millis(900);

#[test]
fn send_flush_stop() {
    let (connection, _messages, mut peer) = with_raw_peer(one_channel());
    connection.send(1, text("abc")).unwrap();
    connection.close_after_flush(None);
    assert_eq!(read_exactly(&mut peer, 12), packet(1, b"abc"));
    drop(peer);
    assert_eq!(connection.join().reason, CloseReason::Flushed);
}

#[test]
fn send() {
    let (connection, _messages, mut peer) = with_raw_peer(one_channel());
    connection.send(1, text("Ant-Man")).unwrap();
    assert_eq!(read_exactly(&mut peer, 16), packet(1, b"Ant-Man"));
    assert!(connection.can_send(1));
    connection.try_send(1, text("Spider-Man")).unwrap();
    assert_eq!(read_exactly(&mut peer, 19), packet(1, b"Spider-Man"));

    assert!(!connection.can_send(5));
    let error = connection.send(5, text("Absorbing Man")).unwrap_err();
    assert_eq!((error.refusal, error.message), (SendRefusal::UnknownChannel, text("Absorbing Man")));
    assert!(connection.sender(5).is_none());
}

#[test]
fn receive() {
    let ((near, _), (_far, mut messages)) = connected(one_channel(), one_channel());
    near.send(1, text("Cyclops")).unwrap();
    assert_eq!(messages.recv_timeout(PATIENCE), Ok((1, text("Cyclops"))));
}

#[test]
fn status() {
    let (connection, _messages, _peer) = with_raw_peer(one_channel());
    let status = connection.status();
    assert_eq!(status.channels.len(), 1);
    assert_eq!(status.channels[0].send_queue_size, 0);
}

#[test]
fn pong_timeout_results_in_error() {
    let config = with_pings(Duration::from_millis(20), Duration::from_millis(10));
    let (connection, messages, mut peer) = with_raw_peer(config);
    assert_eq!(read_exactly(&mut peer, 3), PING);
    assert_eq!(messages.count(), 0);
    assert_eq!(connection.join().reason, CloseReason::PongTimeout { timeout: Duration::from_millis(10) });
}

#[test]
fn multiple_pongs_in_the_beginning() {
    let (connection, mut messages, mut peer) = with_raw_peer(with_pings(PING_INTERVAL, PONG_TIMEOUT));
    peer.write_all(&[PONG, PONG, PONG].concat()).unwrap();
    assert_eq!(read_exactly(&mut peer, 3), PING);
    peer.write_all(&PONG).unwrap();
    // The next ping comes after the timeout of the first one.
    assert_eq!(read_exactly(&mut peer, 3), PING);
    assert!(!connection.is_closed());
    peer.write_all(&[&PONG[..], &packet(1, b"still here")].concat()).unwrap();
    assert_eq!(messages.recv_timeout(PATIENCE), Ok((1, text("still here"))));
}

#[test]
fn multiple_pings() {
    let (connection, _messages, mut peer) = with_raw_peer(one_channel());
    for _ in 0..3 {
        peer.write_all(&PING).unwrap();
        assert_eq!(read_exactly(&mut peer, 3), PONG);
    }
    assert!(!connection.is_closed());
    assert_eq!(connection.status().counters.pings_received, 3);
}

#[test]
fn ping_pongs() {
    let (connection, messages, mut peer) = with_raw_peer(with_pings(PING_INTERVAL, PONG_TIMEOUT));
    for _ in 0..2 {
        assert_eq!(read_exactly(&mut peer, 3), PING);
        peer.write_all(&PONG).unwrap();
    }
    assert_eq!(read_exactly(&mut peer, 3), PING);
    assert!(!connection.is_closed());
    connection.close();
    assert_eq!(messages.count(), 0);
    assert_eq!(connection.join().reason, CloseReason::Local);
}

#[test]
fn stops_and_returns_error() {
    let (connection, messages, peer) = with_raw_peer(one_channel());
    peer.shutdown(Shutdown::Both).unwrap();
    assert_eq!(messages.count(), 0);
    let closed = connection.join();
    assert_eq!(closed.fault(), Fault::Network, "{closed}");
    assert!(connection.is_closed());
}

#[test]
fn read_error_bad_encoding() {
    let (connection, _messages, mut peer) = with_raw_peer(one_channel());
    peer.write_all(&[1, 2, 3, 4, 5]).unwrap();
    let closed = connection.join();
    assert!(matches!(closed.reason, CloseReason::Decode { position: 0, .. }), "{closed}");
}

#[test]
fn read_error_unknown_channel() {
    let far_config = MConnConfig::default().channel(ChannelConfig::new(2, 1));
    let ((near, _), (far, messages)) = connected(one_channel(), far_config);
    assert_eq!(near.send(2, text("wanda")).unwrap_err().refusal, SendRefusal::UnknownChannel);
    near.send(1, text("maximoff")).unwrap();
    assert_eq!(messages.count(), 0);
    assert_eq!(far.join().reason, CloseReason::UnknownChannel { channel: 1 });
}

#[test]
fn read_error_long_message() {
    let mut near_config = one_channel();
    near_config.send_payload_size = 1124;
    let ((near, _), (far, mut messages)) = connected(near_config, one_channel());
    near.send(1, Bytes::from(vec![1; 1024])).unwrap();
    assert_eq!(messages.recv_timeout(PATIENCE), Ok((1, Bytes::from(vec![1; 1024]))));
    near.send(1, Bytes::from(vec![2; 1124])).unwrap();
    assert!(messages.next().is_none());
    let closed = far.join();
    assert!(matches!(closed.reason, CloseReason::Decode { .. }), "{closed}");
    assert_eq!(near.join().fault(), Fault::Network);
}

#[test]
fn read_error_unknown_message_type() {
    let (connection, _messages, mut peer) = with_raw_peer(one_channel());
    // A `Header` with chain id "x": field 2, where a packet has fields 1 to 3 of other kinds.
    peer.write_all(&[0x03, 0x12, 0x01, b'x']).unwrap();
    let closed = connection.join();
    assert_eq!(closed.fault(), Fault::Peer, "{closed}");
}

#[test]
fn try_send() {
    // Nobody reads until we do: the pipe has room for one byte, and the rest of the first packet waits in the writer.
    let mut pipes = over_pipes(one_channel(), 1, None);
    let (connection, outbound) = (&pipes.connection, &mut pipes.outbound);
    connection.try_send(1, text("first")).unwrap();
    wait_until("the first message is with the writer", || outbound.is_full() && connection.can_send(1));
    // One message is being cut into packets, and one may wait.
    connection.try_send(1, text("second")).unwrap();
    connection.try_send(1, text("third")).unwrap();
    assert!(!connection.can_send(1));
    let error = connection.try_send(1, text("fourth")).unwrap_err();
    assert!(matches!(error.refusal, SendRefusal::Full { queued: 1, capacity: 1, .. }), "{error}");
    let error = connection.send_timeout(1, text("fourth"), Duration::from_millis(1)).unwrap_err();
    assert!(matches!(error.refusal, SendRefusal::Full { .. }), "{error}");

    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| connection.send(1, text("fourth")));
        for expected in ["first", "second", "third", "fourth"] {
            let mut read = vec![0; 9 + expected.len()];
            std::io::Read::read_exact(outbound, &mut read).unwrap();
            assert_eq!(read, packet(1, expected.as_bytes()));
        }
        blocked.join().unwrap().unwrap();
    });
}

#[test]
fn channel_overflow() {
    let (connection, messages, mut peer) = with_raw_peer(one_channel());
    // Channel 1025, whose lowest byte is 1.
    peer.write_all(&[0x0a, 0x1a, 0x08, 0x08, 0x81, 0x08, 0x10, 0x01, 0x1a, 0x01, b'x']).unwrap();
    assert_eq!(messages.count(), 0);
    assert_eq!(connection.join().reason, CloseReason::UnknownChannel { channel: 1025 });
}
