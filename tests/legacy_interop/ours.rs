//! A session of ours, its clock, its socket and what goes wrong on its way out; and an exchange with one of the original.

use std::time::{Instant as Clock, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::legacy::{LegacyConfig, Packet, TcpEvent, Timestamp};
use mconn::sliding_window::{CloseReason, Config, Event, Input, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::go::{Go, GoEvent, GoSession, PATIENCE};
use crate::wire::Wire;

/// What becomes of the packets that we send: percent, and the first so many of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lose: u64,
    pub(crate) double: u64,
    pub(crate) reorder: u64,
    pub(crate) first: Option<(TcpEvent, usize)>,
    pub(crate) seed: u64,
}

/// The payload of message number `index`, as both programs know it.
pub(crate) fn pattern(index: usize, len: usize) -> Bytes {
    (0..len).map(|place| (31 * place + 7 * index) as u8).collect()
}

/// A nonce of its own for each session.
#[allow(clippy::disallowed_methods, reason = "a driver has a clock")]
fn nonce() -> String {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let drawn = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{drawn:0>22}{number:0>8}")
}

pub(crate) struct Ours {
    pub(crate) machine: SlidingWindow,
    pub(crate) wire: Wire,
    pub(crate) faults: Faults,
    epoch: Clock,
    held: Option<Bytes>,
    random: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) messages: Vec<Bytes>,
    pub(crate) lost: usize,
}

impl Ours {
    #[allow(clippy::disallowed_methods, reason = "a driver has a clock")]
    pub(crate) fn new(
        wire: Wire,
        names: [&str; 2],
        calls: bool,
        faults: Faults,
        set: impl FnOnce(&mut Config),
    ) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let wall = Timestamp::new(wall.as_secs() as i64, wall.subsec_nanos() as i32);
        let mut config = Config::legacy(LegacyConfig::new(names[0], names[1], nonce(), wall));
        config.keepalive = Some(Duration::from_millis(50));
        config.idle_timeout = Some(Duration::from_secs(10));
        // A listener of the original dies after 2.5 s with these keepalives.
        config.handshake.first_timeout = Duration::from_millis(200);
        set(&mut config);
        let make = if calls { SlidingWindow::connect } else { SlidingWindow::listen };
        let machine = make(config, Instant::ZERO).unwrap();
        let random = faults.seed | 1;
        let epoch = Clock::now();
        Self { machine, wire, faults, epoch, held: None, random, events: vec![], messages: vec![], lost: 0 }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_nanos(self.epoch.elapsed().as_nanos() as u64)
    }

    fn percent(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % 100
    }

    fn put(&mut self, datagram: Bytes) {
        let event = Packet::decode(&datagram).unwrap().0.event;
        if let Some((kind, left)) = &mut self.faults.first
            && *kind == event
            && *left > 0
        {
            *left -= 1;
            self.lost += 1;
            return;
        }
        let (chance, held) = (self.percent(), self.held.take());
        let Faults { lose, double, reorder, .. } = self.faults;
        if chance < lose {
            self.lost += 1;
        } else if chance < lose + double {
            self.wire.send(&datagram);
            self.wire.send(&datagram);
        } else if chance < lose + double + reorder && held.is_none() {
            self.held = Some(datagram);
        } else {
            self.wire.send(&datagram);
        }
        if let Some(held) = held {
            self.wire.send(&held);
        }
    }

    /// Takes what comes within a moment, and does what is to be done.
    pub(crate) fn turn(&mut self) {
        self.flush();
        let deadline = self.machine.poll_timeout().map_or(Duration::MAX, |(moment, _)| moment - self.now());
        if let Some(datagram) = self.wire.receive(deadline.min(Duration::from_millis(5))) {
            let now = self.now();
            self.machine.handle(now, Input::Datagram(&datagram));
        }
        let now = self.now();
        self.machine.handle_timeout(now);
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            match &event {
                Event::Message { payload, .. } => self.messages.push(payload.clone()),
                _ => self.events.push(event),
            }
        }
        while let Some(datagram) = self.machine.poll_transmit(self.now()) {
            self.put(datagram);
        }
    }

    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        while !done(self) {
            self.turn();
            assert!(self.epoch.elapsed() < PATIENCE, "waited in vain: {what}; {:?}", self.machine.status(self.now()));
        }
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(reason) => Some(reason),
            _ => None,
        })
    }
}

/// What goes both ways.
pub(crate) struct Exchange<'a> {
    pub(crate) to_go: &'a [usize],
    pub(crate) to_us: &'a [usize],
}

/// What an exchange has cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) lost: usize,
    pub(crate) sent: u64,
    pub(crate) resent: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.sent += other.sent;
        self.resent += other.resent;
    }
}

/// Sends both ways at once, and checks every byte on both sides.
pub(crate) fn exchange(ours: &mut Ours, go: &mut Go, session: &GoSession, what: &Exchange<'_>) -> Cost {
    let mut told: Vec<GoEvent> = vec![];
    ours.until("the session is open", |ours| ours.machine.is_connected());
    if !what.to_us.is_empty() {
        go.tell(session, json!({"do": "push", "index": 0, "lens": what.to_us}));
    }
    let mut next = 0;
    ours.until("all has arrived on both sides", |ours| {
        while let Some(&len) = what.to_go.get(next) {
            let now = ours.now();
            if ours.machine.try_send(now, pattern(next, len), &SendOptions::ORDERED).is_err() {
                break;
            }
            next += 1;
        }
        told.extend(session.told());
        let arrived = told.iter().filter(|event| event.event == "message").count();
        let bad = told.iter().find(|event| matches!(event.event.as_str(), "failed" | "ended"));
        assert!(bad.is_none(), "{bad:?}, {:?}", ours.events);
        assert!(ours.closed().is_none(), "{:?}", ours.events);
        let queued = ours.machine.status(ours.now()).send.queued_messages;
        arrived >= what.to_go.len() && ours.messages.len() >= what.to_us.len() && queued == 0
    });
    let messages: Vec<_> = told.iter().filter(|event| event.event == "message").collect();
    assert_eq!(messages.len(), what.to_go.len());
    for (index, (event, len)) in messages.iter().zip(what.to_go).enumerate() {
        let sha256 = hex::encode(Sha256::digest(pattern(index, *len)));
        assert_eq!((event.seq, event.len, &event.sha256), (index as i64, *len, &sha256));
    }
    let expected: Vec<_> = what.to_us.iter().enumerate().map(|(index, len)| pattern(index, *len)).collect();
    assert!(ours.messages == expected, "{} of {} messages", ours.messages.len(), expected.len());
    let counters = ours.machine.status(ours.now()).counters;
    Cost {
        messages: messages.len() + expected.len(),
        bytes: what.to_go.iter().chain(what.to_us).sum(),
        lost: ours.lost,
        sent: counters.data_sent,
        resent: counters.data_resent,
    }
}

/// Ours closes: both ends know it.
pub(crate) fn close(ours: &mut Ours, session: &GoSession) {
    let now = ours.now();
    ours.machine.handle(now, Input::Close);
    ours.until("we have closed", |ours| ours.closed().is_some());
    assert_eq!(ours.closed(), Some(&CloseReason::Finished));
    wait(session, "ended");
}

/// Waits for an event of the original, without ours doing anything.
pub(crate) fn wait(session: &GoSession, event: &str) {
    for _ in 0..6_000 {
        if session.told().iter().any(|told| told.event == event) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no {event}");
}
