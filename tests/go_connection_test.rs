//! The cases of `p2p/conn/connection_test.go @ v0.38`, driven without sockets. Each test carries the name of the original.
//!
//! The helper's configuration is the original's: a ping each 90 ms, a pong within 45 ms, one channel 1 of priority 1 with room
//! for one message. What the original waits for in real time is stepped through here.

#[path = "support/machine.rs"]
mod machine_support;

use bytes::{Bytes, BytesMut};
use machine_support::{
    PING, PONG, Pair, Seen, at, closed, closed_by, delivered, events, feed, machine, ms, output, packet, seen,
};
use mconn::connection::{
    ChannelConfig, CloseReason, Event, Fault, Input, MConnConfig, MConnState, PingPolicy, SendRefusal, Timer,
};
use mconn::machine::Machine;
use mconn::wire::{Codec, DecodeRule, Packet, Proto3};

/// `createTestMConnection`.
fn test_config() -> MConnConfig {
    let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1).send_queue_capacity(1));
    (config.ping, config.pong_timeout) = (PingPolicy::Every(ms(90)), Some(ms(45)));
    config
}

fn connection() -> MConnState {
    machine(test_config())
}

/// Two joined connections, of which the second is the server.
fn joined() -> Pair {
    Pair::new(test_config().channel(ChannelConfig::new(2, 1)), test_config())
}

#[test]
fn mconnection_send_flush_stop() {
    let mut client = connection();
    client.try_send(1, Bytes::from("abc")).unwrap();
    client.handle(at(0), Input::CloseAfterFlush { deadline: None });
    let wire = output(&mut client, at(0));
    assert_eq!(hex::encode(&wire), "0b1a09080110011a03616263", "all of the packet");
    assert_eq!(closed(&mut client), Some(CloseReason::Flushed));
}

#[test]
fn mconnection_send() {
    let mut client = connection();
    client.try_send(1, Bytes::from("Ant-Man")).unwrap();
    assert!(!output(&mut client, at(0)).is_empty());
    assert!(client.can_send(1));
    client.try_send(1, Bytes::from("Spider-Man")).unwrap();
    assert!(!output(&mut client, at(0)).is_empty());
    assert!(!client.can_send(5), "the channel is unknown");
    let refused = client.try_send(5, Bytes::from("Absorbing Man")).unwrap_err();
    assert_eq!(refused.refusal, SendRefusal::UnknownChannel);
}

#[test]
fn mconnection_receive() {
    let mut pair = joined();
    pair.ends[1].try_send(1, Bytes::from("Cyclops")).unwrap();
    pair.settle();
    assert_eq!(pair.events[0], [delivered(1, "Cyclops")]);
    assert_eq!(pair.events[1], []);
}

#[test]
fn mconnection_status() {
    let status = connection().status(at(0));
    assert_eq!(status.channels[0].send_queue_size, 0);
    assert_eq!((status.channels[0].id, status.channels[0].send_queue_capacity), (1, 1));
}

#[test]
fn mconnection_pong_timeout_results_in_error() {
    let mut client = connection();
    client.handle_timeout(at(90));
    assert_eq!(seen(&output(&mut client, at(90))), [Seen::Ping]);
    client.handle_timeout(at(134));
    assert_eq!(events(&mut client), []);
    assert_eq!(client.poll_timeout(), Some((at(135), Timer::PongTimeout)));
    client.handle_timeout(at(135));
    assert_eq!(closed(&mut client), Some(CloseReason::PongTimeout { timeout: ms(45) }));
}

#[test]
fn mconnection_multiple_pongs_in_the_beginning() {
    let mut client = connection();
    assert_eq!(feed(&mut client, at(0), &PONG.repeat(3)), []);
    client.handle_timeout(at(90));
    assert_eq!(seen(&output(&mut client, at(90))), [Seen::Ping]);
    assert_eq!(feed(&mut client, at(91), PONG), []);
    client.handle_timeout(at(90 + 45 + 20));
    assert_eq!(events(&mut client), []);
    assert!(client.wants_read());
}

#[test]
fn mconnection_multiple_pings() {
    let mut client = connection();
    for round in 0..3 {
        assert_eq!(feed(&mut client, at(round), PING), []);
        assert_eq!(seen(&output(&mut client, at(round))), [Seen::Pong]);
    }
    assert!(client.wants_read());
}

#[test]
fn mconnection_ping_pongs() {
    let mut client = connection();
    for round in 1..=2 {
        let now = at(round * 90);
        client.handle_timeout(now);
        assert_eq!(seen(&output(&mut client, now)), [Seen::Ping]);
        assert_eq!(feed(&mut client, now, PONG), []);
        client.handle_timeout(now + ms(60));
    }
    assert_eq!(events(&mut client), [], "no error and no delivery");
    assert!(client.wants_read());
}

#[test]
fn mconnection_stops_and_returns_error() {
    let mut client = connection();
    client.handle(at(1), Input::TransportFailed);
    assert!(!client.wants_read());
    assert_eq!(closed(&mut client), Some(CloseReason::TransportFailed));

    let mut client = connection();
    client.handle(at(1), Input::Received { buf: &mut BytesMut::new(), end: true });
    let reason = closed(&mut client).unwrap();
    assert_eq!(reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
    assert_eq!(reason.fault(), Fault::Network);
}

#[test]
fn mconnection_read_error_bad_encoding() {
    let reason = closed_by(&mut connection(), at(0), &[1, 2, 3, 4, 5]).unwrap();
    assert!(matches!(reason, CloseReason::Decode { position: 0, .. }), "{reason}");
    assert_eq!(reason.fault(), Fault::Peer);
}

#[test]
fn mconnection_read_error_unknown_channel() {
    let mut pair = joined();
    let refused = pair.ends[0].try_send(3, Bytes::from("Ant-Man")).unwrap_err();
    assert_eq!(refused.refusal, SendRefusal::UnknownChannel);
    pair.ends[0].try_send(2, Bytes::from("Ant-Man")).unwrap();
    pair.settle();
    assert_eq!(pair.events[1], [Event::Closed(CloseReason::UnknownChannel { channel: 2 })]);
}

#[test]
fn mconnection_read_error_long_message() {
    let mut server = connection();
    let largest = vec![0; 1024];
    assert_eq!(feed(&mut server, at(0), &packet(1, true, &largest)), [delivered(1, largest.clone())]);
    let reason = closed_by(&mut server, at(0), &packet(1, true, &[0; 1124])).unwrap();
    let CloseReason::Decode { error, position } = reason else { panic!("{reason}") };
    assert_eq!((error.rule, position), (DecodeRule::TooLarge { length: 1134, limit: 1034 }, 1036));
}

#[test]
fn mconnection_read_error_unknown_msg_type() {
    // A block header with the chain id "x": as a packet, a ping and then a pong with an unfinished field.
    let header = hex::decode("050a00120178").unwrap();
    let reason = closed_by(&mut connection(), at(0), &header).unwrap();
    assert!(matches!(reason, CloseReason::Decode { .. }), "{reason}");
}

#[test]
fn mconnection_try_send() {
    let mut client = connection();
    client.try_send(1, Bytes::from("Semicolon-Woman")).unwrap();
    output(&mut client, at(0));
    assert!(client.can_send(1));
    client.try_send(1, Bytes::from("Semicolon-Woman")).unwrap();
    // Go says that it can not send when one message waits; here the channel's capacity decides (see the design).
    client.try_send(1, Bytes::from("Semicolon-Woman")).unwrap();
    assert!(!client.can_send(1));
    let refused = client.try_send(1, Bytes::from("Semicolon-Woman")).unwrap_err();
    let full = SendRefusal::Full { queued: 1, capacity: 1, queued_bytes: 30, capacity_bytes: 22_020_096 };
    assert_eq!((refused.refusal, &refused.message[..]), (full, &b"Semicolon-Woman"[..]));
}

#[test]
fn conn_vectors() {
    let data = b"data transmitted over the wire";
    let packets = [
        (Proto3::new().ping().to_vec(), "0a00", Packet::Ping),
        (Proto3::new().pong().to_vec(), "1200", Packet::Pong),
        (
            packet(1, false, data),
            "1a2208011a1e64617461207472616e736d6974746564206f766572207468652077697265",
            Packet::Message(mconn::wire::MessagePacket { channel: 1, end: false, payload: data }),
        ),
    ];
    for (wire, expected, packet) in packets {
        assert_eq!(hex::encode(&wire[1..]), expected, "without the length in front");
        assert_eq!(Proto3::new().decode(&wire, 1034).unwrap().unwrap().packet, packet);
    }
}

#[test]
fn mconnection_channel_overflow() {
    let mut client = connection();
    assert_eq!(feed(&mut client, at(0), &packet(1, true, &[42])), [delivered(1, vec![42])]);
    // Channel 1025, whose lowest byte is 1.
    let overflow = hex::decode("0a1a08088108".to_owned() + "10011a012a").unwrap();
    let reason = closed_by(&mut client, at(0), &overflow).unwrap();
    assert_eq!(reason, CloseReason::UnknownChannel { channel: 1025 });
}
