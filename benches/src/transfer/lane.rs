//! Rounds in which all carriers of one load take turns.

use std::time::Duration;

use super::{Carrier, Figures, Known};
use crate::measure::{Effort, median};

/// Carriers of the same load, the limit first.
pub struct Lane {
    /// The load, for the table.
    pub label: String,
    /// Bytes of a message.
    pub size: usize,
    /// The carriers; the first is what the others are compared with.
    pub carriers: Vec<Box<dyn Carrier>>,
    /// What is known from elsewhere.
    pub known: Vec<Known>,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.carriers.iter().map(|carrier| carrier.name()).collect();
        f.debug_struct("Lane").field("label", &self.label).field("carriers", &names).finish_non_exhaustive()
    }
}

/// Messages of the first try.
const FIRST: u64 = 64;

impl Lane {
    /// Only the carriers whose name contains `part`.
    #[must_use]
    pub fn only(mut self, part: &str) -> Self {
        self.carriers.retain(|carrier| carrier.name().contains(part));
        self
    }

    /// Lets the carriers take turns. The slice of the effort is wall time here.
    pub fn measure(mut self, effort: Effort) -> Measured {
        let carriers = &mut self.carriers;
        let counts: Vec<u64> = carriers.iter_mut().map(|carrier| calibrate(carrier.as_mut(), effort.slice)).collect();
        let mut rounds = Vec::with_capacity(effort.rounds);
        for round in 0..effort.rounds {
            let mut figures = vec![None; carriers.len()];
            for turn in 0..carriers.len() {
                let index = (turn + round) % carriers.len();
                figures[index] = Some(Figures::of(&carriers[index].run(counts[index]), self.size));
            }
            rounds.push(figures.into_iter().flatten().collect());
        }
        let names = carriers.iter().map(|carrier| carrier.name()).collect();
        Measured { label: self.label, size: self.size, names, rounds, known: self.known }
    }
}

/// The number of messages that fill the slice; finding it warms the carrier up.
fn calibrate(carrier: &mut dyn Carrier, slice: Duration) -> u64 {
    let mut messages = FIRST;
    loop {
        let wall = carrier.run(messages).wall.max(Duration::from_micros(1));
        let factor = slice.as_secs_f64() / wall.as_secs_f64();
        if factor < 2.0 {
            return ((messages as f64 * factor.max(0.1)) as u64).max(1);
        }
        messages = (messages as f64 * factor.min(8.0)) as u64;
    }
}

/// What the rounds of a lane gave.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The load.
    pub label: String,
    /// Bytes of a message.
    pub size: usize,
    /// The carriers' names.
    pub names: Vec<&'static str>,
    /// Per round and carrier.
    pub rounds: Vec<Vec<Figures>>,
    /// What is known from elsewhere.
    pub known: Vec<Known>,
}

impl Measured {
    /// The medians of a carrier.
    #[must_use]
    pub fn figures(&self, carrier: usize) -> Figures {
        let all: Vec<_> = self.rounds.iter().filter_map(|round| round.get(carrier)).copied().collect();
        Figures::median(&all)
    }

    /// How many times as much of a figure as the first one a carrier has: the median of the rounds' ratios.
    #[must_use]
    pub fn ratio(&self, carrier: usize, figure: fn(&Figures) -> f64) -> f64 {
        median(self.rounds.iter().map(|round| figure(&round[carrier]) / figure(&round[0])).collect())
    }
}
