//! The end of a session whose packets are not acknowledged.

use core::num::NonZeroUsize;

use thiserror::Error;

use super::event_ring::EventRing;
use crate::time::{Duration, Instant};

/// How many packets may go unacknowledged within how much time. With a zero in either there is no limit.
///
/// Source: `TermConfig` in `swp.go`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TermConfig {
    /// `TermWindowDur`: the window of time.
    pub window: Duration,
    /// `TermUnackedLimit`: so many packets within it end the session.
    pub unacked_limit: usize,
}

/// Too many packets were not acknowledged in time.
///
/// Source: `TerminatedError` in `swp.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{unacked} packets were not acknowledged in time within {window:?}")]
#[non_exhaustive]
pub struct Terminated {
    /// How many.
    pub unacked: usize,
    /// Within how much time.
    pub window: Duration,
}

/// Watches the limit of a [`TermConfig`].
///
/// A session tells it of every packet whose acknowledgement did not come by the deadline, which is what the original counted as
/// long as it had the limit wired (its commit `1bdac5c`; `6eb818b` took it out and left the configuration). Memory is 8 bytes
/// per packet of the limit; a limit of zero costs nothing.
///
/// ```
/// use mconn::sliding_window::legacy::{TermConfig, UnackedLimit};
/// use mconn::time::{Duration, Instant};
///
/// let config = TermConfig { window: Duration::from_secs(1), unacked_limit: 3 };
/// let mut limit = UnackedLimit::new(config);
/// assert!(limit.on_unacked(Instant::from_millis(0)).is_ok());
/// assert!(limit.on_unacked(Instant::from_millis(600)).is_ok());
/// assert!(limit.on_unacked(Instant::from_millis(1100)).is_ok()); // three, but not within a second
/// assert!(limit.on_unacked(Instant::from_millis(1500)).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct UnackedLimit {
    ring: Option<EventRing>,
}

impl UnackedLimit {
    /// Watches the limit of `config`, from nothing counted.
    #[must_use]
    pub fn new(config: TermConfig) -> Self {
        let capacity = NonZeroUsize::new(config.unacked_limit).filter(|_| !config.window.is_zero());
        Self { ring: capacity.map(|capacity| EventRing::new(capacity, config.window)) }
    }

    /// Counts one packet that was not acknowledged by its deadline.
    ///
    /// # Errors
    /// [`Terminated`] if the limit is reached: the session has to end.
    pub fn on_unacked(&mut self, now: Instant) -> Result<(), Terminated> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        if ring.add(now) { Err(Terminated { unacked: ring.len(), window: ring.window() }) } else { Ok(()) }
    }

    /// Forgets what was counted; for a session that begins anew.
    pub fn reset(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn limit(window: Duration, unacked_limit: usize) -> UnackedLimit {
        UnackedLimit::new(TermConfig { window, unacked_limit })
    }

    #[test]
    fn the_limit_is_reached_within_the_window_only() {
        let mut slow = limit(Duration::from_millis(99), 11);
        for event in 0..1000 {
            assert_eq!(slow.on_unacked(Instant::from_millis(event * 10)), Ok(()));
        }
        let mut fast = limit(Duration::from_millis(100), 11);
        for event in 0..10 {
            assert_eq!(fast.on_unacked(Instant::from_millis(event * 10)), Ok(()));
        }
        let end = fast.on_unacked(Instant::from_millis(100)).unwrap_err();
        assert_eq!(end, Terminated { unacked: 11, window: Duration::from_millis(100) });
        assert_eq!(end.to_string(), "11 packets were not acknowledged in time within 100ms");
    }

    #[test]
    fn a_limit_of_one_ends_with_the_first() {
        assert!(limit(Duration::from_nanos(1), 1).on_unacked(Instant::ZERO).is_err());
    }

    #[test]
    fn a_zero_in_either_is_no_limit() {
        for mut none in [limit(Duration::ZERO, 1), limit(Duration::MAX, 0), UnackedLimit::default()] {
            for _ in 0..100 {
                assert_eq!(none.on_unacked(Instant::ZERO), Ok(()));
            }
        }
    }

    #[test]
    fn a_reset_forgets() {
        let mut limit = limit(Duration::MAX, 2);
        assert_eq!(limit.on_unacked(Instant::ZERO), Ok(()));
        limit.reset();
        assert_eq!(limit.on_unacked(Instant::ZERO), Ok(()));
        assert!(limit.on_unacked(Instant::ZERO).is_err());
    }
}
