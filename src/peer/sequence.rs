//! Numbers that look random and follow from a seed.

use core::time::Duration;

use crate::random::SplitMix64;
use crate::time::nanos;

/// Not for secrets: it spreads dials over time and picks addresses.
#[derive(Clone, Debug)]
pub(super) struct Sequence(SplitMix64);

impl Sequence {
    pub(super) const fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number less than `bound`; 0 when `bound` is 0.
    pub(super) const fn below(&mut self, bound: usize) -> usize {
        // Less than `bound`, so that it fits.
        self.0.below(bound as u64) as usize
    }

    /// A duration of at most `longest`.
    pub(super) const fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_nanos(self.0.below(nanos(longest).saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_stays_within_its_bounds() {
        let mut sequence = Sequence::new(1_234_567);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[sequence.below(5)] += 1;
            assert!(sequence.up_to(Duration::from_secs(3)) <= Duration::from_secs(3));
        }
        assert!(seen.iter().all(|count| *count > 150), "{seen:?}");
        assert_eq!((sequence.below(0), sequence.up_to(Duration::ZERO)), (0, Duration::ZERO));
    }
}
