//! Where a peer comes from.

use core::net::SocketAddr;

use super::address::PeerAddress;

/// Where a connection comes from: who began it, and over which socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The address that we dialled; `None` when the peer connected to us.
    pub dialled: Option<PeerAddress>,
    /// The other end of the socket, where there is one.
    pub socket: Option<SocketAddr>,
    /// Whether the connection is to be made anew whenever it ends.
    pub persistent: bool,
}

impl Origin {
    /// A peer that connected to us.
    #[must_use]
    pub const fn inbound() -> Self {
        Self { dialled: None, socket: None, persistent: false }
    }

    /// A peer that we dialled.
    #[must_use]
    pub const fn outbound(dialled: PeerAddress) -> Self {
        Self { dialled: Some(dialled), socket: None, persistent: false }
    }

    /// Sets the other end of the socket.
    #[must_use]
    pub const fn socket(mut self, socket: SocketAddr) -> Self {
        self.socket = Some(socket);
        self
    }

    /// Sets whether the connection is to be made anew whenever it ends.
    #[must_use]
    pub const fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Whether we dialled.
    #[must_use]
    pub const fn is_outbound(&self) -> bool {
        self.dialled.is_some()
    }
}
