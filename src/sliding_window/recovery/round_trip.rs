//! The estimate of the round-trip time.

use crate::sliding_window::congestion::RoundTrip;
use crate::time::{Duration, nanos};

/// The estimator of RFC 9002 section 5, in whole nanoseconds.
///
/// It knows only the moments at which we sent: nothing that the peer claims can make a sample less than the least one seen,
/// or greater than what our own clock says.
#[derive(Clone, Debug)]
pub(super) struct RoundTripEstimator {
    known: RoundTrip,
    max_ack_delay: Duration,
    granularity: Duration,
    forget_minimum: bool,
}

impl RoundTripEstimator {
    pub(super) fn new(initial: Duration, max_ack_delay: Duration, granularity: Duration) -> Self {
        let initial = initial.max(Duration::from_nanos(1));
        let known = RoundTrip {
            latest: initial,
            smoothed: initial,
            variation: halved(initial),
            minimum: Duration::ZERO,
            measured: false,
        };
        Self { known, max_ack_delay, granularity, forget_minimum: false }
    }

    pub(super) const fn known(&self) -> &RoundTrip {
        &self.known
    }

    /// Takes a sample: the time from sending a packet until its acknowledgement, and for how long the peer says that it held
    /// it back.
    pub(super) fn update(&mut self, sample: Duration, ack_delay: Duration) {
        let known = &mut self.known;
        let sample = sample.max(Duration::from_nanos(1));
        if !known.measured {
            *known = RoundTrip {
                latest: sample,
                smoothed: sample,
                variation: halved(sample),
                minimum: sample,
                measured: true,
            };
            return;
        }
        known.minimum = if self.forget_minimum { sample } else { known.minimum.min(sample) };
        self.forget_minimum = false;
        // Section 5.3: the delay counts up to the limit, and never brings the sample below the minimum.
        let delay = ack_delay.min(self.max_ack_delay);
        let adjusted = match sample.checked_sub(delay) {
            Some(without) if without >= known.minimum => without,
            _ => sample,
        };
        known.latest = adjusted;
        let (smoothed, adjusted) = (nanos(known.smoothed), nanos(adjusted));
        let deviation = smoothed.abs_diff(adjusted);
        known.variation = Duration::from_nanos(weighted(nanos(known.variation), deviation, 4));
        known.smoothed = Duration::from_nanos(weighted(smoothed, adjusted, 8));
    }

    /// The minimum begins anew with the next sample: after persistent congestion the path may be another one (section 5.2).
    pub(super) const fn forget_minimum(&mut self) {
        self.forget_minimum = true;
    }

    /// How long to wait for an acknowledgement before the first probe (section 6.2.1).
    pub(super) fn probe_timeout(&self) -> Duration {
        let variation = self.known.variation.saturating_mul(4).max(self.granularity);
        self.known.smoothed.saturating_add(variation).saturating_add(self.max_ack_delay)
    }
}

/// Half of it.
const fn halved(duration: Duration) -> Duration {
    Duration::from_nanos(nanos(duration) >> 1)
}

/// `((parts - 1) x mean + sample) / parts`.
const fn weighted(mean: u64, sample: u64, parts: u64) -> u64 {
    let sum = (mean as u128).wrapping_mul(parts.wrapping_sub(1) as u128).wrapping_add(sample as u128);
    match sum.checked_div(parts as u128) {
        Some(mean) => mean as u64,
        None => sample,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn estimator() -> RoundTripEstimator {
        RoundTripEstimator::new(ms(333), ms(25), ms(1))
    }

    /// RFC 9002 section 6.2.2: 333 ms at first, so the first probe timeout is about a second.
    #[test]
    fn before_any_sample_the_initial_value_holds() {
        let estimator = estimator();
        assert!(!estimator.known().measured);
        assert_eq!(estimator.probe_timeout(), ms(333) + ms(666) + ms(25));
    }

    /// RFC 9002 section 5.3, with the numbers worked out by hand.
    #[test]
    fn the_mean_moves_by_an_eighth_and_the_deviation_by_a_quarter() {
        let mut estimator = estimator();
        estimator.update(ms(100), ms(20));
        let first = *estimator.known();
        assert_eq!((first.smoothed, first.variation, first.minimum), (ms(100), ms(50), ms(100)));
        estimator.update(ms(150), ms(10)); // 140 without the delay
        let second = *estimator.known();
        assert_eq!((second.latest, second.smoothed, second.minimum), (ms(140), ms(105), ms(100)));
        assert_eq!(second.variation, Duration::from_micros(47_500)); // (3 x 50 + 40) / 4
        assert_eq!(estimator.probe_timeout(), ms(105) + ms(190) + ms(25));
    }

    #[test]
    fn a_claimed_delay_counts_up_to_the_limit_and_never_below_the_minimum() {
        let mut estimator = estimator();
        estimator.update(ms(100), Duration::ZERO);
        estimator.update(ms(110), Duration::MAX); // 110 - 25 is below the minimum
        assert_eq!(estimator.known().latest, ms(110));
        estimator.update(ms(140), Duration::MAX);
        assert_eq!(estimator.known().latest, ms(115));
        estimator.update(Duration::MAX, Duration::ZERO);
        estimator.update(Duration::ZERO, Duration::MAX);
        assert_eq!(estimator.known().minimum, Duration::from_nanos(1));
    }

    #[test]
    fn the_variation_never_takes_the_timeout_below_the_granularity() {
        let mut estimator = RoundTripEstimator::new(ms(333), Duration::ZERO, ms(1));
        for _ in 0..200 {
            estimator.update(ms(10), Duration::ZERO);
        }
        assert_eq!(estimator.probe_timeout(), ms(11));
    }

    #[test]
    fn the_minimum_can_begin_anew() {
        let mut estimator = estimator();
        estimator.update(ms(10), Duration::ZERO);
        estimator.update(ms(50), Duration::ZERO);
        assert_eq!(estimator.known().minimum, ms(10));
        estimator.forget_minimum();
        estimator.update(ms(50), Duration::ZERO);
        assert_eq!(estimator.known().minimum, ms(50));
    }
}
