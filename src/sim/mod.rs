//! Machines over seeded links in virtual time: thousands of connections in one thread, each replayable from a number.
//!
//! | | byte streams | datagrams |
//! | --- | --- | --- |
//! | the machine | [`StreamMachine`](crate::connection::StreamMachine) | [`DatagramEndpoint`] |
//! | the link | [`ByteLink`], [`LinkConfig`] | [`DatagramLink`], [`DatagramConfig`], [`Rule`] |
//! | the driver | [`Driver`] | [`Habits`] |
//! | all together | [`Pair`] | [`World`], of any number of endpoints |
//! | what was promised | [`Ledger`] | [`MessageLedger`], [`Promise`] |
//! | what happened | [`Trace`] of [`Happening`]s | [`Trace`] of [`Occurrence`]s |
//!
//! # Byte streams
//!
//! A [`Pair`] joins two machines by two [`ByteLink`]s with latency, bandwidth, bounded buffers, reads cut into pieces, stalls
//! and cuts. [`Driver`]s wake them exactly when there is a reason, or also at random, late, and with clocks that go back.
//! After every event oracles look for a broken promise ([`Violation`]), and a [`Trace`] tells all that happened. There is
//! no chance in it but a seed: the same seed gives the same trace, byte for byte.
//!
//! ```
//! use mconn::connection::{ChannelConfig, CloseReason, MConnConfig, MConnState};
//! use mconn::sim::{LinkConfig, Operation, Pair, PairConfig, Side};
//! use mconn::time::{Duration, Instant};
//!
//! let config = MConnConfig::default().channels([ChannelConfig::new(0x20, 5), ChannelConfig::new(0x21, 1)]);
//! let alice = MConnState::new(config.clone(), Instant::ZERO)?;
//! let bob = MConnState::new(config, Instant::ZERO)?;
//! let link = LinkConfig::new().latency(Duration::from_millis(40)).bandwidth(1_000_000).chunk(1_400);
//! let mut pair = Pair::new(7, alice, bob, PairConfig::symmetric(link));
//! pair.send(Side::A, 0x21, vec![1; 100_000]);
//! pair.plan(Side::A, Instant::from_millis(50), Operation::Send { channel: 0x20, message: "vote".into() });
//! pair.plan(Side::A, Instant::from_secs(90), Operation::CloseAfterFlush { within: None });
//! pair.run()?;
//! assert_eq!(pair.received(Side::B)[0].payload, "vote"); // it overtook the block
//! assert_eq!(pair.ending_a(), Some(&CloseReason::Flushed));
//! print!("{}", pair.trace());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Scenario`] draws all of that from one seed: codec, channels, limiters, links, faults, users. The tests of this crate
//! run thousands of them, and `cargo run --release --features sim --example soak` any number.
//!
//! # Datagrams
//!
//! A [`DatagramLink`] delays, loses, doubles, reorders and damages datagrams, by chance and by script. A [`World`] has one from
//! each endpoint to each with which it talks. Its endpoints tell a [`Desk`] what they send and get, and the ledgers behind it
//! find what was lost, doubled, reordered, cut short or invented, each channel by its own [`Promise`]. Sessions of the sliding
//! window as such endpoints, their users, and what can go wrong with them stand in [`window`].
//!
//! # Seeds
//!
//! A seed means the same as long as the code below this module draws the same numbers, on every platform and optimisation
//! level. Each link and each driver draws from a sequence of its own.

mod datagram;
mod driver;
mod endpoint;
mod ledger;
mod link;
mod memory;
mod messages;
mod operation;
mod pair;
mod random;
mod scenario;
mod trace;
mod violation;
pub mod window;
mod world;

pub use datagram::{
    Act, Bursts, Classifier, DatagramConfig, DatagramLink, Fate, Label, LinkCounters, Loss, Partition, Passage, Rule,
};
pub use driver::{Driver, Reader};
pub use ledger::{Account, Ledger};
pub use link::{ByteLink, Cut, CutKind, LinkBroken, LinkConfig, Read, Stalls};
pub use memory::Memory;
pub use messages::{MessageLedger, Promise};
pub use operation::Operation;
pub use pair::{Delivery, Pair, PairConfig};
pub use random::Random;
pub use scenario::{Closing, Outcome, Scenario};
pub use trace::{Entry, Fnv, Happening, Trace};
pub use violation::Violation;
pub use world::{
    Address, ClockJump, DatagramEndpoint, Desk, Failure, Habits, Occurrence, Shown, World, WorldConfig, WorldTrace,
    run_seed,
};

use core::fmt;

/// One of the two ends of a [`Pair`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first machine.
    A,
    /// The second machine.
    B,
}

impl Side {
    /// The other one.
    ///
    /// ```
    /// use mconn::sim::Side;
    /// assert_eq!(Side::A.other(), Side::B);
    /// ```
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}
