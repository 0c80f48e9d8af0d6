//! Reliable delivery over packets that may be lost, doubled, reordered or damaged, as a pure state machine.
//!
//! [`SlidingWindow`] is one session between two ends: datagrams and the time in, messages and datagrams out. It owns no socket,
//! so it runs over UDP, over a broker's subjects or over a simulated link. [`endpoint::Endpoint`] holds many sessions on one
//! socket. Use it where a byte stream such as TCP is not to be had, or where messages are to overtake each other, to expire, or
//! to be confirmed by the application that takes them.
//!
//! ```
//! use mconn::machine::Machine;
//! use mconn::sliding_window::{Config, Event, Input, SendOptions, SlidingWindow};
//! use mconn::time::Instant;
//!
//! // Tag and seed come from a good random source. Nothing here draws random numbers.
//! let now = Instant::ZERO;
//! let mut alice = SlidingWindow::connect(Config::new(0x1c0d_84ae_77f1_93b2, 1), now)?;
//! let mut bob = SlidingWindow::listen(Config::new(0x6e02_55d9_0b3c_a741, 2), now)?;
//! alice.try_send(now, "hello".into(), &SendOptions::ORDERED)?;
//! alice.handle(now, Input::Close);
//!
//! let mut received = Vec::new();
//! while !(alice.is_closed() && bob.is_closed()) {
//!     while let Some(datagram) = alice.poll_transmit(now) {
//!         bob.handle(now, Input::Datagram(&datagram));
//!     }
//!     while let Some(datagram) = bob.poll_transmit(now) {
//!         alice.handle(now, Input::Datagram(&datagram));
//!     }
//!     received.extend(std::iter::from_fn(|| bob.poll_event()));
//!     while alice.poll_event().is_some() {}
//! }
//! assert_eq!(received[0], Event::Connected);
//! assert!(matches!(&received[1], Event::Message { payload, .. } if payload == "hello"));
//! assert_eq!(received[2], Event::PeerFinished);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The session follows glycerine's go-sliding-window, without its defects; [`legacy`] has that program's own packets and rules.
//!
//! # What is kept apart
//!
//! * A *packet* has a number of its own each time it is sent; a *segment*, which it carries, keeps its number when it is sent
//!   again. So an acknowledgement always says which transmission arrived.
//! * An *acknowledgement* says that something has arrived; *credit* says how much more may be sent, and moves when the
//!   application takes messages; a *receipt* says that the application has taken a certain one. A slow reader stops the sender,
//!   and never causes a retransmission.
//! * The *window* of the network is a policy ([`congestion`]); what is lost is found by [`RecoveryConfig`]'s rules, after
//!   RFC 9002 and RFC 8985.
//!
//! # The life of a session
//!
//! ```text
//!  connect ─► SynSent ──────── SynAck ───────┐
//!                │ Syn (both call at once)   │         Abort, a fault, silence
//!                ▼                           ▼       ┌──────────────────────────► Closed(reason)
//!             Crossed ─── any packet ──► Established ┤
//!                                            ▲       │ finish, Close             both finished,
//!  listen ──► SynReceived ── any packet ─────┘       └─► end queued behind the ─► everything taken ─► Closed(Finished)
//!              (back to listening when                   data, acknowledged,
//!               nobody real was there)                   re-sent like data
//! ```
//!
//! Each step of the handshake may be lost, doubled, late or simultaneous. A side that finishes can still receive; whether the
//! other side then finishes too is its choice ([`Config::half_close`]). An orderly end comes when each side has finished, has had
//! everything acknowledged, and its user has taken everything the other has sent: then nothing was lost, and each knows it.
//! [`Event::Closed`] is the last event, once; after it every input is ignored. Whoever has ended a session by itself has told the
//! peer once; a peer that has not heard it, and goes on, is told again by a [`Farewell`].
//!
//! # Whom it trusts
//!
//! Every packet carries the tag that its receiver has chosen. Who does not know it changes nothing: its datagrams are dropped
//! and counted, and never answered. Who does know it, because it reads the traffic, can end the session or speak in it: the tag
//! and the check are against accidents and strangers, not against somebody on the path. Where that matters, seal the datagrams.
//! What only the peer can have sent, and no honest peer sends, ends the session with a [`PeerFault`].
//!
//! # Memory
//!
//! What a peer can make a session hold is bounded by [`ReceiveConfig`], whatever it sends, and what the user can make it hold by
//! [`SendConfig`]: in bytes about
//!
//! ```text
//!   2 x receive.max_bytes + 2 x receive.max_message + 48 x receive.max_messages
//! + receive.window x (300 + max_datagram, or 2,048 when that is less)
//! + send.max_bytes + 200 x (send.max_messages + send.max_receipts + send.window)
//! + 250 x recovery.max_tracked + 16,384
//! ```

mod close;
mod config;
pub mod congestion;
pub mod endpoint;
mod error;
mod event;
mod farewell;
mod fault;
mod handshake;
mod keepalive;
pub mod legacy;
mod native;
mod number;
pub mod packet;
mod receiver;
mod recovery;
mod resume;
mod ring;
mod seed;
mod sender;
mod session;
mod status;

pub use crate::machine::Fault;
pub use config::{
    Config, Delivery, HandshakeConfig, InitialNumbers, PacketFormat, ReceiveConfig, SendConfig, UnackedLimit,
};
pub use error::{CloseReason, ConfigError};
pub use event::{Event, FlushMark, Input, Timer};
pub use farewell::Farewell;
pub use fault::PeerFault;
pub use receiver::Asap;
pub use recovery::{AckConfig, RecoveryConfig, RecoveryCounters, RecoveryStatus};
pub use resume::Resumable;
pub use sender::{Class, Expires, MessageId, SendError, SendOptions, SendRefusal};
pub use session::SlidingWindow;
pub use status::{Counters, ReceiveStatus, SendStatus, Status};

#[cfg(test)]
mod tests;
