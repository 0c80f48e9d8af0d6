//! The choice of a policy, as a session's configuration holds it.

use alloc::boxed::Box;
use core::fmt;

use super::{Bbr, Congestion, Controller, Cubic, Fixed, NewReno};
use crate::time::Instant;

/// What a policy is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setup {
    /// When the session begins.
    pub now: Instant,
    /// The largest datagram, in bytes.
    pub max_datagram: u64,
}

impl Setup {
    /// For a session that begins at `now` and sends datagrams of at most `max_datagram` bytes.
    #[must_use]
    pub const fn new(now: Instant, max_datagram: u64) -> Self {
        let max_datagram = if max_datagram == 0 { 1 } else { max_datagram };
        Self { now, max_datagram }
    }

    /// The window of a new session: ten datagrams, but not more than 14,720 bytes unless two are larger
    /// (RFC 9002 section 7.2).
    #[must_use]
    pub fn initial_window(&self) -> u64 {
        self.max_datagram.saturating_mul(10).min(self.minimum_window().max(14_720))
    }

    /// The smallest window: two datagrams (RFC 9002 section 7.2).
    #[must_use]
    pub fn minimum_window(&self) -> u64 {
        self.max_datagram.saturating_mul(2)
    }
}

/// Which policy a session uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// A window that stays as it is.
    Fixed {
        /// Bytes that may be in flight.
        bytes: u64,
        /// Packets that may be in flight.
        packets: u64,
    },
    /// RFC 9002, appendix B.
    NewReno,
    /// RFC 9438, with the slow start of RFC 9406.
    #[default]
    Cubic,
    /// After BBR: bandwidth and delay are measured, and random loss is borne.
    Bbr,
    /// Your own.
    Custom(CustomAlgorithm),
}

impl Algorithm {
    /// A name for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fixed { .. } => "fixed",
            Self::NewReno => "newreno",
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
            Self::Custom(custom) => custom.name,
        }
    }

    /// The policy, ready to begin.
    #[must_use]
    pub fn build(&self, setup: &Setup) -> Controller {
        match self {
            Self::Fixed { bytes, packets } => Controller::Fixed(Fixed::new(*bytes, *packets)),
            Self::NewReno => Controller::NewReno(NewReno::new(setup)),
            Self::Cubic => Controller::Cubic(Cubic::new(setup)),
            Self::Bbr => Controller::Bbr(Box::new(Bbr::new(setup))),
            Self::Custom(custom) => Controller::Custom((custom.build)(setup)),
        }
    }
}

/// A policy of the user's own: a name and how to build it.
#[derive(Clone, Copy)]
pub struct CustomAlgorithm {
    name: &'static str,
    build: fn(&Setup) -> Box<dyn Congestion>,
}

impl CustomAlgorithm {
    /// A policy with a name that tells it from others.
    #[must_use]
    pub const fn new(name: &'static str, build: fn(&Setup) -> Box<dyn Congestion>) -> Self {
        Self { name, build }
    }
}

impl fmt::Debug for CustomAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomAlgorithm").field(&self.name).finish()
    }
}

/// Two are the same when they have the same name.
impl PartialEq for CustomAlgorithm {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CustomAlgorithm {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9002 section 7.2: "the smaller of ten times the maximum datagram size and the larger of 14,720 bytes and twice
    /// the maximum datagram size".
    #[test]
    fn the_first_window_follows_the_size_of_a_datagram() {
        let window = |size| Setup::new(Instant::ZERO, size).initial_window();
        assert_eq!(window(1_200), 12_000);
        assert_eq!(window(1_472), 14_720);
        assert_eq!(window(4_000), 14_720);
        assert_eq!(window(9_000), 18_000);
        assert_eq!(window(0), 10);
        assert_eq!(window(u64::MAX), u64::MAX);
    }

    #[test]
    fn each_algorithm_builds_what_its_name_says() {
        let setup = Setup::new(Instant::ZERO, 1_200);
        let own = Algorithm::Custom(CustomAlgorithm::new("own", |_| Box::new(Fixed::new(5, 6))));
        let built = own.build(&setup);
        assert_eq!((own.name(), built.window(), built.window_packets()), ("own", 5, 6));
        assert_eq!(std::format!("{own:?}"), "Custom(CustomAlgorithm(\"own\"))");
        assert_ne!(own, Algorithm::Custom(CustomAlgorithm::new("other", |_| Box::new(Fixed::new(5, 6)))));
        let fixed = Algorithm::Fixed { bytes: 9, packets: 3 };
        assert_eq!((fixed.name(), fixed.build(&setup).window()), ("fixed", 9));
        assert_eq!((Algorithm::NewReno.name(), Algorithm::NewReno.build(&setup).window()), ("newreno", 12_000));
    }
}
