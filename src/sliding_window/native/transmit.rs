//! The way out: which packet goes next, and its bytes.

use super::ending::CODE_FINISHED;
use super::link::{Content, Link};
use super::{Life, Native};
use crate::sliding_window::packet::{Ack, Frame, FramesPacket, Writer, seal};
use crate::sliding_window::receiver::Receiver;
use crate::sliding_window::recovery::Gate;
use crate::time::Instant;

/// What a packet has got so far.
#[derive(Clone, Copy, Default)]
struct Carries {
    content: Content,
    ack: bool,
    /// It says that we have everything.
    done: bool,
    ping: bool,
    resent: bool,
}

impl Carries {
    /// Whether the peer is to acknowledge it.
    fn wants_ack(&self) -> bool {
        self.ping || self.content.credit || self.content.segment.is_some()
    }
}

impl Native {
    /// Writes the next datagram to the start of `buffer`; 0 when none is to be sent now, or `buffer` is too small for the
    /// largest.
    pub(crate) fn transmit(&mut self, now: Instant, buffer: &mut [u8]) -> usize {
        let now = self.clock(now);
        if buffer.len() < self.config.max_datagram {
            return 0;
        }
        let len = if !self.is_open() {
            self.transmit_farewell(buffer)
        } else {
            match self.transmit_greeting(buffer) {
                0 => self.transmit_frames(now, buffer),
                len => len,
            }
        };
        if len > 0 {
            self.counters.datagrams_sent = self.counters.datagrams_sent.wrapping_add(1);
            self.counters.bytes_sent = self.counters.bytes_sent.wrapping_add(len as u64);
        }
        len
    }

    #[inline]
    fn transmit_greeting(&mut self, buffer: &mut [u8]) -> usize {
        if self.handshake.is_due() { self.transmit_handshake(buffer) } else { 0 }
    }

    fn transmit_frames(&mut self, now: Instant, buffer: &mut [u8]) -> usize {
        if !self.handshake.is_established() {
            return 0;
        }
        let (credit, ping) = (self.wants_credit(), self.wants_ping());
        let Some(link) = &mut self.link else { return 0 };
        let Some(buffer) = buffer.get_mut(..link.max_datagram) else { return 0 };
        if credit || ping || self.done_due || link.probes > 0 || link.acks.has_pending() {
            self.transmit_any(now, buffer, credit, ping)
        } else {
            self.transmit_data(now, buffer)
        }
    }

    /// The usual packet: a segment, and nothing besides.
    #[inline]
    fn transmit_data(&mut self, now: Instant, buffer: &mut [u8]) -> usize {
        let Some(link) = &mut self.link else { return 0 };
        if !link.may_ask(now, self.sender.has_work()) {
            return 0;
        }
        let number = link.recovery.next_packet_number();
        let mut writer = Writer::new(buffer);
        FramesPacket::begin(&mut writer, link.peer.tag, self.packets.shorten(number), link.check);
        let new = self.sender.next_segment();
        let Some(segment) = self.sender.write_next(now, self.segments, &mut writer) else {
            self.note_blocked(now);
            return 0;
        };
        let len = seal_written(writer.finish(), buffer);
        let content = Content { segment: Some(segment), credit: false };
        self.sent(now, len, Carries { content, resent: segment < new, ..Carries::default() });
        len
    }

    /// A packet that brings something else, and a segment if one may go.
    #[inline(never)]
    fn transmit_any(&mut self, now: Instant, buffer: &mut [u8], credit: bool, ping: bool) -> usize {
        let wants = credit || self.sender.has_work() || (ping && self.linger_until.is_none());
        let Some(link) = &mut self.link else { return 0 };
        let may_ask = link.may_ask(now, wants);
        let (ack_due, probes) = (link.acks.due(now), link.probes > 0);
        if !may_ask && !ack_due && !self.done_due {
            return 0;
        }
        let number = link.recovery.next_packet_number();
        let mut writer = Writer::new(buffer);
        FramesPacket::begin(&mut writer, link.peer.tag, self.packets.shorten(number), link.check);
        let header = writer.len();
        let ack = link.acks.has_pending() && self.write_ack(now, &mut writer);
        let mut carries = Carries { ack, ..Carries::default() };
        if may_ask {
            if credit {
                carries.content.credit = self.receiver.credit().write(&mut writer);
            }
            if ping {
                carries.ping = Frame::Ping.write(&mut writer);
            }
            self.write_data(now, &mut writer, &mut carries);
            if carries.content.segment.is_none() && carries.ack && !ack_due && !carries.wants_ack() {
                // What has to be sent again may be too long beside an acknowledgement that nobody waits for yet.
                writer.rewind(header);
                carries.ack = false;
                self.write_data(now, &mut writer, &mut carries);
            }
            if probes && !carries.wants_ack() {
                self.write_probe(now, &mut writer, &mut carries);
            }
        }
        if self.done_due {
            carries.done = Frame::Abort { code: CODE_FINISHED, text: &[] }.write(&mut writer);
        }
        let is_worth_it = carries.wants_ack() || carries.done || (carries.ack && ack_due);
        if !is_worth_it {
            self.note_blocked(now);
            return 0;
        }
        let len = seal_written(writer.finish(), buffer);
        self.sent(now, len, carries);
        len
    }

    /// Whether anything but data or an acknowledgement is to be sent.
    #[inline]
    fn wants_control(&self) -> bool {
        credit_due(&self.receiver) || self.credit_lost || (self.linger_until.is_none() && self.wants_ping())
    }

    #[inline]
    fn wants_ping(&self) -> bool {
        self.keepalive.ping_due() || self.handshake.confirm_due()
    }

    /// Whether the peer is to be told our credit. It is found out anew when something has come or was taken.
    #[inline]
    fn wants_credit(&mut self) -> bool {
        if self.receiver.take_touched() {
            self.credit_due = credit_due(&self.receiver);
        }
        self.credit_due || self.credit_lost
    }

    /// Writes what has arrived.
    #[inline(never)]
    fn write_ack(&self, now: Instant, writer: &mut Writer<'_>) -> bool {
        let Some(Link { acks, peer, .. }) = &self.link else { return false };
        // Not always the newest packet: what is full of gaps is told in several acknowledgements, the oldest part first.
        let Some(largest) = acks.ranges().next().map(|range| *range.end()) else { return false };
        let delay = u64::try_from(acks.delay(now).as_micros()).unwrap_or(u64::MAX);
        Ack::write(writer, peer.packets.shorten(largest), delay, acks.ranges())
    }

    /// Writes the next segment, if there is one that fits and the peer's credit allows.
    #[inline(never)]
    fn write_data(&mut self, now: Instant, writer: &mut Writer<'_>, carries: &mut Carries) {
        let new = self.sender.next_segment();
        carries.content.segment = self.sender.write_next(now, self.segments, writer);
        carries.resent = carries.content.segment.is_some_and(|segment| segment < new);
    }

    /// A probe carries something that the peer acknowledges, whatever happens: new data, the oldest segment that is not
    /// acknowledged, or a ping (RFC 9002 section 6.2.4).
    #[cold]
    fn write_probe(&mut self, now: Instant, writer: &mut Writer<'_>, carries: &mut Carries) {
        match self.sender.probe_segment(now, writer.remaining()) {
            Some(segment) => {
                let len = self.sender.encode(segment, self.segments.shorten(segment), writer.free());
                writer.written(len);
                carries.content.segment = Some(segment);
                carries.resent = true;
            }
            None => carries.ping = Frame::Ping.write(writer),
        }
    }

    /// Notes that a packet leaves.
    #[inline(always)]
    fn sent(&mut self, now: Instant, len: usize, carries: Carries) {
        let Some(link) = &mut self.link else { return };
        let content = carries.content;
        let wants_ack = carries.wants_ack();
        link.recovery.on_sent(now, len, wants_ack, content);
        if carries.ack {
            link.acks.on_sent_ack();
        }
        if wants_ack {
            link.probes = link.probes.saturating_sub(1);
            self.keepalive.said(now);
        }
        if carries.ping {
            self.handshake.confirmed();
        }
        self.done_due &= !carries.done;
        if content.credit {
            self.credit_lost = false;
        }
        let counters = &mut self.counters;
        counters.data_sent = counters.data_sent.wrapping_add(u64::from(content.segment.is_some()));
        if carries.ack || carries.ping || carries.resent || content.credit || !wants_ack {
            let count = |counter: &mut u64, happened: bool| *counter = counter.wrapping_add(u64::from(happened));
            count(&mut counters.acks_sent, carries.ack);
            count(&mut counters.ack_only_sent, !wants_ack && !carries.done);
            count(&mut counters.pings_sent, carries.ping);
            count(&mut counters.credits_sent, content.credit);
            count(&mut counters.data_resent, carries.resent);
        }
        if content.segment.is_some() && !carries.resent {
            self.blocked_since = None;
        }
        self.note_blocked(now);
    }

    /// Whether pulling output may give some now.
    pub(crate) fn wants_write(&self) -> bool {
        match self.life {
            Life::Ended(_) | Life::Closed(_) => return false,
            Life::Leaving { .. } => return true,
            Life::Open => {}
        }
        if self.greets() {
            return true;
        }
        let Some(link) = self.link.as_ref().filter(|_| self.handshake.is_established()) else { return false };
        self.done_due
            || link.acks.due(self.now)
            || link.probes > 0
            || ((self.sender.has_work() || self.wants_control()) && link.may_be_asked(self.now))
    }
}

/// Whether the peer is to be told what is free here. Who has finished needs no more credit, but may wait for receipts.
fn credit_due(receiver: &Receiver) -> bool {
    if receiver.has_ended() { receiver.receipt_due() } else { receiver.credit_due() }
}

impl Link {
    /// Whether to ask for a packet that the peer acknowledges: it may go, or it is the pacer that holds it back and the time for that
    /// is not noted yet. Without the note nobody would wake for it.
    fn may_be_asked(&self, now: Instant) -> bool {
        match self.recovery.gate(now, self.max_datagram) {
            Gate::Open => true,
            Gate::Blocked => false,
            Gate::At(_) => self.pace.is_none_or(|noted| noted <= now),
        }
    }

    /// Whether a packet that the peer acknowledges may go now; notes the time for which the pacer holds it back.
    #[inline]
    fn may_ask(&mut self, now: Instant, wants: bool) -> bool {
        self.pace = None;
        if self.probes > 0 {
            return true;
        }
        if !wants {
            return false;
        }
        match self.recovery.gate(now, self.max_datagram) {
            Gate::Open => true,
            Gate::Blocked => false,
            Gate::At(moment) => {
                self.pace = Some(moment);
                false
            }
        }
    }
}

/// Completes the packet that was written; 0 when it did not fit, which no packet does that is written here.
#[inline]
fn seal_written(len: Option<usize>, buffer: &mut [u8]) -> usize {
    let Some(datagram) = len.and_then(|len| buffer.get_mut(..len)) else { return 0 };
    seal(datagram);
    datagram.len()
}
