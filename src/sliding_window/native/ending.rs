//! The ways to end: in order, by an abort, by a fault, by silence.

use alloc::format;
use alloc::string::ToString;

use bytes::Bytes;

use super::{Life, Native, sender_config};
use crate::sliding_window::close::{Progress, Stage, Todo};
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::event::{AbortReason, Event};
use crate::sliding_window::farewell::Farewell;
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::handshake::Phase;
use crate::sliding_window::packet::{Frame, FramesPacket, Writer, seal, varint_len};
use crate::sliding_window::sender::Sender;
use crate::time::Instant;

/// The largest code that a user can give.
pub(super) const MAX_CODE: u64 = CODE_FINISHED - 1;
/// What an abort carries that is none: both sides have finished, and the one that says so has everything and is *done*.
pub(super) const CODE_FINISHED: u64 = 1 << 60;
/// What an abort carries when a session has ended by itself. No user gives such a code by accident.
const CODE_BY_ITSELF: u64 = CODE_FINISHED + 1;
/// The most bytes of a packet that tells of an end.
const FAREWELL_LEN: usize = FramesPacket::header_len(true) + 10 + AbortReason::MAX_TEXT;

impl Native {
    /// Ends the session, if it has not ended. What has arrived stays to be taken; all else is let go.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if !self.is_open() {
            return;
        }
        self.settle_name();
        if !self.may_resume(&reason) {
            self.sender = Sender::new(sender_config(&self.config));
        }
        (self.close_deadline, self.linger_until, self.blocked_since) = (None, None, None);
        self.done_again = None;
        let told = self.last_words(&reason).filter(|_| self.handshake.is_established());
        self.farewell = told.and_then(|told| self.write_farewell(&told));
        self.life = match &self.farewell {
            Some(farewell) => Life::Leaving { reason, until: farewell.until() },
            None => Life::Ended(reason),
        };
        if !matches!(self.life, Life::Leaving { .. }) {
            self.link = None;
        }
    }

    /// Whether a session that ended so can be gone on with: the network has cut it, nobody wanted its end; or it was to go on
    /// with another, and did not come to that.
    pub(super) const fn may_resume(&self, reason: &CloseReason) -> bool {
        match reason {
            CloseReason::TransportFailed
            | CloseReason::IdleTimeout { .. }
            | CloseReason::ProbesExhausted { .. }
            | CloseReason::UnackedLimit { .. } => true,
            CloseReason::HandshakeTimeout { .. } | CloseReason::NeverConnected => self.resumes.is_some(),
            _ => false,
        }
    }

    /// A packet of the peer has shown that the session is open there too.
    pub(super) fn settle_name(&mut self) {
        if self.newest_packet().is_some()
            && let Some(name) = &mut self.name
        {
            name.settle();
        }
    }

    /// What the peer is told of this end, when it does not know and may still listen.
    fn last_words(&self, reason: &CloseReason) -> Option<AbortReason> {
        match reason {
            CloseReason::Aborted { code, text } => Some(AbortReason { code: *code, text: text.clone() }),
            CloseReason::Peer(fault) => Some(AbortReason::new(CODE_BY_ITSELF, &format!("you broke a rule: {fault}"))),
            CloseReason::UnackedLimit { .. }
            | CloseReason::ZeroWindow { .. }
            | CloseReason::CloseTimeout { .. }
            | CloseReason::PeerTakesLess { .. }
            | CloseReason::ResumeRefused => Some(AbortReason::new(CODE_BY_ITSELF, &reason.to_string())),
            CloseReason::Finished if self.done_due => Some(AbortReason::new(CODE_FINISHED, "")),
            CloseReason::Finished
            | CloseReason::NeverConnected
            | CloseReason::PeerAborted { .. }
            | CloseReason::TransportFailed
            | CloseReason::HandshakeTimeout { .. }
            | CloseReason::IdleTimeout { .. }
            | CloseReason::ProbesExhausted { .. } => None,
        }
    }

    /// Writes the packet that tells the peer of the end: the next one, which is the last.
    fn write_farewell(&self, told: &AbortReason) -> Option<Farewell> {
        let link = self.link.as_ref()?;
        let mut buffer = [0; FAREWELL_LEN];
        let room = buffer.get_mut(..link.max_datagram.min(FAREWELL_LEN))?;
        let mut writer = Writer::new(room);
        let number = self.packets.shorten(link.recovery.next_packet_number());
        FramesPacket::begin(&mut writer, link.peer.tag, number, link.check);
        // The peer may take smaller datagrams than we do.
        let most = writer.remaining().saturating_sub(varint_len(told.code)).saturating_sub(2);
        Frame::Abort { code: told.code, text: told.text_within(most).as_bytes() }.write(&mut writer);
        let datagram = writer.finish().and_then(|len| buffer.get_mut(..len))?;
        seal(datagram);
        let until = self.now + self.config.linger;
        Some(Farewell::new(self.config.tag, link.check, Bytes::copy_from_slice(datagram), until))
    }

    /// Tells the peer, once, that the session has ended.
    #[cold]
    pub(super) fn transmit_farewell(&mut self, buffer: &mut [u8]) -> usize {
        if !matches!(self.life, Life::Leaving { .. }) {
            return 0;
        }
        self.left();
        let Some(datagram) = self.farewell.as_ref().map(Farewell::datagram) else { return 0 };
        let Some(buffer) = buffer.get_mut(..datagram.len()) else { return 0 };
        buffer.copy_from_slice(datagram);
        datagram.len()
    }

    /// What answers for this session, once it is closed.
    pub(crate) fn take_farewell(&mut self) -> Option<Farewell> {
        let lingers = self.is_closed() && !self.config.linger.is_zero();
        self.farewell.take_if(|_| lingers)
    }

    /// The peer was told, or could not be.
    pub(super) fn left(&mut self) {
        if let Life::Leaving { reason, .. } = &self.life {
            self.life = Life::Ended(reason.clone());
            self.link = None;
        }
    }

    /// A fault that only the peer can have committed, in a packet that a check has found undamaged.
    pub(super) fn fault(&mut self, fault: PeerFault) {
        self.end(CloseReason::Peer(fault));
    }

    /// Finishes our side, and ends when the peer has too.
    pub(super) fn start_closing(&mut self, now: Instant) {
        if self.handshake.phase() == Phase::Listen {
            self.end(CloseReason::NeverConnected);
            return;
        }
        if self.close_deadline.is_none() {
            self.close_deadline = Some(now + self.config.close_timeout);
        }
        self.finish(now);
    }

    pub(crate) fn finish(&mut self, now: Instant) {
        let now = self.clock(now);
        if self.is_open() {
            let todo = self.close.on(Progress::Finish);
            self.close_step(now, todo);
        }
    }

    /// The peer says that it is done. It can not be before we have said that we finish.
    pub(super) fn hear_done(&mut self) -> bool {
        self.peer_done |= self.close.is_finishing();
        self.heed_done();
        self.peer_done
    }

    /// Ends the session when the peer is done and we lack nothing either.
    pub(super) fn heed_done(&mut self) {
        if self.peer_done && matches!(self.close.stage(), Stage::BothFinishing | Stage::Lingering) {
            // Who has not said so itself does it in leaving.
            self.done_due |= self.close.stage() == Stage::BothFinishing;
            // Its application has taken everything, though it may not have come through that it has.
            let events = &mut self.events;
            self.sender.on_all_consumed(&mut |id| events.push_back(Event::Receipt(id)));
            let todo = self.close.on(Progress::PeerDone);
            self.close_step(self.now, todo);
        }
    }

    /// The peer is gone. That is no fault when nothing was missing but the acknowledgement of our end.
    pub(super) fn end_by_silence(&mut self, reason: CloseReason) {
        let lacks_nothing = self.sender.buffered_messages() == 0 && self.sender.waiting_receipts() == 0;
        let is_over = match self.close.stage() {
            Stage::BothFinishing => lacks_nothing,
            stage => stage == Stage::Lingering,
        };
        self.end(if is_over { CloseReason::Finished } else { reason });
    }

    pub(super) fn close_step(&mut self, now: Instant, todo: Todo) {
        match todo {
            Todo::Nothing => {}
            Todo::QueueFinish => self.sender.finish(),
            Todo::Linger => {
                self.done_due = true;
                self.linger_until = Some(now + self.config.linger);
                let timeout = self.link.as_ref().map(|link| link.recovery.probe_timeout());
                self.done_again = timeout.map(|timeout| (now + timeout, timeout));
                self.linger_limit = now + self.config.linger.saturating_mul(4);
                self.receipt_limit = self.linger_limit.max(now + self.config.close_timeout);
            }
            Todo::End => self.end(CloseReason::Finished),
        }
    }

    /// Looks at what an acknowledgement or an arrival may have brought about.
    #[inline]
    pub(super) fn after_progress(&mut self, now: Instant) {
        if !self.is_open() {
            return;
        }
        if self.close.is_finishing() && self.has_delivered_all() {
            let todo = self.close.on(Progress::Acknowledged);
            self.close_step(now, todo);
        }
        self.note_taken_all(now);
        self.note_blocked(now);
    }

    /// Whether everything of ours was acknowledged, the end too, and every receipt has come that was asked for.
    fn has_delivered_all(&self) -> bool {
        self.sender.is_finished() && self.sender.waiting_receipts() == 0
    }

    /// Notes whether our user has taken everything that the peer ever sends. Before that the peer may still wait for receipts.
    #[inline]
    pub(super) fn note_taken_all(&mut self, now: Instant) {
        // Rarely so, and asked for every message.
        if self.receiver.is_finished() {
            self.peer_finished(now);
        }
    }

    #[cold]
    fn peer_finished(&mut self, now: Instant) {
        if self.is_open() && !self.close.peer_has_finished() {
            let todo = self.close.on(Progress::PeerFinished);
            self.close_step(now, todo);
            self.heed_done();
        }
    }
}
