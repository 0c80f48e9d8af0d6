//! What a world is like, and how its endpoints are driven.

use alloc::vec::Vec;

use crate::sim::datagram::{DatagramConfig, Partition};
use crate::sim::random::Random;
use crate::time::{Duration, Instant};

/// What a [`World`](super::World) is like.
///
/// ```
/// use mconn::sim::{DatagramConfig, WorldConfig};
/// use mconn::time::Duration;
///
/// let mut config = WorldConfig::new(DatagramConfig::new().latency(Duration::from_millis(20)));
/// config.trace = true;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorldConfig {
    /// The link between any two endpoints for which no other was set.
    pub link: DatagramConfig,
    /// Whether a trace is kept. It costs more than all else; a run without one can be repeated with one.
    pub trace: bool,
    /// Whether datagrams to an address at which nobody is are lost; otherwise they are a [`Violation`](crate::sim::Violation).
    pub black_holes: bool,
    /// The most events of a run: wakes, deliveries and datagrams sent.
    pub max_events: u64,
    /// The most events at one instant.
    pub max_events_at_once: u32,
    /// The longest run in virtual time.
    pub max_time: Duration,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self::new(DatagramConfig::new())
    }
}

impl WorldConfig {
    /// A world with this link between any two endpoints.
    #[must_use]
    pub const fn new(link: DatagramConfig) -> Self {
        Self {
            link,
            trace: false,
            black_holes: false,
            max_events: 10_000_000,
            max_events_at_once: 100_000,
            max_time: Duration::from_secs(7 * 24 * 3600),
        }
    }

    /// The same, with a trace or without.
    #[must_use]
    pub const fn trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }
}

/// How an endpoint of a world is driven: when it wakes, and what its clock shows.
///
/// The default is exact: it wakes at its deadlines and when a datagram comes, and its clock is right. An endpoint that forgot
/// to ask for a wake then stands still.
///
/// ```
/// use mconn::sim::Habits;
/// use mconn::time::Duration;
/// let mut habits = Habits::exact();
/// habits.ticks = Some(Duration::from_millis(30));
/// habits.lateness = Duration::from_millis(5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Habits {
    /// Also wake at random moments, on average this far apart.
    pub ticks: Option<Duration>,
    /// How late it may be at a deadline, at most.
    pub lateness: Duration,
    /// How far its clock may be off, each time it is read, in either direction: time that jumps and goes back.
    pub clock_error: Duration,
    /// How far its clock is ahead of the world's: the machine has an epoch of its own.
    pub clock_ahead: Duration,
    /// When the clock is set.
    pub jump: Option<ClockJump>,
    /// When the program does not run: a suspended laptop, a long pause. What arrives meanwhile is handled at the end of it.
    pub pauses: Vec<Partition>,
}

/// A clock that is set, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// When, in the time of the world.
    pub at: Instant,
    /// By how much.
    pub by: Duration,
    /// Whether it goes back; otherwise it goes ahead.
    pub back: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self::exact()
    }
}

impl Habits {
    /// Wakes exactly when there is a reason, and reads an exact clock.
    #[must_use]
    pub const fn exact() -> Self {
        Self {
            ticks: None,
            lateness: Duration::ZERO,
            clock_error: Duration::ZERO,
            clock_ahead: Duration::ZERO,
            jump: None,
            pauses: Vec::new(),
        }
    }

    /// Awkward habits, drawn: lateness, ticks, pauses of at most two seconds, clocks that are wrong, set and go back.
    #[must_use]
    pub fn drawn(random: &mut Random) -> Self {
        let milliseconds = Duration::from_millis;
        let mut habits = Self::exact();
        if random.percent(30) {
            habits.ticks = Some(random.duration(milliseconds(500)).max(milliseconds(5)));
        }
        if random.percent(30) {
            habits.lateness = random.duration(milliseconds(50));
        }
        if random.percent(20) {
            habits.clock_error = random.duration(milliseconds(20));
        }
        if random.percent(30) {
            habits.clock_ahead = random.duration(Duration::from_secs(1_000_000));
        }
        if random.percent(15) {
            let at = Instant::ZERO + random.duration(milliseconds(5_000));
            habits.jump = Some(ClockJump { at, by: random.duration(milliseconds(2_000)), back: random.percent(50) });
        }
        while random.percent(15) {
            let from = Instant::ZERO + random.duration(milliseconds(5_000));
            habits.pauses.push(Partition::new(from, from + random.duration(milliseconds(2_000))));
        }
        habits
    }

    /// The first moment from `moment` on at which the program runs.
    pub(super) fn awake(&self, mut moment: Instant) -> Instant {
        if self.pauses.is_empty() {
            return moment;
        }
        while let Some(pause) = self.pauses.iter().find(|pause| pause.contains(moment)) {
            moment = pause.until;
        }
        moment
    }

    /// What an exact clock with these habits shows.
    fn shown(&self, now: Instant) -> Instant {
        let shown = now + self.clock_ahead;
        match self.jump {
            Some(jump) if jump.at <= now && jump.back => shown.saturating_sub(jump.by),
            Some(jump) if jump.at <= now => shown + jump.by,
            _ => shown,
        }
    }

    /// What the clock shows.
    pub(super) fn clock(&self, now: Instant, random: &mut Random) -> Instant {
        let shown = self.shown(now);
        if self.clock_error.is_zero() {
            return shown;
        }
        shown.saturating_sub(self.clock_error) + random.duration(self.clock_error.saturating_mul(2))
    }

    /// When the clock will show `deadline`, as far as one can tell at `now`: a clock that will be set is looked at again then.
    pub(super) fn due(&self, deadline: Instant, now: Instant) -> Instant {
        if deadline == Instant::MAX {
            return deadline;
        }
        let due = now + (deadline - self.shown(now));
        match self.jump {
            Some(jump) if now < jump.at => due.min(jump.at),
            _ => due,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_millis(milliseconds)
    }

    #[test]
    fn a_clock_that_is_ahead_and_is_set() {
        let mut habits = Habits::exact();
        let mut random = Random::new(1);
        assert_eq!(habits.clock(at(5), &mut random), at(5));
        habits.clock_ahead = Duration::from_millis(100);
        assert_eq!((habits.clock(at(5), &mut random), habits.due(at(110), at(5))), (at(105), at(10)));
        assert_eq!(habits.due(at(90), at(5)), at(5), "long due");
        assert_eq!(habits.due(Instant::MAX, at(5)), Instant::MAX);
        for (back, shown) in [(false, 157), (true, 57)] {
            habits.jump = Some(ClockJump { at: at(7), by: Duration::from_millis(50), back });
            assert_eq!((habits.clock(at(6), &mut random), habits.clock(at(7), &mut random)), (at(106), at(shown)));
            assert_eq!(habits.due(at(300), at(6)), at(7), "look again when it is set");
            assert_eq!(habits.due(at(300), at(7)), at(307 - shown));
        }
    }

    #[test]
    fn a_clock_with_an_error_stays_within_it_and_goes_back() {
        let mut habits = Habits::exact();
        habits.clock_error = Duration::from_millis(3);
        let mut random = Random::new(1);
        let shown: Vec<Instant> = (10..1_000).map(|millisecond| habits.clock(at(millisecond), &mut random)).collect();
        assert!(!shown.is_sorted());
        for (moment, shown) in (10..1_000).map(at).zip(shown) {
            assert!(shown + habits.clock_error >= moment && moment + habits.clock_error >= shown);
        }
    }

    #[test]
    fn nobody_is_awake_in_a_pause() {
        let mut habits = Habits::exact();
        habits.pauses = [(10, 20), (30, 40), (18, 25)].map(|(from, until)| Partition::new(at(from), at(until))).into();
        let awake = [9, 10, 19, 25, 39, 40].map(|moment| habits.awake(at(moment)));
        assert_eq!(awake, [9, 25, 25, 25, 40, 40].map(at));
    }
}
