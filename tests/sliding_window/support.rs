//! Two sessions, joined directly or through a small network that the test controls.

use std::collections::BTreeMap;

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::packet::{Frame, Packet, decode};
use mconn::sliding_window::{Class, CloseReason, Config, Event, Input, SendOptions, SlidingWindow, Status};
use mconn::time::{Duration, Instant};

#[path = "../support/rng.rs"]
mod rng;
pub(crate) use rng::Rng;

pub(crate) fn at(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The configuration of one side; the tags are 0xa and 0xb.
pub(crate) fn config(side: usize) -> Config {
    Config::new(0xa + side as u64, 7 + side as u64)
}

/// A payload that says which one it is.
pub(crate) fn payload(number: usize, len: usize) -> Bytes {
    (0..len).map(|i| (i * 31 + number * 7 + number / 251) as u8).collect()
}

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Syn,
    SynAck,
    Retry,
    Data,
    Credit,
    Ping,
    Ack,
    Abort,
}

/// The most important thing in a datagram.
pub(crate) fn kind(datagram: &[u8]) -> Kind {
    match decode(datagram).expect("our own packet") {
        Packet::Syn(_) => Kind::Syn,
        Packet::SynAck { .. } => Kind::SynAck,
        Packet::Retry { .. } => Kind::Retry,
        Packet::Frames(packet) => {
            let rank = |frame: Frame<'_>| match frame {
                Frame::Abort { .. } => (0, Kind::Abort),
                Frame::Data(_) => (1, Kind::Data),
                Frame::Credit(_) => (2, Kind::Credit),
                Frame::Ping => (3, Kind::Ping),
                _ => (4, Kind::Ack),
            };
            packet.frames().map(|frame| rank(frame.expect("our own frame"))).min_by_key(|(rank, _)| *rank).unwrap().1
        }
        _ => unreachable!("no other packets"),
    }
}

/// One datagram on its way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    /// Which side sent it: 0 is the one that calls.
    pub(crate) from: usize,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

/// What the network does with a datagram: after which delays it arrives. None means that it is lost, two that it is doubled.
pub(crate) type Network = Box<dyn FnMut(Instant, &mut Datagram) -> Vec<Duration>>;

/// One side and its user.
pub(crate) struct Side {
    pub(crate) machine: SlidingWindow,
    /// Whether the user takes events.
    pub(crate) reads: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) messages: Vec<Bytes>,
    pub(crate) closed: Option<CloseReason>,
    pub(crate) sent: usize,
}

impl Side {
    fn new(machine: SlidingWindow) -> Self {
        Self { machine, reads: true, events: vec![], messages: vec![], closed: None, sent: 0 }
    }

    /// Takes all events that wait.
    pub(crate) fn take(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            assert_eq!(self.closed, None, "{event:?} after the end");
            match &event {
                Event::Message { payload, .. } => self.messages.push(payload.clone()),
                Event::Closed(reason) => self.closed = Some(reason.clone()),
                _ => {}
            }
            self.events.push(event);
        }
    }

    pub(crate) fn has(&self, event: &Event) -> bool {
        self.events.contains(event)
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }
}

/// Two sides, a network between them, and an exact driver: it wakes when a datagram arrives or a deadline has come.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) sides: [Side; 2],
    pub(crate) network: Network,
    pub(crate) sent: Vec<(Instant, Datagram)>,
    on_way: BTreeMap<(Instant, usize), (usize, Vec<u8>)>,
    order: usize,
}

impl Pair {
    /// One side calls, the other listens; nothing is lost, and everything takes 10 ms.
    pub(crate) fn new(alice: Config, bob: Config) -> Self {
        let alice = SlidingWindow::connect(alice, Instant::ZERO).expect("a configuration that works");
        let bob = SlidingWindow::listen(bob, Instant::ZERO).expect("a configuration that works");
        Self::of(alice, bob)
    }

    pub(crate) fn of(alice: SlidingWindow, bob: SlidingWindow) -> Self {
        Self {
            now: Instant::ZERO,
            sides: [Side::new(alice), Side::new(bob)],
            network: Box::new(|_, _| vec![ms(10)]),
            sent: vec![],
            on_way: BTreeMap::new(),
            order: 0,
        }
    }

    pub(crate) fn simple() -> Self {
        Self::new(config(0), config(1))
    }

    /// A pair that is connected already.
    pub(crate) fn connected(alice: Config, bob: Config) -> Self {
        let mut pair = Self::new(alice, bob);
        assert!(pair.run(secs(60), |pair| pair.sides.iter().all(|side| side.has(&Event::Connected))));
        pair.settle();
        pair
    }

    /// Lets what is on its way arrive, and be acknowledged.
    pub(crate) fn settle(&mut self) {
        let until = self.now + ms(200);
        self.run_until(until);
    }

    pub(crate) fn network(mut self, network: impl FnMut(Instant, &mut Datagram) -> Vec<Duration> + 'static) -> Self {
        self.network = Box::new(network);
        self
    }

    pub(crate) fn send(&mut self, side: usize, message: impl Into<Bytes>) {
        self.send_with(side, message, &SendOptions::ORDERED);
    }

    pub(crate) fn send_with(&mut self, side: usize, message: impl Into<Bytes>, options: &SendOptions) {
        self.sides[side].machine.try_send(self.now, message.into(), options).expect("room for a message");
    }

    pub(crate) fn handle(&mut self, side: usize, input: Input<'_>) {
        self.sides[side].machine.handle(self.now, input);
    }

    pub(crate) fn status(&self, side: usize) -> Status {
        self.sides[side].machine.status(self.now)
    }

    /// Takes what waits on both sides, and puts what they send on its way.
    pub(crate) fn exchange(&mut self) {
        loop {
            let before = self.sent.len();
            for from in 0..2 {
                if self.sides[from].reads {
                    self.sides[from].take();
                }
                while let Some(bytes) = self.sides[from].machine.poll_transmit(self.now) {
                    self.put(from, &bytes);
                }
                if self.sides[from].reads {
                    self.sides[from].take();
                }
            }
            if self.sent.len() == before {
                return;
            }
        }
    }

    fn put(&mut self, from: usize, bytes: &[u8]) {
        self.sides[from].sent += 1;
        let mut datagram = Datagram { from, kind: kind(bytes), bytes: bytes.to_vec() };
        self.sent.push((self.now, datagram.clone()));
        for delay in (self.network)(self.now, &mut datagram) {
            self.order += 1;
            self.on_way.insert((self.now + delay, self.order), (1 - from, datagram.bytes.clone()));
        }
    }

    /// The next moment at which anything happens.
    pub(crate) fn next(&self) -> Option<Instant> {
        let deadlines = self.sides.iter().filter_map(|side| side.machine.poll_timeout()).map(|(deadline, _)| deadline);
        deadlines.chain(self.on_way.keys().next().map(|(arrival, _)| *arrival)).min()
    }

    /// Sleeps until the next moment and does what it brings; `false` when nothing can happen any more.
    pub(crate) fn step(&mut self) -> bool {
        self.exchange();
        let Some(next) = self.next() else { return false };
        self.wake(next);
        true
    }

    fn wake(&mut self, moment: Instant) {
        self.now = self.now.max(moment);
        while let Some(entry) = self.on_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (to, bytes) = entry.remove();
            self.sides[to].machine.handle(self.now, Input::Datagram(&bytes));
        }
        for side in &mut self.sides {
            side.machine.handle_timeout(self.now);
        }
        self.exchange();
    }

    /// Runs until something holds, for so long at most; says whether it does.
    pub(crate) fn run(&mut self, limit: Duration, mut until: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        let (mut steps, mut last) = (0, self.now);
        loop {
            self.exchange();
            if until(self) {
                return true;
            }
            let Some(next) = self.next().filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.wake(next);
            steps = if self.now == last { steps + 1 } else { 0 };
            last = self.now;
            assert!(
                steps < 10_000,
                "it spins at {:?}: {:?}",
                self.now,
                self.sides.each_ref().map(|s| s.machine.poll_timeout())
            );
        }
    }

    pub(crate) fn run_until(&mut self, moment: Instant) {
        let limit = moment - self.now;
        self.run(limit, |_| false);
    }

    /// Runs until both have ended.
    pub(crate) fn run_to_end(&mut self, limit: Duration) -> bool {
        self.run(limit, |pair| pair.sides.iter().all(|side| side.closed.is_some()))
    }

    /// How both have ended.
    pub(crate) fn ends(&self) -> [Option<CloseReason>; 2] {
        self.sides.each_ref().map(|side| side.closed.clone())
    }

    /// How many datagrams of this kind a side has sent.
    pub(crate) fn count(&self, from: usize, kind: Kind) -> usize {
        self.sent.iter().filter(|(_, datagram)| datagram.from == from && datagram.kind == kind).count()
    }
}

/// The event of an ordered message.
pub(crate) fn message(payload: impl Into<Bytes>) -> Event {
    Event::Message { class: Class::Ordered, payload: payload.into() }
}
