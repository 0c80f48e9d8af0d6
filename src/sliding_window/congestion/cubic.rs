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
