//! What the user asks for: sending and receiving.

use core::task::Poll;

use bytes::Bytes;

use super::closing::Life;
use super::{Echo, Legacy};
use crate::sliding_window::event::FlushMark;
use crate::sliding_window::receiver::Asap;
use crate::sliding_window::sender::{Class, Expires, MessageId, SendError, SendOptions, SendRefusal};
use crate::sliding_window::status::{ReceiveStatus, SendStatus};
use crate::time::Instant;

/// The original cuts what is written into pieces of at most so many bytes.
///
/// Source: `Session.Write` in `swp.go`.
const MAX_PIECE: usize = 1 << 19;

impl Legacy {
    pub(crate) fn try_send(
        &mut self,
        now: Instant,
        message: Bytes,
        options: &SendOptions,
    ) -> Result<MessageId, SendError> {
        self.clock(now);
        if let Err(refusal) = self.may_send_with(message.len(), options) {
            self.refused |= matches!(refusal, SendRefusal::Full { .. });
            return Err(SendError { refusal, message });
        }
        Ok(self.accept(message, options.receipt))
    }

    fn accept(&mut self, message: Bytes, receipt: bool) -> MessageId {
        self.counters.messages_accepted = self.counters.messages_accepted.wrapping_add(1);
        self.counters.message_bytes_accepted = self.counters.message_bytes_accepted.wrapping_add(message.len() as u64);
        let id = MessageId(self.outgoing.push(message, receipt));
        self.note_blocked(self.now);
        id
    }

    fn may_begin(&self) -> Result<(), SendRefusal> {
        match self.life {
            Life::Open if self.closing.is_finishing => Err(SendRefusal::Finished),
            Life::Open => Ok(()),
            _ => Err(SendRefusal::Closed),
        }
    }

    fn may_send_with(&self, len: usize, options: &SendOptions) -> Result<(), SendRefusal> {
        self.may_begin()?;
        if options.class != Class::Ordered {
            return Err(SendRefusal::Unsupported { what: "unordered delivery" });
        }
        if options.expires != Expires::Never {
            return Err(SendRefusal::Unsupported { what: "expiry" });
        }
        let waiting = self.outgoing.receipts().saturating_add(self.events.len());
        if options.receipt && waiting >= self.config.send.max_receipts {
            return Err(SendRefusal::TooManyReceipts { waiting: self.config.send.max_receipts });
        }
        let limit = self.max_payload.min(self.config.send.max_message);
        if len > limit {
            return Err(SendRefusal::TooLarge { limit });
        }
        let (messages, bytes) = (self.outgoing.len(), self.outgoing.bytes());
        if messages >= self.config.send.max_messages || bytes.saturating_add(len) > self.config.send.max_bytes {
            return Err(SendRefusal::Full { messages, bytes });
        }
        Ok(())
    }

    pub(crate) fn may_send(&self, len: usize) -> Result<(), SendRefusal> {
        self.may_send_with(len, &SendOptions::ORDERED)
    }

    /// Cuts a stream into messages as the original does: by the window in bytes, and not above 512 KiB; and by what fits into a
    /// datagram.
    pub(crate) fn write(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, SendRefusal> {
        self.clock(now);
        self.may_begin()?;
        let config = &self.config;
        let piece = MAX_PIECE.min(config.receive.max_bytes).min(config.send.max_message).min(self.max_payload);
        let mut accepted = 0_usize;
        while let Some(rest) = bytes.get(accepted..).filter(|rest| !rest.is_empty()) {
            let room = self.config.send.max_bytes.saturating_sub(self.outgoing.bytes());
            let len = rest.len().min(piece).min(room);
            match (rest.get(..len), self.may_send(len)) {
                (Some(part), Ok(())) if len > 0 => {
                    self.accept(Bytes::copy_from_slice(part), false);
                    accepted = accepted.saturating_add(len);
                }
                (_, refusal) if accepted == 0 => {
                    self.refused = true;
                    let (messages, bytes) = (self.outgoing.len(), self.outgoing.bytes());
                    return Err(refusal.err().unwrap_or(SendRefusal::Full { messages, bytes }));
                }
                _ => {
                    self.refused = true;
                    break;
                }
            }
        }
        Ok(accepted)
    }

    pub(crate) fn receive_with<R>(&mut self, now: Instant, take: impl FnOnce(Class, &[u8]) -> R) -> Option<R> {
        self.receive(now).map(|(class, payload)| take(class, &payload))
    }

    pub(crate) fn receive(&mut self, now: Instant) -> Option<(Class, Bytes)> {
        let arrived = self.incoming.take();
        let len = arrived.as_ref().map_or(0, |arrived| arrived.payload.len());
        self.note_taken(now, arrived.as_ref().map(|arrived| arrived.echo), u64::from(arrived.is_some()), len);
        arrived.map(|arrived| (Class::Ordered, arrived.payload))
    }

    /// One acknowledgement for all that was taken before output is pulled: it repeats the last.
    fn note_taken(&mut self, now: Instant, last: Option<Echo>, messages: u64, bytes: usize) {
        let now = self.clock(now);
        if last.is_some() && matches!(self.life, Life::Open | Life::Lingering { .. }) {
            self.due.data_ack = last;
        }
        self.counters.messages_taken = self.counters.messages_taken.wrapping_add(messages);
        self.counters.message_bytes_taken = self.counters.message_bytes_taken.wrapping_add(bytes as u64);
        if !self.incoming.is_readable() {
            self.told.read_all();
        }
        self.after_progress(now);
    }

    pub(crate) fn read(&mut self, now: Instant, buffer: &mut [u8]) -> Poll<usize> {
        let (read, last, messages) = self.incoming.read(buffer);
        let len = match read {
            Poll::Ready(len) => len,
            Poll::Pending => 0,
        };
        self.note_taken(now, last, messages, len);
        if read.is_pending() && self.peer_is_finished() { Poll::Ready(0) } else { read }
    }

    pub(crate) fn flush(&mut self, now: Instant) -> FlushMark {
        self.clock(now);
        let mark = FlushMark(self.outgoing.end());
        if self.flushes.back() != Some(&mark) && self.is_open() {
            self.flushes.push_back(mark);
        }
        mark
    }

    /// A keepalive asks: the peer answers it with its capacities.
    pub(crate) fn probe(&mut self, now: Instant) {
        self.clock(now);
        self.due.keepalive |= self.is_connected();
    }

    pub(crate) fn register_asap(&mut self, limit: usize) {
        self.incoming.register_asap(limit);
    }

    pub(crate) fn poll_asap(&mut self) -> Option<Asap> {
        self.incoming.next_asap()
    }

    pub(super) fn send_status(&self) -> SendStatus {
        let acked = self.outgoing.base();
        SendStatus {
            queued_messages: self.outgoing.len(),
            queued_bytes: self.outgoing.bytes(),
            unacked_segments: self.outgoing.in_flight().0,
            next_segment: self.outgoing.sent_end(),
            waiting_receipts: self.outgoing.receipts(),
            credit_bytes: self.peer.window_bytes,
            credit_messages: acked.saturating_add(self.peer.window),
            credit_segments: acked.saturating_add(self.peer.window),
            messages_consumed: acked,
            blocked_since: self.blocked_since,
            acknowledged: acked,
            expired: 0,
        }
    }

    pub(super) fn receive_status(&self) -> ReceiveStatus {
        let consumed = self.incoming.consumed();
        let window = self.config.receive.window.min(self.config.receive.max_messages) as u64;
        ReceiveStatus {
            held_bytes: self.incoming.held_bytes() as u64,
            next_expected: self.incoming.next_expected(),
            credit_bytes: self.config.receive.max_bytes as u64,
            credit_messages: consumed.saturating_add(window),
            credit_segments: consumed.saturating_add(window),
            messages_consumed: consumed,
            dropped: 0,
            asap_dropped: self.incoming.asap_dropped(),
        }
    }
}
