//! Deadlines with names: one slot per timer, and a periodic one that stays on its grid.
//!
//! A timer here is only a number that a machine keeps; nothing runs. The machine derives its next deadline from the table
//! and names it, so that a driver (and whoever debugs one) knows why it is woken.

use crate::time::{Duration, Instant, nanos};

/// A name for a slot of a [`TimerTable`].
pub trait TimerName: Copy + 'static {
    /// All names, each at the position that [`TimerName::slot`] gives.
    const ALL: &'static [Self];

    /// The slot of this name, less than `ALL.len()`.
    fn slot(self) -> usize;
}

/// One optional deadline per name; `N` is the number of names.
///
/// A deadline of [`Instant::MAX`] is set but never comes: nothing waits for it, and it does not expire.
///
/// ```
/// use mconn::time::Instant;
/// use mconn::timer::{TimerName, TimerTable};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Timer { Ping, Idle }
/// impl TimerName for Timer {
///     const ALL: &'static [Self] = &[Timer::Ping, Timer::Idle];
///     fn slot(self) -> usize { self as usize }
/// }
///
/// let mut timers = TimerTable::<Timer, 2>::new();
/// timers.set(Timer::Idle, Instant::from_secs(9));
/// timers.set(Timer::Ping, Instant::from_secs(3));
/// assert_eq!(timers.next(), Some((Instant::from_secs(3), Timer::Ping)));
/// assert_eq!(timers.take_expired(Instant::from_secs(5)), Some(Timer::Ping));
/// assert_eq!(timers.take_expired(Instant::from_secs(5)), None);
/// ```
#[derive(Clone, Debug)]
pub struct TimerTable<Name, const N: usize> {
    deadlines: [Option<Instant>; N],
    names: core::marker::PhantomData<Name>,
}

impl<Name: TimerName, const N: usize> Default for TimerTable<Name, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Name: TimerName, const N: usize> TimerTable<Name, N> {
    /// A table in which no timer is set.
    #[must_use]
    pub const fn new() -> Self {
        assert!(Name::ALL.len() == N, "a table has exactly one slot per name");
        Self { deadlines: [None; N], names: core::marker::PhantomData }
    }

    /// Sets the deadline of `name`, replacing any earlier one.
    pub fn set(&mut self, name: Name, deadline: Instant) {
        self.put(name, Some(deadline));
    }

    /// Forgets the deadline of `name`.
    pub fn cancel(&mut self, name: Name) {
        self.put(name, None);
    }

    /// Sets the deadline of `name`, or forgets it.
    pub fn put(&mut self, name: Name, deadline: Option<Instant>) {
        if let Some(slot) = self.deadlines.get_mut(name.slot()) {
            *slot = deadline;
        }
    }

    /// The deadline of `name`, when it is set.
    #[must_use]
    pub fn get(&self, name: Name) -> Option<Instant> {
        self.deadlines.get(name.slot()).copied().flatten()
    }

    /// The earliest deadline and its name; of equal ones the first in [`TimerName::ALL`].
    #[must_use]
    pub fn next(&self) -> Option<(Instant, Name)> {
        let mut earliest: Option<(Instant, Name)> = None;
        for (deadline, name) in self.deadlines.iter().zip(Name::ALL) {
            if let Some(deadline) = *deadline
                && deadline < Instant::MAX
                && earliest.is_none_or(|(best, _)| deadline < best)
            {
                earliest = Some((deadline, *name));
            }
        }
        earliest
    }

    /// Takes the earliest timer whose deadline is not after `now`; call until `None`.
    #[must_use]
    pub fn take_expired(&mut self, now: Instant) -> Option<Name> {
        let (deadline, name) = self.next()?;
        if deadline > now {
            return None;
        }
        self.cancel(name);
        Some(name)
    }

    /// Forgets all deadlines.
    pub fn clear(&mut self) {
        self.deadlines = [None; N];
    }
}

/// A timer that fires every `period` on a fixed grid: a late look fires once, and the grid stays where it was.
///
/// This is what Go's `time.Ticker` does when its reader is late: ticks are dropped, not queued.
///
/// ```
/// use mconn::time::{Duration, Instant};
/// use mconn::timer::Periodic;
/// let mut timer = Periodic::new(Instant::ZERO, Duration::from_secs(2));
/// assert_eq!(timer.deadline(), Instant::from_secs(2));
/// assert_eq!(timer.advance(Instant::from_secs(7)), 3); // grid points 2, 4 and 6 lie behind
/// assert_eq!(timer.deadline(), Instant::from_secs(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periodic {
    next: Instant,
    period: Duration,
}

impl Periodic {
    /// Fires first at `start + period`. A period of zero counts as one nanosecond.
    #[must_use]
    pub fn new(start: Instant, period: Duration) -> Self {
        let period = period.max(Duration::from_nanos(1));
        Self { next: start + period, period }
    }

    /// The next grid point.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.next
    }

    /// How many grid points lie at or before `now`, without moving.
    #[must_use]
    pub fn due(&self, now: Instant) -> u64 {
        if now < self.next {
            return 0;
        }
        let late = nanos(now - self.next);
        late.checked_div(nanos(self.period)).unwrap_or(0).saturating_add(1)
    }

    /// Moves past `now`, and returns how many grid points were passed: zero means that it did not fire.
    pub fn advance(&mut self, now: Instant) -> u64 {
        let passed = self.due(now);
        let distance = nanos(self.period).saturating_mul(passed);
        self.next += Duration::from_nanos(distance);
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Name {
        A,
        B,
        C,
    }

    impl TimerName for Name {
        const ALL: &'static [Self] = &[Name::A, Name::B, Name::C];
        fn slot(self) -> usize {
            self as usize
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn the_earliest_deadline_is_named_and_ties_go_to_the_first() {
        let mut timers = TimerTable::<Name, 3>::default();
        assert_eq!(timers.next(), None);
        timers.set(Name::C, at(4));
        timers.set(Name::B, at(4));
        assert_eq!(timers.next(), Some((at(4), Name::B)));
        timers.set(Name::A, at(5));
        assert_eq!(timers.get(Name::A), Some(at(5)));
        timers.cancel(Name::B);
        assert_eq!(timers.next(), Some((at(4), Name::C)));
        timers.put(Name::C, None);
        assert_eq!(timers.next(), Some((at(5), Name::A)));
        timers.clear();
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn an_expired_timer_is_taken_once_and_in_order_of_time() {
        let mut timers = TimerTable::<Name, 3>::new();
        timers.set(Name::A, at(3));
        timers.set(Name::B, at(2));
        timers.set(Name::C, at(9));
        assert_eq!(timers.take_expired(at(1)), None);
        assert_eq!(timers.take_expired(at(3)), Some(Name::B));
        assert_eq!(timers.take_expired(at(3)), Some(Name::A));
        assert_eq!(timers.take_expired(at(3)), None);
        assert_eq!(timers.get(Name::C), Some(at(9)));
    }

    #[test]
    fn a_deadline_at_the_end_of_time_is_set_but_never_comes() {
        let mut timers = TimerTable::<Name, 3>::new();
        timers.set(Name::B, Instant::MAX);
        assert_eq!(timers.get(Name::B), Some(Instant::MAX));
        assert_eq!((timers.next(), timers.take_expired(Instant::MAX)), (None, None));
        let last = Instant::from_nanos(u64::MAX - 1);
        timers.set(Name::C, last);
        assert_eq!(timers.next(), Some((last, Name::C)));
        assert_eq!((timers.take_expired(Instant::MAX), timers.take_expired(Instant::MAX)), (Some(Name::C), None));
    }

    #[test]
    fn a_late_look_fires_once_and_stays_on_the_grid() {
        let mut timer = Periodic::new(at(10), Duration::from_secs(2));
        assert_eq!((timer.due(at(11)), timer.advance(at(11))), (0, 0));
        assert_eq!(timer.advance(at(12)), 1);
        assert_eq!(timer.deadline(), at(14));
        assert_eq!((timer.due(at(19)), timer.deadline()), (3, at(14)));
        assert_eq!(timer.advance(at(19)), 3);
        assert_eq!(timer.deadline(), at(20));
        assert_eq!(timer.advance(at(1)), 0);
    }

    #[test]
    fn a_zero_period_and_the_end_of_time_are_harmless() {
        let mut timer = Periodic::new(Instant::ZERO, Duration::ZERO);
        assert_eq!(timer.advance(Instant::from_nanos(5)), 5);
        let mut timer = Periodic::new(Instant::MAX, Duration::from_secs(1));
        assert_eq!(timer.advance(Instant::MAX), 1);
        assert_eq!(timer.deadline(), Instant::MAX);
    }
}
