//! Recovery as a whole: the rules of RFC 9002 one by one, and a plain model.

use std::vec::Vec;

use super::*;
use crate::sliding_window::congestion::{Algorithm, Controller, Setup};
use crate::time::{Duration, Instant};

mod goodput;
mod hostile;
mod link;
mod model;

type Told = Vec<Outcome<u64>>;

fn ms(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

fn fixed() -> Controller {
    Algorithm::Fixed { bytes: u64::MAX, packets: u64::MAX }.build(&Setup::new(Instant::ZERO, 1_000))
}

fn recovery() -> Recovery<u64> {
    let config = RecoveryConfig { max_datagram: 1_000, ..RecoveryConfig::default() };
    Recovery::new(&config, fixed(), Instant::ZERO)
}

/// Sends packets of 1,000 bytes at once, each carrying its own number.
fn send(recovery: &mut Recovery<u64>, now: Instant, count: u64) {
    for _ in 0..count {
        let number = recovery.next_packet_number();
        assert_eq!(recovery.on_sent(now, 1_000, true, number), number);
    }
}

fn ack(recovery: &mut Recovery<u64>, now: Instant, ranges: &[(u64, u64)]) -> Told {
    let mut told = Told::new();
    let ranges = ranges.iter().map(|(low, high)| *low..=*high);
    recovery.on_ack(now, ranges, Duration::ZERO, false, &mut |outcome| told.push(outcome)).unwrap();
    sorted(told)
}

/// Arrivals first, newest first; then losses, oldest first.
fn sorted(mut told: Told) -> Told {
    told.sort_by_key(|outcome| match outcome {
        Outcome::Acked(number) | Outcome::WasNotLost(number) => (0, u64::MAX - number),
        Outcome::Lost(number) => (1, *number),
    });
    told
}

fn wake(recovery: &mut Recovery<u64>, now: Instant) -> (u32, Told) {
    let mut told = Told::new();
    let probes = recovery.on_timeout(now, &mut |outcome| told.push(outcome));
    (probes, told)
}

#[test]
fn what_arrives_is_told_once() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 3);
    assert_eq!(recovery.bytes_in_flight(), 3_000);
    assert_eq!(ack(&mut recovery, ms(50), &[(0, 1)]), [Outcome::Acked(1), Outcome::Acked(0)]);
    assert_eq!(ack(&mut recovery, ms(51), &[(0, 1)]), []);
    assert_eq!(ack(&mut recovery, ms(52), &[(0, 2)]), [Outcome::Acked(2)]);
    assert_eq!((recovery.bytes_in_flight(), recovery.deadline()), (0, None));
    let status = recovery.status();
    assert_eq!((status.counters.packets_sent, status.counters.packets_acked), (3, 3));
    assert_eq!(status.round_trip.minimum, Duration::from_millis(50));
}

/// RFC 9002 section 5.1: only what is newest tells how long the way is.
#[test]
fn an_old_packet_gives_no_sample() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 3);
    ack(&mut recovery, ms(40), &[(2, 2)]);
    let known = recovery.round_trip();
    ack(&mut recovery, ms(43), &[(1, 2)]);
    ack(&mut recovery, ms(44), &[(0, 0)]);
    assert_eq!((recovery.round_trip(), known.latest), (known, Duration::from_millis(40)));
}

/// RFC 9002 section 6.1.1: a packet is lost when one sent three later has arrived.
#[test]
fn three_later_make_a_loss() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 6);
    assert_eq!(ack(&mut recovery, ms(40), &[(2, 2)]), [Outcome::Acked(2)]);
    assert_eq!(ack(&mut recovery, ms(41), &[(2, 3)]), [Outcome::Acked(3), Outcome::Lost(0)]);
    assert_eq!(ack(&mut recovery, ms(42), &[(2, 4)]), [Outcome::Acked(4), Outcome::Lost(1)]);
    assert_eq!(recovery.status().counters.packets_lost, 2);
    assert_eq!(recovery.bytes_in_flight(), 1_000);
}

/// RFC 9002 section 6.1.2: and when a later one has arrived and it left 9/8 of a round trip ago.
#[test]
fn a_later_one_and_time_make_a_loss() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 2);
    ack(&mut recovery, ms(80), &[(1, 1)]);
    assert_eq!(recovery.deadline(), Some((ms(90), RecoveryTimer::Loss)));
    assert_eq!(wake(&mut recovery, ms(89)), (0, Told::new()));
    assert_eq!(wake(&mut recovery, ms(90)), (0, [Outcome::Lost(0)].to_vec()));
    assert_eq!((recovery.deadline(), recovery.bytes_in_flight()), (None, 0));
}

/// RFC 9002 section 6.2: nothing is lost for silence alone; two probes leave, each time after twice as long.
#[test]
fn silence_makes_probes_with_back_off() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 1);
    ack(&mut recovery, ms(100), &[(0, 0)]);
    send(&mut recovery, ms(1_000), 1);
    let timeout = 100 + 4 * 50 + 25;
    assert_eq!(recovery.deadline(), Some((ms(1_000 + timeout), RecoveryTimer::Probe)));
    assert_eq!(wake(&mut recovery, ms(1_000 + timeout - 1)).0, 0);
    assert_eq!(wake(&mut recovery, ms(1_325)), (2, Told::new()));
    assert_eq!(recovery.deadline(), Some((ms(1_325 + 2 * timeout), RecoveryTimer::Probe)));
    send(&mut recovery, ms(1_325), 2);
    assert_eq!(wake(&mut recovery, ms(1_325 + 2 * timeout)).0, 2);
    assert_eq!(recovery.probe_count(), 2);
    for _ in 0..50 {
        let (moment, _) = recovery.deadline().unwrap();
        wake(&mut recovery, moment);
    }
    let (moment, _) = recovery.deadline().unwrap();
    assert_eq!(wake(&mut recovery, moment).0, 2);
    assert_eq!(recovery.deadline().unwrap().0 - moment, Duration::from_secs(60));
    // An acknowledgement ends it; what is older is lost, since a later one has arrived.
    send(&mut recovery, moment, 1);
    let now = moment + Duration::from_millis(100);
    let lost = [1, 2, 3].map(Outcome::Lost);
    assert_eq!(ack(&mut recovery, now, &[(4, 4)]), [&[Outcome::Acked(4)], lost.as_slice()].concat());
    assert_eq!(recovery.probe_count(), 0);
}

#[test]
fn a_late_wake_is_one_probe_timeout() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 1);
    assert_eq!(wake(&mut recovery, ms(1_000_000)).0, 2);
    assert_eq!(wake(&mut recovery, ms(1_000_000)).0, 0);
}

#[test]
fn without_a_sample_the_first_probe_leaves_after_a_second() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 1);
    assert_eq!(recovery.deadline(), Some((ms(999 + 25), RecoveryTimer::Probe)));
}

/// RFC 8985 section 7.1 and 6.2: what was not lost is told, and the thresholds grow.
#[test]
fn a_loss_that_was_none_is_told_and_remembered() {
    let mut recovery = recovery();
    send(&mut recovery, ms(0), 6);
    assert_eq!(ack(&mut recovery, ms(40), &[(5, 5)])[1..], [Outcome::Lost(0), Outcome::Lost(1), Outcome::Lost(2)]);
    assert_eq!(ack(&mut recovery, ms(44), &[(5, 5), (0, 1)]), [Outcome::WasNotLost(1), Outcome::WasNotLost(0)]);
    let status = recovery.status();
    assert_eq!((status.counters.spurious_losses, status.packet_threshold), (2, 6));
    assert!(status.loss_delay > Duration::from_millis(45));
    assert_eq!(status.counters.episodes_undone, 0);
    assert_eq!(ack(&mut recovery, ms(45), &[(5, 5), (0, 2)]), [Outcome::WasNotLost(2)]);
    assert_eq!(recovery.status().counters.episodes_undone, 1);
    assert_eq!(ack(&mut recovery, ms(46), &[(0, 5)]), [Outcome::Acked(4), Outcome::Acked(3)]);
}

#[test]
fn an_episode_that_was_none_gives_the_window_back() {
    let setup = Setup::new(Instant::ZERO, 1_000);
    let config = RecoveryConfig { max_datagram: 1_000, ..RecoveryConfig::default() };
    let mut recovery = Recovery::new(&config, Algorithm::NewReno.build(&setup), Instant::ZERO);
    assert_eq!(recovery.window(), 10_000);
    send(&mut recovery, ms(0), 10);
    ack(&mut recovery, ms(40), &[(4, 4)]);
    assert_eq!(recovery.window(), 5_000); // the loss first, and packet 4 left before it
    let told = ack(&mut recovery, ms(41), &[(0, 4)]);
    assert_eq!(told, [Outcome::Acked(3), Outcome::Acked(2), Outcome::WasNotLost(1), Outcome::WasNotLost(0)]);
    assert_eq!(recovery.window(), 12_000); // and the two that were not lost count
    assert!(recovery.status().in_slow_start);
}

/// RFC 9002 section 7.6: three probe timeouts in which nothing came through.
#[test]
fn persistent_congestion_brings_the_window_to_its_minimum() {
    let setup = Setup::new(Instant::ZERO, 1_000);
    let config = RecoveryConfig { max_datagram: 1_000, ..RecoveryConfig::default() };
    let mut recovery = Recovery::new(&config, Algorithm::NewReno.build(&setup), Instant::ZERO);
    send(&mut recovery, ms(0), 1);
    ack(&mut recovery, ms(40), &[(0, 0)]);
    let timeout = 40 + 80 + 25;
    for step in 0..12 {
        send(&mut recovery, ms(100 + step * timeout), 1);
    }
    ack(&mut recovery, ms(100 + 12 * timeout), &[(12, 12)]);
    let status = recovery.status();
    assert_eq!((status.counters.persistent_congestion, status.window), (1, 2_000));
    assert_eq!(status.counters.episodes, 1);
}

/// What arrives may go before the search for losses comes to it: where there is no place for more, lost packets go first.
#[test]
fn an_arrival_breaks_the_silence_before_the_search_has_seen_it() {
    let setup = Setup::new(Instant::ZERO, 1_000);
    let config = RecoveryConfig { max_datagram: 1_000, max_tracked: 4, ..RecoveryConfig::default() };
    let mut recovery = Recovery::new(&config, Algorithm::NewReno.build(&setup), Instant::ZERO);
    send(&mut recovery, ms(0), 1);
    ack(&mut recovery, ms(40), &[(0, 0)]);
    send(&mut recovery, ms(100), 4);
    ack(&mut recovery, ms(140), &[(4, 4)]);
    send(&mut recovery, ms(145), 1);
    assert_eq!((recovery.status().counters.packets_lost, recovery.sent.len()), (1, 4));
    ack(&mut recovery, ms(190), &[(2, 5)]);
    assert_eq!(recovery.sent.len(), 0);
    send(&mut recovery, ms(1_000), 4);
    ack(&mut recovery, ms(1_040), &[(9, 9)]);
    let counters = recovery.status().counters;
    assert_eq!((counters.packets_lost, counters.persistent_congestion), (2, 0));
}

#[test]
fn the_gate_keeps_to_the_window_in_bytes_and_in_packets() {
    let build = |bytes, packets| {
        let setup = Setup::new(Instant::ZERO, 1_000);
        Recovery::<u64>::new(&RecoveryConfig::default(), Algorithm::Fixed { bytes, packets }.build(&setup), ms(0))
    };
    let mut recovery = build(2_500, u64::MAX);
    assert_eq!(recovery.gate(ms(0), 9_000), Gate::Open); // one packet always may
    send(&mut recovery, ms(0), 2);
    assert_eq!((recovery.gate(ms(0), 500), recovery.gate(ms(0), 501)), (Gate::Open, Gate::Blocked));
    let mut recovery = build(u64::MAX, 2);
    send(&mut recovery, ms(0), 1);
    assert_eq!(recovery.gate(ms(0), 1), Gate::Open);
    send(&mut recovery, ms(0), 1);
    assert_eq!(recovery.gate(ms(0), 1), Gate::Blocked);
}

#[test]
fn packets_that_want_no_acknowledgement_leave_no_trace() {
    let mut recovery = recovery();
    for number in 0..1_000 {
        assert_eq!(recovery.on_sent(ms(0), 100, false, 0), number);
    }
    assert_eq!((recovery.bytes_in_flight(), recovery.deadline(), recovery.sent.len()), (0, None, 0));
    send(&mut recovery, ms(1), 1);
    // Acknowledged together with one that does not count, it still gives a sample.
    recovery.on_sent(ms(2), 100, false, 0);
    assert_eq!(ack(&mut recovery, ms(9), &[(0, 1_001)]), [Outcome::Acked(1_000)]);
    assert_eq!(recovery.round_trip().latest, Duration::from_millis(8));
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut recovery = recovery();
    send(&mut recovery, ms(1_000), 2);
    send(&mut recovery, ms(0), 2);
    ack(&mut recovery, ms(500), &[(0, 0)]);
    assert!(recovery.round_trip().latest <= Duration::from_millis(1));
    assert_eq!(wake(&mut recovery, ms(0)), (0, Told::new()));
    ack(&mut recovery, ms(1_050), &[(0, 3)]);
    assert_eq!((recovery.bytes_in_flight(), recovery.status().counters.clock_went_back), (0, 4));
}

#[test]
fn memory_is_bounded_whatever_the_peer_leaves_unacknowledged() {
    let config = RecoveryConfig { max_tracked: 100, ..RecoveryConfig::default() };
    let mut recovery = Recovery::new(&config, fixed(), Instant::ZERO);
    let mut next = 0;
    while recovery.gate(ms(0), 1_000) == Gate::Open {
        send(&mut recovery, ms(0), 1);
        next += 1;
    }
    assert_eq!(next, 100);
    // All but the first arrive: it is lost, and its place is free again.
    ack(&mut recovery, ms(10), &[(1, 99)]);
    assert_eq!(recovery.gate(ms(10), 1_000), Gate::Open);
    for _ in 0..1_000 {
        send(&mut recovery, ms(10), 1); // without asking
    }
    assert!(recovery.sent.len() <= 164, "{}", recovery.sent.len());
    assert!(recovery.status().counters.packets_untracked > 0);
}
