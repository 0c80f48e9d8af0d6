//! A session in each phase of its life.

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::packet::{Frame, Packet, decode};
use mconn::sliding_window::{CloseReason, Config, Event, Input, SendOptions, SlidingWindow, Timer};
use mconn::time::{Duration, Instant};

use crate::forge::Seen;

/// Where a session is when it is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// One side has called; the other one listens and has heard nothing.
    Called,
    /// The call has come; the answer has not.
    Answered,
    Idle,
    /// Data both ways, with gaps, and acknowledgements that are on their way.
    Transfer,
    /// One side has closed with data that is not acknowledged.
    Closing,
    /// At least one side has everything and waits for the word that the other one has.
    Lingering,
}

/// What each side sends in a transfer.
pub(crate) const MESSAGES: usize = 30;

pub(crate) const PHASES: [Phase; 6] =
    [Phase::Called, Phase::Answered, Phase::Idle, Phase::Transfer, Phase::Closing, Phase::Lingering];

/// Two sides and the datagrams between them, none of which comes by itself.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) sides: [SlidingWindow; 2],
    pub(crate) on_way: Vec<(usize, Vec<u8>)>,
    pub(crate) seen: [Vec<Vec<u8>>; 2],
    pub(crate) events: [Vec<Event>; 2],
}

pub(crate) fn tag(side: usize, session: u64) -> u64 {
    0x1122_3344_5566_7788 + side as u64 + (session << 40)
}

fn config(side: usize, session: u64) -> Config {
    Config::new(tag(side, session), 7 + side as u64 + session)
}

pub(crate) fn payload(number: usize, len: usize) -> Bytes {
    (0..len).map(|i| (i * 31 + number * 7) as u8).collect()
}

impl Pair {
    pub(crate) fn new(session: u64) -> Self {
        let now = Instant::ZERO;
        let sides = [
            SlidingWindow::connect(config(0, session), now).expect("a configuration that works"),
            SlidingWindow::listen(config(1, session), now).expect("a configuration that works"),
        ];
        Self { now, sides, on_way: vec![], seen: Default::default(), events: Default::default() }
    }

    /// Takes what both sides give.
    pub(crate) fn pull(&mut self) {
        for from in 0..2 {
            while let Some(event) = self.sides[from].poll_event() {
                self.events[from].push(event);
            }
            while let Some(datagram) = self.sides[from].poll_transmit(self.now) {
                self.seen[from].push(datagram.to_vec());
                self.on_way.push((from, datagram.to_vec()));
            }
            while let Some(event) = self.sides[from].poll_event() {
                self.events[from].push(event);
            }
        }
    }

    /// Delivers the oldest datagram; says whether there was one.
    pub(crate) fn deliver(&mut self) -> bool {
        self.pull();
        if self.on_way.is_empty() {
            return false;
        }
        let (from, datagram) = self.on_way.remove(0);
        self.sides[1 - from].handle(self.now, Input::Datagram(&datagram));
        self.pull();
        true
    }

    /// Sleeps until the next deadline.
    pub(crate) fn sleep(&mut self) -> bool {
        self.pull();
        let deadlines = self.sides.iter().filter_map(Machine::poll_timeout);
        let Some(next) = deadlines.map(|(moment, _)| moment).min() else { return false };
        self.now = self.now.max(next);
        self.sides.iter_mut().for_each(|side| side.handle_timeout(self.now));
        self.pull();
        true
    }

    pub(crate) fn send(&mut self, side: usize, messages: usize) {
        for number in 0..messages {
            self.sides[side].try_send(self.now, payload(number, 900), &SendOptions::ORDERED).expect("room");
        }
    }

    /// Delivers all there is for so long.
    pub(crate) fn settle(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            while self.deliver() {}
            let next = self.sides.iter().filter_map(Machine::poll_timeout).map(|(moment, _)| moment).min();
            if next.is_none_or(|next| next > end) {
                return;
            }
            self.sleep();
        }
    }

    /// Goes on until both have ended, and says how.
    pub(crate) fn finish(&mut self) -> [Option<CloseReason>; 2] {
        for side in &mut self.sides {
            side.handle(self.now, Input::Close);
        }
        for _ in 0..100_000 {
            while self.deliver() {}
            if !self.sleep() {
                break;
            }
        }
        self.events.each_ref().map(|events| match events.last() {
            Some(Event::Closed(reason)) => Some(reason.clone()),
            _ => None,
        })
    }

    pub(crate) fn messages(&self, side: usize) -> Vec<Bytes> {
        let payload = |event: &Event| match event {
            Event::Message { payload, .. } => Some(payload.clone()),
            _ => None,
        };
        self.events[side].iter().filter_map(payload).collect()
    }

    fn connected() -> Self {
        let mut pair = Self::new(1);
        pair.settle(Duration::from_millis(300));
        assert!(pair.sides.iter().all(SlidingWindow::is_connected));
        pair
    }

    /// A session in this phase.
    pub(crate) fn in_phase(phase: Phase) -> Self {
        match phase {
            Phase::Called => {
                let mut pair = Self::new(1);
                pair.pull();
                pair
            }
            Phase::Answered => {
                let mut pair = Self::new(1);
                pair.deliver();
                pair
            }
            Phase::Idle => Self::connected(),
            Phase::Transfer => {
                let mut pair = Self::connected();
                pair.in_transfer(false);
                pair
            }
            Phase::Closing => {
                let mut pair = Self::connected();
                pair.in_transfer(true);
                pair
            }
            Phase::Lingering => Self::lingering(),
        }
    }

    /// Sends both ways, and loses every third datagram; the last acknowledgements are on their way.
    fn in_transfer(&mut self, closes: bool) {
        for side in 0..2 {
            self.send(side, MESSAGES);
        }
        if closes {
            self.sides[0].handle(self.now, Input::Close);
        }
        for round in 0..20 {
            self.pull();
            if round % 3 == 2 && !self.on_way.is_empty() {
                self.on_way.remove(0);
            }
            self.deliver();
        }
    }

    /// A session that has closed both ways; every word that a side has everything is lost.
    fn lingering() -> Self {
        let mut pair = Self::connected();
        pair.send(0, 1);
        pair.sides.iter_mut().for_each(|side| side.handle(pair.now, Input::Close));
        let lingers = |side: &SlidingWindow| side.poll_timeout().is_some_and(|(_, timer)| timer == Timer::Linger);
        while !pair.sides.iter().any(lingers) {
            pair.pull();
            pair.on_way.retain(|(_, datagram)| !says_done(datagram));
            assert!(pair.deliver() || pair.sleep(), "somebody lingers before the end");
        }
        pair
    }

    /// What an attacker of this side has seen.
    pub(crate) fn seen_by_attacker(&self, side: usize) -> Seen {
        let mut earlier = Self::new(2);
        earlier.send(0, 5);
        earlier.finish();
        // A call has the tag of its sender in it: who has that is not blind.
        let session = self.seen.iter().flatten().filter(|datagram| datagram[0] & 7 != 0).cloned().collect();
        let earlier = earlier.seen.iter().flatten().cloned().collect();
        Seen { session, earlier, tag: tag(side, 1), other_tag: tag(1 - side, 1) }
    }
}

/// Whether a datagram says that its sender has everything.
fn says_done(datagram: &[u8]) -> bool {
    let Ok(Packet::Frames(packet)) = decode(datagram) else { return false };
    packet.frames().flatten().any(|frame| matches!(frame, Frame::Abort { .. }))
}
