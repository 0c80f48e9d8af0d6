//! The way out: which packet goes next, and its bytes.

use bytes::BytesMut;

use super::frame::Frame;
use super::state::{MConnState, Phase};
use crate::time::Instant;
use crate::wire::{Codec, Header};

/// A message packet that may leave now.
struct Picked {
    /// The position of its channel.
    position: usize,
    header: Header,
    payload_len: usize,
    end: bool,
}

impl Picked {
    const fn wire_len(&self) -> usize {
        self.header.len().saturating_add(self.payload_len)
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
    /// whole: a packet that does not fit into `max` waits, so give at least `send_payload_size` and 24 bytes. The bytes are
    /// those that [`poll_transmit`](crate::machine::Machine::poll_transmit) gives one by one.
    pub fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        if self.has_ended() {
            return 0;
        }
        let now = self.clock(now);
        let start = out.len();
        while let Some(control) = self.take_control(max.saturating_sub(out.len().saturating_sub(start))) {
            out.extend_from_slice(control);
        }
        loop {
            let room = max.saturating_sub(out.len().saturating_sub(start));
            let Some(picked) = self.pick(now, room) else { break };
            if let Some(channel) = self.channels.get(picked.position) {
                let payload = channel.outgoing.payload(picked.payload_len);
                append(out, &picked.header, payload);
            }
            self.finish(&picked);
        }
        self.send_gate.record(now);
        self.end_if_flushed();
        out.len().saturating_sub(start)
    }

    pub(super) fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        if self.has_ended() {
            return None;
        }
        let now = self.clock(now);
        let frame = match self.take_control(usize::MAX) {
            Some(control) => Some(Frame::control(control)),
            None => self.pick(now, usize::MAX).and_then(|picked| {
                let payload = self.channels.get(picked.position)?.outgoing.share_payload(picked.payload_len);
                self.finish(&picked);
                Some(Frame::new(picked.header, payload))
            }),
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
                self.counters.pongs_sent = self.counters.pongs_sent.saturating_add(1);
            }
            Control::Ping => {
                self.keepalive.ping_sent(self.now, &mut self.timers);
                self.counters.pings_sent = self.counters.pings_sent.saturating_add(1);
            }
        }
        self.counters.bytes_sent = self.counters.bytes_sent.saturating_add(bytes.len() as u64);
        self.send_gate.control_passed(bytes.len());
        if self.busy_channels > 0 {
            self.flush.release(&mut self.timers);
        }
        Some(bytes)
    }

    /// The next message packet, if one fits into `room` and may leave now. Nothing changes until it is finished.
    ///
    /// A packet for which there is no room asks nobody: a limiter that is asked may begin a new sample.
    fn pick(&mut self, now: Instant, room: usize) -> Option<Picked> {
        if self.busy_channels == 0 {
            return None;
        }
        let position = self.scheduler.pick(now)?;
        let channel = self.channels.get(position)?;
        let (payload_len, end) = channel.outgoing.next_packet();
        let header = self.codec.message_header(channel.id, end, payload_len);
        let picked = Picked { position, header, payload_len, end };
        if picked.wire_len() > room {
            return None;
        }
        let flushes = self.phase == Phase::Flushing || self.flush.may_leave(now, self.send_bytes, &mut self.timers);
        (flushes && self.send_gate.may_start(now, &mut self.timers)).then_some(picked)
    }

    /// The packet was given to the transport.
    fn finish(&mut self, picked: &Picked) {
        let wire_len = picked.wire_len();
        let Some(channel) = self.channels.get_mut(picked.position) else { return };
        let more = channel.outgoing.taken(picked.payload_len, picked.end);
        self.scheduler.sent(picked.position, wire_len, more);
        self.send_bytes = self.send_bytes.saturating_sub(picked.payload_len);
        self.send_gate.passed(wire_len);
        self.counters.message_packets_sent = self.counters.message_packets_sent.saturating_add(1);
        self.counters.bytes_sent = self.counters.bytes_sent.saturating_add(wire_len as u64);
        if picked.end {
            self.counters.messages_sent = self.counters.messages_sent.saturating_add(1);
        }
        if !more {
            self.busy_channels = self.busy_channels.saturating_sub(1);
            if self.busy_channels == 0 {
                self.send_gate.end_batch();
                self.flush.drained();
            }
        }
    }
}

/// Appends a header and a payload. A store of fixed size for the header is cheaper than a copy of unknown length.
#[inline]
fn append(out: &mut BytesMut, header: &Header, payload: &[u8]) {
    let start = out.len();
    out.reserve(Header::CAPACITY.saturating_add(payload.len()));
    out.extend_from_slice(header.padded());
    out.truncate(start.saturating_add(header.len()));
    out.extend_from_slice(payload);
}
