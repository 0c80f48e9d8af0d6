//! The way in: from bytes to packets to messages.

use bytes::{Buf, BytesMut};

use super::error::CloseReason;
use super::event::{Timer, Timers};
use super::state::MConnState;
use crate::rate::Grant;
use crate::time::{Duration, Instant};
use crate::wire::{Codec, MessagePacket, Packet};

/// Packets that one call consumes at most, so that one connection can not hold up the others of its thread.
const PACKETS_PER_CALL: usize = 4096;

/// Why consuming packets stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// No complete packet is left.
    Incomplete,
    /// The work bound, a full inbox, or a spent budget.
    Bound,
}

impl<C: Codec> MConnState<C> {
    /// How many bytes the machine would take now, those included that wait in the driver's buffer.
    ///
    /// Read no more than this from the transport, and a peer that sends faster than it may is held back by it. 0 while events
    /// wait to be taken, and while a rate limit waits (which has a deadline).
    pub fn recv_budget(&mut self, now: Instant) -> usize {
        let now = self.clock(now);
        if !self.wants_read() {
            return 0;
        }
        usize::try_from(self.grant(now)).unwrap_or(usize::MAX)
    }

    /// How many bytes the limiter lets pass; sets [`Timer::RecvRate`] when none.
    fn grant(&mut self, now: Instant) -> u64 {
        let max_packet = self.limits.max_packet;
        let until = match self.recv_limiter.grant(now, max_packet, 1) {
            Grant::Bytes(bytes) if bytes >= max_packet => return bytes,
            // A limiter that breaks its promise is asked again a little later, not at once.
            Grant::Bytes(_) => now + Duration::from_millis(1),
            Grant::Until(until) => until,
        };
        self.timers.set(Timer::RecvRate, until);
        0
    }

    pub(super) fn receive(&mut self, buf: &mut BytesMut, end: bool) {
        if !self.wants_read() && !buf.is_empty() {
            return self.pause_reading();
        }
        let (consumed, outcome) = if buf.is_empty() { (0, Ok(Stop::Incomplete)) } else { self.consume(buf) };
        buf.advance(consumed);
        match outcome {
            Err(reason) => self.end(reason),
            Ok(Stop::Incomplete) if end => {
                let partial_messages = self.reassembly.partial_messages();
                self.end(CloseReason::PeerClosed { unread_bytes: buf.len(), partial_messages });
            }
            Ok(_) if !self.wants_read() => self.pause_reading(),
            Ok(_) => {}
        }
    }

    fn pause_reading(&mut self) {
        self.keepalive.pause(self.now, self.inbox.is_full(), &mut self.timers);
    }

    /// Consumes packets from the front of `bytes`. Returns how many bytes, and why it stopped.
    fn consume(&mut self, bytes: &[u8]) -> (usize, Result<Stop, CloseReason>) {
        let now = self.now;
        let max_packet = self.limits.max_packet;
        let mut budget = self.grant(now);
        let (mut consumed, mut unrecorded) = (0_usize, 0_u64);
        let mut outcome = Ok(Stop::Bound);
        for _ in 0..PACKETS_PER_CALL {
            if budget < max_packet {
                self.recv_limiter.record(now, unrecorded);
                unrecorded = 0;
                budget = if self.timers.get(Timer::RecvRate).is_some() { 0 } else { self.grant(now) };
            }
            if budget < max_packet || self.inbox.is_full() {
                break;
            }
            let rest = bytes.get(consumed..).unwrap_or_default();
            let decoded = match self.codec.decode(rest, self.limits.packet) {
                Ok(Some(decoded)) => decoded,
                Ok(None) => {
                    outcome = Ok(Stop::Incomplete);
                    break;
                }
                Err(error) => {
                    outcome = Err(CloseReason::Decode { error, position: self.counters.bytes_received });
                    break;
                }
            };
            consumed = consumed.saturating_add(decoded.wire_len);
            let wire_len = decoded.wire_len as u64;
            budget = budget.saturating_sub(wire_len);
            unrecorded = unrecorded.saturating_add(wire_len);
            self.counters.bytes_received = self.counters.bytes_received.saturating_add(wire_len);
            if let Err(reason) = self.accept(decoded.packet, now) {
                outcome = Err(reason);
                break;
            }
        }
        if consumed > 0 {
            self.recv_limiter.record(now, unrecorded);
            self.keepalive.packets_received(now, &mut self.timers);
        }
        (consumed, outcome)
    }

    #[inline]
    fn accept(&mut self, packet: Packet<'_>, now: Instant) -> Result<(), CloseReason> {
        match packet {
            Packet::Message(message) => self.accept_message(message, now),
            Packet::Ping => {
                self.counters.pings_received = self.counters.pings_received.saturating_add(1);
                self.keepalive.ping_received(now)
            }
            Packet::Pong => {
                self.counters.pongs_received = self.counters.pongs_received.saturating_add(1);
                if !self.keepalive.pong_received(&mut self.timers) {
                    return self.no_progress(None);
                }
                self.packets_without_progress = 0;
                Ok(())
            }
        }
    }

    #[inline]
    fn accept_message(&mut self, packet: MessagePacket<'_>, now: Instant) -> Result<(), CloseReason> {
        let Some(position) = self.position(packet.channel) else {
            return Err(CloseReason::UnknownChannel { channel: packet.channel });
        };
        let Some(channel) = self.channels.get_mut(position) else { return Ok(()) };
        self.counters.message_packets_received = self.counters.message_packets_received.saturating_add(1);
        if packet.end {
            let payload = self.reassembly.last(&mut channel.incoming, packet.payload)?;
            self.packets_without_progress = 0;
            self.counters.messages_received = self.counters.messages_received.saturating_add(1);
            self.inbox.push(channel.id, payload);
            if self.reassembly.partial_messages() == 0 {
                self.timers.cancel(Timer::MessageTimeout);
            }
            return Ok(());
        }
        self.reassembly.more(&mut channel.incoming, packet.payload, now)?;
        arm_message_timeout(&mut self.timers, self.limits.message_timeout, now);
        if packet.payload.is_empty() {
            let id = channel.id;
            return self.no_progress(Some(id));
        }
        self.packets_without_progress = 0;
        Ok(())
    }

    fn no_progress(&mut self, channel: Option<u8>) -> Result<(), CloseReason> {
        self.packets_without_progress = self.packets_without_progress.saturating_add(1);
        let (packets, limit) = (self.packets_without_progress, self.limits.max_packets_without_progress);
        if packets > limit {
            return Err(CloseReason::NoProgress { packets, limit, channel });
        }
        Ok(())
    }

    /// Ends the connection if a message is overdue; otherwise looks again when the oldest one would be.
    pub(super) fn check_message_timeouts(&mut self) {
        let Some(timeout) = self.limits.message_timeout else { return };
        if self.keepalive.is_paused() {
            // We do not read, so the peer can not complete anything; the time is added when we read again.
            return self.timers.set(Timer::MessageTimeout, self.now + timeout);
        }
        let oldest = self
            .channels
            .iter()
            .filter_map(|channel| channel.incoming.started().map(|started| (started, channel.id)))
            .min_by_key(|(started, _)| *started);
        let Some((started, channel)) = oldest else { return };
        if started + timeout <= self.now {
            self.end(CloseReason::MessageTimeout { channel, timeout });
        } else {
            self.timers.set(Timer::MessageTimeout, started + timeout);
        }
    }
}

/// Sets the deadline for the oldest incomplete message, unless one is set: an earlier message's, or one that turns out to be
/// complete, after which [`MConnState::check_message_timeouts`] sets the next.
fn arm_message_timeout(timers: &mut Timers, timeout: Option<Duration>, now: Instant) {
    if let Some(timeout) = timeout
        && timers.get(Timer::MessageTimeout).is_none()
    {
        timers.set(Timer::MessageTimeout, now + timeout);
    }
}
