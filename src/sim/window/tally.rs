//! What users of sessions count.

/// What the user counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Messages that were accepted.
    pub accepted: u64,
    /// Messages, or parts of a stream, that were taken.
    pub taken: u64,
    /// Receipts that came.
    pub receipts: u64,
    /// Flushes that were told.
    pub flushes: u64,
    /// Messages of which it was told that they expired.
    pub expired: u64,
    /// Times that a message was refused for want of room.
    pub refused: u64,
}

impl Tally {
    /// Adds what another user has counted.
    pub fn add(&mut self, other: Self) {
        for (mine, its) in [
            (&mut self.accepted, other.accepted),
            (&mut self.taken, other.taken),
            (&mut self.receipts, other.receipts),
            (&mut self.flushes, other.flushes),
            (&mut self.expired, other.expired),
            (&mut self.refused, other.refused),
        ] {
            *mine = mine.saturating_add(its);
        }
    }
}
