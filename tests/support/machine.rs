//! What the tests of the connection share.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, CloseReason, Event, Input, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::time::{Duration, Instant};
use mconn::wire::{Codec, Packet, Proto3};

#[path = "rng.rs"]
mod rng;
pub(crate) use rng::Rng;

/// A moment so many milliseconds after the epoch.
pub(crate) fn at(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

/// A moment so many seconds after the epoch.
pub(crate) fn sec(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The payload of the golden data: message number `index` on `channel`.
pub(crate) fn pattern(channel: u8, index: usize, len: usize) -> Bytes {
    (0..len).map(|i| (31 * i + 7 * index + usize::from(channel)) as u8).collect()
}

/// No pings and no limits, with these channels.
pub(crate) fn quiet(channels: impl IntoIterator<Item = ChannelConfig>) -> MConnConfig {
    let mut config = MConnConfig::default().channels(channels);
    (config.ping, config.pong_while_paused) = (mconn::connection::PingPolicy::Never, false);
    config
}

/// A machine that begins at the epoch.
pub(crate) fn machine<C: Codec>(config: MConnConfig<C>) -> MConnState<C> {
    MConnState::new(config, Instant::ZERO).expect("a configuration that works")
}

/// The bytes of a message packet of today's wire.
pub(crate) fn packet(channel: u8, end: bool, payload: &[u8]) -> Vec<u8> {
    let header = Proto3::new().message_header(channel, end, payload.len());
    [header.as_slice(), payload].concat()
}

pub(crate) const PING: &[u8] = b"\x02\x0a\x00";
pub(crate) const PONG: &[u8] = b"\x02\x12\x00";

/// The event of a message.
pub(crate) fn delivered(channel: u8, payload: impl Into<Bytes>) -> Event {
    Event::Message { channel, payload: payload.into() }
}

/// All events that wait.
pub(crate) fn events<C: Codec>(machine: &mut MConnState<C>) -> Vec<Event> {
    std::iter::from_fn(|| machine.poll_event()).collect()
}

/// Feeds bytes once; gives what was left of them.
pub(crate) fn feed_once<C: Codec>(machine: &mut MConnState<C>, now: Instant, bytes: &[u8]) -> BytesMut {
    let mut buffer = BytesMut::from(bytes);
    machine.handle(now, Input::Received { buf: &mut buffer, end: false });
    buffer
}

/// Feeds bytes that are whole packets until all are consumed, and gives the events.
pub(crate) fn feed<C: Codec>(machine: &mut MConnState<C>, now: Instant, bytes: &[u8]) -> Vec<Event> {
    let mut buffer = BytesMut::from(bytes);
    let mut all = Vec::new();
    loop {
        let before = buffer.len();
        machine.handle(now, Input::Received { buf: &mut buffer, end: false });
        let new = events(machine);
        let progress = buffer.len() < before || !new.is_empty();
        all.extend(new);
        if !progress {
            return all;
        }
    }
}

/// Why the machine ended: its last event, all others taken before it.
pub(crate) fn closed<C: Codec>(machine: &mut MConnState<C>) -> Option<CloseReason> {
    match events(machine).pop() {
        Some(Event::Closed(reason)) => Some(reason),
        _ => None,
    }
}

/// Feeds bytes and tells why the machine ended.
pub(crate) fn closed_by<C: Codec>(machine: &mut MConnState<C>, now: Instant, bytes: &[u8]) -> Option<CloseReason> {
    match feed(machine, now, bytes).pop() {
        Some(Event::Closed(reason)) => Some(reason),
        _ => None,
    }
}

/// All output that is ready.
pub(crate) fn output<C: Codec>(machine: &mut MConnState<C>, now: Instant) -> Vec<u8> {
    let mut out = BytesMut::new();
    machine.transmit_into(now, &mut out, usize::MAX);
    out.to_vec()
}

/// All output that is ready, frame by frame.
pub(crate) fn frames<C: Codec>(machine: &mut MConnState<C>, now: Instant) -> Vec<Vec<u8>> {
    let frames = std::iter::from_fn(|| machine.poll_transmit(now));
    frames.map(|mut frame| frame.copy_to_bytes(frame.remaining()).to_vec()).collect()
}

/// A packet as a channel, the mark of the end and a length, or its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Ping,
    Pong,
    Message(i32, bool, usize),
}

/// What packets stand in bytes of today's wire.
pub(crate) fn seen(bytes: &[u8]) -> Vec<Seen> {
    seen_by(&mut Proto3::new(), bytes)
}

/// What packets stand in bytes of the wire of `codec`.
pub(crate) fn seen_by<C: Codec>(codec: &mut C, mut bytes: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Some(decoded) = codec.decode(bytes, 1 << 21).expect("packets") {
        all.push(match decoded.packet {
            Packet::Ping => Seen::Ping,
            Packet::Pong => Seen::Pong,
            Packet::Message(message) => Seen::Message(message.channel, message.end, message.payload.len()),
        });
        bytes = &bytes[decoded.wire_len..];
    }
    assert_eq!(bytes, b"", "whole packets");
    all
}

/// Two machines, what is on the way between them, and what they gave.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) ends: [MConnState; 2],
    /// Bytes on the way to each end.
    pub(crate) wires: [BytesMut; 2],
    pub(crate) events: [Vec<Event>; 2],
    pub(crate) now: Instant,
}

impl Pair {
    pub(crate) fn new(alice: MConnConfig, bob: MConnConfig) -> Self {
        Self {
            ends: [machine(alice), machine(bob)],
            wires: [BytesMut::new(), BytesMut::new()],
            events: [vec![], vec![]],
            now: Instant::ZERO,
        }
    }

    /// One turn of the drive loop of one end, with a transport that takes everything. Tells whether anything moved.
    pub(crate) fn turn(&mut self, end: usize) -> bool {
        let before = self.wires[end].len();
        self.ends[end].handle(self.now, Input::Received { buf: &mut self.wires[end], end: false });
        let mut moved = self.wires[end].len() < before;
        while let Some(event) = self.ends[end].poll_event() {
            moved = true;
            self.events[end].push(event);
        }
        moved | (self.ends[end].transmit_into(self.now, &mut self.wires[1 - end], 65_536) > 0)
    }

    /// Drives both until nothing moves at this moment.
    pub(crate) fn settle(&mut self) {
        while self.turn(0) | self.turn(1) {}
    }

    /// The earliest deadline of the two.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ends.iter().filter_map(|end| end.poll_timeout()).map(|(deadline, _)| deadline).min()
    }

    /// Tells both the time.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.now = now;
        for end in &mut self.ends {
            end.handle_timeout(now);
        }
    }

    /// Sleeps exactly until deadlines, until nothing is queued, or `latest`.
    pub(crate) fn run_until_sent(&mut self, latest: Instant) {
        loop {
            self.settle();
            let queued = |end: &MConnState| end.status(Instant::ZERO).channels.iter().any(|c| c.send_queue_size > 0);
            if !self.ends.iter().any(queued) && self.wires.iter().all(|wire| wire.is_empty()) {
                return;
            }
            let deadline = self.deadline().expect("something to wait for");
            assert!(deadline > self.now && deadline <= latest, "{deadline:?} after {:?}", self.now);
            self.tick(deadline);
        }
    }
}
