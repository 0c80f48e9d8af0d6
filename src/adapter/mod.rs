//! Drivers: thin loops that carry a machine over a transport.
//!
//! Everything that the core does not have stands here: sockets, clocks, tasks and threads. A driver is the loop in the
//! [documentation of the crate](crate#the-loop-that-drives-a-machine), with a queue of waiting callers around it.
#![cfg_attr(feature = "tokio", doc = "\n* [`mod@tokio`]: one future per connection, over any `AsyncRead + AsyncWrite`")]
#![cfg_attr(feature = "blocking", doc = "\n* [`blocking`]: two threads per connection, over `std::net::TcpStream`")]
#![cfg_attr(feature = "udp", doc = "\n* [`udp`]: sliding windows over one socket, many sessions of them")]
#![cfg_attr(feature = "nats", doc = "\n* [`nats`]: a sliding window over two subjects of a NATS server")]
#![cfg_attr(feature = "memory", doc = "\n* [`memory`]: two sliding windows joined in a process")]

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "tokio")]
mod carried;
mod cause;
mod clock;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod closed;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod limits;
mod lock;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod read_size;
#[cfg(any(feature = "tokio", feature = "memory"))]
mod timer;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(any(feature = "udp", feature = "udp-blocking"))]
pub mod udp;
#[cfg(any(feature = "tokio", feature = "memory", feature = "udp-blocking"))]
mod waker;
#[cfg(any(feature = "memory", feature = "udp-blocking"))]
pub mod window;

#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use closed::Closed;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use limits::*;
