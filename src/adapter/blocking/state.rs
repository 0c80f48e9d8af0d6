//! What the lock protects: the machine, and who sleeps for what.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;
use std::io;

use bytes::Bytes;

use super::super::Closed;
use crate::connection::{CloseReason, Event, Input, MConnConfig, MConnState};
use crate::machine::Machine;
use crate::time::Instant;
use crate::wire::Codec;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Core<C: Codec> {
    pub(super) machine: MConnState<C>,
    /// What was left in the inbox when the machine ended.
    rest: VecDeque<(u8, Bytes)>,
    /// Why the machine has ended.
    reason: Option<CloseReason>,
    /// The first error of the transport.
    error: Option<io::Error>,
    /// The result, once both threads have ended.
    pub(super) closed: Option<Closed>,
    /// Threads of this connection that run.
    threads: usize,
    /// Nobody takes messages any more.
    discard: bool,
    /// When to give up writing the last bytes, and waiting for the peer's end after them.
    pub(super) flush_deadline: Option<Instant>,
    /// Closed at once, also when it was to be flushed.
    aborted: bool,
    /// How long the transport may take none of the last bytes of a flush, unless that has a deadline.
    pub(super) patience: Option<Duration>,
    /// The transport was told to end.
    shut_down: bool,
    pub(super) asleep: Asleep,
}

/// Who sleeps. Whoever wakes a sleeper takes the mark away, so that nobody is woken twice: each time costs a system call.
#[derive(Debug, Default)]
pub(super) struct Asleep {
    /// The writer, and until when.
    pub(super) writer: Option<Instant>,
    pub(super) reader: bool,
    /// What the receiver took since the reader went to sleep.
    pub(super) room: Room,
    pub(super) receiver: bool,
    /// Senders that wait for room, per channel in the order of the configuration.
    pub(super) senders: Vec<Waiting>,
    pub(super) senders_total: usize,
}

/// Room in the inbox. A reader that sleeps because it was full is woken when half of it is free, not for each message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    half_messages: usize,
    half_bytes: usize,
    messages: usize,
    bytes: usize,
}

impl Room {
    pub(super) const fn of_inbox(messages: usize, bytes: usize) -> Self {
        Self { half_messages: messages >> 1, half_bytes: bytes >> 1, messages: 0, bytes: 0 }
    }

    pub(super) const fn begin(&mut self) {
        (self.messages, self.bytes) = (0, 0);
    }

    #[inline]
    const fn took(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    const fn is_enough(&self) -> bool {
        self.messages >= self.half_messages || self.bytes >= self.half_bytes
    }
}

/// Senders that wait for room on one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) channel: u8,
    pub(super) count: usize,
    /// They are woken when no more bytes than this are queued.
    pub(super) low_bytes: usize,
}

impl Asleep {
    pub(super) fn nobody<D>(config: &MConnConfig<D>) -> Self {
        let senders = config.channels.iter().map(|channel| Waiting {
            channel: channel.id,
            count: 0,
            low_bytes: channel.send_queue_bytes >> 1,
        });
        let room = Room::of_inbox(config.inbox_messages, config.inbox_bytes);
        Self { senders: senders.collect(), room, ..Self::default() }
    }

    pub(super) fn sender_sleeps(&mut self, position: usize) {
        self.senders_total = self.senders_total.saturating_add(1);
        if let Some(waiting) = self.senders.get_mut(position) {
            waiting.count = waiting.count.saturating_add(1);
        }
    }

    pub(super) fn sender_woke(&mut self, position: usize) {
        self.senders_total = self.senders_total.saturating_sub(1);
        if let Some(waiting) = self.senders.get_mut(position) {
            waiting.count = waiting.count.saturating_sub(1);
        }
    }
}

/// Whom to wake, and whether to end the transport.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub(super) struct Wake {
    pub(super) writer: bool,
    pub(super) reader: bool,
    pub(super) receiver: bool,
    pub(super) everybody: bool,
    pub(super) shut_down: bool,
}

impl<C: Codec> Core<C> {
    pub(super) fn new(machine: MConnState<C>, asleep: Asleep, patience: Option<Duration>) -> Self {
        Self {
            machine,
            rest: VecDeque::new(),
            reason: None,
            error: None,
            closed: None,
            threads: 2,
            discard: false,
            flush_deadline: None,
            aborted: false,
            patience,
            shut_down: false,
            asleep,
        }
    }

    /// Takes the next message.
    #[inline]
    pub(super) fn next_message(&mut self) -> Option<(u8, Bytes)> {
        if self.reason.is_some() {
            return self.rest.pop_front();
        }
        match self.machine.poll_event()? {
            Event::Message { channel, payload } => {
                self.asleep.room.took(payload.len());
                Some((channel, payload))
            }
            Event::Closed(reason) => {
                self.reason = Some(reason);
                None
            }
        }
    }

    /// Whether no message can come any more, but for those that wait.
    pub(super) const fn has_ended(&self) -> bool {
        self.machine.has_ended()
    }

    /// Whether the last bytes are to be written although the machine has ended.
    pub(super) fn is_flushed(&self) -> bool {
        self.reason == Some(CloseReason::Flushed) && !self.aborted
    }

    /// Nobody takes messages any more: what comes is thrown away.
    pub(super) fn discard_messages(&mut self) {
        self.discard = true;
        self.rest.clear();
    }

    /// Sends what was accepted, then closes.
    pub(super) fn close_after_flush(&mut self, now: Instant, deadline: Option<Instant>) {
        if !self.has_ended() {
            self.flush_deadline = deadline;
        }
        self.machine.handle(now, Input::CloseAfterFlush { deadline });
    }

    /// Ends the connection at once, and a flush too.
    pub(super) fn abort(&mut self, now: Instant) {
        self.aborted = true;
        self.machine.handle(now, Input::Close);
    }

    /// A read has failed. After the end that is no news: the transport was told to end.
    pub(super) fn read_failed(&mut self, now: Instant, error: io::Error) {
        if !self.has_ended() {
            self.error.get_or_insert(error);
        }
        self.machine.handle(now, Input::TransportFailed);
    }

    /// A write has failed. After the end it is news if these were the last bytes: then it was no flush.
    pub(super) fn write_failed(&mut self, now: Instant, error: io::Error) {
        if !self.has_ended() || self.is_flushed() {
            self.error.get_or_insert(error);
        }
        if self.reason == Some(CloseReason::Flushed) {
            self.reason = Some(if self.aborted { CloseReason::Local } else { CloseReason::TransportFailed });
        }
        self.machine.handle(now, Input::TransportFailed);
    }

    /// One of the two threads ends. Returns whether it is the last one.
    pub(super) fn thread_ends(&mut self, now: Instant, is_writer: bool) -> bool {
        self.threads = self.threads.saturating_sub(1);
        // Only where the thread has panicked is this news for the machine.
        self.machine.handle(now, Input::TransportFailed);
        self.aborted |= is_writer;
        self.threads == 0
    }

    pub(super) const fn other_thread_has_ended(&self) -> bool {
        self.threads < 2
    }

    /// Says what follows for everybody else from what was changed.
    #[inline]
    pub(super) fn settle(&mut self) -> Wake {
        if self.discard {
            while self.next_message().is_some() {}
        }
        if self.has_ended() {
            return self.settle_end();
        }
        let asleep = &mut self.asleep;
        let mut wake = Wake::default();
        if let Some(until) = asleep.writer {
            let machine = &self.machine;
            wake.writer =
                machine.wants_write() || machine.poll_timeout().is_some_and(|(deadline, _why)| deadline < until);
            if wake.writer {
                asleep.writer = None;
            }
        }
        if asleep.reader && self.machine.wants_read() && (asleep.room.is_enough() || !self.machine.has_events()) {
            wake.reader = core::mem::take(&mut asleep.reader);
        }
        if asleep.receiver && self.machine.has_events() {
            wake.receiver = core::mem::take(&mut asleep.receiver);
        }
        wake
    }

    /// The machine has ended: its reason is taken, and what stands before it is kept for the receiver.
    #[cold]
    fn settle_end(&mut self) -> Wake {
        while self.reason.is_none() {
            let Some(message) = self.next_message() else { break };
            self.rest.push_back(message);
        }
        if self.threads == 0 && self.closed.is_none() {
            let reason = self.reason.clone().unwrap_or(CloseReason::TransportFailed);
            self.closed = Some(Closed::new(reason, self.error.take()));
        }
        // After a flush the writer ends the transport, when the last byte has left.
        let shut_down = !self.is_flushed() && !self.shut_down;
        self.shut_down |= shut_down;
        Wake { everybody: true, shut_down, ..Wake::default() }
    }
}
