//! The way in: from bytes to packets to messages.

use super::error::CloseReason;
use super::event::Timer;
use super::grant::ask;
use super::state::MConnState;
use crate::time::Instant;
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
    /// wait to be taken, and while a rate limit waits (which has a deadline, and lasts until the machine is told that it has
    /// come).
    pub fn recv_budget(&mut self, now: Instant) -> usize {
        let now = self.clock(now);
        if !self.wants_read() {
            return 0;
        }
        let granted = self.grant(now);
        if granted == 0 {
            self.pause_reading();
        }
        usize::try_from(granted).unwrap_or(usize::MAX)
    }

    /// How many bytes the limiter lets pass; sets [`Timer::RecvRate`] when none.
    fn grant(&mut self, now: Instant) -> u64 {
        ask(self.recv_limiter.as_mut(), now, self.limits.max_packet, 1).unwrap_or_else(|until| {
            self.timers.set(Timer::RecvRate, until);
            0
        })
    }

    /// [`Input::Received`](super::Input::Received) for a driver that keeps a buffer of its own: consumes whole packets from the
    /// front of `bytes`, and returns how many bytes that were.
    ///
    /// Give the rest again, with what comes next behind it; `end` says that nothing can come behind it.
    ///
    /// ```
    /// use mconn::connection::{ChannelConfig, Event, MConnConfig, MConnState};
    /// use mconn::machine::Machine;
    /// use mconn::time::Instant;
    ///
    /// let config = MConnConfig::default().channel(ChannelConfig::new(0x20, 1));
    /// let mut machine = MConnState::new(config, Instant::ZERO)?;
    /// let bytes = b"\x0a\x1a\x08\x08\x20\x10\x01\x1a\x02hi\x0a\x1a";
    /// assert_eq!(machine.receive_from(Instant::ZERO, bytes, false), 11); // the second packet is not whole
    /// assert!(matches!(machine.poll_event(), Some(Event::Message { channel: 0x20, .. })));
    /// # Ok::<(), mconn::connection::ConfigError>(())
    /// ```
    pub fn receive_from(&mut self, now: Instant, bytes: &[u8], end: bool) -> usize {
        if self.has_ended() {
            return 0;
        }
        self.clock(now);
        self.receive(bytes, end)
    }

    pub(super) fn receive(&mut self, bytes: &[u8], end: bool) -> usize {
        // Also a driver that feeds without ticking reads on when the limiter's time has come.
        self.reopen();
        if !self.wants_read() && !bytes.is_empty() {
            self.pause_reading();
            return 0;
        }
        let (consumed, outcome) = if bytes.is_empty() { (0, Ok(Stop::Incomplete)) } else { self.consume(bytes) };
        match outcome {
            Err(reason) => self.end(reason),
            // An empty buffer has nothing more to say, whatever stopped us: the driver need not feed it again.
            Ok(stop) if end && (stop == Stop::Incomplete || consumed == bytes.len()) => {
                let partial_messages = self.reassembly.partial_messages();
                let unread_bytes = bytes.len().saturating_sub(consumed);
                self.end(CloseReason::PeerClosed { unread_bytes, partial_messages });
            }
            Ok(_) if !self.wants_read() => self.pause_reading(),
            Ok(_) => {}
        }
        consumed
    }

    /// We do not read for now: the peer can not complete anything, nor show life, so no time counts against it.
    fn pause_reading(&mut self) {
        self.keepalive.pause(self.now, self.inbox.is_full(), &mut self.timers);
        self.timers.cancel(Timer::MessageTimeout);
    }

    pub(super) fn resume_reading(&mut self) {
        let pause = self.keepalive.resume(self.now, &mut self.timers);
        if self.limits.message_timeout.is_some() {
            for channel in &mut self.channels {
                channel.incoming.postpone(pause);
            }
            self.arm_message_timeout();
        }
    }

    /// Consumes packets from the front of `bytes`. Returns how many bytes, and why it stopped.
    fn consume(&mut self, bytes: &[u8]) -> (usize, Result<Stop, CloseReason>) {
        let now = self.now;
        let max_packet = self.limits.max_packet;
        let mut budget = self.grant(now);
        let mut rest = bytes;
        // What the limiter has not been told yet.
        let mut unrecorded = 0_u64;
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
            let decoded = match self.codec.decode(rest, self.limits.packet) {
                Ok(Some(decoded)) => decoded,
                Ok(None) => {
                    outcome = Ok(Stop::Incomplete);
                    break;
                }
                Err(error) => {
                    let consumed = bytes.len().saturating_sub(rest.len()) as u64;
                    outcome = Err(CloseReason::Decode {
                        error,
                        position: self.counters.bytes_received.wrapping_add(consumed),
                    });
                    break;
                }
            };
            rest = rest.get(decoded.wire_len..).unwrap_or_default();
            let wire_len = decoded.wire_len as u64;
            budget = budget.saturating_sub(wire_len);
            unrecorded = unrecorded.wrapping_add(wire_len);
            if let Err(reason) = self.accept(decoded.packet, now) {
                outcome = Err(reason);
                break;
            }
        }
        let consumed = bytes.len().saturating_sub(rest.len());
        if consumed > 0 {
            self.counters.bytes_received = self.counters.bytes_received.wrapping_add(consumed as u64);
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
                if self.keepalive.pong_received(&mut self.timers) { Ok(()) } else { self.no_progress(None) }
            }
        }
    }

    #[inline]
    fn accept_message(&mut self, packet: MessagePacket<'_>, now: Instant) -> Result<(), CloseReason> {
        let Some(position) = self.position(packet.channel) else {
            return Err(CloseReason::UnknownChannel { channel: packet.channel });
        };
        let Some(channel) = self.channels.get_mut(position) else { return Ok(()) };
        if packet.end {
            let payload = self.reassembly.last(&mut channel.incoming, packet.payload)?;
            self.counters.message_packet_received(true);
            self.packets_without_progress = 0;
            self.inbox.push(channel.id, payload);
            if self.limits.message_timeout.is_some() && self.reassembly.partial_messages() == 0 {
                self.timers.cancel(Timer::MessageTimeout);
            }
            return Ok(());
        }
        self.reassembly.more(&mut channel.incoming, packet.payload, now)?;
        self.counters.message_packet_received(false);
        // An earlier message's deadline may stand there, or that of one which was completed; then we look again.
        if let Some(timeout) = self.limits.message_timeout
            && self.timers.get(Timer::MessageTimeout).is_none()
        {
            self.timers.set(Timer::MessageTimeout, now + timeout);
        }
        if packet.payload.is_empty() {
            let id = channel.id;
            return self.no_progress(Some(id));
        }
        self.packets_without_progress = 0;
        Ok(())
    }

    fn no_progress(&mut self, channel: Option<u8>) -> Result<(), CloseReason> {
        if self.now - self.no_progress_since >= self.limits.counting_interval {
            self.packets_without_progress = 0;
        }
        if self.packets_without_progress == 0 {
            self.no_progress_since = self.now;
        }
        self.packets_without_progress = self.packets_without_progress.saturating_add(1);
        let (packets, limit) = (self.packets_without_progress, self.limits.max_packets_without_progress);
        if packets > limit {
            return Err(CloseReason::NoProgress { packets, limit, channel });
        }
        Ok(())
    }

    /// The incomplete message that began first: when, and its channel.
    fn oldest_incomplete(&self) -> Option<(Instant, u8)> {
        let incomplete = self.channels.iter().filter_map(|channel| Some((channel.incoming.started()?, channel.id)));
        incomplete.min_by_key(|(started, _)| *started)
    }

    fn arm_message_timeout(&mut self) {
        let deadline = self.limits.message_timeout.zip(self.oldest_incomplete());
        self.timers.put(Timer::MessageTimeout, deadline.map(|(timeout, (started, _))| started + timeout));
    }

    /// Ends the connection if a message is overdue; otherwise looks again when the oldest one would be.
    pub(super) fn check_message_timeouts(&mut self) {
        match (self.limits.message_timeout, self.oldest_incomplete()) {
            (Some(timeout), Some((started, channel))) if started + timeout <= self.now => {
                self.end(CloseReason::MessageTimeout { channel, timeout });
            }
            _ => self.arm_message_timeout(),
        }
    }
}
