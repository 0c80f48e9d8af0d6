use super::*;
use crate::sliding_window::congestion::tests::{ack, loss};
use crate::sliding_window::congestion::{DeliveryRate, RoundTrip};

/// A path of so many bytes per second and 40 ms, of which the policy hears once per round trip.
struct Path {
    policy: Bbr,
    rate: u64,
    now: Instant,
    number: u64,
    delivered: u64,
}

const ROUND: Duration = Duration::from_millis(40);

impl Path {
    fn new(rate: u64) -> Self {
        Self { policy: Bbr::new(&Setup::new(Instant::ZERO, 1_000)), rate, now: Instant::ZERO, number: 0, delivered: 0 }
    }

    /// What the path bears without a queue.
    fn product(&self) -> u64 {
        self.rate / 25
    }

    /// A round trip in which as much leaves as the policy allows, and `lost` bytes of it are lost.
    fn round(&mut self, lost: u64) {
        let allowed = self.policy.pacing_rate().map_or(u64::MAX, |rate| rate / 25);
        let sent = self.policy.window().min(allowed);
        let delivered = sent.saturating_sub(lost).min(self.product());
        self.now += ROUND;
        self.number += 100;
        self.delivered += delivered;
        if lost > 0 {
            let mut loss = loss(0);
            (loss.now, loss.bytes, loss.lost_since_sent, loss.in_flight_when_sent) = (self.now, lost, lost, sent);
            self.policy.on_loss(&loss);
        }
        let mut ack = ack(0, delivered);
        (ack.now, ack.newest, ack.next_number) = (self.now, self.number, self.number + 1);
        (ack.prior_in_flight, ack.in_flight, ack.delivered) = (sent, sent.min(self.product()), self.delivered);
        ack.sample = Some(ROUND);
        ack.delivery = Some(DeliveryRate {
            rate: delivered * 25,
            delivered,
            app_limited: false,
            in_flight: sent,
            lost,
            prior_delivered: self.delivered - delivered,
        });
        self.policy.on_ack(&ack);
    }

    fn rounds_until(&mut self, phase: Phase) -> u32 {
        for count in 0..1_000 {
            if self.policy.phase == phase {
                return count;
            }
            self.round(0);
        }
        panic!("never {phase:?}: {:?}", self.policy);
    }

    fn cruising(rate: u64) -> Self {
        let mut path = Self::new(rate);
        path.rounds_until(Phase::Cruise);
        path
    }
}

#[test]
fn the_start_finds_the_rate_in_few_round_trips() {
    let mut path = Path::new(12_500_000);
    assert!(path.policy.in_slow_start());
    assert_eq!(path.policy.pacing_rate(), None);
    let mut rounds = 0;
    while path.policy.in_slow_start() {
        path.round(0);
        rounds += 1;
    }
    assert!(rounds <= 12, "{rounds}");
    assert_eq!(path.policy.bandwidth(), 12_500_000);
    path.rounds_until(Phase::Cruise);
    assert_eq!(path.policy.pacing_rate(), Some(12_375_000));
    assert!(!path.policy.in_slow_start());
    assert!(path.policy.window() <= 2 * path.product() + 3_000);
}

#[test]
fn it_probes_for_more_and_finds_it() {
    let mut path = Path::cruising(1_000_000);
    path.rate = 2_000_000;
    for _ in 0..400 {
        path.round(0);
    }
    assert_eq!(path.policy.bandwidth(), 2_000_000);
}

#[test]
fn it_follows_a_path_that_becomes_slower() {
    let mut path = Path::cruising(2_000_000);
    path.rate = 500_000;
    for _ in 0..400 {
        path.round(0);
    }
    assert_eq!(path.policy.bandwidth(), 500_000);
}

#[test]
fn a_little_random_loss_changes_nothing_and_much_does() {
    let mut path = Path::cruising(5_000_000); // 200 packets in flight
    let before = path.policy.path.bounds;
    for _ in 0..20 {
        path.round(2_000);
        assert_eq!(path.policy.path.bounds, before);
    }
    path.round(50_000);
    let bounds = path.policy.path.bounds;
    assert!(bounds.short_rate < 5_000_000 && bounds.short_rate >= 2_500_000, "{bounds:?}");
    assert!(path.policy.window() < 2 * path.product());
}

#[test]
fn an_overflow_while_probing_is_remembered_and_headroom_left() {
    let mut path = Path::cruising(5_000_000);
    path.rounds_until(Phase::Up);
    path.round(60_000);
    assert_eq!(path.policy.phase, Phase::Down);
    let bound = path.policy.path.bounds.long_bytes;
    assert!(bound < u64::MAX);
    path.rounds_until(Phase::Cruise);
    path.round(0);
    assert!(path.policy.window() <= bound * 85 / 100 + 1, "{} {bound}", path.policy.window());
}

#[test]
fn losses_that_were_none_are_taken_back_even_to_the_start() {
    let mut path = Path::new(50_000_000);
    for _ in 0..3 {
        path.round(0);
    }
    let window = path.policy.window();
    path.round(window / 2);
    assert_eq!(path.policy.phase, Phase::Drain);
    path.policy.on_spurious_loss(path.now);
    assert!(path.policy.in_slow_start());
    assert_eq!(path.policy.path.bounds.long_bytes, u64::MAX);
    path.rounds_until(Phase::Cruise);
    assert_eq!(path.policy.bandwidth(), 50_000_000);
}

#[test]
fn the_least_round_trip_time_is_looked_for_when_it_was_not_seen() {
    let mut path = Path::cruising(5_000_000);
    let known = path.policy.minimum.round_trip();
    // From now on there is a queue: the samples are longer.
    let (mut probed, mut least_window) = (false, u64::MAX);
    for _ in 0..150 {
        path.now += ROUND;
        path.number += 100;
        let mut ack = ack(0, 1_000);
        (ack.now, ack.newest, ack.next_number) = (path.now, path.number, path.number + 1);
        ack.sample = Some(ROUND * 2);
        ack.in_flight = path.policy.window();
        path.policy.on_ack(&ack);
        if path.policy.phase == Phase::Minimum {
            probed = true;
            least_window = least_window.min(path.policy.window());
        }
    }
    assert!(probed && least_window <= path.product() / 2);
    assert_eq!(known, Some(ROUND));
    assert_ne!(path.policy.phase, Phase::Minimum);
}

#[test]
fn nothing_that_can_be_told_makes_it_stop() {
    let mut policy = Bbr::new(&Setup::new(Instant::ZERO, 1_000));
    let round_trip = RoundTrip {
        latest: Duration::ZERO,
        smoothed: Duration::ZERO,
        variation: Duration::ZERO,
        minimum: Duration::ZERO,
        measured: true,
    };
    for step in 0..200_u64 {
        let mut ack = ack(step, [0, 1, u64::MAX][step as usize % 3]);
        (ack.round_trip, ack.sample) = (round_trip, (step % 2 == 0).then_some(Duration::from_secs(step % 5)));
        (ack.newest, ack.next_number) = (step, step + 1);
        let extreme = if step % 4 == 0 { u64::MAX } else { step };
        ack.delivery = Some(DeliveryRate {
            rate: extreme,
            delivered: extreme,
            app_limited: step % 7 == 0,
            in_flight: extreme,
            lost: u64::MAX - extreme,
            prior_delivered: 0,
        });
        policy.on_ack(&ack);
        let mut loss = loss(step);
        (loss.persistent, loss.lost_since_sent) = (step % 5 == 0, extreme);
        policy.on_loss(&loss);
        assert!(policy.window() >= 4_000 && policy.pacing_rate().is_none_or(|rate| rate > 0));
    }
}
