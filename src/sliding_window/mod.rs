//! Reliable delivery over packets that may be lost, doubled, reordered or damaged, as a pure state machine.

pub mod congestion;
#[cfg_attr(not(test), allow(dead_code, reason = "the session that drives it is built beside it"))]
pub(crate) mod recovery;

pub use recovery::{AckConfig, RecoveryConfig, RecoveryStatus};
