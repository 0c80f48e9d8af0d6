//! Peers of a CometBFT network: who a node is, how a byte stream becomes a peer, and the peer itself.
//!
//! - [`node_key`] reads and writes `node_key.json`; [`PeerAddress`] is `id@host:port`; [`NodeInfo`] is what nodes tell each
//!   other first.
//! - [`Upgrade`] is a [`Machine`](crate::machine::Machine) that makes of a fresh byte stream an [`Upgraded`] one: the
//!   handshake of [`secret`](crate::secret), then NodeInfo, both ways at once, with a deadline for each and small limits.
//! - [`Peer`] is a [`Machine`](crate::machine::Machine) again: an [`MConnState`](crate::connection::MConnState) behind sealed
//!   frames. It takes the same inputs and gives the same output to the loop that drives it.
//! - A [`Switch`](switch::Switch) has all peers of a node, and gives what they send to [`Reactor`]s; it asks its driver to dial
//!   and to hang up. [`pex`] is the reactor that finds nodes.
//!
//! ```
#![doc = include_str!("example.rs")]
//! ```
//!
//! # Rules for a driver
//!
//! Those of [`MConnState`](crate::connection::MConnState) hold: take events, feed what is left in the buffer before waiting,
//! pull output when the transport can take it. Two things differ:
//!
//! - The bytes that an [`Upgrade`] left in the driver's buffer are the first of the [`Peer`]. Feed them at once.
//! - Output comes in frames of 1044 bytes. With a `max` below that nothing comes.
//!
//! # Memory
//!
//! Until the other side has proven who it is, a connection costs less than 4 KiB with the driver's buffer, if that is no larger
//! than [`Upgrade::recv_budget`]. After that its NodeInfo may have 10,240 bytes. The channels are made by [`Peer::new`], when
//! all checks have passed. A peer holds, on top of what its [connection](crate::connection#memory) does, at most two buffers of
//! 32 KiB (twice the size of a packet, if that is more), and lets go of them while nothing moves.

mod address;
mod close;
mod data;
mod local;
mod node_info;
pub mod node_key;
mod origin;
pub mod pex;
mod protobuf;
mod reactor;
mod sealed;
mod sequence;
mod state;
pub mod switch;
mod upgrade;

pub use address::{AddressError, Host, HostPort, PeerAddress, split_id};
pub use close::{Event, PeerClosed};
pub use data::PeerData;
pub use local::{LocalNode, LocalNodeError};
pub use node_info::{
    Incompatible, MAX_CHANNELS, MAX_NODE_INFO, NodeInfo, NodeInfoDecodeError, NodeInfoError, ProtocolVersion,
};
pub use node_key::NodeKeyError;
pub use origin::Origin;
pub use reactor::{MessageCodec, Reactor, Typed, TypedContext, TypedReactor};
pub use state::Peer;
pub use upgrade::{Upgrade, UpgradeConfig, UpgradeError, UpgradeEvent, UpgradeStage, UpgradeTimer, Upgraded};
