//! What a switch wants of its driver, and what it tells the program.

use super::connection_id::ConnectionId;
use super::reason::EndReason;
use crate::peer::address::PeerAddress;
use crate::secret::NodeId;

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Open a connection; then say [`Switch::dialled`](super::Switch::dialled) or
    /// [`Switch::dial_failed`](super::Switch::dial_failed).
    Dial {
        /// Its number from now on.
        connection: ConnectionId,
        /// Where to, and who must be there. The host may be a name.
        address: PeerAddress,
    },
    /// Close the connection, or give up dialling it. It is the last command for this number, and comes once for each connection
    /// except those that [could not be dialled](super::Switch::dial_failed). While a dial goes on, the switch may give it up
    /// and the driver may fail at it at one moment: then it comes for a number that the driver has forgotten.
    HangUp {
        /// Its number, which means nothing from now on.
        connection: ConnectionId,
        /// Whether what was pulled must still be written before. Otherwise it may be dropped.
        flush: bool,
    },
    /// There is output: pull it with [`Switch::transmit_into`](super::Switch::transmit_into) whenever the transport can take
    /// some, until nothing comes.
    Write {
        /// The connection.
        connection: ConnectionId,
    },
    /// Give what waits in the connection's buffer to [`Switch::received`](super::Switch::received) once more, be it nothing:
    /// there is room now.
    Feed {
        /// The connection.
        connection: ConnectionId,
    },
}

/// What a switch tells the program around it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A node is a peer now.
    PeerStarted {
        /// The node.
        id: NodeId,
        /// Its connection.
        connection: ConnectionId,
        /// Whether we have dialled it.
        is_outbound: bool,
    },
    /// A connection has ended.
    Ended {
        /// The connection.
        connection: ConnectionId,
        /// The node, if it was known: who it has proven to be, or should have been.
        id: Option<NodeId>,
        /// Whether it was a peer.
        was_peer: bool,
        /// Why.
        reason: EndReason,
    },
    /// A persistent peer will not be dialled any more.
    GaveUp {
        /// The peer.
        address: PeerAddress,
    },
}
