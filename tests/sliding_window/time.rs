//! Time is what the driver says: exact, late, at random, or going back.

use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::{Config, Input, SendOptions, SlidingWindow};
use mconn::time::Instant;

use crate::support::{Pair, Rng, at, config, ms, payload, secs};

/// What side 0 sends in a run, with its moments.
fn transfer(mut pair: Pair, ticks: Option<u64>) -> (Vec<(Instant, usize, Vec<u8>)>, Pair) {
    for number in 0..40 {
        pair.send(0, payload(number, 700));
        pair.send(1, payload(number, 300));
    }
    pair.handle(0, Input::Close);
    let mut rng = Rng::new(ticks.unwrap_or(1));
    let done = pair.run(secs(600), |pair| {
        if ticks.is_some() && rng.percent(50) {
            for side in &mut pair.sides {
                side.machine.handle_timeout(pair.now);
            }
        }
        pair.sides.iter().all(|side| side.closed.is_some())
    });
    assert!(done);
    let sent = pair.sent.iter().map(|(time, datagram)| (*time, datagram.from, datagram.bytes.clone())).collect();
    (sent, pair)
}

fn lossy(seed: u64) -> Pair {
    let mut rng = Rng::new(seed);
    Pair::simple().network(move |_, _| if rng.percent(10) { vec![] } else { vec![ms(5 + rng.below(20))] })
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    for seed in 1..10 {
        assert_eq!(transfer(lossy(seed), None).0, transfer(lossy(seed), None).0);
    }
}

#[test]
fn ticks_at_moments_when_nothing_is_due_change_nothing() {
    for seed in 1..10 {
        assert_eq!(transfer(lossy(seed), None).0, transfer(lossy(seed), Some(seed)).0);
    }
}

/// A driver that wakes only now and then, late for every deadline, delivers the same.
#[test]
fn a_late_driver_changes_nothing_but_timing() {
    for (seed, period) in [(1, 7), (2, 50), (3, 333)] {
        let mut rng = Rng::new(seed);
        let mut sides =
            [SlidingWindow::connect(config(0), at(0)).unwrap(), SlidingWindow::listen(config(1), at(0)).unwrap()];
        for number in 0..30 {
            sides[0].try_send(at(0), payload(number, 700), &SendOptions::ORDERED).unwrap();
        }
        let mut received = vec![];
        for tick in 0..5000 {
            let now = at(tick * period);
            let mut datagrams = [vec![], vec![]];
            for (side, out) in sides.iter_mut().zip(&mut datagrams) {
                side.handle_timeout(now);
                out.extend(std::iter::from_fn(|| side.poll_transmit(now)));
            }
            for from in 0..2 {
                for datagram in datagrams[from].iter().filter(|_| !rng.percent(10)) {
                    sides[1 - from].handle(now, Input::Datagram(datagram));
                }
            }
            while sides[0].poll_event().is_some() {}
            while let Some(event) = sides[1].poll_event() {
                if let mconn::sliding_window::Event::Message { payload, .. } = event {
                    received.push(payload);
                }
            }
        }
        assert_eq!(received, (0..30).map(|number| payload(number, 700)).collect::<Vec<_>>(), "every {period} ms");
    }
}

#[test]
fn time_that_goes_back_is_clamped_and_counted() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.send(0, "x");
    let alice = &mut pair.sides[0].machine;
    let before = alice.status(pair.now);
    alice.handle_timeout(Instant::ZERO);
    let datagram = alice.poll_transmit(at(1)).expect("a message that waits");
    alice.handle(Instant::ZERO, Input::Datagram(b"?"));
    let status = alice.status(Instant::ZERO);
    assert_eq!(status.counters.clock_went_back - before.counters.clock_went_back, 3);
    assert_eq!(status.duration, before.duration, "it stands still");
    pair.handle(1, Input::Datagram(&datagram));
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 1));
}

#[test]
fn a_jump_of_the_clock_ends_the_session_and_nothing_else() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.sides[0].machine.handle_timeout(Instant::MAX);
    pair.sides[0].take();
    assert!(pair.ends()[0].is_some());
}

/// The hot path writes the same bytes as the one that allocates, one datagram or many at a time.
#[test]
fn every_way_to_pull_output_gives_the_same_bytes() {
    let start = |config: Config| {
        let mut pair = Pair::connected(config, crate::support::config(1));
        for number in 0..30 {
            pair.send(0, payload(number, number * 100));
        }
        pair
    };
    let mut fixed = config(0);
    fixed.congestion = Algorithm::Fixed { bytes: 1 << 20, packets: 1000 };
    for config in [config(0), fixed] {
        let [mut one, mut into, mut batch] = [(); 3].map(|()| start(config.clone()));
        let now = one.now;
        let expected: Vec<_> =
            std::iter::from_fn(|| one.sides[0].machine.poll_transmit(now)).map(|bytes| bytes.to_vec()).collect();
        let mut buffer = [0xff; 1232];
        let pulled: Vec<_> = std::iter::from_fn(|| {
            let len = into.sides[0].machine.transmit_into(now, &mut buffer);
            (len > 0).then(|| buffer[..len].to_vec())
        })
        .collect();
        assert_eq!(pulled, expected);
        let (mut large, mut lengths) = (vec![0xff; 1232 * 64], vec![]);
        let total = batch.sides[0].machine.transmit_batch(now, &mut large, &mut lengths, 64);
        assert_eq!(lengths, expected.iter().map(Vec::len).collect::<Vec<_>>());
        assert_eq!(large[..total], expected.concat());
        assert!(expected.len() > 5);
    }
}

#[test]
fn a_buffer_that_is_too_small_gives_nothing_and_loses_nothing() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.send(0, "x");
    let alice = &mut pair.sides[0].machine;
    assert_eq!(alice.transmit_into(pair.now, &mut [0; 1231]), 0);
    assert!(alice.wants_write());
    assert!(alice.transmit_into(pair.now, &mut [0; 1232]) > 0);
    let (mut lengths, mut buffer) = (vec![], vec![0; 3000]);
    for _ in 0..50 {
        alice.try_send(pair.now, payload(1, 1100), &SendOptions::ORDERED).unwrap();
    }
    assert!(alice.transmit_batch(pair.now, &mut buffer, &mut lengths, 9) <= 3000);
    assert_eq!(lengths.len(), 2);
}

/// What does not want to write gives nothing, and what was pulled dry does not want to: a driver that waits for the socket
/// neither spins nor sleeps.
#[test]
fn wants_write_tells_the_truth() {
    let mut pair = lossy(5);
    for number in 0..200 {
        pair.send(0, payload(number, 900));
    }
    pair.handle(0, Input::Close);
    let mut quiet = 0;
    while pair.step() {
        for side in &mut pair.sides {
            assert!(!side.machine.wants_write(), "all was pulled");
            assert_eq!(side.machine.poll_transmit(pair.now), None);
        }
        // What arrives and is not announced gives nothing either.
        let Some(next) = pair.next() else { break };
        pair.now = next;
        for side in &mut pair.sides {
            side.machine.handle_timeout(next);
            if !side.machine.wants_write() {
                quiet += 1;
                assert_eq!(side.machine.poll_transmit(next), None, "output that nobody was told of");
            }
        }
    }
    assert!(quiet > 100);
}

/// A message for which the pacer has no room at once is announced, by output or by a deadline: no driver sleeps over it.
#[test]
fn what_the_pacer_holds_back_is_not_slept_over() {
    let mut pair = Pair::connected(config(0), config(1));
    for number in 0..200 {
        pair.send(0, payload(number, 1100));
    }
    pair.settle();
    let mut held_back = 0;
    for number in 0..50 {
        pair.send(0, payload(number, 1100));
        let machine = &pair.sides[0].machine;
        let later = pair.now + ms(3);
        let would_go =
            machine.clone().poll_transmit(pair.now).is_none() && machine.clone().poll_transmit(later).is_some();
        if would_go {
            held_back += 1;
            let wakes = machine.poll_timeout().is_some_and(|(deadline, _)| deadline <= later);
            assert!(machine.wants_write() || wakes, "message {number} waits for nobody");
        }
        pair.exchange();
        assert!(!pair.sides[0].machine.wants_write(), "a driver that has pulled does not spin");
    }
    assert!(held_back > 0);
}

/// A path that was cut is whole again: the driver knows it, and the peer is asked at once.
#[test]
fn a_path_that_is_whole_again_is_used_at_once() {
    let mut pair = Pair::connected(config(0), config(1)).network(|_, _| vec![]);
    pair.send(0, payload(1, 500));
    let until = pair.now + secs(20);
    pair.run_until(until);
    assert!(pair.status(0).counters.probe_timeouts >= 5);
    pair.network = Box::new(|_, _| vec![ms(10)]);
    let now = pair.now;
    pair.exchange();
    assert!(pair.sent.last().unwrap().0 < now, "it would wait for the probe timeout");
    pair.sides[0].machine.probe(now);
    assert!(pair.run(ms(15), |pair| pair.sides[1].messages == [payload(1, 500)]));
    // Before the session is open there is nobody to ask.
    let mut early = Pair::simple();
    early.exchange();
    early.sides[0].machine.probe(Instant::ZERO);
    assert!(!early.sides[0].machine.wants_write());
}
