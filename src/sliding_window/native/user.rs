//! What the user asks for: sending and receiving.

use core::task::Poll;

use bytes::Bytes;

use super::{Life, Native};
use crate::sliding_window::event::FlushMark;
use crate::sliding_window::receiver::Asap;
use crate::sliding_window::sender::{Class, MessageId, SendError, SendOptions, SendRefusal};
use crate::sliding_window::status::{ReceiveStatus, SendStatus};
use crate::time::Instant;

impl Native {
    pub(crate) fn try_send(
        &mut self,
        now: Instant,
        message: Bytes,
        options: &SendOptions,
    ) -> Result<MessageId, SendError> {
        self.clock(now);
        if let Err(refusal) = self.may_begin() {
            return Err(SendError { refusal, message });
        }
        // A receipt that the user has not taken yet is one that has not come.
        if options.receipt
            && self.events.len().saturating_add(self.sender.waiting_receipts()) >= self.config.send.max_receipts
        {
            let waiting = self.config.send.max_receipts;
            return Err(SendError { refusal: SendRefusal::TooManyReceipts { waiting }, message });
        }
        let len = message.len();
        let id = self.sender.try_send(message, options)?;
        self.accepted(len);
        Ok(id)
    }

    fn accepted(&mut self, len: usize) {
        self.counters.messages_accepted = self.counters.messages_accepted.wrapping_add(1);
        self.counters.message_bytes_accepted = self.counters.message_bytes_accepted.wrapping_add(len as u64);
    }

    /// Whether anything can be sent at all.
    fn may_begin(&self) -> Result<(), SendRefusal> {
        match self.life {
            Life::Open if self.close.is_finishing() => Err(SendRefusal::Finished),
            Life::Open => Ok(()),
            _ => Err(SendRefusal::Closed),
        }
    }

    pub(crate) fn may_send(&self, len: usize) -> Result<(), SendRefusal> {
        self.may_begin()?;
        self.sender.refusal(len, &SendOptions::ORDERED).map_or(Ok(()), Err)
    }

    pub(crate) fn write(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, SendRefusal> {
        self.clock(now);
        self.may_begin()?;
        let accepted = self.sender.write(bytes);
        self.counters.message_bytes_accepted = self.counters.message_bytes_accepted.wrapping_add(accepted as u64);
        if accepted == 0 && !bytes.is_empty() {
            return Err(self.sender.refusal(1, &SendOptions::ORDERED).unwrap_or(SendRefusal::Finished));
        }
        Ok(accepted)
    }

    #[inline]
    pub(crate) fn receive_with<R>(&mut self, now: Instant, take: impl FnOnce(Class, &[u8]) -> R) -> Option<R> {
        let mut len = 0;
        let taken = self.receiver.receive_with(|received| {
            len = received.payload.len();
            take(received.class, received.payload)
        });
        self.note_taken(now, taken.is_some(), len);
        taken
    }

    pub(crate) fn receive(&mut self, now: Instant) -> Option<(Class, Bytes)> {
        let taken = self.receiver.take();
        self.note_taken(now, taken.is_some(), taken.as_ref().map_or(0, |message| message.payload.len()));
        taken.map(|message| (message.class, message.payload))
    }

    #[inline]
    fn note_taken(&mut self, now: Instant, any: bool, bytes: usize) {
        let now = self.clock(now);
        if any {
            self.note_taken_all(now);
            self.counters.messages_taken = self.counters.messages_taken.wrapping_add(1);
            self.counters.message_bytes_taken = self.counters.message_bytes_taken.wrapping_add(bytes as u64);
        }
        if !self.receiver.is_readable() {
            self.told.read_all();
        }
    }

    pub(crate) fn read(&mut self, now: Instant, buffer: &mut [u8]) -> Poll<usize> {
        let now = self.clock(now);
        let read = self.receiver.read(buffer);
        self.note_taken_all(now);
        match read {
            Poll::Ready(len) => {
                self.counters.message_bytes_taken = self.counters.message_bytes_taken.wrapping_add(len as u64);
            }
            Poll::Pending => self.told.read_all(),
        }
        read
    }

    pub(crate) fn flush(&mut self, now: Instant) -> FlushMark {
        self.clock(now);
        let mark = FlushMark(self.sender.mark());
        if self.flushes.back() != Some(&mark) && self.is_open() {
            self.flushes.push_back(mark);
        }
        mark
    }

    pub(crate) fn probe(&mut self, now: Instant) {
        self.clock(now);
        if self.is_connected()
            && let Some(link) = &mut self.link
        {
            link.probes = link.probes.max(1);
        }
    }

    pub(crate) fn register_asap(&mut self, limit: usize) {
        self.receiver.register_asap(limit);
    }

    pub(crate) fn poll_asap(&mut self) -> Option<Asap> {
        self.receiver.next_asap()
    }

    pub(super) fn send_status(&self) -> SendStatus {
        let (counters, credit) = (self.sender.counters(), self.sender.credit());
        SendStatus {
            queued_messages: self.sender.buffered_messages(),
            queued_bytes: self.sender.buffered_bytes(),
            unacked_segments: self.sender.unacked_segments(),
            next_segment: self.sender.next_segment(),
            waiting_receipts: self.sender.waiting_receipts(),
            credit_bytes: credit.max_bytes,
            credit_messages: credit.max_messages,
            credit_segments: credit.max_segment,
            messages_consumed: credit.consumed,
            blocked_since: self.blocked_since,
            acknowledged: counters.acknowledged,
            expired: counters.expired,
        }
    }

    pub(super) fn receive_status(&self) -> ReceiveStatus {
        let (counters, credit) = (self.receiver.counters(), self.receiver.granted());
        ReceiveStatus {
            held_bytes: self.receiver.held_bytes(),
            next_expected: self.receiver.next_expected(),
            credit_bytes: credit.max_bytes,
            credit_messages: credit.max_messages,
            credit_segments: credit.max_segment,
            messages_consumed: credit.consumed,
            dropped: counters.dropped,
            asap_dropped: self.receiver.asap_dropped(),
        }
    }
}
