//! What goes into a new segment, and how it is written.

use super::segment::{Segment, put, put_whole};
use super::{Blocked, End, Receipt, Sender};
use crate::sliding_window::packet::{Piece, PieceFlags, varint_len};

/// Whole messages, and what they take.
#[derive(Clone, Copy, Default)]
pub(super) struct Filled {
    /// How many there are.
    pub(super) count: u32,
    /// Bytes of the first one.
    pub(super) first_len: u32,
    /// Whether the end of all that we send follows.
    pub(super) fin: bool,
    /// Bytes that were written.
    pub(super) len: usize,
    /// Bytes of the room that would be left if the last piece had a length.
    pub(super) left: usize,
}

impl Filled {
    /// A new segment of them, whose place and size are to be filled in.
    #[inline(always)]
    pub(super) const fn segment(&self) -> Segment {
        Segment {
            first: 0,
            offset: 0,
            count: self.count,
            index: 0,
            first_len: self.first_len,
            frame_len: 0,
            transmissions: 1,
            outstanding: 1,
            ends: true,
            fin: self.fin,
            acked: false,
            waits: false,
        }
    }
}

impl Sender {
    /// Writes as many whole messages as fit, and the end.
    #[inline(always)]
    pub(super) fn fill(&mut self, pieces: &mut [u8]) -> Filled {
        let granted = self.bytes_left();
        let messages = self.credit.max_messages.saturating_sub(self.sent_messages);
        let (mut count, mut room, mut bytes, mut closed) = (0_usize, pieces.len(), granted, false);
        // As many as fit with a length.
        while let Some(message) = self.messages.waiting(count) {
            let len = message.payload.len();
            // No buffer is nearly as large as can be counted.
            let with_length = len.wrapping_add(varint_len(len as u64)).wrapping_add(1);
            if with_length <= room && len as u64 <= bytes && (count as u64) < messages {
                (room, bytes) = (room.wrapping_sub(with_length), bytes.wrapping_sub(len as u64));
                count = count.wrapping_add(1);
                continue;
            }
            // One more may fit as the last one, which has none.
            let closes = with_length > room;
            if count as u64 >= messages {
                self.blocked = Some(Blocked::Messages);
            } else if closes && (len >= room || len == 0) {
                // Too long.
            } else if len as u64 > bytes {
                self.blocked = Some(Blocked::Bytes);
            } else {
                (closed, bytes, count) = (true, bytes.wrapping_sub(len as u64), count.wrapping_add(1));
            }
            break;
        }
        let ends_all = self.end == End::Wanted && !closed && room > 0;
        let fin = ends_all && count == self.messages.len_waiting();
        let left = if closed { 0 } else { room.wrapping_sub(usize::from(fin)) };
        let (first_len, len) = self.write_whole(count, fin, pieces);
        self.sent_messages = self.sent_messages.wrapping_add(count as u64);
        self.used_bytes = self.used_bytes.wrapping_add(granted.wrapping_sub(bytes));
        Filled { count: count as u32, first_len: first_len as u32, fin, len, left }
    }

    /// Writes the next messages, so many, and the end if it follows; gives the bytes of the first one, and those that were written.
    #[inline(always)]
    fn write_whole(&mut self, count: usize, fin: bool, pieces: &mut [u8]) -> (usize, usize) {
        let (all, mut free) = (pieces.len(), pieces);
        let (mut wishes, mut first_len) = (false, 0);
        for index in 0..count {
            let Some(message) = self.messages.waiting_mut(index) else { break };
            let len = message.payload.len();
            (message.sent, message.complete, message.unacked) = (len, true, 1);
            wishes |= message.has_wishes();
            if index == 0 {
                first_len = len;
            }
            let is_last = index.wrapping_add(1) == count && !fin;
            // There is room for all of them.
            let Some(rest) = put_whole(free, message, is_last) else { return (first_len, 0) };
            free = rest;
        }
        if wishes {
            self.note_wishes(count);
        }
        self.messages.launch(count);
        if fin {
            self.end = End::Sent;
            free = put(free, [PieceFlags::FIN.bits()], &[]).unwrap_or_default();
        }
        (first_len, all.wrapping_sub(free.len()))
    }

    /// Some of the next messages, which are given a segment, are to be receipted or would have expired at some time.
    #[inline(never)]
    pub(super) fn note_wishes(&mut self, count: usize) {
        for index in 0..count {
            if let Some(message) = self.messages.waiting_mut(index).filter(|message| message.receipt()) {
                let place = self.sent_messages.wrapping_add(index as u64);
                self.receipts.push_back(Receipt { id: message.id, place, expired: false });
                self.queued_receipts = self.queued_receipts.saturating_sub(1);
            }
        }
        self.messages.forget_deadlines(count);
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
