//! How long an urgent message takes behind a channel that is never empty, when the peer reads slowly.
//!
//! Whatever is in the buffers of the sockets goes before it: no program can do better than the time in which these drain. What
//! an adapter has encoded beyond that, and not written yet, comes on top.

#![allow(clippy::disallowed_methods, reason = "latencies are measured by a clock")]

mod contenders;
mod drain;
mod raw;
mod throttled;

pub use contenders::{over_blocking, over_tokio};
pub use drain::{Drained, drain};
pub use raw::over_raw;

use std::io;
use std::net::{TcpListener, TcpStream};

use socket2::{Domain, SockRef, Socket, Type};

/// The sockets, and how fast the peer reads.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// `SO_SNDBUF` as it is set, in bytes. Linux doubles it for its own needs.
    pub send_buffer: usize,
    /// `SO_RCVBUF` as it is set, in bytes.
    pub receive_buffer: usize,
    /// Bytes that the peer reads in a second.
    pub rate: u64,
}

impl Setting {
    /// Two connected sockets with these buffers.
    ///
    /// # Errors
    /// Whatever the system says when loopback TCP is not to be had.
    pub fn tcp_pair(&self) -> io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        // Accepted sockets inherit the size, which must be known before the handshake to bound the window.
        SockRef::from(&listener).set_recv_buffer_size(self.receive_buffer)?;
        let near = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        near.set_send_buffer_size(self.send_buffer)?;
        near.connect(&listener.local_addr()?.into())?;
        near.set_tcp_nodelay(true)?;
        let (far, _) = listener.accept()?;
        Ok((near.into(), far))
    }
}
