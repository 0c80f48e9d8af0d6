//! The way out: which packet goes next, and its bytes.

use bytes::BytesMut;

use super::frame::Frame;
use super::outgoing::Outgoing;
use super::state::{MConnState, Phase};
use crate::time::Instant;
use crate::wire::{Codec, Header};

/// A packet without a payload that is due.
#[derive(Clone, Copy)]
enum Control {
    Pong,
    Ping,
}

impl<C: Codec> MConnState<C> {
    /// Appends packets to `out` until `max` bytes are there, nothing more is ready, or the limiter says no. Returns how many
    /// bytes were appended.
    ///
    /// This is the hot path of sending: call it when the transport can take output, with a `max` of 64 KiB or so. Packets are
    /// whole: a packet that does not fit into `max` waits, so give at least `send_payload_size` and 24 bytes. The bytes are
    /// those that [`poll_transmit`](crate::machine::Machine::poll_transmit) gives one by one.
    pub fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        if self.has_ended() {
            return 0;
        }
        let now = self.clock(now);
        let mut room = max;
        while let Some(control) = self.take_control(room) {
            out.extend_from_slice(control);
            room = room.saturating_sub(control.len());
        }
        while let Some((wire_len, ())) = self.take_packet(now, room, |header, outgoing, payload_len| {
            append(out, header, outgoing.payload(payload_len));
        }) {
            room = room.saturating_sub(wire_len);
        }
        self.send_gate.record(now);
        self.end_if_flushed();
        max.saturating_sub(room)
    }

    pub(super) fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        if self.has_ended() {
            return None;
        }
        let now = self.clock(now);
        let frame = match self.take_control(usize::MAX) {
            Some(control) => Some(Frame::control(control)),
            None => self
                .take_packet(now, usize::MAX, |header, outgoing, payload_len| {
                    Frame::new(*header, outgoing.share_payload(payload_len))
                })
                .map(|(_, frame)| frame),
        };
        self.send_gate.record(now);
        self.end_if_flushed();
        frame
    }

    /// The next ping or pong that is due and fits; pongs first, since somebody waits for them.
    fn take_control(&mut self, room: usize) -> Option<&'static [u8]> {
        let control = match (self.keepalive.pong_due, self.keepalive.ping_due) {
            (true, _) => Control::Pong,
            (false, true) => Control::Ping,
            (false, false) => return None,
        };
        let bytes = match control {
            Control::Pong => self.codec.pong(),
            Control::Ping => self.codec.ping(),
        };
        if bytes.len() > room {
            return None;
        }
        match control {
            Control::Pong => {
                self.keepalive.pong_due = false;
                self.counters.pongs_sent = self.counters.pongs_sent.wrapping_add(1);
            }
            Control::Ping => {
                self.keepalive.ping_sent(self.now, &mut self.timers);
                self.counters.pings_sent = self.counters.pings_sent.wrapping_add(1);
            }
        }
        self.counters.bytes_sent = self.counters.bytes_sent.wrapping_add(bytes.len() as u64);
        self.send_gate.control_passed(bytes.len());
        if self.busy_channels > 0 {
            self.flush.release(&mut self.timers);
        }
        Some(bytes)
    }

    /// Takes the next message packet, if one may leave now and fits into `room`: `write` gets its header, its channel's
    /// messages and the length of its payload. Returns the packet's size on the wire, and what `write` made of it.
    #[inline]
    fn take_packet<R>(
        &mut self,
        now: Instant,
        room: usize,
        write: impl FnOnce(&Header, &Outgoing, usize) -> R,
    ) -> Option<(usize, R)> {
        if self.busy_channels == 0 || !self.may_leave(now) {
            return None;
        }
        let position = self.scheduler.pick(now)?;
        let channel = self.channels.get_mut(position)?;
        let (payload_len, end) = channel.outgoing.next_packet();
        let header = self.codec.message_header(channel.id, end, payload_len);
        let wire_len = header.len().saturating_add(payload_len);
        if wire_len > room {
            return None;
        }
        let written = write(&header, &channel.outgoing, payload_len);
        let more = channel.outgoing.taken(payload_len, end);
        self.scheduler.sent(position, wire_len, more);
        self.send_gate.passed(wire_len);
        self.send_bytes = self.send_bytes.saturating_sub(payload_len);
        self.counters.message_packet_sent(wire_len, end);
        if !more {
            self.channel_drained();
        }
        Some((wire_len, written))
    }

    /// Whether the flush policy and the limiter let a message packet leave now.
    #[inline]
    fn may_leave(&mut self, now: Instant) -> bool {
        let flush = self.phase != Phase::Open || self.flush.may_leave(now, self.send_bytes, &mut self.timers);
        flush && self.send_gate.may_start(now, &mut self.timers)
    }

    fn channel_drained(&mut self) {
        self.busy_channels = self.busy_channels.saturating_sub(1);
        if self.busy_channels == 0 {
            self.send_gate.end_batch();
            self.flush.drained();
        }
    }
}

/// Appends a header and a payload. A store of fixed size for the header is cheaper than a copy of unknown length.
#[inline]
fn append(out: &mut BytesMut, header: &Header, payload: &[u8]) {
    let start = out.len();
    out.extend_from_slice(header.padded());
    out.truncate(start.saturating_add(header.len()));
    out.extend_from_slice(payload);
}
