//! What can go wrong on the way to a peer, and whose fault it is.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use thiserror::Error;

use crate::machine::Fault;
use crate::peer::node_info::{Incompatible, NodeInfoDecodeError, NodeInfoError};
use crate::secret::{HandshakeError, NodeId, OpenError};

/// How far an upgrade has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UpgradeStage {
    /// The secret connection does not stand yet.
    Handshake,
    /// The peer's NodeInfo is to come.
    NodeInfo,
    /// All has come; only our own output has to leave.
    Leaving,
}

impl fmt::Display for UpgradeStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "waiting for the secret connection",
            Self::NodeInfo => "waiting for the NodeInfo",
            Self::Leaving => "waiting for our output to leave",
        })
    }
}

/// Why a stream did not become a peer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// We gave it up.
    #[error("closed by us while {stage}")]
    Local {
        /// How far it had come.
        stage: UpgradeStage,
    },
    /// A stage was not done in time.
    #[error("it took longer than {timeout:?}, {stage}")]
    Timeout {
        /// The configured time.
        timeout: Duration,
        /// How far it had come.
        stage: UpgradeStage,
    },
    /// The transport failed.
    #[error("the transport failed while {stage}")]
    TransportFailed {
        /// How far it had come.
        stage: UpgradeStage,
    },
    /// The peer closed its side instead of sending its NodeInfo. Nodes do so when they do not want us: they have enough
    /// peers, know us already, or are of another network.
    #[error("closed by the peer while {stage} ({unread_bytes} bytes of it came)")]
    PeerClosed {
        /// How far it had come.
        stage: UpgradeStage,
        /// Bytes of the message, or of its frame, that had come.
        unread_bytes: usize,
    },
    /// The secret connection did not come to stand. Another node than the dialled one, and ourselves, end here.
    #[error("secret connection: {0}")]
    Handshake(#[from] HandshakeError),
    /// A frame of the NodeInfo could not be opened.
    #[error("the NodeInfo: {0}")]
    Open(#[from] OpenError),
    /// The bytes are no NodeInfo.
    #[error(transparent)]
    Decode(#[from] NodeInfoDecodeError),
    /// The peer says of itself what no node may say.
    #[error("the NodeInfo is invalid: {0}")]
    Invalid(#[from] NodeInfoError),
    /// The peer says that it is another node than it has proven to be.
    #[error("the NodeInfo says that it is {stated:?}; the node has proven to be {proven}")]
    OtherId {
        /// Who it says it is.
        stated: String,
        /// Who it is.
        proven: NodeId,
    },
    /// The peer can not talk to us.
    #[error("incompatible: {0}")]
    Incompatible(#[from] Incompatible),
}

impl UpgradeError {
    /// Who caused the end.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Local { .. } => Fault::Ours,
            Self::Timeout { .. } | Self::TransportFailed { .. } | Self::PeerClosed { .. } => Fault::Network,
            Self::Handshake(error) => error.fault(),
            _ => Fault::Peer,
        }
    }

    /// Whether the peer is ourselves: the address is one of ours, and not to be dialled again.
    #[must_use]
    pub const fn is_self(&self) -> bool {
        matches!(self, Self::Handshake(HandshakeError::OwnNodeKey))
    }

    /// Whether the peer is not who it should be: another node than the dialled one, or than it says, or a forged signature
    /// (`IsAuthFailure` of `p2p/errors.go @ v0.38`).
    #[must_use]
    pub const fn is_auth_failure(&self) -> bool {
        matches!(self, Self::Handshake(HandshakeError::WrongPeer { .. } | HandshakeError::WrongSignature { .. }))
            || matches!(self, Self::OtherId { .. })
    }
}
