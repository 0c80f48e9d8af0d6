//! A moment on the calendar, as the original's packets carry it.

/// A moment on the calendar: seconds since 1970 (UTC) and nanoseconds.
///
/// Unlike [`Instant`](crate::time::Instant) it is a matter of the wire alone: nothing in this crate reads a clock. The default
/// is Go's zero time, the first moment of the year 1, which stands for "not set".
///
/// ```
/// use mconn::sliding_window::legacy::Timestamp;
///
/// assert_eq!(Timestamp::default(), Timestamp::new(-62_135_596_800, 0));
/// // As Go's `time.Unix` does, nanoseconds beyond a second become seconds.
/// let moment = Timestamp::new(10, -1);
/// assert_eq!((moment.seconds(), moment.nanoseconds()), (9, 999_999_999));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: i32,
}

/// Nanoseconds in a second.
const SECOND: i32 = 1_000_000_000;

impl Timestamp {
    /// Go's zero time, "not set": `0001-01-01T00:00:00Z`.
    pub const ZERO: Self = Self { seconds: -62_135_596_800, nanoseconds: 0 };

    /// A moment so many seconds and nanoseconds after 1970 began. Any `nanoseconds` will do: what is not within a second
    /// goes to the seconds, which wrap around as Go's do.
    #[must_use]
    pub const fn new(seconds: i64, nanoseconds: i32) -> Self {
        let carry = nanoseconds.div_euclid(SECOND) as i64;
        Self { seconds: seconds.wrapping_add(carry), nanoseconds: nanoseconds.rem_euclid(SECOND) }
    }

    /// Whole seconds since 1970; negative before.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the last whole second: 0 to 999,999,999.
    #[must_use]
    pub const fn nanoseconds(self) -> i32 {
        self.nanoseconds
    }

    /// Whether this is [`Timestamp::ZERO`], "not set".
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.seconds == Self::ZERO.seconds && self.nanoseconds == 0
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_kept_within_a_second() {
        let parts = |seconds, nanoseconds| {
            let moment = Timestamp::new(seconds, nanoseconds);
            (moment.seconds(), moment.nanoseconds())
        };
        assert_eq!(parts(7, 0), (7, 0));
        assert_eq!(parts(7, 999_999_999), (7, 999_999_999));
        assert_eq!(parts(7, 1_000_000_000), (8, 0));
        assert_eq!(parts(7, i32::MAX), (9, 147_483_647));
        assert_eq!(parts(7, i32::MIN), (4, 852_516_352));
        assert_eq!(parts(i64::MAX, 1_000_000_000), (i64::MIN, 0));
        assert_eq!(parts(i64::MIN, -1), (i64::MAX, 999_999_999));
    }

    #[test]
    fn only_the_first_moment_is_zero() {
        assert!(Timestamp::default().is_zero());
        assert!(!Timestamp::new(-62_135_596_800, 1).is_zero());
        assert!(!Timestamp::new(0, 0).is_zero());
        assert!(Timestamp::ZERO < Timestamp::new(0, 0));
    }
}
