//! What the lock protects: the machine, and who sleeps for what.

use alloc::collections::VecDeque;
use core::time::Duration;
use std::io;

use bytes::Bytes;

use super::super::Closed;
use super::asleep::Asleep;
use crate::connection::{CloseReason, Event, Input, MConnState, Timer};
use crate::machine::Machine;
use crate::time::Instant;
use crate::wire::Codec;

/// How long the reader may take to read what has come before the peer is judged by its silence.
const GRACE: Duration = Duration::from_millis(20);

/// So late, a deadline shows that the process did not run.
const HELD_UP: Duration = Duration::from_millis(100);

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
    /// When to judge a peer whose silence has lasted too long, if what it sent is not read before.
    judgement: Option<Instant>,
    pub(super) asleep: Asleep,
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
            judgement: None,
            asleep,
        }
    }

    /// Tells the machine the time.
    ///
    /// A thread or a process that was held up has missed a deadline, and so it seems has a peer whose pong waits in the
    /// socket. So the reader gets [`GRACE`] before the peer is judged.
    pub(super) fn keep_deadlines(&mut self, now: Instant) {
        let Some((deadline, timer)) = self.machine.poll_timeout() else { return };
        if now < deadline {
            self.judgement = None;
            return;
        }
        let judges = matches!(timer, Timer::PongTimeout | Timer::MessageTimeout) || now - deadline >= HELD_UP;
        if judges && now < *self.judgement.get_or_insert(now + GRACE) {
            return;
        }
        self.judgement = None;
        self.machine.handle_timeout(now);
    }

    /// When to call [`Core::keep_deadlines`] next.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let (deadline, _why) = self.machine.poll_timeout()?;
        Some(self.judgement.map_or(deadline, |judgement| judgement.max(deadline)))
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
        let mut wake = Wake::default();
        if let Some(until) = self.asleep.writer {
            wake.writer = self.machine.wants_write() || self.next_deadline().is_some_and(|deadline| deadline < until);
            if wake.writer {
                self.asleep.writer = None;
            }
        }
        let asleep = &mut self.asleep;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{ChannelConfig, MConnConfig};
    use bytes::BytesMut;

    const NOW: Instant = Instant::ZERO;

    fn config() -> MConnConfig {
        let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
        config.inbox_messages = 4;
        config
    }

    fn core() -> Core<crate::wire::AnyCodec> {
        Core::new(MConnState::new(config(), NOW).unwrap(), Asleep::nobody(&config()), None)
    }

    fn wire(messages: usize) -> BytesMut {
        let mut peer = MConnState::new(config(), NOW).unwrap();
        let mut wire = BytesMut::new();
        for _ in 0..messages {
            peer.try_send(1, Bytes::from_static(b"message")).unwrap();
        }
        peer.transmit_into(NOW, &mut wire, usize::MAX);
        wire
    }

    #[test]
    fn a_sleeper_is_woken_once_and_only_for_what_it_waits_for() {
        let mut core = core();
        assert!(!core.settle().receiver, "nobody sleeps");
        core.asleep.receiver = true;
        assert!(!core.settle().receiver, "nothing has come");
        core.machine.receive_from(NOW, &wire(1), false);
        assert!(core.settle().receiver);
        assert!(!core.settle().receiver, "it was woken before");

        core.asleep.writer = core.machine.poll_timeout().map(|(deadline, _)| deadline);
        assert!(!core.settle().writer, "there is nothing to write");
        core.machine.try_send(1, Bytes::new()).unwrap();
        assert!(core.settle().writer);
        assert!(!core.settle().writer, "it was woken before");
    }

    #[test]
    fn the_writer_is_woken_for_an_earlier_deadline() {
        let mut core = core();
        core.asleep.writer = Some(Instant::MAX);
        assert!(core.settle().writer, "a ping is due before that");
    }

    #[test]
    fn a_pong_that_waits_in_the_socket_counts_although_the_deadline_is_over() {
        let silent = |core: &mut Core<_>| {
            let ping = Instant::from_secs(60);
            core.keep_deadlines(ping);
            core.machine.transmit_into(ping, &mut BytesMut::new(), usize::MAX);
            let (deadline, timer) = core.machine.poll_timeout().unwrap();
            assert_eq!(timer, Timer::PongTimeout);
            core.keep_deadlines(deadline);
            assert_eq!(core.next_deadline(), Some(deadline + GRACE));
            assert!(!core.has_ended());
            deadline
        };
        let mut held_up = core();
        let deadline = silent(&mut held_up);
        held_up.machine.receive_from(deadline + Duration::from_millis(1), b"\x02\x12\x00", false);
        held_up.keep_deadlines(deadline + GRACE);
        assert!(!held_up.has_ended());
        assert_eq!(held_up.next_deadline(), Some(Instant::from_secs(120)), "the next ping");

        let mut dead = core();
        let deadline = silent(&mut dead);
        dead.keep_deadlines(deadline + GRACE);
        assert!(dead.has_ended());
    }

    #[test]
    fn a_process_that_was_held_up_reads_before_it_judges() {
        let mut core = core();
        let late = Instant::from_secs(1_000);
        core.keep_deadlines(late);
        assert_eq!(core.machine.status(late).counters.pings_sent, 0);
        assert_eq!(core.next_deadline(), Some(late + GRACE));
        core.keep_deadlines(late + GRACE);
        assert!(core.machine.wants_write(), "a ping is due");
    }

    #[test]
    fn a_reader_is_woken_when_half_of_the_inbox_is_free_or_all_is_taken() {
        for waiting in [4, 1] {
            let mut core = core();
            core.machine.receive_from(NOW, &wire(waiting), false);
            core.asleep.reader = true;
            core.asleep.room.begin();
            for taken in 1..=waiting {
                assert!(core.next_message().is_some());
                assert_eq!(core.settle().reader, taken == waiting.min(2), "{taken} of {waiting}");
            }
        }
    }

    #[test]
    fn the_end_wakes_everybody_and_shuts_down_once() {
        let mut core = core();
        core.machine.receive_from(NOW, &wire(2), false);
        core.abort(NOW);
        let wake = core.settle();
        assert!(wake.everybody && wake.shut_down);
        assert!(!core.settle().shut_down);
        assert!(core.next_message().is_some() && core.next_message().is_some() && core.next_message().is_none());
        assert!(!core.thread_ends(NOW, false) && core.thread_ends(NOW, true));
        assert!(core.closed.is_none());
        let _ = core.settle();
        assert_eq!(core.closed.unwrap().reason, CloseReason::Local);
    }

    #[test]
    fn a_flush_is_shut_down_by_the_writer() {
        let mut core = core();
        core.machine.try_send(1, Bytes::from_static(b"last words")).unwrap();
        core.close_after_flush(NOW, None);
        assert!(!core.settle().everybody, "it has not ended");
        core.machine.transmit_into(NOW, &mut BytesMut::new(), usize::MAX);
        let wake = core.settle();
        assert!(wake.everybody && !wake.shut_down && core.is_flushed());
        core.abort(NOW);
        assert!(core.settle().shut_down);
        assert_eq!(core.reason, Some(CloseReason::Flushed));
    }
}
