//! Why a message was not accepted.

use bytes::Bytes;
use thiserror::Error;

/// A message that was not accepted for sending. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the message of {} bytes was not accepted: {refusal}", .message.len())]
pub struct SendError {
    /// Why.
    pub refusal: SendRefusal,
    /// The message.
    pub message: Bytes,
}

/// Why a message was not accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendRefusal {
    /// Too much waits to be sent or acknowledged; try again later.
    #[error("the buffer is full: {messages} messages, {bytes} bytes")]
    Full {
        /// Messages that were accepted and not acknowledged.
        messages: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// It is larger than the peer takes.
    #[error("it is over the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Too many messages wait for a receipt.
    #[error("{waiting} messages wait for a receipt already")]
    TooManyReceipts {
        /// How many wait.
        waiting: usize,
    },
    /// The packet format that was chosen can not do this.
    #[error("the packet format does not support {what}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// Nothing is sent any more after what was accepted before.
    #[error("the sending side is finished")]
    Finished,
    /// The session has ended.
    #[error("the session is closed")]
    Closed,
}
