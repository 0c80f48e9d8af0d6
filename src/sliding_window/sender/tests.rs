//! A sender alone.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::{Data, Piece, PieceFlags};

const NOW: Instant = Instant::ZERO;

const CONFIG: SenderConfig = SenderConfig {
    max_message: 1000,
    buffer_bytes: 2000,
    buffer_messages: 10,
    window_segments: 6,
    max_frame: 105,
    max_receipts: 2,
};

fn sender() -> Sender {
    let mut sender = Sender::new(CONFIG);
    sender.on_credit(&Credit { max_bytes: 10_000, max_messages: 100, max_segment: 100, consumed: 0 });
    sender
}

fn send(sender: &mut Sender, len: usize) -> MessageId {
    send_as(sender, len, SendOptions::ORDERED)
}

fn send_as(sender: &mut Sender, len: usize, options: SendOptions) -> MessageId {
    sender.try_send(vec![7; len].into(), &options).unwrap()
}

/// The flags without those of the length, and the bytes, of all pieces of a segment.
fn pieces(sender: &Sender, segment: u64) -> Vec<(u8, usize)> {
    let mut buffer = [0; 2000];
    let len = sender.encode(segment, 0, &mut buffer);
    let data = Data { segment: 0, pieces: &buffer[5..len] };
    let pieces: Vec<Piece<'_>> = data.iter().collect::<Result<_, _>>().unwrap();
    pieces.iter().map(|piece| (piece.flags.bits() & !PieceFlags::HAS_LENGTH.bits(), piece.credit() as usize)).collect()
}

fn next(sender: &mut Sender) -> Option<(u64, Vec<(u8, usize)>)> {
    let segment = sender.next(NOW, 105)?;
    Some((segment, pieces(sender, segment)))
}

#[test]
fn small_messages_share_a_segment_and_large_ones_are_cut() {
    let mut sender = sender();
    for len in [10, 0, 20, 250, 30, 5] {
        send(&mut sender, len);
    }
    assert_eq!(next(&mut sender), Some((0, vec![(3, 10), (3, 0), (3, 20)])));
    assert_eq!(next(&mut sender), Some((1, vec![(1, 99)])), "a first fragment is alone");
    assert_eq!(next(&mut sender), Some((2, vec![(0, 99)])));
    assert_eq!(next(&mut sender), Some((3, vec![(2, 52), (3, 30), (3, 5)])), "after a last one there is room");
    assert_eq!((next(&mut sender), sender.has_work(), sender.blocked_by()), (None, false, None));
}

#[test]
fn nothing_is_sent_without_credit() {
    let mut sender = Sender::new(CONFIG);
    send(&mut sender, 10);
    assert_eq!((next(&mut sender), sender.blocked_by()), (None, Some(Blocked::Segments)));
    let mut credit = Credit { max_bytes: 5, max_messages: 0, max_segment: 1, consumed: 0 };
    sender.on_credit(&credit);
    assert!(sender.has_work());
    assert_eq!((next(&mut sender), sender.blocked_by()), (None, Some(Blocked::Messages)));
    credit.max_messages = 1;
    sender.on_credit(&credit);
    assert_eq!((next(&mut sender), sender.blocked_by()), (None, Some(Blocked::Bytes)));
    assert!(!sender.has_work() && sender.has_unsent());
    credit.max_bytes = 10;
    sender.on_credit(&credit);
    // Old news take nothing back.
    sender.on_credit(&Credit::default());
    assert_eq!(sender.credit(), credit);
    assert_eq!(next(&mut sender), Some((0, vec![(3, 10)])));
}

/// Weakness 4 of the original: a peer that grants more than our own ring holds made live slots be overwritten.
#[test]
fn the_own_window_holds_whatever_the_peer_grants() {
    let mut sender = sender();
    for _ in 0..7 {
        send(&mut sender, 90);
    }
    for number in 0..6 {
        assert_eq!(next(&mut sender), Some((number, vec![(3, 90)])));
    }
    assert_eq!((next(&mut sender), sender.blocked_by()), (None, Some(Blocked::Window)));
    sender.on_acked(3);
    assert_eq!(next(&mut sender), None, "the oldest still waits");
    sender.on_acked(0);
    assert_eq!(next(&mut sender), Some((6, vec![(3, 90)])));
}

/// Defect 1 of the original: an acknowledgement of what was never sent deleted it.
#[test]
fn acknowledgements_of_anything_else_are_harmless() {
    let mut sender = sender();
    send(&mut sender, 10);
    for number in [0, 1, u64::MAX] {
        sender.on_acked(number);
        sender.on_lost(number);
    }
    assert_eq!(next(&mut sender), Some((0, vec![(3, 10)])));
    sender.on_acked(0);
    sender.on_acked(0);
    sender.on_lost(0);
    assert_eq!((sender.has_work(), sender.buffered_bytes(), sender.buffered_messages()), (false, 0, 0));
    assert_eq!(sender.counters().acknowledged, 1);
}

#[test]
fn what_is_lost_goes_first_and_once() {
    let mut sender = sender();
    for _ in 0..3 {
        send(&mut sender, 90);
    }
    next(&mut sender);
    next(&mut sender);
    sender.on_lost(1);
    sender.on_lost(0);
    sender.on_lost(0);
    assert_eq!(sender.next(NOW, 50), None, "too little room for it, and nothing else goes before");
    assert_eq!([next(&mut sender), next(&mut sender), next(&mut sender)].map(|next| next.unwrap().0), [1, 0, 2]);
    // On its way twice: one loss is none.
    assert_eq!(sender.probe_segment(NOW, 105), Some(0));
    sender.on_lost(0);
    assert!(!sender.has_work());
    sender.on_lost(0);
    assert!(sender.has_work());
    sender.on_acked(0);
    assert_eq!(next(&mut sender), None, "the loss was none");
    assert_eq!((sender.counters().resent, sender.unacked_segments(), sender.next_segment()), (3, 2, 3));
}

#[test]
fn limits_of_what_is_accepted() {
    let mut sender = sender();
    let refusal = |sender: &mut Sender, len: usize, options: SendOptions| {
        let message = Bytes::from(vec![1; len]);
        let error = sender.try_send(message.clone(), &options).unwrap_err();
        assert_eq!(error.message, message, "the message comes back");
        error.refusal
    };
    let ordered = SendOptions::ORDERED;
    assert_eq!(refusal(&mut sender, 1001, ordered), SendRefusal::TooLarge { limit: 1000 });
    let receipt = ordered.with_receipt();
    send_as(&mut sender, 1000, receipt);
    send_as(&mut sender, 999, receipt);
    assert_eq!(refusal(&mut sender, 1, receipt), SendRefusal::TooManyReceipts { waiting: 2 });
    assert_eq!(refusal(&mut sender, 2, ordered), SendRefusal::Full { messages: 2, bytes: 1999 });
    for _ in 0..8 {
        send(&mut sender, 0);
    }
    assert_eq!(refusal(&mut sender, 0, ordered), SendRefusal::Full { messages: 10, bytes: 1999 });
    assert!(!sender.take_writable());
    let mark = sender.mark();
    while sender.has_work() {
        let (number, _) = next(&mut sender).unwrap_or_default();
        sender.on_acked(number);
    }
    assert!(sender.is_flushed(mark) && sender.take_writable() && !sender.take_writable());
    assert_eq!(refusal(&mut sender, 1, receipt), SendRefusal::TooManyReceipts { waiting: 2 }, "acks are no receipts");
    sender.finish();
    assert_eq!(refusal(&mut sender, 1, ordered), SendRefusal::Finished);
    assert!(sender.is_finishing() && !sender.is_finished());
}

#[test]
fn a_mark_is_reached_when_all_before_it_is() {
    let mut sender = sender();
    assert_eq!(sender.mark(), 0);
    assert!(sender.is_flushed(0));
    send(&mut sender, 90);
    let mark = sender.mark();
    send(&mut sender, 90);
    next(&mut sender);
    next(&mut sender);
    sender.on_acked(1);
    assert!(!sender.is_flushed(mark) && sender.is_flushed(0));
    sender.on_acked(0);
    assert!(sender.is_flushed(mark) && sender.is_flushed(2));
}

#[test]
fn receipts_are_those_of_consumption_in_order() {
    let mut sender = sender();
    let receipt = SendOptions::ORDERED.with_receipt();
    let ids = [send(&mut sender, 1), send_as(&mut sender, 1, receipt), send(&mut sender, 1)];
    let last = send_as(&mut sender, 1, receipt.expires(Expires::Transmissions(1)));
    assert_eq!(ids.map(MessageId::number), [0, 1, 2]);
    let fault = PeerFault::ConsumedUnsent { consumed: 1, sent: 0 };
    assert_eq!(sender.on_consumed(1, &mut |_| panic!()), Err(fault));
    next(&mut sender);
    sender.on_acked(0);
    let mut told = Vec::new();
    for count in [1, 2, 2, 1, 4] {
        sender.on_consumed(count, &mut |id| told.push((count, id))).unwrap();
    }
    assert_eq!(told, [(2, ids[1]), (4, last)]);
    assert_eq!(sender.waiting_receipts(), 0);
}

#[test]
fn messages_expire_before_they_are_sent() {
    let mut sender = sender();
    let at = |millis| SendOptions::ORDERED.expires(Expires::At(Instant::from_millis(millis)));
    send_as(&mut sender, 50, at(20).with_receipt());
    send_as(&mut sender, 40, at(10));
    send(&mut sender, 30);
    send_as(&mut sender, 20, at(10));
    assert_eq!(sender.expiry_deadline(), Some(Instant::from_millis(10)));
    sender.expire(Instant::from_millis(9));
    assert_eq!(sender.poll_expired(), None);
    sender.expire(Instant::from_millis(10));
    let expired: Vec<_> = core::iter::from_fn(|| sender.poll_expired()).map(MessageId::number).collect();
    assert_eq!((expired, sender.buffered_bytes(), sender.buffered_messages()), (vec![1, 3], 80, 2));
    assert_eq!(sender.waiting_receipts(), 1);
    let first = sender.next(Instant::from_millis(20), 105).unwrap();
    assert_eq!(
        (pieces(&sender, first), sender.waiting_receipts()),
        (vec![(3, 30)], 0),
        "a place of its own it never had"
    );
    assert_eq!((sender.poll_expired().map(MessageId::number), sender.expiry_deadline()), (Some(0), None));
    assert_eq!(sender.counters().expired, 3);
    sender.on_acked(first);
    assert_eq!(sender.mark(), 4);
    assert!(sender.is_flushed(4));
}

#[test]
fn a_message_that_expires_on_its_way_is_skipped_when_it_is_sent_again() {
    let mut sender = sender();
    send(&mut sender, 10);
    let id = send_as(&mut sender, 20, SendOptions::UNORDERED.expires(Expires::Transmissions(2)).with_receipt());
    send(&mut sender, 30);
    next(&mut sender);
    sender.on_lost(0);
    assert_eq!(next(&mut sender), Some((0, vec![(3, 10), (0x47, 20), (3, 30)])), "it may be sent twice");
    sender.on_lost(0);
    assert_eq!(
        next(&mut sender),
        Some((0, vec![(3, 10), (0x4f, 20), (3, 30)])),
        "8: skipped, and the credit stays spent"
    );
    assert_eq!((sender.poll_expired(), sender.poll_expired()), (Some(id), None));
    sender.on_consumed(3, &mut |_| panic!("no receipt for what was skipped")).unwrap();
    sender.on_acked(0);
    assert_eq!((sender.buffered_bytes(), sender.counters().acknowledged), (0, 3));
}

#[test]
fn a_message_that_expires_half_sent_is_closed() {
    let mut sender = sender();
    send_as(&mut sender, 300, SendOptions::ORDERED.expires(Expires::At(Instant::from_millis(5))));
    send(&mut sender, 1);
    assert_eq!(next(&mut sender), Some((0, vec![(1, 99)])));
    assert_eq!(sender.expiry_deadline(), Some(Instant::from_millis(5)));
    let last = sender.next(Instant::from_millis(5), 105).unwrap();
    assert_eq!(pieces(&sender, last), [(0x0a, 0), (3, 1)], "nothing more of it is sent, and its end is said");
    sender.on_lost(0);
    assert_eq!(next(&mut sender), Some((0, vec![(9, 99)])));
    assert_eq!((sender.poll_expired().map(MessageId::number), sender.buffered_bytes()), (Some(0), 1));
}

#[test]
fn the_end_has_its_place_in_the_order() {
    let mut sender = sender();
    send(&mut sender, 10);
    sender.finish();
    sender.finish();
    assert_eq!(next(&mut sender), Some((0, vec![(3, 10), (16, 0)])));
    sender.on_lost(0);
    assert_eq!(next(&mut sender), Some((0, vec![(3, 10), (16, 0)])), "sent again as data are");
    assert!(!sender.is_finished());
    sender.on_acked(0);
    assert!(sender.is_finished() && !sender.has_unsent());
    let mut empty = self::sender();
    empty.finish();
    assert_eq!(next(&mut empty), Some((0, vec![(16, 0)])), "nothing but the end");
}

#[test]
fn written_bytes_are_collected_until_they_are_sent() {
    let mut sender = sender();
    for part in [&b"a"[..], b"bc", b"def"] {
        assert_eq!(sender.write(part), part.len());
    }
    assert_eq!((sender.counters().accepted, sender.buffered_bytes(), sender.has_work()), (0, 6, true));
    assert_eq!(next(&mut sender), Some((0, vec![(3, 6)])));
    assert_eq!(sender.write(&[1; 3000]), 1994, "what there is room for");
    assert_eq!((sender.write(b"x"), sender.counters().accepted), (0, 2), "messages of at most 1000 bytes");
    send(&mut self::sender(), 1);
    let mark = sender.mark();
    assert_eq!((mark, sender.counters().accepted), (3, 3));
    sender.finish();
    assert_eq!(sender.write(b"x"), 0);
}

#[test]
fn a_message_goes_after_what_was_written_before() {
    let mut sender = sender();
    sender.write(b"stream");
    send(&mut sender, 10);
    sender.write(b"more");
    assert_eq!(next(&mut sender), Some((0, vec![(3, 6), (3, 10)])));
    assert_eq!(next(&mut sender), Some((1, vec![(3, 4)])));
}

#[test]
fn a_session_that_was_cut_goes_on_with_what_is_missing() {
    let mut sender = sender();
    for _ in 0..5 {
        send(&mut sender, 90);
        next(&mut sender);
    }
    let fault = PeerFault::ReceivedUnsent { expected: 6, sent: 5 };
    assert_eq!(sender.on_resumed(1, core::iter::once(3..6)), Err(fault));
    assert_eq!(sender.on_resumed(6, core::iter::empty()), Err(fault));
    assert_eq!(sender.unacked_segments(), 5);
    sender.on_resumed(1, [2..3, 4..5].into_iter()).unwrap();
    assert_eq!([next(&mut sender), next(&mut sender)].map(|next| next.unwrap().0), [1, 3]);
    assert_eq!((next(&mut sender), sender.unacked_segments(), sender.buffered_bytes()), (None, 4, 180));
}

#[test]
fn the_peer_may_take_less_than_was_accepted() {
    let mut sender = sender();
    send(&mut sender, 500);
    assert!(sender.set_max_message(500));
    assert!(!sender.set_max_message(499));
    assert!(sender.try_send(vec![0; 500].into(), &SendOptions::ORDERED).is_err());
    sender.set_max_frame(55);
    assert_eq!(sender.next(NOW, 105).map(|segment| pieces(&sender, segment)), Some(vec![(1, 49)]));
}

#[test]
fn room_is_told_when_half_of_the_buffer_is_free() {
    // Bytes, then messages.
    for (count, len, half) in [(4, 500, 1000), (10, 90, 450)] {
        let mut sender = sender();
        for _ in 0..count {
            send(&mut sender, len);
        }
        assert!(sender.try_send(vec![7; 10].into(), &SendOptions::ORDERED).is_err());
        while sender.buffered_bytes() > half {
            assert!(!sender.take_writable(), "{} of {count} messages", sender.buffered_messages());
            let (number, _) = next(&mut sender).unwrap();
            sender.on_acked(number);
        }
        assert!(sender.take_writable());
    }
}

#[test]
fn a_probe_has_room_for_a_whole_segment_or_is_none() {
    let mut sender = sender();
    send(&mut sender, 90);
    next(&mut sender);
    let least = (0..=105).find(|room| sender.probe_segment(NOW, *room).is_some());
    // With the length that would stand before the bytes if something followed.
    assert_eq!(least, Some(5 + 1 + 2 + 90));
}

/// A large message waits for the next packet where it could begin with a few bytes only.
#[test]
fn a_large_message_does_not_begin_with_crumbs() {
    let mut sender = sender();
    send(&mut sender, 500);
    assert_eq!(sender.next(NOW, 20), None);
    assert_eq!(sender.next(NOW, 6 + 105 / 4 - 1), None);
    assert_eq!(sender.next(NOW, 6 + 105 / 4), Some(0));
    assert_eq!(pieces(&sender, 0), [(1, 26)]);
}

/// Where the length has no room before the last bytes, they go without one.
#[test]
fn the_last_fragment_may_fill_its_packet() {
    for len in 195..=198 {
        let mut sender = sender();
        send(&mut sender, len);
        assert_eq!(next(&mut sender), Some((0, vec![(1, 99)])));
        assert_eq!((next(&mut sender), next(&mut sender)), (Some((1, vec![(2, len - 99)])), None));
    }
}

#[test]
fn segments_of_which_some_were_acknowledged_before_may_be_acknowledged_together() {
    let mut sender = sender();
    for _ in 0..5 {
        send(&mut sender, 90);
        next(&mut sender).unwrap();
    }
    sender.on_acked(1);
    sender.on_acked_all(0..1);
    assert_eq!((sender.unacked_segments(), sender.buffered_messages()), (3, 3));
    sender.on_acked(3);
    sender.on_acked_all(0..3);
    assert_eq!((sender.unacked_segments(), sender.buffered_messages()), (1, 1));
    sender.on_acked_all(5..u64::MAX);
    sender.on_acked_all(2..2);
    sender.on_acked_all(4..5);
    assert_eq!((sender.unacked_segments(), sender.buffered_bytes(), sender.counters().acknowledged), (0, 0, 5));
}
