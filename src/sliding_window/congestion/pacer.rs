//! Spreads packets over time, so that a window does not leave as one burst.

use super::{RoundTrip, SECOND, scale};
use crate::time::{Duration, Instant, nanos};

/// The packets that may leave back to back (RFC 9002 section 7.7: the initial window).
const BURST_PACKETS: u64 = 10;

/// Lets packets leave at a rate, with a burst of ten packets or of one millisecond, whichever is more.
///
/// It counts in time, not in tokens: each packet moves the moment at which the bucket is full again. So a packet costs one
/// division, and nothing is lost to rounding however often it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Pacer {
    /// Bytes per second, at least 1; `None` while packets are not paced.
    rate: Option<u64>,
    /// What may leave at once, in nanoseconds at the rate, less one packet.
    burst: Duration,
    burst_bytes: u64,
    /// When the next packet may leave.
    next: Instant,
}

impl Pacer {
    pub(crate) fn new(max_datagram: u64) -> Self {
        let burst_bytes = max_datagram.saturating_mul(BURST_PACKETS.saturating_sub(1));
        Self { rate: None, burst: Duration::ZERO, burst_bytes, next: Instant::ZERO }
    }

    /// Changes the rate, in bytes per second.
    #[inline]
    pub(crate) fn set_rate(&mut self, rate: Option<u64>) {
        if rate == self.rate {
            return;
        }
        self.rate = rate.map(|rate| rate.max(1));
        if let Some(rate) = self.rate {
            let burst = scale(self.burst_bytes, SECOND, rate).max(1_000_000);
            self.burst = Duration::from_nanos(burst);
        }
    }

    /// The rate in bytes per second.
    pub(crate) const fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// The moment before which nothing may leave; `None` when something may leave at `now`.
    #[inline]
    pub(crate) fn blocked_until(&self, now: Instant) -> Option<Instant> {
        (self.rate.is_some() && self.next > now).then_some(self.next)
    }

    /// A packet leaves, allowed or not.
    #[inline]
    pub(crate) fn on_sent(&mut self, now: Instant, bytes: u64) {
        let Some(rate) = self.rate else { return };
        let cost = Duration::from_nanos(scale(bytes, SECOND, rate));
        // What was not used before the burst is not saved up.
        let earliest = now.saturating_sub(self.burst);
        // Nor does a debt grow without end when packets leave that need not ask.
        let latest = now + Duration::from_secs(1);
        self.next = (self.next.max(earliest) + cost).min(latest);
    }
}

/// The rate at which a window leaves within a round trip: a quarter faster than the window turns over, so that pacing does
/// not hold back what the window allows (RFC 9002 section 7.7), and twice as fast in slow start, where it doubles.
pub(super) fn window_rate(window: u64, slow_start: bool, round_trip: &RoundTrip) -> Option<u64> {
    if !round_trip.measured {
        return None;
    }
    let window = if slow_start { window.saturating_mul(2) } else { scale(window, 5, 4) };
    Some(scale(window, SECOND, nanos(round_trip.smoothed)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(microseconds: u64) -> Instant {
        Instant::from_micros(microseconds)
    }

    #[test]
    fn ten_packets_leave_at_once_and_then_one_each_interval() {
        let mut pacer = Pacer::new(1_000);
        pacer.set_rate(Some(1_000_000)); // 1 packet per millisecond
        let start = Instant::from_secs(5);
        for _ in 0..10 {
            assert_eq!(pacer.blocked_until(start), None);
            pacer.on_sent(start, 1_000);
        }
        let next = start + Duration::from_millis(1);
        assert_eq!(pacer.blocked_until(start), Some(next));
        assert_eq!(pacer.blocked_until(next), None);
        pacer.on_sent(next, 1_000);
        assert_eq!(pacer.blocked_until(next), Some(next + Duration::from_millis(1)));
        assert_eq!(pacer.rate(), Some(1_000_000));
    }

    #[test]
    fn silence_is_not_saved_up_beyond_the_burst() {
        let mut pacer = Pacer::new(1_000);
        pacer.set_rate(Some(1_000_000));
        pacer.on_sent(Instant::ZERO, 1_000);
        let later = Instant::from_secs(100);
        let mut left = 0;
        while pacer.blocked_until(later).is_none() {
            pacer.on_sent(later, 1_000);
            left += 1;
        }
        assert_eq!(left, 10);
    }

    #[test]
    fn no_rate_blocks_nothing_and_a_rate_of_zero_is_one_byte_a_second() {
        let mut pacer = Pacer::new(10);
        for _ in 0..100 {
            pacer.on_sent(Instant::ZERO, 1_000_000);
            assert_eq!(pacer.blocked_until(Instant::ZERO), None);
        }
        pacer.set_rate(Some(0));
        assert_eq!(pacer.rate(), Some(1));
        pacer.on_sent(micros(1), u64::MAX);
        assert_eq!(pacer.blocked_until(micros(1)), Some(micros(1_000_001))); // never more than a second of debt
    }

    #[test]
    fn a_high_rate_lets_a_millisecond_leave_at_once() {
        let mut pacer = Pacer::new(1_000);
        pacer.set_rate(Some(1_000_000_000));
        let now = Instant::from_secs(1);
        let mut left = 0;
        while pacer.blocked_until(now).is_none() {
            pacer.on_sent(now, 1_000);
            left += 1;
        }
        assert_eq!(left, 1_001);
    }

    #[test]
    fn a_window_leaves_in_four_fifths_of_a_round_trip() {
        let mut round_trip = RoundTrip {
            latest: Duration::ZERO,
            smoothed: Duration::from_millis(100),
            variation: Duration::ZERO,
            minimum: Duration::ZERO,
            measured: false,
        };
        assert_eq!(window_rate(10_000, false, &round_trip), None);
        round_trip.measured = true;
        assert_eq!(window_rate(10_000, false, &round_trip), Some(125_000));
        assert_eq!(window_rate(10_000, true, &round_trip), Some(200_000));
        round_trip.smoothed = Duration::ZERO;
        assert_eq!(window_rate(u64::MAX, true, &round_trip), Some(u64::MAX));
    }
}
