//! Closing after flush: the end is told when the last frame has left, not before.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mconn::connection::{CloseReason, Input, SendRefusal, Timer};
use mconn::machine::{Fault, Machine};
use mconn::peer::{Peer, PeerClosed};
use mconn::time::Instant;

use super::{NOW, closed, config, give, messages, pattern, peers, pull};

/// A peer whose last packet was taken out of the machine inside, and which has a frame to go: 1500 bytes are two packets and
/// two frames.
fn before_the_last_frame(deadline: Option<Instant>) -> (Peer, Peer, BytesMut) {
    let (mut from, to) = peers(config());
    from.try_send(0x20, pattern(1500, 0)).unwrap();
    let mut wire = BytesMut::new();
    from.handle(NOW, Input::CloseAfterFlush { deadline });
    assert_eq!(from.may_send(0x20, 1), Err(SendRefusal::Closing));
    assert_eq!(from.transmit_into(NOW, &mut wire, 1044), 1044);
    (from, to, wire)
}

#[test]
fn a_flush_is_over_when_the_last_frame_was_taken() {
    // The second packet may still be inside the machine: then a second look takes it out, in a frame that is not the last.
    let (mut from, mut to) = peers(config());
    for number in 0..10 {
        from.try_send(0x20, pattern(700, number)).unwrap();
    }
    from.handle(NOW, Input::CloseAfterFlush { deadline: None });
    let mut wire = BytesMut::new();
    while from.wants_write() {
        assert!(!from.has_ended() && !from.has_events() && from.poll_event().is_none());
        assert!(matches!(from.may_send(0x20, 1), Err(SendRefusal::Closing)));
        assert_eq!(from.try_send(0x99, Bytes::new()).unwrap_err().refusal, SendRefusal::Closing);
        assert_eq!(from.transmit_into(NOW, &mut wire, 1044), 1044);
    }
    let reason = closed(&mut from);
    assert!(reason.is_flushed());
    assert_eq!(reason.fault(), Fault::Ours);
    give(&mut to, &wire, false);
    assert_eq!(messages(&mut to).len(), 10);
}

#[test]
fn with_nothing_to_send_a_flush_is_over_at_once() {
    let (mut from, _) = peers(config());
    from.handle(NOW, Input::CloseAfterFlush { deadline: None });
    assert!(closed(&mut from).is_flushed());
}

#[test]
fn a_flush_that_begins_before_the_last_frame_waits_for_it() {
    let (mut from, mut to) = peers(config());
    from.try_send(0x20, pattern(1500, 0)).unwrap();
    let mut wire = BytesMut::new();
    from.transmit_into(NOW, &mut wire, 1044);
    from.handle(NOW, Input::CloseAfterFlush { deadline: None });
    assert!(!from.has_ended() && from.wants_write() && from.poll_event().is_none());
    wire.extend_from_slice(&pull(&mut from, 1044));
    assert!(closed(&mut from).is_flushed());
    give(&mut to, &wire, false);
    assert_eq!(messages(&mut to), [(0x20, pattern(1500, 0))]);
}

#[test]
fn the_last_frame_has_the_deadline_that_was_asked_for() {
    let deadline = Instant::from_secs(5);
    let (mut from, ..) = before_the_last_frame(Some(deadline));
    assert_eq!(from.poll_timeout(), Some((deadline, Timer::CloseDeadline)));
    from.handle_timeout(deadline);
    let reason = closed(&mut from);
    assert!(
        matches!(reason, PeerClosed::Connection(CloseReason::FlushDeadline { unsent_messages: 1, unsent_bytes: 1.. })),
        "{reason}"
    );
}

/// Without a deadline the transport may take nothing for as long as a peer may show no life.
#[test]
fn the_last_frame_does_not_wait_for_ever() {
    let (mut from, ..) = before_the_last_frame(None);
    let timeout = Duration::from_secs(45);
    let (deadline, _) = from.poll_timeout().unwrap();
    assert_eq!(deadline, NOW + timeout);
    from.handle_timeout(deadline);
    assert_eq!(closed(&mut from), PeerClosed::Connection(CloseReason::TransmitStalled { timeout }));

    // A deadline can be set later.
    let (mut from, ..) = before_the_last_frame(None);
    from.handle(NOW, Input::CloseAfterFlush { deadline: Some(Instant::from_secs(1)) });
    from.handle_timeout(Instant::from_secs(1));
    assert!(matches!(closed(&mut from), PeerClosed::Connection(CloseReason::FlushDeadline { .. })));

    let mut config = config();
    config.pong_timeout = None;
    let (mut from, _) = peers(config);
    from.try_send(0x20, pattern(1500, 0)).unwrap();
    from.handle(NOW, Input::CloseAfterFlush { deadline: None });
    from.transmit_into(NOW, &mut BytesMut::new(), 1044);
    assert_eq!(from.poll_timeout(), None);
    from.handle_timeout(Instant::from_secs(1_000_000));
    assert!(from.wants_write() && !from.has_ended());
}

#[test]
fn the_last_frame_can_be_given_up() {
    let (mut from, ..) = before_the_last_frame(None);
    from.handle(NOW, Input::Close);
    assert_eq!(closed(&mut from), PeerClosed::Connection(CloseReason::Local));
    let (mut from, ..) = before_the_last_frame(None);
    from.handle(NOW, Input::TransportFailed);
    assert_eq!(closed(&mut from), PeerClosed::Connection(CloseReason::TransportFailed));
    // What the peer says meanwhile is not read any more.
    let (mut from, ..) = before_the_last_frame(None);
    assert!(!from.wants_read());
    assert_eq!(from.recv_budget(NOW), 0);
    assert_eq!(give(&mut from, &[0; 2000], true).len(), 2000);
    pull(&mut from, usize::MAX);
    assert!(closed(&mut from).is_flushed());
}

#[test]
fn other_ends_drop_what_was_not_sealed() {
    for (input, reason) in [(Input::Close, CloseReason::Local), (Input::TransportFailed, CloseReason::TransportFailed)]
    {
        let (mut from, _) = peers(config());
        from.try_send(0x20, pattern(1500, 0)).unwrap();
        from.transmit_into(NOW, &mut BytesMut::new(), 1044);
        from.handle(NOW, input);
        assert_eq!(from.transmit_into(NOW, &mut BytesMut::new(), usize::MAX), 0);
        assert_eq!(closed(&mut from), PeerClosed::Connection(reason));
    }
}
