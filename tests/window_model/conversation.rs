//! Two real machines, what is on its way between them, and what their users have seen.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use mconn::machine::{Fault, Machine};
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::packet::{Packet, Retry, decode, encode_retry};
use mconn::sliding_window::{CloseReason, Config, Event, Input, PacketFormat, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

use crate::Spent;
use crate::digest::digest;
use crate::scenario::{Scenario, Step, When};

/// One side and its user. A session is not shared between states: whoever changes it takes a copy.
#[derive(Clone, Debug)]
pub(crate) struct End {
    machine: Arc<Mutex<SlidingWindow>>,
    /// Stands for the machine; of one that has ended only how.
    digest: u128,
    deadline: Option<Instant>,
    pub(crate) connected: bool,
    peer_finished: bool,
    /// How many of its steps the user has done, and how many messages were sent by these.
    steps: usize,
    sent: usize,
    pub(crate) received: Vec<Bytes>,
    pub(crate) closed: Option<CloseReason>,
}

/// A conversation at some moment.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    scenario: Scenario,
    pub(crate) ends: [End; 2],
    /// What each side has sent and has neither arrived nor been lost. Order means nothing: the checker delivers in any.
    pub(crate) on_way: [Vec<Bytes>; 2],
    now: Instant,
    pub(crate) spent: Spent,
    /// What a machine did that has ended.
    pub(crate) after_end: Option<&'static str>,
    /// Stands for all of it.
    key: u128,
}

impl PartialEq for Conversation {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Hash for Conversation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

fn config(side: usize, scenario: &Scenario) -> Config {
    let mut config = Config::new(0xa + side as u64, 0xa + side as u64);
    config.format = PacketFormat::Native { check: true };
    config.congestion = Algorithm::NewReno;
    config.keepalive = None;
    // Each message has packets of its own.
    config.max_datagram = Config::MIN_DATAGRAM;
    // Whoever has a step for that answers after the peer has finished.
    config.half_close = scenario.steps[side].iter().any(|(when, _)| *when == When::PeerFinished);
    config
}

impl End {
    fn new(machine: SlidingWindow) -> Self {
        let machine = Arc::new(Mutex::new(machine));
        Self {
            machine,
            digest: 0,
            deadline: None,
            connected: false,
            peer_finished: false,
            steps: 0,
            sent: 0,
            received: vec![],
            closed: None,
        }
    }

    fn look(&self) -> MutexGuard<'_, SlidingWindow> {
        self.machine.lock().expect("nothing panics while it looks")
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.look().poll_timeout().map(|(deadline, _)| deadline)
    }

    fn may(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::Connected => self.connected,
            When::PeerFinished => self.peer_finished,
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::Message { payload, .. } => self.received.push(payload),
            Event::PeerFinished => self.peer_finished = true,
            Event::Closed(reason) => self.closed = Some(reason),
            _ => {}
        }
    }
}

impl Conversation {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let now = Instant::ZERO;
        let second = if scenario.both_call { SlidingWindow::connect } else { SlidingWindow::listen };
        let ends = [SlidingWindow::connect(config(0, &scenario), now), second(config(1, &scenario), now)];
        let mut state = Self {
            scenario,
            ends: ends.map(|end| End::new(end.expect("a configuration that works"))),
            on_way: Default::default(),
            now,
            spent: Spent::default(),
            after_end: None,
            key: 0,
        };
        for side in 0..2 {
            state.touch(side, |_, _| {});
        }
        state.complete()
    }

    /// Does something to one side, and takes all that it gives.
    fn touch(&mut self, side: usize, act: impl FnOnce(&mut SlidingWindow, Instant)) {
        let mut machine = self.ends[side].look().clone();
        act(&mut machine, self.now);
        loop {
            let end = &mut self.ends[side];
            while let Some(event) = machine.poll_event() {
                end.on_event(event);
            }
            if !self.scenario.at_leisure && self.next_step(side).is_some() {
                self.use_it(side, &mut machine);
                continue;
            }
            let Some(datagram) = machine.poll_transmit(self.now) else { break };
            self.on_way[side].push(datagram);
        }
        self.on_way[side].sort();
        let end = &mut self.ends[side];
        end.digest = if end.closed.is_some() { digest(&end.closed) } else { digest(&machine) };
        end.deadline = machine.poll_timeout().map(|(deadline, _)| deadline);
        end.machine = Arc::new(Mutex::new(machine));
    }

    /// Completes a change: what comes to a side that has ended changes nothing any more, whenever it comes.
    pub(crate) fn complete(mut self) -> Self {
        for side in 0..2 {
            if self.ends[side].closed.is_some() {
                for datagram in std::mem::take(&mut self.on_way[1 - side]) {
                    self.disturb(side, Input::Datagram(&datagram));
                }
            }
        }
        let seen = self.ends.each_ref().map(|end| {
            (end.digest, end.connected, end.peer_finished, end.steps, end.sent, &end.received, end.closed.is_some())
        });
        self.key = digest(&(seen, &self.on_way, self.now, self.spent, self.after_end));
        self
    }

    /// Does all that one can to a session that has ended.
    fn disturb(&mut self, side: usize, input: Input<'_>) {
        let mut machine = self.ends[side].look().clone();
        let later = self.now + Duration::from_secs(1000);
        machine.handle(self.now, input);
        machine.handle_timeout(later);
        machine.handle(later, Input::Close);
        let accepted = machine.try_send(later, Bytes::from_static(b"more"), &SendOptions::ORDERED).is_ok();
        let what = [
            (!machine.is_closed() || machine.is_connected(), "it is open again"),
            (accepted, "it accepted a message"),
            (machine.poll_event().is_some(), "it told something"),
            (machine.poll_transmit(later).is_some(), "it sent something"),
            (machine.poll_timeout().is_some(), "it waits for something"),
        ];
        self.after_end = self.after_end.or_else(|| what.iter().find(|(wrong, _)| *wrong).map(|(_, what)| *what));
    }

    pub(crate) fn deliver(&mut self, from: usize, number: usize, copy: bool) {
        let datagram = if copy { self.on_way[from][number].clone() } else { self.on_way[from].remove(number) };
        if self.scenario.cookie
            && let Ok(Packet::Syn(hello)) = decode(&datagram)
            && hello.cookie.is_none()
        {
            let mut buffer = [0; 64];
            let len = encode_retry(&mut buffer, hello.source, &Retry { cookie: b"come again" }).expect("room");
            self.on_way[1 - from].push(Bytes::copy_from_slice(&buffer[..len]));
            self.on_way[1 - from].sort();
            return;
        }
        self.touch(1 - from, |machine, now| machine.handle(now, Input::Datagram(&datagram)));
    }

    /// Sleeps until a side's deadline. The other side is not woken, whether it has one before that or not: it is late.
    pub(crate) fn fire(&mut self, side: usize, deadline: Instant) {
        self.now = self.now.max(deadline);
        self.touch(side, |machine, now| machine.handle_timeout(now));
    }

    pub(crate) fn end(&mut self, side: usize, input: Input<'_>) {
        self.touch(side, |machine, now| machine.handle(now, input));
    }

    /// What the user of this side does next, if it may.
    pub(crate) fn next_step(&self, side: usize) -> Option<Step> {
        let end = &self.ends[side];
        let (when, step) = self.scenario.steps[side].get(end.steps)?;
        (end.may(*when) && end.closed.is_none()).then_some(*step)
    }

    /// The user does its next step.
    pub(crate) fn step(&mut self, side: usize) {
        let mut machine = self.ends[side].look().clone();
        self.use_it(side, &mut machine);
        self.ends[side].machine = Arc::new(Mutex::new(machine));
        self.touch(side, |_, _| {});
    }

    fn use_it(&mut self, side: usize, machine: &mut SlidingWindow) {
        let Some(step) = self.next_step(side) else { return };
        let end = &mut self.ends[side];
        end.steps += 1;
        match step {
            Step::Send(..) => {
                let message = step.message().unwrap_or_default();
                let sent = machine.try_send(self.now, message, &SendOptions::ORDERED);
                end.sent += usize::from(sent.is_ok());
            }
            Step::Finish => machine.finish(self.now),
            Step::Close => machine.handle(self.now, Input::Close),
        }
    }

    /// Whether nothing comes before this deadline: nothing is on its way, no user has anything to do, and no other deadline is
    /// earlier.
    pub(crate) fn is_next(&self, deadline: Instant) -> bool {
        let nothing_else = self.on_way.iter().all(Vec::is_empty) && (0..2).all(|side| self.next_step(side).is_none());
        nothing_else && self.ends.iter().filter_map(End::deadline).all(|other| deadline <= other)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.closed.is_some())
    }

    /// Whether nothing can happen any more though somebody waits. Who listens and was called by nobody may.
    pub(crate) fn is_stuck(&self) -> bool {
        let nothing_comes = self.on_way.iter().all(Vec::is_empty);
        let rests = |side: usize| {
            let end = &self.ends[side];
            end.closed.is_some() || (side == 1 && !self.scenario.both_call && !end.connected)
        };
        let waits = |side: usize| self.ends[side].deadline().is_some() || self.next_step(side).is_some();
        nothing_comes && !(0..2).all(rests) && !(0..2).any(waits)
    }

    /// What arrived is the beginning of what was sent, and all of it, both ways, where anybody saw an orderly end.
    pub(crate) fn is_true(&self) -> bool {
        let orderly = self.ends.iter().any(|end| end.closed == Some(CloseReason::Finished));
        (0..2).all(|side| {
            let (sent, received) = (self.ends[1 - side].sent, &self.ends[side].received);
            let so_far = received.iter().zip(self.scenario.messages(1 - side)).all(|(one, other)| *one == other);
            so_far && received.len() <= sent && (!orderly || received.len() == sent)
        })
    }

    /// Whether an honest peer was taken for a bad one.
    pub(crate) fn blames(&self) -> bool {
        self.ends.iter().any(|end| end.closed.as_ref().is_some_and(|reason| reason.fault() == Fault::Peer))
    }
}
