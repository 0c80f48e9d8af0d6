//! Why a session has ended, as a driver knows it.

use alloc::sync::Arc;
use std::io;

use crate::adapter::cause::Cause;
use crate::machine::Fault;
use crate::sliding_window::CloseReason;

/// Why a session has ended: what the machine says, and the error of the transport when there was one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}{}", Cause(.io.as_deref()))]
#[non_exhaustive]
pub struct Closed {
    /// What the machine says.
    pub reason: CloseReason,
    /// The error of the transport, if it has failed.
    #[source]
    pub io: Option<Arc<io::Error>>,
}

impl Closed {
    /// Who caused the end.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.reason.fault()
    }

    /// Whether both sides have finished and everything was delivered.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        self.reason == CloseReason::Finished
    }
}

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        let kind = match &closed.reason {
            CloseReason::PeerAborted { .. } => io::ErrorKind::ConnectionReset,
            CloseReason::Aborted { .. } | CloseReason::NeverConnected => io::ErrorKind::ConnectionAborted,
            CloseReason::HandshakeTimeout { .. }
            | CloseReason::IdleTimeout { .. }
            | CloseReason::ProbesExhausted { .. }
            | CloseReason::ZeroWindow { .. }
            | CloseReason::CloseTimeout { .. }
            | CloseReason::UnackedLimit { .. } => io::ErrorKind::TimedOut,
            CloseReason::Peer(_) => io::ErrorKind::InvalidData,
            CloseReason::Finished => io::ErrorKind::BrokenPipe,
            _ => closed.io.as_ref().map_or(io::ErrorKind::Other, |error| error.kind()),
        };
        Self::new(kind, closed)
    }
}
