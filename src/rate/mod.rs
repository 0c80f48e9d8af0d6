//! Rate limits as a policy: how many bytes may pass now, and if none, when to ask again.
//!
//! * [`Flowrate`]: what Go's `libs/flowrate` does, step for step.
//! * [`TokenBucket`]: never more than `rate x time + burst`.
//! * [`Unlimited`]: everything passes and is measured.
//!
//! A limiter sleeps nowhere and reads no clock. Its caller asks before packets pass and tells what passed:
//!
//! ```
//! use mconn::rate::{Grant, Limiter, TokenBucket};
//! use mconn::time::{Duration, Instant};
//!
//! /// Lets `packets` packets of 1,000 bytes pass and tells when the last one did.
//! fn send(limiter: &mut dyn Limiter, mut now: Instant, mut packets: u32) -> Instant {
//!     const PACKET: u64 = 1_000;
//!     while packets > 0 {
//!         match limiter.grant(now, PACKET, 10) {
//!             Grant::Until(moment) => now = moment, // sleep until then
//!             Grant::Bytes(granted) => {
//!                 let mut passed = 0;
//!                 let mut batch = packets.min(10);
//!                 while batch > 0 && passed + PACKET <= granted {
//!                     limiter.record(now, PACKET);
//!                     passed += PACKET;
//!                     batch -= 1;
//!                     packets -= 1;
//!                 }
//!             }
//!         }
//!     }
//!     now
//! }
//!
//! let mut limiter = TokenBucket::new(10_000, 20_000);
//! let start = Instant::ZERO;
//! limiter.start(start);
//! // 20 packets at once, the other 80 at ten per second.
//! assert_eq!(send(&mut limiter, start, 100), start + Duration::from_secs(8));
//! ```

mod flowrate;
mod monitor;
mod token_bucket;
mod unlimited;

pub use flowrate::Flowrate;
pub use monitor::MonitorStatus;
pub use token_bucket::TokenBucket;
pub use unlimited::Unlimited;

use alloc::boxed::Box;
use core::fmt;

use crate::time::Instant;

/// What a [`Limiter`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// So many bytes may pass at this moment: the next packet may start as long as `max_packet` and what passed since the
    /// grant together stay within this number.
    ///
    /// It is `max_packet` that counts, not the size of that packet, which a receiver does not know yet. Whoever lets a
    /// shorter packet pass where the largest one would not fit keeps to [`TokenBucket`], but lets more pass than Go does.
    Bytes(u64),
    /// Nothing may pass before this moment.
    Until(Instant),
}

/// A limit on bytes over time, told the time by its caller.
pub trait Limiter: fmt::Debug + Send {
    /// Begins at `now`, with nothing measured and nothing passed so far. Called once, before anything else.
    fn start(&mut self, now: Instant);

    /// Asks what may pass at `now`, in packets of at most `max_packet` bytes, of which the caller lets at most `packets`
    /// pass before it asks again.
    ///
    /// A grant is for its moment: when time has passed, ask again.
    ///
    /// A limiter that waits must, at the moment that it names, allow at least one packet of `max_packet` bytes (unless bytes
    /// were recorded in between).
    fn grant(&mut self, now: Instant, max_packet: u64, packets: u32) -> Grant;

    /// Tells that `bytes` passed at `now`, whether they were granted or not (pings and pongs are not).
    fn record(&mut self, now: Instant, bytes: u64);

    /// The limit in bytes per second; `None` when there is none.
    fn rate(&self) -> Option<u64>;

    /// Changes the limit, in bytes per second; what was measured stays. `None` lifts it.
    fn set_rate(&mut self, now: Instant, rate: Option<u64>);

    /// The smallest `max_packet` for which the limiter would wait for ever, less one; `None` when there is none.
    ///
    /// A token bucket can never let a packet pass that is larger than its burst.
    fn largest_packet(&self) -> Option<u64> {
        None
    }

    /// What was measured until `now`; looking changes nothing.
    fn status(&self, now: Instant) -> RateStatus;

    /// A copy of this limiter with its state.
    fn boxed_clone(&self) -> Box<dyn Limiter>;
}

impl Clone for Box<dyn Limiter> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// What a [`Limiter`] has measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateStatus {
    /// Bytes that passed since the start.
    pub bytes: u64,
    /// The limit in bytes per second.
    pub limit: Option<u64>,
    /// Bytes per second now, as far as the limiter measures it. The limiters of this crate give Go's moving average with a
    /// window of one second over samples of 100 ms.
    pub current: u64,
    /// Bytes per second since the start, rounded down.
    pub average: u64,
    /// The highest rate of a sample (of 100 ms or more), in bytes per second, as far as the limiter measures it.
    pub peak: u64,
}

#[cfg(test)]
mod tests;
