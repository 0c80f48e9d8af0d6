//! What can go wrong, and whose fault it is.

use core::fmt;
use core::time::Duration;

use thiserror::Error;

use super::identity::NodeId;
use crate::machine::Fault;
use crate::wire::DecodeError;

/// Which of the two messages of the peer a handshake waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The ephemeral key, in the clear.
    EphemeralKey,
    /// The node key and its signature, sealed.
    Authentication,
    /// None any more: only our own output has to leave.
    Leaving,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EphemeralKey => "waiting for the ephemeral key",
            Self::Authentication => "waiting for the authentication",
            Self::Leaving => "waiting for our output to leave",
        })
    }
}

/// Why a handshake has failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// We gave it up.
    #[error("closed by us while {stage}")]
    Local {
        /// How far it had come.
        stage: Stage,
    },
    /// It was not done in time.
    #[error("the handshake took longer than {timeout:?}, {stage}")]
    Timeout {
        /// The configured time.
        timeout: Duration,
        /// How far it had come.
        stage: Stage,
    },
    /// The transport failed.
    #[error("the transport failed while {stage}")]
    TransportFailed {
        /// How far it had come.
        stage: Stage,
    },
    /// The peer closed its side.
    #[error("closed by the peer while {stage} ({unread_bytes} bytes of it came)")]
    PeerClosed {
        /// How far the handshake had come.
        stage: Stage,
        /// Bytes of the message, or of its frame, that had come.
        unread_bytes: usize,
    },
    /// A message is longer than it can be.
    #[error("a message of {length} bytes, {stage}; at most {limit} make sense")]
    TooLong {
        /// Which message.
        stage: Stage,
        /// What the peer announced, in bytes without the length itself.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The bytes of the peer are no such message. A peer that speaks another protocol ends here.
    #[error("no such message, {stage}: {error}")]
    Decode {
        /// Which message.
        stage: Stage,
        /// The rule that was broken, and where.
        error: DecodeError,
    },
    /// The ephemeral key does not have 32 bytes. (Go pads and cuts: then two peers would agree on a key that neither sent.)
    #[error("an ephemeral key of {length} bytes instead of 32")]
    EphemeralKeyLength {
        /// Its length in bytes.
        length: usize,
    },
    /// The peer sent our own ephemeral key back.
    #[error("the peer sent our own ephemeral key")]
    ReflectedKey,
    /// The ephemeral key has low order: the shared secret would be known to everybody.
    #[error("an ephemeral key of low order")]
    LowOrderPoint,
    /// The frame with the authentication could not be opened: another key, or changed bytes.
    #[error("the authentication: {0}")]
    Open(#[from] OpenError),
    /// The node key is not an Ed25519 key, or there is none.
    #[error("no Ed25519 node key (key type {key_type:?})")]
    NodeKeyType {
        /// The number of the key's type on the wire; `None` when the message has no key. Ed25519 is 1.
        key_type: Option<u32>,
    },
    /// The node key does not have 32 bytes.
    #[error("a node key of {length} bytes instead of 32")]
    NodeKeyLength {
        /// Its length in bytes.
        length: usize,
    },
    /// The node key is no point of the curve.
    #[error("the node key is no point of the curve")]
    NodeKeyInvalid,
    /// The signature does not have 64 bytes.
    #[error("a signature of {length} bytes instead of 64")]
    SignatureLength {
        /// Its length in bytes.
        length: usize,
    },
    /// The peer claims to be us: we dialled ourselves, or it sent our own authentication back (both sides sign the same).
    #[error("the peer shows our own node key")]
    OwnNodeKey,
    /// The peer is not the one that was expected. Its signature was not looked at: `found` is only what it says.
    #[error("expected the node {expected}; this one says that it is {found}")]
    WrongPeer {
        /// Who was expected.
        expected: NodeId,
        /// Who the peer says it is.
        found: NodeId,
    },
    /// The signature is not that of the node key over this handshake.
    #[error("the signature of node {claimed} is wrong")]
    WrongSignature {
        /// Who the peer says it is.
        claimed: NodeId,
    },
}

impl HandshakeError {
    /// Who caused the end.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Local { .. } => Fault::Ours,
            Self::Timeout { .. } | Self::TransportFailed { .. } | Self::PeerClosed { .. } => Fault::Network,
            _ => Fault::Peer,
        }
    }
}

/// Why a direction can seal no more. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// All nonces are used; one more frame would use the first again. It takes 2^64 - 1 frames to come here.
    #[error("all nonces of this direction are used")]
    NoncesUsed,
}

/// Why a direction can open no more. It stays so: every later call gives the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A frame was not sealed with this key and nonce: its bytes were changed, lost, doubled or moved on the way.
    #[error("frame {frame} can not be opened")]
    WrongTag {
        /// The number of the frame in its direction; the first has 0.
        frame: u64,
    },
    /// A frame states more data than it can hold.
    #[error("frame {frame} states {length} bytes; it can hold 1024")]
    DataLength {
        /// The number of the frame.
        frame: u64,
        /// The length as it was read.
        length: u32,
    },
    /// Too many frames in a row without data.
    #[error("{frames} frames in a row without data; the limit is {limit}")]
    EmptyFrames {
        /// Frames that were counted.
        frames: u32,
        /// The limit.
        limit: u32,
    },
    /// All nonces are used.
    #[error("all nonces of this direction are used")]
    NoncesUsed,
}

impl OpenError {
    /// Who caused the end: always the peer, or who sits between.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        Fault::Peer
    }
}
