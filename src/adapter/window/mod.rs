//! Handles and drivers of sliding windows, whatever carries the datagrams.
//!
//! [`Session`] is the handle of one session; a [`Hub`] opens and accepts many over one transport. They are the same over
//! UDP, a broker's subjects or memory; what differs is the [`Transport`], which may be your own.
//!
//! # What happens when
//!
//! | | |
//! | --- | --- |
//! | the queue is full | [`Session::send`] waits; who waits is served in the order of arrival |
//! | a future is dropped | nothing is lost and nothing is doubled |
//! | the reader sleeps | what has arrived uses up the credit of the peer, whose queue then fills; acknowledgements go on |
//! | the last handle of a session is dropped | our side finishes after what was accepted, what still comes is thrown away |
//! | the last [`Hub`] is dropped | nobody is accepted any more; sessions go on |
//! | the driver is dropped, or the transport fails | all sessions end with [`TransportFailed`](crate::sliding_window::CloseReason::TransportFailed) |
//! | we abort a session, and its peer has not heard it | the driver tells it again when it goes on: a [`Hub`] as long as it lives, the driver of one session for the configured `linger` after the end (drop it to let the transport go at once) |
//! | a session ends | senders get their messages back at once; what has arrived can still be taken, and then the end is told |
//!
//! # What waits where
//!
//! In the machine of a session: `send` and `receive` of its [`Config`](crate::sliding_window::Config). In the driver: one batch
//! of datagrams on its way out, 64 KiB. Handles hold nothing.

mod address;
mod batch;
#[cfg(feature = "memory")]
mod byte_stream;
mod closed;
mod desk;
#[cfg(feature = "memory")]
mod driver;
mod engine;
mod entropy;
mod hub;
mod machines;
#[cfg(feature = "memory")]
mod messages;
mod receipt;
mod session;
mod shared;
mod start;
mod transport;

pub use address::PeerAddress;
pub use batch::Batch;
#[cfg(feature = "memory")]
pub use byte_stream::ByteStream;
pub use closed::Closed;
#[cfg(feature = "memory")]
pub use driver::Driver;
#[cfg(feature = "udp-blocking")]
pub(crate) use engine::{Engine, Next};
pub use entropy::{fresh_config, fresh_endpoint_config};
pub use hub::Hub;
#[cfg(feature = "memory")]
pub use messages::Messages;
pub use receipt::{Fate, Receipt};
pub use session::{Message, Session};
#[cfg(feature = "udp-blocking")]
pub(crate) use shared::Shared;
pub use start::Make;
#[cfg(feature = "memory")]
pub use start::{endpoint_over, session_over};
#[cfg(feature = "udp-blocking")]
pub(crate) use start::{prepare_endpoint, prepare_session};
pub use transport::Transport;
