//! When a persistent peer is dialled again.

use core::time::Duration;

use crate::peer::sequence::Sequence;

/// When a persistent peer is dialled again.
///
/// The default is what Go does (`reconnectToPeer` of `p2p/switch.go @ v0.38`): at once, then every 5 s until 20 dials have
/// failed, then after 3, 9, 27 and so on to 59,049 s, each with up to 3 s more by chance; a day altogether. Then no more, unless
/// `last` says otherwise.
///
/// Other than in Go, a peer that ends the connection right after it began counts as a dial that has failed. A Go node dials it
/// again at once, as often as it likes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// How many dials come in equal intervals. 20.
    pub quick: u32,
    /// The equal interval. 5 s.
    pub interval: Duration,
    /// How many dials come after them, in intervals that grow. 10.
    pub slow: u32,
    /// The first of the growing intervals is so many seconds, and each is so many times the one before. 3.
    pub base: u32,
    /// By how much an interval is longer at most, by chance. 3 s.
    pub jitter: Duration,
    /// How long a connection has to run to count as a success. 5 s.
    pub stable_after: Duration,
    /// What comes then: nothing, or this interval for ever. Nothing.
    pub last: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            quick: 20,
            interval: Duration::from_secs(5),
            slow: 10,
            base: 3,
            jitter: Duration::from_secs(3),
            stable_after: Duration::from_secs(5),
            last: None,
        }
    }
}

impl Backoff {
    /// How long to wait before the next dial when so many have failed; `None` when there is to be none.
    ///
    /// ```
    /// use core::time::Duration;
    /// use mconn::peer::switch::Backoff;
    ///
    /// let backoff = Backoff::default();
    /// assert_eq!(backoff.delay(0), Some(Duration::ZERO));
    /// assert_eq!(backoff.delay(19), Some(Duration::from_secs(5)));
    /// assert_eq!(backoff.delay(20), Some(Duration::from_secs(5 + 3)));
    /// assert_eq!(backoff.delay(29), Some(Duration::from_secs(59_049)));
    /// assert_eq!(backoff.delay(30), None);
    /// ```
    #[must_use]
    pub fn delay(&self, failed: u32) -> Option<Duration> {
        match failed.checked_sub(self.quick) {
            _ if failed == 0 => Some(Duration::ZERO),
            None => Some(self.interval),
            Some(slow) if slow < self.slow => {
                let seconds = u64::from(self.base).saturating_pow(slow.saturating_add(1));
                // Go sleeps after the last of the quick ones, and then for the first of the slow ones.
                let rest = if slow == 0 { self.interval } else { Duration::ZERO };
                Some(Duration::from_secs(seconds).saturating_add(rest))
            }
            Some(_) => self.last,
        }
    }

    /// The same with chance.
    pub(super) fn delay_by_chance(&self, failed: u32, chance: &mut Sequence) -> Option<Duration> {
        let delay = self.delay(failed)?;
        if failed == 0 {
            return Some(delay);
        }
        Some(delay.saturating_add(chance.up_to(self.jitter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_dials_as_in_go() {
        let backoff = Backoff::default();
        let all: std::vec::Vec<_> = (0..).map_while(|failed| backoff.delay(failed)).collect();
        assert_eq!(all.len(), 30);
        assert_eq!(all[1..20], [Duration::from_secs(5); 19]);
        let total: Duration = all.iter().sum();
        // 20 intervals of 5 s, and 3 + 9 + ... + 59,049.
        assert_eq!(total, Duration::from_secs(100 + (59_049 * 3 - 3) / 2));
    }

    #[test]
    fn chance_adds_at_most_the_jitter_and_follows_from_the_seed() {
        let backoff = Backoff { last: Some(Duration::from_secs(7)), ..Backoff::default() };
        let delays = |seed| {
            let mut chance = Sequence::new(seed);
            (0..40).map(|failed| backoff.delay_by_chance(failed, &mut chance).unwrap()).collect::<std::vec::Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        for (failed, delay) in (0..).zip(delays(3)) {
            let least = backoff.delay(failed).unwrap();
            assert!(delay >= least && delay <= least + Duration::from_secs(3));
        }
    }
}
