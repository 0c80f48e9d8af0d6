//! Numbers that look random and follow from a seed.

use core::time::Duration;

use crate::time::nanos;

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Not for secrets: it spreads
/// dials over time and picks addresses.
#[derive(Clone, Debug)]
pub(super) struct Sequence(u64);

impl Sequence {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `bound`; 0 when `bound` is 0.
    pub(super) const fn below(&mut self, bound: usize) -> usize {
        // Less than `bound`, so that it fits.
        ((self.next() as u128).wrapping_mul(bound as u128) >> 64) as usize
    }

    /// A duration of at most `longest`.
    pub(super) const fn up_to(&mut self, longest: Duration) -> Duration {
        let bound = nanos(longest).saturating_add(1);
        Duration::from_nanos(((self.next() as u128).wrapping_mul(bound as u128) >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64_and_stays_within_its_bounds() {
        // The reference program by Sebastiano Vigna gives these for the seed 1234567.
        let mut sequence = Sequence::new(1_234_567);
        assert_eq!([sequence.next(), sequence.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[sequence.below(5)] += 1;
            assert!(sequence.up_to(Duration::from_secs(3)) <= Duration::from_secs(3));
        }
        assert!(seen.iter().all(|count| *count > 150), "{seen:?}");
        assert_eq!((sequence.below(0), sequence.up_to(Duration::ZERO)), (0, Duration::ZERO));
    }
}
