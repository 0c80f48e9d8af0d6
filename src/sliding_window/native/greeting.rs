//! The packets of the handshake: what we say of ourselves, and what the peer says of itself.

use super::link::{Peer, VERSION};
use super::{Life, Native};
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::event::Event;
use crate::sliding_window::handshake::{Handshake, Phase, Reaction, Step};
use crate::sliding_window::packet::{Hello, Holes, Resume, Retry, encode_syn, encode_syn_ack};
use crate::sliding_window::resume::{Name, Tags};
use crate::time::Instant;

/// Bytes for the list of missing segments: it must leave room for the rest in the smallest datagram.
const HOLES_ROOM: usize = 96;

impl Native {
    pub(super) fn on_syn(&mut self, now: Instant, hello: &Hello<'_>, bytes: usize) {
        self.counters.syns_received = self.counters.syns_received.wrapping_add(1);
        let Some(mut peer) = Peer::new(hello, self.config.tag) else { return self.ignore() };
        // Who waits for the peer of a session that was cut takes no other.
        if self.resumes.is_some() {
            let Some(called) = self.offered(hello) else { return self.ignore() };
            self.called = Some(called);
            peer.resume(hello);
        }
        self.meet(now, peer, |handshake, tag| handshake.on_syn(now, tag, bytes));
    }

    pub(super) fn on_syn_ack(&mut self, now: Instant, hello: &Hello<'_>) {
        self.counters.syn_acks_received = self.counters.syn_acks_received.wrapping_add(1);
        let Some(mut peer) = Peer::new(hello, self.config.tag) else { return self.ignore() };
        match self.offered(hello) {
            None if self.resumes.is_some() => peer.refuses = true,
            called => {
                self.called = called;
                peer.resume(hello);
            }
        }
        self.meet(now, peer, |handshake, tag| handshake.on_syn_ack(now, tag));
    }

    pub(super) fn on_retry(&mut self, now: Instant, retry: Retry<'_>) {
        self.counters.retries_received = self.counters.retries_received.wrapping_add(1);
        let reaction = self.handshake.on_retry(now, bytes::Bytes::copy_from_slice(retry.cookie));
        self.react(now, reaction);
    }

    fn meet(&mut self, now: Instant, peer: Peer, tell: impl FnOnce(&mut Handshake, u64) -> Reaction) {
        let tag = peer.tag;
        self.peer_hello = Some(peer);
        let reaction = tell(&mut self.handshake, tag);
        self.react(now, reaction);
        self.peer_hello = None;
    }

    /// The tags of the session that was cut, if the other side means the same.
    fn offered(&self, hello: &Hello<'_>) -> Option<Tags> {
        let (name, offer) = (self.resumes?, hello.resume?);
        let tags = (offer.yours, offer.ours);
        // What was cut for larger datagrams could not be sent again.
        (name.is(tags) && hello.max_datagram >= name.max_datagram as u64).then_some(tags)
    }

    pub(super) fn ignore(&mut self) {
        self.counters.handshake_ignored = self.counters.handshake_ignored.wrapping_add(1);
    }

    /// The session is open: what the peer said of itself holds from now on.
    pub(super) fn open(&mut self, now: Instant) {
        let Some(link) = &mut self.link else { return };
        self.keepalive.heard(now);
        let peer = &mut link.peer;
        if peer.refuses {
            return self.end(CloseReason::ResumeRefused);
        }
        let (resume, credit) = (peer.resume.take(), peer.credit);
        let limit = usize::try_from(peer.max_message).unwrap_or(usize::MAX).min(self.config.send.max_message);
        self.name = Some(Name::new((self.config.tag, peer.tag), self.called, link.max_datagram));
        self.sender.set_max_frame(super::frame_room(&self.config, link.max_datagram));
        self.sender.on_credit(&credit);
        self.events.push_back(Event::Connected);
        if !self.sender.set_max_message(limit) {
            return self.end(CloseReason::PeerTakesLess { limit });
        }
        if self.resumes.is_some()
            && let Some(received) = resume
            && let Err(fault) = self.sender.on_resumed(received.next_expected, received.ranges.into_iter())
        {
            return self.fault(fault);
        }
        // What was finished in the session that was cut stays finished.
        self.after_progress(now);
        self.note_blocked(now);
    }

    /// Writes the packet of the handshake that is due; 0 when there is none.
    #[cold]
    pub(super) fn transmit_handshake(&mut self, buffer: &mut [u8]) -> usize {
        if !self.handshake.is_due() || self.life != Life::Open {
            return 0;
        }
        let Some(buffer) = buffer.get_mut(..self.config.max_datagram) else { return 0 };
        // Which one may go depends on its size: the size of an answer does not depend on whether it may go.
        let answer = self.write_step(Step::SynAck, buffer);
        let Some(step) = self.handshake.due(answer) else { return 0 };
        let len = if step == Step::SynAck { answer } else { self.write_step(step, buffer) };
        self.handshake.sent(step, len);
        match step {
            Step::Syn => self.counters.syns_sent = self.counters.syns_sent.wrapping_add(1),
            Step::SynAck => self.counters.syn_acks_sent = self.counters.syn_acks_sent.wrapping_add(1),
        }
        len
    }

    fn write_step(&self, step: Step, buffer: &mut [u8]) -> usize {
        let mut holes = [0; HOLES_ROOM];
        let resume = self.resumes.map(|name| {
            let answered = self.called.filter(|_| step == Step::SynAck);
            let (ours, yours) = answered.unwrap_or_else(|| name.called(self.handshake.attempts()));
            let (next_expected, holes) =
                (self.receiver.next_expected(), Holes::encode(&mut holes, self.receiver.holes()));
            Resume { ours, yours, next_expected, holes }
        });
        let credit = self.receiver.granted();
        let cookie = self.handshake.cookie();
        let hello = Hello {
            version: VERSION,
            source: self.config.tag,
            initial_packet: self.packets.initial(),
            initial_segment: self.segments.initial(),
            max_bytes: credit.max_bytes,
            max_messages: credit.max_messages,
            max_segment: credit.max_segment,
            max_message: self.config.receive.max_message as u64,
            max_datagram: self.config.max_datagram as u64,
            max_ack_delay: self.config.ack.max_delay.as_micros().try_into().unwrap_or(u64::MAX),
            cookie: (step == Step::Syn && !cookie.is_empty()).then_some(cookie.as_ref()),
            resume,
        };
        let written = match step {
            Step::Syn => encode_syn(buffer, &hello, SYN_LEN),
            Step::SynAck => encode_syn_ack(buffer, self.handshake.peer().unwrap_or(0), &hello),
        };
        written.unwrap_or(0)
    }

    /// Whether a packet of the handshake could be written now.
    pub(super) fn greets(&self) -> bool {
        self.handshake.is_due() && self.handshake.phase() != Phase::Listen
    }
}

/// A `Syn` is padded to this, so that the answer is less than three times as large.
const SYN_LEN: usize = 128;
