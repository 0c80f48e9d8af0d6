//! What the user of one side can do in a run.

use core::fmt;

use bytes::Bytes;

use crate::time::Duration;

/// Something that the user of one side does at a planned moment ([`Pair::plan`](super::Pair::plan)).
///
/// ```
/// use mconn::sim::Operation;
/// use mconn::time::Duration;
/// let operation = Operation::CloseAfterFlush { within: Some(Duration::from_secs(3)) };
/// assert_eq!(operation.to_string(), "close after flush within 3s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Send a message, as soon as the queue has room.
    Send {
        /// On this channel.
        channel: u8,
        /// The message.
        message: Bytes,
    },
    /// Close at once.
    Close,
    /// Close after what was accepted has left.
    CloseAfterFlush {
        /// How long that may take.
        within: Option<Duration>,
    },
    /// Tell the machine that its transport failed.
    FailTransport,
    /// Change the limit on sending, in bytes per second; `None` lifts it.
    SetSendRate(Option<u64>),
    /// Change the limit on receiving, in bytes per second; `None` lifts it.
    SetRecvRate(Option<u64>),
    /// Take no messages for so long.
    Sleep(Duration),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { channel, message } => write!(f, "send {} bytes on {channel:#04x}", message.len()),
            Self::Close => f.write_str("close"),
            Self::CloseAfterFlush { within: None } => f.write_str("close after flush"),
            Self::CloseAfterFlush { within: Some(within) } => write!(f, "close after flush within {within:?}"),
            Self::FailTransport => f.write_str("fail"),
            Self::SetSendRate(Some(rate)) => write!(f, "send at most {rate} bytes per second"),
            Self::SetSendRate(None) => f.write_str("send without a limit"),
            Self::SetRecvRate(Some(rate)) => write!(f, "receive at most {rate} bytes per second"),
            Self::SetRecvRate(None) => f.write_str("receive without a limit"),
            Self::Sleep(rest) => write!(f, "sleep {rest:?}"),
        }
    }
}
