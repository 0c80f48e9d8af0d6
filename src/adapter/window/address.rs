//! Where a peer is.

use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// A UDP socket.
    Socket(SocketAddr),
    /// A subject of a broker.
    Subject(Arc<str>),
    /// The other end of a transport that has two.
    OtherEnd,
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(address) => address.fmt(f),
            Self::Subject(subject) => subject.fmt(f),
            Self::OtherEnd => f.write_str("the other end"),
        }
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Socket(address)
    }
}
