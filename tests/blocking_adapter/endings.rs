//! How connections end, and that their threads end with them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::blocking;
use mconn::connection::{ChannelConfig, CloseReason, Fault, MConnConfig, SendRefusal};

use crate::support::*;

fn long_queue() -> MConnConfig {
    MConnConfig::default().channel(ChannelConfig::new(1, 1).send_queue_capacity(1_000))
}

#[test]
fn close_ends_both_threads_at_once() {
    let pipes = over_pipes(one_channel(), 1 << 16, None);
    pipes.connection.close();
    let closed = pipes.connection.join();
    assert_eq!(closed.reason, CloseReason::Local);
    assert!(closed.io.is_none());
    assert_eq!(pipes.gone.count(), 2, "join comes back after the threads have ended");
    assert_eq!(pipes.connection.join().reason, CloseReason::Local, "and tells the same again");
    assert_eq!(pipes.connection.wait_closed(Duration::ZERO).unwrap().reason, CloseReason::Local);
}

#[test]
fn close_frees_a_writer_that_the_transport_holds_and_drops_the_rest() {
    let pipes = over_pipes(long_queue(), 4, None);
    for _ in 0..10 {
        pipes.connection.send(1, Bytes::from(vec![7; 100_000])).unwrap();
    }
    wait_until("the writer is stuck", || pipes.outbound.is_full());
    pipes.connection.close();
    assert_eq!(pipes.connection.join().reason, CloseReason::Local);
    assert_eq!(pipes.gone.count(), 2);
    assert!(pipes.connection.status().counters.unsent_messages >= 9);
    assert_eq!(pipes.connection.send(1, text("late")).unwrap_err().refusal, SendRefusal::Closed);
}

#[test]
fn close_gives_a_waiting_sender_its_message_back() {
    let pipes = over_pipes(one_channel(), 4, None);
    let connection = &pipes.connection;
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            loop {
                if let Err(error) = connection.send(1, text("again and again")) {
                    return error;
                }
            }
        });
        wait_until("the queue is full", || !connection.can_send(1));
        connection.close();
        let error = sender.join().unwrap();
        assert_eq!((error.refusal, error.message), (SendRefusal::Closed, text("again and again")));
    });
}

#[test]
fn closing_after_flush_gives_a_waiting_sender_its_message_back_at_once() {
    let pipes = over_pipes(one_channel(), 4, None);
    let (connection, (done, error)) = (pipes.connection.clone(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        let error = std::iter::repeat_with(|| connection.send(1, text("again and again"))).find_map(Result::err);
        let _ = done.send(error);
    });
    wait_until("the queue is full", || !pipes.connection.can_send(1));
    std::thread::sleep(Duration::from_millis(20)); // It is most likely asleep by now.
    pipes.connection.close_after_flush(None);
    let error = error.recv_timeout(Duration::from_secs(20)).expect("an answer").unwrap();
    assert_eq!((error.refusal, error.message), (SendRefusal::Closing, text("again and again")));
    assert!(!pipes.connection.is_closed(), "the pipe takes nothing");
    pipes.connection.close();
}

/// The last byte of a flush ends the machine when it is made, not when it is written.
#[test]
fn the_end_is_told_while_the_last_bytes_are_written() {
    let mut pipes = over_pipes(one_channel(), 4, None);
    pipes.connection.send(1, text("more than four bytes")).unwrap();
    pipes.connection.close_after_flush(None);
    let next = pipes.messages.recv_timeout(PATIENCE);
    assert_eq!(next, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    assert!(pipes.connection.is_closed() && pipes.connection.wait_closed(Duration::ZERO).is_none());
    pipes.connection.close();
    assert_eq!(pipes.connection.join().reason, CloseReason::Local);
}

#[test]
fn close_after_flush_sends_everything_and_then_the_end() {
    let ((near, _), (far, messages)) = connected(long_queue(), one_channel());
    for number in 0..500_u32 {
        near.send(1, Bytes::from(vec![number as u8; number as usize * 10])).unwrap();
    }
    near.close_after_flush(None);
    let refusal = near.send(1, text("late")).unwrap_err().refusal;
    assert!(matches!(refusal, SendRefusal::Closing | SendRefusal::Closed));
    for (number, (_, payload)) in messages.enumerate() {
        assert_eq!(payload, vec![number as u8; number * 10]);
    }
    assert_eq!(far.status().counters.messages_received, 500);
    assert_eq!(far.join().reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
    let closed = near.join();
    assert_eq!(closed.reason, CloseReason::Flushed);
    assert!(closed.io.is_none(), "{closed}");
}

#[test]
fn a_flush_is_not_destroyed_by_what_the_peer_sends_meanwhile() {
    let mut small = long_queue();
    small.inbox_messages = 1;
    let ((near, asleep), (far, messages)) = connected(small, long_queue());
    // Nobody takes these: they wait in the socket when it is closed.
    for _ in 0..50 {
        far.send(1, Bytes::from(vec![9; 10_000])).unwrap();
    }
    wait_until("something waits", || near.status().inbox_messages > 0);
    for _ in 0..50 {
        near.send(1, Bytes::from(vec![8; 100_000])).unwrap();
    }
    near.close_after_flush(Some(PATIENCE));
    assert_eq!(messages.map(|(_, payload)| payload.len()).sum::<usize>(), 5_000_000);
    far.close();
    assert_eq!(near.join().reason, CloseReason::Flushed);
    drop(asleep);
}

#[test]
fn the_deadline_of_a_flush_frees_a_writer_that_the_transport_holds() {
    let pipes = over_pipes(long_queue(), 4, Some(Duration::from_millis(5)));
    for _ in 0..10 {
        pipes.connection.send(1, Bytes::from(vec![7; 100_000])).unwrap();
    }
    pipes.connection.close_after_flush(Some(Duration::from_millis(50)));
    let closed = pipes.connection.join();
    assert!(matches!(closed.reason, CloseReason::FlushDeadline { .. }), "{closed}");
    assert_eq!(pipes.gone.count(), 2);
}

#[test]
fn the_deadline_of_a_flush_holds_for_the_last_bytes_too() {
    let pipes = over_pipes(one_channel(), 4, Some(Duration::from_millis(5)));
    // All of it fits into one batch, so that for the machine everything has left.
    pipes.connection.send(1, text("longer than the pipe")).unwrap();
    pipes.connection.close_after_flush(Some(Duration::from_millis(50)));
    let closed = pipes.connection.join();
    assert_eq!(closed.reason, CloseReason::TransportFailed);
    assert_eq!(closed.io.unwrap().kind(), ErrorKind::TimedOut);
    assert_eq!(pipes.gone.count(), 2);
}

#[test]
fn the_last_bytes_of_a_flush_without_a_deadline_wait_for_the_pong_timeout() {
    let mut config = one_channel();
    config.pong_timeout = Some(Duration::from_millis(50));
    let pipes = over_pipes(config, 4, Some(Duration::from_millis(5)));
    pipes.connection.send(1, text("longer than the pipe")).unwrap();
    pipes.connection.close_after_flush(None);
    let closed = pipes.connection.join();
    assert_eq!(closed.reason, CloseReason::TransportFailed);
    assert_eq!(closed.io.unwrap().kind(), ErrorKind::TimedOut);
}

#[test]
fn the_deadline_of_a_flush_holds_over_tcp() {
    let (connection, _messages, peer) = with_raw_peer(long_queue());
    for _ in 0..200 {
        connection.send(1, Bytes::from(vec![7; 100_000])).unwrap();
    }
    connection.close_after_flush(Some(Duration::from_millis(50)));
    let closed = connection.join();
    assert!(matches!(closed.reason, CloseReason::FlushDeadline { .. }), "{closed}");
    drop(peer);
}

#[test]
fn close_ends_a_flush() {
    let pipes = over_pipes(one_channel(), 4, None);
    pipes.connection.send(1, text("longer than the pipe")).unwrap();
    pipes.connection.close_after_flush(None);
    wait_until("the writer is stuck", || pipes.outbound.is_full() && pipes.connection.is_closed());
    pipes.connection.close();
    assert_eq!(pipes.connection.join().reason, CloseReason::Local, "the last bytes did not leave");
    assert_eq!(pipes.gone.count(), 2);
}

#[test]
fn a_flush_waits_for_the_end_of_the_peer() {
    let mut pipes = over_pipes(one_channel(), 1 << 16, None);
    pipes.connection.send(1, text("last words")).unwrap();
    pipes.connection.close_after_flush(Some(PATIENCE));
    let mut heard = Vec::new();
    pipes.outbound.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, packet(1, b"last words"));
    assert_eq!(pipes.gone.count(), 0, "the peer has not ended");
    pipes.inbound.write_all(&[0xff; 100]).unwrap(); // nobody looks at it any more
    pipes.inbound.close();
    assert_eq!(pipes.connection.join().reason, CloseReason::Flushed);
    assert_eq!(pipes.gone.count(), 2);
}

#[test]
fn dropping_the_last_handle_flushes_and_ends_both_threads() {
    let OverPipes { connection, messages, inbound, mut outbound, gone } = over_pipes(one_channel(), 1 << 16, None);
    let sender = connection.sender(1).unwrap();
    drop(connection);
    drop(messages);
    sender.send(text("last words")).unwrap();
    assert_eq!(gone.count(), 0);
    drop(sender);
    let mut heard = Vec::new();
    outbound.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, packet(1, b"last words"));
    inbound.close();
    gone.wait_for(2);
}

#[test]
fn messages_alone_keep_the_connection() {
    let OverPipes { connection, mut messages, mut inbound, outbound, gone } = over_pipes(one_channel(), 1 << 16, None);
    drop(connection);
    inbound.write_all(&packet(1, b"one")).unwrap();
    assert_eq!(messages.recv(), Some((1, text("one"))));
    drop(messages);
    inbound.close();
    gone.wait_for(2);
    drop(outbound);
}

#[test]
fn without_messages_everything_else_goes_on() {
    let mut config = one_channel();
    config.inbox_messages = 2;
    let OverPipes { connection, messages, mut inbound, mut outbound, gone } = over_pipes(config, 1 << 16, None);
    for _ in 0..10 {
        inbound.write_all(&packet(1, b"unheard")).unwrap();
    }
    wait_until("the inbox is full", || connection.status().inbox_messages == 2);
    drop(messages);
    for _ in 0..1_000 {
        inbound.write_all(&packet(1, b"unheard")).unwrap();
    }
    inbound.write_all(&PING).unwrap();
    let mut pong = [0; 3];
    outbound.read_exact(&mut pong).unwrap();
    assert_eq!(pong, PONG);
    assert_eq!(connection.status().counters.messages_received, 1_010);
    inbound.close();
    assert_eq!(connection.join().reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
    assert_eq!(gone.count(), 2);
}

#[test]
fn what_came_before_the_end_can_be_taken_after_it() {
    let mut pipes = over_pipes(one_channel(), 1 << 16, None);
    let bytes = [packet(1, b"one"), packet(1, b"two"), vec![0xff, 0xff]].concat();
    pipes.inbound.write_all(&bytes).unwrap();
    pipes.inbound.close();
    let closed = pipes.connection.join();
    assert_eq!(closed.reason, CloseReason::PeerClosed { unread_bytes: 2, partial_messages: 0 });
    let received: Vec<_> = pipes.messages.by_ref().collect();
    assert_eq!(received, [(1, text("one")), (1, text("two"))]);
    assert!(pipes.messages.next().is_none());
    assert_eq!(pipes.messages.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    assert_eq!(
        pipes.messages.recv_timeout(Duration::from_millis(1)),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn a_receiver_can_look_and_wait_for_a_while() {
    let mut pipes = over_pipes(one_channel(), 1 << 16, None);
    assert_eq!(pipes.messages.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty));
    assert_eq!(pipes.messages.recv_timeout(Duration::from_millis(1)), Err(std::sync::mpsc::RecvTimeoutError::Timeout));
    pipes.inbound.write_all(&packet(1, b"one")).unwrap();
    assert_eq!(pipes.messages.recv_timeout(PATIENCE), Ok((1, text("one"))));
}

#[test]
fn an_error_of_the_transport_is_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::ConnectionReset.into())
        }
    }
    let (connection, messages) = blocking::connect(Broken, io::sink(), |_| Ok(()), one_channel()).unwrap();
    assert_eq!(messages.count(), 0);
    let closed = connection.join();
    assert_eq!(closed.reason, CloseReason::TransportFailed);
    assert_eq!(closed.io.unwrap().kind(), ErrorKind::ConnectionReset);
    assert_eq!((connection.local_addr(), connection.remote_addr()), (None, None));
}

#[test]
fn a_transport_that_takes_nothing_any_more_is_told() {
    let mut pipes = over_pipes(one_channel(), 1 << 16, None);
    pipes.outbound.close();
    pipes.connection.send(1, text("nobody")).unwrap();
    let closed = pipes.connection.join();
    assert_eq!(closed.reason, CloseReason::TransportFailed);
    assert_eq!(closed.io.unwrap().kind(), ErrorKind::BrokenPipe);
    assert!(pipes.messages.next().is_none());
    assert_eq!(pipes.gone.count(), 2);
}

/// A transport that panics.
struct Panics;

impl Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("in the reader of the user");
    }
}

impl Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("in the writer of the user");
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_in_a_reader_ends_the_connection_and_nothing_else() {
    let outbound = Pipe::new(100, None);
    let ([guard], gone) = guards();
    let writer = Keeping(outbound, guard);
    let (connection, messages) = blocking::connect(Panics, writer, |_| Ok(()), one_channel()).unwrap();
    assert_eq!(messages.count(), 0);
    assert_eq!(connection.join().reason, CloseReason::TransportFailed);
    assert_eq!(gone.count(), 1);
}

#[test]
fn a_panic_in_a_writer_ends_the_connection_and_nothing_else() {
    let inbound = Pipe::new(100, None);
    let ([guard], gone) = guards();
    let (reader, ended) = (Keeping(inbound.clone(), guard), inbound);
    let shutdown = move |_| {
        ended.close();
        Ok(())
    };
    let (connection, messages) = blocking::connect(reader, Panics, shutdown, one_channel()).unwrap();
    connection.send(1, text("bang")).unwrap();
    assert_eq!(messages.count(), 0);
    assert_eq!(connection.join().reason, CloseReason::TransportFailed);
    assert_eq!(gone.count(), 1);
}

#[test]
fn a_half_that_the_peer_closes_ends_the_connection() {
    let (connection, messages, mut peer) = with_raw_peer(one_channel());
    assert_eq!(connection.remote_addr(), Some(peer.local_addr().unwrap()));
    assert_eq!(connection.local_addr(), Some(peer.peer_addr().unwrap()));
    peer.write_all(&packet(1, b"and out")).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(messages.collect::<Vec<_>>(), [(1, text("and out"))]);
    let closed = connection.join();
    assert_eq!(
        (&closed.reason, closed.fault()),
        (&CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 }, Fault::Network)
    );
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "our side is closed too, though a handle is kept");
}

#[test]
fn a_configuration_that_can_not_work_is_refused() {
    let (near, _far) = tcp_pair();
    let config = one_channel().channel(ChannelConfig::new(1, 1));
    let error = blocking::connect_tcp(near, config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "channel 0x01 is configured twice");
}
