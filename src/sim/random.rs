//! The one source of entropy of a simulation.

use core::ops::RangeInclusive;

use crate::random::SplitMix64;
use crate::time::{Duration, nanos};

/// A pseudo-random sequence that a `u64` seed determines. Not for secrets.
///
/// The algorithm is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
///
/// ```
/// use mconn::sim::Random;
/// let mut random = Random::new(7);
/// assert_eq!(random.next_u64(), 0x63cb_e1e4_5932_0dd7);
/// assert!(random.within(3..=5) >= 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(SplitMix64);

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0.next()
    }

    /// A sequence of its own. Each part of a simulation has one, so that drawing more in one part does not change another.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self::new(self.next_u64())
    }

    /// A number less than `bound`; 0 when `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// A number in `range`; its start when it is empty.
    pub const fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let count = range.end().saturating_sub(*range.start()).saturating_add(1);
        range.start().saturating_add(self.below(count))
    }

    /// A size in `range`; its start when it is empty.
    pub const fn size(&mut self, range: RangeInclusive<usize>) -> usize {
        self.within(*range.start() as u64..=*range.end() as u64) as usize
    }

    /// True so many times in a hundred.
    pub const fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// A duration of at most `longest`.
    #[must_use]
    pub const fn duration(&mut self, longest: Duration) -> Duration {
        Duration::from_nanos(self.below(nanos(longest).saturating_add(1)))
    }

    /// One of `items`; `default` when there is none.
    pub fn choose<T: Copy>(&mut self, items: &[T], default: T) -> T {
        let index = self.below(items.len() as u64);
        usize::try_from(index).ok().and_then(|index| items.get(index)).copied().unwrap_or(default)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let drawn = self.next_u64().to_le_bytes();
            for (byte, new) in piece.iter_mut().zip(drawn) {
                *byte = new;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        // The reference program by Sebastiano Vigna gives these for the seed 1234567.
        let mut random = Random::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| random.next_u64()), expected);
    }

    #[test]
    fn numbers_stay_within_and_reach_the_ends() {
        let mut random = Random::new(1);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[random.size(3..=7) - 3] += 1;
        }
        assert!(seen.iter().all(|count| *count > 150), "{seen:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
        assert_eq!(random.within(9..=9), 9);
        #[allow(clippy::reversed_empty_ranges)]
        let empty = random.within(9..=3);
        assert_eq!(empty, 9);
        assert_eq!(random.choose(&[], 4), 4);
        assert_eq!(random.duration(Duration::ZERO), Duration::ZERO);
        assert!((0..1000).filter(|_| random.percent(30)).count().abs_diff(300) < 60);
    }

    #[test]
    fn a_fork_does_not_depend_on_what_is_drawn_elsewhere() {
        let (mut one, mut two) = (Random::new(5), Random::new(5));
        let mut fork = one.fork();
        let expected = two.fork();
        one.next_u64();
        assert_eq!(fork, expected);
        assert_ne!(fork.next_u64(), one.next_u64());
    }

    #[test]
    fn filling_reaches_every_byte() {
        let mut bytes = [0; 19];
        Random::new(3).fill(&mut bytes);
        assert!(bytes.iter().filter(|byte| **byte == 0).count() < 3);
    }
}
