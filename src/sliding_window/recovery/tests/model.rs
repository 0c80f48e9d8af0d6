//! Any sequence of sends, acknowledgements and wakes gives the same sets as a plain model that looks at every packet.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Flying,
    Acked,
    Lost,
}

/// RFC 9002 appendix A word for word, with a map and loops over all of it. The delay for losses is asked of the machine:
/// that rule has tests of its own.
#[derive(Default)]
struct Model {
    packets: BTreeMap<u64, (Instant, Fate)>,
    largest: Option<u64>,
}

impl Model {
    fn ack(&mut self, ranges: &[(u64, u64)]) -> Told {
        let mut told = Told::new();
        for (low, high) in ranges {
            self.largest = self.largest.max(Some(*high));
            for (number, (_, fate)) in self.packets.range_mut(*low..=*high).rev() {
                match *fate {
                    Fate::Flying => told.push(Outcome::Acked(*number)),
                    Fate::Lost => told.push(Outcome::WasNotLost(*number)),
                    Fate::Acked => {}
                }
                *fate = Fate::Acked;
            }
        }
        told
    }

    fn lose(&mut self, now: Instant, delay: Duration, threshold: u64) -> Told {
        let mut told = Told::new();
        let Some(largest) = self.largest else { return told };
        for (number, (sent_at, fate)) in &mut self.packets {
            if *number <= largest
                && *fate == Fate::Flying
                && (*sent_at + delay <= now || *number + threshold <= largest)
            {
                *fate = Fate::Lost;
                told.push(Outcome::Lost(*number));
            }
        }
        told
    }

    fn flying(&self) -> u64 {
        self.packets.values().filter(|(_, fate)| *fate == Fate::Flying).count() as u64
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send { count: u64, eliciting: bool },
    Ack { newest_back: u64, ranges: Vec<(u64, u64)> },
    Wake,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u64..12, prop::bool::weighted(0.8)).prop_map(|(count, eliciting)| Step::Send { count, eliciting }),
        4 => (0_u64..15, prop::collection::vec((0_u64..6, 0_u64..4), 1..6))
            .prop_map(|(newest_back, ranges)| Step::Ack { newest_back, ranges }),
        1 => Just(Step::Wake),
        2 => (0_u64..60).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..120)
}

/// Ranges, newest first, that cover (length, then gap) downwards from a number.
fn downwards(from: u64, shape: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let (mut ranges, mut high) = (Vec::new(), Some(from));
    for (len, gap) in shape {
        let Some(top) = high else { break };
        let low = top.saturating_sub(*len);
        ranges.push((low, top));
        high = low.checked_sub(gap + 1);
    }
    ranges
}

proptest! {
    #[test]
    fn the_same_sets_as_the_model(steps in steps()) {
        let (mut recovery, mut model, mut now) = (recovery(), Model::default(), ms(0));
        // Lost packets that left before this may be forgotten.
        let mut known = ms(0);
        for step in steps {
            match step {
                Step::Send { count, eliciting } => for _ in 0..count {
                    let number = recovery.next_packet_number();
                    recovery.on_sent(now, 1_000, eliciting, number);
                    if eliciting {
                        model.packets.insert(number, (now, Fate::Flying));
                    }
                },
                Step::Ack { newest_back, ranges } => {
                    let Some(newest) = recovery.next_packet_number().checked_sub(newest_back + 1) else { continue };
                    let ranges = downwards(newest, &ranges);
                    let told = ack(&mut recovery, now, &ranges);
                    let mut expected = model.ack(&ranges);
                    let status = recovery.status();
                    expected.extend(model.lose(now, status.loss_delay, status.packet_threshold));
                    // What was forgotten, long after its loss, need not be told any more.
                    expected.retain(|outcome| match outcome {
                        Outcome::WasNotLost(number) => model.packets[number].0 >= known || told.contains(outcome),
                        _ => true,
                    });
                    prop_assert_eq!(told, expected);
                    known = known.max(now.saturating_sub(status.probe_timeout * 3));
                }
                Step::Wake => {
                    let due = recovery.deadline();
                    let (_, told) = wake(&mut recovery, now);
                    let status = recovery.status();
                    if due.is_some_and(|(moment, timer)| timer == RecoveryTimer::Loss && moment <= now) {
                        prop_assert_eq!(told, model.lose(now, status.loss_delay, status.packet_threshold));
                        known = known.max(now.saturating_sub(status.probe_timeout * 3));
                    } else {
                        prop_assert_eq!(told, Told::new());
                    }
                }
                Step::Pass(milliseconds) => now += Duration::from_millis(milliseconds),
            }
            prop_assert_eq!(recovery.bytes_in_flight(), model.flying() * 1_000);
            prop_assert_eq!(recovery.deadline().is_some(), model.flying() > 0);
        }
    }
}
