//! The way out: which packet goes next, and its bytes.

use bytes::{Bytes, BytesMut};

use super::frame::Frame;
use super::state::{MConnState, Phase};
use crate::time::Instant;
use crate::wire::{Codec, Header};

/// What was taken of one channel at once.
#[derive(Clone, Copy, Default)]
struct Taken {
    packets: usize,
    messages: u64,
    wire_bytes: usize,
    payload_bytes: usize,
}

impl Taken {
    #[inline]
    fn add(&mut self, wire_len: usize, payload_len: usize, end: bool) {
        self.packets = self.packets.wrapping_add(1);
        self.messages = self.messages.wrapping_add(u64::from(end));
        self.wire_bytes = self.wire_bytes.saturating_add(wire_len);
        self.payload_bytes = self.payload_bytes.saturating_add(payload_len);
    }
}

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
    /// whole: a packet that does not fit into `max` waits, so give at least `send_payload_size` and [`Header::CAPACITY`] bytes. The bytes are
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
        loop {
            let taken = self.take_packets(now, room, usize::MAX, |header, payload, _| append(out, header, payload));
            if taken == 0 {
                break;
            }
            room = room.saturating_sub(taken);
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
        let mut frame = self.take_control(usize::MAX).map(Frame::control);
        if frame.is_none() {
            self.take_packets(now, usize::MAX, 1, |header, payload, message| {
                frame = Some(Frame::new(*header, message.slice_ref(payload)));
            });
        }
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

    /// Takes message packets of the channel that is next, if one may leave now and fits into `room` bytes: one packet, or up
    /// to `most` when no other channel has anything to send. `write` gets a packet's header, its payload, and the message
    /// that this is a part of. Returns the bytes on the wire; 0 when no packet was taken.
    #[inline]
    fn take_packets(
        &mut self,
        now: Instant,
        room: usize,
        most: usize,
        mut write: impl FnMut(&Header, &[u8], &Bytes),
    ) -> usize {
        if self.busy_channels == 0 {
            return 0;
        }
        let Some(position) = self.scheduler.pick(now) else { return 0 };
        let Some(channel) = self.channels.get_mut(position) else { return 0 };
        let most = if self.busy_channels == 1 { most } else { most.min(1) };
        let mut taken = Taken::default();
        while taken.packets < most {
            let (payload_len, end) = channel.outgoing.next_packet();
            let header = channel.outgoing.header(&self.codec, channel.id, payload_len, end);
            let wire_len = header.len().saturating_add(payload_len);
            // A packet for which there is no room asks nobody: a limiter that is asked may begin a new sample.
            if wire_len > room.saturating_sub(taken.wire_bytes)
                || (taken.packets == 0
                    && self.phase == Phase::Open
                    && !self.flush.may_leave(now, self.send_bytes, &mut self.timers))
                || !self.send_gate.may_start(now, &mut self.timers)
            {
                break;
            }
            let (payload, message) = channel.outgoing.payload(payload_len);
            write(&header, payload, message);
            self.send_gate.passed(wire_len);
            taken.add(wire_len, payload_len, end);
            if !channel.outgoing.taken(payload_len, end) {
                break;
            }
        }
        if taken.packets > 0 {
            let more = !channel.outgoing.is_idle();
            self.scheduler.sent(position, taken.wire_bytes, more);
            self.send_bytes = self.send_bytes.saturating_sub(taken.payload_bytes);
            self.counters.message_packets_sent(taken.wire_bytes, taken.packets, taken.messages);
            if !more {
                self.channel_drained();
            }
        }
        taken.wire_bytes
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
