//! The cursor: goes through the segments in order until it finds something for the application, or a hole.

use alloc::vec::Vec;

use super::Receiver;
use super::unordered::TAKEN;
use crate::sliding_window::packet::{Piece, PieceFlags};
use crate::sliding_window::sender::Class;

/// What the cursor has found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ready {
    /// Nothing: the next segment is missing, or what comes next is delivered out of turn.
    Nothing,
    /// A whole message in the segment at which the cursor stands.
    Piece { start: usize, end: usize, receipt: bool },
    /// The message that was put together from several segments.
    Assembled,
}

impl Ready {
    /// The whole message in its turn that begins at `offset` of a segment, if that is what begins there: the usual case.
    #[inline]
    pub(super) fn at(pieces: &[u8], offset: usize) -> Option<Self> {
        let (flags, payload, after) = Piece::split_whole(pieces.get(offset..)?)?;
        let end = pieces.len().wrapping_sub(after.len());
        Some(Self::Piece { start: end.wrapping_sub(payload.len()), end, receipt: flags.has(PieceFlags::RECEIPT) })
    }

    #[inline]
    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// A message of several segments that the cursor puts together.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly {
    pub(super) bytes: Vec<u8>,
    /// Bytes of credit that it has taken; more than there are bytes when a part was skipped.
    pub(super) credit: u64,
    skipped: bool,
    unordered: bool,
    pub(super) receipt: bool,
}

impl Assembly {
    pub(super) const fn class(&self) -> Class {
        if self.unordered { Class::Unordered } else { Class::Ordered }
    }

    /// Appends a fragment. The buffer doubles, and is never larger than a message may be.
    fn add(&mut self, piece: &Piece<'_>, max_message: usize) {
        if piece.flags.has(PieceFlags::FIRST) {
            self.bytes.clear();
            (self.credit, self.skipped) = (0, false);
            self.unordered = piece.flags.has(PieceFlags::UNORDERED);
        }
        self.receipt = piece.flags.has(PieceFlags::RECEIPT);
        self.credit = self.credit.saturating_add(piece.credit());
        self.skipped |= piece.flags.has(PieceFlags::SKIPPED);
        if self.skipped {
            self.bytes.clear();
        } else {
            append(&mut self.bytes, piece.payload, max_message);
        }
    }
}

/// Appends to a buffer that doubles, up to the largest message.
pub(super) fn append(buffer: &mut Vec<u8>, bytes: &[u8], max_message: usize) {
    let needed = buffer.len().saturating_add(bytes.len());
    if needed > buffer.capacity() {
        let wanted = buffer.capacity().saturating_mul(2).min(max_message).max(needed);
        buffer.reserve_exact(wanted.saturating_sub(buffer.len()));
    }
    buffer.extend_from_slice(bytes);
}

impl Receiver {
    /// Moves the cursor until there is something for the application, or nothing in its turn.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.ready = Ready::Nothing;
        while let Some(slot) = self.slots.front()
            && slot.held
        {
            if let Some(ready) = Ready::at(&slot.buffer, self.offset) {
                self.ready = ready;
                return;
            }
            if self.offset >= slot.buffer.len() {
                self.leave_segment();
                continue;
            }
            if !self.pass_piece() {
                return;
            }
        }
    }

    /// Passes a piece that is not delivered in its turn; `false` when there is something to deliver first.
    fn pass_piece(&mut self) -> bool {
        let Some(slot) = self.slots.front_mut() else { return false };
        let len = slot.buffer.len();
        let Some(bits) = slot.buffer.get_mut(self.offset) else { return false };
        let taken = *bits & TAKEN != 0;
        *bits &= !TAKEN;
        let rest = slot.buffer.get(self.offset..).unwrap_or_default();
        let Ok((piece, after)) = Piece::split(rest, self.offset == 0) else {
            // It was read before. If it could fail, the rest of the segment would be passed over.
            self.offset = len;
            return true;
        };
        let (flags, bytes) = (piece.flags, piece.credit());
        let (last, receipt) = (flags.has(PieceFlags::LAST), flags.has(PieceFlags::RECEIPT));
        let end = len.saturating_sub(after.len());
        if flags.has(PieceFlags::FIN) {
            self.finished = true;
        } else if taken || (flags.is_whole() && flags.has(PieceFlags::SKIPPED)) {
            self.consumed_bytes = self.consumed_bytes.saturating_add(bytes);
            if last {
                self.consume(0, receipt);
            }
            self.counters.dropped = self.counters.dropped.saturating_add(u64::from(!taken));
        } else if flags.is_whole() {
            // Unordered, and it waits to be taken.
            return false;
        } else {
            let begins = flags.has(PieceFlags::FIRST) && flags.has(PieceFlags::UNORDERED);
            if begins && !self.unordered.hand_over(self.base) {
                return false;
            }
            self.assembly.add(&piece, self.config.max_message);
            if last && self.assembly.skipped {
                self.counters.dropped = self.counters.dropped.saturating_add(1);
                self.consume(self.assembly.credit, self.assembly.receipt);
            } else if last {
                self.ready = Ready::Assembled;
            }
        }
        self.offset = end;
        if end >= len {
            self.leave_segment();
        }
        self.ready.is_nothing()
    }

    /// Goes on to the next segment.
    #[inline]
    fn leave_segment(&mut self) {
        self.base = self.base.wrapping_add(1);
        self.offset = 0;
        if let Some(slot) = self.slots.front_mut() {
            slot.held = false;
            self.pool.put(core::mem::take(&mut slot.buffer));
        }
        self.slots.pop();
    }

    /// Counts a message that is done with.
    #[inline]
    pub(super) fn consume(&mut self, bytes: u64, receipt: bool) {
        // No more than was received, which saturates.
        self.consumed_bytes = self.consumed_bytes.wrapping_add(bytes);
        self.consumed_messages = self.consumed_messages.wrapping_add(1);
        self.receipt_due |= receipt;
    }
}
