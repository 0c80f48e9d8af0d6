//! The packets that arrived, as ranges to tell the peer.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// As many ranges are told at once, at most.
pub(super) const MAX_TOLD: usize = 32;

/// As many are held, at most: a burst that arrives in one go, full of gaps, is told in several acknowledgements.
const MAX_HELD: usize = 256;

/// A range is told so often after its last change; then the peer knows it, or has sent again what was in it.
const REPORTS: u8 = 10;

/// While there are more ranges than are told at once, each goes first until it was told so often: acknowledgements are lost
/// too.
const TURNS: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u64,
    end: u64,
    reports: u8,
}

/// Ranges of packet numbers that arrived and that the peer may not know of, oldest first.
///
/// A number that is lost never comes again, so gaps stay for ever: old ranges have to be let go, or every acknowledgement
/// would tell all of them (RFC 9000 section 13.2.3). One goes when it was told ten times since it last changed, or when there
/// are more than 256.
#[derive(Clone, Debug, Default)]
pub(super) struct AckRanges {
    ranges: Vec<Range>,
}

impl AckRanges {
    /// A number arrived that is not in here. In order, that costs one step; else as many as ranges are newer.
    #[cfg(test)]
    fn insert(&mut self, number: u64) {
        if !self.extend(number) {
            self.insert_out_of_order(number);
        }
    }

    /// Takes the number that follows the newest one; `false`, and nothing has changed, when this is another.
    #[inline]
    pub(super) fn extend(&mut self, number: u64) -> bool {
        match self.ranges.last_mut() {
            Some(newest) if newest.end.wrapping_add(1) == number && number != 0 => {
                newest.end = number;
                newest.reports = 0;
                true
            }
            _ => false,
        }
    }

    /// The newest number: it always is in here.
    #[inline]
    pub(super) fn newest(&self) -> Option<u64> {
        self.ranges.last().map(|range| range.end)
    }

    pub(super) fn insert_out_of_order(&mut self, number: u64) {
        // The first range that ends at or after the number before this one: either it touches this, or it lies above.
        let mut position = self.ranges.len();
        while let Some(before) = position.checked_sub(1).and_then(|before| self.ranges.get(before))
            && before.end.saturating_add(1) >= number
        {
            position = position.saturating_sub(1);
        }
        let after = self.ranges.get(position.saturating_add(1)).map(|after| (after.start, after.end));
        if let Some(range) = self.ranges.get_mut(position) {
            range.reports = if range.start <= number && number <= range.end { range.reports } else { 0 };
            if range.end.saturating_add(1) == number {
                range.end = number;
                if let Some((start, end)) = after
                    && start == number.saturating_add(1)
                {
                    range.end = end;
                    self.ranges.remove(position.saturating_add(1));
                }
                return;
            }
            if range.start == number.saturating_add(1) {
                range.start = number;
                return;
            }
            if range.start <= number {
                return;
            }
        }
        if self.ranges.len() >= MAX_HELD {
            let Some(kept) = position.checked_sub(1) else { return };
            self.ranges.remove(0);
            position = kept;
        }
        self.ranges.insert(position, Range { start: number, end: number, reports: 0 });
    }

    /// The ranges to tell, newest first: all of them, or 32. Those that had not their turns come first, the oldest of them first, so that
    /// the peer does not take for lost what it is only not told yet.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u64>> + Clone + '_ {
        let told = self.ranges.get(self.told()).unwrap_or_default();
        told.iter().rev().map(|range| range.start..=range.end)
    }

    /// The positions of the ranges to tell.
    fn told(&self) -> core::ops::Range<usize> {
        let len = self.ranges.len();
        let last = len.saturating_sub(MAX_TOLD);
        if last == 0 {
            return 0..len;
        }
        let waiting = self.ranges.iter().position(|range| range.reports < TURNS).unwrap_or(last);
        let start = waiting.min(last);
        start..start.saturating_add(MAX_TOLD)
    }

    /// Whether there are more ranges than are told at once, and one of them has not had its turns.
    pub(super) fn has_more(&self) -> bool {
        self.ranges.len() > MAX_TOLD && self.ranges.iter().any(|range| range.reports < TURNS)
    }

    /// Those that [`iter`](Self::iter) gives were told once more. The newest one stays in any case.
    pub(super) fn on_reported(&mut self) {
        let told = self.told();
        let mut worn = false;
        for range in self.ranges.get_mut(told).unwrap_or_default() {
            range.reports = range.reports.saturating_add(1);
            worn |= range.reports >= REPORTS;
        }
        if worn {
            let newest = self.ranges.last().map(|range| range.start);
            self.ranges.retain(|range| range.reports < REPORTS || Some(range.start) == newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::vec;

    use proptest::prelude::*;

    use super::*;

    fn ranges(ranges: &AckRanges) -> Vec<(u64, u64)> {
        ranges.iter().map(|range| range.into_inner()).collect()
    }

    fn of(numbers: impl IntoIterator<Item = u64>) -> AckRanges {
        let mut ranges = AckRanges::default();
        for number in numbers {
            ranges.insert(number);
        }
        ranges
    }

    #[test]
    fn numbers_join_to_ranges_from_both_sides() {
        assert_eq!(ranges(&of([0, 1, 2])), [(0, 2)]);
        assert_eq!(ranges(&of([5, 7, 6])), [(5, 7)]);
        assert_eq!(ranges(&of([9, 3, 5, 4, 1])), [(9, 9), (3, 5), (1, 1)]);
        assert_eq!(ranges(&of([u64::MAX, u64::MAX - 1, 0])), [(u64::MAX - 1, u64::MAX), (0, 0)]);
        assert_eq!(ranges(&of([4, 4, 4])), [(4, 4)]);
    }

    #[test]
    fn there_are_never_more_than_256_and_the_oldest_goes() {
        let mut many = of((0..300).map(|step| step * 2));
        assert_eq!((many.ranges.len(), many.ranges[0].start), (MAX_HELD, 88));
        many.insert(3); // older than all: not kept
        assert_eq!((many.ranges.len(), many.ranges[0].start), (MAX_HELD, 88));
        many.insert(597);
        assert_eq!((many.ranges.len(), many.ranges.last().unwrap().start), (MAX_HELD - 1, 596));
    }

    #[test]
    fn more_than_32_are_told_in_turns_the_oldest_first_and_then_the_newest() {
        let mut many = of((0..80).map(|step| step * 2));
        let mut first = Vec::new();
        for _ in 0..6 {
            assert!(many.has_more());
            assert_eq!(many.iter().len(), MAX_TOLD);
            first.push(*many.iter().last().unwrap().start());
            many.on_reported();
        }
        assert_eq!(first, [0, 0, 64, 64, 96, 96]);
        assert!(!many.has_more());
        assert_eq!(many.iter().next(), Some(158..=158));
    }

    /// RFC 9000 section 13.2.3: a range need not be told for ever.
    #[test]
    fn what_was_told_ten_times_goes_but_not_the_newest() {
        let mut told = of([1, 5, 9]);
        for _ in 0..9 {
            told.on_reported();
        }
        told.insert(6);
        assert_eq!(told.iter().len(), 3);
        told.on_reported();
        assert_eq!(ranges(&told), [(9, 9), (5, 6)]);
        for _ in 0..20 {
            told.on_reported();
        }
        assert_eq!(ranges(&told), [(9, 9)]);
        told.insert(2); // late, long after
        assert_eq!(ranges(&told), [(9, 9), (2, 2)]);
    }

    proptest! {
        #[test]
        fn the_ranges_are_those_of_a_plain_set(numbers in prop::collection::vec(0_u64..50, 0..60)) {
            let set: BTreeSet<u64> = numbers.iter().copied().collect();
            let mut expected: Vec<(u64, u64)> = vec![];
            for number in set {
                match expected.last_mut() {
                    Some((_, end)) if *end + 1 == number => *end = number,
                    _ => expected.push((number, number)),
                }
            }
            expected.reverse();
            prop_assert_eq!(ranges(&of(numbers)), expected);
        }
    }
}
