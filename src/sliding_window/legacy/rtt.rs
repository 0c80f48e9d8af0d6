//! The original's estimate of the round-trip time, and the time that it waits for an acknowledgement.
//!
//! Source: `rtt.go`, `stddev.go`; `GetDeadlineDur` in `sender.go`.

#[cfg(test)]
mod tests;

use crate::time::{Duration, nanos};

/// How much a new sample weighs in the estimate.
const ALPHA: f64 = 0.1;
/// The standard deviation as long as there are no samples: 10 ms.
const FIRST_DEVIATION: i64 = 10_000_000;
/// The deadline as long as nobody has samples: 500 ms.
const FIRST_DEADLINE: Duration = Duration::from_millis(500);
/// The shortest deadline as long as there are few samples.
const MIN_DEADLINE: Duration = Duration::from_millis(100);
/// So many samples are no longer few.
const ENOUGH_SAMPLES: i64 = 10;
/// The two ends' estimates are blended when both have more samples than this.
const FEW_SAMPLES: i64 = 2;
/// How many standard deviations a deadline is beyond the estimate.
const DEVIATIONS: i64 = 4;

/// The original's estimator: an exponential moving average of the samples, of which a new one has a tenth, and the standard
/// deviation of all samples that ever were.
///
/// Every bit is the original's. What to know before choosing it: the deviation never forgets, so a change of the path widens it
/// for good.
///
/// ```
/// use mconn::sliding_window::legacy::RttEstimator;
/// use mconn::time::Duration;
///
/// let mut rtt = RttEstimator::new();
/// rtt.add_sample(Duration::from_millis(10));
/// rtt.add_sample(Duration::from_millis(20));
/// assert_eq!(rtt.summary().estimate, 11_000_000);
/// assert_eq!(rtt.summary().samples, 2);
/// ```
///
/// Source: `RTT` in `rtt.go`, `sdTracker` in `stddev.go`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RttEstimator {
    estimate: f64,
    samples: i64,
    /// The sum of the weights, each of which is 1: the number of samples as it is calculated with.
    weight: f64,
    mean: f64,
    /// The sum of the squared distances from the mean.
    squares: f64,
}

/// An estimate of the round-trip time, as the original's packets carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RttSummary {
    /// `FromRttEstNsec`: the estimate, in nanoseconds.
    pub estimate: i64,
    /// `FromRttSdNsec`: the standard deviation of the samples, in nanoseconds.
    pub deviation: i64,
    /// `FromRttN`: how many samples there were.
    pub samples: i64,
}

impl RttEstimator {
    /// No samples yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the time from a transmission to its acknowledgement into account.
    pub fn add_sample(&mut self, sample: Duration) {
        // A duration of Go ends at 292 years.
        let sample = nanos(sample).min(i64::MAX as u64) as f64;
        self.samples = self.samples.saturating_add(1);
        self.weight += 1.0;
        let mean = self.mean;
        self.mean = mean + (sample - mean) / self.weight;
        self.squares += (sample - mean) * (sample - self.mean);
        self.estimate = if self.samples == 1 { sample } else { ALPHA * sample + (1.0 - ALPHA) * self.estimate };
    }

    /// The estimate, in nanoseconds and fractions of them.
    #[must_use]
    pub const fn estimate_nanoseconds(&self) -> f64 {
        self.estimate
    }

    /// The estimate for the peer: whole nanoseconds, what is beyond cut off.
    #[must_use]
    pub fn summary(&self) -> RttSummary {
        let deviation = match self.samples {
            0 => FIRST_DEVIATION,
            1 => (self.estimate / 2.0) as i64,
            _ => {
                // As the original writes it: the product undoes the division but for the rounding.
                let variance = self.squares / self.weight;
                libm::sqrt(variance * self.weight / (self.weight - 1.0)) as i64
            }
        };
        RttSummary { estimate: self.estimate as i64, deviation, samples: self.samples }
    }
}

/// How long the original waits for an acknowledgement before it sends again, given its own estimate and what the peer's packets
/// told last.
///
/// The estimate and four standard deviations; as long as there are fewer than ten samples of our own, at least 100 ms. When both
/// ends have more than two samples, the estimates are blended by their variances and the deviation is that of the difference of
/// two means.
///
/// Two weaknesses of the blend are the original's and remain: it is a *standard error*, which shrinks with the number of samples,
/// so that the deadline of a long session tends to the mean round-trip time; and it believes the peer. Both are gone when the
/// peer's number of samples is 0.
///
/// One defect is mended. With a deviation of zero on either side the blend divides by zero, and with numbers of a lying peer it
/// can be negative; Go turns that into a deadline centuries ago, and sends again for ever without a pause. Where the blended
/// deadline is not a positive time, this function answers with our own estimate and four of our own deviations, at least 100 ms.
///
/// ```
/// use mconn::sliding_window::legacy::{RttSummary, deadline};
/// use mconn::time::Duration;
///
/// let unknown = RttSummary::default();
/// assert_eq!(deadline(unknown, unknown), Duration::from_millis(500));
///
/// let ours = RttSummary { estimate: 30_000_000, deviation: 5_000_000, samples: 20 };
/// assert_eq!(deadline(ours, unknown), Duration::from_millis(50));
///
/// let constant = RttSummary { estimate: 2_000_000, deviation: 0, samples: 10 };
/// assert_eq!(deadline(ours, constant), Duration::from_millis(100)); // in Go: 292 years ago
/// ```
///
/// Source: `GetDeadlineDur` in `sender.go`.
#[must_use]
pub fn deadline(local: RttSummary, remote: RttSummary) -> Duration {
    let (estimate, deviation) = match (local.samples, remote.samples) {
        (..1, ..=FEW_SAMPLES) => return FIRST_DEADLINE,
        (..1, _) => (remote.estimate, remote.deviation),
        // One sample has no deviation.
        (1, _) => (local.estimate, local.estimate),
        _ => (local.estimate, local.deviation),
    };
    let own = beyond(estimate, deviation);
    let (wait, at_least) = if local.samples > FEW_SAMPLES && remote.samples > FEW_SAMPLES {
        match blend(local, remote) {
            Some(blended) => (blended, Duration::ZERO),
            None => (own, MIN_DEADLINE),
        }
    } else {
        (own, Duration::ZERO)
    };
    let at_least = if local.samples < ENOUGH_SAMPLES { MIN_DEADLINE } else { at_least };
    Duration::from_nanos(u64::try_from(wait).unwrap_or(0)).max(at_least)
}

/// The blended deadline in nanoseconds; `None` where the blend is no positive time.
fn blend(local: RttSummary, remote: RttSummary) -> Option<i64> {
    let (deviation1, deviation2) = (local.deviation as f64, remote.deviation as f64);
    let (variance1, variance2) = (deviation1 * deviation1, deviation2 * deviation2);
    let deviation = libm::sqrt(variance1 / local.samples as f64 + variance2 / remote.samples as f64);
    let (weight1, weight2) = (1.0 / variance1, 1.0 / variance2);
    let (estimate1, estimate2) = (local.estimate as f64, remote.estimate as f64);
    let estimate = (estimate1 * weight1 + estimate2 * weight2) / (weight1 + weight2);
    let wait = beyond(estimate as i64, deviation as i64);
    (estimate.is_finite() && wait > 0).then_some(wait)
}

/// Four deviations beyond the estimate, in nanoseconds.
const fn beyond(estimate: i64, deviation: i64) -> i64 {
    estimate.saturating_add(deviation.saturating_mul(DEVIATIONS))
}
