//! The receiver's half: what arrived, and when to say so.

use core::ops::RangeInclusive;

use super::config::AckConfig;
use super::ranges::AckRanges;
pub(crate) use super::seen::Receipt;
use super::seen::Seen;
use crate::time::{Duration, Instant, nanos};

/// What arrived, and when to say so.
///
/// An acknowledgement goes after every n-th packet that wants one, at once when a packet came out of order or twice, and
/// otherwise when the oldest has waited for long enough (RFC 9000 section 13.2.1).
#[derive(Clone, Debug)]
pub(crate) struct AckState {
    every: u32,
    every_later: u32,
    /// Packets until the later number holds.
    early: u32,
    max_delay: Duration,
    min_delay: Duration,
    delay: Duration,
    seen: Seen,
    ranges: AckRanges,
    /// When the newest packet came.
    came_at: Option<Instant>,
    /// Packets that want an acknowledgement and have none.
    pending: u32,
    at_once: bool,
    deadline: Option<Instant>,
}

/// While a sender looks for the capacity of the path, it needs to hear often.
const EARLY: u32 = 100;

impl AckState {
    pub(crate) fn new(config: &AckConfig) -> Self {
        Self {
            every: config.every.max(1),
            every_later: config.every_later.max(1),
            early: EARLY,
            max_delay: config.max_delay,
            min_delay: config.min_delay.min(config.max_delay),
            delay: config.max_delay,
            seen: Seen::default(),
            ranges: AckRanges::default(),
            came_at: None,
            pending: 0,
            at_once: false,
            deadline: None,
        }
    }

    /// The round-trip time is about this: from now on nothing waits longer than a quarter of it.
    pub(crate) fn set_round_trip(&mut self, smoothed: Duration) {
        let quarter = Duration::from_nanos(nanos(smoothed) >> 2);
        self.delay = quarter.max(self.min_delay).min(self.max_delay);
    }

    /// A packet arrived. One that is not [`Receipt::New`] is best dropped.
    #[inline(always)]
    pub(crate) fn on_packet(&mut self, now: Instant, number: u64, ack_eliciting: bool) -> Receipt {
        let receipt = self.seen.insert(number);
        if receipt != Receipt::New {
            // The peer sent again what we have: it has missed an acknowledgement.
            self.at_once |= ack_eliciting;
            return receipt;
        }
        let in_order = self.ranges.extend(number);
        if in_order {
            self.came_at = Some(now);
        } else {
            self.on_stray(now, number, ack_eliciting);
        }
        if ack_eliciting {
            self.pending = self.pending.saturating_add(1);
            let every = if self.early > 0 { self.every } else { self.every_later };
            self.early = self.early.saturating_sub(1);
            if self.pending >= every {
                self.at_once = true;
            } else if self.deadline.is_none() && !self.at_once {
                self.deadline = Some(now + self.delay);
            }
        }
        receipt
    }

    /// The first packet of all, or one out of order.
    #[inline(never)]
    fn on_stray(&mut self, now: Instant, number: u64, ack_eliciting: bool) {
        let newest = self.ranges.newest();
        self.ranges.insert_out_of_order(number);
        if newest.is_none_or(|newest| number > newest) {
            self.came_at = Some(now);
        }
        self.at_once |= ack_eliciting && newest.is_some();
    }

    /// Whether an acknowledgement has to go.
    pub(crate) fn due(&self, now: Instant) -> bool {
        self.at_once || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Whether there is something that an acknowledgement would tell: it may ride on a packet that leaves anyway.
    pub(crate) const fn has_pending(&self) -> bool {
        self.pending > 0 || self.at_once
    }

    /// When an acknowledgement will be due; none when it is due already (then it is output, which waits for the transport).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.at_once { None } else { self.deadline }
    }

    /// Time has passed: what is due now is no longer a deadline.
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        let waited = !self.at_once && self.due(now);
        if waited && self.pending >= self.every {
            // The peer sends less than what is waited for, perhaps because it waits for us.
            self.early = EARLY;
        }
        self.at_once |= waited;
    }

    /// What to tell, newest first: at most 32 ranges.
    pub(crate) fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u64>> + Clone + '_ {
        self.ranges.iter()
    }

    /// How long ago the newest packet came: the delay to tell with the ranges.
    pub(crate) fn delay(&self, now: Instant) -> Duration {
        self.came_at.map_or(Duration::ZERO, |came_at| now - came_at)
    }

    /// The newest number that arrived: what truncated numbers are widened against.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.ranges.newest()
    }

    /// An acknowledgement with all of [`ranges`](Self::ranges) leaves. When there are more, another is due at once.
    pub(crate) fn on_sent_ack(&mut self) {
        self.pending = 0;
        self.deadline = None;
        self.ranges.on_reported();
        self.at_once = self.ranges.has_more();
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn ms(milliseconds: u64) -> Instant {
        Instant::from_millis(milliseconds)
    }

    fn state() -> AckState {
        AckState::new(&AckConfig::default())
    }

    /// RFC 9000 section 13.2.2: after two packets that want it.
    #[test]
    fn every_second_packet_is_acknowledged_at_once_and_one_alone_after_a_while() {
        let mut state = state();
        assert_eq!((state.due(ms(9)), state.deadline(), state.has_pending()), (false, None, false));
        assert_eq!(state.on_packet(ms(10), 0, true), Receipt::New);
        assert_eq!((state.due(ms(34)), state.due(ms(35)), state.deadline()), (false, true, Some(ms(35))));
        assert_eq!(state.on_packet(ms(12), 1, true), Receipt::New);
        assert_eq!((state.due(ms(12)), state.deadline(), state.delay(ms(15))), (true, None, Duration::from_millis(3)));
        assert_eq!(state.ranges().collect::<Vec<_>>(), [0..=1]);
        state.on_sent_ack();
        assert_eq!((state.due(ms(99)), state.deadline(), state.has_pending()), (false, None, false));
        assert_eq!(state.newest(), Some(1));
    }

    /// RFC 9000 section 13.2.1: an acknowledgement alone is never acknowledged, or two ends would do so for ever.
    #[test]
    fn a_packet_that_wants_none_gets_none() {
        let mut state = state();
        for number in [0, 5, 3, 3, 3] {
            state.on_packet(ms(1), number, false);
        }
        assert_eq!((state.due(ms(1_000)), state.deadline(), state.has_pending()), (false, None, false));
        assert_eq!(state.ranges().len(), 3);
    }

    #[test]
    fn a_gap_a_late_packet_and_a_duplicate_are_told_at_once() {
        for (number, receipt) in [(12, Receipt::New), (8, Receipt::New), (10, Receipt::Duplicate)] {
            let mut state = state();
            state.on_packet(ms(1), 10, true);
            assert!(!state.due(ms(1)));
            assert_eq!(state.on_packet(ms(1), number, true), receipt);
            assert!(state.due(ms(1)), "{number}");
        }
    }

    #[test]
    fn the_wait_is_a_quarter_of_a_short_round_trip() {
        for (round_trip, wait) in [(8, 2), (400, 25), (1, 1)] {
            let mut state = state();
            state.set_round_trip(Duration::from_millis(round_trip));
            state.on_packet(ms(0), 0, true);
            assert_eq!(state.deadline(), Some(ms(wait)), "{round_trip}");
        }
    }

    #[test]
    fn a_deadline_that_has_passed_becomes_output() {
        let mut state = state();
        state.on_packet(ms(0), 0, true);
        state.on_timeout(ms(24));
        assert_eq!(state.deadline(), Some(ms(25)));
        state.on_timeout(ms(25));
        assert_eq!((state.deadline(), state.due(ms(0))), (None, true));
    }

    #[test]
    fn later_fewer_acknowledgements_do() {
        let mut state = state();
        let mut acks = [0, 0];
        for number in 0..200 {
            state.on_packet(ms(0), number, true);
            if state.due(ms(0)) {
                acks[number as usize / 100] += 1;
                state.on_sent_ack();
            }
        }
        assert_eq!(acks, [50, 10]);
    }

    #[test]
    fn a_peer_that_waits_for_acknowledgements_gets_more_of_them() {
        let mut state = state();
        for number in 0..103 {
            state.on_packet(ms(0), number, true);
            if number < 100 {
                state.on_sent_ack();
            }
        }
        assert_eq!((state.due(ms(0)), state.deadline()), (false, Some(ms(25))));
        state.on_timeout(ms(25));
        state.on_sent_ack();
        state.on_packet(ms(30), 103, true);
        state.on_packet(ms(30), 104, true);
        assert!(state.due(ms(30)));
    }

    #[test]
    fn how_often_is_configured() {
        let every = |every| AckState::new(&AckConfig { every, ..AckConfig::default() });
        let mut state = every(0);
        state.on_packet(ms(0), 0, true);
        assert!(state.due(ms(0)));
        let mut state = every(4);
        for number in 0..3 {
            state.on_packet(ms(0), number, true);
        }
        assert!(!state.due(ms(0)));
        state.on_packet(ms(0), 3, true);
        assert!(state.due(ms(0)));
    }
}
