//! One endpoint of a world, and its driver.

use alloc::vec::Vec;

use super::config::Habits;
use super::{Address, DatagramEndpoint};
use crate::sim::random::Random;
use crate::time::{Duration, Instant, nanos};

#[derive(Clone, Debug)]
pub(super) struct Host<E> {
    pub(super) endpoint: E,
    pub(super) slot: u32,
    habits: Habits,
    random: Random,
    next_tick: Option<Instant>,
    /// The endpoint's deadline, and when the driver wakes for it.
    alarm: Option<(Instant, Instant)>,
    pub(super) over: bool,
    /// The links on which it sends, sorted by receiver.
    routes: Vec<(Address, u32)>,
}

/// Why a host woke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Deadline,
    Tick,
    /// It was added, touched, or its clock was set.
    Other,
}

impl<E: DatagramEndpoint> Host<E> {
    pub(super) fn new(endpoint: E, slot: u32, habits: Habits, mut random: Random, now: Instant) -> Self {
        let next_tick = habits.ticks.map(|apart| now + random.duration(apart));
        Self { endpoint, slot, habits, random, next_tick, alarm: None, over: false, routes: Vec::new() }
    }

    pub(super) fn route(&self, to: Address) -> Result<u32, usize> {
        let place = self.routes.binary_search_by_key(&to, |(to, _)| *to)?;
        self.routes.get(place).map(|(_, line)| *line).ok_or(place)
    }

    pub(super) fn add_route(&mut self, place: usize, to: Address, line: u32) {
        self.routes.insert(place.min(self.routes.len()), (to, line));
    }

    pub(super) fn awake(&self, moment: Instant) -> Instant {
        self.habits.awake(moment)
    }

    pub(super) fn clock(&mut self, now: Instant) -> Instant {
        self.habits.clock(now, &mut self.random)
    }

    /// Starts anew with another endpoint.
    pub(super) fn replace(&mut self, endpoint: E) -> E {
        self.alarm = None;
        core::mem::replace(&mut self.endpoint, endpoint)
    }

    /// Why it wakes now, and the next tick is drawn.
    pub(super) fn wake(&mut self, now: Instant, told: Instant) -> Reason {
        if let (Some(tick), Some(apart)) = (self.next_tick, self.habits.ticks)
            && tick <= now
        {
            self.next_tick = Some(now + self.random.duration(apart.saturating_mul(2)).max(Duration::from_nanos(1)));
            return Reason::Tick;
        }
        match self.endpoint.poll_timeout() {
            Some(deadline) if deadline <= told => Reason::Deadline,
            _ => Reason::Other,
        }
    }

    /// When it wakes next, after all that there was to do is done; [`Instant::MAX`] for never.
    pub(super) fn set_alarm(&mut self, now: Instant) -> Instant {
        self.alarm = self.endpoint.poll_timeout().map(|deadline| self.alarm_for(deadline, now));
        let alarm = self.alarm.map_or(Instant::MAX, |(_, wake)| wake);
        let tick = self.next_tick.filter(|_| !self.over).unwrap_or(Instant::MAX);
        self.awake(alarm.min(tick))
    }

    fn alarm_for(&mut self, deadline: Instant, now: Instant) -> (Instant, Instant) {
        let due = self.habits.due(deadline, now);
        if self.habits.lateness.is_zero() && self.habits.clock_error.is_zero() {
            return (deadline, due.max(now));
        }
        let wake = match self.alarm {
            // An alarm that has passed and did not help is set anew.
            Some((known, wake)) if known == deadline && wake > now && due <= wake => wake,
            _ => due + self.random.duration(self.habits.lateness),
        };
        if wake > now {
            return (deadline, wake);
        }
        // A clock that went back shows a time before the deadline: look again a little later, as sleeping loops do.
        (deadline, now + Duration::from_nanos(nanos(self.habits.clock_error) / 8))
    }
}
