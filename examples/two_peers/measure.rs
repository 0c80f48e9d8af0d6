//! How many messages came on a channel, and how long they were under way.

use std::time::{Instant, SystemTime};

/// The time now, in nanoseconds: by the clock on the wall, which is the only one that two machines share.
#[allow(clippy::disallowed_methods, reason = "a program may read the clock")]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The moment from which a duration is measured.
#[allow(clippy::disallowed_methods, reason = "a program may read the clock")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// What was measured on one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    messages: u64,
    bytes: u64,
    /// In nanoseconds.
    latencies: Vec<u64>,
}

/// The result of it. Latencies are in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChannelReport {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub p50: u64,
    pub p99: u64,
}

impl Measured {
    /// A message of `len` bytes came.
    pub(crate) fn count(&mut self, len: usize) {
        self.messages += 1;
        self.bytes += len as u64;
    }

    /// It was sent at `sent`.
    pub(crate) fn arrived(&mut self, sent: u64) {
        self.latencies.push(now().saturating_sub(sent));
    }

    /// What a progress bar has room for.
    pub(crate) fn glance(&self) -> String {
        let last = self.latencies.last().map_or(0.0, |nanoseconds| *nanoseconds as f64 / 1e6);
        format!("; {} urgent, the last after {last:.1} ms", self.messages)
    }

    pub(crate) fn report(&self) -> ChannelReport {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = |percent: usize| match sorted.len() {
            0 => 0,
            // The smallest that is not below so many percent of them.
            len => sorted[(len * percent).div_ceil(100) - 1],
        };
        ChannelReport { messages: self.messages, bytes: self.bytes, p50: at(50), p99: at(99) }
    }
}
