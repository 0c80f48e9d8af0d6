//! How many peers, and which.

use alloc::collections::BTreeSet;

use crate::secret::NodeId;

/// How many connections a switch has, and from where.
///
/// The defaults are those of CometBFT nodes (`config/config.go @ v0.38`) where they have one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PeerLimits {
    /// Peers that have dialled us. 40.
    pub max_inbound: usize,
    /// Peers that we have dialled. Persistent peers count, and are dialled all the same. 10.
    pub max_outbound: usize,
    /// Connections that others have opened and on which the peer is not known yet. Go has no limit of its own for them. 64.
    pub max_handshakes: usize,
    /// Whether several peers may have one IP address. `false`.
    pub allow_duplicate_ip: bool,
    /// Peers that are not counted and for whom there is always room.
    pub unconditional: BTreeSet<NodeId>,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            max_inbound: 40,
            max_outbound: 10,
            max_handshakes: 64,
            allow_duplicate_ip: false,
            unconditional: BTreeSet::new(),
        }
    }
}
