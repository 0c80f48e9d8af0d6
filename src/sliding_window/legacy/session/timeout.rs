//! How long to wait for an acknowledgement.

use super::config::{LegacyConfig, LegacyTimeout};
use crate::sliding_window::congestion::RoundTrip;
use crate::sliding_window::legacy::{RttEstimator, RttSummary, deadline};
use crate::sliding_window::recovery::RoundTripEstimator;
use crate::time::{Duration, Instant, nanos};

/// As the original, no sample is longer.
const LONGEST_SAMPLE: Duration = Duration::from_secs(60);

/// The timeout, its estimators, and how often it was doubled.
#[derive(Clone, Debug)]
pub(super) struct Timeout {
    kind: LegacyTimeout,
    min: Duration,
    max: Duration,
    estimator: RoundTripEstimator,
    original: RttEstimator,
    remote: RttSummary,
    /// Timeouts without progress.
    backoff: u32,
    /// When an acknowledgement brought progress last.
    progress: Instant,
}

impl Timeout {
    pub(super) fn new(config: &LegacyConfig, now: Instant) -> Self {
        // RFC 6298 section 2.1: a second before anything is known.
        let initial = Duration::from_nanos(333_333_333);
        Self {
            kind: config.timeout,
            min: config.min_timeout,
            max: config.max_timeout,
            estimator: RoundTripEstimator::new(initial, Duration::ZERO, Duration::from_millis(1)),
            original: RttEstimator::new(),
            remote: RttSummary::default(),
            backoff: 0,
            progress: now,
        }
    }

    /// A `DataAck` has repeated the time of what it answers: data, or else a keepalive, whose answer does not wait for the
    /// application.
    pub(super) fn sample(&mut self, sample: Duration, of_data: bool) {
        if sample > LONGEST_SAMPLE {
            return;
        }
        self.original.add_sample(sample);
        if of_data || !self.estimator.known().measured {
            self.estimator.update(nanos(sample), Duration::ZERO);
        }
    }

    /// What the peer tells of its own samples; the newest has the most.
    pub(super) fn hear(&mut self, remote: RttSummary) {
        if remote.samples > self.remote.samples {
            self.remote = remote;
        }
    }

    pub(super) const fn round_trip(&self) -> RoundTrip {
        self.estimator.known()
    }

    pub(super) const fn backoff(&self) -> u32 {
        self.backoff
    }

    /// Not doubled.
    pub(super) fn base(&self) -> Duration {
        let wait = match self.kind {
            LegacyTimeout::Rfc6298 => Duration::from_nanos(self.estimator.probe_timeout()),
            LegacyTimeout::Original => deadline(self.original.summary(), self.remote),
        };
        wait.clamp(self.min, self.max)
    }

    pub(super) fn current(&self) -> Duration {
        self.base().saturating_mul(1 << self.backoff.min(20)).min(self.max)
    }

    /// When what was sent at `sent_at` has to be sent again. Progress starts the wait anew (RFC 6298 section 5.3).
    pub(super) fn deadline(&self, sent_at: Instant) -> Instant {
        sent_at.max(self.progress) + self.current()
    }

    pub(super) const fn on_progress(&mut self, now: Instant) {
        self.progress = now;
        self.backoff = 0;
    }

    pub(super) const fn on_timeout(&mut self, now: Instant) {
        // The wait begins anew even when the transport takes nothing.
        self.progress = now;
        self.backoff = self.backoff.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sliding_window::legacy::Timestamp;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn timeout(kind: LegacyTimeout) -> Timeout {
        let mut config = LegacyConfig::new("A", "B", "", Timestamp::ZERO);
        config.timeout = kind;
        Timeout::new(&config, Instant::ZERO)
    }

    #[test]
    fn it_doubles_until_there_is_progress() {
        let mut timeout = timeout(LegacyTimeout::Rfc6298);
        assert_eq!(timeout.current().as_millis(), 999);
        timeout.sample(ms(100), true);
        assert_eq!(timeout.current(), ms(300));
        let waits = [(); 7].map(|()| {
            timeout.on_timeout(Instant::ZERO);
            timeout.current()
        });
        assert_eq!(waits, [600, 1200, 2400, 4800, 9600, 10_000, 10_000].map(ms));
        timeout.on_progress(Instant::from_secs(5));
        assert_eq!(timeout.current(), ms(300));
        assert_eq!(timeout.deadline(Instant::from_secs(1)), Instant::from_millis(5300));
    }

    #[test]
    fn the_original_s_deadline_can_be_chosen() {
        let mut timeout = timeout(LegacyTimeout::Original);
        assert_eq!(timeout.current(), ms(500));
        timeout.hear(RttSummary { estimate: 40_000_000, deviation: 20_000_000, samples: 3 });
        assert_eq!(timeout.current(), ms(120), "the peer's estimate and four of its deviations");
        timeout.hear(RttSummary { estimate: 1, deviation: 1, samples: 2 });
        assert_eq!(timeout.current(), ms(120), "older");
        timeout.sample(ms(200), false);
        assert_eq!(timeout.current(), ms(1000));
        timeout.sample(Duration::from_secs(61), true);
        assert_eq!(timeout.current(), ms(1000), "too long to be true");
    }
}
