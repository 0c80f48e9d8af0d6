//! What goes into a new segment, and how it is written.

use super::segment::{Segment, put, put_whole};
use super::{Blocked, End, Receipt, Sender};
use crate::sliding_window::packet::{Piece, PieceFlags, varint_len};

/// What the pieces of a segment take.
pub(super) struct Filled {
    /// Bytes that were written.
    pub(super) len: usize,
    /// Bytes of the room that would be left if the last piece had a length.
    pub(super) left: usize,
}

impl Sender {
    /// Writes as many whole messages as fit, or the first fragment of one, and the end.
    #[inline(always)]
    pub(super) fn fill(&mut self, segment: &mut Segment, pieces: &mut [u8]) -> Filled {
        let all = pieces.len();
        let granted = self.bytes_left();
        let messages = self.credit.max_messages.saturating_sub(self.sent_messages);
        let (mut count, mut room, mut bytes, mut closed) = (0_usize, all, granted, false);
        // As many as fit with a length.
        while let Some(message) = self.messages.waiting(count) {
            let len = message.payload.len();
            // No buffer is nearly as large as can be counted.
            let with_length = len.wrapping_add(varint_len(len as u64)).wrapping_add(1);
            let fits = with_length <= room;
            if fits && len as u64 <= bytes && (count as u64) < messages {
                (room, bytes) = (room.wrapping_sub(with_length), bytes.wrapping_sub(len as u64));
                count = count.wrapping_add(1);
                continue;
            }
            // One more may fit as the last one, which has none.
            if count as u64 >= messages {
                self.blocked = Some(Blocked::Messages);
            } else if fits || (len < room && len > 0 && len as u64 > bytes) {
                self.blocked = Some(Blocked::Bytes);
            } else if len < room && len > 0 {
                (closed, bytes, count) = (true, bytes.wrapping_sub(len as u64), count.wrapping_add(1));
            } else if count == 0 && segment.count == 0 {
                return self.begin_long(segment, pieces);
            }
            break;
        }
        segment.fin = self.end == End::Wanted && !closed && room > 0 && count == self.messages.len_waiting();
        let free = self.write_whole(segment, count, pieces);
        self.sent_messages = self.sent_messages.wrapping_add(count as u64);
        self.used_bytes = self.used_bytes.wrapping_add(granted.wrapping_sub(bytes));
        let left = if closed { 0 } else { room.wrapping_sub(usize::from(segment.fin)) };
        Filled { len: all.wrapping_sub(free), left }
    }

    /// Writes the next messages, so many, and the end if the segment has it; gives how much of the room is not used.
    #[inline(always)]
    fn write_whole(&mut self, segment: &mut Segment, count: usize, mut free: &mut [u8]) -> usize {
        let mut timed = false;
        for index in 0..count {
            let Some(message) = self.messages.waiting_mut(index) else { break };
            let len = message.payload.len();
            (message.sent, message.complete, message.unacked) = (len, true, 1);
            timed |= message.timed();
            if message.receipt() {
                let place = self.sent_messages.wrapping_add(index as u64);
                self.receipts.push_back(Receipt { id: message.id, place, expired: false });
                self.queued_receipts = self.queued_receipts.saturating_sub(1);
            }
            if segment.count == 0 {
                segment.first_len = len as u32;
            }
            segment.count = segment.count.wrapping_add(1);
            let is_last = index.wrapping_add(1) == count && !segment.fin;
            free = put_whole(free, message, is_last).unwrap_or_default();
        }
        self.messages.launch(count, timed);
        if segment.fin {
            self.end = End::Sent;
            free = put(free, [PieceFlags::FIN.bits()], &[]).unwrap_or_default();
        }
        free.len()
    }

    /// The same as [`Sender::fill`], where speed matters less.
    #[inline(never)]
    pub(super) fn fill_behind(&mut self, segment: &mut Segment, pieces: &mut [u8]) -> Filled {
        self.fill(segment, pieces)
    }

    /// Writes the first fragment of the next message, which does not fit into a segment.
    #[inline(never)]
    fn begin_long(&mut self, segment: &mut Segment, pieces: &mut [u8]) -> Filled {
        let all = pieces.len();
        let nothing = Filled { len: 0, left: all };
        let granted = self.bytes_left();
        let Some(message) = self.messages.waiting_mut(0) else { return nothing };
        let take = all.saturating_sub(overhead(message.unordered(), 0));
        if take < least(self.config.max_frame) {
            return nothing;
        }
        if take as u64 > granted {
            self.blocked = Some(Blocked::Bytes);
            return nothing;
        }
        (message.sent, message.complete, message.unacked) = (take, false, 1);
        if message.receipt() {
            self.receipts.push_back(Receipt { id: message.id, place: self.sent_messages, expired: false });
            self.queued_receipts = self.queued_receipts.saturating_sub(1);
        }
        let timed = message.timed();
        (segment.count, segment.first_len, segment.ends) = (1, take as u32, false);
        self.messages.launch(1, timed);
        self.sent_messages = self.sent_messages.wrapping_add(1);
        self.used_bytes = self.used_bytes.wrapping_add(take as u64);
        (self.open, self.fragments) = (Some(segment.first), 1);
        let unused = self.put_first(segment, pieces).map_or(0, |rest| rest.len());
        Filled { len: all.wrapping_sub(unused), left: 0 }
    }
}

/// Bytes of a fragment besides its payload, without a length.
pub(super) fn overhead(unordered: bool, index: u32) -> usize {
    let flags = if unordered { PieceFlags::UNORDERED } else { PieceFlags::from_bits(0) };
    Piece::overhead(flags, u64::from(index), 0)
}

/// The least bytes of a fragment that is not the last one: where less has room, the next packet has more.
pub(super) fn least(max_frame: usize) -> usize {
    (max_frame / 4).max(1)
}
