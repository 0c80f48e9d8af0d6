//! The limit on packets that go unacknowledged.
//!
//! The original had the configuration (`TermConfig`) and the ring (`EventRingBuf`), but never joined them: nothing ended a
//! session (`swp.go`, `ringbuf.go` of go-sliding-window @ 7d8aad3).

use alloc::collections::VecDeque;

use super::config::UnackedLimit;
use crate::time::Instant;

/// The moments of the last packets that were lost or probed for; at most as many as the limit.
#[derive(Clone, Debug)]
pub(crate) struct Unacked {
    limit: UnackedLimit,
    moments: VecDeque<Instant>,
}

impl Unacked {
    pub(crate) const fn new(limit: UnackedLimit) -> Self {
        Self { limit, moments: VecDeque::new() }
    }

    /// Notes one packet; `true` when as many as the limit lie within its window.
    pub(crate) fn note(&mut self, now: Instant) -> bool {
        let packets = self.limit.packets as usize;
        while self.moments.len() >= packets {
            self.moments.pop_front();
        }
        self.moments.push_back(now);
        let full = self.moments.len() >= packets;
        full && self.moments.front().is_some_and(|oldest| now - *oldest <= self.limit.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn the_limit_is_reached_by_so_many_within_the_window() {
        let mut unacked = Unacked::new(UnackedLimit::new(3, Duration::from_millis(100)));
        let mut at = |milliseconds| unacked.note(Instant::from_millis(milliseconds));
        // 0 to 90 is the first window with three; 101 to 191 the next; 301 is too late for it.
        assert_eq!([0, 50, 90, 101, 191, 301].map(&mut at), [false, false, true, true, false, false]);
        assert!(!at(302) && at(303));
    }

    #[test]
    fn a_limit_of_one_is_reached_at_once() {
        assert!(Unacked::new(UnackedLimit::new(1, Duration::ZERO)).note(Instant::ZERO));
    }
}
