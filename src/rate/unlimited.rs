//! No limit, but a measure.

use alloc::boxed::Box;

use super::monitor::Monitor;
use super::{Grant, Limiter, RateStatus};
use crate::time::Instant;

/// Lets everything pass, and measures it all the same.
///
/// A limit cannot be set: [`set_rate`](Limiter::set_rate) changes nothing and [`rate`](Limiter::rate) stays `None`. Where one may
/// come later, begin with [`Flowrate::new(0)`](super::Flowrate::new), or with a [`TokenBucket`](super::TokenBucket) whose
/// limit is lifted.
///
/// ```
/// use mconn::rate::{Grant, Limiter, Unlimited};
/// use mconn::time::Instant;
///
/// let mut limiter = Unlimited::new();
/// limiter.start(Instant::ZERO);
/// limiter.record(Instant::from_secs(1), 3_000);
/// assert_eq!(limiter.grant(Instant::from_secs(1), 1_036, 10), Grant::Bytes(u64::MAX));
/// let status = limiter.status(Instant::from_secs(2));
/// assert_eq!((status.bytes, status.limit, status.average), (3_000, None, 1_500));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unlimited {
    monitor: Monitor,
}

impl Unlimited {
    /// No limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Limiter for Unlimited {
    fn start(&mut self, now: Instant) {
        self.monitor = Monitor::started(now);
    }

    fn grant(&mut self, _now: Instant, _max_packet: u64, _packets: u32) -> Grant {
        Grant::Bytes(u64::MAX)
    }

    fn record(&mut self, now: Instant, bytes: u64) {
        self.monitor.update(now, bytes);
    }

    /// Always `None`.
    fn rate(&self) -> Option<u64> {
        None
    }

    /// Changes nothing.
    fn set_rate(&mut self, _now: Instant, _rate: Option<u64>) {}

    fn status(&self, now: Instant) -> RateStatus {
        self.monitor.rate_status(now, None)
    }

    fn boxed_clone(&self) -> Box<dyn Limiter> {
        Box::new(self.clone())
    }
}
