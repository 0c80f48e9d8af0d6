//! Loss recovery: what was sent, what arrived, what is lost, and how long to wait.
//!
//! [`Recovery`] is the sender's half, after RFC 9002 with the adaptive reordering window of RFC 8985; [`AckState`] is the
//! receiver's: what arrived and when to say so. Both know packets, not what these carry. A packet that is sent again is a
//! new packet with a new number, so an acknowledgement always tells which transmission arrived.
//!
//! All of it costs O(1) amortised per packet: the packets are a queue in the order of their numbers; runs of acknowledged
//! ones are jumped over; the search for losses goes over each packet once.

mod ack_state;
mod acknowledge;
mod config;
mod delivery;
mod episode;
mod loss;
mod ranges;
mod round_trip;
mod seen;
mod sent;
mod skip;
mod state;
mod status;

pub(crate) use ack_state::{AckState, Receipt};
pub use config::{AckConfig, RecoveryConfig};
#[cfg(feature = "legacy")]
pub(super) use round_trip::RoundTripEstimator;
#[cfg(test)]
use state::RecoveryTimer;
pub(crate) use state::{AckError, Gate, Outcome, Recovery};
pub use status::{RecoveryCounters, RecoveryStatus};

#[cfg(test)]
mod tests;
