//! Two sessions joined in a process: for tests, and to see how little a driver needs.
//!
//! ```
//! use bytes::Bytes;
//! use mconn::adapter::memory;
//! use mconn::adapter::window::fresh_config;
//! use mconn::sliding_window::SendOptions;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Every fifth datagram is lost, by the seed 7.
//! let link = memory::Link::default().losing(200_000, 7);
//! let ((alice, driver), (bob, bobs_driver)) = memory::join(link, fresh_config()?, fresh_config()?)?;
//! tokio::spawn(driver);
//! tokio::spawn(bobs_driver);
//!
//! alice.send(Bytes::from("hello"), &SendOptions::default()).await?;
//! alice.close();
//! assert_eq!(bob.recv().await.expect("a message").payload, "hello");
//! assert_eq!(bob.recv().await, None);
//! assert!(alice.closed().await.is_orderly());
//! # Ok(())
//! # }
//! ```
//!
//! For worlds of many ends with delay, reordering and damage, in virtual time, there is the feature `sim`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::{Context, Poll};
use std::io;
use std::sync::Mutex;

use tokio::sync::mpsc;

use super::lock::lock;
use super::window::{Batch, Driver, PeerAddress, Session, Transport, session_over};
use crate::random::SplitMix64;
use crate::sliding_window::{Config, ConfigError, SlidingWindow};

/// What a link does to datagrams. The default loses none but those that overtax it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// How many of a million datagrams are lost, each way.
    pub lost_per_million: u32,
    /// What decides which. The two ways differ.
    pub seed: u64,
    /// How many datagrams may be on their way, each way; more are lost.
    pub capacity: usize,
}

impl Default for Link {
    /// Loses nothing, and holds 1,024 datagrams each way.
    fn default() -> Self {
        Self { lost_per_million: 0, seed: 0, capacity: 1024 }
    }
}

impl Link {
    /// The same, with loss.
    #[must_use]
    pub const fn losing(self, per_million: u32, seed: u64) -> Self {
        Self { lost_per_million: per_million, seed, ..self }
    }
}

/// One end of a link.
#[derive(Debug)]
pub struct End {
    out: mpsc::Sender<Vec<u8>>,
    inbound: mpsc::Receiver<Vec<u8>>,
    /// Buffers that were used, of both ends.
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
    lost_per_million: u32,
    random: SplitMix64,
}

/// How many datagrams one poll hands on.
const MOST: usize = 64;

impl End {
    /// The two ends of a link.
    #[must_use]
    pub fn pair(link: Link) -> (Self, Self) {
        let (there, from_here) = mpsc::channel(link.capacity.max(1));
        let (here, from_there) = mpsc::channel(link.capacity.max(1));
        let spare = Arc::new(Mutex::new(Vec::new()));
        let end = |out, inbound, way| Self {
            out,
            inbound,
            spare: Arc::clone(&spare),
            lost_per_million: link.lost_per_million,
            random: SplitMix64::new(link.seed ^ way),
        };
        (end(there, from_there, 0), end(here, from_here, 0x5555_5555_5555_5555))
    }

    /// Whether the next datagram is lost.
    fn loses(&mut self) -> bool {
        self.random.next() % 1_000_000 < u64::from(self.lost_per_million)
    }
}

impl Transport for End {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        deliver: &mut dyn FnMut(&PeerAddress, &[u8]),
    ) -> Poll<io::Result<()>> {
        let mut count: usize = 0;
        while count < MOST {
            match self.inbound.poll_recv(context) {
                Poll::Ready(Some(datagram)) => {
                    deliver(&PeerAddress::OtherEnd, &datagram);
                    lock(&self.spare).push(datagram);
                    count = count.saturating_add(1);
                }
                // An end that is no more is as silent as one on another machine.
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if count > 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_send(&mut self, _: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        while !batch.is_empty() {
            if !self.loses()
                && let Some(bytes) = batch.first()
                && let Ok(place) = self.out.try_reserve()
            {
                let mut datagram = lock(&self.spare).pop().unwrap_or_default();
                datagram.clear();
                datagram.extend_from_slice(bytes);
                place.send(datagram);
            }
            batch.advance(1);
        }
        Poll::Ready(Ok(()))
    }
}

/// Two sessions joined by a link, with their drivers.
pub type Joined = ((Session, Driver<End>), (Session, Driver<End>));

/// Joins two sessions; the first one calls. Their drivers are yours to spawn, or to poll by hand.
///
/// # Errors
/// [`ConfigError`] when a configuration can not work.
pub fn join(link: Link, first: Config, second: Config) -> Result<Joined, ConfigError> {
    let (here, there) = End::pair(link);
    let peer = Some(PeerAddress::OtherEnd);
    let caller = session_over(here, first, SlidingWindow::connect, peer.clone())?;
    Ok((caller, session_over(there, second, SlidingWindow::listen, peer)?))
}
