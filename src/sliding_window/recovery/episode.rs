//! Episodes of congestion: when one begins, whether it was an error, and whether nothing came through for long.

use crate::time::{Duration, Instant};

/// The last episode of congestion.
///
/// Losses of packets that left before an episode began belong to it; the first loss of a later one begins the next
/// (RFC 9002 section 7.3.2). When all that was lost in an episode has arrived after all, it never was one.
#[derive(Clone, Debug, Default)]
pub(super) struct Episode {
    /// The first packet lost in it.
    first: u64,
    /// The first packet that left after it began.
    end: u64,
    /// Packets lost in it that have not arrived.
    outstanding: u64,
}

impl Episode {
    /// A packet was declared lost, in order of numbers. `next_number` is that of the next packet to leave.
    ///
    /// Returns whether that begins an episode.
    pub(super) fn on_lost(&mut self, number: u64, next_number: u64) -> bool {
        if number >= self.end {
            *self = Self { first: number, end: next_number, outstanding: 1 };
            return true;
        }
        if number >= self.first {
            self.outstanding = self.outstanding.saturating_add(1);
        }
        false
    }

    /// A packet declared lost has arrived. Returns whether it was the last of the episode that had not.
    pub(super) fn on_spurious(&mut self, number: u64) -> bool {
        if number < self.first || number >= self.end || self.outstanding == 0 {
            return false;
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        if self.outstanding > 0 {
            return false;
        }
        // It never was: the next loss begins one, whichever packet it is.
        *self = Self::default();
        true
    }

    /// Whether the packet left after the episode began.
    pub(super) const fn is_over_for(&self, number: u64) -> bool {
        number >= self.end
    }
}

/// How long nothing has come through.
///
/// The search for losses goes over all packets in order, so what it sees between two acknowledged ones is a run of lost ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence {
    /// When the first packet of the run left.
    since: Option<Instant>,
    /// When the first sample of the round-trip time came: packets that left before do not count (RFC 9002 section 7.6.2).
    measured_at: Option<Instant>,
}

impl Silence {
    pub(super) fn on_sample(&mut self, now: Instant) {
        self.measured_at.get_or_insert(now);
    }

    /// A packet arrived.
    #[inline]
    pub(super) const fn end(&mut self) {
        self.since = None;
    }

    /// A packet that left at `sent_at` is lost. Returns whether the run has lasted for `limit`.
    pub(super) fn on_lost(&mut self, sent_at: Instant, limit: Duration) -> bool {
        if self.measured_at.is_none_or(|measured_at| sent_at <= measured_at) {
            return false;
        }
        let since = *self.since.get_or_insert(sent_at);
        let persistent = sent_at - since >= limit && sent_at > since;
        if persistent {
            self.since = None;
        }
        persistent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_of_one_flight_are_one_episode() {
        let mut episode = Episode::default();
        assert!(episode.on_lost(3, 10));
        assert!(!episode.on_lost(4, 11));
        assert!(!episode.on_lost(9, 12));
        assert!(episode.on_lost(10, 15));
        assert!(!episode.is_over_for(14));
        assert!(episode.is_over_for(15));
    }

    #[test]
    fn an_episode_is_undone_when_all_of_it_has_arrived() {
        let mut episode = Episode::default();
        episode.on_lost(3, 10);
        episode.on_lost(5, 10);
        assert!(!episode.on_spurious(2)); // of an earlier one
        assert!(!episode.on_spurious(12)); // of none
        assert!(!episode.on_spurious(5));
        assert!(episode.on_spurious(3));
        assert!(!episode.on_spurious(3));
        // It never was: a packet of that flight begins a new one.
        assert!(episode.is_over_for(0));
        assert!(episode.on_lost(6, 20));
    }

    /// RFC 9002 section 7.6.3: the example, in which nothing sent from 1 s to 8 s arrives and the limit is 6 s.
    #[test]
    fn the_example_of_persistent_congestion() {
        let (limit, at) = (Duration::from_secs(6), Instant::from_secs);
        let mut silence = Silence::default();
        silence.on_sample(at(0));
        silence.end();
        assert!(![1, 2, 3, 4, 5].map(at).into_iter().any(|sent_at| silence.on_lost(sent_at, limit)));
        assert!(silence.on_lost(at(8), limit));
        assert!(!silence.on_lost(at(9), limit)); // it is told once
    }

    #[test]
    fn one_arrival_breaks_the_silence_and_unmeasured_packets_do_not_count() {
        let (limit, at) = (Duration::from_secs(6), Instant::from_secs);
        let mut silence = Silence::default();
        assert!(!silence.on_lost(at(1), limit));
        silence.on_sample(at(2));
        silence.on_sample(at(3));
        assert!(!silence.on_lost(at(2), limit));
        assert!(!silence.on_lost(at(3), limit));
        silence.end();
        assert!(!silence.on_lost(at(10), limit));
        assert!(!silence.on_lost(at(15), limit));
        assert!(silence.on_lost(at(16), limit));
        assert!(!silence.on_lost(at(16), Duration::ZERO)); // one packet alone is no time
    }
}
