//! Reliable delivery over packets that may be lost, doubled, reordered or damaged, as a pure state machine.

pub mod congestion;
#[allow(dead_code, unused_imports, reason = "the session that drives it is built beside it")]
pub(crate) mod recovery;

pub use recovery::{AckConfig, RecoveryConfig, RecoveryCounters, RecoveryStatus};
