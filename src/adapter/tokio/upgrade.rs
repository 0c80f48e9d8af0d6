//! One peer without a switch: dial it, shake hands, go on as a connection.

use alloc::string::ToString;
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant as TokioInstant, timeout};
use zeroize::Zeroizing;

use super::transport::Transport;
use super::{Addresses, Parts, connect_peer};
use crate::adapter::cause::Cause;
use crate::adapter::clock::Clock;
use crate::adapter::timer::Timer;
use crate::connection::{ConfigError, MConnConfig};
use crate::machine::Machine;
use crate::peer::{
    Host, HostPort, LocalNode, NodeInfo, Origin, PeerAddress, Upgrade, UpgradeConfig, UpgradeError, UpgradeEvent,
    UpgradeStage, Upgraded,
};
use crate::secret::{EphemeralSecret, ExpectedPeer, FRAME_LEN, Input, NodeId};
use crate::time::Instant;
use crate::wire::Codec;

/// How a node is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialConfig {
    /// How long the TCP connection may take, the look-up of a name included. 3 s, as in the configuration of CometBFT nodes
    /// (`dial_timeout`).
    pub timeout: Duration,
    /// How the connection is upgraded, with the deadlines of the handshake.
    pub upgrade: UpgradeConfig,
}

impl Default for DialConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(3), upgrade: UpgradeConfig::default() }
    }
}

/// Why there is no connection to a node.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// There is no TCP connection.
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    /// There was no TCP connection in time.
    #[error("no connection within {timeout:?}")]
    Timeout {
        /// The configured time.
        timeout: Duration,
    },
    /// The operating system has no random bytes for us.
    #[error("no random bytes: {0}")]
    Random(#[source] io::Error),
    /// The handshake, or the exchange of NodeInfo, has failed.
    #[error("{error}{}", Cause(.io.as_ref()))]
    Upgrade {
        /// What the machine says.
        error: UpgradeError,
        /// The first error of the stream, if it had any.
        io: Option<io::Error>,
    },
}

/// A stream that was upgraded: who is at its other end is known, and no message has been exchanged.
#[derive(Debug)]
pub struct PeerStream<S> {
    stream: S,
    inbound: BytesMut,
    upgraded: Upgraded,
    origin: Origin,
    addresses: Addresses,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PeerStream<S> {
    /// The node at the other end.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.upgraded.key().id()
    }

    /// What it says of itself.
    #[must_use]
    pub const fn node_info(&self) -> &NodeInfo {
        self.upgraded.node_info()
    }

    /// Goes on as a connection, with the channels of `config`: those that our own NodeInfo announces.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work.
    pub fn connect<C: Codec>(self, config: MConnConfig<C>) -> Result<Parts<S, C>, ConfigError> {
        let Self { stream, inbound, upgraded, origin, addresses } = self;
        connect_peer(stream, inbound, upgraded, origin, config, addresses)
    }

    /// The stream, what was read of it behind the handshake, and what the handshake gave.
    #[must_use]
    pub fn into_parts(self) -> (S, BytesMut, Upgraded) {
        (self.stream, self.inbound, self.upgraded)
    }
}

/// Dials a node, and checks that it is the one.
///
/// The ephemeral key comes from the operating system. Dropping the future gives the dial up.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use mconn::adapter::tokio::{DialConfig, dial};
/// use mconn::connection::{ChannelConfig, MConnConfig};
/// use mconn::peer::{LocalNode, NodeInfo};
/// use mconn::secret::NodeKey;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let key = NodeKey::from_seed(&[1; 32]); // in a program: of `node_key.json`
/// let info = NodeInfo::new(key.id(), "cosmoshub-4", [0x20]);
/// let local = Arc::new(LocalNode::new(key, info)?);
/// let address = "730a5edc28c2f8daf2d9dce3a01d5f205e35e555@example.com:26656".parse()?;
/// let peer = dial(&address, local, DialConfig::default()).await?;
/// println!("{}", peer.node_info().moniker);
/// let (connection, mut messages, driver) = peer.connect(MConnConfig::cometbft().channel(ChannelConfig::new(0x20, 6)))?;
/// tokio::spawn(driver);
/// while let Some((channel, message)) = messages.recv().await {
///     println!("{channel:#04x}: {} bytes", message.len());
/// }
/// println!("{}", connection.closed().await);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`DialError`]: where it has failed, and why.
pub async fn dial(
    address: &PeerAddress,
    local: Arc<LocalNode>,
    config: DialConfig,
) -> Result<PeerStream<TcpStream>, DialError> {
    let stream = open(&address.at, config.timeout).await?;
    let addresses = Addresses::of(&stream);
    let mut peer = upgrade(stream, local, ExpectedPeer::Id(address.id), config.upgrade).await?;
    peer.origin = Origin::outbound(address.clone());
    peer.origin.socket = addresses.remote;
    peer.addresses = addresses;
    Ok(peer)
}

/// Opens a TCP connection.
pub(super) async fn open(at: &HostPort, limit: Duration) -> Result<TcpStream, DialError> {
    let connect = async {
        match &at.host {
            Host::Ip(ip) => TcpStream::connect((*ip, at.port)).await,
            Host::Name(name) => TcpStream::connect((name.as_str(), at.port)).await,
        }
    };
    let stream = match timeout(limit, connect).await {
        Ok(connected) => connected.map_err(DialError::Connect)?,
        Err(_) => return Err(DialError::Timeout { timeout: limit }),
    };
    // A socket that refuses this is broken, and the first read or write will tell.
    _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Upgrades a stream, whoever has opened it: the secret connection, then NodeInfo both ways, each with its deadline.
///
/// # Errors
/// [`DialError::Upgrade`] or [`DialError::Random`].
pub async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    local: Arc<LocalNode>,
    expected: ExpectedPeer,
    config: UpgradeConfig,
) -> Result<PeerStream<S>, DialError> {
    let clock = Clock::start();
    let machine = Upgrade::new(local, ephemeral().map_err(DialError::Random)?, expected, config, clock.now());
    let transport = Transport::new(stream, FRAME_LEN);
    let mut upgrading = Upgrading { machine, transport, clock, timer: Timer::default(), deadline: None, event: None };
    let event = poll_fn(|context| upgrading.poll(context, config.handshake.timeout)).await;
    match event {
        Ok(upgraded) => {
            let (stream, inbound) = upgrading.transport.into_parts();
            Ok(PeerStream { stream, inbound, upgraded, origin: Origin::inbound(), addresses: Addresses::default() })
        }
        Err(error) => Err(DialError::Upgrade { error, io: upgrading.transport.failure.take() }),
    }
}

/// A fresh ephemeral key from the operating system.
pub(super) fn ephemeral() -> io::Result<EphemeralSecret> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(EphemeralSecret::from_random(&bytes))
}

/// An upgrade and its stream.
struct Upgrading<S> {
    machine: Upgrade,
    transport: Transport<S>,
    clock: Clock<TokioInstant>,
    timer: Timer,
    /// The last deadline of the machine. It also holds for the last bytes, which the machine has given away.
    deadline: Option<Instant>,
    event: Option<UpgradeEvent>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Upgrading<S> {
    fn poll(&mut self, context: &mut Context<'_>, limit: Duration) -> Poll<Result<Upgraded, UpgradeError>> {
        loop {
            let now = self.clock.now();
            self.advance(now);
            let transport = &mut self.transport;
            let wrote = transport.poll_write(context);
            match self.event.take() {
                Some(UpgradeEvent::Closed(error)) => return Poll::Ready(Err(error)),
                Some(UpgradeEvent::Established(upgraded)) if transport.is_drained() && transport.failure.is_none() => {
                    return Poll::Ready(Ok(upgraded));
                }
                waits => self.event = waits,
            }
            let stage = UpgradeStage::Leaving;
            if self.event.is_some() && transport.failure.is_some() {
                return Poll::Ready(Err(UpgradeError::TransportFailed { stage }));
            }
            if self.event.is_some() && self.deadline.is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(Err(UpgradeError::Timeout { timeout: limit, stage }));
            }
            let budget = self.machine.recv_budget().saturating_sub(transport.inbound.len());
            let read = budget > 0 && transport.poll_read(budget, context);
            let failed = transport.failure.is_some();
            if failed && !read {
                self.machine.handle(now, Input::TransportFailed);
            }
            if wrote || read || failed {
                continue;
            }
            let moment = self.deadline.and_then(|deadline| self.clock.moment(deadline));
            if self.timer.poll(moment, context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn advance(&mut self, now: Instant) {
        let (machine, transport) = (&mut self.machine, &mut self.transport);
        machine.handle(now, Input::Received { buf: &mut transport.inbound, end: transport.end });
        if let Some((deadline, _)) = machine.poll_timeout() {
            self.deadline = Some(deadline);
            if deadline <= now {
                machine.handle_timeout(now);
            }
        }
        if let Some((outbound, _)) = transport.next_batch() {
            while let Some(bytes) = machine.poll_transmit(now) {
                outbound.extend_from_slice(&bytes);
            }
        }
        if self.event.is_none() {
            self.event = machine.poll_event();
        }
    }
}
