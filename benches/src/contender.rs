//! Whatever can do a number of operations and say what they cost.

use std::time::Duration;

use crate::clock::Clock;

/// One side of a comparison: the limit, a peer, or `mconn`.
pub trait Contender {
    /// The name that the table and the goals use.
    fn name(&self) -> &'static str;

    /// Carries at least `operations` packets or messages, and says how many and what they cost together.
    fn run(&mut self, operations: u64) -> Cost;
}

/// What some operations cost together.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// How many there were.
    pub operations: u64,
    /// Their CPU time.
    pub time: Duration,
}

impl Cost {
    /// Nanoseconds of one operation.
    #[must_use]
    pub fn nanos_each(&self) -> f64 {
        self.time.as_nanos() as f64 / self.operations.max(1) as f64
    }
}

/// A contender on one thread, made of a closure that does a number of operations.
#[derive(Debug)]
pub struct InMemory<F> {
    name: &'static str,
    work: F,
}

impl<F: FnMut(u64) + 'static> InMemory<F> {
    /// `work` does exactly as many operations as it is told.
    #[must_use]
    pub fn boxed(name: &'static str, work: F) -> Box<dyn Contender> {
        Box::new(Self { name, work })
    }
}

impl<F: FnMut(u64)> Contender for InMemory<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, operations: u64) -> Cost {
        let (time, ()) = Clock::Thread.time(|| (self.work)(operations));
        Cost { operations, time }
    }
}
