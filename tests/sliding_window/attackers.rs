//! What may come from anybody: nothing of it changes a session. What only the peer can send, and no honest peer does, ends it.

use mconn::machine::{Fault, Machine};
use mconn::sliding_window::packet::{
    Ack, Credit, Data, Frame, FramesPacket, Packet, Piece, PieceFlags, Writer, decode, seal,
};
use mconn::sliding_window::{CloseReason, Config, Event, Input, PacketFormat, PeerFault, SlidingWindow};
use mconn::time::Instant;

use crate::support::{Kind, Pair, Rng, config, ms, payload, secs};

/// A packet of frames with this tag.
fn packet(tag: u64, number: u32, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = [0; 1200];
    let mut writer = Writer::new(&mut buffer);
    FramesPacket::begin(&mut writer, tag, number, true);
    write(&mut writer);
    let len = writer.finish().unwrap();
    seal(&mut buffer[..len]);
    buffer[..len].to_vec()
}

/// A number on the wire that side 1 would use next.
fn next_number(pair: &Pair) -> u32 {
    let last = pair.sent.iter().rev().find(|(_, datagram)| datagram.from == 1 && datagram.kind != Kind::SynAck);
    let Ok(Packet::Frames(packet)) = decode(&last.unwrap().1.bytes) else { panic!("a packet of frames") };
    packet.number.wrapping_add(1)
}

fn tagged(side: usize) -> Config {
    let mut config = config(side);
    config.tag = 0x1122_3344_5566_7788 + side as u64;
    config
}

/// Aborts, acknowledgements, data and the rest, with every tag but the right one.
#[test]
fn who_does_not_know_the_tag_changes_nothing() {
    let mut pair = Pair::connected(tagged(0), tagged(1));
    let mut rng = Rng::new(1);
    let right = tagged(0).tag;
    let before = (pair.status(0), pair.sides[0].machine.poll_timeout());
    let guesses = 100_000;
    for guess in 0..guesses {
        let tag = match guess % 3 {
            0 => right ^ (1 << rng.below(64)),
            1 => tagged(1).tag,
            _ => rng.next(),
        };
        let number = rng.next() as u32;
        let datagram = packet(tag, number, |writer| match guess % 4 {
            0 => assert!(Frame::Abort { code: 0, text: b"" }.write(writer)),
            1 => assert!(Ack::write(writer, rng.next() as u32, 0, [0..=0])),
            2 => assert!(Frame::Ping.write(writer)),
            _ => {
                Data::begin(writer, rng.next() as u32);
                writer.put_u8(PieceFlags::FIN.bits());
            }
        });
        pair.handle(0, Input::Datagram(&datagram));
    }
    let mut after = (pair.status(0), pair.sides[0].machine.poll_timeout());
    let counters = &mut after.0.counters;
    assert_eq!(counters.wrong_tag, guesses);
    (counters.wrong_tag, counters.datagrams_received, counters.bytes_received) =
        (0, before.0.counters.datagrams_received, before.0.counters.bytes_received);
    assert_eq!(before, after, "no state but these counters");
    assert_eq!(pair.sides[0].machine.poll_transmit(pair.now), None, "no answer");
}

/// Every bit of every packet of a session, turned over: nothing is delivered that was not sent, nothing ends.
#[test]
fn damage_is_found_wherever_it_is() {
    let mut pair = Pair::simple();
    let mut damaged: u64 = 0;
    pair.network = Box::new(move |_, datagram| {
        damaged += 1;
        // One of three packets is damaged, each at another bit.
        if damaged.is_multiple_of(3) {
            let bit = (damaged * 977) as usize % (datagram.bytes.len() * 8);
            datagram.bytes[bit / 8] ^= 1 << (bit % 8);
        }
        vec![ms(5)]
    });
    for number in 0..100 {
        pair.send(0, payload(number, 300));
    }
    assert!(pair.run(secs(3000), |pair| pair.sides[1].messages.len() == 100), "{:?}", pair.ends());
    assert_eq!(pair.sides[1].messages, (0..100).map(|number| payload(number, 300)).collect::<Vec<_>>());
    let counters = [pair.status(0).counters, pair.status(1).counters];
    assert!(counters.iter().all(|counters| counters.wrong_check > 0), "{counters:?}");
}

#[test]
fn every_single_bit_of_a_data_packet() {
    let mut pair = Pair::connected(tagged(0), tagged(1));
    pair.send(0, "exact");
    let datagram = pair.sides[0].machine.poll_transmit(pair.now).unwrap();
    for bit in 0..datagram.len() * 8 {
        let mut damaged = datagram.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        pair.handle(1, Input::Datagram(&damaged));
    }
    pair.sides[1].take();
    assert_eq!((pair.sides[1].messages.len(), pair.ends()[1].clone()), (0, None));
    pair.handle(1, Input::Datagram(&datagram));
    pair.sides[1].take();
    assert_eq!(pair.sides[1].messages, ["exact"]);
}

#[test]
fn bytes_that_are_nothing_are_dropped_and_counted() {
    let mut pair = Pair::connected(config(0), config(1));
    let mut rng = Rng::new(3);
    for len in 0..1300 {
        let noise: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        pair.handle(0, Input::Datagram(&noise));
    }
    let counters = pair.status(0).counters;
    assert!(counters.malformed > 1000, "{counters:?}");
    assert_eq!(counters.malformed + counters.wrong_tag + counters.wrong_check, 1300);
    pair.send(0, "still there");
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 1));
}

/// Feeds side 0 one packet of a peer that breaks a rule; gives how it ended.
fn broken_rule(write: impl FnOnce(&Pair, &mut Writer<'_>)) -> CloseReason {
    let mut pair = Pair::connected(config(0), config(1));
    let number = next_number(&pair);
    let datagram = packet(0xa, number, |writer| write(&pair, writer));
    pair.handle(0, Input::Datagram(&datagram));
    pair.run(secs(1), |_| false);
    assert!(matches!(pair.ends()[1], Some(CloseReason::PeerAborted { .. })), "the peer is told");
    let reason = pair.ends()[0].clone().expect("an end");
    assert_eq!(reason.fault(), Fault::Peer);
    reason
}

/// Where the numbers of side 1's segments begin on the wire.
fn first_segment(pair: &Pair) -> u32 {
    let answer = pair.sent.iter().find(|(_, datagram)| datagram.kind == Kind::SynAck).unwrap();
    let Ok(Packet::SynAck { hello, .. }) = decode(&answer.1.bytes) else { panic!("an answer") };
    hello.initial_segment
}

#[test]
fn rules_that_only_the_peer_can_break_end_the_session() {
    let acked = broken_rule(|pair, writer| {
        let first = pair.sent.iter().rev().find(|(_, datagram)| datagram.from == 0).unwrap();
        let Ok(Packet::Frames(packet)) = decode(&first.1.bytes) else { panic!("a packet of frames") };
        assert!(Ack::write(writer, packet.number.wrapping_add(1_000_000), 0, [0..=0]));
    });
    assert!(matches!(acked, CloseReason::Peer(PeerFault::AcknowledgedUnsent { packet: 1_000_000.. })), "{acked:?}");

    let consumed = broken_rule(|_, writer| {
        assert!(Frame::Credit(Credit { consumed: 1, ..Credit::default() }).write(writer));
    });
    assert_eq!(consumed, CloseReason::Peer(PeerFault::ConsumedUnsent { consumed: 1, sent: 0 }));

    let malformed = broken_rule(|_, writer| writer.put_u8(0x77));
    assert!(matches!(malformed, CloseReason::Peer(PeerFault::Packet(_))), "{malformed:?}");

    let ranges = broken_rule(|pair, writer| {
        let first = pair.sent.iter().find(|(_, datagram)| datagram.from == 0 && datagram.kind == Kind::Ping).unwrap();
        let Ok(Packet::Frames(packet)) = decode(&first.1.bytes) else { panic!("a packet of frames") };
        assert!(Ack::write(writer, packet.number, 0, [100..=100, 5..=7]), "more ranges than there are packets");
    });
    assert_eq!(ranges, CloseReason::Peer(PeerFault::AckRanges));

    let after = broken_rule(|pair, writer| {
        Data::begin(writer, first_segment(pair));
        writer.put_slice(&[PieceFlags::FIN.bits()]);
        writer.put_slice(b"x");
    });
    assert!(matches!(after, CloseReason::Peer(PeerFault::Packet(_))), "{after:?}");

    let fragment = broken_rule(|pair, writer| {
        Data::begin(writer, first_segment(pair));
        assert!(Piece { flags: PieceFlags::LAST, index: 0, payload: b"x", skipped: 0 }.write(writer));
    });
    assert_eq!(fragment, CloseReason::Peer(PeerFault::FragmentOrder { segment: 0 }));
}

/// Feeds side 0 two packets that its peer can not have sent one after the other.
#[test]
fn nothing_comes_after_the_end_and_nothing_before_the_beginning() {
    let run = |numbers: [u32; 2], segments: [u32; 2]| {
        let mut pair = Pair::connected(config(0), config(1));
        pair.network = Box::new(|_, _| vec![]);
        let number = next_number(&pair);
        for (offset, segment) in numbers.into_iter().zip(segments) {
            let datagram = packet(0xa, number.wrapping_add(offset), |writer| {
                Data::begin(writer, first_segment(&pair).wrapping_add(segment));
                writer.put_u8(PieceFlags::FIN.bits());
            });
            pair.handle(0, Input::Datagram(&datagram));
        }
        pair.run(secs(1), |_| false);
        pair.ends()[0].clone()
    };
    assert_eq!(run([0, 1], [0, 1]), Some(CloseReason::Peer(PeerFault::AfterEnd { segment: 1 })));
    assert_eq!(run([0, 1], [0, 0]), None, "the end again");
    let before_the_first = 1_u32.wrapping_neg() << 16;
    assert_eq!(run([0, before_the_first], [0, 0]), Some(CloseReason::Peer(PeerFault::PacketBelowFirst)));
}

#[test]
fn a_message_over_the_limit_and_credit_overrun_end_the_session() {
    let run = |bytes: usize, pieces: usize| {
        let mut alice = config(0);
        (alice.receive.max_bytes, alice.receive.max_message, alice.receive.max_messages) = (200, 150, 3);
        let mut pair = Pair::connected(alice, config(1));
        // The real peer would not understand the acknowledgement.
        pair.network = Box::new(|_, _| vec![]);
        let number = next_number(&pair);
        let datagram = packet(0xa, number, |writer| {
            Data::begin(writer, first_segment(&pair));
            for _ in 0..pieces {
                let flags = PieceFlags::WHOLE.with(PieceFlags::HAS_LENGTH);
                assert!(Piece { flags, index: 0, payload: &vec![0; bytes], skipped: 0 }.write(writer));
            }
        });
        pair.handle(0, Input::Datagram(&datagram));
        pair.run(secs(1), |_| false);
        pair.ends()[0].clone()
    };
    assert_eq!(run(100, 2), None);
    assert_eq!(run(151, 1), Some(CloseReason::Peer(PeerFault::MessageTooLarge { size: 151, limit: 150 })));
    assert_eq!(run(101, 2), Some(CloseReason::Peer(PeerFault::ByteCredit { sent: 202, granted: 200 })));
    assert_eq!(run(1, 4), Some(CloseReason::Peer(PeerFault::MessageCredit { sent: 4, granted: 3 })));
}

#[test]
fn segments_beyond_the_credit_are_dropped_and_not_acknowledged() {
    let mut alice = config(0);
    alice.receive.window = 4;
    let mut pair = Pair::connected(alice, config(1));
    let number = next_number(&pair);
    let sent = pair.sides[0].sent;
    for far in [4, 5, 1 << 20, u32::MAX / 2] {
        let datagram = packet(0xa, number.wrapping_add(far), |writer| {
            Data::begin(writer, first_segment(&pair).wrapping_add(far));
            assert!(Piece { flags: PieceFlags::WHOLE, index: 0, payload: b"x", skipped: 0 }.write(writer));
        });
        pair.handle(0, Input::Datagram(&datagram));
    }
    pair.run(secs(1), |_| false);
    assert_eq!((pair.ends()[0].clone(), pair.status(0).counters.data_refused), (None, 4));
    assert_eq!(pair.sides[0].sent, sent, "no acknowledgement");
}

/// Without a check, damage can not be told from a peer that breaks a rule: it is dropped.
#[test]
fn without_a_check_nothing_that_can_not_be_read_ends_the_session() {
    let unchecked = |side| {
        let mut config = config(side);
        config.format = PacketFormat::Native { check: false };
        config
    };
    let mut pair = Pair::connected(unchecked(0), unchecked(1));
    let mut buffer = [0; 100];
    let mut writer = Writer::new(&mut buffer);
    FramesPacket::begin(&mut writer, 0xa, 0, false);
    writer.put_u8(0x77);
    let len = writer.finish().unwrap();
    let before = pair.status(0).counters.malformed;
    pair.handle(0, Input::Datagram(&buffer[..len]));
    pair.run(secs(1), |_| false);
    assert_eq!((pair.ends(), pair.status(0).counters.malformed), ([None, None], before + 1));
    pair.send(0, "fine");
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 1));
}

/// All datagrams of a session, fed to a new one of the same two ends with new tags.
#[test]
fn a_replay_of_a_whole_session_changes_nothing_in_a_new_one() {
    let mut old = Pair::connected(tagged(0), tagged(1));
    for number in 0..30 {
        old.send(0, payload(number, 500));
        old.send(1, payload(number, 500));
    }
    old.handle(0, Input::Close);
    assert!(old.run_to_end(secs(60)));

    let renewed = |side| {
        let mut config = tagged(side);
        config.tag ^= 0xffff;
        config
    };
    let mut pair = Pair::connected(renewed(0), renewed(1));
    let before = pair.sides.each_ref().map(|side| (side.events.clone(), side.machine.poll_timeout()));
    for (_, datagram) in &old.sent {
        pair.handle(1 - datagram.from, Input::Datagram(&datagram.bytes));
        pair.exchange();
    }
    let after = pair.sides.each_ref().map(|side| (side.events.clone(), side.machine.poll_timeout()));
    assert_eq!(before, after);
    assert!(pair.status(0).counters.wrong_tag > 10 && pair.status(1).counters.wrong_tag > 10);
    pair.send(0, "new");
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 1));
}

/// The same for one that only listens: the old call may be answered, but nothing of it becomes a session.
#[test]
fn a_replay_to_a_listener_opens_nothing() {
    let mut old = Pair::connected(tagged(0), tagged(1));
    old.send(0, "secret order");
    old.settle();
    let mut renewed = tagged(1);
    renewed.tag ^= 0xffff;
    let mut bob = SlidingWindow::listen(renewed, Instant::ZERO).unwrap();
    for (_, datagram) in old.sent.iter().filter(|(_, datagram)| datagram.from == 0) {
        bob.handle(Instant::ZERO, Input::Datagram(&datagram.bytes));
    }
    assert_eq!((bob.poll_event(), bob.is_connected()), (None, false));
}

/// Every packet of a session, doubled many times in the session itself.
#[test]
fn a_replay_within_the_session_delivers_nothing_twice() {
    let mut pair = Pair::connected(config(0), config(1));
    for number in 0..20 {
        pair.send(0, payload(number, 500));
    }
    pair.settle();
    let sent = pair.sent.clone();
    for (_, datagram) in sent.iter().chain(sent.iter().rev()) {
        pair.handle(1 - datagram.from, Input::Datagram(&datagram.bytes));
        pair.exchange();
    }
    pair.settle();
    assert_eq!(pair.sides[1].messages.len(), 20);
    assert_eq!(pair.ends(), [None, None]);
    assert_eq!(pair.sides[1].count(|event| *event == Event::Connected), 1);
}
