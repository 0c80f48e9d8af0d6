//! Connections on tokio, over anything that is `AsyncRead + AsyncWrite`.
//!
//! [`connect_tcp`] or [`connect`] make of a stream and a configuration three things: a [`Connection`] (which makes
//! [`Sender`]s), the [`Messages`] of the peer, and the [`Driver`], a future that moves the bytes and that you spawn.
//!
//! ```
//! use bytes::Bytes;
//! use mconn::adapter::tokio::connect;
//! use mconn::connection::{ChannelConfig, CloseReason, MConnConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = MConnConfig::cometbft().channel(ChannelConfig::new(0x22, 7));
//! let (ours, theirs) = tokio::io::duplex(4096); // two ends of a stream; `connect_tcp` takes a socket
//! let (alice, _, driver) = connect(ours, config.clone())?;
//! tokio::spawn(driver);
//! let (_bob, mut messages, driver) = connect(theirs, config)?;
//! let bobs_end = tokio::spawn(driver);
//!
//! alice.sender(0x22).expect("configured above").send(Bytes::from("vote")).await?;
//! alice.close_after_flush(None);
//! assert_eq!(messages.recv().await, Some((0x22, Bytes::from("vote"))));
//! assert_eq!(messages.recv().await, None);
//! assert!(matches!(bobs_end.await?.reason, CloseReason::PeerClosed { .. }));
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(
    feature = "peer",
    doc = "
Nodes of CometBFT are reached by [`dial`], which ends where [`connect`] ends, or all together by a [`switch`].
"
)]
//! # What happens when
//!
//! | | |
//! | --- | --- |
//! | a queue is full | [`Sender::send`] waits; who waits is served in the order of arrival |
//! | a future of this module is dropped | nothing is lost and nothing is doubled |
//! | the reader sleeps | the mailboxes fill, then the inbox of the machine, then nothing is read from the peer, whose pings are answered all the same (`pong_while_paused`) |
//! | the socket takes nothing | queues fill, [`Sender::send`] waits, and the pong timeout ends the connection |
//! | the last handle is dropped | what was accepted is sent, for at most 10 s, then the connection closes |
//! | [`Messages`] is dropped | what comes is thrown away; the rest goes on |
//! | a [`ChannelMessages`] is dropped | its messages come to [`Messages`] |
//! | the [`Driver`] is dropped | the stream is closed at once; the reason is [`CloseReason::Local`](crate::connection::CloseReason::Local) |
//! | the connection ends | senders get their messages back at once; what was received can still be read, then the streams end |

mod connection;
mod driver;
mod finish;
mod mailboxes;
mod messages;
mod sender;
mod shared;
#[cfg(feature = "peer")]
pub mod switch;
mod transport;
#[cfg(feature = "peer")]
mod upgrade;
mod waiters;
mod write_size;

pub use connection::Connection;
pub use driver::Driver;
pub use messages::{ChannelMessages, Messages};
pub use sender::Sender;
#[cfg(feature = "peer")]
pub use upgrade::{DialConfig, DialError, PeerStream, dial, upgrade};

use core::net::SocketAddr;

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::TcpStream;
#[cfg(feature = "peer")]
use alloc::boxed::Box;
#[cfg(feature = "peer")]
use bytes::BytesMut;

use crate::adapter::carried::Carried;
use crate::connection::{ConfigError, MConnConfig, MConnState};
#[cfg(feature = "peer")]
use crate::peer::{Origin, Peer, Upgraded};
#[cfg(feature = "peer")]
use crate::secret::FRAME_LEN;
use crate::time::Instant;
use crate::wire::{AnyCodec, Codec};
use shared::{Handle, Shared};
use transport::Transport;

/// The addresses of the two ends of a stream, where it has any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Ours.
    pub local: Option<SocketAddr>,
    /// The peer's.
    pub remote: Option<SocketAddr>,
}

impl Addresses {
    /// The addresses of a socket.
    #[must_use]
    pub fn of(stream: &TcpStream) -> Self {
        Self { local: stream.local_addr().ok(), remote: stream.peer_addr().ok() }
    }
}

/// What a connection is made of: the handle, the messages of the peer, and the future to spawn.
pub type Parts<S, C = AnyCodec> = (Connection<C>, Messages<C>, Driver<S, C>);

/// Begins a connection over a TCP socket.
///
/// Sets `TCP_NODELAY`: the driver writes in batches itself, and an urgent message must not wait for the acknowledgement of
/// the last one.
///
/// # Errors
/// [`ConfigError`] when the configuration can not work.
pub fn connect_tcp<C: Codec>(stream: TcpStream, config: MConnConfig<C>) -> Result<Parts<TcpStream, C>, ConfigError> {
    // A socket that refuses this is broken, and the first read or write will tell.
    _ = stream.set_nodelay(true);
    let addresses = Addresses::of(&stream);
    connect_with(stream, config, addresses)
}

/// Begins a connection over any stream.
///
/// Small pieces must leave at once: what the stream buffers goes out by its `poll_flush`, which the driver calls whenever it
/// has nothing more to write.
///
/// # Errors
/// [`ConfigError`] when the configuration can not work.
pub fn connect<S, C>(stream: S, config: MConnConfig<C>) -> Result<Parts<S, C>, ConfigError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    connect_with(stream, config, Addresses::default())
}

/// Begins a connection over any stream, and tells its addresses: those of the socket below an encrypted stream, say.
///
/// # Errors
/// [`ConfigError`] when the configuration can not work.
pub fn connect_with<S, C>(stream: S, config: MConnConfig<C>, addresses: Addresses) -> Result<Parts<S, C>, ConfigError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    let transport = Transport::new(stream, largest_packet(&config));
    start(transport, config, addresses, |config, now| MConnState::new(config, now).map(Carried::Plain))
}

/// Goes on with a stream that was [upgraded](crate::peer::Upgrade) to a peer. `inbound` is what the upgrade left in the buffer.
///
/// Why a frame could not be opened or sealed stands in [`Closed::io`](crate::adapter::Closed), as a
/// [`PeerClosed`](crate::peer::PeerClosed).
///
/// # Errors
/// [`ConfigError`] when the configuration can not work.
#[cfg(feature = "peer")]
pub fn connect_peer<S, C>(
    stream: S,
    inbound: BytesMut,
    upgraded: Upgraded,
    origin: Origin,
    config: MConnConfig<C>,
    addresses: Addresses,
) -> Result<Parts<S, C>, ConfigError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    let mut transport = Transport::new(stream, largest_packet(&config).max(FRAME_LEN));
    transport.inbound = inbound;
    start(transport, config, addresses, |config, now| {
        Peer::new(upgraded, origin, config, now).map(|peer| Carried::Sealed(Box::new(peer), None))
    })
}

fn largest_packet<C: Codec>(config: &MConnConfig<C>) -> usize {
    usize::try_from(config.max_sent_packet()).unwrap_or(usize::MAX)
}

fn start<S, C>(
    transport: Transport<S>,
    config: MConnConfig<C>,
    addresses: Addresses,
    make: impl FnOnce(MConnConfig<C>, Instant) -> Result<Carried<C>, ConfigError>,
) -> Result<Parts<S, C>, ConfigError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    let pong_timeout = config.pong_timeout;
    let shared = Shared::new(config, addresses, make)?;
    let connection = Connection::new(Handle::new(&shared));
    let messages = Messages::new(Handle::new(&shared));
    Ok((connection, messages, Driver::new(transport, shared, pong_timeout)))
}
