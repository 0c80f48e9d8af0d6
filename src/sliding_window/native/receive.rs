//! The way in: a datagram, its packet, its frames.

use super::Native;
use super::ending::CODE_FINISHED;
use super::link::{Content, Link};
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::event::Event;
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::{Ack, Credit, Data, Frame, FramesPacket, Packet, PacketError, decode, destination};
use crate::sliding_window::receiver::Arrival;
use crate::sliding_window::recovery::{AckError, Outcome, Receipt};
use crate::time::{Duration, Instant};

/// What is wrong with a packet.
enum Wrong {
    /// The peer can not have sent it: it was damaged, or the peer breaks a rule.
    Fault(PeerFault),
    /// It brought data that we have no room for: as if it had never come.
    Refused,
}

impl From<PacketError> for Wrong {
    fn from(error: PacketError) -> Self {
        Self::Fault(PeerFault::Packet(error))
    }
}

impl Native {
    pub(super) fn on_datagram(&mut self, now: Instant, datagram: &[u8]) {
        self.counters.datagrams_received = self.counters.datagrams_received.wrapping_add(1);
        self.counters.bytes_received = self.counters.bytes_received.wrapping_add(datagram.len() as u64);
        // The tag first: what is not for us costs nothing more.
        match FramesPacket::peek(datagram) {
            Some(packet)
                if packet.destination == self.config.tag
                    && datagram.len() <= self.config.max_datagram
                    && packet.is_intact(datagram) =>
            {
                self.on_frames(now, &packet);
            }
            _ => self.on_other(now, datagram),
        }
    }

    /// A packet of the handshake, one that is damaged or not for us, or none at all.
    #[cold]
    fn on_other(&mut self, now: Instant, datagram: &[u8]) {
        match destination(datagram) {
            _ if datagram.len() > self.config.max_datagram => self.malformed(),
            None => self.malformed(),
            Some(tag) if tag != 0 && tag != self.config.tag => self.wrong_tag(),
            Some(_) => self.on_rare(now, decode(datagram), datagram.len()),
        }
    }

    fn on_rare(&mut self, now: Instant, packet: Result<Packet<'_>, PacketError>, len: usize) {
        match packet {
            Ok(Packet::Syn(hello)) => self.on_syn(now, &hello, len),
            Ok(Packet::SynAck { destination, hello }) if destination == self.config.tag => self.on_syn_ack(now, &hello),
            Ok(Packet::Retry { destination, retry }) if destination == self.config.tag => self.on_retry(now, retry),
            Ok(_) => self.wrong_tag(),
            Err(PacketError::Damaged { .. }) => {
                self.counters.wrong_check = self.counters.wrong_check.wrapping_add(1);
            }
            Err(_) => self.malformed(),
        }
    }

    fn malformed(&mut self) {
        self.counters.malformed = self.counters.malformed.wrapping_add(1);
    }

    fn checks(&self) -> bool {
        self.config.format.is_checked()
    }

    fn wrong_tag(&mut self) {
        self.counters.wrong_tag = self.counters.wrong_tag.wrapping_add(1);
    }

    fn on_frames(&mut self, now: Instant, packet: &FramesPacket<'_>) {
        // Damage may have hidden that there is a check.
        if self.checks() && !packet.checked {
            return self.malformed();
        }
        if self.link.is_none() {
            // The peer has answered and knows us, but its answer has not come.
            return self.ignore();
        }
        if !self.handshake.is_established() {
            let reaction = self.handshake.on_packet(now);
            self.react(now, reaction);
        }
        match self.read_frames(now, packet) {
            Ok(()) => self.after_progress(now),
            Err(Wrong::Refused) => self.counters.data_refused = self.counters.data_refused.wrapping_add(1),
            Err(Wrong::Fault(fault)) if packet.checked => self.fault(fault),
            // Without a check this may be an accident of the network.
            Err(Wrong::Fault(_)) => self.malformed(),
        }
    }

    fn read_frames(&mut self, now: Instant, packet: &FramesPacket<'_>) -> Result<(), Wrong> {
        let Some(link) = &self.link else { return Ok(()) };
        let expected = link.acks.newest().map_or(0, |newest| newest.saturating_add(1));
        let number = link.peer.packets.widen(packet.number, expected);
        let number = number.ok_or(Wrong::Fault(PeerFault::PacketBelowFirst))?;
        let wants_ack = match packet.only_data() {
            Some(data) => {
                self.on_data(&data)?;
                true
            }
            None => match self.on_each_frame(now, packet)? {
                Some(wants_ack) => wants_ack,
                None => return Ok(()),
            },
        };
        // Only now: a packet that could not be read was never received, and is not acknowledged.
        let Some(link) = &mut self.link else { return Ok(()) };
        if link.acks.on_packet(now, number, wants_ack) == Receipt::New {
            self.keepalive.heard(now);
            if wants_ack && self.linger_until.is_some() {
                // It asks again: our answer was lost.
                self.done_due = true;
                self.linger_until = Some((now + self.config.linger).min(self.linger_limit));
            }
        } else {
            self.counters.packet_duplicates = self.counters.packet_duplicates.wrapping_add(1);
        }
        Ok(())
    }

    /// Takes frames of any kind; tells whether they want an acknowledgement, or nothing when the session has ended.
    #[inline(never)]
    fn on_each_frame(&mut self, now: Instant, packet: &FramesPacket<'_>) -> Result<Option<bool>, Wrong> {
        let mut wants_ack = false;
        for frame in packet.frames() {
            match frame? {
                Frame::Data(data) => {
                    wants_ack = true;
                    self.on_late_data(&data)?;
                }
                Frame::Ack(ack) => self.on_ack(now, &ack)?,
                Frame::Credit(credit) => {
                    wants_ack = true;
                    self.on_credit(now, credit)?;
                }
                Frame::Ping => {
                    wants_ack = true;
                    self.counters.pings_received = self.counters.pings_received.wrapping_add(1);
                }
                Frame::Abort { code: CODE_FINISHED, .. } if self.hear_done() => return Ok(None),
                Frame::Abort { code, text } => {
                    self.on_abort(code, text);
                    return Ok(None);
                }
            }
        }
        Ok(Some(wants_ack))
    }

    #[cold]
    fn on_abort(&mut self, code: u64, text: &[u8]) {
        let text = alloc::string::String::from_utf8_lossy(text).into_owned();
        self.end(CloseReason::PeerAborted { code, text });
    }

    /// Data behind other frames.
    #[inline(never)]
    fn on_late_data(&mut self, data: &Data<'_>) -> Result<(), Wrong> {
        self.on_data(data)
    }

    #[inline(always)]
    fn on_data(&mut self, data: &Data<'_>) -> Result<(), Wrong> {
        let Some(link) = &self.link else { return Ok(()) };
        let expected = self.receiver.next_expected();
        // A segment before the first is an old one of which we are done, or never was: either way it brings nothing.
        let Some(segment) = link.peer.segments.widen(data.segment, expected) else { return Ok(()) };
        match self.receiver.on_data(segment, data.pieces) {
            Ok(Arrival::New) => self.counters.data_received = self.counters.data_received.wrapping_add(1),
            Ok(Arrival::Duplicate) => self.counters.data_duplicates = self.counters.data_duplicates.wrapping_add(1),
            Ok(Arrival::Refused) => return Err(Wrong::Refused),
            Err(fault) => return Err(Wrong::Fault(fault)),
        }
        Ok(())
    }

    #[inline(never)]
    fn on_credit(&mut self, now: Instant, credit: Credit) -> Result<(), Wrong> {
        self.counters.credits_received = self.counters.credits_received.wrapping_add(1);
        self.sender.on_credit(&credit);
        let events = &mut self.events;
        self.sender
            .on_consumed(credit.consumed, &mut |id| events.push_back(Event::Receipt(id)))
            .map_err(Wrong::Fault)?;
        self.note_blocked(now);
        Ok(())
    }

    #[inline(never)]
    fn on_ack(&mut self, now: Instant, ack: &Ack<'_>) -> Result<(), Wrong> {
        self.counters.acks_received = self.counters.acks_received.wrapping_add(1);
        let app_limited = !self.sender.has_work();
        let packets = self.packets;
        let Self { link, sender, counters, unacked, credit_lost, .. } = self;
        let Some(Link { recovery, acks, .. }) = link else { return Ok(()) };
        let malformed = Wrong::Fault(PeerFault::AckRanges);
        let Some(largest) = packets.widen(ack.largest, recovery.next_packet_number()) else { return Err(malformed) };
        let Some(ranges) = ack.ranges(largest) else { return Err(malformed) };
        let mut is_limit_reached = false;
        // Packets that were sent one after the other mostly carry segments that follow each other.
        let mut run = 0..0;
        let mut settle = |outcome: Outcome<Content>| match outcome {
            Outcome::Acked(Content { segment: Some(segment), .. }) if segment == run.end => {
                run.end = segment.wrapping_add(1)
            }
            Outcome::Acked(Content { segment: Some(segment), .. }) => {
                sender.on_acked_all(core::mem::replace(&mut run, segment..segment.wrapping_add(1)));
            }
            Outcome::Acked(_) => {}
            Outcome::Lost(content) => {
                sender.on_acked_all(core::mem::take(&mut run));
                if let Some(segment) = content.segment {
                    sender.on_lost(segment);
                }
                *credit_lost |= content.credit;
                counters.packets_lost = counters.packets_lost.wrapping_add(1);
                is_limit_reached |= unacked.on_unacked(now).is_err();
            }
            Outcome::WasNotLost(content) => {
                sender.on_acked_all(core::mem::take(&mut run));
                if let Some(segment) = content.segment {
                    sender.on_acked(segment);
                }
                counters.packets_not_lost = counters.packets_not_lost.wrapping_add(1);
            }
        };
        let delay = Duration::from_micros(ack.delay);
        let result = recovery.on_ack(now, ranges, delay, app_limited, &mut settle);
        sender.on_acked_all(run);
        acks.set_round_trip(recovery.round_trip().smoothed);
        if is_limit_reached {
            self.end_by_unacked_limit();
        }
        result.map_err(|error| match error {
            AckError::NeverSent { number } => Wrong::Fault(PeerFault::AcknowledgedUnsent { packet: number }),
            AckError::Disordered => Wrong::Fault(PeerFault::AckRanges),
        })
    }
}
