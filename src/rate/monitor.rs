//! What Go's `libs/flowrate` measures, apart from what it limits: bytes in samples of 100 ms, and a moving average of them.

use super::RateStatus;
use crate::time::{Duration, Instant};

/// The resolution of Go's clock (`clockRate` in `libs/flowrate/util.go`), in nanoseconds.
const TICK: u64 = 20_000_000;
/// Half of [`TICK`]: the clock is rounded to the nearest tick, halves up.
const HALF_TICK: u64 = 10_000_000;
/// The length of a sample (`5 * clockRate`, the default of `New(0, 0)`), in nanoseconds.
const SAMPLE: u64 = 100_000_000;
/// How long after a sample began (a whole number of ticks) the unrounded time ends it: `clock(now) - began >= SAMPLE` holds
/// exactly when `now >= began + SAMPLE - HALF_TICK`. This spares the hot path the rounding.
const SAMPLE_ENDS_AFTER: u64 = SAMPLE - HALF_TICK;
/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// What Go's `Status()` reports about a monitor, except what concerns a transfer of known size.
///
/// Rates are in bytes per second, rounded to the nearest byte. See [`Flowrate::monitor_status`](super::Flowrate::monitor_status).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitorStatus {
    /// When the monitor was started, as Go's clock of 20 ms saw it (`Start`).
    pub start: Instant,
    /// Bytes in closed samples; those of the sample that still runs are not in it (`Bytes`).
    pub bytes: u64,
    /// How many samples were closed (`Samples`).
    pub samples: u64,
    /// The rate of the last closed sample (`InstRate`).
    pub sample_rate: u64,
    /// The exponential moving average of the samples, with a window of one second (`CurRate`).
    pub current_rate: u64,
    /// [`bytes`](Self::bytes) over [`duration`](Self::duration) (`AvgRate`).
    pub average_rate: u64,
    /// The highest rate of a closed sample (`PeakRate`).
    pub peak_rate: u64,
    /// From the start until the end of the last closed sample (`Duration`).
    pub duration: Duration,
    /// Since bytes passed last (`Idle`).
    pub idle: Duration,
}

/// Measures as Go's `Monitor` does (`libs/flowrate/flowrate.go`).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Monitor {
    /// When the measuring began, not rounded.
    start: Instant,
    /// Bytes in closed samples.
    bytes: u64,
    /// Closed samples.
    samples: u64,
    /// Bytes per second in the last closed sample.
    r_sample: f64,
    /// Moving average of the closed samples, bytes per second.
    r_ema: f64,
    /// Highest rate of a closed sample, bytes per second.
    r_peak: f64,
    /// Bytes in the sample that runs.
    s_bytes: u64,
    /// When the sample that runs began, in nanoseconds of the rounded clock: always a whole number of ticks.
    s_last: u64,
    /// When bytes passed last. Not rounded, as Go's `tLast` is: rounding waits until somebody looks.
    t_last: Instant,
}

impl Monitor {
    /// Begins to measure at `now`, with nothing measured so far.
    pub(super) fn started(now: Instant) -> Self {
        Self { start: now, s_last: clock(now), t_last: now, ..Self::default() }
    }

    /// Counts `bytes` that passed at `now`, and closes the sample when its time is over.
    ///
    /// One sample covers all the time since the last one was closed, however long: a pause is one slow sample.
    pub(super) fn update(&mut self, now: Instant, bytes: u64) {
        if bytes > 0 {
            self.t_last = now;
        }
        self.s_bytes = self.s_bytes.saturating_add(bytes);
        match self.s_last.checked_add(SAMPLE_ENDS_AFTER) {
            Some(end) if now.as_nanos() >= end => self.close_sample(now),
            // Either the sample still runs, or it would end after the last moment that can be expressed.
            _ => {}
        }
    }

    #[cold]
    fn close_sample(&mut self, now: Instant) {
        let end = clock(now);
        let lasted = seconds(end.saturating_sub(self.s_last));
        self.r_sample = self.s_bytes as f64 / lasted;
        self.r_peak = self.r_peak.max(self.r_sample);
        self.r_ema = if self.samples > 0 {
            // The window is one second, so that the exponent is the time in seconds.
            self.r_sample + libm::exp(-lasted) * (self.r_ema - self.r_sample)
        } else {
            self.r_sample
        };
        self.bytes = self.bytes.saturating_add(self.s_bytes);
        self.samples = self.samples.saturating_add(1);
        self.s_bytes = 0;
        self.s_last = end;
    }

    /// Bytes in the sample that runs.
    pub(super) fn sample_bytes(&self) -> u64 {
        self.s_bytes
    }

    /// The moment at which Go wakes when it goes to sleep at `now` until the sample that runs is over.
    ///
    /// Go computes the length of the sleep with the rounded clock but sleeps in real time, so the moment lies 90 ms to
    /// 110 ms after the (rounded) beginning of the sample; in each case the rounded clock then is at least 100 ms after it.
    /// Go also sleeps at least 5 ms, which never matters: a sample that still runs has at least one tick of 20 ms left.
    pub(super) fn sample_wake(&self, now: Instant) -> Instant {
        let left = self.s_last.saturating_add(SAMPLE).saturating_sub(clock(now));
        now.saturating_add(Duration::from_nanos(left))
    }

    /// Go's `Status()`: closes the sample when its time is over, then reports.
    pub(super) fn status(&mut self, now: Instant) -> MonitorStatus {
        self.update(now, 0);
        let start = clock(self.start);
        let duration = self.s_last.saturating_sub(start);
        MonitorStatus {
            start: Instant::from_nanos(start),
            bytes: self.bytes,
            samples: self.samples,
            // Before the first sample is closed all rates are 0, also the average: 0 bytes over a nanosecond.
            sample_rate: round(self.r_sample),
            current_rate: round(self.r_ema),
            average_rate: round(self.bytes as f64 / seconds(duration.max(1))),
            peak_rate: round(self.r_peak),
            duration: Duration::from_nanos(duration),
            idle: Duration::from_nanos(clock(now).saturating_sub(clock(self.t_last))),
        }
    }

    /// What was measured until `now`, changing nothing: the sample that runs counts, and is closed in a copy only.
    pub(super) fn rate_status(&self, now: Instant, limit: Option<u64>) -> RateStatus {
        let rates = self.clone().status(now);
        let bytes = self.bytes.saturating_add(self.s_bytes);
        let elapsed = u128::from(now.as_nanos().saturating_sub(self.start.as_nanos()));
        let average = u128::from(bytes).saturating_mul(u128::from(SECOND)).checked_div(elapsed).unwrap_or(0);
        RateStatus {
            bytes,
            limit,
            current: rates.current_rate,
            average: u64::try_from(average).unwrap_or(u64::MAX),
            peak: rates.peak_rate,
        }
    }
}

/// Go's `clock()`: `now` rounded to the nearest 20 ms, halves up, in nanoseconds.
fn clock(now: Instant) -> u64 {
    (now.as_nanos().saturating_add(HALF_TICK) / TICK).saturating_mul(TICK)
}

/// Go's `Duration.Seconds()`: whole seconds and the rest are converted apart, which decides the last bit.
fn seconds(nanoseconds: u64) -> f64 {
    (nanoseconds / SECOND) as f64 + (nanoseconds % SECOND) as f64 / 1e9
}

/// Go's `round`: to the nearest integer, halves up, for numbers that are not negative.
pub(super) fn round(number: f64) -> u64 {
    let whole = libm::floor(number);
    let rounded = if number - whole >= 0.5 { whole + 1.0 } else { whole };
    rounded as u64
}

#[cfg(test)]
mod tests;
