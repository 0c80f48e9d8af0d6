//! Messages that are delivered as soon as they are complete.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::Receiver;
use super::advance::append;
use super::arrive::Fragment;
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::{Piece, PieceFlags};

/// The bit that we set in the flags of a kept piece when it was delivered before its turn. The wire does not have it.
pub(super) const TAKEN: u8 = 0x80;

/// A message that can be delivered out of turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// The segment it begins in.
    start: u64,
    /// Where in it its piece begins. Fragments begin at 0.
    offset: u32,
    /// How many segments it takes; 0 for a piece among others.
    fragments: u64,
}

/// What is here of an unordered message of several segments.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    count: u64,
    /// How many there are, once the last one is here.
    total: Option<u64>,
    skipped: bool,
    /// Whether it waits to be taken.
    complete: bool,
}

/// Unordered messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Unordered {
    pub(super) waiting: VecDeque<Waiting>,
    /// By the segment they begin in, until they are taken or the cursor puts them together.
    partial: BTreeMap<u64, Partial>,
    /// The first of `waiting` in one piece, if it takes several segments.
    pub(super) whole: Vec<u8>,
    /// Whether that is done.
    is_whole: bool,
}

impl Unordered {
    /// Leaves an incomplete message that begins at the cursor to the cursor. `false` when it waits to be taken.
    pub(super) fn hand_over(&mut self, start: u64) -> bool {
        if self.partial.get(&start).is_some_and(|partial| partial.complete) {
            return false;
        }
        self.partial.remove(&start);
        true
    }
}

impl Receiver {
    /// A segment with unordered pieces was kept.
    pub(super) fn on_unordered(&mut self, segment: u64) -> Result<(), PeerFault> {
        let Self { base, slots, unordered, .. } = self;
        let Some(slot) = slots.get(segment.saturating_sub(*base) as usize) else { return Ok(()) };
        let (len, mut rest) = (slot.buffer.len(), slot.buffer.as_slice());
        while !rest.is_empty() {
            let offset = len.saturating_sub(rest.len());
            let (piece, after) = Piece::split(rest, offset == 0)?;
            let flags = piece.flags;
            if flags.is_whole() && flags.has(PieceFlags::UNORDERED) && !flags.has(PieceFlags::SKIPPED) {
                // A datagram is smaller than 4 GiB.
                unordered.waiting.push_back(Waiting { start: segment, offset: offset as u32, fragments: 0 });
            }
            rest = after;
        }
        match slot.fragment {
            Some(fragment) if fragment.unordered => self.on_fragment(segment, &fragment),
            _ => Ok(()),
        }
    }

    fn on_fragment(&mut self, segment: u64, fragment: &Fragment) -> Result<(), PeerFault> {
        let start = segment.checked_sub(fragment.index).ok_or(PeerFault::FragmentOrder { segment })?;
        if start < self.base {
            // The cursor puts it together.
            return Ok(());
        }
        let partial = self.unordered.partial.entry(start).or_default();
        partial.count = partial.count.saturating_add(1);
        partial.skipped |= fragment.skipped;
        if fragment.last {
            partial.total = Some(fragment.index.saturating_add(1));
        }
        let Partial { count, skipped, .. } = *partial;
        let Some(total) = partial.total.filter(|total| count >= *total) else { return Ok(()) };
        partial.complete = true;
        self.check_fragments(start, total)?;
        if skipped {
            self.counters.dropped = self.counters.dropped.saturating_add(1);
            self.mark_taken(start, total);
        } else {
            self.unordered.waiting.push_back(Waiting { start, offset: 0, fragments: total });
        }
        Ok(())
    }

    /// Whether segments carry the fragments of one message: so many that there is no room for others.
    fn check_fragments(&self, start: u64, total: u64) -> Result<(), PeerFault> {
        let mut size = 0_u64;
        for index in 0..total {
            let segment = start.saturating_add(index);
            let slot = self.slot(segment).filter(|slot| slot.held);
            let fragment = slot.and_then(|slot| slot.fragment).filter(|fragment| {
                let last = fragment.last == (index.saturating_add(1) == total);
                fragment.unordered && fragment.index == index && last
            });
            size = size.saturating_add(fragment.ok_or(PeerFault::FragmentOrder { segment })?.bytes);
        }
        let limit = self.config.max_message as u64;
        if size > limit { Err(PeerFault::MessageTooLarge { size, limit }) } else { Ok(()) }
    }

    /// Marks the fragments of a message as delivered.
    fn mark_taken(&mut self, start: u64, total: u64) {
        self.unordered.partial.remove(&start);
        for segment in start..start.saturating_add(total) {
            self.mark_piece(segment, 0);
        }
    }

    fn mark_piece(&mut self, segment: u64, offset: u32) {
        let slot = self.slot_mut(segment);
        if let Some(flags) = slot.and_then(|slot| slot.buffer.get_mut(offset as usize)) {
            *flags |= TAKEN;
        }
    }

    /// The bytes of the message that is next out of turn.
    pub(super) fn unordered_payload(&mut self) -> Option<&[u8]> {
        let &Waiting { start, offset, fragments } = self.unordered.waiting.front()?;
        if fragments == 0 {
            return self.piece_at(start, offset).map(|piece| piece.payload);
        }
        if !self.unordered.is_whole {
            let mut whole = core::mem::take(&mut self.unordered.whole);
            whole.clear();
            for segment in start..start.saturating_add(fragments) {
                let payload = self.piece_at(segment, 0).map(|piece| piece.payload).unwrap_or_default();
                append(&mut whole, payload, self.config.max_message);
            }
            self.unordered.whole = whole;
            self.unordered.is_whole = true;
        }
        Some(&self.unordered.whole)
    }

    fn piece_at(&self, segment: u64, offset: u32) -> Option<Piece<'_>> {
        let slot = self.slot(segment)?;
        let (piece, _) = Piece::split(slot.buffer.get(offset as usize..)?, offset == 0).ok()?;
        Some(piece)
    }

    /// The message that was next out of turn was taken.
    pub(super) fn unordered_taken(&mut self) {
        let Some(Waiting { start, offset, fragments }) = self.unordered.waiting.pop_front() else { return };
        self.unordered.is_whole = false;
        if fragments == 0 {
            self.mark_piece(start, offset);
        } else {
            self.mark_taken(start, fragments);
        }
        if self.ready.is_nothing() {
            self.advance();
        }
    }
}
