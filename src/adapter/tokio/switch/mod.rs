//! A [`Switch`] on tokio: it listens, dials, hangs up, and carries the bytes of every connection.
//!
//! [`run`] makes of a [`SwitchBuilder`] two things: a [`Node`], by which the program acts and looks, and the [`Driver`], a
//! future that you spawn. The reactors are called from the tasks of the connections, one at a time.
//!
//! ```
//! use bytes::Bytes;
//! use mconn::adapter::tokio::switch::{Node, Options, run};
//! use mconn::connection::ChannelConfig;
//! use mconn::peer::switch::{Context, Event, Switch};
//! use mconn::peer::{NodeInfo, PeerAddress, Reactor};
//! use mconn::secret::{NodeId, NodeKey};
//! use tokio::net::TcpListener;
//!
//! /// Answers what it hears.
//! struct Echo;
//!
//! impl Reactor for Echo {
//!     fn channels(&self) -> Vec<ChannelConfig> {
//!         vec![ChannelConfig::new(0x77, 1)]
//!     }
//!
//!     fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, channel: u8, message: Bytes) {
//!         let _ = context.send(&peer, channel, message);
//!     }
//! }
//!
//! /// A node on loopback. In a program the key comes from `node_key.json`.
//! async fn node(seed: u8) -> Result<(Node, PeerAddress), Box<dyn std::error::Error>> {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let key = NodeKey::from_seed(&[seed; 32]);
//!     let address = PeerAddress { id: key.id(), at: listener.local_addr()?.into() };
//!     let mut info = NodeInfo::new(key.id(), "test-chain", []);
//!     info.listen_addr = address.at.to_string();
//!     let mut builder = Switch::builder(key, info);
//!     builder.add_reactor(Echo)?;
//!     let (node, driver) = run(builder, Some(listener), Options::default())?;
//!     tokio::spawn(driver);
//!     Ok((node, address))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (alice, _) = node(1).await?;
//! let (bob, at) = node(2).await?;
//! let mut events = alice.events();
//! alice.dial(&at)?;
//! assert!(matches!(events.recv().await, Some(Event::PeerStarted { id, .. }) if id == bob.id()));
//! alice.send(&bob.id(), 0x77, Bytes::from("echo")).await?;
//! alice.stop_after_flush(std::time::Duration::from_secs(5));
//! alice.stopped().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens when
//!
//! | | |
//! | --- | --- |
//! | [`Node::stop_after_flush`] | nobody is accepted or dialled any more; what is queued leaves, then each peer is removed |
//! | [`Node::stop`] | everything ends at once; reactors see each peer go |
//! | the [`Driver`] is dropped | the same |
//! | all [`Node`]s are dropped | nothing: reactors need none |
//! | a reactor panics | the driver ends with its panic |
//! | nobody takes [`Events`] | the oldest are thrown away, and [counted](Events::missed) |
//! | the process was held up | what peers sent meanwhile is read before deadlines are looked at |

mod driver;
mod events;
mod link;
mod node;
mod shared;

pub use driver::Driver;
pub use events::Events;
pub use node::{Node, PeerStatus};

use core::time::Duration;
use std::io;

use ::tokio::net::TcpListener;
use thiserror::Error;

use crate::adapter::clock::Clock;
#[allow(unused_imports, reason = "for the documentation")]
use crate::peer::switch::Switch;
use crate::peer::switch::{SwitchBuilder, SwitchError};
use alloc::string::ToString;
use shared::Shared;

/// How the driver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long the TCP connection of a dial may take, the look-up of a name included. 3 s, as in the configuration of CometBFT
    /// nodes (`dial_timeout`).
    pub dial_timeout: Duration,
    /// How many events are kept for who does not take them. 1024.
    pub max_events: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { dial_timeout: Duration::from_secs(3), max_events: 1024 }
    }
}

/// Why a switch does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// It can not work.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// The operating system has no random bytes for us.
    #[error("no random bytes: {0}")]
    Random(#[source] io::Error),
}

/// Makes a switch, with a listener or without one. What is left to chance comes from the operating system.
///
/// Where it listens stands in the NodeInfo, if the program puts it there.
///
/// # Errors
/// [`StartError`] when it could not talk to anybody.
pub fn run(
    builder: SwitchBuilder,
    listener: Option<TcpListener>,
    options: Options,
) -> Result<(Node, Driver), StartError> {
    let clock = Clock::start();
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| StartError::Random(io::Error::other(error.to_string())))?;
    let switch = builder.build(u64::from_le_bytes(seed), clock.now())?;
    let shared = Shared::new(switch, clock, options);
    Ok((Node::new(shared.clone()), Driver::new(shared, listener)))
}
