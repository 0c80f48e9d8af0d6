//! Why a connection has ended.

use alloc::string::String;

use thiserror::Error;

use super::refusal::PeerRefusal;
use crate::connection::ConfigError;
use crate::machine::Fault;
use crate::peer::close::PeerClosed;
use crate::peer::upgrade::UpgradeError;

/// Why a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndReason {
    /// The driver could not open it.
    #[error("it could not be dialled: {why}")]
    DialFailed {
        /// The driver's words.
        why: String,
    },
    /// The handshake, or the exchange of NodeInfo, has failed.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    /// The filter of the switch does not want this node.
    #[error("the filter refuses the node: {why}")]
    Filtered {
        /// The filter's words.
        why: String,
    },
    /// The switch does not want this node, or this connection to it.
    #[error("refused: {0}")]
    Refused(#[from] PeerRefusal),
    /// There are two connections to the node, and the other one stays.
    #[error("there is another connection to this node")]
    SimultaneousDial,
    /// The peer's machine has ended.
    #[error(transparent)]
    Peer(#[from] PeerClosed),
    /// A reactor, or the program, has stopped the peer.
    #[error("stopped: {why}")]
    Stopped {
        /// Its words.
        why: String,
    },
    /// The connection was lost, or closed by the other side, while it stood by.
    #[error("the connection was lost")]
    Lost,
    /// The switch was stopped.
    #[error("the switch was stopped")]
    SwitchStopped,
    /// The configuration can not work.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl EndReason {
    /// Who caused the end. Who stops a peer may have had a reason; the switch does not know it.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::DialFailed { .. } | Self::Lost => Fault::Network,
            Self::Upgrade(error) => error.fault(),
            Self::Peer(reason) => reason.fault(),
            Self::Filtered { .. }
            | Self::Refused(_)
            | Self::SimultaneousDial
            | Self::Stopped { .. }
            | Self::SwitchStopped
            | Self::Config(_) => Fault::Ours,
        }
    }
}
