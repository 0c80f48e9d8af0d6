//! Sessions that are broken on purpose: the oracles must find each of them.

use bytes::{Bytes, BytesMut};
use mconn::sim::Address;
use mconn::sim::window::{WindowMachine, WindowScenario};
use mconn::sliding_window::{Class, CloseReason, Event, SlidingWindow, Status, Timer};
use mconn::time::Instant;

/// What is wrong with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Nothing.
    None,
    /// Swallows the third message.
    Loses,
    /// Gives the third message twice.
    Doubles,
    /// Gives the fourth message before the third.
    Swaps,
    /// Cuts the last byte off the third message.
    Truncates,
    /// Changes a byte of the third message.
    Changes,
    /// Gives a message that nobody sent.
    Invents,
    /// Says of an ordered message that it was unordered.
    Misnames,
    /// Takes back what it granted.
    TakesBack,
    /// Believes that it was granted more than it was.
    Overdraws,
    /// Holds more than it may.
    Hoards,
    /// Never says that it has ended.
    NeverEnds,
    /// Says so twice.
    EndsTwice,
    /// Ends for no reason.
    EndsEarly,
    /// Says that the peer has finished before the last messages were given.
    FinishesEarly,
    /// Invents a receipt.
    Receipts,
    /// Has a deadline that is always in the past.
    Spins,
    /// Sends without end.
    Babbles,
    /// Has a deadline after the end.
    Undead,
    /// Answers a stranger with more than three times what came.
    Amplifies,
    /// Never says that there is room again.
    Forgets,
}

const FLAWS: [Flaw; 20] = [
    Flaw::Loses,
    Flaw::Doubles,
    Flaw::Swaps,
    Flaw::Truncates,
    Flaw::Changes,
    Flaw::Invents,
    Flaw::Misnames,
    Flaw::TakesBack,
    Flaw::Overdraws,
    Flaw::Hoards,
    Flaw::NeverEnds,
    Flaw::EndsTwice,
    Flaw::EndsEarly,
    Flaw::FinishesEarly,
    Flaw::Receipts,
    Flaw::Spins,
    Flaw::Babbles,
    Flaw::Undead,
    Flaw::Amplifies,
    Flaw::Forgets,
];

struct Broken {
    session: SlidingWindow,
    flaw: Flaw,
    taken: u32,
    held: Option<(Class, Bytes)>,
    waiting: Vec<Event>,
    ended: bool,
    looks: std::cell::Cell<u64>,
}

impl Broken {
    /// What becomes of a message that is taken.
    fn spoil(&mut self, (class, payload): (Class, Bytes)) -> Option<(Class, Bytes)> {
        self.taken += 1;
        let nth = self.taken;
        match self.flaw {
            Flaw::Loses if nth == 3 => None,
            Flaw::Doubles if nth == 3 => {
                self.held = Some((class, payload.clone()));
                Some((class, payload))
            }
            Flaw::Swaps if nth == 3 => {
                self.held = Some((class, payload));
                None
            }
            Flaw::Truncates if nth == 3 => Some((class, payload.slice(..payload.len().saturating_sub(1)))),
            Flaw::Changes if nth == 3 => {
                let mut bytes = payload.to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                Some((class, bytes.into()))
            }
            Flaw::Invents if nth == 3 => {
                self.held = Some((class, Bytes::from_static(b"\0invented")));
                Some((class, payload))
            }
            Flaw::Misnames if nth == 3 => {
                let other = if class == Class::Ordered { Class::Unordered } else { Class::Ordered };
                Some((other, payload))
            }
            _ => Some((class, payload)),
        }
    }

    fn next_event(&mut self) -> Option<Event> {
        let event = mconn::machine::Machine::poll_event(&mut self.session)?;
        match (self.flaw, event) {
            (_, Event::Message { class, payload }) => {
                let mut all: Vec<_> = self.spoil((class, payload)).into_iter().collect();
                // What is held comes behind the next one.
                if self.flaw != Flaw::Swaps || self.taken > 3 {
                    all.extend(self.held.take());
                }
                let mut events = all.into_iter().map(|(class, payload)| Event::Message { class, payload });
                let first = events.next();
                self.waiting.extend(events);
                first.or_else(|| self.next_event())
            }
            (Flaw::NeverEnds, Event::Closed(_)) | (Flaw::Forgets, Event::Writable) => self.next_event(),
            (Flaw::EndsTwice, Event::Closed(reason)) => {
                self.waiting.push(Event::Closed(reason.clone()));
                Some(Event::Closed(reason))
            }
            (Flaw::FinishesEarly, Event::Connected) => {
                self.waiting.push(Event::PeerFinished);
                Some(Event::Connected)
            }
            (Flaw::EndsEarly, Event::Connected) => {
                self.waiting.push(Event::Closed(CloseReason::Finished));
                Some(Event::Connected)
            }
            (Flaw::Receipts, Event::Receipt(id)) => {
                self.waiting.push(Event::Receipt(id));
                Some(Event::Receipt(id))
            }
            (_, event) => Some(event),
        }
    }
}

impl WindowMachine for Broken {
    fn session(&self) -> &SlidingWindow {
        &self.session
    }

    fn session_mut(&mut self) -> &mut SlidingWindow {
        &mut self.session
    }

    fn poll_event(&mut self, _: Instant) -> Option<Event> {
        let event = self.waiting.pop().or_else(|| self.next_event())?;
        self.ended |= matches!(event, Event::Closed(_));
        Some(event)
    }

    fn receive(&mut self, now: Instant) -> Option<(Class, Bytes)> {
        if (self.flaw != Flaw::Swaps || self.taken > 3)
            && let Some(held) = self.held.take()
        {
            return Some(held);
        }
        let message = self.session.receive(now)?;
        self.spoil(message).or_else(|| self.receive(now))
    }

    fn receive_with<R>(&mut self, now: Instant, take: impl FnOnce(Class, &[u8]) -> R) -> Option<R> {
        let (class, payload) = self.receive(now)?;
        Some(take(class, &payload))
    }

    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        let timeout = mconn::machine::Machine::poll_timeout(&self.session);
        match self.flaw {
            Flaw::Spins => Some((Instant::ZERO, Timer::Ack)),
            Flaw::Undead if self.ended => Some((Instant::from_secs(1 << 30), Timer::Linger)),
            _ => timeout,
        }
    }

    fn transmit(&mut self, now: Instant, into: &mut BytesMut) -> bool {
        match self.flaw {
            Flaw::Babbles if !self.ended => {
                into.extend_from_slice(b"and so on");
                return true;
            }
            _ => {}
        }
        into.resize(self.session.max_datagram(), 0);
        let connected = self.session.is_connected();
        let len = self.session.transmit_into(now, into);
        into.truncate(len);
        if self.flaw == Flaw::Amplifies && len > 0 && !connected {
            into.resize(len + 1_000, 0);
        }
        len > 0
    }

    fn status(&self, now: Instant) -> Status {
        let mut status = self.session.status(now);
        self.looks.set(self.looks.get() + u64::from(status.connected));
        match self.flaw {
            Flaw::TakesBack if self.looks.get() > 5 => {
                status.receive.credit_messages = status.receive.credit_messages.saturating_sub(self.looks.get());
            }
            Flaw::Overdraws if status.connected => status.send.credit_bytes += 1,
            Flaw::Hoards if status.connected => status.send.queued_bytes += 1 << 30,
            _ => {}
        }
        status
    }
}

/// How many of these seeds find the flaw, of the first that do something with whole messages, and what they say.
fn found(flaw: Flaw, seeds: std::ops::Range<u64>) -> Vec<String> {
    let wrap = |_: Address, session| Broken {
        session,
        flaw,
        taken: 0,
        held: None,
        waiting: vec![],
        ended: false,
        looks: std::cell::Cell::new(0),
    };
    let scenarios = seeds.map(WindowScenario::from_seed);
    let failures = scenarios.filter_map(|scenario| scenario.run_with(&wrap).err()).map(|failure| failure.to_string());
    failures.take(2).collect()
}

#[test]
fn a_session_without_a_flaw_is_not_accused() {
    assert_eq!(found(Flaw::None, 0..300), Vec::<String>::new());
}

#[test]
fn every_flaw_is_found() {
    for flaw in FLAWS {
        let found = found(flaw, 0..200);
        assert!(found.len() >= 2, "{flaw:?} was found by {} of 200 seeds: {found:?}", found.len());
    }
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let failures = found(Flaw::Truncates, 0..60);
    let text = failures.first().expect("one of them");
    let first = text.lines().next().expect("a line");
    assert!(
        first.contains("; again: cargo run --release --features sim --example soak -- --window --seed "),
        "{first}"
    );
    assert!(text.lines().count() > 5 && text.contains(" -> "), "and a trace:\n{text}");
}
