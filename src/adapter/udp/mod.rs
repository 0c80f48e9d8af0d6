//! Sliding windows over UDP: many sessions on one socket.
//!
//! On tokio, [`UdpEndpoint::bind`] gives an endpoint, which opens and accepts sessions, and a driver to spawn; an example stands
//! [there](UdpEndpoint). Datagrams go out and come in by batches, where the system has segmentation offload and `recvmmsg`.
#![cfg_attr(feature = "udp-blocking", doc = "\nOn a thread, without a runtime: [`blocking`].")]
//!
//! A [`Session`](crate::adapter::window::Session) sends and receives messages, or is a
//! [stream of bytes](crate::adapter::window::Session::byte_stream); what happens when is told
//! [there](crate::adapter::window#what-happens-when).
//!
//! # The sizes of datagrams
//!
//! The default `max_datagram` of 1,232 bytes goes through every path of the internet: it is what IPv6 promises, 1,280 bytes, less the
//! headers (RFC 8200 section 5). On a path that is known to carry more, more is faster: 1,472 on Ethernet, 8,972 with jumbo frames, up to 65,507 on the loopback. Larger ones than the path carries are lost.

#[cfg(feature = "udp-blocking")]
pub mod blocking;
#[cfg(feature = "udp")]
mod endpoint;
mod socket;
#[cfg(feature = "udp")]
mod transport;

#[cfg(feature = "udp")]
pub use endpoint::{UdpEndpoint, session};
#[cfg(feature = "udp")]
pub use transport::UdpTransport;
