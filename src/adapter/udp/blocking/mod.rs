//! Sliding windows over UDP without a runtime: one thread per socket, which ends with the last session.
//!
//! ```
//! use bytes::Bytes;
//! use mconn::adapter::udp::blocking::UdpEndpoint;
//! use mconn::adapter::window::fresh_endpoint_config;
//! use mconn::sliding_window::SendOptions;
//!
//! let server = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config()?)?;
//! let client = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config()?)?;
//!
//! let alice = client.connect(server.local_addr())?;
//! let bob = server.accept().expect("somebody calls");
//! alice.send(Bytes::from("hello"), &SendOptions::default())?;
//! alice.close();
//! assert_eq!(bob.recv().expect("a message").payload, "hello");
//! assert_eq!(bob.recv(), None);
//! assert!(alice.closed().is_orderly());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every call may be made from any number of threads. What happens when is told [there](crate::adapter::window#what-happens-when).

mod endpoint;
mod session;
mod thread;
mod transport;
mod wait;

pub use endpoint::{UdpEndpoint, session};
pub use session::Session;
