//! How messages are delivered, and what the sender learns of them.

use std::task::Poll;

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::{Class, Delivery, Event, Expires, Input, SendOptions, SendRefusal};

use crate::support::{Kind, Pair, config, message, ms, payload, secs};

/// A connected pair of which the next data packet of the first side is held up for a second.
fn with_a_gap() -> Pair {
    let mut pair = Pair::connected(config(0), config(1));
    let mut first = true;
    pair.network = Box::new(move |_, datagram| {
        let held = datagram.from == 0 && datagram.kind == Kind::Data && core::mem::take(&mut first);
        vec![if held { secs(1) } else { ms(10) }]
    });
    pair.send(0, "held up");
    pair.exchange();
    pair
}

#[test]
fn an_unordered_message_waits_for_nothing() {
    let mut pair = with_a_gap();
    pair.send(0, "in order");
    pair.exchange();
    pair.send_with(0, "at once", &SendOptions::UNORDERED);
    pair.exchange();
    let large = payload(3, 5000);
    pair.send_with(0, large.clone(), &SendOptions::UNORDERED);
    pair.run(ms(11), |_| false);
    let unordered = |payload: Bytes| Event::Message { class: Class::Unordered, payload };
    assert_eq!(pair.sides[1].events[1..], [unordered("at once".into()), unordered(large)]);
    assert!(pair.run(secs(2), |pair| pair.sides[1].messages.len() == 4));
    assert_eq!(pair.sides[1].events[3..], [message("held up"), message("in order")]);
}

/// The original's tap was never started, and every packet cost 100 ms (defect 11).
#[test]
fn the_tap_gets_a_copy_of_everything_at_once_and_the_ordered_stream_gets_it_too() {
    let mut pair = with_a_gap();
    pair.sides[1].machine.register_asap(3);
    for number in 0..5 {
        pair.send(0, payload(number, 10));
        pair.exchange();
    }
    pair.run(ms(11), |_| false);
    assert!(pair.sides[1].messages.is_empty());
    let copies: Vec<_> = std::iter::from_fn(|| pair.sides[1].machine.poll_asap()).map(|copy| copy.payload).collect();
    assert_eq!(copies, (2..5).map(|number| payload(number, 10)).collect::<Vec<_>>(), "the oldest give way");
    assert_eq!(pair.status(1).receive.asap_dropped, 2);
    assert!(pair.run(secs(2), |pair| pair.sides[1].messages.len() == 6));
}

#[test]
fn a_message_that_expires_before_it_is_sent_is_never_sent() {
    let mut pair = Pair::simple().network(|now, _| if now < crate::support::at(5000) { vec![] } else { vec![ms(10)] });
    let soon = SendOptions::ORDERED.expires(Expires::At(crate::support::at(1000)));
    let id = pair.sides[0].machine.try_send(pair.now, "old news".into(), &soon).unwrap();
    pair.send(0, "news");
    assert!(pair.run(secs(60), |pair| pair.sides[1].messages.len() == 1));
    assert_eq!(
        (&pair.sides[1].messages[..], pair.sides[0].events[0].clone()),
        (&["news".into()][..], Event::Expired(id))
    );
    assert_eq!(pair.status(0).send.expired, 1);
}

#[test]
fn a_message_that_expires_on_its_way_is_passed_over() {
    let mut pair = Pair::connected(config(0), config(1));
    let mut lose = 1;
    pair.network = Box::new(move |_, datagram| {
        let lost = datagram.from == 0 && datagram.kind == Kind::Data && lose > 0;
        lose -= usize::from(lost);
        if lost { vec![] } else { vec![ms(10)] }
    });
    let once = SendOptions::ORDERED.expires(Expires::Transmissions(1)).with_receipt();
    let id = pair.sides[0].machine.try_send(pair.now, payload(1, 3000), &once).unwrap();
    pair.send(0, "after");
    assert!(pair.run(secs(20), |pair| pair.sides[1].messages.len() == 1));
    pair.settle();
    assert_eq!(pair.sides[1].messages, ["after"]);
    assert!(pair.sides[0].has(&Event::Expired(id)) && !pair.sides[0].has(&Event::Receipt(id)));
    assert_eq!((pair.status(1).receive.dropped, pair.status(0).send.waiting_receipts), (1, 0));
}

/// An acknowledgement says that the peer has it, a receipt that its application has taken it.
#[test]
fn a_receipt_comes_when_the_application_has_taken_the_message() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.sides[1].reads = false;
    let options = SendOptions::ORDERED.with_receipt();
    let first = pair.sides[0].machine.try_send(pair.now, "first".into(), &options).unwrap();
    let second = pair.sides[0].machine.try_send(pair.now, "second".into(), &options).unwrap();
    let mark = pair.sides[0].machine.flush(pair.now);
    pair.run(secs(5), |_| false);
    assert!(pair.sides[0].has(&Event::Flushed(mark)), "acknowledged");
    assert!(!pair.sides[0].has(&Event::Receipt(first)), "not taken");
    assert_eq!((first.number(), second.number(), mark.messages()), (0, 1, 2));
    assert_eq!(pair.sides[1].machine.poll_event(), Some(message("first")));
    pair.run(secs(1), |_| false);
    assert!(pair.sides[0].has(&Event::Receipt(first)) && !pair.sides[0].has(&Event::Receipt(second)));
    pair.sides[1].reads = true;
    pair.run(secs(1), |_| false);
    assert!(pair.sides[0].has(&Event::Receipt(second)));
}

#[test]
fn receipts_have_a_limit_also_when_nobody_takes_them() {
    let mut alice = config(0);
    alice.send.max_receipts = 2;
    let mut pair = Pair::connected(alice, config(1));
    pair.sides[0].reads = false;
    let options = SendOptions::ORDERED.with_receipt();
    let mut accepted = 0;
    for _ in 0..10 {
        match pair.sides[0].machine.try_send(pair.now, "x".into(), &options) {
            Ok(_) => accepted += 1,
            Err(error) => assert_eq!(error.refusal, SendRefusal::TooManyReceipts { waiting: 2 }),
        }
        pair.settle();
    }
    assert_eq!(accepted, 2);
    pair.sides[0].take();
    pair.send_with(0, "x", &options);
}

#[test]
fn a_flush_of_nothing_comes_at_once_and_marks_come_in_order() {
    let mut pair = Pair::connected(config(0), config(1));
    let nothing = pair.sides[0].machine.flush(pair.now);
    assert_eq!(pair.sides[0].machine.poll_event(), Some(Event::Flushed(nothing)));
    let marks: Vec<_> = (0..3)
        .map(|number| {
            pair.send(0, payload(number, 3000));
            pair.sides[0].machine.flush(pair.now)
        })
        .collect();
    pair.run(secs(5), |_| false);
    let flushed: Vec<_> = marks.into_iter().map(Event::Flushed).collect();
    assert_eq!(pair.sides[0].events[1..], flushed);
}

#[test]
fn a_refused_sender_is_told_when_there_is_room() {
    let mut alice = config(0);
    (alice.send.max_messages, alice.send.max_bytes) = (4, 4 << 20);
    let mut pair = Pair::connected(alice, config(1));
    for number in 0..4 {
        pair.send(0, payload(number, 10));
    }
    let error = pair.sides[0].machine.try_send(pair.now, "fifth".into(), &SendOptions::ORDERED).unwrap_err();
    assert_eq!(error.refusal, SendRefusal::Full { messages: 4, bytes: 40 });
    assert!(error.to_string().contains("4 messages, 40 bytes"), "{error}");
    assert!(pair.run(secs(5), |pair| pair.sides[0].has(&Event::Writable)));
    pair.send(0, "fifth");
}

fn pulling() -> Pair {
    let mut bob = config(1);
    bob.delivery = Delivery::Pull;
    Pair::connected(config(0), bob)
}

#[test]
fn who_pulls_is_told_once_and_is_lent_the_messages() {
    let mut pair = pulling();
    for number in 0..3 {
        pair.send(0, payload(number, 100));
    }
    pair.settle();
    assert_eq!(pair.sides[1].count(|event| *event == Event::Readable), 1);
    let now = pair.now;
    let bob = &mut pair.sides[1].machine;
    let copy = |class, bytes: &[u8]| (class, Bytes::copy_from_slice(bytes));
    assert_eq!(bob.receive_with(now, copy), Some((Class::Ordered, payload(0, 100))));
    assert_eq!(bob.receive(now), Some((Class::Ordered, payload(1, 100))));
    assert_eq!(bob.receive(now), Some((Class::Ordered, payload(2, 100))));
    // All was taken, though nobody has tried in vain: the next one is told again.
    pair.send(0, "more");
    pair.settle();
    assert_eq!(pair.sides[1].count(|event| *event == Event::Readable), 2);
    assert_eq!(pair.sides[1].machine.receive(pair.now).unwrap().1, "more");
    assert_eq!(pair.sides[1].machine.receive(pair.now), None);
    assert_eq!(pair.status(1).counters.messages_taken, 4);
}

#[test]
fn who_pulls_learns_of_the_end_when_all_was_read() {
    let mut pair = pulling();
    pair.send(0, "last words");
    pair.handle(0, Input::Close);
    pair.run(secs(3), |_| false);
    assert!(!pair.sides[1].has(&Event::PeerFinished));
    let mut buffer = [0; 4];
    let mut read = vec![];
    while let Poll::Ready(len @ 1..) = pair.sides[1].machine.read(pair.now, &mut buffer) {
        read.extend_from_slice(&buffer[..len]);
    }
    assert_eq!(read, b"last words");
    assert_eq!(pair.sides[1].machine.read(pair.now, &mut buffer), Poll::Ready(0), "the end");
    assert!(pair.run_to_end(secs(60)));
    assert!(pair.sides[1].has(&Event::PeerFinished));
}

/// The original's `Read` gives 0 bytes and no error when nothing is there (defect 9), and its `Write` waits for a whole round
/// trip and the consumer (defect 10).
#[test]
fn a_stream_of_any_size_goes_through_buffers_of_any_size() {
    let mut bob = config(1);
    bob.delivery = Delivery::Pull;
    (bob.receive.max_bytes, bob.receive.max_message) = (100_000, 100_000);
    let mut alice = config(0);
    (alice.send.max_bytes, alice.send.max_message) = (50_000, 50_000);
    let mut pair = Pair::connected(alice, bob);
    let mut count = 0;
    pair.network = Box::new(move |_, _| {
        count += 1;
        if count % 13 == 0 { vec![] } else { vec![ms(5)] }
    });
    let all = payload(1, 300_000);
    let (mut written, mut read, mut buffer) = (0, vec![], vec![0; 777]);
    assert_eq!(pair.sides[1].machine.read(pair.now, &mut buffer), Poll::Pending);
    let done = pair.run(secs(600), |pair| {
        if written < all.len() {
            let end = all.len().min(written + 10_000);
            match pair.sides[0].machine.write(pair.now, &all[written..end]) {
                Ok(len) => written += len,
                Err(refusal) => assert!(matches!(refusal, SendRefusal::Full { .. })),
            }
            if written == all.len() {
                pair.handle(0, Input::Close);
            }
        }
        while let Poll::Ready(len @ 1..) = pair.sides[1].machine.read(pair.now, &mut buffer) {
            read.extend_from_slice(&buffer[..len]);
        }
        pair.exchange();
        pair.sides.iter().all(|side| side.closed.is_some())
    });
    assert!(done && read == all, "{} of {}", read.len(), all.len());
    assert_eq!(pair.sides[0].machine.write(pair.now, b"x"), Err(SendRefusal::Closed));
}

#[test]
fn empty_messages_and_empty_writes() {
    let mut pair = Pair::connected(config(0), config(1));
    assert_eq!(pair.sides[0].machine.write(pair.now, b""), Ok(0));
    pair.send(0, "");
    pair.send_with(0, "", &SendOptions::UNORDERED);
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 2));
    assert_eq!(pair.status(1).counters.message_bytes_taken, 0);
}

#[test]
fn messages_that_wait_together_share_packets() {
    let mut pair = Pair::connected(config(0), config(1));
    for number in 0..100 {
        pair.send(0, payload(number, 20));
    }
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 100));
    assert!(pair.count(0, Kind::Data) <= 3, "{}", pair.count(0, Kind::Data));
}
