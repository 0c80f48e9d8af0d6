//! The one pattern of this crate: a machine takes inputs and the time, and gives events, transmits and a deadline.
//!
//! A [`Machine`] owns no socket, clock, thread or random source. Whoever drives it follows three rules:
//!
//! 1. after every call, take all events ([`Machine::poll_event`]);
//! 2. when the transport can take output, pull it ([`Machine::poll_transmit`]);
//! 3. sleep until input comes or the deadline of [`Machine::poll_timeout`] is reached, then call
//!    [`Machine::handle_timeout`]. Ticking early, late or at random changes nothing but timing.
//!
//! [`Machine::step`] does the first two at once, for tests, fuzzers, simulations and small programs.

use core::fmt;

use crate::time::Instant;

/// A state machine that is told what happened and when, and is asked what to do.
pub trait Machine {
    /// What can happen to the machine from outside.
    type Input<'a>;
    /// One piece of output for the transport.
    type Transmit;
    /// What the machine tells its user: deliveries, and one last event when it has ended.
    type Event;
    /// The name of a deadline: why the driver is woken.
    type Timer;

    /// Feeds one input. It never fails: a fault of the peer ends the machine, and its last event says why.
    fn handle(&mut self, now: Instant, input: Self::Input<'_>);

    /// Tells the machine the time. Harmless at any moment.
    fn handle_timeout(&mut self, now: Instant);

    /// Takes the next event.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// Takes the next piece of output. Call it when the transport can take some: what goes next is decided here.
    fn poll_transmit(&mut self, now: Instant) -> Option<Self::Transmit>;

    /// The next deadline and its name, derived from the state; O(1).
    ///
    /// Events and output that wait to be taken are not deadlines.
    fn poll_timeout(&self) -> Option<(Instant, Self::Timer)>;

    /// Whether the machine has ended and its last event was taken.
    fn is_closed(&self) -> bool;

    /// Feeds one input and gives a lazy view of what comes out: events first, then output.
    ///
    /// Nothing is lost when the view is dropped early: what was not taken stays in the machine.
    fn step(&mut self, now: Instant, input: Self::Input<'_>) -> Actions<'_, Self>
    where
        Self: Sized,
    {
        self.handle(now, input);
        Actions { machine: self, now }
    }
}

/// Who caused the end of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// We did, on purpose.
    Ours,
    /// The peer broke a rule.
    Peer,
    /// The transport failed, or the peer is gone.
    Network,
}

/// What a [`Machine`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<Event, Transmit> {
    /// Something for the user of the machine.
    Event(Event),
    /// Something for the transport.
    Transmit(Transmit),
}

/// A lazy, borrowing view of all that a machine gives at one moment; made by [`Machine::step`].
#[must_use = "a view does nothing until it is iterated"]
pub struct Actions<'a, M: Machine> {
    machine: &'a mut M,
    now: Instant,
}

impl<M: Machine> Iterator for Actions<'_, M> {
    type Item = Action<M::Event, M::Transmit>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(event) = self.machine.poll_event() {
            return Some(Action::Event(event));
        }
        self.machine.poll_transmit(self.now).map(Action::Transmit)
    }
}

impl<M: Machine + fmt::Debug> fmt::Debug for Actions<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").field("machine", self.machine).field("now", &self.now).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;

    /// Gives back every number as an event, and twice it as output.
    #[derive(Debug, Default)]
    struct Echo {
        events: VecDeque<u32>,
        output: VecDeque<u32>,
    }

    impl Machine for Echo {
        type Input<'a> = &'a [u32];
        type Transmit = u32;
        type Event = u32;
        type Timer = ();

        fn handle(&mut self, _: Instant, input: &[u32]) {
            self.events.extend(input);
            self.output.extend(input.iter().map(|number| number * 2));
        }
        fn handle_timeout(&mut self, _: Instant) {}
        fn poll_event(&mut self) -> Option<u32> {
            self.events.pop_front()
        }
        fn poll_transmit(&mut self, _: Instant) -> Option<u32> {
            self.output.pop_front()
        }
        fn poll_timeout(&self) -> Option<(Instant, ())> {
            None
        }
        fn is_closed(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_step_gives_events_first_and_then_output() {
        let actions: std::vec::Vec<_> = Echo::default().step(Instant::ZERO, &[1, 2]).collect();
        assert_eq!(actions, [Action::Event(1), Action::Event(2), Action::Transmit(2), Action::Transmit(4)]);
    }

    #[test]
    fn a_dropped_view_loses_nothing() {
        let mut echo = Echo::default();
        let first = echo.step(Instant::ZERO, &[1, 2]).next();
        assert_eq!(first, Some(Action::Event(1)));
        let rest: std::vec::Vec<_> = echo.step(Instant::ZERO, &[]).collect();
        assert_eq!(rest, [Action::Event(2), Action::Transmit(2), Action::Transmit(4)]);
    }
}
