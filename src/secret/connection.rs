//! What a handshake gives: both directions, and who is at the other end.

use super::identity::PublicKey;
use super::open::Opener;
use super::seal::Sealer;

/// An authenticated connection: two directions that share nothing, and the peer's key.
///
/// Take it apart to give each half to its own task.
#[derive(Debug)]
#[non_exhaustive]
pub struct SecretConnection {
    /// The node key of the peer, which it has proven to own.
    pub peer: PublicKey,
    /// From us to the peer.
    pub sealer: Sealer,
    /// From the peer to us.
    pub opener: Opener,
}

impl SecretConnection {
    /// The two halves.
    #[must_use]
    pub fn split(self) -> (Sealer, Opener) {
        (self.sealer, self.opener)
    }
}
