//! What can go wrong, and whose fault it is.

use alloc::string::String;
use core::time::Duration;

use thiserror::Error;

use super::fault::PeerFault;
use crate::machine::Fault;

/// A configuration that can not work. The constructor's caller is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The tag is 0, which on the wire means "not known yet".
    #[error("the session tag is 0; it must be a number that nobody can guess")]
    ZeroTag,
    /// A limit that must be at least 1 is 0.
    #[error("{name} is 0; it must be at least 1")]
    ZeroLimit {
        /// The name of the field.
        name: &'static str,
    },
    /// A value lies outside of what is possible.
    #[error("{name} is {value}; it must be within {min}..={max}")]
    OutOfRange {
        /// The name of the field.
        name: &'static str,
        /// What was configured.
        value: u64,
        /// The least that is possible.
        min: u64,
        /// The most that is possible.
        max: u64,
    },
    /// An idle peer would be taken for dead before a keepalive could be answered.
    #[error("the keepalive interval {keepalive:?} is not below the idle timeout {idle_timeout:?}")]
    KeepaliveNotBelowIdleTimeout {
        /// What was configured.
        keepalive: Duration,
        /// What was configured.
        idle_timeout: Duration,
    },
    /// The session nonce of the original's format is not what it must be.
    #[error("the nonce must be 30 letters and digits")]
    Nonce,
    /// The packet format that was chosen can not do this.
    #[error("the packet format does not support {what}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// A session can be resumed only with datagrams at least as large as those it was cut into.
    #[error("max_datagram is {max_datagram}; the session to resume was cut for {needed}")]
    ResumeDatagram {
        /// What was configured, in bytes.
        max_datagram: usize,
        /// What the session to resume needs, in bytes.
        needed: usize,
    },
}

/// Why a session has ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// Both sides have finished, and everything was delivered.
    #[error("both sides have finished")]
    Finished,
    /// We aborted it.
    #[error("aborted by us with code {code}: {text}")]
    Aborted {
        /// The code that was given.
        code: u64,
        /// The text that was given.
        text: String,
    },
    /// We closed it before anybody was connected.
    #[error("closed by us before it was connected")]
    NeverConnected,
    /// The peer aborted it.
    #[error("aborted by the peer with code {code}: {text}")]
    PeerAborted {
        /// The code that the peer gave.
        code: u64,
        /// The text that the peer gave; what is no UTF-8 was replaced.
        text: String,
    },
    /// The transport failed.
    #[error("the transport failed")]
    TransportFailed,
    /// Nobody answered.
    #[error("no answer to {attempts} attempts to connect")]
    HandshakeTimeout {
        /// Attempts that were made.
        attempts: u32,
    },
    /// The peer has been silent for too long.
    #[error("nothing was heard from the peer for {timeout:?}")]
    IdleTimeout {
        /// The configured limit.
        timeout: Duration,
    },
    /// The peer acknowledged none of so many probes in a row.
    #[error("none of {probes} probes in a row was acknowledged")]
    ProbesExhausted {
        /// Probe timeouts in a row.
        probes: u32,
    },
    /// Too many packets were not acknowledged in time: the limit that was configured.
    #[error("{packets} packets were not acknowledged in time within {window:?}")]
    UnackedLimit {
        /// Packets that were lost or probed for.
        packets: u32,
        /// Within this time.
        window: Duration,
    },
    /// The peer has given no credit for too long while we had something to send.
    #[error("the peer gave no credit for {timeout:?}")]
    ZeroWindow {
        /// The configured limit.
        timeout: Duration,
    },
    /// We closed, but the peer did not take everything or did not finish its side in time.
    #[error("closing took more than {timeout:?}; {unacked_messages} messages were not acknowledged")]
    CloseTimeout {
        /// The configured limit.
        timeout: Duration,
        /// Messages of ours that the peer has not acknowledged.
        unacked_messages: usize,
    },
    /// The peer does not know the session that was to be resumed.
    #[error("the peer does not know the session that was to be resumed")]
    ResumeRefused,
    /// A message that was accepted before the peer was known is larger than it takes.
    #[error("the peer takes messages of at most {limit} bytes; a larger one had been accepted")]
    PeerTakesLess {
        /// What the peer takes, in bytes.
        limit: usize,
    },
    /// The peer broke a rule.
    #[error("the peer broke a rule: {0}")]
    Peer(PeerFault),
}

impl CloseReason {
    /// Who caused the end.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Finished | Self::Aborted { .. } | Self::NeverConnected | Self::PeerTakesLess { .. } => Fault::Ours,
            Self::PeerAborted { .. }
            | Self::TransportFailed
            | Self::HandshakeTimeout { .. }
            | Self::IdleTimeout { .. }
            | Self::ProbesExhausted { .. }
            | Self::UnackedLimit { .. }
            | Self::CloseTimeout { .. } => Fault::Network,
            Self::ZeroWindow { .. } | Self::ResumeRefused | Self::Peer(_) => Fault::Peer,
        }
    }
}
