//! How the two programs reach each other: over UDP, or over two subjects of a NATS server.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use async_nats::ConnectOptions;
use mconn::adapter::nats::{Inbox, Link};
use mconn::adapter::udp;
use mconn::adapter::window::{Make, Session, fresh_config};
use mconn::sliding_window::{Config, SlidingWindow};
use tokio::net::{UdpSocket, lookup_host};

use super::arguments::LinkArguments;
use super::failure::Failure;
use super::protocol::MAX_MESSAGE;

/// Calls the other side: at this address, or, without one, over the server of the command line.
pub(crate) async fn call(arguments: &LinkArguments, to: Option<&str>) -> Result<Session, Failure> {
    let Some(to) = to else { return over_nats(arguments, true).await };
    let failed = |error| Failure::Address { address: to.to_owned(), error };
    let peer = lookup_host(to).await.map_err(failed)?.next().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await.map_err(failed)?;
    over_udp(socket, Some(peer), arguments, SlidingWindow::connect)
}

/// Waits for the first that calls: at this address, or over the server of the command line. And where that is.
pub(crate) async fn listen(arguments: &LinkArguments, on: &str) -> Result<(Session, String), Failure> {
    if arguments.nats.is_some() {
        return Ok((over_nats(arguments, false).await?, arguments.subject.clone()));
    }
    let failed = |error| Failure::Address { address: on.to_owned(), error };
    let socket = UdpSocket::bind(on).await.map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?.to_string();
    Ok((over_udp(socket, None, arguments, SlidingWindow::listen)?, local))
}

fn over_udp(
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    arguments: &LinkArguments,
    make: impl Make,
) -> Result<Session, Failure> {
    let mut config = fresh_config().map_err(Failure::Start)?;
    config.max_datagram = arguments.datagram.into();
    set(&mut config, arguments.timeout);
    let (session, driver) = udp::session(socket, peer, config, make).map_err(Failure::Start)?;
    tokio::spawn(driver);
    Ok(session)
}

/// The receiver has a subject that both know; the sender's is drawn, and the receiver learns it from the first datagram.
async fn over_nats(arguments: &LinkArguments, calls: bool) -> Result<Session, Failure> {
    let server = arguments.nats.clone().unwrap_or_default();
    let failed = |error| Failure::Address { address: server.clone(), error };
    let link = Link::connect(server.as_str(), ConnectOptions::new()).await.map_err(failed)?;
    let mut config = link.config().map_err(Failure::Start)?;
    set(&mut config, arguments.timeout);
    let opened = if calls {
        let inbox = Inbox::new(link.client().new_inbox()).peer(&arguments.subject);
        link.session(inbox, config, SlidingWindow::connect).await
    } else {
        link.session(Inbox::new(&arguments.subject), config, SlidingWindow::listen).await
    };
    let (session, _, driver) = opened.map_err(failed)?;
    tokio::spawn(driver);
    Ok(session)
}

/// What the programs want of a session, whatever carries it.
fn set(config: &mut Config, timeout: Duration) {
    config.idle_timeout = Some(timeout);
    config.keepalive = Some(timeout / 3);
    let handshake = &mut config.handshake;
    handshake.first_timeout = handshake.first_timeout.min(timeout / 4);
    handshake.attempts = attempts(timeout, handshake.first_timeout, handshake.max_timeout);
    config.send.max_message = MAX_MESSAGE;
    config.receive.max_message = MAX_MESSAGE;
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
