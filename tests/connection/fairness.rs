//! Shares, waits, and bytes over time.

use crate::support::{Rng, Seen, at, machine, ms, output, packet, quiet, secs, seen};
use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, Input, MConnState};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, TokenBucket};
use mconn::time::{Duration, Instant};

/// A machine whose channels 0, 1, 2 ... have these priorities, with enough to send on each.
fn saturated(priorities: &[u32], message: usize) -> MConnState {
    let channel = |(id, &priority): (usize, &u32)| ChannelConfig::new(id as u8, priority).send_queue_capacity(100_000);
    let mut state = machine(quiet(priorities.iter().enumerate().map(channel)));
    let payload = Bytes::from(vec![0; message]);
    for id in 0..priorities.len() {
        for _ in 0..2_000_000 / message {
            state.try_send(id as u8, payload.clone()).unwrap();
        }
    }
    state
}

/// The channel of the next packet, and its size.
fn next(state: &mut MConnState, now: Instant) -> (usize, usize) {
    let mut frame = state.poll_transmit(now).expect("something to send");
    let bytes = frame.copy_to_bytes(frame.remaining());
    match seen(&bytes)[..] {
        [Seen::Message(channel, _, _)] => (channel as usize, bytes.len()),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn shares_are_within_5_percent_of_the_priorities_over_1_mb() {
    for priorities in [&[1, 5, 10][..], &[6, 10, 10, 5, 1, 1, 5, 5, 3], &[1, 1], &[2, 1, 10], &[100, 50, 10]] {
        for (message, pace) in [(100_000, ms(0)), (777, ms(0)), (20_000, ms(3)), (1_500, ms(20))] {
            let (mut state, mut now) = (saturated(priorities, message), Instant::ZERO);
            let mut sent = vec![0; priorities.len()];
            while sent.iter().sum::<usize>() < 1_000_000 {
                let (channel, bytes) = next(&mut state, now);
                sent[channel] += bytes;
                now += pace;
            }
            let (bytes, weight) = (sent.iter().sum::<usize>() as f64, f64::from(priorities.iter().sum::<u32>()));
            for (sent, &priority) in sent.iter().zip(priorities) {
                let (share, due) = (*sent as f64 / bytes, f64::from(priority) / weight);
                assert!(
                    (share - due).abs() <= 0.05 * due + 0.002,
                    "{priorities:?} {message}: {share} instead of {due}"
                );
            }
        }
    }
}

/// Between two packets of a channel every other sends at most what its priority is worth, and one packet.
#[test]
fn the_wait_for_the_next_packet_is_bounded() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let priorities: Vec<u32> = (0..2 + rng.below(7)).map(|_| 1 + rng.below(20) as u32).collect();
        let bound = |mine: usize| -> u32 {
            let others = priorities.iter().enumerate().filter(|(other, _)| *other != mine);
            others.map(|(_, other)| other.div_ceil(priorities[mine]) + 1).sum()
        };
        let mut state = saturated(&priorities, 50_000);
        let mut waits = vec![0; priorities.len()];
        for step in 0..1500 {
            let (chosen, _) = next(&mut state, at(step * 4));
            for (channel, wait) in waits.iter_mut().enumerate() {
                *wait = if channel == chosen { 0 } else { *wait + 1 };
                assert!(*wait <= bound(channel), "seed {seed}: {priorities:?}, channel {channel} waits for {wait}");
            }
        }
    }
}

/// Small urgent messages among bulk: at most one packet per other channel goes before them.
#[test]
fn a_high_priority_message_waits_for_hardly_anybody() {
    let mut state = saturated(&[1, 5, 5], 100_000);
    let mut config = quiet([ChannelConfig::new(0, 1), ChannelConfig::new(1, 5), ChannelConfig::new(2, 5)]);
    config.channels.push(ChannelConfig::new(9, 10));
    let mut urgent = machine(config);
    for id in 0..3 {
        for _ in 0..30 {
            urgent.try_send(id, vec![0; 300_000].into()).unwrap();
        }
    }
    std::mem::swap(&mut state, &mut urgent);
    let mut rng = Rng::new(1);
    for round in 0..400 {
        let now = at(round * 10);
        for _ in 0..10 + rng.below(40) {
            next(&mut state, now);
        }
        state.try_send(9, Bytes::from(vec![0; 100])).unwrap();
        let before = (0..).take_while(|_| next(&mut state, now).0 != 9).count();
        assert!(before <= 3, "round {round}: {before} packets before it");
    }
}

/// Checks that in any window at most `rate * time + burst` bytes passed.
fn within(passed: &[(Instant, u64)], rate: u64, burst: u64) {
    for (first, (from, _)) in passed.iter().enumerate() {
        let mut bytes = 0;
        for (until, more) in &passed[first..] {
            bytes += more;
            let nanos = u128::from((*until - *from).as_nanos() as u64);
            let allowed = u128::from(rate) * nanos / 1_000_000_000 + u128::from(burst);
            assert!(u128::from(bytes) <= allowed, "{bytes} bytes from {from} to {until}; {allowed} are allowed");
        }
    }
}

#[test]
fn a_token_bucket_keeps_its_promise_about_what_is_sent_in_any_window() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let (rate, burst) = (10_000 + rng.below(500_000) as u64, 1040 + rng.below(20_000) as u64);
        let mut config = quiet([ChannelConfig::new(1, 1).send_queue_capacity(10_000)]);
        config.send_limiter = Box::new(TokenBucket::new(rate, burst));
        let (mut state, mut now, mut passed) = (machine(config), Instant::ZERO, Vec::new());
        for _ in 0..200 {
            for _ in 0..rng.below(20) {
                let _ = state.try_send(1, vec![0; rng.below(5000)].into());
            }
            let mut out = BytesMut::new();
            let room = *rng.pick(&[1100, 3000, 100_000]);
            passed.push((now, state.transmit_into(now, &mut out, room) as u64));
            now += Duration::from_micros(rng.below(90_000) as u64);
            if rng.one_in(20) {
                now += secs(2);
            }
        }
        assert!(passed.iter().map(|(_, bytes)| bytes).sum::<u64>() > 2 * burst, "the limit mattered");
        within(&passed, rate, burst);
    }
}

#[test]
fn a_token_bucket_keeps_its_promise_about_what_is_received_in_any_window() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let (rate, burst) = (10_000 + rng.below(500_000) as u64, 1044 + rng.below(20_000) as u64);
        let mut config = quiet([ChannelConfig::new(1, 1)]);
        config.recv_limiter = Box::new(TokenBucket::new(rate, burst));
        let (mut state, mut now, mut passed) = (machine(config), Instant::ZERO, Vec::new());
        let mut buffer = BytesMut::new();
        for _ in 0..200 {
            while buffer.len() < 60_000 {
                buffer.extend_from_slice(&packet(1, true, &vec![0; rng.below(1025)]));
            }
            let before = buffer.len();
            state.handle_timeout(now);
            state.handle(now, Input::Received { buf: &mut buffer, end: false });
            while state.poll_event().is_some() {}
            passed.push((now, (before - buffer.len()) as u64));
            now += Duration::from_micros(rng.below(90_000) as u64);
        }
        within(&passed, rate, burst);
    }
}

#[test]
fn flowrate_lets_less_than_one_batch_over_pass_in_each_sample_when_sending() {
    for rate in [1, 100, 104_000, 512_000, 1_000_000] {
        let mut config = quiet([ChannelConfig::new(1, 1), ChannelConfig::new(2, 3)]);
        config.send_limiter = Box::new(Flowrate::new(rate));
        let mut state = machine(config);
        let mut rng = Rng::new(rate);
        for sample in 0..50 {
            let mut passed = 0;
            for tick in 0..5 {
                let now = at(100 * sample + 20 * tick);
                for _ in 0..40 {
                    let _ = state.try_send(1 + rng.below(2) as u8, vec![0; 1000 + rng.below(9_000)].into());
                }
                state.handle_timeout(now);
                passed += output(&mut state, now).len() as u64;
            }
            let limit = (rate / 10).max(1);
            assert!(passed < limit + 10 * 1036, "{passed} bytes in sample {sample} at {rate}");
            assert!(passed >= limit, "nothing is lost of it");
        }
    }
}

#[test]
fn flowrate_lets_less_than_one_packet_over_pass_in_each_sample_when_receiving() {
    for rate in [1, 20_000, 512_000] {
        let mut config = quiet([ChannelConfig::new(1, 1)]);
        config.recv_limiter = Box::new(Flowrate::new(rate));
        let mut state = machine(config);
        let mut rng = Rng::new(rate);
        let mut buffer = BytesMut::new();
        for sample in 0..50 {
            let mut passed = 0;
            for tick in 0..5 {
                let now = at(100 * sample + 20 * tick);
                while buffer.len() < 60_000 {
                    buffer.extend_from_slice(&packet(1, true, &vec![0; rng.below(1025)]));
                }
                let before = buffer.len();
                state.handle_timeout(now);
                state.handle(now, Input::Received { buf: &mut buffer, end: false });
                while state.poll_event().is_some() {}
                passed += (before - buffer.len()) as u64;
            }
            let limit = (rate / 10).max(1);
            assert!(passed < limit + 1036, "{passed} bytes in sample {sample} at {rate}");
            assert!(passed >= limit, "nothing is lost of it");
        }
    }
}

/// Packets that one grant covers are counted, and the batch ends with the last waiting packet.
#[test]
fn a_batch_has_as_many_packets_as_configured() {
    for batch in [1, 3, 10] {
        let mut config = quiet([ChannelConfig::new(1, 1)]);
        // One byte fits into a sample: one batch each 100 ms.
        (config.send_limiter, config.packets_per_batch) = (Box::new(Flowrate::new(1)), batch);
        let mut state = machine(config);
        state.try_send(1, vec![0; 100_000].into()).unwrap();
        for sample in 0..5 {
            state.handle_timeout(at(100 * sample));
            assert_eq!(seen(&output(&mut state, at(100 * sample))).len(), batch as usize);
        }
    }
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.send_limiter = Box::new(Flowrate::new(1));
    let mut state = machine(config);
    state.try_send(1, Bytes::from("one packet")).unwrap();
    assert_eq!(seen(&output(&mut state, at(0))).len(), 1);
    state.try_send(1, Bytes::from("the batch is over")).unwrap();
    assert_eq!(output(&mut state, at(0)), b"");
}

/// What is left of a grant lapses: a transport that was blocked in the middle of a batch gets no more than Go would send.
#[test]
fn a_grant_is_for_its_moment() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.send_limiter = Box::new(Flowrate::new(20_000));
    let mut state = machine(config);
    state.try_send(1, vec![0; 100_000].into()).unwrap();
    let mut out = BytesMut::new();
    assert_eq!(seen_len(state.transmit_into(at(0), &mut out, 3 * 1034)), 3);
    // 3102 of 2000 bytes passed: the sample is full.
    assert_eq!(state.transmit_into(at(1), &mut out, 1_000_000), 0);
    assert_eq!(seen_len(state.transmit_into(at(101), &mut out, 1_000_000)), 10);
}

const fn seen_len(bytes: usize) -> usize {
    bytes / 1034
}
