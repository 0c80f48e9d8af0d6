//! What a peer can not have sent honestly, and what it may claim without doing harm.

use super::*;

fn refuse(recovery: &mut Recovery<u64>, ranges: &[(u64, u64)]) -> (AckError, Told) {
    let mut told = Told::new();
    let ranges = ranges.iter().map(|(low, high)| *low..=*high);
    let error = recovery.on_ack(ms(40), ranges, Duration::ZERO, false, &mut |outcome| told.push(outcome)).unwrap_err();
    (error, told)
}

/// RFC 9000 section 13.1: an acknowledgement of a packet that was never sent. Threat: optimistic acknowledgements.
#[test]
fn a_packet_that_was_never_sent_is_an_error_and_nothing_changes() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 5);
    let before = std::format!("{:?}", recovery.status());
    for high in [5, 1 << 62, u64::MAX] {
        assert_eq!(refuse(&mut recovery, &[(0, high)]), (AckError::NeverSent { number: high }, Told::new()));
    }
    assert_eq!(std::format!("{:?}", recovery.status()), before);
}

/// RFC 9000 section 21.4: the same for a number that was left out.
#[test]
fn a_number_that_was_left_out_is_an_error() {
    let config = RecoveryConfig { skip_seed: Some(3), ..RecoveryConfig::default() };
    let mut recovery = Recovery::new(&config, fixed(), ms(0));
    let mut left_out = None;
    while left_out.is_none() {
        let number = recovery.next_packet_number();
        assert_eq!(recovery.on_sent(ms(0), 1_000, true, number), number);
        left_out = (recovery.next_packet_number() > number + 1).then_some(number + 1);
    }
    let number = left_out.unwrap();
    send(&mut recovery, ms(0), 1);
    assert_eq!(refuse(&mut recovery, &[(0, number + 1)]), (AckError::NeverSent { number }, Told::new()));
    assert_eq!(ack(&mut recovery, ms(9), &[(number + 1, number + 1), (0, number - 1)]).len() as u64, number + 1);
    assert_eq!(recovery.bytes_in_flight(), 0);
}

#[test]
fn ranges_out_of_order_are_an_error_after_those_in_order() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 9);
    assert_eq!(refuse(&mut recovery, &[(3, 2)]), (AckError::Disordered, Told::new()));
    let (error, told) = refuse(&mut recovery, &[(7, 7), (8, 8)]);
    assert_eq!((error, told[0]), (AckError::Disordered, Outcome::Acked(7)));
    assert_eq!(refuse(&mut recovery, &[(4, 6), (4, 5)]).0, AckError::Disordered);
    assert_eq!(refuse(&mut recovery, &[(4, 6), (5, 3)]).0, AckError::Disordered);
    assert_eq!(ack(&mut recovery, ms(50), &[(0, 8)]).len(), 5);
}

#[test]
fn nothing_and_old_news_change_nothing() {
    let mut recovery = recovery();
    assert_eq!(ack(&mut recovery, ms(0), &[]), []);
    send(&mut recovery, ms(0), 3);
    ack(&mut recovery, ms(10), &[(0, 2)]);
    let before = recovery.status();
    assert_eq!(ack(&mut recovery, ms(11), &[(0, 0)]), []);
    assert_eq!(ack(&mut recovery, ms(900), &[(0, 2)]), []);
    assert_eq!(recovery.status(), before);
}

/// Threat: a peer that claims delays to make the round-trip time look short or long.
#[test]
fn a_claimed_delay_can_not_poison_the_round_trip_time() {
    let mut recovery = recovery();
    for step in 0..50_u64 {
        let now = ms(step * 100);
        send(&mut recovery, now, 1);
        let claimed = if step % 2 == 0 { Duration::MAX } else { Duration::from_millis(39) };
        let arrived = now + Duration::from_millis(40);
        recovery.on_ack(arrived, [step..=step], claimed, false, &mut |_| {}).unwrap();
    }
    let known = recovery.round_trip();
    assert_eq!((known.minimum, known.smoothed), (Duration::from_millis(40), Duration::from_millis(40)));
    // Old packets and duplicates give no sample.
    recovery.on_ack(ms(900_000), [0..=49], Duration::ZERO, false, &mut |_| {}).unwrap();
    assert_eq!(recovery.round_trip(), known);
}

/// A peer that tells ranges so that each looks at many runs: the work stays near the number of packets and of ranges.
#[test]
fn many_small_runs_cost_no_more_than_their_number() {
    let mut recovery = recovery();
    let count = 8_000_u64;
    send(&mut recovery, ms(0), count);
    let ranges_told = core::cell::Cell::new(0);
    let tell = |recovery: &mut Recovery<u64>, ranges: &[(u64, u64)]| {
        ranges_told.set(ranges_told.get() + ranges.len() as u64);
        let ranges = ranges.iter().map(|(low, high)| *low..=*high);
        recovery.on_ack(ms(1), ranges, Duration::ZERO, false, &mut |_| {}).unwrap();
    };
    // Every second packet but the first, so that each is a run of its own; the first stays, so that none can be forgotten.
    for chunk in (1..count / 2).collect::<Vec<_>>().chunks(32) {
        let ranges: Vec<_> = chunk.iter().rev().map(|half| (half * 2, half * 2)).collect();
        tell(&mut recovery, &ranges);
    }
    // Then all but the first, from further and further down, so that each begins at another run.
    for high in (count - 5_000..count).rev() {
        tell(&mut recovery, &[(1, high)]);
    }
    for low in 1..3_000 {
        tell(&mut recovery, &[(low, count - 1)]);
    }
    assert!(recovery.looks <= 3 * count + 4 * ranges_told.get(), "{} looks", recovery.looks);
    tell(&mut recovery, &[(0, count - 1)]);
    assert_eq!((recovery.bytes_in_flight(), recovery.sent.len()), (0, 0));
}

/// An honest peer, a window of 4,000 packets, and a hole at its front: each acknowledgement tells all of the window anew.
#[test]
fn a_large_window_with_a_hole_costs_no_more_than_a_small_one() {
    let mut recovery = recovery();
    recovery.reordering.on_spurious(0, u64::MAX, 0);
    let (window, count) = (4_000, 20_000);
    for number in 0..count {
        send(&mut recovery, Instant::from_micros(number * 10), 1);
        if number > window {
            ack(&mut recovery, Instant::from_micros(number * 10), &[(1, number - window)]);
        }
    }
    assert!(recovery.looks < 4 * count, "{}", recovery.looks);
}
