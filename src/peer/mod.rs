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
//! use std::sync::Arc;
//!
//! use bytes::{Bytes, BytesMut};
//! use mconn::connection::{ChannelConfig, Input, MConnConfig};
//! use mconn::machine::Machine;
//! use mconn::peer::{Event, LocalNode, NodeInfo, Origin, Peer, Upgrade, UpgradeConfig, UpgradeEvent};
//! use mconn::secret::{self, EphemeralSecret, ExpectedPeer, NodeKey};
//! use mconn::time::Instant;
//!
//! const NOW: Instant = Instant::ZERO;
//!
//! /// A node with one channel. In a program the key comes from `node_key.json`.
//! fn node(seed: u8) -> Arc<LocalNode> {
//!     let key = NodeKey::from_seed(&[seed; 32]);
//!     let info = NodeInfo::new(key.id(), "test-chain", [0x20]);
//!     Arc::new(LocalNode::new(key, info).unwrap())
//! }
//!
//! /// One turn of one side: what came goes in, what it has to say goes to `outbound`.
//! fn turn(side: &mut Upgrade, inbound: &mut BytesMut, outbound: &mut BytesMut) -> Option<Peer> {
//!     side.handle(NOW, secret::Input::Received { buf: inbound, end: false });
//!     while let Some(bytes) = side.poll_transmit(NOW) {
//!         outbound.extend_from_slice(&bytes);
//!     }
//!     match side.poll_event()? {
//!         UpgradeEvent::Established(upgraded) => {
//!             let config = MConnConfig::cometbft().channel(ChannelConfig::new(0x20, 5));
//!             Some(Peer::new(upgraded, Origin::inbound(), config, NOW).unwrap())
//!         }
//!         UpgradeEvent::Closed(error) => panic!("{error}"),
//!         other => panic!("{other:?}"),
//!     }
//! }
//!
//! let (alice, bob) = (node(1), node(2));
//! // In a program the ephemeral secrets come from the operating system.
//! let begin = |node: &Arc<LocalNode>, random: u8, expected| {
//!     let ephemeral = EphemeralSecret::from_random(&[random; 32]);
//!     Upgrade::new(Arc::clone(node), ephemeral, expected, UpgradeConfig::default(), NOW)
//! };
//! let mut dialling = begin(&alice, 3, ExpectedPeer::Id(bob.id())); // Alice dials Bob, and nobody else
//! let mut listening = begin(&bob, 4, ExpectedPeer::Any);
//!
//! let (mut to_alice, mut to_bob) = (BytesMut::new(), BytesMut::new());
//! let (mut bob_at_alice, mut alice_at_bob) = (None, None);
//! while bob_at_alice.is_none() || alice_at_bob.is_none() {
//!     bob_at_alice = bob_at_alice.or_else(|| turn(&mut dialling, &mut to_alice, &mut to_bob));
//!     alice_at_bob = alice_at_bob.or_else(|| turn(&mut listening, &mut to_bob, &mut to_alice));
//! }
//! let (mut bob_at_alice, mut alice_at_bob) = (bob_at_alice.unwrap(), alice_at_bob.unwrap());
//! assert_eq!(bob_at_alice.node_info().moniker, "mconn");
//! assert_eq!(alice_at_bob.id(), alice.id());
//!
//! bob_at_alice.try_send(0x20, Bytes::from("hello")).unwrap();
//! bob_at_alice.transmit_into(NOW, &mut to_bob, 65_536);
//! alice_at_bob.handle(NOW, Input::Received { buf: &mut to_bob, end: false });
//! assert_eq!(alice_at_bob.poll_event(), Some(Event::Message { channel: 0x20, payload: Bytes::from("hello") }));
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
