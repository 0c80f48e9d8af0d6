//! Rounds in which all contenders of a row take turns.

use std::time::Duration;

use crate::contender::Contender;
use crate::goal::{Goal, Verdict};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds; in each, every contender runs once.
    pub rounds: usize,
    /// CPU time that a contender gets in a round.
    pub slice: Duration,
}

/// Contenders that do the same work, the limit first, and what is wanted of them.
pub struct Row {
    /// The load, for the table.
    pub label: String,
    /// Operations come in multiples of this, such as one message on each stream.
    pub granule: u64,
    /// The contenders; the first is what the others are compared with.
    pub contenders: Vec<Box<dyn Contender>>,
    /// The goals.
    pub goals: Vec<Goal>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.contenders.iter().map(|contender| contender.name()).collect();
        f.debug_struct("Row").field("label", &self.label).field("contenders", &names).finish_non_exhaustive()
    }
}

impl Row {
    /// Lets the contenders take turns.
    pub fn measure(mut self, effort: Effort) -> Measured {
        let contenders = &mut self.contenders;
        let counts: Vec<u64> =
            contenders.iter_mut().map(|contender| calibrate(contender.as_mut(), self.granule, effort.slice)).collect();
        let mut rounds = Vec::with_capacity(effort.rounds);
        for round in 0..effort.rounds {
            // Every round begins with another contender, so that nobody always follows the same neighbour's cache.
            let mut nanos = vec![0.0; contenders.len()];
            for turn in 0..contenders.len() {
                let index = (turn + round) % contenders.len();
                nanos[index] = contenders[index].run(counts[index]).nanos_each();
            }
            rounds.push(nanos);
        }
        let names = contenders.iter().map(|contender| contender.name()).collect();
        Measured { label: self.label, names, rounds, goals: self.goals }
    }
}

/// The number of operations that fill the slice; finding it warms the contender up.
fn calibrate(contender: &mut dyn Contender, granule: u64, slice: Duration) -> u64 {
    let mut operations = granule;
    loop {
        let time = contender.run(operations).time.max(Duration::from_nanos(1));
        let factor = slice.as_secs_f64() / time.as_secs_f64();
        if factor < 2.0 {
            let wanted = (operations as f64 * factor.max(0.1)) as u64;
            return wanted.div_ceil(granule).max(1) * granule;
        }
        // A first short run is mostly set-up: do not trust it for more than a factor of eight.
        operations = ((operations as f64 * factor.min(8.0)) as u64).div_ceil(granule) * granule;
    }
}

/// What the rounds of a row gave.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The load.
    pub label: String,
    /// The contenders' names.
    pub names: Vec<&'static str>,
    /// Per round and contender, nanoseconds of one operation.
    pub rounds: Vec<Vec<f64>>,
    /// The goals.
    pub goals: Vec<Goal>,
}

impl Measured {
    /// The median nanoseconds of one operation of a contender.
    #[must_use]
    pub fn nanos(&self, contender: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[contender]).collect())
    }

    /// How many times as fast as `against` the `subject` is: the median of the rounds' ratios.
    #[must_use]
    pub fn speed(&self, subject: usize, against: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[against] / round[subject]).collect())
    }

    /// The verdicts over all goals.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        let index = |name| {
            self.names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no contender is named {name}"))
        };
        self.goals.iter().map(|goal| goal.judge(self.speed(index(goal.subject), index(goal.against)))).collect()
    }
}

/// The middle value; of an even number the mean of the two middle ones.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The least value that is not below so large a share of all values.
#[must_use]
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_came() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(values.clone(), 0.5), 100.0);
        assert_eq!(percentile(values.clone(), 0.99), 198.0);
        assert_eq!(percentile(values, 1.0), 200.0);
    }

    #[test]
    fn the_median_ignores_outliers() {
        assert_eq!(median(vec![3.0, 1.0, 1000.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 1000.0]), 3.0);
    }

    #[test]
    fn speed_is_the_median_of_the_ratios_of_a_round() {
        let measured = Measured {
            label: String::new(),
            names: vec!["limit", "ours"],
            rounds: vec![vec![10.0, 20.0], vec![100.0, 400.0], vec![10.0, 40.0]],
            goals: vec![Goal::speed("G", "ours", "limit", 0.3), Goal::cost("G", "ours", "limit", 4.0)],
        };
        assert_eq!(measured.speed(1, 0), 0.25);
        let met: Vec<_> = measured.verdicts().iter().map(|verdict| verdict.met).collect();
        assert_eq!(met, [false, true]);
    }
}
