//! Flows of the sliding window over simulated links, in virtual time: what the protocol reaches, whatever the machine.

mod flow;
mod path;

pub use flow::{Flow, Policy};
pub use path::{Outcome, Path, Share, run};

use mconn::time::Duration;

/// Bytes of a message, as in the measurements of the original.
pub const MESSAGE: usize = 1200;
/// The largest datagram: a message and its header.
pub const DATAGRAM: usize = MESSAGE + 24;
/// Packets that may be in flight with a fixed window.
pub const WINDOW: u64 = 1024;

/// A bottleneck of 100 Mbit/s with a queue of 125 kB, 20 ms away.
#[must_use]
pub fn bottleneck(loss: u32) -> Path {
    Path {
        latency: Duration::from_millis(20),
        bandwidth: Some(12_500_000),
        queue: 125_000,
        loss,
        jitter: Duration::ZERO,
    }
}

/// A link without a limit of bandwidth.
#[must_use]
pub fn unlimited(latency: Duration, loss: u32) -> Path {
    Path { latency, bandwidth: None, queue: 0, loss, jitter: Duration::ZERO }
}
