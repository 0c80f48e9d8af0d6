//! Rate limits as a policy: how many bytes may pass now, and if none, when to ask again.
//!
//! * [`Flowrate`]: what Go's `libs/flowrate` does, step for step.
//! * [`TokenBucket`]: never more than `rate x time + burst`.
//! * [`Unlimited`].

mod flowrate;
mod token_bucket;
mod unlimited;

pub use flowrate::Flowrate;
pub use token_bucket::TokenBucket;
pub use unlimited::Unlimited;

use alloc::boxed::Box;
use core::fmt;

use crate::time::Instant;

/// What a [`Limiter`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// So many bytes may pass: a packet may start as long as it and what passed since the grant stay within this number.
    Bytes(u64),
    /// Nothing may pass before this moment.
    Until(Instant),
}

/// A limit on bytes over time, told the time by its caller.
pub trait Limiter: fmt::Debug + Send {
    /// Begins to measure at `now`. Called once, before anything else.
    fn start(&mut self, now: Instant);

    /// Asks what may pass at `now`, in packets of at most `max_packet` bytes, of which the caller lets at most `packets`
    /// pass before it asks again.
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
    /// Bytes per second now (for [`Flowrate`] the moving average of one second), as far as the limiter measures it.
    pub current: u64,
    /// Bytes per second since the start.
    pub average: u64,
    /// The highest rate of a sample, in bytes per second, as far as the limiter measures it.
    pub peak: u64,
}
