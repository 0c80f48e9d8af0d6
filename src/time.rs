//! Time as the driver tells it: a number of nanoseconds since an epoch that the driver chose.
//!
//! Nothing below the adapters can read a clock, so a machine behaves the same on a server, in a browser, on bare metal
//! and in a simulation. All arithmetic saturates: no time that a driver passes can overflow.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
pub use core::time::Duration;

/// A moment: nanoseconds since the driver's epoch.
///
/// The range is about 584 years. [`Instant::MAX`] stands for "never".
///
/// ```
/// use mconn::time::{Duration, Instant};
/// let start = Instant::from_millis(5);
/// let later = start + Duration::from_secs(1);
/// assert_eq!(later - start, Duration::from_secs(1));
/// assert_eq!(start - later, Duration::ZERO); // saturates
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The driver's epoch itself.
    pub const ZERO: Self = Self(0);
    /// The last moment that can be expressed.
    pub const MAX: Self = Self(u64::MAX);

    /// A moment so many nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// A moment so many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(microseconds: u64) -> Self {
        Self(microseconds.saturating_mul(1_000))
    }

    /// A moment so many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds.saturating_mul(1_000_000))
    }

    /// A moment so many seconds after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` until this moment; zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `duration` after this one, at most [`Instant::MAX`].
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// The moment `duration` before this one, at least [`Instant::ZERO`].
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

/// A duration in whole nanoseconds, at most `u64::MAX` (584 years).
#[must_use]
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let wide = duration.as_nanos();
    if wide > u64::MAX as u128 { u64::MAX } else { wide as u64 }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = self.saturating_add(duration);
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_agree_and_saturate() {
        assert_eq!(Instant::from_secs(3), Instant::from_millis(3_000));
        assert_eq!(Instant::from_millis(3), Instant::from_micros(3_000));
        assert_eq!(Instant::from_micros(3), Instant::from_nanos(3_000));
        assert_eq!(Instant::from_nanos(7).as_nanos(), 7);
        for far in [Instant::from_secs(u64::MAX), Instant::from_millis(u64::MAX), Instant::from_micros(u64::MAX)] {
            assert_eq!(far, Instant::MAX);
        }
        assert_eq!(Instant::MAX + Duration::from_nanos(1), Instant::MAX);
        assert_eq!(Instant::ZERO + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::from_nanos(5).saturating_sub(Duration::from_nanos(6)), Instant::ZERO);
        assert_eq!(Instant::from_nanos(9).saturating_sub(Duration::from_nanos(6)), Instant::from_nanos(3));
    }

    #[test]
    fn differences_never_go_below_zero() {
        let (early, late) = (Instant::from_nanos(10), Instant::from_nanos(25));
        assert_eq!(late - early, Duration::from_nanos(15));
        assert_eq!(early - late, Duration::ZERO);
        let mut moment = early;
        moment += Duration::from_nanos(15);
        assert_eq!(moment, late);
    }

    #[test]
    fn long_durations_become_the_largest_number_of_nanoseconds() {
        assert_eq!(nanos(Duration::MAX), u64::MAX);
        assert_eq!(nanos(Duration::from_secs(u64::MAX)), u64::MAX);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX)), u64::MAX);
        assert_eq!(nanos(Duration::from_micros(2)), 2_000);
    }

    #[test]
    fn prints_as_a_duration() {
        assert_eq!(std::format!("{} {:?}", Instant::from_millis(1_500), Instant::from_nanos(2)), "1.5s 2ns");
    }
}
