//! What is sent next: what was lost first, then new segments.

use super::fill::{Filled, least, overhead};
use super::segment::Segment;
use super::{Blocked, MessageId, Sender};
use crate::sliding_window::number::Numbering;
use crate::sliding_window::packet::{DATA_HEADER_LEN, Data, Writer, varint_len};
use crate::time::Instant;

impl Sender {
    /// Writes the data frame to send now, and gives the number of its segment: one that was lost, or a new one. `None`, and nothing
    /// is written, when there is nothing, the peer grants no more ([`Sender::blocked_by`]), or the room is too small.
    #[inline(always)]
    pub(crate) fn write_next(&mut self, now: Instant, numbering: Numbering, writer: &mut Writer<'_>) -> Option<u64> {
        if !self.lost.is_empty() {
            match self.next_lost(now, writer.remaining()) {
                Lost::Send(number) => {
                    let len = self.encode(number, numbering.shorten(number), writer.free());
                    writer.written(len);
                    return Some(number);
                }
                Lost::NoRoom => return None,
                Lost::None => {}
            }
        }
        self.expire(now);
        self.make(now, numbering, writer)
    }

    /// What [`Sender::write_next`] writes, in a data frame of at most `room` bytes, is what [`Sender::encode`] gives later.
    #[cfg(test)]
    pub(crate) fn next(&mut self, now: Instant, room: usize) -> Option<u64> {
        let numbering = Numbering::new(7);
        let mut written = alloc::vec![0; room];
        let mut writer = Writer::new(&mut written);
        let segment = self.write_next(now, numbering, &mut writer);
        let len = writer.finish().unwrap();
        let mut again = alloc::vec![0; len];
        if let Some(segment) = segment {
            assert_eq!(self.encode(segment, numbering.shorten(segment), &mut again), len);
            assert!(self.segment(segment).is_none_or(|segment| len <= segment.frame_len as usize));
        }
        assert_eq!(written.get(..len), Some(again.as_slice()));
        segment
    }

    /// The oldest segment that is not acknowledged, to be sent once more at once.
    pub(crate) fn probe_segment(&mut self, now: Instant, room: usize) -> Option<u64> {
        let number = self.base;
        // The front is never acknowledged: it would have gone.
        let frame_len = self.segment(number)?.frame_len;
        if frame_len as usize > room {
            return None;
        }
        self.send_again(now, number);
        Some(number)
    }

    #[inline(never)]
    fn next_lost(&mut self, now: Instant, room: usize) -> Lost {
        while let Some(&number) = self.lost.front() {
            match self.segment(number) {
                Some(segment) if segment.waits && !segment.acked => {
                    if segment.frame_len as usize > room {
                        return Lost::NoRoom;
                    }
                    self.lost.pop_front();
                    self.send_again(now, number);
                    return Lost::Send(number);
                }
                _ => {
                    self.lost.pop_front();
                }
            }
        }
        Lost::None
    }

    fn send_again(&mut self, now: Instant, number: u64) {
        let Some(&Segment { first, count, transmissions, .. }) = self.segment(number) else { return };
        for place in first..first.saturating_add(u64::from(count)) {
            self.expire_in_flight(now, place, transmissions);
        }
        if let Some(segment) = self.segment_mut(number) {
            segment.waits = false;
            segment.transmissions = segment.transmissions.saturating_add(1);
            segment.outstanding = segment.outstanding.saturating_add(1);
        }
        self.counters.resent = self.counters.resent.saturating_add(1);
    }

    /// Gives up the message at a place, if it is not worth sending now.
    #[inline]
    fn expire_in_flight(&mut self, now: Instant, place: u64, transmissions: u32) {
        let Some(message) = self.messages.get_mut(place) else { return };
        if message.expired || !message.expires_now(now, transmissions) {
            return;
        }
        message.expired = true;
        let (id, receipt, bytes) = (message.id, message.receipt(), message.release());
        self.buffered_bytes = self.buffered_bytes.saturating_sub(bytes);
        if receipt {
            match self.receipts.binary_search_by_key(&id, |receipt| receipt.id) {
                Ok(index) => {
                    if let Some(receipt) = self.receipts.get_mut(index) {
                        receipt.expired = true;
                    }
                }
                // Its receipt has come, though not the acknowledgement: it did not expire.
                Err(_) => return,
            }
        }
        self.note_expired(id);
    }

    fn note_expired(&mut self, id: MessageId) {
        self.counters.expired = self.counters.expired.saturating_add(1);
        self.expired.push_back(id);
    }

    /// Gives up what expired before it was sent, or before all of it was.
    #[inline]
    pub(crate) fn expire(&mut self, now: Instant) {
        let any = self.messages.has_deadlines() || self.open.is_some();
        if any && self.expiry_deadline().is_some_and(|deadline| deadline <= now) {
            self.expire_unsent(now);
        }
    }

    #[cold]
    fn expire_unsent(&mut self, now: Instant) {
        if let Some(place) = self.open {
            self.expire_in_flight(now, place, 0);
        }
        let Self { messages, expired, counters, buffered_bytes, queued_receipts, .. } = self;
        messages.expire(now, &mut |message, bytes| {
            *buffered_bytes = buffered_bytes.saturating_sub(bytes);
            *queued_receipts = queued_receipts.saturating_sub(usize::from(message.receipt()));
            counters.expired = counters.expired.saturating_add(1);
            expired.push_back(message.id);
        });
        // What takes its place may need less.
        if self.blocked == Some(Blocked::Bytes) {
            self.blocked = None;
        }
    }

    /// Makes a new segment, and writes it.
    #[inline(always)]
    fn make(&mut self, now: Instant, numbering: Numbering, writer: &mut Writer<'_>) -> Option<u64> {
        if self.blocked.is_some() {
            return None;
        }
        if self.messages.len_waiting() == 0 && !self.tail.is_empty() {
            self.freeze_tail();
        }
        if !self.has_unsent() {
            return None;
        }
        let number = self.next_segment();
        if number >= self.credit.max_segment {
            return self.block(Blocked::Segments);
        }
        if self.segments.len() >= self.config.window_segments {
            return self.block(Blocked::Window);
        }
        let start = writer.len();
        let room = writer.remaining().min(self.config.max_frame).checked_sub(DATA_HEADER_LEN)?;
        Data::begin(writer, numbering.shorten(number));
        let pieces = writer.free().get_mut(..room)?;
        self.messages.pass_dead();
        let made = if self.open.is_none() {
            let first = self.messages.next_place();
            let filled = self.fill(pieces);
            if filled.count > 0 || filled.fin {
                Some((Segment { first, ..filled.segment() }, filled))
            } else {
                self.begin_long(first, pieces)
            }
        } else {
            self.go_on(now, pieces)
        };
        let Some((mut segment, Filled { len, left, .. })) = made else {
            writer.rewind(start);
            return None;
        };
        writer.written(len);
        segment.frame_len = room.wrapping_sub(left).wrapping_add(DATA_HEADER_LEN) as u32;
        self.segments.push(segment);
        Some(number)
    }

    fn block<T>(&mut self, by: Blocked) -> Option<T> {
        self.blocked = Some(by);
        None
    }

    /// Bytes that the peer still grants.
    #[inline]
    pub(super) fn bytes_left(&self) -> u64 {
        self.credit.max_bytes.saturating_sub(self.used_bytes)
    }

    /// Writes the next fragment of the message that was begun, and behind the last one what fits there.
    #[inline(never)]
    fn go_on(&mut self, now: Instant, pieces: &mut [u8]) -> Option<(Segment, Filled)> {
        let mut segment = Segment { first: self.open?, ..Filled::default().segment() };
        // The fragments of a message stand in consecutive segments; the one before may be acknowledged and gone.
        self.expire_in_flight(now, segment.first, 0);
        let len = self.take_fragment(&mut segment, pieces.len())?;
        let (front, behind) = pieces.split_at_mut_checked(len)?;
        // What expired between this message and the next one has kept its place: then they can not share a segment.
        let shares = segment.ends && segment.first.wrapping_add(1) == self.messages.next_place();
        let mut filled = Filled { left: behind.len(), ..Filled::default() };
        if shares && !behind.is_empty() {
            filled = self.fill(behind);
        }
        (segment.count, segment.fin) = (filled.count.wrapping_add(1), filled.fin);
        // Only now it is known whether it is the last piece, which has no length.
        let unused = self.put_first(&segment, front).map_or(0, |rest| rest.len());
        filled.len = front.len().wrapping_sub(unused).wrapping_add(filled.len);
        Some((segment, filled))
    }

    /// Writes the first fragment of the next message, whose place is `first`, if it does not fit into a segment.
    #[inline(never)]
    fn begin_long(&mut self, first: u64, pieces: &mut [u8]) -> Option<(Segment, Filled)> {
        if self.blocked.is_some() {
            return None;
        }
        let granted = self.bytes_left();
        let message = self.messages.waiting_mut(0)?;
        let take = pieces.len().saturating_sub(overhead(message.unordered(), 0));
        if message.expired || take < least(self.config.max_frame) {
            return None;
        }
        if take as u64 > granted {
            return self.block(Blocked::Bytes);
        }
        (message.sent, message.complete, message.unacked) = (take, false, 1);
        self.note_wishes(1);
        self.messages.launch(1);
        self.sent_messages = self.sent_messages.wrapping_add(1);
        self.used_bytes = self.used_bytes.wrapping_add(take as u64);
        (self.open, self.fragments) = (Some(first), 1);
        let filled = Filled { count: 1, first_len: take as u32, ..Filled::default() };
        let segment = Segment { first, ends: false, ..filled.segment() };
        let unused = self.put_first(&segment, pieces).map_or(0, |rest| rest.len());
        Some((segment, Filled { len: pieces.len().wrapping_sub(unused), ..filled }))
    }

    /// Takes the next fragment of the message that was begun for a segment with so much room. Gives how much of it the piece takes,
    /// its length included where another may follow; `None` when it has to wait.
    fn take_fragment(&mut self, segment: &mut Segment, left: usize) -> Option<usize> {
        let granted = self.bytes_left();
        let least = least(self.config.max_frame);
        let index = self.fragments;
        let message = self.messages.get_mut(segment.first)?;
        // An expired one has no bytes any more.
        let rest = message.payload.len().saturating_sub(message.sent);
        let overhead = overhead(message.unordered(), index);
        let room = left.saturating_sub(overhead);
        // With a length, so that others may follow the last one.
        let with_length = rest.saturating_add(varint_len(rest as u64));
        let (take, ends, used) = if with_length <= room {
            (rest, true, with_length)
        } else if rest <= room && rest > 0 {
            (rest, true, room)
        } else if room >= least && rest > 0 {
            (room, false, room)
        } else {
            return None;
        };
        if take as u64 > granted {
            self.blocked = Some(Blocked::Bytes);
            return None;
        }
        (segment.index, segment.offset, segment.first_len) = (index, message.sent, take as u32);
        segment.ends = ends;
        message.sent = message.sent.saturating_add(take);
        message.unacked = message.unacked.saturating_add(1);
        message.complete = ends;
        self.fragments = index.saturating_add(1);
        self.open = (!ends).then_some(segment.first);
        self.used_bytes = self.used_bytes.saturating_add(take as u64);
        Some(overhead.saturating_add(used))
    }
}

/// What becomes of the lost segments.
enum Lost {
    Send(u64),
    NoRoom,
    None,
}
