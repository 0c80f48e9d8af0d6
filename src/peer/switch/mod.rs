//! All peers of a node as one machine: who becomes a peer, what reactors see of it, and how it ends.
//!
//! A [`Switch`] has [reactors](crate::peer::Reactor), which own the channels. Its driver tells it of connections and bytes, and
//! does the [`Command`]s that it gives: dial, hang up, write, feed. It has no sockets, and nothing in it waits.
//!
//! ```
#![doc = include_str!("example.rs")]
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
