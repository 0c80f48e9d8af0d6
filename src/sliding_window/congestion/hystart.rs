//! When to leave slow start before it overflows the path.

use super::Acked;
use crate::time::nanos;

/// HyStart++: leaves slow start when the round-trip time grows, through a phase of slower growth that finds out whether it
/// really did.
///
/// Source: RFC 9406 section 4, with its recommended constants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HyStart {
    /// The round is over when a packet with at least this number is acknowledged.
    round_end: Option<u64>,
    last_minimum: u64,
    current_minimum: u64,
    samples: u32,
    /// In conservative slow start: the least round-trip time when it began.
    baseline: Option<u64>,
    /// Rounds spent in conservative slow start.
    rounds: u32,
}

/// How the window grows after an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// By what was acknowledged.
    Doubling,
    /// By a quarter of it.
    Conservative,
    /// Slow start is over.
    Done,
}

const MIN_THRESHOLD: u64 = 4_000_000;
const MAX_THRESHOLD: u64 = 16_000_000;
const SAMPLES: u32 = 8;
const CONSERVATIVE_ROUNDS: u32 = 5;

impl HyStart {
    pub(super) fn on_ack(&mut self, ack: &Acked) -> Growth {
        if self.round_end.is_none_or(|end| ack.newest >= end) {
            let counts = self.round_end.is_some();
            self.round_end = Some(ack.next_number);
            self.last_minimum = if counts { self.current_minimum } else { u64::MAX };
            self.current_minimum = u64::MAX;
            self.samples = 0;
            if self.baseline.is_some() {
                self.rounds = self.rounds.saturating_add(1);
            }
        }
        if ack.sample.is_some() {
            self.current_minimum = self.current_minimum.min(nanos(ack.round_trip.latest));
            self.samples = self.samples.saturating_add(1);
        }
        if self.samples >= SAMPLES {
            self.compare();
        }
        match self.baseline {
            None => Growth::Doubling,
            Some(_) if self.rounds >= CONSERVATIVE_ROUNDS => Growth::Done,
            Some(_) => Growth::Conservative,
        }
    }

    fn compare(&mut self) {
        match self.baseline {
            None if self.last_minimum < u64::MAX => {
                let threshold = (self.last_minimum >> 3).clamp(MIN_THRESHOLD, MAX_THRESHOLD);
                if self.current_minimum >= self.last_minimum.saturating_add(threshold) {
                    self.baseline = Some(self.current_minimum);
                    self.rounds = 0;
                }
            }
            Some(baseline) if self.current_minimum < baseline => self.baseline = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sliding_window::congestion::tests::ack;
    use crate::time::Duration;

    /// Ten samples of one round; the packets of round `n` have the numbers from 10 n.
    fn round(hystart: &mut HyStart, number: u64, milliseconds: u64) -> Growth {
        let mut growth = Growth::Doubling;
        for step in 0..10 {
            let mut ack = ack(0, 1_000);
            ack.newest = number * 10 + step;
            ack.next_number = number * 10 + 10 + step;
            ack.round_trip.latest = Duration::from_millis(milliseconds);
            ack.sample = Some(ack.round_trip.latest);
            growth = hystart.on_ack(&ack);
        }
        growth
    }

    #[test]
    fn a_steady_path_never_ends_it() {
        let mut hystart = HyStart::default();
        for number in 0..50 {
            assert_eq!(round(&mut hystart, number, 40 + number % 2 * 4), Growth::Doubling);
        }
    }

    #[test]
    fn a_growing_round_trip_time_ends_it_after_five_slower_rounds() {
        let mut hystart = HyStart::default();
        assert_eq!(round(&mut hystart, 0, 40), Growth::Doubling);
        assert_eq!(round(&mut hystart, 1, 40), Growth::Doubling);
        for number in 2..7 {
            assert_eq!(round(&mut hystart, number, 45), Growth::Conservative, "{number}");
        }
        assert_eq!(round(&mut hystart, 7, 45), Growth::Done);
    }

    #[test]
    fn when_it_was_a_mistake_doubling_goes_on() {
        let mut hystart = HyStart::default();
        round(&mut hystart, 0, 40);
        assert_eq!(round(&mut hystart, 1, 60), Growth::Conservative);
        assert_eq!(round(&mut hystart, 2, 40), Growth::Doubling);
    }
}
