//! Our end of a connection: in the clear on threads or on tokio, sealed on a loop of our own.

use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::{Closed, blocking, tokio as on_tokio};
use mconn::connection::{CloseReason, Fault, MConnConfig, Status};
use mconn::peer::{LocalNode, Origin};
use mconn::secret::ExpectedPeer;
use tokio::runtime::Runtime;

use crate::by_hand::{ByHand, Handle, upgrade};
use crate::go_peer::PATIENCE;

/// Which adapter carries our end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    Blocking,
    Tokio,
}

pub(crate) enum OurEnd {
    Blocking(blocking::Connection, blocking::Messages),
    Tokio(on_tokio::Connection, on_tokio::Messages),
    Sealed(ByHand),
}

/// Why our end has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) reason: CloseReason,
    text: String,
}

impl Ended {
    pub(crate) fn new(reason: CloseReason) -> Self {
        Self { text: reason.to_string(), reason }
    }

    pub(crate) fn fault(&self) -> Fault {
        self.reason.fault()
    }
}

impl From<Closed> for Ended {
    fn from(closed: Closed) -> Self {
        Self { text: closed.to_string(), reason: closed.reason }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// What sends on our end.
#[derive(Clone)]
pub(crate) enum OurSender {
    Blocking(blocking::Connection),
    Tokio(on_tokio::Connection),
    Sealed(Handle),
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

impl OurEnd {
    pub(crate) fn over(stream: TcpStream, config: MConnConfig, adapter: Adapter) -> Self {
        match adapter {
            Adapter::Blocking => {
                let (connection, messages) = blocking::connect_tcp(stream, config).unwrap();
                Self::Blocking(connection, messages)
            }
            Adapter::Tokio => {
                let _inside = runtime().enter();
                stream.set_nonblocking(true).unwrap();
                let stream = tokio::net::TcpStream::from_std(stream).unwrap();
                let (connection, messages, driver) = on_tokio::connect_tcp(stream, config).unwrap();
                tokio::spawn(driver);
                Self::Tokio(connection, messages)
            }
        }
    }

    /// The handshake as this node, and then a peer: on a loop of our own, or on tokio.
    pub(crate) fn sealed(stream: TcpStream, config: MConnConfig, local: LocalNode, adapter: Adapter) -> Self {
        match adapter {
            Adapter::Blocking => Self::Sealed(ByHand::upgrade(stream, config, local, ExpectedPeer::Any).unwrap()),
            Adapter::Tokio => {
                let (upgraded, inbound, stream) = upgrade(stream, local, ExpectedPeer::Any).unwrap();
                let _inside = runtime().enter();
                stream.set_nonblocking(true).unwrap();
                let stream = tokio::net::TcpStream::from_std(stream).unwrap();
                let addresses = on_tokio::Addresses::of(&stream);
                let origin = Origin::inbound();
                let (connection, messages, driver) =
                    on_tokio::connect_peer(stream, inbound, upgraded, origin, config, addresses).unwrap();
                tokio::spawn(driver);
                Self::Tokio(connection, messages)
            }
        }
    }

    pub(crate) fn sender(&self) -> OurSender {
        match self {
            Self::Blocking(connection, _) => OurSender::Blocking(connection.clone()),
            Self::Tokio(connection, _) => OurSender::Tokio(connection.clone()),
            Self::Sealed(peer) => OurSender::Sealed(peer.handle.clone()),
        }
    }

    pub(crate) fn send(&self, channel: u8, message: impl Into<Bytes>) {
        self.sender().send(channel, message.into());
    }

    /// The next message; `None` when the connection has ended.
    pub(crate) fn recv(&mut self) -> Option<(u8, Bytes)> {
        match self {
            Self::Blocking(_, messages) => match messages.recv_timeout(PATIENCE) {
                Ok(message) => Some(message),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
                Err(timeout) => panic!("no message: {timeout}"),
            },
            Self::Tokio(_, messages) => runtime()
                .block_on(async { tokio::time::timeout(PATIENCE, messages.recv()).await })
                .expect("no message in time"),
            Self::Sealed(peer) => peer.recv(),
        }
    }

    pub(crate) fn close(&self) {
        match self {
            Self::Blocking(connection, _) => connection.close(),
            Self::Tokio(connection, _) => connection.close(),
            Self::Sealed(peer) => peer.handle.close(),
        }
    }

    pub(crate) fn close_after_flush(&self) {
        match self {
            Self::Blocking(connection, _) => connection.close_after_flush(Some(PATIENCE)),
            Self::Tokio(connection, _) => connection.close_after_flush(Some(PATIENCE)),
            Self::Sealed(peer) => peer.handle.close_after_flush(),
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Blocking(connection, _) => connection.status(),
            Self::Tokio(connection, _) => connection.status(),
            Self::Sealed(peer) => peer.handle.status(),
        }
    }

    /// Why the connection has ended, once it has.
    pub(crate) fn closed(&self) -> Ended {
        self.closed_within(PATIENCE).expect("the connection goes on")
    }

    /// Why the connection has ended, if it does so in time.
    pub(crate) fn closed_within(&self, time: Duration) -> Option<Ended> {
        match self {
            Self::Blocking(connection, _) => connection.wait_closed(time).map(Ended::from),
            Self::Tokio(connection, _) => {
                let closed = async { tokio::time::timeout(time, connection.closed()).await };
                runtime().block_on(closed).ok().map(Ended::from)
            }
            Self::Sealed(peer) => peer.closed_within(time),
        }
    }
}

impl OurSender {
    /// Waits for room.
    pub(crate) fn send(&self, channel: u8, message: Bytes) {
        match self {
            Self::Blocking(connection) => connection.send_timeout(channel, message, PATIENCE).unwrap(),
            Self::Tokio(connection) => {
                let sender = connection.sender(channel).unwrap();
                runtime().block_on(sender.send_timeout(message, PATIENCE)).unwrap();
            }
            Self::Sealed(handle) => handle.send(channel, message),
        }
    }
}
