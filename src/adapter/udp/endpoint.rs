//! Many sessions on one socket, or one.

use core::net::SocketAddr;
use std::io;

use tokio::net::{ToSocketAddrs, UdpSocket};

use super::socket::{as_seen_from, check_size};
use super::transport::UdpTransport;
use crate::adapter::window::{Closed, Driver, Hub, Make, PeerAddress, Session, endpoint_over, session_over};
use crate::sliding_window::endpoint::EndpointConfig;
use crate::sliding_window::{Config, ConfigError};

/// Opens and accepts sessions over one socket. Cheap to clone; see [`Hub`] for what dropping it does.
///
/// ```
/// use bytes::Bytes;
/// use mconn::adapter::udp::UdpEndpoint;
/// use mconn::adapter::window::fresh_endpoint_config;
/// use mconn::sliding_window::SendOptions;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (server, driver) = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config()?).await?;
/// tokio::spawn(driver);
/// let (client, driver) = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config()?).await?;
/// tokio::spawn(driver);
///
/// let alice = client.connect(server.local_addr()).await?;
/// let bob = server.accept().await.expect("somebody calls");
/// alice.send(Bytes::from("hello"), &SendOptions::default()).await?;
/// alice.close();
/// assert_eq!(bob.recv().await.expect("a message").payload, "hello");
/// assert_eq!(bob.recv().await, None);
/// assert!(alice.closed().await.is_orderly());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UdpEndpoint {
    hub: Hub,
    local: SocketAddr,
}

impl UdpEndpoint {
    /// Binds a socket. Spawn the driver.
    ///
    /// The configuration comes from [`fresh_endpoint_config`](crate::adapter::window::fresh_endpoint_config), with what you
    /// change in it.
    ///
    /// # Errors
    /// The socket can not be bound or set up; or, as `InvalidInput`, the configuration can not work.
    pub async fn bind(address: impl ToSocketAddrs, config: EndpointConfig) -> io::Result<(Self, Driver<UdpTransport>)> {
        Self::over(UdpSocket::bind(address).await?, config)
    }

    /// Uses a socket that is bound already.
    ///
    /// # Errors
    /// The socket can not be set up; or, as `InvalidInput`, the configuration can not work.
    pub fn over(socket: UdpSocket, config: EndpointConfig) -> io::Result<(Self, Driver<UdpTransport>)> {
        check_size(config.session.max_datagram)?;
        let transport = UdpTransport::new(socket)?;
        let local = transport.local_addr()?;
        let (hub, driver) = endpoint_over(transport, config).map_err(invalid)?;
        Ok((Self { hub, local }, driver))
    }

    /// The address to which the socket is bound.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Calls somebody, and waits until the session is open. Dropped before that, the call is given up.
    ///
    /// # Errors
    /// Why it will not be.
    pub async fn connect(&self, to: SocketAddr) -> Result<Session, Closed> {
        self.hub.connect(as_seen_from(self.local, to)).await
    }

    /// Begins to call somebody. Messages are accepted at once; they wait until the session is open.
    ///
    /// # Errors
    /// The driver is no more, or the endpoint is closed.
    pub fn call(&self, to: SocketAddr) -> Result<Session, Closed> {
        self.hub.call(as_seen_from(self.local, to))
    }

    /// The next session that somebody else has opened; `None` when no more can come. May be dropped at any time.
    pub async fn accept(&self) -> Option<Session> {
        self.hub.accept().await
    }

    /// Finishes all sessions, each after what was accepted, and accepts no more. The driver ends with the last one.
    pub fn close(&self) {
        self.hub.close();
    }

    /// The rest: counters, the status of all sessions.
    #[must_use]
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }
}

/// One session on a socket of its own. `make` is [`SlidingWindow::connect`](crate::sliding_window::SlidingWindow::connect) or
/// [`listen`](crate::sliding_window::SlidingWindow::listen), or a function that resumes a session; `peer` is where the peer is, or `None` to learn it
/// from the first that calls.
///
/// The configuration comes from [`fresh_config`](crate::adapter::window::fresh_config), with what you change in it; it may be of any
/// packet format.
///
/// # Errors
/// The socket can not be set up; or, as `InvalidInput`, the configuration can not work.
pub fn session(
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    config: Config,
    make: impl Make,
) -> io::Result<(Session, Driver<UdpTransport>)> {
    check_size(config.max_datagram)?;
    let transport = UdpTransport::new(socket)?;
    let local = transport.local_addr()?;
    let peer = peer.map(|peer| PeerAddress::Socket(as_seen_from(local, peer)));
    session_over(transport, config, make, peer).map_err(invalid)
}

fn invalid(error: ConfigError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
