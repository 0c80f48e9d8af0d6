//! Who a node is: its key pair, its public key, and its id.

use core::fmt;
use core::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The Ed25519 key pair of a node. The secret part is never printed, and overwritten when the value is dropped.
///
/// ```
/// use mconn::secret::NodeKey;
///
/// let key = NodeKey::from_seed(&[0xa1; 32]);
/// assert_eq!(key.id().to_string(), "730a5edc28c2f8daf2d9dce3a01d5f205e35e555");
/// ```
#[derive(Clone)]
pub struct NodeKey(SigningKey);

impl NodeKey {
    /// The key pair of a seed of 32 secret, random bytes: the first half of what `node_key.json` holds.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The key pair of a seed and the public key that belongs to it, as `node_key.json` holds them; `None` when they do not
    /// belong together.
    #[cfg(feature = "peer")]
    pub(crate) fn from_pair(pair: &[u8; 64]) -> Option<Self> {
        SigningKey::from_keypair_bytes(pair).ok().map(Self)
    }

    /// The seed, and the public key behind it.
    #[cfg(feature = "peer")]
    pub(crate) fn to_pair(&self) -> zeroize::Zeroizing<[u8; 64]> {
        zeroize::Zeroizing::new(self.0.to_keypair_bytes())
    }

    /// The public part.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The id under which other nodes know this one.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.public_key().id()
    }

    /// The signature over `message`; the same for the same message.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// The Ed25519 public key of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key as the wire carries it. Whether it is a point of the curve shows when a signature is checked.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the node with this key.
    #[must_use]
    pub fn id(&self) -> NodeId {
        let hash: [u8; 32] = Sha256::digest(self.0).into();
        let mut id = [0; NodeId::LEN];
        for (to, from) in id.iter_mut().zip(hash) {
            *to = from;
        }
        NodeId(id)
    }

    /// Checks a signature.
    ///
    /// Stricter than Go, which follows ZIP 215 since v0.38 (`crypto/ed25519/ed25519.go @ v0.38`): keys and nonce points of
    /// small order are refused as well. Nobody owns the secret part of such a key, so that everybody could sign with it. All
    /// keys that come from a seed, and all their signatures, pass.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), VerifyError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| VerifyError::NoPoint)?;
        let signature = Signature::from_bytes(signature);
        key.verify_strict(message, &signature).map_err(|_| VerifyError::WrongSignature)
    }
}

/// Why a signature was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VerifyError {
    /// The key is no point of the curve.
    NoPoint,
    /// It is not a signature of this key over this message.
    WrongSignature,
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The id of a node: the first 20 bytes of the SHA-256 of its public key (`p2p/key.go @ v0.38`), written as 40 hex digits.
///
/// ```
/// use mconn::secret::NodeId;
///
/// let id: NodeId = "4CB1da6f66c55c9e42b92df5a0e3d3a1d1b2cbf8".parse()?;
/// assert_eq!(id.to_string(), "4cb1da6f66c55c9e42b92df5a0e3d3a1d1b2cbf8");
/// assert!("4cb1".parse::<NodeId>().is_err());
/// # Ok::<(), mconn::secret::ParseNodeIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; NodeId::LEN]);

impl NodeId {
    /// The bytes of an id.
    pub const LEN: usize = 20;

    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl From<PublicKey> for NodeId {
    fn from(key: PublicKey) -> Self {
        key.id()
    }
}

/// A text that is no node id: it does not have 40 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a node id has 40 hex digits")]
#[non_exhaustive]
pub struct ParseNodeIdError;

impl FromStr for NodeId {
    type Err = ParseNodeIdError;

    fn from_str(text: &str) -> Result<Self, ParseNodeIdError> {
        let mut id = [0; Self::LEN];
        hex::decode_to_slice(text, &mut id).map_err(|_| ParseNodeIdError)?;
        Ok(Self(id))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Which peer a handshake accepts. There is no default: who dials knows whom, and who listens says that anybody may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedPeer {
    /// Whoever proves to own a key. What may follow is for the caller to decide.
    Any,
    /// The node with this id.
    Id(NodeId),
    /// The node with this key.
    Key(PublicKey),
}

impl ExpectedPeer {
    /// The id that was expected, when it is not that of `found`.
    pub(super) fn refuses(self, found: PublicKey) -> Option<NodeId> {
        match self {
            Self::Any => None,
            Self::Id(id) => (id != found.id()).then_some(id),
            Self::Key(key) => (key != found).then(|| key.id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn secrets_are_not_printed() {
        let seed = [0xa1; 32];
        let printed = format!("{:?}", NodeKey::from_seed(&seed));
        assert!(!printed.contains("a1a1") && !printed.contains("161, 161"), "{printed}");
        assert!(printed.contains("NodeId("), "{printed}");
    }

    #[test]
    fn a_signature_passes_only_with_its_key_and_message() {
        let (ours, other) = (NodeKey::from_seed(&[1; 32]), NodeKey::from_seed(&[2; 32]));
        let signature = ours.sign(b"message");
        assert_eq!(ours.public_key().verify(b"message", &signature), Ok(()));
        assert_eq!(ours.public_key().verify(b"massage", &signature), Err(VerifyError::WrongSignature));
        assert_eq!(other.public_key().verify(b"message", &signature), Err(VerifyError::WrongSignature));
        let mut bent = signature;
        bent[63] ^= 0x20;
        assert_eq!(ours.public_key().verify(b"message", &bent), Err(VerifyError::WrongSignature));
        let no_point = PublicKey::from_bytes([2; 32]);
        assert_eq!(no_point.verify(b"message", &signature), Err(VerifyError::NoPoint));
    }

    /// The identity as key and as nonce point, and zero: with ZIP 215 this signs any message.
    #[test]
    fn keys_that_everybody_can_sign_with_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert_eq!(PublicKey::from_bytes(identity).verify(b"any", &signature), Err(VerifyError::WrongSignature));
        let key = VerifyingKey::from_bytes(&identity).unwrap();
        assert!(ed25519_dalek::Verifier::verify(&key, b"any", &Signature::from_bytes(&signature)).is_ok());
    }

    #[test]
    fn ids_are_read_back_as_they_are_written() {
        let id = NodeKey::from_seed(&[7; 32]).id();
        assert_eq!(format!("{id}").parse(), Ok(id));
        for wrong in ["", "00", &"0".repeat(39), &"0".repeat(41), &"g".repeat(40)] {
            assert_eq!(wrong.parse::<NodeId>(), Err(ParseNodeIdError), "{wrong:?}");
        }
    }

    #[test]
    fn the_expected_peer_is_compared_by_id_or_by_key() {
        let (key, other) = (NodeKey::from_seed(&[1; 32]).public_key(), NodeKey::from_seed(&[2; 32]).public_key());
        assert_eq!(ExpectedPeer::Any.refuses(key), None);
        assert_eq!(ExpectedPeer::Id(key.id()).refuses(key), None);
        assert_eq!(ExpectedPeer::Key(key).refuses(key), None);
        assert_eq!(ExpectedPeer::Id(key.id()).refuses(other), Some(key.id()));
        assert_eq!(ExpectedPeer::Key(key).refuses(other), Some(key.id()));
    }
}
