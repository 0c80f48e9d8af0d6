//! How much may be in the network at once: a policy, and four of them.
//!
//! | policy | on loss | for |
//! | --- | --- | --- |
//! | [`Fixed`] | nothing | a broker's subject, a link of one's own: the window is known |
//! | [`NewReno`] | halves (RFC 9002) | sharing with anything |
//! | [`Cubic`] | x 0.7 (RFC 9438, start as in RFC 9406) | the Internet; the default |
//! | [`Bbr`] | nothing below 2 % per round trip | links that lose packets at random |
//!
//! Loss recovery tells a policy what was sent, acknowledged and lost; the policy tells how many bytes may be in flight and
//! how fast they may leave. Which packets are lost, when an episode of congestion begins and whether it was an error is not
//! its business. Your own policy is a [`Congestion`] in [`Algorithm::Custom`]:
//!
//! ```
//! use mconn::sliding_window::congestion::{Acked, Algorithm, Congestion, CustomAlgorithm, Lost};
//!
//! /// One packet more per acknowledgement, one less per loss.
//! #[derive(Clone, Debug)]
//! struct Gentle(u64);
//!
//! impl Congestion for Gentle {
//!     fn window(&self) -> u64 { self.0 }
//!     fn on_ack(&mut self, _ack: &Acked) { self.0 += 1_200 }
//!     fn on_loss(&mut self, _loss: &Lost) { self.0 = self.0.saturating_sub(1_200).max(2_400) }
//!     fn boxed_clone(&self) -> Box<dyn Congestion> { Box::new(self.clone()) }
//! }
//!
//! let algorithm = Algorithm::Custom(CustomAlgorithm::new("gentle", |_setup| Box::new(Gentle(12_000))));
//! assert_eq!(algorithm.name(), "gentle");
//! ```

mod algorithm;
mod bbr;
mod controller;
mod cubic;
mod fixed;
mod hystart;
mod newreno;
mod pacer;
mod report;

pub use algorithm::{Algorithm, CustomAlgorithm, Setup};
pub use bbr::Bbr;
pub use controller::Controller;
pub use cubic::Cubic;
pub use fixed::Fixed;
pub use newreno::NewReno;
pub(crate) use pacer::Pacer;
pub use report::{Acked, DeliveryRate, Lost, RoundTrip, Sent};

use alloc::boxed::Box;
use core::fmt;

use crate::time::Instant;

/// A policy for how much may be in flight, told by loss recovery what happens.
///
/// Calls come in order of time. After each of them the window and the pacing rate are read anew.
pub trait Congestion: fmt::Debug + Send {
    /// How many bytes may be in flight.
    ///
    /// One packet may always be, whatever this says: a session never waits for a window that nothing can open.
    fn window(&self) -> u64;

    /// How many packets may be in flight; `u64::MAX` when only bytes count.
    fn window_packets(&self) -> u64 {
        u64::MAX
    }

    /// How fast packets may leave, in bytes per second; `None` when they are not paced.
    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    /// Whether it still looks for the capacity of the path, for the status.
    fn in_slow_start(&self) -> bool {
        false
    }

    /// A packet that wants an acknowledgement leaves.
    fn on_sent(&mut self, sent: &Sent) {
        let _ = sent;
    }

    /// An acknowledgement came that tells of packets not known to have arrived. Losses that it reveals are told first.
    fn on_ack(&mut self, ack: &Acked);

    /// Packets were declared lost.
    fn on_loss(&mut self, loss: &Lost);

    /// All packets whose loss began the last episode of congestion have arrived after all: what was taken back for it can
    /// be restored (RFC 8985 section 7.1, RFC 9438 section 4.9).
    fn on_spurious_loss(&mut self, now: Instant) {
        let _ = now;
    }

    /// A copy of this policy with its state.
    fn boxed_clone(&self) -> Box<dyn Congestion>;
}

impl Clone for Box<dyn Congestion> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// `value x numerator / denominator`, rounded down, at most `u64::MAX`; a denominator of 0 counts as 1.
pub(crate) const fn scale(value: u64, numerator: u64, denominator: u64) -> u64 {
    let denominator = if denominator == 0 { 1 } else { denominator };
    if let Some(product) = value.checked_mul(numerator) {
        // The usual case, several times as fast as 128 bits. The denominator is not 0.
        return match product.checked_div(denominator) {
            Some(quotient) => quotient,
            None => u64::MAX,
        };
    }
    match (value as u128).saturating_mul(numerator as u128).checked_div(denominator as u128) {
        Some(quotient) if quotient <= u64::MAX as u128 => quotient as u64,
        _ => u64::MAX,
    }
}

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    /// `bytes` were acknowledged at a moment in milliseconds, with a steady round-trip time of 40 ms.
    pub(super) fn ack(milliseconds: u64, bytes: u64) -> Acked {
        let round_trip = RoundTrip {
            latest: Duration::from_millis(40),
            smoothed: Duration::from_millis(40),
            variation: Duration::ZERO,
            minimum: Duration::from_millis(40),
            measured: true,
        };
        Acked {
            now: Instant::from_millis(milliseconds),
            bytes,
            growth: bytes,
            spurious: 0,
            prior_in_flight: bytes,
            in_flight: 0,
            app_limited: false,
            newest: 0,
            next_number: 1,
            sample: None,
            round_trip,
            delivery: None,
            delivered: bytes,
        }
    }

    /// A loss that begins an episode.
    pub(super) fn loss(milliseconds: u64) -> Lost {
        Lost {
            now: Instant::from_millis(milliseconds),
            bytes: 1_000,
            packets: 1,
            in_flight: 0,
            starts_episode: true,
            persistent: false,
            in_flight_when_sent: 1_000,
            lost_since_sent: 1_000,
            delivered: 0,
            round_trip: ack(0, 0).round_trip,
        }
    }

    #[test]
    fn scaling_is_exact_in_wide_and_narrow_numbers_and_never_divides_by_zero() {
        assert_eq!(scale(7, 9, 8), 7);
        assert_eq!(scale(u64::MAX, 3, 4), 13_835_058_055_282_163_711);
        assert_eq!(scale(u64::MAX, 4, 3), u64::MAX);
        assert_eq!(scale(5, 3, 0), 15);
        assert_eq!(scale(u64::MAX, 2, 0), u64::MAX);
    }
}
