//! What a program does with its peers, in parts that do not know each other.

use alloc::vec::Vec;
use core::any::Any;

use bytes::Bytes;

use super::address::PeerAddress;
use super::switch::{Context, EndReason};
use crate::connection::ChannelConfig;
use crate::secret::NodeId;
use crate::time::Instant;

mod typed;

pub use typed::{MessageCodec, Typed, TypedContext, TypedReactor};

/// One part of a node: it owns some channels, gets what peers send on them, and is told who comes and who goes.
///
/// A [`Switch`](super::switch::Switch) calls it, always with a [`Context`] by which it acts: sends, broadcasts, stops a peer,
/// dials.
///
/// # The order of calls
///
/// For one peer, always: `init_peer`, `add_peer`, any number of `receive`, `remove_peer`. `add_peer` is left out when the peer
/// ends before it. `remove_peer` comes exactly once for each `init_peer`, and before the next `init_peer` of the same node.
/// All reactors see `init_peer` before one sees `add_peer`, and all see `add_peer` before one sees `receive`; in the order of
/// registration, and `remove_peer` in the opposite order.
///
/// Go calls the methods of the same names from many goroutines, so that a message can come before `AddPeer`, and `RemovePeer`
/// may be missing (`p2p/base_reactor.go @ v0.38`; tendermint#3338, cometbft PR #6076).
pub trait Reactor: Any + Send {
    /// The channels that it owns. Asked once.
    fn channels(&self) -> Vec<ChannelConfig>;

    /// A node is about to become a peer. Nothing can be sent yet; data can be [kept with it](Context::data).
    fn init_peer(&mut self, _context: &mut Context<'_>, _peer: NodeId) {}

    /// The node is a peer; what is sent now goes out.
    fn add_peer(&mut self, _context: &mut Context<'_>, _peer: NodeId) {}

    /// A peer has sent a message on a channel of this reactor.
    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, channel: u8, message: Bytes);

    /// The peer is gone. Nothing can be sent any more; what was kept with it can still be seen.
    fn remove_peer(&mut self, _context: &mut Context<'_>, _peer: NodeId, _reason: &EndReason) {}

    /// A node was dialled, by whomever, and has not become a peer.
    fn dial_ended(&mut self, _context: &mut Context<'_>, _address: &PeerAddress, _reason: &EndReason) {}

    /// When it wants [`handle_timeout`](Self::handle_timeout) to be called. Asked after each call of another method.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The time that it wanted has come.
    fn handle_timeout(&mut self, _context: &mut Context<'_>) {}
}
