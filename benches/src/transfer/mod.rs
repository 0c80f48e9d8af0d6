//! Transfers by the clock on the wall: what arrives in a second, what share of it arrives, and what it costs the processor.
//!
//! Other groups count CPU time alone. Here datagrams wait for one another, for acknowledgements and for a server, so a transfer
//! may be slow although it costs little; and what a bare socket sends may not arrive. So all three are told.

mod figures;
mod lane;

pub use figures::{Figures, Known};
pub use lane::{Lane, Measured};

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::load::Load;

/// Whatever can carry messages from one end to the other.
pub trait Carrier {
    /// The name in the table.
    fn name(&self) -> &'static str;

    /// Sends so many messages, and says what arrived.
    fn run(&mut self, messages: u64) -> Transfer;
}

/// One transfer.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Messages sent.
    pub sent: u64,
    /// Messages that arrived. What has no messages counts their bytes.
    pub arrived: f64,
    /// From the first message sent to the last that arrived.
    pub wall: Duration,
    /// CPU time of the whole process, both ends.
    pub cpu: Duration,
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock on the wall.
    pub wall: Instant,
    /// The CPU time that the process has used so far.
    pub cpu: Duration,
}

impl Moment {
    /// Now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "transfers are measured by the clock on the wall")]
    pub fn now() -> Self {
        Self { wall: Instant::now(), cpu: Clock::Process.now() }
    }

    /// The transfer of a load that began now, and has arrived whole at `end`.
    #[must_use]
    pub fn until(self, end: Self, load: Load) -> Transfer {
        Transfer {
            sent: load.messages(),
            arrived: load.messages() as f64,
            wall: end.wall.saturating_duration_since(self.wall),
            cpu: end.cpu.saturating_sub(self.cpu),
        }
    }
}
