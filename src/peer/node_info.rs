//! What a node says of itself right after the secret connection stands.

use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use super::address::{AddressError, HostPort};
use crate::secret::NodeId;

mod codec;

pub use codec::NodeInfoDecodeError;
pub(super) use codec::Received;

/// The most bytes of a NodeInfo, without its length (`MaxNodeInfoSize` of `p2p/node_info.go @ v0.38`).
pub const MAX_NODE_INFO: usize = 10_240;
/// The most channels of a node (`maxNumChannels`, there).
pub const MAX_CHANNELS: usize = 16;

/// The versions of the protocols that a node speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProtocolVersion {
    /// Of the peer-to-peer protocol: 8 today. Nobody compares it.
    pub p2p: u64,
    /// Of blocks: 11 today. Two nodes must have the same.
    pub block: u64,
    /// Of the application. Nobody compares it.
    pub app: u64,
}

impl ProtocolVersion {
    /// Those of CometBFT today, for an application of version 0.
    pub const COMETBFT: Self = Self { p2p: 8, block: 11, app: 0 };
}

/// What a node says of itself: who it is, where it listens, which network and which channels it has.
///
/// A value may hold anything that fits on the wire; [`NodeInfo::validate`] tells whether it may be shown to others.
///
/// ```
/// use mconn::peer::NodeInfo;
/// use mconn::secret::NodeKey;
///
/// let mut info = NodeInfo::new(NodeKey::from_seed(&[1; 32]).id(), "test-chain", [0x20, 0x21]);
/// info.listen_addr = "tcp://10.0.0.7:26656".into();
/// assert_eq!(info.validate(), Ok(()));
/// assert_eq!(NodeInfo::decode(&info.encode()), Ok(info));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeInfo {
    /// The versions of the protocols.
    pub protocol: ProtocolVersion,
    /// The node's id, in hex.
    pub node_id: String,
    /// Where it listens. It says so itself: that it is there, nobody has checked.
    pub listen_addr: String,
    /// The network: the id of the chain.
    pub network: String,
    /// The version of the program.
    pub version: String,
    /// The ids of the channels that it has.
    pub channels: Vec<u8>,
    /// A name for people.
    pub moniker: String,
    /// Whether it indexes transactions: `on`, `off`, or nothing.
    pub tx_index: String,
    /// Where it answers RPC.
    pub rpc_address: String,
}

impl NodeInfo {
    /// A node of today's CometBFT on a network, with these channels. It listens on a port of no use (`0.0.0.0:0`), and its
    /// moniker is `mconn`; set what is different.
    #[must_use]
    pub fn new(id: NodeId, network: impl Into<String>, channels: impl IntoIterator<Item = u8>) -> Self {
        Self {
            protocol: ProtocolVersion::COMETBFT,
            node_id: alloc::format!("{id}"),
            listen_addr: "tcp://0.0.0.0:0".into(),
            network: network.into(),
            version: "0.38.0".into(),
            channels: channels.into_iter().collect(),
            moniker: "mconn".into(),
            tx_index: String::new(),
            rpc_address: String::new(),
        }
    }

    /// The node's id.
    ///
    /// # Errors
    /// [`NodeInfoError::NodeId`] when what it says is none.
    pub fn id(&self) -> Result<NodeId, NodeInfoError> {
        self.node_id.parse().map_err(|_| NodeInfoError::NodeId { found: self.node_id.clone() })
    }

    /// Where the node says that it listens.
    ///
    /// # Errors
    /// [`NodeInfoError::ListenAddress`] when what it says is no address.
    pub fn listen_at(&self) -> Result<HostPort, NodeInfoError> {
        let wrong = |error| NodeInfoError::ListenAddress { found: self.listen_addr.clone(), error };
        self.listen_addr.parse().map_err(wrong)
    }

    /// Whether a node may say this of itself, by the rules of `DefaultNodeInfo.Validate` (`p2p/node_info.go @ v0.38`), in
    /// their order. A name in `listen_addr` is not looked up.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), NodeInfoError> {
        self.id()?;
        self.listen_at()?;
        if !self.version.is_empty() && !is_text(&self.version) {
            return Err(NodeInfoError::Version { found: self.version.clone() });
        }
        if self.channels.len() > MAX_CHANNELS {
            return Err(NodeInfoError::TooManyChannels { found: self.channels.len(), limit: MAX_CHANNELS });
        }
        let mut seen = ChannelSet::default();
        if let Some(channel) = self.channels.iter().copied().find(|channel| !seen.insert(*channel)) {
            return Err(NodeInfoError::DuplicateChannel { channel });
        }
        if !is_text(&self.moniker) {
            return Err(NodeInfoError::Moniker { found: self.moniker.clone() });
        }
        if !matches!(self.tx_index.as_str(), "" | "on" | "off") {
            return Err(NodeInfoError::TxIndex { found: self.tx_index.clone() });
        }
        if !self.rpc_address.is_empty() && !is_text(&self.rpc_address) {
            return Err(NodeInfoError::RpcAddress { found: self.rpc_address.clone() });
        }
        Ok(())
    }

    /// Whether we, with this NodeInfo, can talk to a node with that one (`CompatibleWith`, there). A node without channels
    /// can talk to all of its network: it only looks.
    ///
    /// # Errors
    /// What is different.
    pub fn compatible_with(&self, other: &Self) -> Result<(), Incompatible> {
        let (ours, theirs) = (self.protocol.block, other.protocol.block);
        if ours != theirs {
            return Err(Incompatible::Block { ours, theirs });
        }
        if self.network != other.network {
            return Err(Incompatible::Network { ours: self.network.clone(), theirs: other.network.clone() });
        }
        if !self.channels.is_empty() && !self.channels.iter().any(|channel| other.channels.contains(channel)) {
            return Err(Incompatible::Channels { ours: self.channels.clone(), theirs: other.channels.clone() });
        }
        Ok(())
    }

    /// The channels as a set.
    pub(super) fn channel_set(&self) -> ChannelSet {
        let mut set = ChannelSet::default();
        for channel in &self.channels {
            set.insert(*channel);
        }
        set
    }
}

/// Whether a text is printable ASCII and not only blanks.
fn is_text(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.bytes().any(|byte| byte != b' ')
}

/// A set of channel ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChannelSet([u64; 4]);

impl ChannelSet {
    const fn place(channel: u8) -> (usize, u64) {
        ((channel >> 6) as usize, 1_u64.wrapping_shl((channel & 63) as u32))
    }

    /// Adds a channel; `false` when it was there.
    fn insert(&mut self, channel: u8) -> bool {
        let (word, bit) = Self::place(channel);
        let Some(word) = self.0.get_mut(word) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub(super) fn contains(&self, channel: u8) -> bool {
        let (word, bit) = Self::place(channel);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// What no node may say of itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeInfoError {
    /// The node id is none.
    #[error("the node id {found:?} does not have 40 hex digits")]
    NodeId {
        /// What it says.
        found: String,
    },
    /// The listen address is none.
    #[error("the listen address {found:?}: {error}")]
    ListenAddress {
        /// What it says.
        found: String,
        /// What is wrong with it.
        error: AddressError,
    },
    /// The version is not printable ASCII, or only blanks.
    #[error("the version {found:?} is not printable ASCII")]
    Version {
        /// What it says.
        found: String,
    },
    /// Too many channels.
    #[error("{found} channels; the limit is {limit}")]
    TooManyChannels {
        /// How many it has.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A channel stands there twice.
    #[error("channel {channel:#04x} stands there twice")]
    DuplicateChannel {
        /// Its id.
        channel: u8,
    },
    /// The moniker is not printable ASCII, or only blanks, or missing.
    #[error("the moniker {found:?} is not printable ASCII")]
    Moniker {
        /// What it says.
        found: String,
    },
    /// `tx_index` is neither `on` nor `off` nor missing.
    #[error("tx_index is {found:?}, neither \"on\" nor \"off\"")]
    TxIndex {
        /// What it says.
        found: String,
    },
    /// The RPC address is not printable ASCII, or only blanks.
    #[error("the RPC address {found:?} is not printable ASCII")]
    RpcAddress {
        /// What it says.
        found: String,
    },
}

/// Why two nodes can not talk to each other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Incompatible {
    /// They have different versions of blocks.
    #[error("its version of blocks is {theirs}, ours {ours}")]
    Block {
        /// Our version.
        ours: u64,
        /// The other's.
        theirs: u64,
    },
    /// They belong to different networks.
    #[error("its network is {theirs:?}, ours {ours:?}")]
    Network {
        /// Our network.
        ours: String,
        /// The other's.
        theirs: String,
    },
    /// They have no channel in common.
    #[error("no channel in common: it has {theirs:02x?}, we have {ours:02x?}")]
    Channels {
        /// Our channels.
        ours: Vec<u8>,
        /// The other's.
        theirs: Vec<u8>,
    },
}

#[cfg(test)]
mod tests;
