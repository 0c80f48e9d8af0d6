//! Numbers drawn from a seed: jitter and initial numbers. Not for secrets.

use crate::time::{Duration, nanos};

/// SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix per number.
#[derive(Clone, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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
