//! The adapters, each with one channel that is never empty and one on which a short message leaves now and then.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mconn::adapter::{blocking, tokio as on_tokio};
use mconn::connection::{ChannelConfig, Event, MConnConfig, MConnState};
use mconn::machine::Machine;

use super::Setting;
use super::throttled::{self, ReaderClock};
use crate::load::KIB;

const BULK: u8 = 1;
const URGENT: u8 = 2;
/// Bytes of a message on the busy channel.
const BULK_MESSAGE: usize = 64 * KIB;
/// Bytes of an urgent message.
const URGENT_MESSAGE: usize = 100;
/// At the beginning the buffers are not full yet: what is sent then does not count.
pub(super) const WARM_UP: Duration = Duration::from_millis(200);

fn config() -> MConnConfig {
    MConnConfig::default().channel(ChannelConfig::new(BULK, 1)).channel(ChannelConfig::new(URGENT, 10))
}

/// Sends for a while through `adapter::blocking`; the times that the urgent messages took.
///
/// # Panics
/// When loopback TCP is not to be had, or the connection ends early.
#[must_use]
pub fn over_blocking(setting: &Setting, time: Duration) -> Vec<Duration> {
    let (near, far) = setting.tcp_pair().expect("loopback TCP");
    let start = Instant::now();
    let clock = &ReaderClock::default();
    thread::scope(|scope| {
        let received = scope.spawn(move || receive(far, setting.rate, clock));
        let (connection, _messages) = blocking::connect_tcp(near, config()).expect("a connection");
        let bulk = connection.sender(BULK).expect("a channel of the configuration");
        scope.spawn(move || while bulk.send(bulk_message()).is_ok() {});
        for gap in gaps() {
            thread::sleep(gap);
            if start.elapsed() > time {
                break;
            }
            connection.send(URGENT, stamped(clock)).expect("the connection is open");
        }
        connection.close();
        received.join().expect("the receiving thread")
    })
}

/// Sends for a while through `adapter::tokio`, on a runtime of one thread; the times that the urgent messages took.
///
/// # Panics
/// When loopback TCP is not to be had, or the connection ends early.
#[must_use]
pub fn over_tokio(setting: &Setting, time: Duration) -> Vec<Duration> {
    let (near, far) = setting.tcp_pair().expect("loopback TCP");
    near.set_nonblocking(true).expect("a socket");
    let start = Instant::now();
    let clock = &ReaderClock::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    thread::scope(|scope| {
        let received = scope.spawn(move || receive(far, setting.rate, clock));
        runtime.block_on(async {
            let near = tokio::net::TcpStream::from_std(near).expect("a socket");
            let (connection, _messages, driver) = on_tokio::connect_tcp(near, config()).expect("a connection");
            tokio::spawn(driver);
            let bulk = connection.sender(BULK).expect("a channel of the configuration");
            tokio::spawn(async move { while bulk.send(bulk_message()).await.is_ok() {} });
            let urgent = connection.sender(URGENT).expect("a channel of the configuration");
            for gap in gaps() {
                tokio::time::sleep(gap).await;
                if start.elapsed() > time {
                    break;
                }
                urgent.send(stamped(clock)).await.expect("the connection is open");
            }
            connection.close();
            connection.closed().await;
        });
        received.join().expect("the receiving thread")
    })
}

fn bulk_message() -> Bytes {
    Bytes::from_static(&[0x5a; BULK_MESSAGE])
}

/// An urgent message that says when it was sent.
fn stamped(clock: &ReaderClock) -> Bytes {
    let mut message = vec![0x5a; URGENT_MESSAGE];
    message[..8].copy_from_slice(&(clock.now().as_nanos() as u64).to_le_bytes());
    message.into()
}

/// The pauses between urgent messages: 2 to 6 ms, in no step with anything else.
pub(super) fn gaps() -> impl Iterator<Item = Duration> {
    let states = std::iter::successors(Some(1_u64), |state| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    });
    states.map(|state| Duration::from_micros(2000 + (state >> 33) % 4000))
}

/// Reads slowly, and says how long the urgent messages took. The packets are taken apart by hand, at once.
fn receive(stream: TcpStream, rate: u64, clock: &ReaderClock) -> Vec<Duration> {
    let now = mconn::time::Instant::ZERO;
    let mut machine = MConnState::new(config(), now).expect("a valid configuration");
    let mut unread = Vec::new();
    let mut times = Vec::new();
    throttled::read(stream, rate, clock, |bytes| {
        unread.extend_from_slice(bytes);
        let consumed = machine.receive_from(now, &unread, false);
        unread.drain(..consumed);
        while let Some(event) = machine.poll_event() {
            let Event::Message { channel, payload } = event else { panic!("{event:?}") };
            if channel == URGENT {
                let (stamp, _) = payload.split_first_chunk().expect("a stamp");
                let sent = Duration::from_nanos(u64::from_le_bytes(*stamp));
                if sent > WARM_UP {
                    times.push(clock.now().saturating_sub(sent));
                }
            }
        }
        true
    });
    times
}
