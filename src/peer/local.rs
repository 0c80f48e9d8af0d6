//! Who we are, as every connection of ours says it.

use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use super::node_info::{MAX_NODE_INFO, NodeInfo, NodeInfoError};
use crate::secret::{NodeId, NodeKey};

/// Our key and our NodeInfo: what all our connections have in common. Share it in an `Arc`.
///
/// ```
/// use mconn::peer::{LocalNode, NodeInfo};
/// use mconn::secret::NodeKey;
///
/// let key = NodeKey::from_seed(&[1; 32]);
/// let info = NodeInfo::new(key.id(), "test-chain", [0x20]);
/// let local = LocalNode::new(key, info)?;
/// # Ok::<(), mconn::peer::LocalNodeError>(())
/// ```
pub struct LocalNode {
    key: NodeKey,
    id: NodeId,
    info: NodeInfo,
    /// The NodeInfo as bytes.
    encoded: Vec<u8>,
}

impl LocalNode {
    /// A node with this key, which says this of itself.
    ///
    /// # Errors
    /// [`LocalNodeError`] when no other node would accept it.
    pub fn new(key: NodeKey, info: NodeInfo) -> Result<Self, LocalNodeError> {
        info.validate()?;
        let id = key.id();
        if info.node_id != alloc::format!("{id}") {
            return Err(LocalNodeError::OtherId { stated: info.node_id, of_key: id });
        }
        let encoded = info.encode();
        // The length before it takes two bytes at this size, and what is no longer than that with one byte is not too long.
        let length = encoded.len().saturating_sub(2);
        if length > MAX_NODE_INFO {
            return Err(LocalNodeError::TooLong { length, limit: MAX_NODE_INFO });
        }
        Ok(Self { key, id, info, encoded })
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &NodeKey {
        &self.key
    }

    /// The id of the key.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// What it says of itself.
    #[must_use]
    pub const fn info(&self) -> &NodeInfo {
        &self.info
    }

    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

impl fmt::Debug for LocalNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalNode").field("id", &self.id).field("info", &self.info).finish_non_exhaustive()
    }
}

/// Why no other node would accept what we want to say of us.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LocalNodeError {
    /// A rule of NodeInfo is broken.
    #[error("our NodeInfo: {0}")]
    Invalid(#[from] NodeInfoError),
    /// The id in the NodeInfo is not that of the key, written in lower case.
    #[error("our NodeInfo says {stated:?}; our key has the id {of_key}")]
    OtherId {
        /// What the NodeInfo says.
        stated: alloc::string::String,
        /// The id of the key.
        of_key: NodeId,
    },
    /// It is longer than others take.
    #[error("our NodeInfo has {length} bytes; the limit is {limit}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
}
