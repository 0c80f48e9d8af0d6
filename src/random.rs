//! Numbers that look random and follow from a seed. Not for secrets.
//!
//! Own code, and not a crate, because recorded seeds and pinned trace hashes must mean the same for ever: these few lines
//! never change.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): one addition and a mix per number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    /// The sequence of a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `bound`; 0 when `bound` is 0.
    #[cfg_attr(
        not(any(feature = "peer", feature = "sim")),
        allow(dead_code, reason = "who draws jitter needs no bound")
    )]
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        // The upper half of the product: every number comes up equally often, to one part in 2^64 / bound.
        ((self.next() as u128).wrapping_mul(bound as u128) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        // The reference program by Sebastiano Vigna gives these for the seed 1234567.
        let mut sequence = SplitMix64::new(1_234_567);
        assert_eq!([sequence.next(), sequence.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert_eq!(sequence.below(0), 0);
    }
}
