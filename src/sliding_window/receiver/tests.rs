//! A receiver alone, against peers that do not keep the rules.

use core::task::Poll;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::{PacketError, Piece, PieceFlags, Writer};
use crate::sliding_window::sender::Class;
use proptest::prelude::*;

const FIRST: PieceFlags = PieceFlags::FIRST;
const LAST: PieceFlags = PieceFlags::LAST;
const WHOLE: PieceFlags = PieceFlags::WHOLE;
const UNORDERED: PieceFlags = PieceFlags::UNORDERED;
const SKIPPED: PieceFlags = PieceFlags::SKIPPED.with(PieceFlags::HAS_LENGTH);
const FIN: PieceFlags = PieceFlags::FIN;
const MIDDLE: PieceFlags = PieceFlags::from_bits(0);

const CONFIG: ReceiverConfig =
    ReceiverConfig { window_bytes: 100, window_messages: 10, window_segments: 8, max_message: 50, max_segment: 30 };

fn receiver() -> Receiver {
    Receiver::new(CONFIG)
}

fn piece(flags: PieceFlags, index: u64, payload: &[u8]) -> Vec<u8> {
    skip(flags, index, payload, 0)
}

fn skip(flags: PieceFlags, index: u64, payload: &[u8], skipped: u64) -> Vec<u8> {
    let mut buffer = vec![0; payload.len() + 20];
    let mut writer = Writer::new(&mut buffer);
    assert!(Piece { flags, index, payload, skipped }.write(&mut writer));
    let len = writer.finish().unwrap();
    buffer.truncate(len);
    buffer
}

fn whole(payload: &[u8]) -> Vec<u8> {
    piece(WHOLE, 0, payload)
}

fn taken(receiver: &mut Receiver) -> Vec<Vec<u8>> {
    core::iter::from_fn(|| receiver.receive_with(|message| message.payload.to_vec())).collect()
}

#[test]
fn duplicates_and_what_is_too_far_are_refused_and_counted() {
    let mut receiver = receiver();
    assert_eq!(receiver.on_data(1, &whole(b"b")), Ok(Arrival::New));
    assert_eq!(receiver.on_data(1, &whole(b"other")), Ok(Arrival::Duplicate), "the first one stays");
    assert_eq!(receiver.on_data(8, &whole(b"z")), Ok(Arrival::Refused));
    assert_eq!(receiver.on_data(u64::MAX, &whole(b"z")), Ok(Arrival::Refused));
    assert_eq!(receiver.on_data(7, &whole(b"h")), Ok(Arrival::New));
    assert_eq!(receiver.holes().collect::<Vec<_>>(), [(1, 1), (5, 1)]);
    assert_eq!(receiver.on_data(0, &whole(b"a")), Ok(Arrival::New));
    assert_eq!((taken(&mut receiver), receiver.next_expected()), (vec![b"a".to_vec(), b"b".to_vec()], 2));
    assert_eq!(receiver.on_data(0, &whole(b"a")), Ok(Arrival::Duplicate));
    assert_eq!(receiver.on_data(1, &whole(b"b")), Ok(Arrival::Duplicate));
    let counters = receiver.counters();
    assert_eq!((counters.segments, counters.duplicates, counters.refused, counters.taken), (3, 3, 2, 2));
    assert_eq!(receiver.holes().collect::<Vec<_>>(), [(5, 1)]);
    // What is free counts only once it was told.
    assert_eq!(receiver.on_data(9, &whole(b"z")), Ok(Arrival::Refused));
    assert_eq!(receiver.credit().max_segment, 10);
    assert_eq!(receiver.on_data(9, &whole(b"z")), Ok(Arrival::New));
}

#[test]
fn credit_can_not_be_overrun() {
    let mut receiver = receiver();
    assert_eq!(receiver.on_data(3, &whole(&[1; 50])), Ok(Arrival::New));
    assert_eq!(receiver.on_data(4, &whole(&[1; 51])), Err(PeerFault::MessageTooLarge { size: 51, limit: 50 }));
    assert_eq!(receiver.on_data(5, &whole(&[1; 49])), Ok(Arrival::New));
    assert_eq!(receiver.on_data(6, &whole(&[1; 2])), Err(PeerFault::ByteCredit { sent: 101, granted: 100 }));
    assert_eq!(receiver.on_data(6, &whole(&[1; 1])), Ok(Arrival::New), "an error has changed nothing");
    assert_eq!(receiver.held_bytes(), 100);
    let empty: Vec<u8> = core::iter::repeat_n(piece(WHOLE.with(PieceFlags::HAS_LENGTH), 0, b""), 8).flatten().collect();
    let sent = 11;
    assert_eq!(receiver.on_data(7, &empty), Err(PeerFault::MessageCredit { sent, granted: 10 }));
    assert_eq!(receiver.on_data(7, &empty[..14]), Ok(Arrival::New));
}

/// Skipped pieces take the credit that the sender has spent on them.
#[test]
fn skipped_messages_are_dropped_and_keep_the_credit_right() {
    let mut receiver = receiver();
    receiver.on_data(0, &piece(FIRST, 0, &[1; 20])).unwrap();
    receiver.on_data(1, &skip(MIDDLE.with(SKIPPED), 0, b"", 15)).unwrap();
    receiver.on_data(2, &[skip(LAST.with(SKIPPED), 0, b"", 0), whole(b"after")].concat()).unwrap();
    receiver.on_data(3, &skip(WHOLE.with(UNORDERED).with(SKIPPED), 0, b"", 9)).unwrap();
    assert_eq!(taken(&mut receiver), [b"after"]);
    assert_eq!((receiver.counters().dropped, receiver.held_bytes()), (2, 0));
    let credit = receiver.credit();
    assert_eq!((credit.max_bytes, credit.max_messages, credit.max_segment), (149, 13, 12));
    assert_eq!(credit.consumed, 3);
    let too_much = skip(WHOLE.with(SKIPPED), 0, b"", 51);
    assert_eq!(receiver.on_data(4, &too_much), Err(PeerFault::MessageTooLarge { size: 51, limit: 50 }));
}

#[test]
fn unordered_messages_overtake_and_are_delivered_once() {
    let mut receiver = receiver();
    receiver
        .on_data(1, &[piece(WHOLE.with(UNORDERED).with(PieceFlags::HAS_LENGTH), 0, b"u"), whole(b"b")].concat())
        .unwrap();
    receiver.on_data(5, &piece(LAST.with(UNORDERED), 2, b"!")).unwrap();
    receiver.on_data(3, &piece(FIRST.with(UNORDERED), 0, b"long ")).unwrap();
    assert_eq!(taken(&mut receiver), [b"u"]);
    receiver.on_data(4, &piece(UNORDERED, 1, b"message")).unwrap();
    assert_eq!(taken(&mut receiver), [b"long message!"]);
    assert_eq!(receiver.credit().consumed, 0, "in their turn they count");
    receiver.on_data(0, &whole(b"a")).unwrap();
    receiver.on_data(2, &whole(b"c")).unwrap();
    assert_eq!(taken(&mut receiver), [b"a", b"b", b"c"]);
    let credit = receiver.credit();
    assert_eq!((credit.consumed, credit.max_segment, receiver.held_bytes()), (5, 14, 0));
}

#[test]
fn an_unordered_message_that_comes_in_its_turn_is_put_together_there() {
    let mut receiver = receiver();
    receiver.on_data(2, &piece(LAST.with(UNORDERED), 2, b"c")).unwrap();
    receiver.on_data(0, &piece(FIRST.with(UNORDERED), 0, b"a")).unwrap();
    assert_eq!(receiver.credit().max_segment, 9, "its first segment is free already");
    receiver.on_data(1, &piece(UNORDERED, 1, b"b")).unwrap();
    let message = receiver.take().unwrap();
    assert_eq!((&message.payload[..], message.class), (&b"abc"[..], Class::Unordered));
    assert!(receiver.take().is_none());
}

#[test]
fn fragments_that_form_no_message() {
    let faults: &[(&[Vec<u8>], u64)] = &[
        (&[piece(LAST, 0, b"x")], 0),
        (&[piece(FIRST, 0, b"x"), piece(FIRST, 0, b"x")], 1),
        (&[piece(FIRST, 0, b"x"), whole(b"x")], 1),
        (&[piece(FIRST, 0, b"x"), piece(FIN, 0, b"")], 1),
        (&[piece(FIRST, 0, b"x"), piece(UNORDERED, 1, b"x")], 1),
        (&[piece(FIRST.with(UNORDERED), 0, b"x"), piece(MIDDLE, 0, b"x")], 1),
        (&[whole(b"x"), piece(UNORDERED, 1, b"x")], 1),
        (&[whole(b"x"), piece(UNORDERED, 2, b"x")], 1),
        (&[piece(FIRST.with(UNORDERED), 0, b"x"), piece(UNORDERED, 1, b"x"), piece(UNORDERED, 1, b"x")], 2),
    ];
    for (segments, at) in faults {
        let mut receiver = receiver();
        let result = (0..).zip(*segments).try_for_each(|(number, pieces)| receiver.on_data(number, pieces).map(|_| ()));
        assert_eq!(result, Err(PeerFault::FragmentOrder { segment: *at }), "{segments:?}");
    }
    let mut receiver = receiver();
    assert_eq!(receiver.on_data(0, &piece(FIN, 0, b"")), Ok(Arrival::New));
    assert_eq!(receiver.on_data(1, &whole(b"x")), Err(PeerFault::AfterEnd { segment: 1 }));
}

/// So many fragments that there seem to be enough, but not the right ones.
#[test]
fn fragments_that_only_count_right() {
    let mut receiver = receiver();
    receiver.on_data(7, &piece(UNORDERED, 5, b"x")).unwrap();
    receiver.on_data(2, &piece(FIRST.with(UNORDERED), 0, b"x")).unwrap();
    let last = piece(LAST.with(UNORDERED), 2, b"x");
    assert_eq!(receiver.on_data(4, &last), Err(PeerFault::FragmentOrder { segment: 3 }));
}

#[test]
fn a_message_in_parts_is_no_larger_than_one_in_one() {
    for unordered in [false, true] {
        let flags = if unordered { UNORDERED } else { MIDDLE };
        let parts = [(FIRST.with(flags), 0), (flags, 1), (LAST.with(flags), 2)];
        for order in [[0, 1, 2], [2, 1, 0]] {
            let receive = |last: &[u8]| {
                let mut receiver = receiver();
                order.into_iter().try_for_each(|at| {
                    let (flags, index) = parts[at];
                    let payload = if at == 2 { last } else { &[1; 17] };
                    receiver.on_data(at as u64, &piece(flags, index, payload)).map(|_| ())
                })?;
                Ok(taken(&mut receiver).concat().len())
            };
            assert_eq!(receive(&[1; 17]), Err(PeerFault::MessageTooLarge { size: 51, limit: 50 }));
            assert_eq!(receive(&[1; 16]), Ok(50));
        }
    }
}

#[test]
fn bytes_that_are_no_pieces_change_nothing() {
    let mut receiver = receiver();
    let error = PacketError::PieceFlags { flags: 0x80 };
    assert_eq!(receiver.on_data(0, b"\x23\x01a\x80"), Err(PeerFault::Packet(error)));
    assert_eq!((receiver.held_bytes(), receiver.counters().segments), (0, 0));
    assert_eq!(receiver.on_data(0, &whole(b"a")), Ok(Arrival::New));
    assert_eq!(taken(&mut receiver), [b"a"]);
}

#[test]
fn reading_says_pending_and_never_nothing() {
    let mut receiver = receiver();
    let mut buffer = [0; 4];
    assert_eq!(receiver.read(&mut buffer), Poll::Pending);
    receiver.on_data(0, &whole(b"")).unwrap();
    assert_eq!(receiver.read(&mut buffer), Poll::Pending, "an empty message has no bytes");
    receiver.on_data(1, &whole(b"abcdef")).unwrap();
    receiver.on_data(3, &piece(FIN, 0, b"")).unwrap();
    assert_eq!((receiver.read(&mut buffer), &buffer), (Poll::Ready(4), b"abcd"));
    assert_eq!(receiver.held_bytes(), 6, "its room is free when all of it was read");
    assert_eq!(receiver.read(&mut []), Poll::Ready(0), "no room is no end");
    receiver.on_data(2, &piece(WHOLE.with(UNORDERED), 0, b"u")).unwrap();
    let rest = receiver.take().unwrap();
    assert_eq!((&rest.payload[..], rest.class), (&b"ef"[..], Class::Ordered), "what was begun comes first");
    assert_eq!((receiver.read(&mut buffer), buffer[0]), (Poll::Ready(1), b'u'));
    assert_eq!((receiver.read(&mut buffer), receiver.is_finished()), (Poll::Ready(0), true));
}

#[test]
fn credit_is_told_by_half_windows_and_when_the_peer_may_wait() {
    let mut receiver = receiver();
    for number in 0..4 {
        receiver.on_data(number, &whole(&[1; 10])).unwrap();
    }
    for left in (1..4).rev() {
        receiver.take().unwrap();
        assert!(!receiver.credit_due(), "{left} are here, 3 of 8 segments are free at most");
    }
    receiver.take().unwrap();
    assert!(receiver.credit_due(), "half of the segments");
    assert_eq!(receiver.credit(), Credit { max_bytes: 140, max_messages: 14, max_segment: 12, consumed: 4 });
    assert!(!receiver.credit_due());
    // The peer has less credit than a segment needs: it may wait, although little is free.
    receiver.on_data(4, &[piece(WHOLE.with(PieceFlags::HAS_LENGTH), 0, &[1; 29]), whole(&[1])].concat()).unwrap();
    receiver.on_data(6, &whole(&[1; 41])).unwrap();
    receiver.take().unwrap();
    assert!(!receiver.credit_due(), "one more can be taken");
    receiver.take().unwrap();
    assert!(receiver.credit_due(), "nothing can be taken any more, and 29 bytes may be too few");
}

/// The peer has little credit left, or none, and what is here waits for what is missing: to say so again would help nobody.
#[test]
fn nothing_is_told_when_nothing_has_become_free() {
    let full = |config: ReceiverConfig, payload: &[u8], last: u64| {
        let mut receiver = Receiver::new(config);
        for number in 1..=last {
            receiver.on_data(number, &whole(payload)).unwrap();
        }
        receiver.credit_due()
    };
    assert!(!full(CONFIG, &[1; 40], 2));
    assert!(!full(ReceiverConfig { window_messages: 2, ..CONFIG }, b"", 2));
    assert!(!full(CONFIG, b"", 7));
}

#[test]
fn a_wanted_receipt_is_told_at_once() {
    let mut receiver = receiver();
    receiver
        .on_data(
            0,
            &[piece(WHOLE.with(PieceFlags::HAS_LENGTH), 0, b"a"), piece(WHOLE.with(PieceFlags::RECEIPT), 0, b"b")]
                .concat(),
        )
        .unwrap();
    receiver.take().unwrap();
    assert!(!receiver.credit_due());
    receiver.take().unwrap();
    assert!(receiver.credit_due());
    assert_eq!(receiver.credit().consumed, 2);
    assert!(!receiver.credit_due());
}

#[test]
fn large_messages_are_given_away_with_their_buffer() {
    let mut receiver =
        Receiver::new(ReceiverConfig { window_bytes: 100_000, max_message: 100_000, max_segment: 30_000, ..CONFIG });
    receiver.on_data(0, &piece(FIRST, 0, &[1; 30_000])).unwrap();
    receiver.on_data(1, &piece(LAST, 0, &[2; 5_000])).unwrap();
    let message = receiver.take().unwrap();
    assert_eq!((message.payload.len(), message.payload[29_999], message.payload[30_000]), (35_000, 1, 2));
    assert_eq!(receiver.held_bytes(), 0);
    // Of one of which the beginning was read, the rest.
    receiver.on_data(2, &piece(FIRST, 0, &[3; 30_000])).unwrap();
    receiver.on_data(3, &piece(LAST, 0, &[4; 5_000])).unwrap();
    assert_eq!(receiver.read(&mut [0; 1_000]), Poll::Ready(1_000));
    assert_eq!(receiver.take().unwrap().payload.len(), 34_000);
    assert_eq!(receiver.held_bytes(), 0);
}

#[test]
fn the_tap_is_bounded_and_can_be_closed() {
    let mut receiver = receiver();
    receiver.register_asap(3);
    receiver.on_data(2, &piece(FIRST, 0, b"part")).unwrap();
    for number in [4, 5, 6] {
        receiver.on_data(number, &whole(&[number as u8])).unwrap();
        receiver.on_data(number, &whole(&[number as u8])).unwrap();
    }
    assert_eq!(receiver.asap_dropped(), 1);
    receiver.on_data(7, &skip(WHOLE.with(SKIPPED), 0, b"", 3)).unwrap();
    assert_eq!(receiver.next_asap().unwrap().segment, 4);
    receiver.register_asap(1);
    assert_eq!((receiver.next_asap().unwrap().segment, receiver.asap_dropped()), (6, 2));
    receiver.register_asap(0);
    receiver.on_data(3, &piece(LAST, 0, b"end")).unwrap();
    assert_eq!(receiver.next_asap(), None);
}

proptest! {
    /// Whatever comes: no panic, and never more than was granted.
    #[test]
    fn any_segments_are_harmless(
        steps in prop::collection::vec(
            (0..12_u64, 0..64_u8, 0..4_u64, prop::collection::vec(any::<u8>(), 0..40), 0..4_u8, 0..60_u64), 0..100),
    ) {
        let mut receiver = receiver();
        receiver.register_asap(5);
        for (number, flags, index, payload, kind, skipped) in steps {
            let number = receiver.next_expected().saturating_sub(2) + number;
            let mut buffer = [0; 100];
            let mut writer = Writer::new(&mut buffer);
            Piece { flags: PieceFlags::from_bits(flags), index, payload: &payload, skipped }.write(&mut writer);
            let len = writer.finish().unwrap();
            let pieces = if kind == 0 { &payload } else { &buffer[..len] };
            let before = receiver.held_bytes();
            match receiver.on_data(number, pieces) {
                Ok(Arrival::New) => prop_assert!(number < receiver.granted().max_segment),
                Ok(_) => prop_assert_eq!(receiver.held_bytes(), before),
                Err(PeerFault::FragmentOrder { .. } | PeerFault::AfterEnd { .. } | PeerFault::MessageTooLarge { .. }) => {
                    // The session ends here; going on is harmless all the same.
                }
                Err(_) => prop_assert_eq!(receiver.held_bytes(), before),
            }
            prop_assert!(receiver.held_bytes() <= CONFIG.window_bytes);
            match kind {
                1 => drop(receiver.take()),
                2 => drop(receiver.read(&mut [0; 3])),
                3 => drop(receiver.credit()),
                _ => {}
            }
        }
        while receiver.take().is_some() {}
        prop_assert!(!receiver.is_readable());
    }
}
