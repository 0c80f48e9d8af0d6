//! Many sessions on one socket, or one, for threads.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::{ToSocketAddrs, UdpSocket};

use super::session::Session;
use super::thread;
use super::transport::UdpTransport;
use super::wait::{wait, wait_for};
use crate::adapter::udp::socket::{as_seen_from, check_size};
use crate::adapter::window::{Closed, Hub, Make, PeerAddress, prepare_endpoint, prepare_session};
use crate::sliding_window::endpoint::EndpointConfig;
use crate::sliding_window::{Config, ConfigError};

/// Opens and accepts sessions over one socket. Cheap to clone; see [`Hub`] for what dropping it does.
#[derive(Clone, Debug)]
pub struct UdpEndpoint {
    hub: Hub,
    local: SocketAddr,
}

impl UdpEndpoint {
    /// Binds a socket, and starts its thread.
    ///
    /// The configuration comes from [`fresh_endpoint_config`](crate::adapter::window::fresh_endpoint_config), with what you
    /// change in it.
    ///
    /// # Errors
    /// The socket can not be bound or set up, or the thread not started; or, as `InvalidInput`, the configuration can not work.
    pub fn bind(address: impl ToSocketAddrs, config: EndpointConfig) -> io::Result<Self> {
        Self::over(UdpSocket::bind(address)?, config)
    }

    /// Uses a socket that is bound already.
    ///
    /// # Errors
    /// The socket can not be set up, or the thread not started; or, as `InvalidInput`, the configuration can not work.
    pub fn over(socket: UdpSocket, config: EndpointConfig) -> io::Result<Self> {
        let max_datagram = config.session.max_datagram;
        check_size(max_datagram)?;
        let local = socket.local_addr()?;
        let transport = transport(socket)?;
        let (hub, shared) = prepare_endpoint(config).map_err(invalid)?;
        thread::start(shared, transport, max_datagram)?;
        Ok(Self { hub, local })
    }

    /// The address to which the socket is bound.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Calls somebody, and waits until the session is open.
    ///
    /// # Errors
    /// Why it will not be.
    pub fn connect(&self, to: SocketAddr) -> Result<Session, Closed> {
        wait(self.hub.connect(as_seen_from(self.local, to))).map(Session::new)
    }

    /// Begins to call somebody. Messages are accepted at once; they wait until the session is open.
    ///
    /// # Errors
    /// The thread is no more, or the endpoint is closed.
    pub fn call(&self, to: SocketAddr) -> Result<Session, Closed> {
        self.hub.call(as_seen_from(self.local, to)).map(Session::new)
    }

    /// Waits for the next session that somebody else opens; `None` when no more can come.
    #[must_use]
    pub fn accept(&self) -> Option<Session> {
        wait(self.hub.accept()).map(Session::new)
    }

    /// The same, but not for longer than `timeout`.
    #[must_use]
    pub fn accept_timeout(&self, timeout: Duration) -> Option<Session> {
        wait_for(self.hub.accept(), timeout)?.map(Session::new)
    }

    /// Finishes all sessions, each after what was accepted, and accepts no more. The thread ends with the last one.
    pub fn close(&self) {
        self.hub.close();
    }

    /// The rest: counters, the status of all sessions.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }
}

/// One session on a socket of its own, with a thread. `make` is [`SlidingWindow::connect`](crate::sliding_window::SlidingWindow::connect) or
/// [`listen`](crate::sliding_window::SlidingWindow::listen), or a function that resumes a session; `peer` is where the peer is, or `None` to learn it
/// from the first that calls.
///
/// # Errors
/// The socket can not be set up, or the thread not started; or, as `InvalidInput`, the configuration can not work.
pub fn session(socket: UdpSocket, peer: Option<SocketAddr>, config: Config, make: impl Make) -> io::Result<Session> {
    let max_datagram = config.max_datagram;
    check_size(max_datagram)?;
    let local = socket.local_addr()?;
    let transport = transport(socket)?;
    let peer = peer.map(|peer| PeerAddress::Socket(as_seen_from(local, peer)));
    let (session, shared) = prepare_session(config, make, peer).map_err(invalid)?;
    thread::start(shared, transport, max_datagram)?;
    Ok(Session::new(session))
}

fn transport(socket: UdpSocket) -> io::Result<UdpTransport> {
    socket.set_nonblocking(true)?;
    UdpTransport::new(mio::net::UdpSocket::from_std(socket))
}

fn invalid(error: ConfigError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
