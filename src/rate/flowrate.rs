//! Go's `libs/flowrate`, as MConnection uses it.

use alloc::boxed::Box;

use super::monitor::{Monitor, MonitorStatus, round};
use super::{Grant, Limiter, RateStatus};
use crate::time::Instant;

/// The length of a sample in seconds: the float by which Go multiplies the rate.
const SAMPLE_SECONDS: f64 = 0.1;

/// Limits as Go's `libs/flowrate` does, step for step (`Monitor` in `libs/flowrate/flowrate.go` @ main; the same in all versions).
///
/// Time is cut into samples of 100 ms of a clock that is rounded to 20 ms. A sample has room for `rate / 10` bytes
/// (rounded, at least 1). Go asks *whether* there is room, never *how much*, then lets a whole batch pass:
///
/// * in each sample less than `rate / 10` plus one batch passes, and what passed beyond is not held against the next sample;
/// * the sender asks once per batch of ten packets, the receiver before each packet. However small the rate is, one batch
///   (about 10 kB, that is 104 kB/s) or one packet (10 kB/s) passes in each sample;
/// * time in which nothing passes earns nothing.
///
/// Where Go sleeps, [`grant`](Limiter::grant) names the moment at which Go would wake. Asked earlier, it changes nothing and
/// names the same moment; asked then, it goes on as Go does after the sleep.
///
/// Use it to behave as a Go node does. To keep a promise about bytes over time, use [`TokenBucket`](super::TokenBucket).
///
/// ```
/// use mconn::rate::{Flowrate, Grant, Limiter};
/// use mconn::time::Instant;
///
/// let mut limiter = Flowrate::new(512_000); // 51,200 bytes in each sample of 100 ms
/// let start = Instant::from_millis(0);
/// limiter.start(start);
/// let mut batches = 0;
/// let wake = loop {
///     match limiter.grant(start, 1_036, 10) {
///         Grant::Bytes(granted) => assert!(granted >= 10_360), // a batch is never cut
///         Grant::Until(moment) => break moment,
///     }
///     limiter.record(start, 10_360);
///     batches += 1;
/// };
/// assert_eq!(batches, 5); // 41,440 bytes leave room, 51,800 do not
/// assert_eq!(wake, Instant::from_millis(100));
/// assert!(matches!(limiter.grant(wake, 1_036, 10), Grant::Bytes(_)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Flowrate {
    monitor: Monitor,
    /// Bytes per second; 0 for no limit.
    rate: u64,
    /// What one sample has room for; computed when the rate is set, as it takes floats.
    sample_limit: u64,
    /// Nothing passes before: Go sleeps until then. Zero when it does not sleep.
    asleep_until: Instant,
}

impl Flowrate {
    /// A limit in bytes per second. 0 means no limit, as in Go.
    #[must_use]
    pub fn new(rate: u64) -> Self {
        Self { monitor: Monitor::default(), rate, sample_limit: sample_limit(rate), asleep_until: Instant::ZERO }
    }

    /// Go's `Limit(want, rate, true)` without the sleep: how many of `want` bytes have room in the sample that runs.
    ///
    /// Where Go would sleep, the answer is the moment at which it would wake; asked again then, this behaves as Go does
    /// after the sleep. With no limit, or when `want` is 0, the answer is `want` and nothing changes. (MConnection ignores
    /// the number and only minds the sleep.)
    #[must_use]
    pub fn limit(&mut self, now: Instant, want: u64) -> Grant {
        if want == 0 || self.rate == 0 {
            return Grant::Bytes(want);
        }
        match self.room_or_wake(now) {
            Ok(room) => Grant::Bytes(room.min(want)),
            Err(wake) => Grant::Until(wake),
        }
    }

    /// Go's `Limit(want, rate, false)`: how many of `want` bytes have room in the sample that runs; it never sleeps.
    #[must_use]
    pub fn try_limit(&mut self, now: Instant, want: u64) -> u64 {
        if want == 0 || self.rate == 0 {
            return want;
        }
        self.monitor.update(now, 0);
        self.room().min(want)
    }

    /// Go's `Status()`, which closes the sample when its time is over: in Go, looking at a monitor may change it.
    ///
    /// [`status`](Limiter::status) shows the same rates and changes nothing.
    #[must_use]
    pub fn monitor_status(&mut self, now: Instant) -> MonitorStatus {
        self.monitor.status(now)
    }

    /// What the sample that runs still has room for; 0 when it is full.
    fn room(&self) -> u64 {
        self.sample_limit.saturating_sub(self.monitor.sample_bytes())
    }

    /// The room at `now`, at least 1; or, when there is none, the moment at which Go would look again.
    fn room_or_wake(&mut self, now: Instant) -> Result<u64, Instant> {
        // Asleep, Go does not look at the clock: neither do we, or a driver that asks too early would wake up to 20 ms
        // before Go and move the samples.
        if now < self.asleep_until {
            return Err(self.asleep_until);
        }
        self.asleep_until = Instant::ZERO;
        self.monitor.update(now, 0);
        let room = self.room();
        if room > 0 {
            return Ok(room);
        }
        self.asleep_until = self.monitor.sample_wake(now);
        Err(self.asleep_until)
    }
}

impl Limiter for Flowrate {
    fn start(&mut self, now: Instant) {
        self.monitor = Monitor::started(now);
        self.asleep_until = Instant::ZERO;
    }

    /// One grant stands for all the questions that Go asks at this moment.
    ///
    /// Go asks before each `packets` packets whether the bytes in the sample, `s`, are below the limit `l`, and lets a
    /// packet of any size pass if so. Let `p` bytes have passed since the grant, and `m` be the largest packet. The caller
    /// starts a packet while `p + m <= granted`, with `granted = (l - 1 - s) + m * packets`.
    ///
    /// * `packets == 1` (the receiver): the caller's rule is `p <= l - 1 - s`, which is `s + p < l`, Go's own question for
    ///   the packet whose turn it is. So one grant serves as many packets as Go would let pass one by one.
    /// * `packets == 10` (the sender): of ten packets the last one starts with `p <= 9 * m`, so `p + m <= 10 * m`, within
    ///   the grant as `s <= l - 1`: the batch is never cut. After ten packets the caller asks again, as Go does.
    fn grant(&mut self, now: Instant, max_packet: u64, packets: u32) -> Grant {
        if self.rate == 0 {
            return Grant::Bytes(u64::MAX);
        }
        match self.room_or_wake(now) {
            Ok(room) => {
                let batch = max_packet.saturating_mul(u64::from(packets));
                Grant::Bytes(room.saturating_sub(1).saturating_add(batch))
            }
            Err(wake) => Grant::Until(wake),
        }
    }

    /// Go's `Update(n)`: counts bytes that passed at `now`, and closes the sample when its time is over. `bytes` may be 0.
    fn record(&mut self, now: Instant, bytes: u64) {
        self.monitor.update(now, bytes);
    }

    fn rate(&self) -> Option<u64> {
        (self.rate > 0).then_some(self.rate)
    }

    /// Changes the limit, in bytes per second. `None` and 0 lift it. Bytes in the sample that runs stay, and who waits may
    /// ask again at once.
    fn set_rate(&mut self, _now: Instant, rate: Option<u64>) {
        self.rate = rate.unwrap_or(0);
        self.sample_limit = sample_limit(self.rate);
        self.asleep_until = Instant::ZERO;
    }

    fn status(&self, now: Instant) -> RateStatus {
        self.monitor.rate_status(now, self.rate())
    }

    fn boxed_clone(&self) -> Box<dyn Limiter> {
        Box::new(self.clone())
    }
}

/// What one sample has room for at `rate` bytes per second, computed in floats as in Go.
fn sample_limit(rate: u64) -> u64 {
    round(rate as f64 * SAMPLE_SECONDS).max(1)
}

#[cfg(test)]
mod tests;
