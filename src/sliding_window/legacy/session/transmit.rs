//! The way out: what goes next, and what every packet says.

use bytes::BytesMut;

use super::closing::Life;
use super::{Echo, Legacy};
use crate::sliding_window::legacy::state_table::{TcpEvent, TcpState};
use crate::sliding_window::legacy::{Packet, Timestamp, control};
use crate::time::Instant;

impl Legacy {
    pub(crate) fn transmit(&mut self, now: Instant, buffer: &mut [u8]) -> usize {
        let now = self.clock(now);
        if buffer.len() < self.config.max_datagram {
            return 0;
        }
        let mut out = core::mem::take(&mut self.scratch);
        out.clear();
        match self.life {
            Life::Open => {
                let _ = self.answer(now, &mut out) || self.data(now, &mut out) || self.keepalive(now, &mut out);
            }
            Life::Lingering { .. } => self.farewell(now, &mut out),
            Life::Ended(_) | Life::Closed(_) => {}
        }
        let len = out.len();
        // No packet is longer than a datagram: the data are limited so.
        let place = buffer.get_mut(..len).filter(|_| len > 0);
        let written = place.map(|place| place.copy_from_slice(&out)).is_some();
        self.scratch = out;
        if !written {
            return 0;
        }
        self.counters.datagrams_sent = self.counters.datagrams_sent.wrapping_add(1);
        self.counters.bytes_sent = self.counters.bytes_sent.wrapping_add(len as u64);
        len
    }

    pub(crate) fn wants_write(&self) -> bool {
        let due = &self.due;
        let ends = due.fin_ack.is_some() || due.data_ack.is_some();
        match self.life {
            Life::Open => {
                ends || due.syn
                    || due.fin
                    || due.keepalive
                    || due.syn_ack.is_some()
                    || due.estab_ack.is_some()
                    || due.keepalive_ack.is_some()
                    || (self.may_send_data() && self.outgoing.next(self.room()).is_some())
            }
            Life::Lingering { .. } => ends,
            Life::Ended(_) | Life::Closed(_) => false,
        }
    }

    /// What every packet says, as far as it is known. The answers repeat something.
    fn frame(&self, event: TcpEvent, number: i64) -> Packet<&[u8]> {
        // No more than the window of the original's own: its sender loses packets beyond that. It counts from what is consumed,
        // since so do the peer's acknowledgements: nothing is charged twice.
        let own = self.config.receive.window.min(self.config.receive.max_messages) as u64;
        let known = self.legacy.peer_window.map_or(self.peer.window, u64::from);
        let window = if self.peer.is_mended { own } else { own.min(known.max(1)) };
        Packet {
            from: self.legacy.inbox.as_bytes(),
            dest: &self.peer.inbox,
            from_nonce: self.legacy.nonce.as_bytes(),
            dest_nonce: &self.peer.nonce,
            sequence: number,
            sequence_retry: number,
            // -1 as long as nothing is consumed. The original's 0 acknowledges what it may never have got.
            ack: i64::try_from(self.incoming.consumed()).unwrap_or(i64::MAX).saturating_sub(1),
            event,
            available_bytes: i64::try_from(self.config.receive.max_bytes).unwrap_or(i64::MAX),
            available_messages: i64::try_from(window).unwrap_or(i64::MAX),
            // What a peer of the original would blend with its own estimate, dividing by zero, stays 0.
            ..Packet::default()
        }
    }

    /// An answer.
    fn reply(&self, now: Instant, event: TcpEvent, echo: Echo, out: &mut BytesMut) -> bool {
        let packet = Packet {
            data_sent_at: echo.sent_at,
            ack_retry: echo.retry,
            ack_replied_at: self.wall(now),
            ..self.frame(event, control::ACK)
        };
        packet.encode(out).is_ok()
    }

    /// Something that is said without having been asked.
    fn say(&self, event: TcpEvent, number: i64, sent_at: Timestamp, out: &mut BytesMut) -> bool {
        let ack_retry = if event == TcpEvent::Syn { 0 } else { number };
        Packet { ack_retry, data_sent_at: sent_at, ..self.frame(event, number) }.encode(out).is_ok()
    }

    fn answer(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        if core::mem::take(&mut self.due.syn) {
            self.counters.syns_sent = self.counters.syns_sent.wrapping_add(1);
            return self.say(TcpEvent::Syn, control::SYN, Timestamp::ZERO, out);
        }
        if let Some(echo) = self.due.syn_ack.take() {
            self.counters.syn_acks_sent = self.counters.syn_acks_sent.wrapping_add(1);
            return self.reply(now, TcpEvent::SynAck, echo, out);
        }
        if let Some(echo) = self.due.estab_ack.take() {
            return self.reply(now, TcpEvent::EstabAck, echo, out);
        }
        if let Some(echo) = self.due.data_ack.take().or_else(|| self.due.keepalive_ack.take()) {
            return self.acknowledge(now, echo, out);
        }
        if core::mem::take(&mut self.due.fin) {
            self.said = now;
            return self.say(TcpEvent::Fin, control::FIN, self.wall(now), out);
        }
        self.due.fin_ack.take().is_some_and(|echo| self.reply(now, TcpEvent::FinAck, echo, out))
    }

    fn acknowledge(&mut self, now: Instant, echo: Echo, out: &mut BytesMut) -> bool {
        self.counters.acks_sent = self.counters.acks_sent.wrapping_add(1);
        self.counters.ack_only_sent = self.counters.ack_only_sent.wrapping_add(1);
        self.reply(now, TcpEvent::DataAck, echo, out)
    }

    /// What an end that is closed still says.
    fn farewell(&mut self, now: Instant, out: &mut BytesMut) {
        if let Some(echo) = self.due.data_ack.take() {
            self.acknowledge(now, echo, out);
        } else if let Some(echo) = self.due.fin_ack.take() {
            self.reply(now, TcpEvent::FinAck, echo, out);
        }
    }

    /// Data wait until our ESTABACK has left, and until the peer has answered a SYNACK.
    fn may_send_data(&self) -> bool {
        self.is_established() && self.state != TcpState::CloseInitiatorHasSentFin && !self.peer.nonce.is_empty()
    }

    fn data(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        if !self.may_send_data() {
            return false;
        }
        let Some(number) = self.outgoing.next(self.room()) else { return false };
        let Some(slot) = self.outgoing.on_sent(now, number).cloned() else { return false };
        let again = u64::from(slot.transmissions > 1);
        self.counters.data_sent = self.counters.data_sent.wrapping_add(1);
        self.counters.data_resent = self.counters.data_resent.wrapping_add(again);
        self.said = now;
        self.due.keepalive = false;
        self.note_blocked(now);
        let packet = Packet {
            sequence: i64::try_from(number).unwrap_or(i64::MAX),
            sequence_retry: i64::from(slot.transmissions.saturating_sub(1)),
            data_sent_at: self.wall(now),
            cumulative_bytes: i64::try_from(slot.cumulative).unwrap_or(i64::MAX),
            data: &slot.payload[..],
            checksum: slot.checksum.as_ref().map_or(&[][..], <[u8; 64]>::as_slice),
            ..self.frame(TcpEvent::Data, 0)
        };
        packet.encode(out).is_ok()
    }

    fn keepalive(&mut self, now: Instant, out: &mut BytesMut) -> bool {
        if !core::mem::take(&mut self.due.keepalive) || self.peer.nonce.is_empty() {
            return false;
        }
        self.said = now;
        self.counters.pings_sent = self.counters.pings_sent.wrapping_add(1);
        self.say(TcpEvent::KeepAlive, control::KEEP_ALIVE, self.wall(now), out)
    }
}
