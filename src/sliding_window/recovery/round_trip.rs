//! The estimate of the round-trip time.

use crate::sliding_window::congestion::RoundTrip;
use crate::time::{Duration, nanos};

/// The estimator of RFC 9002 section 5, in whole nanoseconds.
///
/// It knows only the moments at which we sent: nothing that the peer claims can make a sample less than the least one seen,
/// or greater than what our own clock says.
#[derive(Clone, Debug)]
pub(in crate::sliding_window) struct RoundTripEstimator {
    latest: u64,
    smoothed: u64,
    variation: u64,
    minimum: u64,
    measured: bool,
    max_ack_delay: u64,
    granularity: u64,
    /// How long to wait for an acknowledgement before the first probe.
    probe_timeout: u64,
    forget_minimum: bool,
}

/// No sample is longer: more than two hundred years would only make sums overflow.
const LONGEST: u64 = 1 << 60;

impl RoundTripEstimator {
    pub(in crate::sliding_window) fn new(initial: Duration, max_ack_delay: Duration, granularity: Duration) -> Self {
        let initial = nanos(initial).clamp(1, LONGEST);
        let mut estimator = Self {
            latest: initial,
            smoothed: initial,
            variation: initial >> 1,
            minimum: 0,
            measured: false,
            max_ack_delay: nanos(max_ack_delay).min(LONGEST),
            granularity: nanos(granularity).min(LONGEST),
            probe_timeout: 0,
            forget_minimum: false,
        };
        estimator.set_probe_timeout();
        estimator
    }

    /// All that is known.
    pub(in crate::sliding_window) const fn known(&self) -> RoundTrip {
        RoundTrip {
            latest: Duration::from_nanos(self.latest),
            smoothed: Duration::from_nanos(self.smoothed),
            variation: Duration::from_nanos(self.variation),
            minimum: Duration::from_nanos(self.minimum),
            measured: self.measured,
        }
    }

    pub(super) const fn latest(&self) -> u64 {
        self.latest
    }

    pub(super) const fn smoothed(&self) -> u64 {
        self.smoothed
    }

    pub(super) const fn minimum(&self) -> u64 {
        self.minimum
    }

    /// Takes a sample: the nanoseconds from sending a packet until its acknowledgement, and for how long the peer says that
    /// it held it back.
    pub(in crate::sliding_window) fn update(&mut self, sample: u64, ack_delay: Duration) {
        let sample = sample.clamp(1, LONGEST);
        if self.measured {
            self.minimum = if self.forget_minimum { sample } else { self.minimum.min(sample) };
            self.forget_minimum = false;
            // Section 5.3: the delay counts up to the limit, and never brings the sample below the minimum.
            let without = sample.saturating_sub(nanos(ack_delay).min(self.max_ack_delay));
            self.latest = if without >= self.minimum { without } else { sample };
            let deviation = self.smoothed.abs_diff(self.latest);
            self.variation = self.variation.saturating_mul(3).saturating_add(deviation) >> 2;
            self.smoothed = self.smoothed.saturating_mul(7).saturating_add(self.latest) >> 3;
        } else {
            self.measured = true;
            (self.latest, self.smoothed, self.variation, self.minimum) = (sample, sample, sample >> 1, sample);
        }
        self.set_probe_timeout();
    }

    /// The minimum begins anew with the next sample: after persistent congestion the path may be another one (section 5.2).
    pub(super) const fn forget_minimum(&mut self) {
        self.forget_minimum = true;
    }

    /// How long to wait for an acknowledgement before the first probe (section 6.2.1), in nanoseconds.
    pub(in crate::sliding_window) const fn probe_timeout(&self) -> u64 {
        self.probe_timeout
    }

    fn set_probe_timeout(&mut self) {
        let variation = self.variation.saturating_mul(4).max(self.granularity);
        self.probe_timeout = self.smoothed.saturating_add(variation).saturating_add(self.max_ack_delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// In nanoseconds.
    const MS: u64 = 1_000_000;

    fn timeout(estimator: &RoundTripEstimator) -> Duration {
        Duration::from_nanos(estimator.probe_timeout())
    }

    fn estimator() -> RoundTripEstimator {
        RoundTripEstimator::new(ms(333), ms(25), ms(1))
    }

    /// RFC 9002 section 6.2.2: 333 ms at first, so the first probe timeout is about a second.
    #[test]
    fn before_any_sample_the_initial_value_holds() {
        let estimator = estimator();
        assert!(!estimator.known().measured);
        assert_eq!(timeout(&estimator), ms(333) + ms(666) + ms(25));
    }

    /// RFC 9002 section 5.3, with the numbers worked out by hand.
    #[test]
    fn the_mean_moves_by_an_eighth_and_the_deviation_by_a_quarter() {
        let mut estimator = estimator();
        estimator.update(100 * MS, ms(20));
        let first = estimator.known();
        assert_eq!((first.smoothed, first.variation, first.minimum), (ms(100), ms(50), ms(100)));
        estimator.update(150 * MS, ms(10)); // 140 without the delay
        let second = estimator.known();
        assert_eq!((second.latest, second.smoothed, second.minimum), (ms(140), ms(105), ms(100)));
        assert_eq!(second.variation, Duration::from_micros(47_500)); // (3 x 50 + 40) / 4
        assert_eq!(timeout(&estimator), ms(105) + ms(190) + ms(25));
    }

    #[test]
    fn a_claimed_delay_counts_up_to_the_limit_and_never_below_the_minimum() {
        let mut estimator = estimator();
        estimator.update(100 * MS, Duration::ZERO);
        estimator.update(110 * MS, Duration::MAX); // 110 - 25 is below the minimum
        assert_eq!(estimator.known().latest, ms(110));
        estimator.update(140 * MS, Duration::MAX);
        assert_eq!(estimator.known().latest, ms(115));
        estimator.update(u64::MAX, Duration::ZERO);
        estimator.update(0, Duration::MAX);
        assert_eq!(estimator.known().minimum, Duration::from_nanos(1));
    }

    #[test]
    fn the_variation_never_takes_the_timeout_below_the_granularity() {
        let mut estimator = RoundTripEstimator::new(ms(333), Duration::ZERO, ms(1));
        for _ in 0..200 {
            estimator.update(10 * MS, Duration::ZERO);
        }
        assert_eq!(timeout(&estimator), ms(11));
    }

    #[test]
    fn the_minimum_can_begin_anew() {
        let mut estimator = estimator();
        estimator.update(10 * MS, Duration::ZERO);
        estimator.update(50 * MS, Duration::ZERO);
        assert_eq!(estimator.known().minimum, ms(10));
        estimator.forget_minimum();
        estimator.update(50 * MS, Duration::ZERO);
        assert_eq!(estimator.known().minimum, ms(50));
    }
}
