//! What is wanted, and whether it was reached.

use std::fmt;

/// A goal: one contender against another of the same row.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// The goal's short name, such as `P1`.
    pub name: &'static str,
    /// The contender that the goal is about.
    pub subject: &'static str,
    /// The contender that it is compared with.
    pub against: &'static str,
    /// What is wanted.
    pub bound: Bound,
}

/// The bound of a goal.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The subject is at least so many times as fast as the other.
    SpeedAtLeast(f64),
    /// The subject costs at most so many times as much as the other.
    CostAtMost(f64),
}

impl Goal {
    /// `subject` reaches at least `times` the speed of `against`.
    #[must_use]
    pub fn speed(name: &'static str, subject: &'static str, against: &'static str, times: f64) -> Self {
        Self { name, subject, against, bound: Bound::SpeedAtLeast(times) }
    }

    /// `subject` costs at most `times` as much as `against`.
    #[must_use]
    pub fn cost(name: &'static str, subject: &'static str, against: &'static str, times: f64) -> Self {
        Self { name, subject, against, bound: Bound::CostAtMost(times) }
    }

    /// The verdict, given how many times as fast as the other the subject was.
    #[must_use]
    pub fn judge(self, speed: f64) -> Verdict {
        let (measured, met) = match self.bound {
            Bound::SpeedAtLeast(times) => (speed, speed >= times),
            Bound::CostAtMost(times) => (1.0 / speed, 1.0 / speed <= times),
        };
        Verdict { goal: self, measured, met }
    }
}

/// A goal and what was measured.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The goal.
    pub goal: Goal,
    /// The measured ratio, in the sense of the goal's bound.
    pub measured: f64,
    /// Whether the goal is met.
    pub met: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Goal { name, subject, against, bound } = self.goal;
        let measured = Ratio(self.measured);
        let met = if self.met { "met" } else { "NOT MET" };
        match bound {
            Bound::SpeedAtLeast(times) => {
                write!(f, "{name} {subject}: {measured}x the speed of {against}, goal >= {times}: {met}")
            }
            Bound::CostAtMost(times) => {
                write!(f, "{name} {subject}: {measured}x the cost of {against}, goal <= {times}: {met}")
            }
        }
    }
}

/// A ratio with about three significant digits.
#[derive(Clone, Copy, Debug)]
pub struct Ratio(pub f64);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ratio if ratio >= 99.95 => write!(f, "{ratio:.0}"),
            ratio if ratio >= 9.995 => write!(f, "{ratio:.1}"),
            ratio if ratio >= 0.095 => write!(f, "{ratio:.2}"),
            ratio => write!(f, "{ratio:.4}"),
        }
    }
}
