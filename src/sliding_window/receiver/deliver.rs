//! What the application takes.

use core::task::Poll;

use bytes::Bytes;

use super::Receiver;
use super::advance::Ready;
use crate::sliding_window::sender::Class;

/// A message that is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received<'a> {
    /// Its bytes.
    pub(crate) payload: &'a [u8],
    /// Whether it came in its turn.
    pub(crate) class: Class,
}

/// A message of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its bytes.
    pub(crate) payload: Bytes,
    /// Whether it came in its turn.
    pub(crate) class: Class,
}

/// From this size on a message that was put together is given away with its buffer, and not copied.
const GIVE_AWAY: usize = 16 * 1024;

impl Receiver {
    /// Whether there is a message to take.
    #[inline]
    pub(crate) fn is_readable(&self) -> bool {
        !self.ready.is_nothing() || !self.unordered.waiting.is_empty()
    }

    /// Lends the next message: unordered ones first, then those whose turn it is. `None` when there is none. Nothing is
    /// allocated. What [`Receiver::read`] has taken of it is not lent again.
    #[inline]
    pub(crate) fn receive_with<R>(&mut self, take: impl FnOnce(Received<'_>) -> R) -> Option<R> {
        // The usual one: a whole message in its turn, and nothing out of turn.
        if let Ready::Piece { start, end, receipt } = self.ready
            && self.read_offset == 0
            && self.unordered.waiting.is_empty()
        {
            let buffer = self.slots.front()?.buffer.as_slice();
            let result = take(Received { payload: buffer.get(start..end)?, class: Class::Ordered });
            // Mostly another one follows in the same segment, or none does.
            let next = Ready::at(buffer, end);
            self.piece_passed(start, end, receipt);
            match next {
                Some(next) => self.ready = next,
                None => self.advance(),
            }
            return Some(result);
        }
        self.receive_rare(take)
    }

    fn receive_rare<R>(&mut self, take: impl FnOnce(Received<'_>) -> R) -> Option<R> {
        if self.takes_unordered() {
            return self.receive_unordered(take);
        }
        let (payload, class) = self.ordered()?;
        let result = take(Received { payload: payload.get(self.read_offset..).unwrap_or_default(), class });
        self.ordered_taken();
        Some(result)
    }

    /// Takes the next message, in memory of its own. See [`Receiver::receive_with`].
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Message> {
        let large = self.read_offset == 0 && self.assembly.bytes.len() >= GIVE_AWAY;
        if large && matches!(self.ready, Ready::Assembled) && !self.takes_unordered() {
            return Some(self.give_away());
        }
        self.receive_with(|Received { payload, class }| Message { payload: Bytes::copy_from_slice(payload), class })
    }

    /// Reads the messages as a stream of bytes. Pending when nothing is here yet; 0 bytes only at the end of all that the peer
    /// sends, or for an empty buffer.
    ///
    /// A message is done with, and its room free, when all of it was read.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Poll<usize> {
        let mut len = 0_usize;
        while let Some(room) = into.get_mut(len..).filter(|room| !room.is_empty()) {
            let offset = self.read_offset;
            let unordered = self.takes_unordered();
            let payload = if unordered { self.unordered_payload() } else { self.ordered().map(|(payload, _)| payload) };
            let Some(payload) = payload else { break };
            let rest = payload.get(offset..).unwrap_or_default();
            let take = rest.len().min(room.len());
            let whole = take == rest.len();
            if let (Some(room), Some(bytes)) = (room.get_mut(..take), rest.get(..take)) {
                room.copy_from_slice(bytes);
            }
            len = len.saturating_add(take);
            self.read_offset = offset.saturating_add(take);
            self.reading_unordered = unordered;
            match (whole, unordered) {
                (false, _) => {}
                (true, true) => self.done_unordered(),
                (true, false) => self.ordered_taken(),
            }
        }
        if len > 0 || into.is_empty() || (self.finished && !self.is_readable()) {
            Poll::Ready(len)
        } else {
            Poll::Pending
        }
    }

    /// Whether the next message is one out of turn. One that was read in part is finished first.
    #[inline]
    fn takes_unordered(&self) -> bool {
        if self.read_offset > 0 { self.reading_unordered } else { !self.unordered.waiting.is_empty() }
    }

    #[inline]
    fn ordered(&self) -> Option<(&[u8], Class)> {
        match self.ready {
            Ready::Nothing => None,
            Ready::Piece { start, end, .. } => Some((self.slots.front()?.buffer.get(start..end)?, Class::Ordered)),
            Ready::Assembled => Some((&self.assembly.bytes, self.assembly.class())),
        }
    }

    fn ordered_taken(&mut self) {
        (self.read_offset, self.touched) = (0, true);
        if let Ready::Piece { start, end, receipt } = self.ready {
            self.piece_passed(start, end, receipt);
            return self.advance();
        }
        self.counters.taken = self.counters.taken.wrapping_add(1);
        if let Ready::Assembled = self.ready {
            self.consume(self.assembly.credit, self.assembly.receipt);
        }
        self.advance();
    }

    /// The whole message at the cursor was taken; the cursor is to go on.
    #[inline]
    fn piece_passed(&mut self, start: usize, end: usize, receipt: bool) {
        self.counters.taken = self.counters.taken.wrapping_add(1);
        self.touched = true;
        self.offset = end;
        self.consume(end.wrapping_sub(start) as u64, receipt);
    }

    fn receive_unordered<R>(&mut self, take: impl FnOnce(Received<'_>) -> R) -> Option<R> {
        let offset = self.read_offset;
        let payload = self.unordered_payload()?.get(offset..).unwrap_or_default();
        let result = take(Received { payload, class: Class::Unordered });
        self.done_unordered();
        Some(result)
    }

    fn done_unordered(&mut self) {
        (self.read_offset, self.touched) = (0, true);
        self.counters.taken = self.counters.taken.wrapping_add(1);
        self.unordered_taken();
    }

    /// The assembled message with its buffer.
    fn give_away(&mut self) -> Message {
        let class = self.assembly.class();
        let mut payload = core::mem::take(&mut self.assembly.bytes);
        // Nothing is pinned beside the message itself.
        payload.shrink_to_fit();
        self.ordered_taken();
        Message { payload: payload.into(), class }
    }
}
