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
    let known = *recovery.round_trip();
    assert_eq!((known.minimum, known.smoothed), (Duration::from_millis(40), Duration::from_millis(40)));
    // Old packets and duplicates give no sample.
    recovery.on_ack(ms(900_000), [0..=49], Duration::ZERO, false, &mut |_| {}).unwrap();
    assert_eq!(*recovery.round_trip(), known);
}

/// A peer that tells ranges so that each looks at many runs: the work stays near the number of packets.
#[test]
fn many_small_runs_cost_no_more_than_their_number() {
    let mut recovery = recovery();
    let count = 8_000_u64;
    send(&mut recovery, ms(0), count);
    // Every second packet first, all below the newest two so that nothing is lost, then all, again and again.
    recovery.reordering.on_spurious(0, u64::MAX, 0);
    for chunk in (0..count / 2).collect::<Vec<_>>().chunks(32) {
        let ranges = chunk.iter().rev().map(|half| half * 2..=half * 2);
        recovery.on_ack(ms(1), ranges, Duration::ZERO, false, &mut |_| {}).unwrap();
    }
    let mut told = 0;
    for high in (count - 5_000..count).rev() {
        recovery.on_ack(ms(1), [0..=high], Duration::ZERO, false, &mut |_| told += 1).unwrap();
    }
    assert!(told > 0 && recovery.bytes_in_flight() == 0);
}
