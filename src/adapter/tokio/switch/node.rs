//! The handle by which the program acts on a switch.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::events::Events;
use super::shared::{Shared, Stop};
use crate::connection::{SendError, SendRefusal, Status};
use crate::peer::switch::{Broadcast, ConnectionId, Context, DialRefusal};
use crate::peer::{NodeInfo, Peer, PeerAddress, Reactor};
use crate::secret::NodeId;

/// A running switch, as its program sees it. Clones are the same switch.
///
/// What has no method of its own goes through [`with`](Self::with).
#[derive(Clone, Debug)]
pub struct Node {
    shared: Arc<Shared>,
}

/// A peer, as it is at the moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerStatus {
    /// The node.
    pub id: NodeId,
    /// What it says of itself.
    pub node_info: NodeInfo,
    /// Whether we have dialled it.
    pub is_outbound: bool,
    /// Whether it is dialled again whenever it is gone.
    pub is_persistent: bool,
    /// The other end of the socket.
    pub remote_addr: Option<SocketAddr>,
    /// How its connection is doing.
    pub status: Status,
}

impl Node {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Our id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.shared.id
    }

    /// Acts on the switch: everything that a reactor can do.
    ///
    /// The switch stands still meanwhile, so do not wait for anything in it, and do not call this `Node`.
    pub fn with<T>(&self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.shared.act(|core, now| core.switch.with(now, act))
    }

    /// Acts through the first reactor of a type; `None` when there is none. The same holds.
    pub fn with_reactor<R: Reactor, T>(&self, act: impl FnOnce(&mut R, &mut Context<'_>) -> T) -> Option<T> {
        self.shared.act(|core, now| core.switch.with_reactor(now, act))
    }

    /// The peers, in the order of their ids.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.with(|context| {
            let now = context.now();
            let status = |peer: &Peer| PeerStatus {
                id: peer.id(),
                node_info: peer.node_info().clone(),
                is_outbound: peer.is_outbound(),
                is_persistent: peer.is_persistent(),
                remote_addr: peer.remote_addr(),
                status: peer.status(now),
            };
            context.peers().map(status).collect()
        })
    }

    /// Queues a message for a peer, and waits for room if there is none. Cancel-safe: a future that is dropped has queued
    /// nothing.
    ///
    /// # Errors
    /// [`SendError`] gives the message back, as soon as it can not be sent any more.
    pub async fn send(&self, peer: &NodeId, channel: u8, mut message: Bytes) -> Result<(), SendError> {
        loop {
            let mut room = core::pin::pin!(self.shared.room.notified());
            // Listen first and try then, or the news could come in between.
            room.as_mut().enable();
            match self.try_send(peer, channel, message) {
                Err(SendError { refusal: SendRefusal::Full { .. }, message: returned, .. }) => message = returned,
                result => return result,
            }
            room.await;
        }
    }

    /// Queues a message for a peer if there is room.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; see [`Context::try_send`].
    pub fn try_send(&self, peer: &NodeId, channel: u8, message: Bytes) -> Result<(), SendError> {
        self.with(|context| context.try_send(peer, channel, message))
    }

    /// A message for all peers. Where there is no room it waits inside, for a while; see [`Context::send`].
    pub fn broadcast(&self, channel: u8, message: &Bytes) -> Broadcast {
        self.with(|context| context.broadcast(channel, message))
    }

    /// A message for all peers that have room for it.
    pub fn try_broadcast(&self, channel: u8, message: &Bytes) -> Broadcast {
        self.with(|context| context.try_broadcast(channel, message))
    }

    /// Dials a node. What comes of it is told by [`events`](Self::events).
    ///
    /// # Errors
    /// [`DialRefusal`]; nothing has changed.
    pub fn dial(&self, address: &PeerAddress) -> Result<ConnectionId, DialRefusal> {
        self.with(|context| context.dial(address))
    }

    /// Stops a peer at once. `false` when it is none.
    pub fn stop_peer(&self, peer: &NodeId, why: impl Into<String>) -> bool {
        self.with(|context| context.stop_peer(peer, why))
    }

    /// A node to which there is to be a connection always. `false` when it is this node, or the switch is stopping.
    pub fn add_persistent_peer(&self, address: PeerAddress) -> bool {
        self.shared.act(|core, now| core.stop == Stop::No && core.switch.add_persistent_peer(now, address))
    }

    /// A node to which there need not be a connection any more. The one that is there stays.
    pub fn remove_persistent_peer(&self, id: &NodeId) {
        self.shared.act(|core, _| core.switch.remove_persistent_peer(id));
    }

    /// What happens from now on. Nothing more comes once the switch has stopped.
    #[must_use]
    pub fn events(&self) -> Events {
        let receiver = self.shared.act(|core, _| core.events.as_ref().map(tokio::sync::broadcast::Sender::subscribe));
        Events::new(receiver.unwrap_or_else(|| tokio::sync::broadcast::channel(1).1))
    }

    /// How many connections were closed as soon as they were accepted: there were too many, or they were not wanted.
    #[must_use]
    pub fn refused_connections(&self) -> u64 {
        self.shared.lock().refused
    }

    /// Messages that waited inside for room, and found none in time.
    #[must_use]
    pub fn dropped_messages(&self) -> u64 {
        self.shared.lock().switch.dropped_messages()
    }

    /// Stops at once: all connections end. [`stopped`](Self::stopped) tells when nothing runs any more.
    pub fn stop(&self) {
        self.shared.act(|core, now| {
            if core.stop != Stop::Done {
                core.stop = Stop::Now;
                core.switch.stop(now);
                core.wake_driver();
            }
        });
    }

    /// Stops listening and dialling, sends what is queued, for so long at most, and then stops.
    pub fn stop_after_flush(&self, limit: Duration) {
        self.shared.act(|core, now| {
            if core.stop == Stop::No {
                core.begin_to_drain(now, now.saturating_add(limit));
                core.wake_driver();
            }
        });
    }

    /// Waits until the switch has stopped and the driver has ended. Cancel-safe.
    pub async fn stopped(&self) {
        loop {
            let mut stopped = core::pin::pin!(self.shared.stopped.notified());
            stopped.as_mut().enable();
            if self.shared.lock().stop == Stop::Done {
                return;
            }
            stopped.await;
        }
    }
}
