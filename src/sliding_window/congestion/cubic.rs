//! CUBIC.

use alloc::boxed::Box;

use super::hystart::{Growth, HyStart};
use super::pacer::window_rate;
use super::{Acked, Congestion, Lost, RoundTrip, Setup};
use crate::time::Instant;

/// Grows along a cubic curve whose flat part lies where the last loss was; a loss takes 30 % away.
///
/// The window depends on the time since the last loss and not on the round-trip time, so flows over long and short paths
/// share more evenly. Where NewReno would be faster it does as NewReno. Slow start is left as in RFC 9406.
///
/// Source: RFC 9438. The sums are in `f64`, with nothing but the four operations and `libm`, so they are the same everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Cubic {
    /// In datagrams, as everything here.
    window: f64,
    threshold: f64,
    hystart: HyStart,
    /// The window at the last loss: the flat part of the curve.
    plateau: f64,
    /// The curve that is followed; none between a loss and the next acknowledgement.
    epoch: Option<Epoch>,
    /// The window just before the last loss.
    prior_window: f64,
    /// Since when the sender does not use its window.
    idle_since: Option<Instant>,
    max_datagram: f64,
    pacing_rate: Option<u64>,
    /// All of it before the last episode.
    before: Option<Before>,
}

#[derive(Clone, Debug, PartialEq)]
struct Epoch {
    start: Instant,
    /// Seconds from the start to the flat part.
    flat_after: f64,
    /// What NewReno would have.
    estimate: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Before {
    window: f64,
    threshold: f64,
    plateau: f64,
    prior_window: f64,
    epoch: Option<Epoch>,
}

/// RFC 9438 section 4.6.
const BETA: f64 = 0.7;
/// RFC 9438 section 5.1.
const C: f64 = 0.4;
/// RFC 9438 section 4.3: 3 (1 - beta) / (1 + beta), which makes as much of the window on average as NewReno.
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);
/// RFC 9002 section 7.2.
const MINIMUM: f64 = 2.0;
/// No path holds as many; it keeps all sums finite.
const MAXIMUM: f64 = 1e9;

impl Cubic {
    /// Begins in slow start.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let max_datagram = setup.max_datagram as f64;
        Self {
            window: setup.initial_window() as f64 / max_datagram,
            threshold: f64::INFINITY,
            hystart: HyStart::default(),
            plateau: 0.0,
            epoch: None,
            prior_window: 0.0,
            idle_since: None,
            max_datagram,
            pacing_rate: None,
            before: None,
        }
    }

    /// The window at which slow start ends, in bytes; `u64::MAX` while it is not known.
    #[must_use]
    pub fn slow_start_threshold(&self) -> u64 {
        (self.threshold * self.max_datagram) as u64
    }

    fn slow_start(&mut self, ack: &Acked, acked: f64) {
        // The way out is only looked for the first time: afterwards the threshold is known (RFC 9406 section 4.2).
        let growth = if self.threshold.is_infinite() { self.hystart.on_ack(ack) } else { Growth::Doubling };
        match growth {
            Growth::Doubling => self.window += acked,
            Growth::Conservative => self.window += acked / 4.0,
            Growth::Done => self.threshold = self.window,
        }
    }

    /// RFC 9438 sections 4.2 to 4.5.
    fn avoid_congestion(&mut self, ack: &Acked, acked: f64) {
        let epoch = self.epoch.get_or_insert_with(|| {
            // Section 4.8: after slow start the curve begins at its flat part.
            self.plateau = self.plateau.max(self.window);
            let flat_after = libm::cbrt((self.plateau - self.window) / C);
            Epoch { start: ack.now, flat_after, estimate: self.window }
        });
        // Section 5.8: the curve stands still while the window is not used.
        if let Some(since) = self.idle_since.take() {
            epoch.start += ack.now - since;
        }
        let elapsed = (ack.now - epoch.start).as_secs_f64();
        let curve = |time: f64| {
            let from_flat = time - epoch.flat_after;
            C * from_flat * from_flat * from_flat + self.plateau
        };
        let alpha = if epoch.estimate >= self.prior_window { 1.0 } else { ALPHA };
        epoch.estimate += alpha * acked / self.window;
        if curve(elapsed) < epoch.estimate {
            self.window = self.window.max(epoch.estimate);
            return;
        }
        let target = curve(elapsed + ack.round_trip.smoothed.as_secs_f64());
        let target = target.max(self.window).min(1.5 * self.window);
        self.window += (target - self.window) / self.window * acked;
    }

    fn begin_episode(&mut self) {
        self.before = Some(Before {
            window: self.window,
            threshold: self.threshold,
            plateau: self.plateau,
            prior_window: self.prior_window,
            epoch: self.epoch.take(),
        });
        // Section 4.7: a loss below the last plateau means that others came: leave them room.
        self.plateau = if self.window < self.plateau { self.window * (1.0 + BETA) / 2.0 } else { self.window };
        self.prior_window = self.window;
        self.window = (self.window * BETA).max(MINIMUM);
        self.threshold = self.window;
        self.idle_since = None;
    }

    fn pace(&mut self, round_trip: &RoundTrip) {
        self.pacing_rate = window_rate(self.window(), self.in_slow_start(), round_trip);
    }
}

impl Congestion for Cubic {
    fn window(&self) -> u64 {
        (self.window * self.max_datagram) as u64
    }

    fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }

    fn in_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    fn on_ack(&mut self, ack: &Acked) {
        if ack.app_limited {
            self.idle_since.get_or_insert(ack.now);
        } else if ack.growth > 0 {
            let acked = ack.growth as f64 / self.max_datagram;
            if self.in_slow_start() {
                self.idle_since = None;
                self.slow_start(ack, acked);
            } else {
                self.avoid_congestion(ack, acked);
            }
            self.window = self.window.min(MAXIMUM);
        }
        self.pace(&ack.round_trip);
    }

    fn on_loss(&mut self, loss: &Lost) {
        if loss.starts_episode {
            self.begin_episode();
        }
        if loss.persistent {
            // Section 4.8: the curve begins anew, at its flat part, once slow start has come to the threshold.
            self.window = MINIMUM;
            self.plateau = 0.0;
            self.epoch = None;
        }
        self.pace(&loss.round_trip);
    }

    /// Section 4.9.2.
    fn on_spurious_loss(&mut self, _now: Instant) {
        if let Some(before) = self.before.take() {
            self.window = self.window.max(before.window);
            self.threshold = before.threshold;
            self.plateau = before.plateau;
            self.prior_window = before.prior_window;
            self.epoch = before.epoch;
        }
    }

    fn boxed_clone(&self) -> Box<dyn Congestion> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sliding_window::congestion::tests::{ack, loss};

    /// A window of so many datagrams of 1,000 bytes, before any loss.
    fn policy(datagrams: u64) -> Cubic {
        let mut policy = Cubic::new(&Setup::new(Instant::ZERO, 1_000));
        policy.on_ack(&ack(0, (datagrams - 10) * 1_000));
        assert_eq!(policy.window(), datagrams * 1_000);
        policy
    }

    /// A window's worth of acknowledgements each 40 ms.
    fn pass(policy: &mut Cubic, from: u64, until: u64) {
        for milliseconds in (from..until).step_by(40) {
            for _ in 0..10 {
                policy.on_ack(&ack(milliseconds, policy.window() / 10));
            }
        }
    }

    /// RFC 9438 section 4.6: beta is 0.7.
    #[test]
    fn a_loss_takes_thirty_percent_down_to_two_datagrams() {
        let mut policy = policy(100);
        policy.on_loss(&loss(10));
        assert_eq!((policy.window(), policy.slow_start_threshold(), policy.in_slow_start()), (70_000, 70_000, false));
        for _ in 0..20 {
            policy.on_loss(&loss(11));
        }
        assert_eq!(policy.window(), 2_000);
    }

    /// RFC 9438 section 4.2: back at the plateau after K = cbrt(W_max (1 - beta) / C), flat there, and steep after it.
    #[test]
    fn the_window_follows_the_curve() {
        let mut policy = policy(1_000);
        policy.on_loss(&loss(0));
        let flat_after = libm::cbrt(1_000.0 * 0.3 / 0.4); // 9.09 s
        assert!((flat_after - 9.086).abs() < 0.001);
        pass(&mut policy, 0, 4_500);
        // Half way the cube is an eighth: 1,000 - 300/8.
        assert!((955_000..970_000).contains(&policy.window()), "{}", policy.window());
        pass(&mut policy, 4_500, 9_090);
        assert!((998_000..1_002_000).contains(&policy.window()), "{}", policy.window());
        pass(&mut policy, 9_090, 18_180);
        assert!((1_290_000..1_320_000).contains(&policy.window()), "{}", policy.window());
    }

    /// RFC 9438 section 4.3: with a small window NewReno would grow faster, and so does CUBIC: alpha per round trip.
    #[test]
    fn a_small_window_grows_as_newreno_would() {
        let mut policy = policy(20);
        policy.on_loss(&loss(0));
        pass(&mut policy, 0, 400);
        let expected = 14_000.0 + 10.0 * ALPHA * 1_000.0;
        assert!((policy.window() as f64 - expected).abs() < 400.0, "{} {expected}", policy.window());
    }

    /// RFC 9438 section 4.7: fast convergence.
    #[test]
    fn a_loss_below_the_plateau_lowers_it_further() {
        let mut policy = policy(100);
        policy.on_loss(&loss(0));
        policy.on_loss(&loss(1));
        assert_eq!((policy.plateau, policy.window()), (70.0 * 1.7 / 2.0, 49_000));
    }

    /// RFC 9438 section 4.9.2.
    #[test]
    fn what_was_taken_in_error_comes_back_with_the_curve() {
        let mut policy = policy(100);
        policy.on_loss(&loss(0));
        pass(&mut policy, 0, 1_000);
        let before = policy.clone();
        policy.on_loss(&loss(1_000));
        policy.on_spurious_loss(Instant::from_millis(1_001));
        assert_eq!((policy.window, policy.plateau, &policy.epoch), (before.window, before.plateau, &before.epoch));
        policy.on_spurious_loss(Instant::from_millis(1_002));
        assert_eq!(policy.window, before.window);
    }

    /// RFC 9438 section 5.8: time without data does not count.
    #[test]
    fn the_curve_waits_for_an_idle_sender() {
        let (mut busy, mut idle) = (policy(1_000), policy(1_000));
        for policy in [&mut busy, &mut idle] {
            policy.on_loss(&loss(0));
            pass(policy, 0, 1_000);
        }
        let mut nothing = ack(1_000, 1_000);
        nothing.app_limited = true;
        idle.on_ack(&nothing);
        let window = idle.window();
        pass(&mut idle, 61_000, 62_000);
        pass(&mut busy, 1_000, 2_000);
        assert!(window < idle.window() && idle.window().abs_diff(busy.window()) < 2_000);
    }

    /// RFC 9002 section 7.6.2.
    #[test]
    fn persistent_congestion_starts_from_the_minimum() {
        let mut policy = policy(100);
        let mut persistent = loss(0);
        persistent.persistent = true;
        policy.on_loss(&persistent);
        assert_eq!((policy.window(), policy.in_slow_start()), (2_000, true));
        pass(&mut policy, 40, 1_000);
        assert!(!policy.in_slow_start() && policy.window() >= 70_000);
    }
}
