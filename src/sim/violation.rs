//! What an oracle can find wrong.

use alloc::borrow::Cow;
use alloc::string::String;

use thiserror::Error;

use super::Side;
use crate::time::Instant;

/// A promise that was broken. A run ends with the first one.
///
/// Every message names the place, a [`Side`] of a pair or an [`Address`](super::Address) in a world; the
/// [`Trace`](super::Trace) tells how it came to that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation<P = Side> {
    /// A message was delivered that is not the next one accepted on its channel: one was lost, doubled, reordered, changed or
    /// invented.
    #[error("{at} {side}: message {index} on channel {channel:#04x}: {what}")]
    Delivery {
        /// When.
        at: Instant,
        /// Who received it.
        side: P,
        /// The channel.
        channel: u8,
        /// How many messages were delivered on it before.
        index: u64,
        /// What is wrong with it.
        what: Cow<'static, str>,
    },
    /// Messages that had to arrive did not.
    #[error("{side} got {delivered} of {accepted} messages on channel {channel:#04x}")]
    Missing {
        /// Who had to receive them.
        side: P,
        /// The channel.
        channel: u8,
        /// Messages that the other side accepted for sending.
        accepted: u64,
        /// Messages that arrived.
        delivered: u64,
    },
    /// More memory is held than the configuration allows.
    #[error("{at} {side} holds {held} {what}; the limit is {limit}")]
    Memory {
        /// When.
        at: Instant,
        /// Who.
        side: P,
        /// Of what.
        what: &'static str,
        /// How much.
        held: usize,
        /// The limit.
        limit: usize,
    },
    /// A machine broke a rule of [`Machine`](crate::machine::Machine).
    #[error("{at} {side}: {what}")]
    Rule {
        /// When.
        at: Instant,
        /// Who.
        side: P,
        /// Which rule.
        what: Cow<'static, str>,
    },
    /// No time passes: too many events at one instant.
    #[error("{at}: more than {events} events at this instant")]
    Spin {
        /// When.
        at: Instant,
        /// The limit.
        events: u32,
    },
    /// The run does not end within its limits.
    #[error("{at}: no end after {events} events")]
    Endless {
        /// How far it came.
        at: Instant,
        /// Events so far.
        events: u64,
    },
    /// Nobody will wake again, and the run has not ended.
    #[error("{at}: nobody wakes any more; {state}")]
    Stuck {
        /// Since when.
        at: Instant,
        /// What those look like that have not ended.
        state: String,
    },
    /// A connection ended for a reason that nothing in the run explains.
    #[error("{side} ended without cause: {reason}")]
    Ending {
        /// Who.
        side: P,
        /// The reason.
        reason: String,
    },
}
