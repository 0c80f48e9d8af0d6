//! Packet numbers that are left out, to catch a peer that acknowledges what it did not get.

/// Chooses the numbers that no packet has.
#[derive(Clone, Debug)]
pub(super) struct Skipped {
    seed: Option<u64>,
    /// The last one that was left out.
    last: u64,
    /// The next one.
    next: u64,
}

impl Skipped {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let mut skipped = Self { seed, last: u64::MAX, next: u64::MAX };
        skipped.choose(0);
        skipped
    }

    /// Whether `number` is to be left out.
    #[inline]
    pub(super) fn skips(&mut self, number: u64) -> bool {
        if number != self.next {
            return false;
        }
        self.last = number;
        self.choose(number);
        true
    }

    /// The number in this range that was left out. Only the last one is known, and none at the end of all numbers.
    #[inline]
    pub(super) fn within(&self, low: u64, high: u64) -> Option<u64> {
        (low <= self.last && self.last <= high && self.last != u64::MAX).then_some(self.last)
    }

    /// The next one is 256 to 1,279 further.
    fn choose(&mut self, number: u64) {
        let Some(seed) = self.seed else { return };
        // The finaliser of SplitMix64.
        let mut mixed = seed ^ number;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let distance = ((mixed ^ (mixed >> 31)) & 1_023).saturating_add(256);
        self.next = number.saturating_add(distance);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_seed_decides_which_numbers_are_left_out() {
        let skipped = |seed| {
            let mut skipped = Skipped::new(seed);
            (0..100_000).filter(|number| skipped.skips(*number)).collect::<Vec<u64>>()
        };
        assert!(skipped(None).is_empty());
        let one = skipped(Some(1));
        assert!((100..170).contains(&one.len()), "{}", one.len());
        assert!(one.windows(2).all(|pair| (256..1_280).contains(&(pair[1] - pair[0]))));
        assert_eq!(one, skipped(Some(1)));
        assert_ne!(one, skipped(Some(2)));
    }

    /// The first number of SplitMix64 that begins at 0 is 0xe220a8397b1dcdaf.
    #[test]
    fn the_numbers_are_those_of_splitmix() {
        let mut skipped = Skipped::new(Some(0x9e37_79b9_7f4a_7c15));
        assert_eq!((0..2_000).find(|number| skipped.skips(*number)), Some(256 + (0xdaf & 1_023)));
    }

    #[test]
    fn the_last_one_is_remembered() {
        let mut skipped = Skipped::new(Some(7));
        assert_eq!(skipped.within(0, u64::MAX), None);
        let number = (0..2_000).find(|number| skipped.skips(*number)).unwrap();
        assert_eq!(skipped.within(0, u64::MAX), Some(number));
        assert_eq!(skipped.within(number, number), Some(number));
        assert_eq!((skipped.within(0, number - 1), skipped.within(number + 1, u64::MAX)), (None, None));
    }
}
