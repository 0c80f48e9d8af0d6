//! What is sent next: what was lost first, then new segments.

use super::segment::Segment;
use super::{Blocked, End, MessageId, Receipt, Sender};
use crate::sliding_window::packet::{DATA_HEADER_LEN, Piece, PieceFlags, varint_len};
use crate::time::Instant;

impl Sender {
    /// The number of the segment to send now, in a data frame of at most `room` bytes, header of the frame included; write it with
    /// [`Sender::encode`]. `None` when there is nothing, the peer grants no more ([`Sender::blocked_by`]), or the room is too small.
    #[inline]
    pub(crate) fn next(&mut self, now: Instant, room: usize) -> Option<u64> {
        if !self.lost.is_empty() {
            match self.next_lost(now, room) {
                Lost::Send(number) => return Some(number),
                Lost::NoRoom => return None,
                Lost::None => {}
            }
        }
        self.expire(now);
        self.make(now, room)
    }

    /// The oldest segment that is not acknowledged, to be sent once more at once.
    pub(crate) fn probe_segment(&mut self, now: Instant, room: usize) -> Option<u64> {
        let number = self.base;
        // The front is never acknowledged: it would have gone.
        let frame_len = self.segment(number)?.frame_len;
        if frame_len > room {
            return None;
        }
        self.send_again(now, number);
        Some(number)
    }

    fn next_lost(&mut self, now: Instant, room: usize) -> Lost {
        while let Some(&number) = self.lost.front() {
            match self.segment(number) {
                Some(segment) if segment.waits && !segment.acked => {
                    if segment.frame_len > room {
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

    /// Makes a new segment.
    fn make(&mut self, now: Instant, room: usize) -> Option<u64> {
        if self.blocked.is_some() {
            return None;
        }
        if self.messages.waiting() == 0 && !self.tail.is_empty() {
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
        let room = room.min(self.config.max_frame).checked_sub(DATA_HEADER_LEN)?;
        let mut left = room;
        let open = self.open;
        self.messages.trim();
        let mut segment = Segment::new(open.unwrap_or(self.messages.next_place()));
        // What expired between the open message and the next one has kept its place: then they can not share a segment.
        let shares = match open {
            Some(place) => {
                !self.go_on(now, &mut segment, &mut left) && place.wrapping_add(1) == self.messages.next_place()
            }
            None => true,
        };
        if shares {
            self.fill(&mut segment, &mut left);
        }
        if segment.count == 0 && !segment.fin {
            return None;
        }
        segment.frame_len = room.saturating_sub(left).saturating_add(DATA_HEADER_LEN);
        segment.transmissions = 1;
        segment.outstanding = 1;
        self.segments.push_back(segment);
        Some(number)
    }

    fn block(&mut self, by: Blocked) -> Option<u64> {
        self.blocked = Some(by);
        None
    }

    /// Bytes that the peer still grants.
    #[inline]
    fn bytes_left(&self) -> u64 {
        self.credit.max_bytes.saturating_sub(self.used_bytes)
    }

    /// The next fragment of the message that was begun. `true` when nothing else fits into the segment.
    fn go_on(&mut self, now: Instant, segment: &mut Segment, left: &mut usize) -> bool {
        let granted = self.bytes_left();
        // The fragments of a message stand in consecutive segments; the one before may be acknowledged and gone.
        self.expire_in_flight(now, segment.first, 0);
        let least = least(self.config.max_frame);
        let index = self.fragments;
        let Some(message) = self.messages.get_mut(segment.first) else { return true };
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
            return true;
        };
        if take as u64 > granted {
            self.block(Blocked::Bytes);
            return true;
        }
        (segment.index, segment.offset, segment.first_len) = (index, message.sent, take);
        (segment.ends, segment.count) = (ends, 1);
        message.sent = message.sent.saturating_add(take);
        message.unacked = message.unacked.saturating_add(1);
        message.complete = ends;
        self.fragments = index.saturating_add(1);
        self.open = (!ends).then_some(segment.first);
        self.used_bytes = self.used_bytes.saturating_add(take as u64);
        *left = room.saturating_sub(used);
        !ends || used == room
    }

    /// As many whole messages as fit, or the first fragment of one, and the end.
    #[inline]
    fn fill(&mut self, segment: &mut Segment, left: &mut usize) {
        let least = least(self.config.max_frame);
        let mut bytes = self.bytes_left();
        let granted = self.credit.max_messages.saturating_sub(self.sent_messages);
        let Self { messages, receipts, queued_receipts, .. } = self;
        // What was taken so far is counted here, and told when all is taken.
        let (mut room, mut taken, mut timed, mut blocked, mut closed) = (*left, 0_u32, false, None, None);
        while let Some(message) = messages.waiting_mut(taken as usize) {
            if u64::from(taken) >= granted {
                blocked = Some(Blocked::Messages);
                break;
            }
            let len = message.payload.len();
            // No buffer is nearly as large as can be counted.
            let with_length = len.wrapping_add(varint_len(len as u64)).wrapping_add(1);
            let closes = with_length > room;
            let (mut take, mut ends) = (len, true);
            if closes && (len >= room || len == 0) {
                (take, ends) = (room.saturating_sub(overhead(message.unordered(), 0)), false);
                if segment.count > 0 || take < least {
                    break;
                }
            }
            if take as u64 > bytes {
                blocked = Some(Blocked::Bytes);
                break;
            }
            (message.sent, message.complete, message.unacked) = (take, ends, 1);
            if message.receipt() {
                let place = self.sent_messages.wrapping_add(u64::from(taken));
                receipts.push_back(Receipt { id: message.id, place, expired: false });
                *queued_receipts = queued_receipts.saturating_sub(1);
            }
            timed |= message.timed();
            bytes = bytes.wrapping_sub(take as u64);
            if segment.count == 0 {
                (segment.first_len, segment.ends) = (take, ends);
            }
            (taken, segment.count) = (taken.wrapping_add(1), segment.count.wrapping_add(1));
            if closes {
                closed = Some(ends);
                break;
            }
            room = room.wrapping_sub(with_length);
        }
        self.note_launched(taken, self.bytes_left().wrapping_sub(bytes), timed);
        self.blocked = blocked.or(self.blocked);
        if let Some(ends) = closed {
            (self.open, self.fragments) = ((!ends).then_some(segment.first), 1);
            *left = 0;
            return;
        }
        *left = room;
        if self.end == End::Wanted && self.messages.waiting() == 0 && room > 0 {
            self.end = End::Sent;
            segment.fin = true;
            *left = room.saturating_sub(1);
        }
    }

    /// So many messages, with so many bytes of them, were given a segment; `timed` says whether one of them expires at some time.
    #[inline]
    fn note_launched(&mut self, count: u32, bytes: u64, timed: bool) {
        self.messages.launch(count as usize, timed);
        self.sent_messages = self.sent_messages.wrapping_add(u64::from(count));
        self.used_bytes = self.used_bytes.wrapping_add(bytes);
    }
}

/// What becomes of the lost segments.
enum Lost {
    Send(u64),
    NoRoom,
    None,
}

/// Bytes of a fragment besides its payload, without a length.
fn overhead(unordered: bool, index: u32) -> usize {
    let flags = if unordered { PieceFlags::UNORDERED } else { PieceFlags::from_bits(0) };
    Piece::overhead(flags, u64::from(index), 0)
}

/// The least bytes of a fragment that is not the last one: where less has room, the next packet has more.
fn least(max_frame: usize) -> usize {
    (max_frame / 4).max(1)
}
