//! All peers of a node as one machine: who becomes a peer, what reactors see of it, and how it ends.
//!
//! A [`Switch`] has [reactors](crate::peer::Reactor), which own the channels. Its driver tells it of connections and bytes, and
//! does the [`Command`]s that it gives: dial, hang up, write, feed. It has no sockets, and nothing in it waits.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use bytes::{Bytes, BytesMut};
//! use mconn::connection::ChannelConfig;
//! use mconn::peer::switch::{Command, ConnectionId, Context, Switch};
//! use mconn::peer::{NodeInfo, PeerAddress, Reactor};
//! use mconn::secret::{EphemeralSecret, NodeId, NodeKey};
//! use mconn::time::Instant;
//!
//! const NOW: Instant = Instant::ZERO;
//!
//! /// Greets each peer, and remembers what it hears.
//! #[derive(Default)]
//! struct Greeter(Vec<Bytes>);
//!
//! impl Reactor for Greeter {
//!     fn channels(&self) -> Vec<ChannelConfig> {
//!         vec![ChannelConfig::new(0x77, 1)]
//!     }
//!
//!     fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
//!         context.try_send(&peer, 0x77, Bytes::from("hello")).unwrap();
//!     }
//!
//!     fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, message: Bytes) {
//!         self.0.push(message);
//!     }
//! }
//!
//! /// A node with this reactor. In a program the key comes from `node_key.json`.
//! fn node(seed: u8) -> Switch {
//!     let key = NodeKey::from_seed(&[seed; 32]);
//!     let info = NodeInfo::new(key.id(), "test-chain", []);
//!     let mut builder = Switch::builder(key, info);
//!     builder.add_reactor(Greeter::default()).unwrap();
//!     builder.build(7, NOW).unwrap()
//! }
//!
//! let (mut alice, mut bob) = (node(1), node(2));
//! let at: PeerAddress = format!("{}@10.0.0.2:26656", bob.local().id()).parse().unwrap();
//! alice.with(NOW, |context| context.dial(&at)).unwrap();
//!
//! // The driver: a TCP stream for each connection, here two buffers in memory. In a program the ephemeral secrets come from
//! // the operating system.
//! let mut wires: HashMap<ConnectionId, ConnectionId> = HashMap::new(); // Alice's number, Bob's number
//! let (mut to_alice, mut to_bob) = (BytesMut::new(), BytesMut::new());
//! for _ in 0..20 {
//!     while let Some(command) = alice.poll_command() {
//!         match command {
//!             Command::Dial { connection, address } => {
//!                 let ephemeral = |random| EphemeralSecret::from_random(&[random; 32]);
//!                 let theirs = bob.accepted(NOW, "10.0.0.1:5000".parse().unwrap(), ephemeral(3)).unwrap();
//!                 alice.dialled(NOW, connection, address.at.socket_addr().unwrap(), ephemeral(4));
//!                 wires.insert(connection, theirs);
//!             }
//!             Command::HangUp { connection, .. } => drop(wires.remove(&connection)),
//!             _ => {} // Write and Feed: here everything is tried all the time
//!         }
//!     }
//!     for (ours, theirs) in &wires {
//!         alice.transmit_into(NOW, *ours, &mut to_bob, 65_536);
//!         bob.received(NOW, *theirs, &mut to_bob, false);
//!         bob.transmit_into(NOW, *theirs, &mut to_alice, 65_536);
//!         alice.received(NOW, *ours, &mut to_alice, false);
//!     }
//! }
//! assert_eq!(alice.reactor::<Greeter>().unwrap().0, ["hello"]);
//! assert_eq!(bob.reactor::<Greeter>().unwrap().0, ["hello"]);
//! ```
//!
//! # Rules for a driver
//!
//! 1. After every call take all commands, and do them in their order; then take all events.
//! 2. Each connection has a read buffer. Append what the socket gives, at most up to [`Switch::recv_budget`] in all, and give
//!    the buffer to [`Switch::received`]. What stays in it is given again with what comes next, and at [`Command::Feed`].
//! 3. At [`Command::Write`], whenever the socket can take output, pull it with [`Switch::transmit_into`], until nothing comes.
//! 4. Sleep until something comes or the deadline of [`Switch::poll_timeout`], then call [`Switch::handle_timeout`].
//!
//! A number of which the switch knows nothing (any more) is harmless.
//!
//! # The way of a connection
//!
//! ```text
//! accepted: IP of another inbound peer? too many in their handshake? filter      ─► refused, nothing is kept
//! dialled:  ourselves? a peer already? being dialled? enough outbound peers?     ─► refused, nothing is dialled
//!     │
//!     ▼ the upgrade: SecretConnection, NodeInfo, each in time
//! filter; ourselves; a peer already; enough inbound peers; IP of another peer    ─► hung up
//!     │                    │
//!     │                    └─ by a connection that the other side began: this one stands by
//!     ▼
//! init_peer on each reactor ─► add_peer on each ─► messages ─► remove_peer on each that has seen init_peer
//! ```
//!
//! # Other than the Go switch
//!
//! | Go (`p2p/switch.go @ v0.38`) | here |
//! | --- | --- |
//! | a message can come before `AddPeer`, and `RemovePeer` may not come | a fixed order; see [`Reactor`](crate::peer::Reactor) |
//! | reactors are told in the random order of a map | in the order of registration |
//! | two nodes that dial each other may end both connections | one stays, and both know which |
//! | a connection with the IP of an outbound peer is refused at once, that of the same node as well | when the node is known |
//! | the number of handshakes is that of inbound peers | a limit of its own, [`PeerLimits::max_handshakes`] |
//! | a persistent peer that hangs up at once is dialled again at once, for ever | that counts as a failed dial: [`Backoff`] |
//! | an inbound persistent peer is dialled where it says that it listens | always where the program says |
//! | `Send` blocks for up to 10 s | the message waits for up to 10 s, the caller does not: [`Context::send`] |
//! | a channel registered twice: panic | [`DuplicateChannel`] |

mod backoff;
mod builder;
mod config;
mod connection;
mod connection_id;
mod context;
mod core;
mod event;
mod limits;
mod reason;
mod redial;
mod refusal;
mod run;
mod state;
mod table;

pub use backoff::Backoff;
pub use builder::{DuplicateChannel, SwitchBuilder, SwitchError};
pub use config::{PeerFilter, SwitchConfig};
pub use connection_id::ConnectionId;
pub use context::{Broadcast, Context};
pub use event::{Command, Event};
pub use limits::PeerLimits;
pub use reason::EndReason;
pub use refusal::{AcceptRefusal, DialRefusal, PeerRefusal};
pub use state::Switch;
