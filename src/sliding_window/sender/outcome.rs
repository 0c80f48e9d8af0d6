//! What became of what was sent.

use bytes::Bytes;

use super::segment::Segment;
use super::{Blocked, End, MessageId, Sender};
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::Credit;

impl Sender {
    /// A transmission of a segment was acknowledged. Any number is harmless.
    #[inline]
    pub(crate) fn on_acked(&mut self, number: u64) {
        let Some(segment) = self.segment_mut(number) else { return };
        if core::mem::replace(&mut segment.acked, true) {
            return;
        }
        let Segment { first, count, fin, .. } = *segment;
        if fin {
            self.end = End::Acked;
        }
        let start = first.saturating_sub(self.flight_base) as usize;
        let end = start.saturating_add(count as usize).min(self.flight.len());
        for message in self.flight.range_mut(start.min(end)..end) {
            message.unacked = message.unacked.saturating_sub(1);
            if message.is_finished() {
                let payload = core::mem::replace(&mut message.payload, Bytes::new());
                self.buffered_bytes = self.buffered_bytes.saturating_sub(payload.len());
                self.counters.acknowledged = self.counters.acknowledged.saturating_add(1);
            }
        }
        if number == self.base {
            self.advance();
        }
    }

    /// Forgets what is acknowledged at the front.
    fn advance(&mut self) {
        while self.segments.front().is_some_and(|segment| segment.acked) {
            self.segments.pop_front();
            self.base = self.base.saturating_add(1);
        }
        while self.flight.front().is_some_and(super::Message::is_finished) {
            self.flight.pop_front();
            self.flight_base = self.flight_base.saturating_add(1);
        }
        if self.blocked == Some(Blocked::Window) {
            self.blocked = None;
        }
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
        let sent = self.flight_base.saturating_add(self.flight.len() as u64);
        if count > sent {
            return Err(PeerFault::ConsumedUnsent { consumed: count, sent });
        }
        while let Some(&(_, name)) = self.receipts.front().filter(|(place, _)| *place < count) {
            self.receipts.pop_front();
            if let Some(id) = name {
                sink(id);
            }
        }
        Ok(())
    }

    /// A session goes on that was cut: the peer has all segments before `expected` and those in `received`. All others are sent
    /// again.
    ///
    /// # Errors
    /// When it has what was never sent; nothing has changed then.
    pub(crate) fn on_resumed(
        &mut self,
        expected: u64,
        received: impl Iterator<Item = core::ops::Range<u64>> + Clone,
    ) -> Result<(), PeerFault> {
        let (base, sent) = (self.base, self.next_segment());
        let most = received.clone().fold(expected, |most, range| most.max(range.end));
        if most > sent {
            return Err(PeerFault::ReceivedUnsent { expected: most, sent });
        }
        for range in core::iter::once(base..expected).chain(received) {
            for number in range.start.max(base)..range.end {
                self.on_acked(number);
            }
        }
        self.lost.clear();
        let base = self.base;
        for (number, segment) in (base..).zip(self.segments.iter_mut()).filter(|(_, segment)| !segment.acked) {
            segment.outstanding = 0;
            segment.waits = true;
            self.lost.push_back(number);
        }
        Ok(())
    }
}
