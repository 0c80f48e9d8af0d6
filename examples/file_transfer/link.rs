//! How the two programs reach each other.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use mconn::adapter::udp;
use mconn::adapter::window::{Session, fresh_config};
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::{Config, SlidingWindow};
use tokio::net::{UdpSocket, lookup_host};

use super::arguments::LinkArguments;
use super::failure::Failure;
use super::protocol::MAX_MESSAGE;

/// Calls the other side, over UDP.
pub(crate) async fn call(arguments: &LinkArguments, to: &str) -> Result<Session, Failure> {
    let failed = |error| Failure::Address { address: to.to_owned(), error };
    let peer =
        lookup_host(to).await.map_err(failed)?.next().ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await.map_err(failed)?;
    let config = config(arguments)?;
    let (session, driver) = udp::session(socket, Some(peer), config, SlidingWindow::connect).map_err(Failure::Start)?;
    tokio::spawn(driver);
    Ok(session)
}

/// Waits for the first that calls, over UDP; and where.
pub(crate) async fn listen(arguments: &LinkArguments, on: &str) -> Result<(Session, String), Failure> {
    let failed = |error| Failure::Address { address: on.to_owned(), error };
    let socket = UdpSocket::bind(on).await.map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?.to_string();
    let (session, driver) =
        udp::session(socket, None, config(arguments)?, SlidingWindow::listen).map_err(Failure::Start)?;
    tokio::spawn(driver);
    Ok((session, local))
}

/// The configuration of both sides.
fn config(arguments: &LinkArguments) -> Result<Config, Failure> {
    let mut config = fresh_config().map_err(Failure::Start)?;
    let timeout = arguments.timeout;
    config.max_datagram = arguments.datagram.into();
    config.congestion = Algorithm::Cubic;
    config.idle_timeout = Some(timeout);
    config.keepalive = Some(timeout / 3);
    let handshake = &mut config.handshake;
    handshake.first_timeout = handshake.first_timeout.min(timeout / 4);
    handshake.attempts = attempts(timeout, handshake.first_timeout, handshake.max_timeout);
    config.send.max_message = MAX_MESSAGE;
    config.receive.max_message = MAX_MESSAGE;
    Ok(config)
}

/// How often to call so that it takes about as long as `timeout`: each call waits twice as long as the one before.
fn attempts(timeout: Duration, first: Duration, longest: Duration) -> u32 {
    let (mut attempts, mut waited, mut next) = (0, Duration::ZERO, first);
    while waited < timeout {
        attempts += 1;
        waited += next;
        next = (next * 2).min(longest);
    }
    attempts
}
