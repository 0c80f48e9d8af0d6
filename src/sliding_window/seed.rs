//! Numbers drawn from a seed: jitter and initial numbers. Not for secrets.

use crate::random::SplitMix64;
use crate::time::{Duration, nanos};

/// A sequence, and what a session draws from it.
#[derive(Clone, Debug)]
pub(crate) struct Seed(SplitMix64);

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A duration from three quarters of this one to five quarters, so that many that failed at once do not come back at
    /// once.
    pub(crate) fn around(&mut self, duration: Duration) -> Duration {
        let whole = u128::from(nanos(duration));
        // `share` is below 2^32, so nothing here can overflow 128 bits.
        let share = u128::from(self.next() >> 32);
        let half = whole.saturating_mul(share) >> 33;
        let around = whole.saturating_sub(whole >> 2).saturating_add(half);
        Duration::from_nanos(u64::try_from(around).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_quarter_and_follows_the_seed() {
        let second = Duration::from_secs(1);
        let draw = |seed| {
            let mut seed = Seed::new(seed);
            std::array::from_fn::<_, 200, _>(|_| seed.around(second))
        };
        let drawn = draw(7);
        assert!(drawn.iter().all(|one| (750..=1250).contains(&one.as_millis())), "{drawn:?}");
        assert!(drawn.iter().any(|one| one.as_millis() < 850) && drawn.iter().any(|one| one.as_millis() > 1150));
        assert_eq!(drawn, draw(7));
        assert_ne!(drawn, draw(8));
        assert_eq!(Seed::new(3).around(Duration::ZERO), Duration::ZERO);
        let longest = Duration::from_nanos(u64::MAX);
        assert!(Seed::new(3).around(longest) >= longest / 4 * 3);
    }
}
