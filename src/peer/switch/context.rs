//! What a reactor, or the program, can do.

use alloc::string::String;

use bytes::Bytes;

use super::connection::Connection;
use super::connection_id::ConnectionId;
use super::core::Core;
use super::refusal::DialRefusal;
use super::table::Way;
use crate::connection::{ChannelConfig, SendError};
use crate::peer::address::PeerAddress;
use crate::peer::data::PeerData;
use crate::peer::local::LocalNode;
use crate::peer::state::Peer;
use crate::secret::NodeId;
use crate::time::Instant;

/// What a reactor, or the program, can do with the switch and its peers.
///
/// All of it takes effect at once, but nobody is called from within: who is stopped or added is told to the reactors when the
/// present call has returned.
#[derive(Debug)]
pub struct Context<'a> {
    core: &'a mut Core,
}

/// How far a broadcast has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broadcast {
    /// Peers with whom the message is queued.
    pub queued: usize,
    /// Peers who have no room for it, or do not have the channel.
    pub refused: usize,
}

impl<'a> Context<'a> {
    pub(super) const fn new(core: &'a mut Core) -> Self {
        Self { core }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.core.now
    }

    /// Who we are.
    #[must_use]
    pub fn local(&self) -> &LocalNode {
        &self.core.local
    }

    /// The peers to whom messages can be sent, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        let started = self.core.table.started_peers();
        started.filter_map(|(_, connection)| self.core.connections.get(&connection)?.peer())
    }

    /// A peer, also one that is about to start, or of which reactors are just told that it is gone.
    #[must_use]
    pub fn peer(&self, id: &NodeId) -> Option<&Peer> {
        self.core.holder(id)?.peer()
    }

    /// What is kept with a peer: see [`Peer::data`]. It can be changed from `init_peer` to `remove_peer`.
    #[must_use]
    pub fn data(&mut self, id: &NodeId) -> Option<&mut PeerData> {
        self.core.holder_mut(id).and_then(Connection::peer_mut).map(Peer::data_mut)
    }

    /// Whether messages can be sent to this node.
    #[must_use]
    pub fn is_peer(&self, id: &NodeId) -> bool {
        self.core.table.started(id).is_some()
    }

    /// Whether this node is a peer, becomes one, or is dialled.
    #[must_use]
    pub fn is_connected(&self, id: &NodeId) -> bool {
        self.core.table.is_busy_with(id)
    }

    /// How many peers we have dialled or are dialling, and how many we may. Unconditional peers do not count.
    #[must_use]
    pub fn outbound(&self) -> (usize, usize) {
        (self.core.table.count(Way::Outbound, true), self.core.table.limits().max_outbound)
    }

    /// How many peers have dialled us, and how many may. Unconditional peers do not count.
    #[must_use]
    pub fn inbound(&self) -> (usize, usize) {
        (self.core.table.count(Way::Inbound, false), self.core.table.limits().max_inbound)
    }

    /// The channels of all reactors.
    #[must_use]
    pub fn channels(&self) -> &[ChannelConfig] {
        &self.core.config.connection.channels
    }

    /// Queues a message for a peer if there is room.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; nothing has changed. For a node that is no peer it says that the connection is
    /// closed.
    pub fn try_send(&mut self, peer: &NodeId, channel: u8, message: Bytes) -> Result<(), SendError> {
        self.core.send(peer, channel, message, false)
    }

    /// Queues a message for a peer, and if there is no room, keeps it until there is, at most for
    /// [`send_timeout`](super::SwitchConfig::send_timeout). Then it is dropped, and [counted](super::Switch::dropped_messages).
    ///
    /// # Errors
    /// [`SendError`] gives the message back when it can not wait either; nothing has changed.
    pub fn send(&mut self, peer: &NodeId, channel: u8, message: Bytes) -> Result<(), SendError> {
        self.core.send(peer, channel, message, true)
    }

    /// [`try_send`](Self::try_send) to all peers. The message is not copied.
    pub fn try_broadcast(&mut self, channel: u8, message: &Bytes) -> Broadcast {
        self.send_to_all(channel, message, false)
    }

    /// [`send`](Self::send) to all peers. The message is not copied.
    pub fn broadcast(&mut self, channel: u8, message: &Bytes) -> Broadcast {
        self.send_to_all(channel, message, true)
    }

    fn send_to_all(&mut self, channel: u8, message: &Bytes, wait: bool) -> Broadcast {
        let ids: alloc::vec::Vec<_> = self.core.table.started_peers().map(|(id, _)| id).collect();
        let mut broadcast = Broadcast::default();
        for id in ids {
            let count = match self.core.send(&id, channel, message.clone(), wait) {
                Ok(()) => &mut broadcast.queued,
                Err(_) => &mut broadcast.refused,
            };
            *count = count.saturating_add(1);
        }
        broadcast
    }

    /// Stops a peer at once: it has broken a rule, say why. `false` when it is none.
    pub fn stop_peer(&mut self, peer: &NodeId, why: impl Into<String>) -> bool {
        self.core.end_peer(peer, why.into())
    }

    /// Closes the connection to a peer when what is queued has left, or at the deadline. `false` when it is no peer.
    pub fn close_peer(&mut self, peer: &NodeId, deadline: Option<Instant>) -> bool {
        self.core.close_peer(peer, deadline)
    }

    /// Wants a node to be dialled.
    ///
    /// # Errors
    /// [`DialRefusal`]; nothing has changed.
    pub fn dial(&mut self, address: &PeerAddress) -> Result<ConnectionId, DialRefusal> {
        self.core.dial(address, false)
    }
}
