//! Who we say we are, and how the name of a network is learnt.

use std::sync::Arc;
use std::time::Duration;

use mconn::adapter::tokio::{DialConfig, DialError, PeerStream, dial};
use mconn::peer::{Incompatible, LocalNode, LocalNodeError, NodeInfo, PeerAddress, UpgradeError};
use mconn::secret::NodeKey;
use tokio::net::TcpStream;

/// A network that no node is of. Nodes tell us theirs before they refuse it.
const UNKNOWN: &str = "unknown";

/// The node is told what it wants to hear at the third dial at the latest: its version of blocks, then its network.
const DIALS: usize = 3;

/// Between two dials, for the node to forget the first: it takes one connection from an address.
const PAUSE: Duration = Duration::from_millis(200);

/// Who we say we are.
#[derive(Clone)]
pub(crate) struct Introduction {
    key: NodeKey,
    info: NodeInfo,
    network_is_given: bool,
}

impl Introduction {
    /// A node of a network with these channels. Without one the network is learnt.
    pub(crate) fn new(key: NodeKey, network: Option<&str>, channels: impl IntoIterator<Item = u8>) -> Self {
        let mut info = NodeInfo::new(key.id(), network.unwrap_or(UNKNOWN), channels);
        info.moniker = "mconn-example".into();
        Self { key, info, network_is_given: network.is_some() }
    }

    /// As it goes to nodes.
    pub(crate) fn local(&self) -> Result<Arc<LocalNode>, LocalNodeError> {
        LocalNode::new(self.key.clone(), self.info.clone()).map(Arc::new)
    }

    /// A key that is forgotten at the end.
    pub(crate) fn passing_key() -> Result<NodeKey, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(NodeKey::from_seed(&seed))
    }

    /// Dials a node. What it says of its network, when ours was not given, is what we say from then on.
    ///
    /// Both sides send their NodeInfo without waiting for each other, and check what came only then (`handshake` of
    /// `p2p/transport.go @ v0.38`). So a node that refuses us has said why.
    pub(crate) async fn dial(
        &mut self,
        address: &PeerAddress,
        config: DialConfig,
    ) -> Result<PeerStream<TcpStream>, DialError> {
        let mut dials = 1;
        loop {
            let local = self.local().map_err(|error| DialError::Connect(std::io::Error::other(error)))?;
            let error = match dial(address, local, config).await {
                Ok(peer) => return Ok(peer),
                Err(error) => error,
            };
            let DialError::Upgrade { error: UpgradeError::Incompatible(why), .. } = &error else { return Err(error) };
            match why {
                Incompatible::Block { theirs, .. } if dials < DIALS => self.info.protocol.block = *theirs,
                Incompatible::Network { theirs, .. } if dials < DIALS && !self.network_is_given => {
                    self.info.network.clone_from(theirs);
                }
                _ => return Err(error),
            }
            dials += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}
