//! The way in when something is wrong, or the user slow: all that came before a fault is delivered.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use mconn::connection::{CloseReason, Input, MConnConfig, Timer};
use mconn::machine::{Fault, Machine};
use mconn::peer::{Event, Peer, PeerClosed};
use mconn::rate::TokenBucket;
use mconn::secret::OpenError;
use mconn::time::Instant;

use super::{NOW, Scripted, closed, config, give, messages, pattern, scripted_peer};

fn tiny_inbox() -> MConnConfig {
    let mut config = config();
    config.inbox_messages = 1;
    config
}

/// The packet of a message of few bytes.
fn packet(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).unwrap();
    [&[len + 8, 0x1a, len + 6, 0x08, 0x20, 0x10, 0x01, 0x1a, len], text.as_bytes()].concat()
}

/// Takes the next message, and nothing else.
fn next(peer: &mut Peer) -> Bytes {
    match peer.poll_event() {
        Some(Event::Message { payload, .. }) => payload,
        other => panic!("{other:?}"),
    }
}

/// A frame with a changed bit.
fn bent(peer: &mut Scripted) -> Vec<u8> {
    let mut frame = peer.frame(&packet("bad"));
    frame[9] ^= 4;
    frame
}

#[test]
fn messages_before_a_bad_frame_are_delivered() {
    // The handshake took the frames 0 and 1.
    let error = OpenError::WrongTag { frame: 3 };
    for inbox in [1, 2, 4096] {
        let mut config = config();
        config.inbox_messages = inbox;
        let (mut peer, mut other) = scripted_peer(config);
        let packets = [packet("one"), packet("two"), packet("three"), vec![0x0b, 0x1a]].concat();
        let wire = [other.frame(&packets), bent(&mut other), other.frame(&packet("never"))].concat();
        let left = give(&mut peer, &wire, false);
        assert_eq!([next(&mut peer), next(&mut peer), next(&mut peer)], ["one", "two", "three"]);
        // The frames behind stay where they are, and if the inbox was small the bad one was not looked at.
        give(&mut peer, &left, false);
        let reason = closed(&mut peer);
        assert_eq!((reason.fault(), &reason), (Fault::Peer, &PeerClosed::Open(error)));
        assert!(reason.to_string().contains("frame 3"), "{reason}");
    }
}

#[test]
fn a_bad_frame_that_was_opened_behind_a_full_inbox_waits_for_room() {
    let (mut peer, mut other) = scripted_peer(tiny_inbox());
    let wire = [other.frame(&packet("one")[..5]), other.frame(&packet("one")[5..]), bent(&mut other)].concat();
    // All three are opened at once: the inbox is empty.
    give(&mut peer, &wire, false);
    assert!(!peer.wants_read());
    assert_eq!(peer.recv_budget(NOW), 0);
    assert_eq!(next(&mut peer), "one");
    assert_eq!(closed(&mut peer), PeerClosed::Open(OpenError::WrongTag { frame: 4 }));
}

#[test]
fn a_fault_inside_the_frames_is_that_of_the_connection() {
    let (mut peer, mut other) = scripted_peer(config());
    let frame = other.frame(&[packet("one"), vec![3, 9, 9, 9]].concat());
    give(&mut peer, &frame, false);
    assert_eq!(next(&mut peer), "one");
    let reason = closed(&mut peer);
    assert!(matches!(reason, PeerClosed::Connection(CloseReason::Decode { .. })), "{reason}");
    assert_eq!(reason.fault(), Fault::Peer);
}

#[test]
fn frames_without_data_are_limited() {
    let (mut peer, mut other) = scripted_peer(config());
    let wire: Vec<u8> = (0..65).flat_map(|_| other.frame(&[])).collect();
    give(&mut peer, &wire, false);
    assert_eq!(closed(&mut peer), PeerClosed::Open(OpenError::EmptyFrames { frames: 65, limit: 64 }));
}

#[test]
fn the_end_of_the_stream_counts_what_was_cut() {
    let ended = |unread_bytes, partial_messages| {
        PeerClosed::Connection(CloseReason::PeerClosed { unread_bytes, partial_messages })
    };
    let (mut peer, _) = scripted_peer(config());
    give(&mut peer, &[], true);
    assert_eq!(closed(&mut peer), ended(0, 0));

    let (mut peer, mut other) = scripted_peer(config());
    let wire = [other.frame(&packet("half")[..7]), other.frame(b"")[..100].to_vec()].concat();
    give(&mut peer, &wire, true);
    assert_eq!(closed(&mut peer), ended(107, 0));
}

/// A driver that has nothing more to feed need not come back.
#[test]
fn the_end_of_the_stream_behind_a_full_inbox_is_found_without_the_driver() {
    let (mut peer, mut other) = scripted_peer(tiny_inbox());
    let frame = other.frame(&[packet("one"), packet("two"), packet("three")].concat());
    assert!(give(&mut peer, &frame, true).is_empty());
    assert!(!peer.wants_read() && !peer.has_ended());
    assert_eq!([next(&mut peer), next(&mut peer), next(&mut peer)], ["one", "two", "three"]);
    assert_eq!(
        closed(&mut peer),
        PeerClosed::Connection(CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 })
    );
}

/// Whole frames that could not be opened are still in the driver's buffer, so it feeds them again, and says so again.
#[test]
fn an_end_with_frames_left_is_not_the_end() {
    let (mut peer, mut other) = scripted_peer(tiny_inbox());
    let mut wire = Vec::new();
    for number in 0..40 {
        wire.extend(other.frame(&packet(&format!("{number}"))));
    }
    let (mut buf, mut received) = (BytesMut::from(&wire[..]), 0);
    let reason = loop {
        peer.handle(NOW, Input::Received { buf: &mut buf, end: true });
        match peer.poll_event().unwrap() {
            Event::Message { payload, .. } => {
                assert_eq!(payload, received.to_string());
                received += 1;
            }
            Event::Closed(reason) => break reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(received, 40);
    assert!(matches!(reason, PeerClosed::Connection(CloseReason::PeerClosed { unread_bytes: 0, .. })));
}

#[test]
fn frames_are_opened_only_while_the_machine_has_room() {
    let (mut peer, mut other) = scripted_peer(tiny_inbox());
    let wire: Vec<u8> = (0..100).flat_map(|_| other.frame(&[packet("x"), vec![0; 500]].concat()[..12])).collect();
    let opened = peer.frames_opened();
    let left = give(&mut peer, &wire, false);
    let first = peer.frames_opened() - opened;
    assert!(first < 100 && left.len() == wire.len() - usize::try_from(first).unwrap() * 1044);
    // While nobody takes anything, nothing more is opened.
    let left = give(&mut peer, &left, false);
    assert_eq!(peer.frames_opened() - opened, first);
    assert_eq!(peer.recv_budget(NOW), 0);
    drop(left);
}

#[test]
fn swapped_messages_make_room_for_those_behind() {
    let (mut peer, mut other) = scripted_peer(tiny_inbox());
    let frame = other.frame(&[packet("one"), packet("two"), packet("three")].concat());
    let mut buf = give(&mut peer, &frame, false);
    let (mut taken, mut all) = (VecDeque::new(), Vec::new());
    assert!(!peer.has_unread());
    while peer.has_events() {
        assert!(peer.swap_messages(&mut taken, 10, 1000).is_some());
        all.extend(taken.drain(..).map(|(_, message)| message));
        if peer.has_unread() {
            peer.handle(NOW, Input::Received { buf: &mut buf, end: false });
        }
    }
    assert_eq!(all, ["one", "two", "three"]);
}

#[test]
fn a_limited_peer_reads_on_when_its_time_has_come() {
    let mut limited = config();
    limited.recv_limiter = Box::new(TokenBucket::new(20_000, 3000));
    let (mut peer, mut other) = scripted_peer(limited);
    peer.set_recv_rate(NOW, Some(10_000));
    let message = pattern(1000, 7);
    let mut plain = mconn::connection::MConnState::new(config(), NOW).unwrap();
    for _ in 0..60 {
        plain.try_send(0x20, message.clone()).unwrap();
    }
    let mut packets = BytesMut::new();
    plain.transmit_into(NOW, &mut packets, usize::MAX);
    let wire: Vec<u8> = packets.chunks(1024).flat_map(|data| other.frame(data)).collect();
    let (mut rest, mut buf) = (BytesMut::from(&wire[..]), BytesMut::new());
    let (mut now, mut received, mut waits) = (NOW, 0, 0);
    while received < 60 {
        peer.handle_timeout(now);
        peer.handle(now, Input::Received { buf: &mut buf, end: false });
        let before = received;
        received += messages(&mut peer).len();
        let budget = peer.recv_budget(now);
        assert!(budget == 0 || budget >= 1044, "a part of a frame is of no use");
        let room = budget.saturating_sub(buf.len()).min(rest.len());
        buf.extend_from_slice(&rest.split_to(room));
        if received == before && room == 0 {
            let (deadline, timer) = peer.poll_timeout().unwrap();
            assert_eq!(timer, Timer::RecvRate);
            assert!(deadline > now);
            now = deadline;
            waits += 1;
        }
    }
    assert!(waits > 3 && now > Instant::from_secs(2), "{waits} waits, {now:?}");
}
