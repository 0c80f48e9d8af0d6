//! Batches of datagrams to and from a socket.

use alloc::vec::Vec;
use core::net::{SocketAddr, SocketAddrV6};
use std::io::{self, ErrorKind, IoSliceMut};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use crate::adapter::window::{Batch, PeerAddress};

/// Buffers that one call fills. With receive offload each may get many datagrams.
const BUFFERS: usize = if quinn_udp::BATCH_SIZE < 16 { quinn_udp::BATCH_SIZE } else { 16 };
/// The largest datagram of UDP, and the most that receive offload joins.
const BUFFER_LEN: usize = 1 << 16;

/// What a socket should hold of what has come.
const SOCKET_BUFFER: usize = 2 << 20;

/// What a socket can do, and the buffers for it.
#[derive(Debug)]
pub(super) struct Datagrams {
    state: UdpSocketState,
    buffer: Vec<u8>,
    metas: [RecvMeta; BUFFERS],
}

impl Datagrams {
    pub(super) fn new<S>(socket: &S) -> io::Result<Self>
    where
        for<'a> UdpSockRef<'a>: From<&'a S>,
    {
        let state = UdpSocketState::new(UdpSockRef::from(socket))?;
        // Room for what comes while nobody looks. The system may give less, and then more is sent again.
        if state.recv_buffer_size(UdpSockRef::from(socket)).is_ok_and(|size| size < SOCKET_BUFFER) {
            _ = state.set_recv_buffer_size(UdpSockRef::from(socket), SOCKET_BUFFER);
        }
        Ok(Self { state, buffer: alloc::vec![0; BUFFERS * BUFFER_LEN], metas: [RecvMeta::default(); BUFFERS] })
    }

    /// Receives what is there.
    pub(super) fn receive(&mut self, socket: UdpSockRef<'_>) -> io::Result<usize> {
        let mut buffers: [IoSliceMut<'_>; BUFFERS] = core::array::from_fn(|_| IoSliceMut::new(&mut []));
        for (slice, chunk) in buffers.iter_mut().zip(self.buffer.chunks_exact_mut(BUFFER_LEN)) {
            *slice = IoSliceMut::new(chunk);
        }
        self.state.recv(socket, &mut buffers, &mut self.metas)
    }

    /// Hands on what the first `count` buffers got.
    pub(super) fn deliver(&self, count: usize, deliver: &mut dyn FnMut(&PeerAddress, &[u8])) {
        for (meta, buffer) in self.metas.iter().zip(self.buffer.chunks_exact(BUFFER_LEN)).take(count) {
            let from = PeerAddress::Socket(meta.addr);
            for datagram in buffer.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                deliver(&from, datagram);
            }
        }
    }

    /// Sends the next datagrams of the batch in one call. What can not be sent is dropped, but for want of room.
    pub(super) fn send(&self, socket: UdpSockRef<'_>, batch: &mut Batch) -> io::Result<()> {
        let PeerAddress::Socket(to) = *batch.to() else {
            batch.advance(usize::MAX);
            return Ok(());
        };
        let Some((contents, segment, count)) = batch.first_run(self.state.max_gso_segments()) else { return Ok(()) };
        let segment_size = (count > 1).then_some(segment);
        let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: None };
        match self.state.try_send(socket, &transmit) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Err(error),
            // Without offload they are sent one by one from now on; these come again when they are missed.
            Ok(()) | Err(_) => batch.advance(count),
        }
        Ok(())
    }
}

/// Whether an error of receiving says something of a peer, and not of the socket.
pub(super) fn is_of_a_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::Interrupted
    )
}

/// The largest payload of a UDP datagram.
const MAX_DATAGRAM: usize = 65_507;

/// Refuses a size of datagrams that UDP does not carry.
pub(super) fn check_size(max_datagram: usize) -> io::Result<()> {
    if max_datagram > MAX_DATAGRAM {
        let text = alloc::format!("max_datagram is {max_datagram}; UDP carries at most {MAX_DATAGRAM} bytes");
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    Ok(())
}

/// The address by which a socket that is bound to `local` knows `peer`: sockets of IPv6 know those of IPv4 by a mapped one.
pub(super) const fn as_seen_from(local: SocketAddr, peer: SocketAddr) -> SocketAddr {
    match (local, peer) {
        (SocketAddr::V6(_), SocketAddr::V4(peer)) => {
            SocketAddr::V6(SocketAddrV6::new(peer.ip().to_ipv6_mapped(), peer.port(), 0, 0))
        }
        _ => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_ipv6_knows_others_by_mapped_addresses() {
        let (four, six) = ("10.0.0.1:7".parse().unwrap(), "[::]:0".parse().unwrap());
        assert_eq!(as_seen_from(six, four), "[::ffff:10.0.0.1]:7".parse().unwrap());
        assert_eq!(as_seen_from(four, four), four);
        assert!(check_size(65_507).is_ok() && check_size(65_508).is_err());
    }
}
