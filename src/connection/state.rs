//! The machine itself: its parts, its clock, and what its user asks of it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use super::channel_index::ChannelIndex;
use super::config::{ChannelConfig, MConnConfig};
use super::error::{CloseReason, ConfigError, Direction, SendError, SendRefusal};
use super::event::{Event, Input, Timer, Timers};
use super::flush::FlushGate;
use super::frame::Frame;
use super::inbox::Inbox;
use super::incoming::{Incoming, Reassembly};
use super::keepalive::Keepalive;
use super::outgoing::{Outgoing, PacketSizes};
use super::recycle::Recycler;
use super::scheduler::Scheduler;
use super::send_gate::SendGate;
use super::status::Counters;
use super::validate::check_limiter;
use crate::machine::Machine;
use crate::rate::Limiter;
use crate::time::{Duration, Instant};
use crate::wire::{AnyCodec, Codec};

/// A connection as a state machine: inbound bytes and the time in, messages and outbound bytes out.
///
/// See the [module](super) for an example, and [the crate](crate) for the loop that drives it. All methods of [`Machine`]
/// are its inputs and outputs; the others below belong to it.
#[derive(Clone, Debug)]
pub struct MConnState<C = AnyCodec> {
    pub(super) codec: C,
    /// The latest time that the driver told; it never goes back.
    pub(super) now: Instant,
    pub(super) started: Instant,
    pub(super) timers: Timers,
    pub(super) channels: Vec<Channel>,
    pub(super) index: ChannelIndex,
    pub(super) scheduler: Box<dyn Scheduler>,
    pub(super) send_gate: SendGate,
    pub(super) recv_limiter: Box<dyn Limiter>,
    pub(super) flush: FlushGate,
    pub(super) keepalive: Keepalive,
    pub(super) inbox: Inbox,
    pub(super) reassembly: Reassembly,
    pub(super) limits: ReceiveLimits,
    /// Bytes that were accepted for sending and not sent, on all channels.
    pub(super) send_bytes: usize,
    /// Channels that have something to send.
    pub(super) busy_channels: usize,
    pub(super) packets_without_progress: u32,
    /// When the first of them came.
    pub(super) no_progress_since: Instant,
    pub(super) phase: Phase,
    pub(super) counters: Counters,
}

/// One channel, both ways.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) id: u8,
    pub(super) priority: u32,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
}

/// Limits on what is received that belong to no part of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveLimits {
    /// In the units of the codec.
    pub(super) packet: usize,
    /// The most bytes of a packet on the wire.
    pub(super) max_packet: u64,
    pub(super) max_packets_without_progress: u32,
    pub(super) counting_interval: Duration,
    pub(super) message_timeout: Option<Duration>,
}

/// Where the connection is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// What was accepted is still sent; nothing new is accepted.
    Flushing,
    /// Ended; the reason waits behind the messages in the inbox.
    Ended(CloseReason),
    /// Ended, and the last event was taken.
    Closed,
}

impl<C: Codec> MConnState<C> {
    /// A connection that begins at `now`.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work.
    pub fn new(config: MConnConfig<C>, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        // Not collected through `Result`: that would not know the number, and keep room for more.
        let mut channels = Vec::with_capacity(config.channels.len());
        for channel in &config.channels {
            channels.push(Channel::new(&config, channel)?);
        }
        let mut timers = Timers::new();
        let keepalive = Keepalive::new(&config, now, &mut timers);
        let limits = ReceiveLimits {
            packet: config.codec.packet_limit(config.recv_payload_size),
            max_packet: config.max_received_packet(),
            max_packets_without_progress: config.max_packets_without_progress,
            counting_interval: config.counting_interval(),
            message_timeout: config.message_timeout,
        };
        let max_sent_packet = config.max_sent_packet();
        let recycler = Recycler::new(config.recycle_bytes);
        let reassembly = Reassembly::new(config.partial_limit(), config.recv_ahead_bytes, recycler);
        let MConnConfig { mut scheduler, mut send_limiter, mut recv_limiter, .. } = config;
        let priorities: Vec<u32> = channels.iter().map(|channel| channel.priority).collect();
        scheduler.start(now, &priorities);
        send_limiter.start(now);
        recv_limiter.start(now);
        Ok(Self {
            codec: config.codec,
            now,
            started: now,
            timers,
            index: ChannelIndex::new(channels.iter().map(|channel| channel.id)),
            channels,
            scheduler,
            send_gate: SendGate::new(send_limiter, config.packets_per_batch, max_sent_packet),
            recv_limiter,
            flush: FlushGate::new(config.flush),
            keepalive,
            inbox: Inbox::new(config.inbox_messages, config.inbox_bytes),
            reassembly,
            limits,
            send_bytes: 0,
            busy_channels: 0,
            packets_without_progress: 0,
            no_progress_since: now,
            phase: Phase::Open,
            counters: Counters::default(),
        })
    }

    /// Queues a message. Whole messages of one channel arrive in the order in which they were accepted.
    ///
    /// "Accepted" means queued: neither written nor delivered.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; nothing has changed.
    pub fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError> {
        let refusal = match self.check_send(channel, message.len()) {
            Ok(position) => {
                if let Some(found) = self.channels.get_mut(position) {
                    self.send_bytes = self.send_bytes.saturating_add(message.len());
                    if found.outgoing.push(message) {
                        self.busy_channels = self.busy_channels.saturating_add(1);
                        self.scheduler.ready(position);
                    }
                    return Ok(());
                }
                SendRefusal::UnknownChannel
            }
            Err(refusal) => refusal,
        };
        Err(SendError { refusal, channel, message })
    }

    /// Whether a message of one byte would be accepted on this channel now.
    #[must_use]
    pub fn can_send(&self, channel: u8) -> bool {
        self.check_send(channel, 1).is_ok()
    }

    /// Why a message of `len` bytes would not be accepted on this channel now.
    ///
    /// # Errors
    /// The reason for which [`MConnState::try_send`] would give the message back.
    pub fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal> {
        self.check_send(channel, len).map(|_| ())
    }

    fn check_send(&self, channel: u8, len: usize) -> Result<usize, SendRefusal> {
        match self.phase {
            Phase::Open => {}
            Phase::Flushing => return Err(SendRefusal::Closing),
            Phase::Ended(_) | Phase::Closed => return Err(SendRefusal::Closed),
        }
        let position = self.position(i32::from(channel)).ok_or(SendRefusal::UnknownChannel)?;
        let found = self.channels.get(position).ok_or(SendRefusal::UnknownChannel)?;
        found.outgoing.check(len)?;
        Ok(position)
    }

    /// Whether the machine would consume packets now.
    ///
    /// When it would not, either events wait to be taken, or the receive budget is spent (which has a deadline), or the
    /// connection has ended. After taking events, feed what is left in the buffer *before* waiting for the transport.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        !self.has_ended() && !self.inbox.is_full() && self.timers.get(Timer::RecvRate).is_none()
    }

    /// Whether an event waits to be taken.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.inbox.len() > 0 || matches!(self.phase, Phase::Ended(_))
    }

    /// Whether pulling output would give some now, as far as can be known without asking the limiter.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        if self.has_ended() {
            return false;
        }
        let control = self.keepalive.ping_due || self.keepalive.pong_due;
        let messages = self.busy_channels > 0
            && self.timers.get(Timer::SendRate).is_none()
            && !self.flush.is_waiting(self.send_bytes, &self.timers);
        control || messages
    }

    /// Changes the limit on what is sent, in bytes per second; `None` lifts it.
    pub fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        let now = self.clock(now);
        self.send_gate.record(now);
        self.send_gate.limiter.set_rate(now, rate);
        self.send_gate.ask_again(&mut self.timers);
    }

    /// Changes the limit on what is received, in bytes per second; `None` lifts it.
    pub fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        let now = self.clock(now);
        self.recv_limiter.set_rate(now, rate);
        self.timers.cancel(Timer::RecvRate);
    }

    /// Replaces the limiter of one direction.
    ///
    /// # Errors
    /// [`ConfigError::LimiterTooSmall`] when a packet could never pass; the old limiter stays.
    pub fn set_limiter(
        &mut self,
        now: Instant,
        direction: Direction,
        mut limiter: Box<dyn Limiter>,
    ) -> Result<(), ConfigError> {
        let packet = match direction {
            Direction::Send => self.send_gate.max_packet(),
            Direction::Receive => self.limits.max_packet,
        };
        check_limiter(direction, limiter.as_ref(), packet)?;
        let now = self.clock(now);
        limiter.start(now);
        match direction {
            Direction::Send => {
                self.send_gate.record(now);
                self.send_gate.limiter = limiter;
                self.send_gate.ask_again(&mut self.timers);
            }
            Direction::Receive => {
                self.recv_limiter = limiter;
                self.timers.cancel(Timer::RecvRate);
            }
        }
        Ok(())
    }

    /// Takes all messages that wait, in exchange for `empty`, whose memory is used from then on; unless they are more than so
    /// many or have more than so many bytes. Returns their bytes.
    ///
    /// The same as taking them one by one with [`poll_event`](Machine::poll_event), but without touching each: for a driver
    /// that hands them on to another task or thread.
    pub fn swap_messages(
        &mut self,
        empty: &mut VecDeque<(u8, Bytes)>,
        max_messages: usize,
        max_bytes: usize,
    ) -> Option<usize> {
        let fits = empty.is_empty() && self.inbox.len() <= max_messages && self.inbox.bytes() <= max_bytes;
        fits.then(|| self.inbox.swap(empty))
    }

    /// The position of a channel, by the number on the wire.
    #[inline]
    pub(super) fn position(&self, channel: i32) -> Option<usize> {
        let id = u8::try_from(channel).ok()?;
        let position = self.index.position(id);
        (self.channels.get(position)?.id == id).then_some(position)
    }

    /// Whether the connection has ended; its last events may still wait to be taken.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_) | Phase::Closed)
    }

    /// Why the connection has ended, while that waits to be taken.
    #[cfg(feature = "peer")]
    pub(crate) const fn ending(&self) -> Option<&CloseReason> {
        match &self.phase {
            Phase::Ended(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether messages wait to be taken.
    #[cfg(feature = "peer")]
    pub(crate) fn has_messages(&self) -> bool {
        self.inbox.len() > 0
    }

    /// Ends the connection, if it has not ended. What was delivered before stays in the inbox; all else is let go.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if self.has_ended() {
            return;
        }
        self.counters.unsent_messages = self.channels.iter().map(|channel| channel.outgoing.messages()).sum();
        self.counters.unsent_bytes = self.send_bytes;
        self.phase = Phase::Ended(reason);
        self.timers.clear();
        self.reassembly.clear();
        self.send_bytes = 0;
        self.busy_channels = 0;
        for channel in &mut self.channels {
            channel.outgoing.clear();
            channel.incoming.clear();
        }
    }

    /// Takes the driver's time, and gives the machine's: the same, or the latest one if the driver's went back.
    #[inline]
    pub(super) fn clock(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.counters.clock_went_back = self.counters.clock_went_back.saturating_add(1);
        } else {
            self.now = now;
        }
        self.resume_if_possible();
        self.now
    }

    /// Reads on when the receive limiter's time has come. Only what lets the driver feed its buffer next calls this: a call
    /// that took the deadline away without that would leave what waits there, and nobody would wake for it.
    pub(super) fn reopen(&mut self) {
        if self.timers.get(Timer::RecvRate).is_some_and(|until| until <= self.now) {
            self.timers.cancel(Timer::RecvRate);
        }
        self.resume_if_possible();
    }

    #[inline]
    fn resume_if_possible(&mut self) {
        if self.keepalive.is_paused() && self.wants_read() {
            self.resume_reading();
        }
    }

    fn fire(&mut self, timer: Timer) {
        let now = self.now;
        match timer {
            Timer::Ping => {
                self.reassembly.rest();
                self.keepalive.ping_timer(now, &mut self.timers);
            }
            Timer::PongTimeout => self.end(self.keepalive.timed_out()),
            Timer::PausedPong => self.keepalive.paused_pong_timer(now, &mut self.timers),
            Timer::Flush => self.flush.release(&mut self.timers),
            // The table has forgotten the timer, and that is all: the limiter is asked when somebody wants to send. (The clock
            // takes the other one away.)
            Timer::SendRate | Timer::RecvRate => {}
            Timer::MessageTimeout => self.check_message_timeouts(),
            Timer::CloseDeadline => {
                let unsent_messages = self.channels.iter().map(|channel| channel.outgoing.messages()).sum();
                self.end(CloseReason::FlushDeadline { unsent_messages, unsent_bytes: self.send_bytes });
            }
        }
    }

    fn close_after_flush(&mut self, deadline: Option<Instant>) {
        if self.has_ended() {
            return;
        }
        self.phase = Phase::Flushing;
        self.timers.put(Timer::CloseDeadline, deadline);
        self.flush.release(&mut self.timers);
        self.end_if_flushed();
    }

    /// Ends the connection when it was to be flushed and nothing waits any more.
    pub(super) fn end_if_flushed(&mut self) {
        if self.phase == Phase::Flushing && self.busy_channels == 0 {
            self.end(CloseReason::Flushed);
        }
    }
}

impl Channel {
    fn new<C: Codec>(config: &MConnConfig<C>, channel: &ChannelConfig) -> Result<Self, ConfigError> {
        let sizes = PacketSizes::new(&config.codec, channel.id, config.send_payload_size)?;
        Ok(Self {
            id: channel.id,
            priority: channel.priority,
            outgoing: Outgoing::new(channel, sizes),
            incoming: Incoming::new(channel),
        })
    }
}

impl<C: Codec> Machine for MConnState<C> {
    type Input<'a> = Input<'a>;
    type Transmit = Frame;
    type Event = Event;
    type Timer = Timer;

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        if self.has_ended() {
            return;
        }
        self.clock(now);
        match input {
            Input::Received { buf, end } => {
                let consumed = self.receive(buf, end);
                buf.advance(consumed);
            }
            Input::Close => self.end(CloseReason::Local),
            Input::CloseAfterFlush { deadline } => self.close_after_flush(deadline),
            Input::TransportFailed => self.end(CloseReason::TransportFailed),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.has_ended() {
            return;
        }
        let now = self.clock(now);
        self.reopen();
        while let Some(timer) = self.timers.take_expired(now) {
            self.fire(timer);
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        if let Some(message) = self.inbox.pop() {
            return Some(message);
        }
        if !matches!(self.phase, Phase::Ended(_)) {
            return None;
        }
        match core::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Ended(reason) => Some(Event::Closed(reason)),
            _ => None,
        }
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Frame> {
        self.next_frame(now)
    }

    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.timers.next()
    }

    fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }
}
