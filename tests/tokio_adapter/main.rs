//! The tokio adapter from outside: over in-memory streams in paused time, and over loopback TCP.
#![cfg(feature = "tokio")]

mod cancel;
mod closing;
mod faults;
mod flow;
mod go_cases;
mod handles;
#[cfg(feature = "peer")]
mod peers;
mod tcp;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::Closed;
use mconn::adapter::tokio::{Connection, Messages, connect};
use mconn::connection::{ChannelConfig, Liveness, MConnConfig, PingPolicy};
use mconn::wire::{Codec, Proto3};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// One end of a connection whose driver runs.
struct End {
    connection: Connection,
    messages: Messages,
    driver: JoinHandle<Closed>,
}

impl End {
    fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, config: MConnConfig) -> Self {
        let (connection, messages, driver) = connect(stream, config).unwrap();
        Self { connection, messages, driver: tokio::spawn(driver) }
    }

    /// Sends on a channel that has room.
    fn send(&self, channel: u8, message: impl Into<Bytes>) {
        self.connection.sender(channel).unwrap().try_send(message.into()).unwrap();
    }
}

/// Two ends over a stream that holds `capacity` bytes each way.
fn pair(capacity: usize, config: &MConnConfig) -> (End, End) {
    let (left, right) = duplex(capacity);
    (End::over(left, config.clone()), End::over(right, config.clone()))
}

/// An end, and the bare stream of its peer.
fn end_and_stream(capacity: usize, config: MConnConfig) -> (End, DuplexStream) {
    let (left, right) = duplex(capacity);
    (End::over(left, config), right)
}

/// Channels 1 and 2, of the same priority, that take 64 messages each.
fn config() -> MConnConfig {
    MConnConfig::default().channels([ChannelConfig::new(1, 1), ChannelConfig::new(2, 1)])
}

/// As `createMConnection` in `p2p/conn/connection_test.go @ v0.38` does it.
fn go_config() -> MConnConfig {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1).send_queue_capacity(1));
    config.ping = PingPolicy::Every(millis(90));
    config.pong_timeout = Some(millis(45));
    config.liveness = Liveness::PongOnly;
    config
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A number as a message.
fn numbered(number: u32) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// The number that [`numbered`] put there.
fn number(message: &[u8]) -> u32 {
    u32::from_be_bytes(message[..4].try_into().unwrap())
}

/// One packet as a peer writes it.
fn packet(channel: u8, end: bool, payload: &[u8]) -> Vec<u8> {
    [Proto3::new().message_header(channel, end, payload.len()).as_slice(), payload].concat()
}

const PING: &[u8] = b"\x02\x0a\x00";
const PONG: &[u8] = b"\x02\x12\x00";

/// Reads exactly so many bytes.
async fn read(stream: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Whether nothing happens with `future` for a while (of paused time, which passes once every task sleeps).
async fn stays_pending<F: Future + Unpin>(future: &mut F) -> bool {
    tokio::time::timeout(millis(1), future).await.is_err()
}
