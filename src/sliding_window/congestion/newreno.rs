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
