//! Which channel sends the next packet: a policy, and the one of the Go code as the default.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;
use core::time::Duration;

use crate::time::Instant;
use crate::timer::Periodic;

/// Chooses the channel that sends next.
///
/// Channels are known by their position in the order of registration, from 0. The connection says which of them have
/// something to send; a scheduler chooses among those.
pub trait Scheduler: fmt::Debug + Send {
    /// Begins at `now` with channels of these priorities. Called once, before anything else.
    fn start(&mut self, now: Instant, priorities: &[u32]);

    /// Tells that `channel` has something to send. It had nothing before.
    fn ready(&mut self, channel: usize);

    /// The channel that sends next, among those that have something to send; `None` when none has.
    ///
    /// Asked again before [`Scheduler::sent`], at the same moment, the answer is the same.
    fn pick(&mut self, now: Instant) -> Option<usize>;

    /// Tells that `channel`, the last one picked, sent a packet of `wire_len` bytes, and whether it has `more` to send.
    fn sent(&mut self, channel: usize, wire_len: usize, more: bool);

    /// The recent bytes of `channel` as this policy counts them, for the status. Looking changes nothing.
    fn recently_sent(&self, channel: usize, now: Instant) -> u64;

    /// A copy of this scheduler with its state.
    fn boxed_clone(&self) -> Box<dyn Scheduler>;
}

impl Clone for Box<dyn Scheduler> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// The policy of the Go code: the least `recently_sent / priority` goes next, and of equal ones the first registered.
///
/// `recently_sent` counts bytes on the wire and falls to 0.8 of itself each 2 s, on a grid from the start. The ratio is
/// computed in `f32`, as Go does, so that the choice is the same packet for packet.
///
/// The decay is computed when somebody looks, not by a ticker. Choosing costs O(log of the busy channels).
///
/// Source: `selectChannel`, `updateStats` in `p2p/conn/connection.go @ v0.38`.
#[derive(Clone, Debug)]
pub struct LeastRecentlySent {
    channels: Vec<Share>,
    /// The busy channels: the ratio's bits above the position, so that the least number is the next to send. The bits of
    /// floats that are not negative sort as the floats do.
    busy: BinaryHeap<Reverse<u64>>,
    decay: Periodic,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    recently_sent: i64,
    priority: f32,
}

/// `updateStats` in Go runs each 2 s.
const DECAY_INTERVAL: Duration = Duration::from_secs(2);

/// Enough decays to bring any `i64` to 0: 0.8^200 x 2^63 < 1.
const DECAYS_TO_ZERO: u64 = 200;

impl Share {
    fn key(self, channel: usize) -> u64 {
        let ratio = self.recently_sent as f32 / self.priority;
        (u64::from(ratio.to_bits()) << 32) | (channel as u64 & 0xffff_ffff)
    }

    fn decayed(self, times: u64) -> i64 {
        let mut value = self.recently_sent;
        for _ in 0..times.min(DECAYS_TO_ZERO) {
            if value == 0 {
                break;
            }
            value = (value as f64 * 0.8) as i64;
        }
        value
    }
}

impl LeastRecentlySent {
    /// A scheduler that has not started yet.
    #[must_use]
    pub fn new() -> Self {
        Self { channels: Vec::new(), busy: BinaryHeap::new(), decay: Periodic::new(Instant::ZERO, DECAY_INTERVAL) }
    }

    fn key(&self, channel: usize) -> Option<Reverse<u64>> {
        self.channels.get(channel).map(|share| Reverse(share.key(channel)))
    }

    fn catch_up(&mut self, now: Instant) {
        let times = self.decay.advance(now);
        if times == 0 {
            return;
        }
        for share in &mut self.channels {
            share.recently_sent = share.decayed(times);
        }
        // The order may have changed; the busy channels stay the same.
        let mut keys = core::mem::take(&mut self.busy).into_vec();
        for key in &mut keys {
            if let Some(new) = self.key(position(*key)) {
                *key = new;
            }
        }
        self.busy = keys.into();
    }
}

const fn position(key: Reverse<u64>) -> usize {
    (key.0 & 0xffff_ffff) as usize
}

impl Default for LeastRecentlySent {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheduler for LeastRecentlySent {
    fn start(&mut self, now: Instant, priorities: &[u32]) {
        self.channels =
            priorities.iter().map(|&priority| Share { recently_sent: 0, priority: priority as f32 }).collect();
        self.busy = BinaryHeap::with_capacity(priorities.len());
        self.decay = Periodic::new(now, DECAY_INTERVAL);
    }

    fn ready(&mut self, channel: usize) {
        if let Some(key) = self.key(channel) {
            self.busy.push(key);
        }
    }

    fn pick(&mut self, now: Instant) -> Option<usize> {
        if now >= self.decay.deadline() {
            self.catch_up(now);
        }
        self.busy.peek().map(|key| position(*key))
    }

    fn sent(&mut self, channel: usize, wire_len: usize, more: bool) {
        let Some(share) = self.channels.get_mut(channel) else { return };
        share.recently_sent = share.recently_sent.saturating_add(i64::try_from(wire_len).unwrap_or(i64::MAX));
        let key = Reverse(share.key(channel));
        let Some(mut top) = self.busy.peek_mut() else { return };
        if position(*top) != channel {
            return;
        }
        if more {
            *top = key;
        } else {
            PeekMut::pop(top);
        }
    }

    fn recently_sent(&self, channel: usize, now: Instant) -> u64 {
        let times = self.decay.due(now);
        let bytes = self.channels.get(channel).map_or(0, |share| share.decayed(times));
        u64::try_from(bytes).unwrap_or(0)
    }

    fn boxed_clone(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}
