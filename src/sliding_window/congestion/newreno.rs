//! NewReno, as QUIC has it.

use alloc::boxed::Box;

use super::{Acked, Congestion, Lost, RoundTrip, Setup, scale};
use crate::sliding_window::congestion::pacer::window_rate;
use crate::time::Instant;

/// Slow start doubles the window each round trip; afterwards it grows by one datagram each; a loss halves it.
///
/// Source: RFC 9002 section 7 and appendix B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReno {
    window: u64,
    /// Below it the window doubles each round trip.
    threshold: u64,
    /// Acknowledged bytes that have not yet made the window grow.
    pending: u64,
    max_datagram: u64,
    minimum_window: u64,
    pacing_rate: Option<u64>,
    /// Window and threshold before the last episode.
    before: Option<(u64, u64)>,
}

impl NewReno {
    /// Begins in slow start.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self {
            window: setup.initial_window(),
            threshold: u64::MAX,
            pending: 0,
            max_datagram: setup.max_datagram,
            minimum_window: setup.minimum_window(),
            pacing_rate: None,
            before: None,
        }
    }

    /// The window at which slow start ends, in bytes.
    #[must_use]
    pub const fn slow_start_threshold(&self) -> u64 {
        self.threshold
    }

    fn grow(&mut self, bytes: u64) {
        if self.in_slow_start() {
            self.window = self.window.saturating_add(bytes);
            return;
        }
        // One datagram per window of acknowledged bytes, counted so that no part of a byte is lost.
        self.pending = self.pending.saturating_add(bytes);
        if self.pending >= self.window {
            self.pending = self.pending.saturating_sub(self.window);
            self.window = self.window.saturating_add(self.max_datagram);
        }
    }

    fn pace(&mut self, round_trip: &RoundTrip) {
        self.pacing_rate = window_rate(self.window, self.in_slow_start(), round_trip);
    }
}

impl Congestion for NewReno {
    fn window(&self) -> u64 {
        self.window
    }

    fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }

    fn in_slow_start(&self) -> bool {
        self.window < self.threshold
    }

    fn on_ack(&mut self, ack: &Acked) {
        if ack.growth > 0 && !ack.app_limited {
            self.grow(ack.growth);
        }
        self.pace(&ack.round_trip);
    }

    fn on_loss(&mut self, loss: &Lost) {
        if loss.starts_episode {
            self.before = Some((self.window, self.threshold));
            self.threshold = scale(self.window, 1, 2);
            self.window = self.threshold.max(self.minimum_window);
            self.pending = 0;
        }
        if loss.persistent {
            self.window = self.minimum_window;
            self.pending = 0;
        }
        self.pace(&loss.round_trip);
    }

    fn on_spurious_loss(&mut self, _now: Instant) {
        if let Some((window, threshold)) = self.before.take() {
            self.window = self.window.max(window);
            self.threshold = threshold;
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

    fn policy() -> NewReno {
        NewReno::new(&Setup::new(Instant::ZERO, 1_000))
    }

    /// RFC 9002 section 7.3.1: by what was acknowledged; section 7.3.3: by one datagram per window.
    #[test]
    fn the_window_doubles_and_then_grows_by_a_datagram() {
        let mut policy = policy();
        assert_eq!((policy.window(), policy.in_slow_start()), (10_000, true));
        policy.on_ack(&ack(40, 10_000));
        assert_eq!(policy.window(), 20_000);
        policy.on_loss(&loss(50));
        assert_eq!((policy.window(), policy.slow_start_threshold()), (10_000, 10_000));
        policy.on_ack(&ack(90, 9_999));
        assert_eq!(policy.window(), 10_000);
        policy.on_ack(&ack(91, 1));
        assert_eq!(policy.window(), 11_000);
        assert!(!policy.in_slow_start());
    }

    /// RFC 9002 section 7.3.2: once per episode, and section 7.2: never below two datagrams.
    #[test]
    fn a_window_halves_once_per_episode_down_to_two_datagrams() {
        let mut policy = policy();
        let mut within = loss(1);
        policy.on_loss(&within);
        within.starts_episode = false;
        policy.on_loss(&within);
        assert_eq!(policy.window(), 5_000);
        for milliseconds in 2..9 {
            policy.on_loss(&loss(milliseconds));
        }
        assert_eq!(policy.window(), 2_000);
    }

    /// RFC 9002 section 7.6.2: to the minimum; then slow start up to the threshold.
    #[test]
    fn persistent_congestion_starts_from_the_minimum() {
        let mut policy = policy();
        let mut persistent = loss(1);
        persistent.persistent = true;
        policy.on_loss(&persistent);
        assert_eq!((policy.window(), policy.slow_start_threshold(), policy.in_slow_start()), (2_000, 5_000, true));
    }

    /// RFC 9002 section 7.8.
    #[test]
    fn an_unused_window_does_not_grow() {
        let mut policy = policy();
        let mut idle = ack(40, 5_000);
        idle.app_limited = true;
        policy.on_ack(&idle);
        let mut old = ack(41, 5_000);
        old.growth = 0; // all of it left before the episode
        policy.on_ack(&old);
        assert_eq!(policy.window(), 10_000);
    }

    #[test]
    fn what_was_taken_in_error_comes_back_once() {
        let mut policy = policy();
        policy.on_loss(&loss(1));
        policy.on_spurious_loss(Instant::ZERO);
        assert_eq!((policy.window(), policy.slow_start_threshold()), (10_000, u64::MAX));
        policy.on_loss(&loss(2));
        policy.on_spurious_loss(Instant::ZERO);
        policy.on_spurious_loss(Instant::ZERO);
        assert_eq!(policy.window(), 10_000);
    }

    #[test]
    fn packets_are_paced_once_the_round_trip_time_is_known() {
        let mut policy = policy();
        assert_eq!(policy.pacing_rate(), None);
        policy.on_ack(&ack(40, 2_000));
        assert_eq!(policy.pacing_rate(), Some(600_000)); // twice 12,000 bytes in 40 ms
        policy.on_loss(&loss(50));
        assert_eq!(policy.pacing_rate(), Some(187_500)); // 5/4 of 6,000 bytes
    }
}
