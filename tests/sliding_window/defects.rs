//! The defects of the original (go-sliding-window @ 7d8aad3), each with the proof that ours does not have it.

use mconn::machine::Machine;
use mconn::sliding_window::packet::{Credit, Data, Frame, FramesPacket, Piece, PieceFlags, Writer, seal};
use mconn::sliding_window::{
    CloseReason, Config, Delivery, Event, InitialNumbers, Input, SendOptions, SlidingWindow, UnackedLimit,
};
use mconn::time::Instant;
use std::task::Poll;

use crate::support::{Kind, Pair, Rng, at, config, ms, payload, secs};

/// Defect 1: The number of the last packet consumed begins at 0 and rides on every packet: any packet that comes before number 0 was
/// consumed acknowledges number 0. When that one was lost, the session stands still for ever.
#[test]
fn defect_01_nothing_acknowledges_the_first_segment_but_its_arrival() {
    for lost in 1..6 {
        let mut pair = Pair::connected(config(0), config(1));
        let mut left = lost;
        pair.network = Box::new(move |_, datagram| {
            let is_lost = datagram.from == 0 && datagram.kind == Kind::Data && left > 0;
            left -= usize::from(is_lost);
            if is_lost { vec![] } else { vec![ms(10)] }
        });
        pair.send(0, "number 0");
        // Keepalives, data and acknowledgements of the other side come in between.
        for number in 0..5 {
            pair.send(1, payload(number, 10));
            pair.run(ms(3), |_| false);
        }
        assert_eq!(pair.status(0).send.queued_messages, 1);
        assert!(pair.run(secs(60), |pair| pair.sides[1].messages == ["number 0"]), "{lost}");
    }
}

/// Defect 2: A field that the lost last step of the handshake needs for its cure is not on the wire: the other end dies.
#[test]
fn defect_02_a_lost_last_step_of_the_handshake_does_not_kill_the_responder() {
    for lost in 1..8 {
        let mut left = lost;
        let mut pair = Pair::simple().network(move |_, datagram| {
            let is_lost = datagram.from == 0 && datagram.kind != Kind::Syn && left > 0;
            left -= usize::from(is_lost);
            if is_lost { vec![] } else { vec![ms(10)] }
        });
        assert!(pair.run(secs(300), |pair| pair.sides[1].has(&Event::Connected)), "{lost}");
        pair.run(secs(30), |_| false);
        assert_eq!(pair.ends(), [None, None]);
    }
}

/// Defect 3: The end has no number, is sent once and waits for nothing: 11 of 20 trials without any loss lost data.
#[test]
fn defect_03_the_end_has_its_place_behind_the_data_and_is_repeated() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        // Every packet takes another time: they overtake each other all the time.
        let mut pair = Pair::simple().network(move |_, _| vec![ms(1 + rng.below(80))]);
        for number in 0..20 {
            pair.send(0, payload(number, 800));
        }
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(60)));
        assert_eq!(pair.sides[1].messages.len(), 20, "seed {seed}");
        assert_eq!(pair.ends(), [Some(CloseReason::Finished), Some(CloseReason::Finished)], "both learn of it");
    }
}

/// Defect 4: Only the peer's window is a limit, but packets live in a ring of the own window: 3 of 100 were delivered (2 against 64,
/// one of seven lost).
#[test]
fn defect_04_a_small_own_window_against_a_large_one_loses_nothing() {
    let (mut alice, mut bob) = (config(0), config(1));
    (alice.send.window, bob.receive.window) = (2, 64);
    let mut pair = Pair::connected(alice, bob);
    let mut count = 0;
    pair.network = Box::new(move |_, datagram| {
        count += usize::from(datagram.from == 0);
        if datagram.from == 0 && count % 7 == 0 { vec![] } else { vec![ms(1)] }
    });
    for number in 0..100 {
        pair.send(0, payload(number, 1000));
    }
    assert!(pair.run(secs(60), |pair| pair.sides[1].messages.len() == 100));
}

/// A packet of frames with the tag of side 0.
fn frames(number: u32, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = [0; 1200];
    let mut writer = Writer::new(&mut buffer);
    FramesPacket::begin(&mut writer, 0xa, number, true);
    write(&mut writer);
    let len = writer.finish().unwrap();
    seal(&mut buffer[..len]);
    buffer[..len].to_vec()
}

/// Defect 5: One packet of anybody crashes the process: a negative number, a total that shrinks, bytes that are none, a second call.
#[test]
fn defect_05_no_packet_crashes_anything() {
    let mut rng = Rng::new(5);
    for round in 0..3000_u32 {
        let mut pair = Pair::connected(config(0), config(1));
        let (number, segment, flags) = (rng.next() as u32, rng.next() as u32, rng.next() as u8);
        let datagram = match round % 6 {
            // Numbers far before the first and far behind the last.
            0 => frames(number, |writer| {
                Data::begin(writer, segment);
                writer.put_slice(&[PieceFlags::WHOLE.bits(), 1, 2, 3]);
            }),
            // Totals that shrink and totals without measure.
            1 => frames(number, |writer| {
                let mut any = || rng.next() >> rng.below(64);
                let (max_bytes, max_messages, max_segment, consumed) = (any(), any(), any(), any());
                assert!(Frame::Credit(Credit { max_bytes, max_messages, max_segment, consumed }).write(writer));
            }),
            // Any flags with any lengths.
            2 => frames(number, |writer| {
                Data::begin(writer, segment);
                let flags = PieceFlags::from_bits(flags);
                Piece::begin(writer, flags, rng.next() >> 40, rng.next() >> rng.below(64));
                writer.put_slice(b"some bytes");
            }),
            // Anything behind a good header and check.
            3 => frames(number, |writer| (0..30).for_each(|_| writer.put_u8(rng.next() as u8))),
            // Anything at all.
            4 => (0..rng.below(1300)).map(|_| rng.next() as u8).collect(),
            // Another call while one is known.
            _ => {
                let mut stranger = config(1);
                stranger.tag = rng.next() | 1;
                SlidingWindow::connect(stranger, at(0)).unwrap().poll_transmit(at(0)).unwrap().to_vec()
            }
        };
        pair.handle(0, Input::Datagram(&datagram));
        pair.run(secs(2), |_| false);
    }
}

/// 5, the last part: simultaneous calls and a lost last step crash it too.
#[test]
fn defect_05_simultaneous_calls_with_every_answer_lost_for_a_while() {
    for lost in 1..12 {
        let [alice, bob] = [0, 1].map(|side| SlidingWindow::connect(config(side), Instant::ZERO).unwrap());
        let mut left = lost;
        let mut pair = Pair::of(alice, bob).network(move |_, datagram| {
            let is_lost = datagram.kind != Kind::Syn && left > 0;
            left -= usize::from(is_lost);
            if is_lost { vec![] } else { vec![ms(10)] }
        });
        assert!(pair.run(secs(200), |pair| pair.sides.iter().all(|side| side.has(&Event::Connected))), "{lost}");
    }
}

/// Defect 6: The deadline of a retry can become not-a-number, or shrink below the round trip: packets are sent again for ever.
#[test]
fn defect_06_on_a_long_steady_path_nothing_is_sent_twice() {
    let mut pair = Pair::connected(config(0), config(1));
    // Round trips of 23 ms that differ by up to 14, as where the original's deadline was 5.9 ms.
    let mut rng = Rng::new(6);
    let mut last = at(0);
    pair.network = Box::new(move |now, _| {
        // No packet overtakes another.
        last = last.max(now + ms(8 + rng.below(7)));
        vec![last - now]
    });
    for number in 0..2000 {
        pair.send(0, payload(number, 100));
        pair.run(ms(5), |_| false);
    }
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages.len() == 2000));
    let status = pair.status(0);
    assert_eq!(status.counters.data_resent, 0);
    let timeout = status.recovery.unwrap().probe_timeout;
    assert!(timeout > ms(30) && timeout < secs(1), "{timeout:?}");
}

/// Defect 7: A slow reader on a path without loss: 2,599 transmissions for 200 messages, since only what was read is acknowledged.
#[test]
fn defect_07_a_slow_reader_causes_no_retransmission() {
    let mut bob = config(1);
    (bob.receive.window, bob.receive.max_messages) = (16, 16);
    let mut pair = Pair::connected(config(0), bob);
    pair.sides[1].reads = false;
    for number in 0..200 {
        pair.send(0, payload(number, 1100));
    }
    let mut taken = vec![];
    while taken.len() < 200 {
        pair.run(ms(150), |_| false);
        while let Some(event) = pair.sides[1].machine.poll_event() {
            if let Event::Message { payload, .. } = event {
                taken.push(payload);
            }
        }
    }
    assert_eq!(pair.count(0, Kind::Data), 200);
}

/// Defect 8: A listener that nobody calls ends itself after 25 seconds.
#[test]
fn defect_08_a_listener_waits_as_long_as_it_takes() {
    let mut pair = Pair::simple();
    let year = Instant::from_secs(31_536_000);
    let mut bob = SlidingWindow::listen(config(1), Instant::ZERO).unwrap();
    bob.handle_timeout(year);
    assert_eq!((bob.poll_event(), bob.poll_timeout()), (None, None));
    pair.sides[1].machine = bob;
    pair.sides[0].machine = SlidingWindow::connect(config(0), year).unwrap();
    pair.now = year;
    pair.send(0, "at last");
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages.len() == 1));
}

/// Defect 9: Reading when nothing is there gives 0 bytes and no error; the end is an error, and what was not read is lost.
#[test]
fn defect_09_nothing_yet_and_the_end_are_told_apart_and_nothing_is_lost() {
    let mut bob = config(1);
    bob.delivery = Delivery::Pull;
    let mut pair = Pair::connected(config(0), bob);
    let mut buffer = [0; 100];
    assert_eq!(pair.sides[1].machine.read(pair.now, &mut buffer), Poll::Pending);
    pair.send(0, payload(1, 150));
    pair.handle(0, Input::Close);
    pair.run(secs(5), |_| false);
    let lengths: Vec<_> = (0..3).map(|_| pair.sides[1].machine.read(pair.now, &mut buffer)).collect();
    assert_eq!(lengths, [Poll::Ready(100), Poll::Ready(50), Poll::Ready(0)]);
}

/// Defect 10: A write waits for the consumer and gives up after 10 s with a short count and no error.
#[test]
fn defect_10_writing_waits_for_nobody_and_says_what_it_took() {
    let mut bob = config(1);
    bob.delivery = Delivery::Pull;
    let mut pair = Pair::connected(config(0), bob);
    let all = payload(3, 6 << 20);
    let mut written = 0;
    while let Ok(len) = pair.sides[0].machine.write(pair.now, &all[written..]) {
        written += len;
    }
    assert_eq!(written, 4 << 20, "as much as the queue holds");
    // A consumer that sleeps for an hour is no error.
    pair.run(secs(500), |_| false);
    assert_eq!(pair.ends(), [None, None]);
    let (mut read, mut buffer) = (vec![], vec![0; 100_000]);
    let done = pair.run(secs(600), |pair| {
        while let Poll::Ready(len @ 1..) = pair.sides[1].machine.read(pair.now, &mut buffer) {
            read.extend_from_slice(&buffer[..len]);
        }
        if let Ok(len) = pair.sides[0].machine.write(pair.now, &all[written..]) {
            written += len;
        }
        pair.exchange();
        read.len() == all.len()
    });
    assert!(done && read == all);
}

/// Defect 11: The limit on unacknowledged packets, the list of missing packets, the tap and the rest are there, and do nothing. The tap
/// and resumption have tests of their own; here is the limit.
#[test]
fn defect_11_what_is_configured_works() {
    let limited = |loss| {
        let mut alice = config(0);
        alice.unacked_limit = Some(UnackedLimit::new(20, secs(10)));
        let mut pair = Pair::connected(alice, config(1));
        let mut rng = Rng::new(11);
        pair.network = Box::new(move |_, datagram| match datagram.from == 0 && rng.percent(loss) {
            true => vec![],
            false => vec![ms(10)],
        });
        for number in 0..300 {
            pair.send(0, payload(number, 1000));
        }
        pair.run(secs(100), |pair| pair.sides[0].closed.is_some() || pair.sides[1].messages.len() == 300);
        pair.ends()[0].clone()
    };
    assert_eq!(limited(1), None);
    assert_eq!(limited(40), Some(CloseReason::UnackedLimit { packets: 20, window: secs(10) }));
}

/// Defect 12: The advertised bytes are one too many after the first message, and capacities can become negative.
#[test]
fn defect_12_credit_is_exact_and_never_exceeded() {
    let mut bob = config(1);
    (bob.receive.max_bytes, bob.receive.max_message) = (65_536, 65_536);
    let mut pair = Pair::connected(config(0), bob);
    let mut sent = 0;
    for round in 0..40 {
        let len = 1 + round * 1500;
        pair.send(0, payload(round, len));
        sent += len as u64;
        pair.run(secs(1), |_| false);
        let status = pair.status(1).receive;
        assert!(status.credit_bytes <= sent + 65_536, "round {round}: {status:?}");
        assert!(status.held_bytes <= 65_536);
        assert!(pair.status(0).send.credit_bytes <= status.credit_bytes, "we never believe more than was told");
    }
    assert_eq!(pair.sides[1].messages.len(), 40);
}

/// Defect 13: Comparisons of differences overflow on 32-bit machines. Here numbers begin close to the end of their range on the wire.
#[test]
fn defect_13_numbers_wrap_on_the_wire_and_nobody_notices() {
    let near_the_end = |side: usize, packet: u32, segment: u32| -> Config {
        let mut config = config(side);
        config.initial_numbers = Some(InitialNumbers::new(packet, segment));
        config
    };
    for before_the_end in [0, 1, 5, 20, 1 << 31, (1 << 31) + 5] {
        let start = u32::MAX - before_the_end;
        let mut rng = Rng::new(u64::from(before_the_end));
        let mut pair = Pair::new(near_the_end(0, start, start), near_the_end(1, start, u32::MAX))
            .network(move |_, _| if rng.percent(10) { vec![] } else { vec![ms(1 + rng.below(30))] });
        for number in 0..60 {
            pair.send(0, payload(number, 1000));
            pair.send(1, payload(number, 1000));
        }
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(100)), "{before_the_end}");
        assert!(pair.sides.iter().all(|side| side.messages.len() == 60));
    }
}

/// Defect 14: The header is not protected, and data without a byte has no checksum: see `attackers`. Here: an empty message.
#[test]
fn defect_14_the_check_covers_packets_without_a_byte_of_data() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.sides[0].machine.try_send(pair.now, "".into(), &SendOptions::ORDERED).unwrap();
    let datagram = pair.sides[0].machine.poll_transmit(pair.now).unwrap();
    for bit in 0..datagram.len() * 8 {
        let mut damaged = datagram.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        pair.handle(1, Input::Datagram(&damaged));
    }
    pair.sides[1].take();
    assert!(pair.sides[1].messages.is_empty() && pair.ends()[1].is_none());
}

/// Defect 15 and 16: No congestion control: 0.046 MB/s of a bottleneck of 12.5 MB/s, with twelve transmissions per message.
#[test]
fn defect_15_a_bottleneck_is_filled_and_not_flooded() {
    // 12.5 MB/s, 20 ms, a queue of 125 kB.
    let mut pair = Pair::connected(config(0), config(1));
    let mut free = at(0);
    pair.network = Box::new(move |now, datagram| {
        if datagram.from == 1 {
            return vec![ms(10)];
        }
        let wait = free - now;
        if wait > ms(10) {
            return vec![];
        }
        free = free.max(now) + mconn::time::Duration::from_nanos(datagram.bytes.len() as u64 * 80);
        vec![(free - now) + ms(10)]
    });
    let start = pair.now;
    let (mut sent, total) = (0, 8000);
    let done = pair.run(secs(60), |pair| {
        while sent < total
            && pair.sides[0].machine.try_send(pair.now, payload(sent, 1150), &SendOptions::ORDERED).is_ok()
        {
            sent += 1;
        }
        pair.exchange();
        pair.sides[1].messages.len() == total
    });
    let took = (pair.now - start).as_secs_f64();
    let (rate, transmissions) = (total as f64 * 1150.0 / took / 1e6, pair.count(0, Kind::Data) as f64 / total as f64);
    assert!(done && rate > 8.0 && transmissions < 1.1, "{rate:.1} MB/s, {transmissions:.3} transmissions");
}

/// Defect 17: Every packet is kept for ever on both sides.
#[test]
fn defect_17_nothing_is_kept_of_what_was_delivered() {
    let mut pair = Pair::connected(config(0), config(1));
    for round in 0..50 {
        for number in 0..100 {
            pair.send(0, payload(number, 1000));
        }
        assert!(pair.run(secs(60), |pair| pair.sides[1].messages.len() == (round + 1) * 100));
        pair.settle();
        let (send, receive) = (pair.status(0).send, pair.status(1).receive);
        assert_eq!((send.queued_messages, send.queued_bytes, send.unacked_segments, receive.held_bytes), (0, 0, 0, 0));
    }
}

/// Defect 18: About 457 bytes of framing per packet: 28 % at 1,200 bytes.
#[test]
fn defect_18_a_data_packet_has_23_bytes_of_framing() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.send(0, payload(1, 1000));
    let datagram = pair.sides[0].machine.poll_transmit(pair.now).unwrap();
    assert_eq!(datagram.len(), 1000 + 23);
}
