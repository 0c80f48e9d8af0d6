//! Copies of what arrives, as soon as it arrives.

use alloc::collections::VecDeque;

use bytes::Bytes;

use crate::sliding_window::packet::{Piece, PieceFlags};

/// A copy of something that has just arrived, whatever is missing before it. The ordered stream gets it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asap {
    /// The segment it came in, counted from 0.
    pub segment: u64,
    /// The bytes.
    pub payload: Bytes,
    /// Whether a message begins with them.
    pub first: bool,
    /// Whether a message ends with them.
    pub last: bool,
}

/// The tap: bounded, the oldest copy gives way.
#[derive(Clone, Debug, Default)]
pub(super) struct Tap {
    limit: usize,
    copies: VecDeque<Asap>,
    dropped: u64,
}

impl Tap {
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.limit > 0
    }

    pub(super) fn add(&mut self, segment: u64, piece: &Piece<'_>) {
        if piece.flags.has(PieceFlags::SKIPPED) || piece.flags.has(PieceFlags::FIN) {
            return;
        }
        if self.copies.len() >= self.limit {
            self.copies.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        let (first, last) = (piece.flags.has(PieceFlags::FIRST), piece.flags.has(PieceFlags::LAST));
        self.copies.push_back(Asap { segment, payload: Bytes::copy_from_slice(piece.payload), first, last });
    }
}

impl super::Receiver {
    /// Opens the tap: from now on a copy of every message (or part of one, if it takes several segments) is kept as soon as it
    /// arrives. At most `limit` copies wait; the oldest gives way, and is counted. 0 closes the tap.
    pub(crate) fn register_asap(&mut self, limit: usize) {
        self.tap.limit = limit;
        while self.tap.copies.len() > limit {
            self.tap.copies.pop_front();
            self.tap.dropped = self.tap.dropped.saturating_add(1);
        }
    }

    /// The oldest copy that the tap holds.
    pub(crate) fn next_asap(&mut self) -> Option<Asap> {
        self.tap.copies.pop_front()
    }

    /// Copies that gave way to newer ones.
    pub(crate) fn asap_dropped(&self) -> u64 {
        self.tap.dropped
    }
}
