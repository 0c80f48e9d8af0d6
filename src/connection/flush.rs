//! When output may leave: at once, or gathered as Go's flush throttle does.

use super::config::FlushPolicy;
use super::event::{Timer, Timers};
use crate::time::Instant;

/// Holds message packets back while they gather. Control packets never ask here.
///
/// Go encodes into a buffer of 64 KiB and flushes it when a timer fires that the first packet of a burst has set
/// (`flushTimer` in `p2p/conn/connection.go @ v0.38`). Here packets are made only when they may leave, which gives the same
/// times on the wire and decides later what goes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlushGate {
    policy: FlushPolicy,
    open: bool,
}

impl FlushGate {
    pub(crate) const fn new(policy: FlushPolicy) -> Self {
        let policy = match policy {
            FlushPolicy::Throttled { interval, .. } if interval.is_zero() => FlushPolicy::Immediate,
            other => other,
        };
        Self { policy, open: matches!(policy, FlushPolicy::Immediate) }
    }

    /// Whether message packets may leave at `now`, with `waiting` bytes of messages.
    #[inline]
    pub(crate) fn may_leave(&mut self, now: Instant, waiting: usize, timers: &mut Timers) -> bool {
        if self.open {
            return true;
        }
        let FlushPolicy::Throttled { interval, bytes } = self.policy else { return true };
        match timers.get(Timer::Flush) {
            _ if waiting >= bytes => self.release(timers),
            Some(deadline) if deadline <= now => self.release(timers),
            Some(_) => {}
            None => timers.set(Timer::Flush, now + interval),
        }
        self.open
    }

    /// Lets out all that waits now: a timer fired, a ping or pong takes it along, or the connection closes after it.
    pub(crate) fn release(&mut self, timers: &mut Timers) {
        self.open = true;
        timers.cancel(Timer::Flush);
    }

    /// Nothing waits any more: the next message begins a new burst.
    #[inline]
    pub(crate) fn drained(&mut self) {
        self.open = matches!(self.policy, FlushPolicy::Immediate);
    }

    /// Whether asking [`FlushGate::may_leave`] can help before the next deadline.
    pub(crate) fn is_waiting(&self, waiting: usize, timers: &Timers) -> bool {
        match self.policy {
            FlushPolicy::Immediate => false,
            FlushPolicy::Throttled { bytes, .. } => !self.open && waiting < bytes && timers.get(Timer::Flush).is_some(),
        }
    }
}
