//! Who wakes next: the earliest of many moments that change all the time.

use alloc::vec::Vec;

use crate::time::Instant;

/// A moment per slot, and the earliest of them: a tournament. Changing one costs a walk from its leaf to the root.
///
/// Of slots with the same moment the lower one comes first, so that the order of events never depends on history.
#[derive(Clone, Debug)]
pub(super) struct Agenda {
    /// Slots that can be used before the tree grows: a power of two.
    capacity: usize,
    /// Slots in use.
    len: usize,
    moments: Vec<Instant>,
    /// The winner below each inner node; the root is 1, the children of n are 2n and 2n + 1.
    winners: Vec<u32>,
}

impl Agenda {
    pub(super) fn new() -> Self {
        let mut agenda = Self { capacity: 0, len: 0, moments: Vec::new(), winners: Vec::new() };
        agenda.grow();
        agenda
    }

    fn grow(&mut self) {
        self.capacity = self.capacity.saturating_mul(2).max(4);
        self.moments.resize(self.capacity, Instant::MAX);
        self.winners.clear();
        self.winners.resize(self.capacity, 0);
        for node in (1..self.capacity).rev() {
            self.decide(node);
        }
    }

    /// A new slot, with no moment.
    pub(super) fn add(&mut self) -> u32 {
        if self.len == self.capacity {
            self.grow();
        }
        let slot = self.len as u32;
        self.len = self.len.saturating_add(1);
        slot
    }

    fn moment(&self, slot: u32) -> Instant {
        self.moments.get(slot as usize).copied().unwrap_or(Instant::MAX)
    }

    fn winner(&self, node: usize) -> u32 {
        match node.checked_sub(self.capacity) {
            Some(leaf) => leaf as u32,
            None => self.winners.get(node).copied().unwrap_or(0),
        }
    }

    fn decide(&mut self, node: usize) {
        let left = self.winner(node.saturating_mul(2));
        let right = self.winner(node.saturating_mul(2).saturating_add(1));
        let winner = if self.moment(right) < self.moment(left) { right } else { left };
        if let Some(place) = self.winners.get_mut(node) {
            *place = winner;
        }
    }

    /// Sets the moment of a slot; [`Instant::MAX`] is never.
    pub(super) fn set(&mut self, slot: u32, moment: Instant) {
        let Some(place) = self.moments.get_mut(slot as usize) else { return };
        if *place == moment {
            return;
        }
        *place = moment;
        let mut node = self.capacity.saturating_add(slot as usize) / 2;
        while node > 0 {
            self.decide(node);
            node /= 2;
        }
    }

    /// The earliest moment and its slot; `None` when there is none.
    pub(super) fn earliest(&self) -> Option<(Instant, u32)> {
        let slot = self.winner(1);
        let moment = self.moment(slot);
        (moment < Instant::MAX).then_some((moment, slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Random;

    #[test]
    fn it_finds_what_a_search_finds() {
        let mut random = Random::new(5);
        let mut agenda = Agenda::new();
        let mut plain: Vec<Instant> = Vec::new();
        assert_eq!(agenda.earliest(), None);
        for _ in 0..5_000 {
            if random.percent(2) {
                assert_eq!(agenda.add() as usize, plain.len());
                plain.push(Instant::MAX);
            }
            if plain.is_empty() {
                continue;
            }
            let slot = random.below(plain.len() as u64);
            let moment = if random.percent(20) { Instant::MAX } else { Instant::from_nanos(random.below(50)) };
            agenda.set(slot as u32, moment);
            plain[slot as usize] = moment;
            let first = plain.iter().enumerate().min_by_key(|(slot, moment)| (**moment, *slot)).expect("one");
            let expected = (*first.1 < Instant::MAX).then_some((*first.1, first.0 as u32));
            assert_eq!(agenda.earliest(), expected);
        }
        assert!(plain.len() > 64, "it has grown");
    }
}
