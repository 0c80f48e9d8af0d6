//! MConnection: many channels with priorities over one byte stream, as a pure state machine.
//!
//! [`MConnState`] is the machine, [`MConnConfig`] says how it behaves, [`ChannelConfig`] what each channel is. Bytes of the
//! peer go in by [`Input::Received`], messages come out as [`Event::Message`]; messages to send go in by
//! [`MConnState::try_send`], bytes come out by [`MConnState::transmit_into`].
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use mconn::connection::{ChannelConfig, Event, Input, MConnConfig, MConnState};
//! use mconn::machine::Machine;
//! use mconn::time::Instant;
//!
//! let config = MConnConfig::default().channel(ChannelConfig::new(0x20, 5));
//! let now = Instant::ZERO;
//! let mut alice = MConnState::new(config.clone(), now)?;
//! let mut bob = MConnState::new(config, now)?;
//!
//! alice.try_send(0x20, Bytes::from("hello"))?;
//! let mut wire = BytesMut::new();
//! alice.transmit_into(now, &mut wire, 65_536);
//! bob.handle(now, Input::Received { buf: &mut wire, end: false });
//! assert_eq!(bob.poll_event(), Some(Event::Message { channel: 0x20, payload: Bytes::from("hello") }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//!
//! What a peer can make a connection hold, in bytes, with `n` channels:
//!
//! ```text
//!   4,096 + 256 n                                   the machine itself, fresh
//! + 2 x partial_limit() + n x recv_buffer_capacity  messages that are not complete (a growing buffer doubles)
//! + recv_ahead_bytes                                reserved going by the last message of a channel
//! + recycle_bytes                                   the memory of earlier messages, to be used again
//! + inbox_bytes + the largest recv_message_capacity   messages that nobody has taken yet
//! + 128 x inbox_messages                            and their book-keeping
//! ```
//!
//! While a buffer grows, the allocator may hold its old and its new form for a moment. What the caller queues for sending
//! comes on top: at most `send_queue_bytes` per channel and one message, or one message alone when it is larger.

mod channel_index;
mod config;
mod error;
mod event;
mod flush;
mod frame;
mod grant;
mod inbox;
mod incoming;
mod keepalive;
mod outgoing;
mod profile;
mod receive;
mod recycle;
mod scheduler;
mod send_gate;
mod state;
mod status;
mod stream;
mod transmit;
mod validate;

pub use crate::machine::Fault;
pub use config::{ChannelConfig, FlushPolicy, Liveness, MConnConfig, PingPolicy};
pub use error::{CloseReason, ConfigError, Direction, SendError, SendRefusal};
pub use event::{Event, Input, Timer};
pub use frame::Frame;
pub use scheduler::{LeastRecentlySent, Scheduler};
pub use state::MConnState;
pub use status::{ChannelStatus, Counters, Status};
pub use stream::StreamMachine;
#[cfg(feature = "peer")]
pub(crate) use stream::impl_stream_machine;
