//! From the clock of a runtime to the time of a machine.

use core::fmt;

use crate::time::{Duration, Instant};

/// A clock that a driver can read and sleep by.
pub(crate) trait Source: Copy + fmt::Debug {
    fn now() -> Self;
    fn since(self, earlier: Self) -> Duration;
    #[cfg_attr(
        not(any(feature = "tokio", feature = "memory")),
        allow(dead_code, reason = "threads sleep for durations")
    )]
    fn checked_after(self, duration: Duration) -> Option<Self>;
}

/// The clock of one connection. Its epoch is the moment at which it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock<T> {
    epoch: T,
}

impl<T: Source> Clock<T> {
    pub(crate) fn start() -> Self {
        Self { epoch: T::now() }
    }

    /// The time now, as the machine takes it.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + T::now().since(self.epoch)
    }

    /// The moment by the clock of the runtime; `None` when that can not express it, which is as good as never.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "memory")),
        allow(dead_code, reason = "threads sleep for durations")
    )]
    pub(crate) fn moment(&self, instant: Instant) -> Option<T> {
        self.epoch.checked_after(instant - Instant::ZERO)
    }
}

#[cfg(any(feature = "tokio", feature = "memory"))]
impl Source for ::tokio::time::Instant {
    fn now() -> Self {
        Self::now()
    }
    fn since(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
    fn checked_after(self, duration: Duration) -> Option<Self> {
        self.checked_add(duration)
    }
}

#[cfg(any(feature = "blocking", feature = "memory", feature = "udp-blocking"))]
impl Source for std::time::Instant {
    #[allow(clippy::disallowed_methods, reason = "this is where the driver reads the clock")]
    fn now() -> Self {
        Self::now()
    }
    fn since(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
    fn checked_after(self, duration: Duration) -> Option<Self> {
        self.checked_add(duration)
    }
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use super::*;

    #[test]
    fn a_moment_and_back() {
        let clock = Clock::<std::time::Instant>::start();
        let later = Instant::from_secs(3);
        let moment = clock.moment(later).unwrap();
        assert_eq!(moment.since(clock.epoch), Duration::from_secs(3));
        assert_eq!(clock.epoch.since(moment), Duration::ZERO);
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
    }
}
