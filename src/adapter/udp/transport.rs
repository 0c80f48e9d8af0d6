//! A socket of tokio.

use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind};

use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::socket::{Datagrams, is_of_a_peer};
use crate::adapter::window::{Batch, PeerAddress, Transport};

/// A socket of tokio as a transport, in batches.
#[derive(Debug)]
pub struct UdpTransport {
    socket: UdpSocket,
    datagrams: Datagrams,
}

impl UdpTransport {
    /// Takes a socket that is bound.
    ///
    /// # Errors
    /// The socket can not be set up.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        let datagrams = Datagrams::new(&socket)?;
        Ok(Self { socket, datagrams })
    }

    /// The address to which the socket is bound.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl Transport for UdpTransport {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        deliver: &mut dyn FnMut(&PeerAddress, &[u8]),
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.socket.poll_recv_ready(context))?;
            let (socket, datagrams) = (&self.socket, &mut self.datagrams);
            match socket.try_io(Interest::READABLE, || datagrams.receive(socket.into())) {
                Ok(count) => {
                    datagrams.deliver(count, deliver);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock || is_of_a_peer(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        while !batch.is_empty() {
            ready!(self.socket.poll_send_ready(context))?;
            let (socket, datagrams) = (&self.socket, &self.datagrams);
            // What else can go wrong is dropped; would-block makes the next look at readiness wait.
            _ = socket.try_io(Interest::WRITABLE, || datagrams.send(socket.into(), batch));
        }
        Poll::Ready(Ok(()))
    }
}
