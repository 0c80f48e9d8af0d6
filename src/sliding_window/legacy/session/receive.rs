//! The way in: a datagram, who sent it, what it tells.

use super::closing::Life;
use super::incoming::Arrival;
use super::{Echo, Legacy};
use crate::sliding_window::event::Event;
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::legacy::state_table::{TcpEvent, TcpState};
use crate::sliding_window::legacy::{Packet, RttSummary};
use crate::time::Instant;

use super::config::LegacyConfig;

impl Legacy {
    pub(super) fn on_datagram(&mut self, now: Instant, datagram: &[u8]) {
        self.counters.datagrams_received = self.counters.datagrams_received.wrapping_add(1);
        self.counters.bytes_received = self.counters.bytes_received.wrapping_add(datagram.len() as u64);
        if matches!(self.life, Life::Ended(_) | Life::Closed(_)) {
            return;
        }
        match Packet::decode(datagram) {
            Ok((packet, _)) => self.on_packet(now, &packet),
            Err(_) => self.malformed(),
        }
    }

    fn malformed(&mut self) {
        self.counters.malformed = self.counters.malformed.wrapping_add(1);
    }

    /// Whether the packet can be from our peer, as far as names and nonces tell.
    ///
    /// Before the session is open, who knows our nonce is believed more than who has sent a SYN: anybody can.
    fn is_from_peer(&self, packet: &Packet<&[u8]>, knows_us: bool) -> bool {
        let is_peer = packet.from == self.peer.inbox || self.peer.inbox.is_empty();
        let is_nonce = packet.from_nonce.len() == LegacyConfig::NONCE_LEN
            && packet.from_nonce.iter().all(u8::is_ascii_alphanumeric)
            && (self.peer.nonce.is_empty()
                || packet.from_nonce == self.peer.nonce
                || (knows_us && !self.is_established() && self.state != TcpState::Closed));
        let is_named = !packet.from.is_empty() && packet.from.len() <= LegacyConfig::MAX_INBOX;
        is_peer && is_nonce && is_named
    }

    fn on_packet(&mut self, now: Instant, packet: &Packet<&[u8]>) {
        let echo = Echo { sent_at: packet.data_sent_at, retry: packet.sequence_retry };
        let is_syn = packet.event == TcpEvent::Syn && packet.dest_nonce.is_empty();
        let knows_us = packet.dest_nonce == self.legacy.nonce.as_bytes() && self.state != TcpState::Listen;
        if !self.is_from_peer(packet, knows_us) || !(is_syn || knows_us) {
            self.counters.wrong_tag = self.counters.wrong_tag.wrapping_add(1);
            return;
        }
        if !packet.checksum_matches() {
            self.counters.wrong_check = self.counters.wrong_check.wrapping_add(1);
            return;
        }
        let is_data = packet.event == TcpEvent::Data;
        // The header has no check: what makes no sense may be an accident.
        if self.acked_end(packet).is_none() || (is_data && packet.sequence < 0) {
            return self.malformed();
        }
        if is_syn {
            self.counters.syns_received = self.counters.syns_received.wrapping_add(1);
            self.on_syn(now, packet.from, packet.from_nonce, echo);
            // Who repeats its SYN may be anybody who has seen one.
            if self.state == TcpState::SynReceived {
                self.learn(packet);
            }
            return;
        }
        if self.is_open() {
            self.on_answer(now, packet.event, packet.from_nonce, echo);
            self.hear(now, packet);
        }
        match packet.event {
            TcpEvent::Data => self.on_data(now, packet, echo),
            TcpEvent::Fin if self.state == TcpState::CloseResponderGotFin => self.hear_end_again(now, echo),
            TcpEvent::Fin if self.state == TcpState::CloseInitiatorHasSentFin => {
                self.closing.peer_fin = Some(echo);
                self.act(now, TcpEvent::Fin, echo);
            }
            TcpEvent::Fin | TcpEvent::FinAck => self.act(now, packet.event, echo),
            TcpEvent::KeepAlive => {
                self.counters.pings_received = self.counters.pings_received.wrapping_add(1);
                // An end that is ending still lives.
                if self.state == TcpState::CloseResponderGotFin || self.state == TcpState::CloseInitiatorHasSentFin {
                    self.due.keepalive_ack = Some(echo);
                } else {
                    self.act(now, packet.event, echo);
                }
            }
            TcpEvent::SynAck => {
                self.counters.syn_acks_received = self.counters.syn_acks_received.wrapping_add(1);
            }
            _ => {}
        }
        self.after_progress(now);
    }

    /// What every packet of the peer tells, whatever it is.
    fn hear(&mut self, now: Instant, packet: &Packet<&[u8]>) {
        self.heard = now;
        self.probes = 0;
        if matches!(packet.event, TcpEvent::Data | TcpEvent::KeepAlive) {
            // It lives and has not heard our FIN.
            self.closing.fins = self.closing.fins.min(1);
        }
        self.learn(packet);
        let (estimate, deviation) = (packet.rtt_estimate, packet.rtt_deviation);
        self.timeout.hear(RttSummary { estimate, deviation, samples: packet.rtt_samples });
        if packet.event == TcpEvent::DataAck {
            self.counters.acks_received = self.counters.acks_received.wrapping_add(1);
            if let Some(sample) = self.since(now, packet.data_sent_at) {
                self.timeout.sample(sample, packet.ack_retry >= 0);
            }
        }
        if let Some(end) = self.acked_end(packet) {
            let Self { outgoing, events, .. } = self;
            let progress = outgoing.on_acked(end, &mut |number| {
                events.push_back(Event::Receipt(crate::sliding_window::sender::MessageId(number)));
            });
            if progress {
                self.timeout.on_progress(now);
                self.blocked_since = None;
            }
        }
    }

    /// What the packet acknowledges: everything before this number. `None` when it can not be true.
    ///
    /// The original's 0 means number 0 or nothing at all; only its answer to a data packet tells: it had number 0 when it
    /// answered, or the answer would not repeat one.
    fn acked_end(&self, packet: &Packet<&[u8]>) -> Option<u64> {
        let ack = packet.ack;
        let is_answer = packet.event == TcpEvent::DataAck && packet.ack_retry >= 0;
        if ack < 0 || (ack == 0 && !is_answer) {
            return Some(0);
        }
        let end = ack.unsigned_abs().saturating_add(1);
        (end <= self.outgoing.sent_end()).then_some(end)
    }

    /// The largest windows that it ever told are its windows: it counts from what was received, and we from what it consumed.
    fn learn(&mut self, packet: &Packet<&[u8]>) {
        let known = self.peer.window > 0;
        self.peer.window = self.peer.window.max(u64::try_from(packet.available_messages).unwrap_or(0));
        self.peer.window_bytes = self.peer.window_bytes.max(u64::try_from(packet.available_bytes).unwrap_or(0));
        self.peer.is_mended |= packet.ack < 0;
        if !known && self.peer.window > 0 && self.legacy.peer_window.is_none() && self.is_established() {
            // Until now it was allowed one message.
            self.due.keepalive |= packet.event == TcpEvent::EstabAck;
        }
    }

    fn on_data(&mut self, now: Instant, packet: &Packet<&[u8]>, echo: Echo) {
        if packet.data.len() > self.config.receive.max_message {
            let (size, limit) = (packet.data.len() as u64, self.config.receive.max_message as u64);
            return self.fault(PeerFault::MessageTooLarge { size, limit });
        }
        if !self.is_open() {
            // It has missed our last acknowledgement.
            self.due.data_ack = Some(echo);
            return;
        }
        match self.incoming.on_data(packet.sequence, packet.data, echo) {
            Arrival::New => {
                self.counters.data_received = self.counters.data_received.wrapping_add(1);
                if self.closing.peer_fin.is_some() {
                    self.drain(now);
                }
            }
            Arrival::Duplicate => self.duplicate(),
            Arrival::Outside => {
                self.duplicate();
                // As the original: otherwise windows that do not overlap never would.
                self.due.data_ack = Some(echo);
            }
            Arrival::Refused => self.counters.data_refused = self.counters.data_refused.wrapping_add(1),
        }
    }

    fn duplicate(&mut self) {
        self.counters.data_duplicates = self.counters.data_duplicates.wrapping_add(1);
    }
}
