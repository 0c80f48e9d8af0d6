//! A socket that a thread waits for.

use core::task::{Context, Poll};
use std::io::{self, ErrorKind};

use mio::net::UdpSocket;

use crate::adapter::udp::socket::{Datagrams, is_of_a_peer};
use crate::adapter::window::{Batch, PeerAddress, Transport};

/// A socket. Its thread looks again when the socket says that it can do more.
#[derive(Debug)]
pub(super) struct UdpTransport {
    pub(super) socket: UdpSocket,
    datagrams: Datagrams,
}

impl UdpTransport {
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let datagrams = Datagrams::new(&socket)?;
        Ok(Self { socket, datagrams })
    }
}

impl Transport for UdpTransport {
    fn poll_receive(
        &mut self,
        _: &mut Context<'_>,
        deliver: &mut dyn FnMut(&PeerAddress, &[u8]),
    ) -> Poll<io::Result<()>> {
        let (socket, datagrams) = (&self.socket, &mut self.datagrams);
        loop {
            match socket.try_io(|| datagrams.receive(socket.into())) {
                Ok(count) => {
                    datagrams.deliver(count, deliver);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) if is_of_a_peer(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_send(&mut self, _: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        let (socket, datagrams) = (&self.socket, &self.datagrams);
        while !batch.is_empty() {
            match socket.try_io(|| datagrams.send(socket.into(), batch)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                Ok(()) | Err(_) => {}
            }
        }
        Poll::Ready(Ok(()))
    }
}
