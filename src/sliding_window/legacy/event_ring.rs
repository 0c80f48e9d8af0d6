//! The last few events, and whether they came within a window of time.

#[cfg(test)]
mod tests;

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::time::{Duration, Instant};

/// The original's ring of the last events, as many as it has room for.
///
/// [`EventRing::add`] is what it is for: a `true` says that so many events came within the window. The rest of it is the
/// original's interface of a buffer.
///
/// ```
/// use core::num::NonZeroUsize;
/// use mconn::sliding_window::legacy::EventRing;
/// use mconn::time::{Duration, Instant};
///
/// let mut ring = EventRing::new(NonZeroUsize::new(3).unwrap(), Duration::from_secs(10));
/// let seconds = [0, 5, 10, 20];
/// assert_eq!(seconds.map(|second| ring.add(Instant::from_secs(second))), [false, false, true, false]);
/// ```
///
/// Source: `EventRingBuf` in `overing.go`.
#[derive(Clone, Debug)]
pub struct EventRing {
    /// As long as the capacity, and never empty.
    slots: Vec<Instant>,
    window: Duration,
    first: usize,
    len: usize,
}

impl EventRing {
    /// An empty ring for `capacity` events, of 8 bytes each, which it allocates at once.
    #[must_use]
    pub fn new(capacity: NonZeroUsize, window: Duration) -> Self {
        Self { slots: vec![Instant::ZERO; capacity.get()], window, first: 0, len: 0 }
    }

    /// How many events it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many events it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds no event.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The window of time.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Which slot the oldest event is in, or would be.
    #[must_use]
    pub const fn first_slot(&self) -> usize {
        self.first
    }

    /// Adds an event in place of the oldest if there is no room. Whether the ring is full now and its newest event not more
    /// than the window later than its oldest. An event that is earlier than the oldest is in any window.
    pub fn add(&mut self, event: Instant) -> bool {
        let newest = self.slot(self.len);
        let full = self.len >= self.capacity();
        self.put(newest, event);
        if full {
            self.first = self.slot(1);
        } else {
            self.len = self.len.saturating_add(1);
        }
        if self.len < self.capacity() {
            return false;
        }
        let oldest = self.slots.get(self.first).copied().unwrap_or(event);
        event.saturating_duration_since(oldest) <= self.window
    }

    /// The events, the oldest first, in the two pieces in which they lie in memory; either may be empty.
    #[must_use]
    pub fn as_slices(&self) -> (&[Instant], &[Instant]) {
        let end = self.first.saturating_add(self.len);
        let wrapped = end.saturating_sub(self.capacity());
        let head = self.slots.get(self.first..end.saturating_sub(wrapped)).unwrap_or_default();
        (head, self.slots.get(..wrapped).unwrap_or_default())
    }

    /// The events, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Instant> + '_ {
        let (head, tail) = self.as_slices();
        head.iter().chain(tail).copied()
    }

    /// Copies the oldest events to `out`, as many as there are and fit, and leaves them. How many they are.
    pub fn peek(&self, out: &mut [Instant]) -> usize {
        out.iter_mut().zip(self.iter()).map(|(place, event)| *place = event).count()
    }

    /// Moves the oldest events to `out`, as many as there are and fit. How many they are.
    pub fn read(&mut self, out: &mut [Instant]) -> usize {
        let count = self.peek(out);
        self.advance(count);
        count
    }

    /// Appends events, as many as there is room for. How many they are.
    pub fn write(&mut self, events: &[Instant]) -> usize {
        let room = self.capacity().saturating_sub(self.len);
        let mut written: usize = 0;
        for &event in events.iter().take(room) {
            let slot = self.slot(self.len);
            self.put(slot, event);
            self.len = self.len.saturating_add(1);
            written = written.saturating_add(1);
        }
        written
    }

    /// Forgets the oldest `count` events, or all if there are fewer.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len);
        self.first = self.slot(count);
        self.len = self.len.saturating_sub(count);
    }

    /// Forgets all events.
    pub fn reset(&mut self) {
        self.first = 0;
        self.len = 0;
    }

    /// Holds `events` in place of what it held. If they are more than there is room for, they become the ring: its capacity
    /// grows to their number.
    pub fn adopt(&mut self, events: Vec<Instant>) {
        self.reset();
        self.len = events.len();
        match self.slots.get_mut(..events.len()) {
            Some(slots) => slots.copy_from_slice(&events),
            None => self.slots = events,
        }
    }

    /// The slot `distance` behind the first; at most one round.
    fn slot(&self, distance: usize) -> usize {
        let slot = self.first.saturating_add(distance);
        slot.checked_sub(self.capacity()).unwrap_or(slot)
    }

    fn put(&mut self, slot: usize, event: Instant) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = event;
        }
    }
}
