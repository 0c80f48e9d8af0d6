//! What the peer may make us hold, and what happens when it lets us send nothing.

use mconn::sliding_window::packet::{Credit, Frame, FramesPacket, Packet, Writer, decode, seal};
use mconn::sliding_window::{CloseReason, Input, SendOptions, SendRefusal};

use crate::support::{Kind, Pair, config, ms, payload, secs};

fn small() -> mconn::sliding_window::Config {
    let mut bob = config(1);
    (bob.receive.max_bytes, bob.receive.max_message, bob.receive.max_messages) = (4000, 4000, 8);
    bob
}

/// Fills the window of a reader that sleeps, and says how many messages that took.
fn fill(pair: &mut Pair) -> usize {
    pair.sides[1].reads = false;
    for number in 0..100 {
        pair.send(0, payload(number, 100));
    }
    pair.run(secs(2), |_| false);
    usize::try_from(pair.status(1).receive.next_expected).unwrap()
}

#[test]
fn a_sleeping_reader_stops_the_sender_and_nothing_is_sent_twice() {
    let mut pair = Pair::connected(config(0), small());
    fill(&mut pair);
    pair.run(secs(100), |_| false);
    let status = pair.status(0);
    assert!(status.send.blocked_since.is_some());
    // What it holds is acknowledged, so it is not sent again however long the reader sleeps (the original's defect 7).
    assert_eq!((status.counters.data_resent, status.recovery.unwrap().bytes_in_flight), (0, 0));
    assert_eq!(pair.status(1).receive.held_bytes, 800);
    assert_eq!(pair.ends(), [None, None], "keepalives go on");
    pair.sides[1].reads = true;
    assert!(pair.run(secs(20), |pair| pair.sides[1].messages.len() == 100));
    assert_eq!(pair.status(0).send.blocked_since, None);
    assert_eq!(pair.status(0).counters.data_resent, 0);
}

/// Every update of the credit is lost for a while: it is sent again until one arrives.
#[test]
fn lost_updates_of_the_credit_stop_nothing_for_ever() {
    for lost in [1, 2, 5, 9] {
        let mut pair = Pair::connected(config(0), small());
        fill(&mut pair);
        let mut left = lost;
        pair.network = Box::new(move |_, datagram| {
            let is_lost = datagram.from == 1 && datagram.kind == Kind::Credit && left > 0;
            left -= usize::from(is_lost);
            if is_lost { vec![] } else { vec![ms(10)] }
        });
        pair.sides[1].reads = true;
        assert!(pair.run(secs(1000), |pair| pair.sides[1].messages.len() == 100), "{lost}");
    }
}

#[test]
fn a_peer_that_never_gives_credit_is_left_after_a_while() {
    let mut alice = config(0);
    alice.zero_window_timeout = Some(secs(100));
    let mut pair = Pair::connected(alice, small());
    fill(&mut pair);
    assert!(pair.run(secs(200), |pair| pair.sides[0].closed.is_some()));
    assert_eq!(pair.ends()[0], Some(CloseReason::ZeroWindow { timeout: secs(100) }));
    pair.sides[1].reads = true;
    pair.run(secs(1), |_| false);
    assert!(matches!(pair.ends()[1], Some(CloseReason::PeerAborted { .. })));
}

/// A packet of frames to side 0, as its peer would send it.
fn packet(number: u32, frames: &[Frame<'_>]) -> Vec<u8> {
    let mut buffer = [0; 1200];
    let mut writer = Writer::new(&mut buffer);
    FramesPacket::begin(&mut writer, 0xa, number, true);
    for frame in frames {
        assert!(frame.write(&mut writer));
    }
    let len = writer.finish().unwrap();
    seal(&mut buffer[..len]);
    buffer[..len].to_vec()
}

/// The number on the wire of the last packet that side 1 sent.
fn last_number(pair: &Pair) -> u32 {
    let last = pair.sent.iter().rev().find(|(_, datagram)| datagram.from == 1).unwrap();
    let Ok(Packet::Frames(packet)) = decode(&last.1.bytes) else { panic!("a packet of frames") };
    packet.number
}

/// Updates that grant nothing do not keep a peer alive that gives nothing.
#[test]
fn updates_that_grant_nothing_do_not_count() {
    let mut alice = config(0);
    alice.zero_window_timeout = Some(secs(100));
    let mut pair = Pair::connected(alice, small());
    fill(&mut pair);
    let status = pair.status(0).send;
    let same = Credit {
        max_bytes: status.credit_bytes,
        max_messages: status.credit_messages,
        max_segment: status.credit_segments,
        consumed: 0,
    };
    let mut number = last_number(&pair).wrapping_add(1000);
    // The real peer would not understand the acknowledgements.
    pair.network = Box::new(|_, _| vec![]);
    for _ in 0..110 {
        number = number.wrapping_add(1);
        let update = packet(number, &[Frame::Credit(same)]);
        pair.handle(0, Input::Datagram(&update));
        pair.run(secs(1), |_| false);
    }
    assert_eq!(pair.ends()[0], Some(CloseReason::ZeroWindow { timeout: secs(100) }));
}

/// The windows are absolute and only grow: an old update that comes late changes nothing.
#[test]
fn an_old_update_that_comes_late_takes_nothing_back() {
    let mut pair = Pair::connected(config(0), small());
    let before = pair.status(0).send;
    let number = last_number(&pair).wrapping_add(1);
    let old = Credit { max_bytes: 1, max_messages: 1, max_segment: 1, consumed: 0 };
    pair.handle(0, Input::Datagram(&packet(number, &[Frame::Credit(old)])));
    let after = pair.status(0).send;
    assert_eq!(
        (after.credit_bytes, after.credit_messages, after.credit_segments),
        (before.credit_bytes, before.credit_messages, before.credit_segments)
    );
}

/// The original's own window is no limit, and live packets are overwritten (defect 4).
#[test]
fn our_own_window_is_a_limit_whatever_the_peer_allows() {
    let mut alice = config(0);
    alice.send.window = 2;
    let mut pair = Pair::connected(alice, config(1));
    let mut count = 0;
    pair.network = Box::new(move |_, datagram| {
        count += usize::from(datagram.from == 0 && datagram.kind == Kind::Data);
        if datagram.from == 0 && count % 7 == 0 { vec![] } else { vec![ms(10)] }
    });
    for number in 0..100 {
        pair.send(0, payload(number, 1000));
    }
    let delivered = pair.run(secs(600), |pair| {
        assert!(pair.status(0).send.unacked_segments <= 2);
        pair.sides[1].messages.len() == 100
    });
    assert!(delivered);
    assert_eq!(pair.sides[1].messages, (0..100).map(|number| payload(number, 1000)).collect::<Vec<_>>());
}

#[test]
fn windows_of_one_work_in_lock_step() {
    let mut bob = config(1);
    (bob.receive.max_messages, bob.receive.window) = (1, 1);
    let mut pair = Pair::connected(config(0), bob);
    for number in 0..20 {
        pair.send(0, payload(number, 10));
    }
    let delivered = pair.run(secs(60), |pair| {
        assert!(pair.status(1).receive.held_bytes <= 10);
        pair.sides[1].messages.len() == 20
    });
    assert!(delivered);
}

#[test]
fn the_queue_is_bounded_in_messages_and_in_bytes() {
    let mut alice = config(0);
    (alice.send.max_messages, alice.send.max_bytes, alice.send.max_message) = (3, 1000, 1000);
    let mut pair = Pair::new(alice, config(1));
    let alice = &mut pair.sides[0].machine;
    for _ in 0..3 {
        alice.try_send(pair.now, vec![0; 100].into(), &SendOptions::ORDERED).unwrap();
    }
    assert_eq!(alice.may_send(1), Err(SendRefusal::Full { messages: 3, bytes: 300 }));
    let mut pair = Pair::new(
        {
            let mut alice = config(0);
            (alice.send.max_bytes, alice.send.max_message) = (1000, 1000);
            alice
        },
        config(1),
    );
    let alice = &mut pair.sides[0].machine;
    alice.try_send(pair.now, vec![0; 999].into(), &SendOptions::ORDERED).unwrap();
    assert_eq!(alice.may_send(1), Ok(()));
    assert_eq!(alice.may_send(2), Err(SendRefusal::Full { messages: 1, bytes: 999 }));
}
