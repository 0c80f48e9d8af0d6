//! What became of what was sent.

use core::ops::Range;

use super::segment::Segment;
use super::{Blocked, End, MessageId, Sender};
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::Credit;

impl Sender {
    /// A transmission of each of these segments was acknowledged. Any number is harmless.
    #[inline]
    pub(crate) fn on_acked_all(&mut self, segments: Range<u64>) {
        // Of the first of them another transmission may have been acknowledged before.
        let mut start = segments.start.max(self.base);
        let end = segments.end.min(self.next_segment());
        if start == self.base && start < end {
            start = self.on_first_acked(end);
        }
        for number in start..end {
            self.on_later_acked(number);
        }
    }

    /// A transmission of a segment was acknowledged. Any number is harmless.
    pub(crate) fn on_acked(&mut self, number: u64) {
        self.on_acked_all(number..number.saturating_add(1));
    }

    /// One was acknowledged before the oldest.
    #[inline(never)]
    fn on_later_acked(&mut self, number: u64) {
        if let Some(segment) = self.segment_mut(number)
            && !core::mem::replace(&mut segment.acked, true)
        {
            let Segment { first, count, fin, .. } = *segment;
            self.settle(first, count, fin);
        }
    }

    /// The oldest segments, those before `end`, were acknowledged: they go, and those after them that were acknowledged before.
    /// Gives the first one that is left.
    #[inline(never)]
    fn on_first_acked(&mut self, end: u64) -> u64 {
        // Segments whose messages follow each other are settled together.
        let (mut place, mut messages, mut fin) = (0_u64, 0_u32, false);
        while self.base < end
            && let Some(segment) = self.segments.front()
        {
            let &Segment { first, count, acked, .. } = segment;
            fin |= segment.fin;
            self.segments.pop();
            self.base = self.base.wrapping_add(1);
            if acked {
                continue;
            }
            if messages > 0 && first != place.wrapping_add(u64::from(messages)) {
                self.settle(place, messages, false);
                messages = 0;
            }
            if messages == 0 {
                place = first;
            }
            messages = messages.saturating_add(count);
        }
        self.settle(place, messages, fin);
        while self.segments.front().is_some_and(|segment| segment.acked) {
            self.segments.pop();
            self.base = self.base.wrapping_add(1);
        }
        self.messages.trim();
        if self.blocked == Some(Blocked::Window) {
            self.blocked = None;
        }
        self.base
    }

    /// Gives up what segments carried: so many messages from a place on, and the end.
    #[inline]
    fn settle(&mut self, first: u64, count: u32, fin: bool) {
        if fin {
            self.end = End::Acked;
        }
        let (bytes, done) = self.messages.acknowledge(first, count);
        self.buffered_bytes = self.buffered_bytes.saturating_sub(bytes);
        self.counters.acknowledged = self.counters.acknowledged.wrapping_add(done);
    }

    /// A transmission of a segment was lost. It is sent again when no other one of it is on its way.
    #[inline]
    pub(crate) fn on_lost(&mut self, number: u64) {
        let Some(segment) = self.segment_mut(number) else { return };
        segment.outstanding = segment.outstanding.saturating_sub(1);
        if segment.outstanding == 0 && !segment.acked && !segment.waits {
            segment.waits = true;
            self.lost.push_back(number);
        }
    }

    /// The peer grants more. What is less than before is old news.
    pub(crate) fn on_credit(&mut self, credit: &Credit) {
        let old = self.credit;
        self.credit = Credit {
            max_bytes: old.max_bytes.max(credit.max_bytes),
            max_messages: old.max_messages.max(credit.max_messages),
            max_segment: old.max_segment.max(credit.max_segment),
            consumed: old.consumed.max(credit.consumed),
        };
        if self.blocked != Some(Blocked::Window) {
            self.blocked = None;
        }
    }

    /// The peer's application has taken the first `count` messages that were sent. Gives those whose receipt was wanted.
    ///
    /// # Errors
    /// When not so many were sent.
    pub(crate) fn on_consumed(&mut self, count: u64, sink: &mut impl FnMut(MessageId)) -> Result<(), PeerFault> {
        let sent = self.sent_messages;
        if count > sent {
            return Err(PeerFault::ConsumedUnsent { consumed: count, sent });
        }
        while let Some(&receipt) = self.receipts.front().filter(|receipt| receipt.place < count) {
            self.receipts.pop_front();
            if !receipt.expired {
                sink(receipt.id);
            }
        }
        Ok(())
    }

    /// The peer's application has taken everything that was sent.
    pub(crate) fn on_all_consumed(&mut self, sink: &mut impl FnMut(MessageId)) {
        // As many as were sent can not be more than were sent.
        let _ = self.on_consumed(self.sent_messages, sink);
    }

    /// A session goes on that was cut: the peer has all segments before `expected` and those in `received`. All others are sent
    /// again.
    ///
    /// # Errors
    /// When it has what was never sent; nothing has changed then.
    pub(crate) fn on_resumed(
        &mut self,
        expected: u64,
        received: impl Iterator<Item = Range<u64>> + Clone,
    ) -> Result<(), PeerFault> {
        let (base, sent) = (self.base, self.next_segment());
        let most = received.clone().fold(expected, |most, range| most.max(range.end));
        if most > sent {
            return Err(PeerFault::ReceivedUnsent { expected: most, sent });
        }
        for range in core::iter::once(base..expected).chain(received) {
            self.on_acked_all(range.start.max(base)..range.end);
        }
        self.lost.clear();
        for index in 0..self.segments.len() {
            if let Some(segment) = self.segments.get_mut(index).filter(|segment| !segment.acked) {
                segment.outstanding = 0;
                segment.waits = true;
                self.lost.push_back(self.base.saturating_add(index as u64));
            }
        }
        Ok(())
    }
}
