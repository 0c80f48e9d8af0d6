//! What a peer tells its user, and why it has ended.

use thiserror::Error;

use crate::connection::{self, CloseReason};
use crate::machine::Fault;
use crate::secret::{OpenError, SealError};

/// What a peer tells its user.
pub type Event = connection::Event<PeerClosed>;

/// Why a peer has ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerClosed {
    /// The connection inside the frames has ended. In [`CloseReason::PeerClosed`] the bytes of a frame that was not whole count
    /// as unread.
    #[error(transparent)]
    Connection(#[from] CloseReason),
    /// A frame could not be opened.
    #[error("the secret connection: {0}")]
    Open(#[from] OpenError),
    /// No more frames can be sealed.
    #[error("the secret connection: {0}")]
    Seal(#[from] SealError),
}

impl PeerClosed {
    /// Who caused the end.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Connection(reason) => reason.fault(),
            Self::Open(error) => error.fault(),
            Self::Seal(_) => Fault::Ours,
        }
    }

    /// Whether this is the end after an orderly flush: what was pulled must still reach the peer.
    #[must_use]
    pub const fn is_flushed(&self) -> bool {
        matches!(self, Self::Connection(CloseReason::Flushed))
    }
}
