//! A token bucket that counts exactly.

use alloc::boxed::Box;

use super::monitor::Monitor;
use super::{Grant, Limiter, RateStatus};
use crate::time::{Duration, Instant};

/// Nano-bytes in a byte. A rate in bytes per second is the same number of nano-bytes per nanosecond, so all that this
/// bucket computes is whole: nothing is rounded and nothing drifts.
const NANO: u64 = 1_000_000_000;
/// [`NANO`] in 128 bits.
const NANO_WIDE: u128 = 1_000_000_000;

/// Never more than `rate x time + burst`, in any window of time, to the byte.
///
/// The bucket holds at most `burst` bytes and starts full. What passes takes bytes out, time puts them back. Bytes that
/// pass without having been granted (pings) may leave it owing; the debt is paid back before anything is granted again.
///
/// A packet passes only when all of it is in the bucket, so `burst` must be at least the largest packet
/// ([`largest_packet`](Limiter::largest_packet)); about ten packets is a good value. [`grant`](Limiter::grant) for a larger one says
/// `Until(Instant::MAX)`, which is never.
///
/// ```
/// use mconn::rate::{Grant, Limiter, TokenBucket};
/// use mconn::time::Instant;
///
/// let mut limiter = TokenBucket::new(1_000, 2_500); // bytes per second, bytes
/// let start = Instant::from_secs(5);
/// limiter.start(start);
/// assert_eq!(limiter.grant(start, 1_000, 10), Grant::Bytes(2_500));
/// limiter.record(start, 2_000);
/// // 500 bytes are left: those that a packet of 1,000 lacks take half a second.
/// let enough = Instant::from_millis(5_500);
/// assert_eq!(limiter.grant(start, 1_000, 10), Grant::Until(enough));
/// assert_eq!(limiter.grant(enough, 1_000, 10), Grant::Bytes(1_000));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TokenBucket {
    monitor: Monitor,
    /// Bytes per second, at least 1; `None` while the limit is lifted.
    rate: Option<u64>,
    /// Bytes that a full bucket holds.
    burst: u64,
    /// Nano-bytes that lack to a full bucket; more than it holds when it owes. Counted downwards so that a full bucket is
    /// where saturation stops.
    missing: u128,
    /// Until when time was put into the bucket. Never goes back.
    filled_until: Instant,
}

impl TokenBucket {
    /// A bucket of `burst` bytes that fills at `rate` bytes per second.
    ///
    /// A rate of 0 is taken as 1 byte per second: a bucket that never fills would block for ever, and 0 as "no limit" (what
    /// Go and [`Flowrate`](super::Flowrate) mean by it) is said by [`set_rate`](Limiter::set_rate) with `None`.
    #[must_use]
    pub fn new(rate: u64, burst: u64) -> Self {
        Self { monitor: Monitor::default(), rate: Some(rate.max(1)), burst, missing: 0, filled_until: Instant::ZERO }
    }

    /// The most bytes that pass at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.burst
    }

    /// Puts in what the time until `now` is worth.
    fn fill(&mut self, now: Instant) {
        if now <= self.filled_until {
            return;
        }
        let elapsed = now.as_nanos().saturating_sub(self.filled_until.as_nanos());
        self.filled_until = now;
        if let Some(rate) = self.rate {
            self.missing = self.missing.saturating_sub(product(rate, elapsed));
        }
    }
}

impl Limiter for TokenBucket {
    fn start(&mut self, now: Instant) {
        self.monitor = Monitor::started(now);
        self.missing = 0;
        self.filled_until = now;
    }

    /// All that is in the bucket, when that is at least `max_packet`; else the first nanosecond at which it will be.
    fn grant(&mut self, now: Instant, max_packet: u64, _packets: u32) -> Grant {
        self.fill(now);
        let Some(rate) = self.rate else { return Grant::Bytes(u64::MAX) };
        let full = product(self.burst, NANO);
        let lacking = self.missing.saturating_add(product(max_packet, NANO)).saturating_sub(full);
        if lacking == 0 {
            return Grant::Bytes(whole_bytes(full.saturating_sub(self.missing)));
        }
        if max_packet > self.burst {
            return Grant::Until(Instant::MAX);
        }
        let wait = lacking.div_ceil(u128::from(rate));
        let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        Grant::Until(self.filled_until.saturating_add(wait))
    }

    fn record(&mut self, now: Instant, bytes: u64) {
        self.monitor.update(now, bytes);
        // Filling first matters: a bucket that was full until now must not be paid for that time afterwards.
        self.fill(now);
        if self.rate.is_some() {
            self.missing = self.missing.saturating_add(product(bytes, NANO));
        }
    }

    fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Changes the limit, in bytes per second. What is in the bucket, or owed, stays; 0 is taken as 1.
    ///
    /// `None` lifts the limit: everything passes, and the bucket stays as it is until there is a limit again.
    fn set_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.fill(now);
        self.rate = rate.map(|rate| rate.max(1));
    }

    /// The burst: a larger packet would wait for ever.
    fn largest_packet(&self) -> Option<u64> {
        Some(self.burst)
    }

    fn status(&self, now: Instant) -> RateStatus {
        self.monitor.rate_status(now, self.rate)
    }

    fn boxed_clone(&self) -> Box<dyn Limiter> {
        Box::new(self.clone())
    }
}

/// `a * b`; the product of two numbers of 64 bits has at most 128, so nothing wraps.
fn product(a: u64, b: u64) -> u128 {
    u128::from(a).wrapping_mul(u128::from(b))
}

/// Whole bytes in so many nano-bytes. Up to 18 GB this needs no division of 128 bits.
fn whole_bytes(nano_bytes: u128) -> u64 {
    match u64::try_from(nano_bytes) {
        Ok(small) => small / NANO,
        Err(_) => u64::try_from(nano_bytes / NANO_WIDE).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
