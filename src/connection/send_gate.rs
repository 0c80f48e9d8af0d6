//! The rate limit on sending, asked once per batch of packets.

use alloc::boxed::Box;

use super::event::{Timer, Timers};
use super::grant::ask;
use crate::rate::Limiter;
use crate::time::Instant;

/// Lets message packets pass while the limiter's last grant lasts.
///
/// Go asks its monitor once for up to ten packets (`sendSomePacketMsgs` in `p2p/conn/connection.go @ v0.38`); so does this.
#[derive(Clone, Debug)]
pub(crate) struct SendGate {
    pub(crate) limiter: Box<dyn Limiter>,
    packets_per_batch: u32,
    max_packet: u64,
    packets_left: u32,
    bytes_left: u64,
    /// A grant is for its moment: what is left of it lapses when time has passed.
    granted_at: Instant,
    unrecorded: u64,
}

impl SendGate {
    pub(crate) fn new(limiter: Box<dyn Limiter>, packets_per_batch: u32, max_packet: u64) -> Self {
        Self {
            limiter,
            packets_per_batch,
            max_packet,
            packets_left: 0,
            bytes_left: 0,
            granted_at: Instant::ZERO,
            unrecorded: 0,
        }
    }

    /// Whether a message packet may start at `now`; sets [`Timer::SendRate`] when not.
    #[inline]
    pub(crate) fn may_start(&mut self, now: Instant, timers: &mut Timers) -> bool {
        let granted = self.packets_left > 0 && self.bytes_left >= self.max_packet && self.granted_at == now;
        granted || self.ask(now, timers)
    }

    fn ask(&mut self, now: Instant, timers: &mut Timers) -> bool {
        if timers.get(Timer::SendRate).is_some_and(|until| until > now) {
            return false;
        }
        timers.cancel(Timer::SendRate);
        self.record(now);
        match ask(self.limiter.as_mut(), now, self.max_packet, self.packets_per_batch) {
            Ok(bytes) => {
                self.packets_left = self.packets_per_batch;
                self.bytes_left = bytes;
                self.granted_at = now;
                true
            }
            Err(until) => {
                timers.set(Timer::SendRate, until);
                false
            }
        }
    }

    /// A message packet passed.
    #[inline]
    pub(crate) fn passed(&mut self, wire_len: usize) {
        let bytes = wire_len as u64;
        self.packets_left = self.packets_left.saturating_sub(1);
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.unrecorded = self.unrecorded.saturating_add(bytes);
    }

    /// A ping or pong passed: counted, never held up.
    pub(crate) fn control_passed(&mut self, wire_len: usize) {
        self.unrecorded = self.unrecorded.saturating_add(wire_len as u64);
    }

    /// Nothing waits: the batch is over, however many packets it had.
    pub(crate) fn end_batch(&mut self) {
        self.packets_left = 0;
    }

    /// Tells the limiter what passed.
    #[inline]
    pub(crate) fn record(&mut self, now: Instant) {
        if self.unrecorded > 0 {
            self.limiter.record(now, self.unrecorded);
            self.unrecorded = 0;
        }
    }

    /// Forgets what the limiter said, because its rate was changed or it was replaced.
    pub(crate) fn ask_again(&mut self, timers: &mut Timers) {
        self.packets_left = 0;
        timers.cancel(Timer::SendRate);
    }

    pub(crate) const fn max_packet(&self) -> u64 {
        self.max_packet
    }
}
