//! What a switch has to do for a connection.

use crate::peer::switch::connection_id::ConnectionId;

/// One thing to be done for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::peer::switch) struct Step {
    pub(in crate::peer::switch) connection: ConnectionId,
    pub(in crate::peer::switch) action: Action,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::peer::switch) enum Action {
    /// Tell this reactor that a peer is about to start.
    Init { reactor: usize },
    /// From now on messages can be sent to the peer.
    Start,
    /// Tell this reactor that the peer has started.
    Add { reactor: usize },
    /// Close the connection.
    HangUp,
    /// Tell this reactor that the peer is gone.
    Remove { reactor: usize },
    /// Forget the connection; nothing comes after it.
    Gone,
}
