//! Packets, true and forged, into a session; and any operations on a pair of sessions over a bad network.

use std::collections::VecDeque;

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::packet::{FramesPacket, Writer, seal};
use mconn::sliding_window::{
    Class, CloseReason, Config, Delivery, Event, InitialNumbers, Input, PacketFormat, SendOptions, SlidingWindow,
};
use mconn::time::{Duration, Instant};

const TAGS: [u64; 2] = [0x0a0b_0c0d_0e0f_0102, 0x1a1b_1c1d_1e1f_1112];
/// What a session may hold of messages, in bytes.
const MAX_BYTES: usize = 4_000;
const MAX_MESSAGE: usize = 1_500;
/// Datagrams that a session may give at one moment: its windows are far smaller.
const MAX_AT_ONCE: usize = 500;
const DATAGRAM: usize = 400;

fn config(side: usize, choice: u8) -> Config {
    let mut config = Config::new(TAGS[side], u64::from(choice));
    config.format = PacketFormat::Native { check: choice & 1 != 0 };
    config.max_datagram = DATAGRAM;
    (config.receive.window, config.receive.max_bytes, config.receive.max_message) = (16, MAX_BYTES, MAX_MESSAGE);
    (config.send.max_messages, config.send.max_bytes, config.send.max_message) = (16, 8_000, MAX_MESSAGE);
    config.congestion = match choice >> 1 & 3 {
        0 => Algorithm::NewReno,
        1 => Algorithm::Cubic,
        2 => Algorithm::Bbr,
        _ => Algorithm::Fixed { bytes: 4_000, packets: 10 },
    };
    if choice & 8 != 0 {
        config.delivery = Delivery::Pull;
    }
    if choice & 16 != 0 {
        config.initial_numbers = Some(InitialNumbers::new(u32::MAX - 3, u32::MAX - 2));
    }
    config.half_close = choice & 32 != 0;
    config
}

/// Bytes to draw decisions from.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn slice(&mut self, len: usize) -> &'a [u8] {
        let (slice, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        slice
    }
}

/// One end, its user, and what its user has seen.
struct End {
    machine: SlidingWindow,
    accepted: VecDeque<Vec<u8>>,
    received: Vec<Vec<u8>>,
    /// Messages that were not in order: only a forger sends such.
    unordered: usize,
    closed: Option<CloseReason>,
}

impl End {
    fn new(machine: SlidingWindow) -> Self {
        Self { machine, accepted: VecDeque::new(), received: vec![], unordered: 0, closed: None }
    }

    /// Takes what waits; after the last event nothing comes.
    fn take(&mut self, now: Instant) {
        while let Some(event) = self.machine.poll_event() {
            assert_eq!(self.closed, None, "{event:?} after the end");
            match event {
                Event::Message { class, payload } => self.got(class, &payload),
                Event::Closed(reason) => self.closed = Some(reason),
                _ => {}
            }
        }
        while let Some((class, message)) = self.machine.receive_with(now, |class, message| (class, message.to_vec())) {
            self.got(class, &message);
        }
        assert!(self.closed.is_none() || self.machine.is_closed());
    }

    fn got(&mut self, class: Class, message: &[u8]) {
        assert!(message.len() <= MAX_MESSAGE, "a message of {} bytes", message.len());
        self.unordered += usize::from(class != Class::Ordered);
        self.received.push(message.to_vec());
    }

    /// All datagrams that are to go now.
    fn pull(&mut self, now: Instant) -> Vec<Bytes> {
        let mut datagrams = vec![];
        while let Some(datagram) = self.machine.poll_transmit(now) {
            assert!(self.closed.is_none() && datagram.len() <= DATAGRAM);
            datagrams.push(datagram);
            assert!(datagrams.len() < MAX_AT_ONCE, "it sends for ever");
        }
        datagrams
    }

    fn send(&mut self, now: Instant, number: u8, len: usize) {
        let message: Vec<u8> = (0..len).map(|i| number.wrapping_mul(31).wrapping_add(i as u8)).collect();
        if self.machine.try_send(now, Bytes::from(message.clone()), &SendOptions::ORDERED).is_ok() {
            self.accepted.push_back(message);
        }
    }

    fn check(&self, now: Instant) {
        let held = self.machine.status(now).receive.held_bytes;
        assert!(held <= (MAX_BYTES + MAX_MESSAGE) as u64, "it holds {held} bytes");
        if self.closed.is_some() {
            assert_eq!(self.machine.poll_timeout(), None);
        }
    }
}

/// Two ends that have shaken hands, when the network lets them.
fn pair(choice: u8) -> (End, End) {
    let one = SlidingWindow::connect(config(0, choice), Instant::ZERO).expect("a configuration that works");
    let other = SlidingWindow::listen(config(1, choice), Instant::ZERO).expect("a configuration that works");
    (End::new(one), End::new(other))
}

fn exchange(now: Instant, one: &mut End, other: &mut End) -> bool {
    let (there, back) = (one.pull(now), other.pull(now));
    let moved = !there.is_empty() || !back.is_empty();
    there.iter().for_each(|datagram| other.machine.handle(now, Input::Datagram(datagram)));
    back.iter().for_each(|datagram| one.machine.handle(now, Input::Datagram(datagram)));
    one.take(now);
    other.take(now);
    moved
}

/// Whatever comes, from whoever knows the tag and who does not: no panic, memory within its bound, no session that spins.
pub(crate) fn check_packets(data: &[u8]) {
    let mut input = Choices(data);
    let (choice, side) = (input.byte(), input.byte());
    let (mut one, mut other) = pair(choice);
    let mut now = Instant::ZERO;
    if side & 1 != 0 {
        while exchange(now, &mut one, &mut other) {}
    }
    // The end under attack, and the tag that it listens to.
    let (end, tag) = if side & 2 != 0 { (&mut one, TAGS[0]) } else { (&mut other, TAGS[1]) };
    let first = if choice & 16 != 0 { u32::MAX - 3 } else { 0 };
    let mut number = end.machine.status(now).counters.datagrams_received as u32;
    while !input.0.is_empty() {
        match input.byte() {
            0..=139 => {
                let len = usize::from(input.byte());
                number = number.wrapping_add(u32::from(input.byte() & 3));
                let mut buffer = [0; 512];
                let mut writer = Writer::new(&mut buffer);
                FramesPacket::begin(&mut writer, tag, first.wrapping_add(number), choice & 1 != 0);
                writer.put_slice(input.slice(len));
                let Some(len) = writer.finish() else { continue };
                seal(&mut buffer[..len]);
                end.machine.handle(now, Input::Datagram(&buffer[..len]));
            }
            140..=169 => {
                let len = usize::from(input.byte());
                end.machine.handle(now, Input::Datagram(input.slice(len)));
            }
            170..=199 => {
                now += Duration::from_millis(u64::from(input.byte()) * 7);
                end.machine.handle_timeout(now);
            }
            200..=219 => end.send(now, input.byte(), usize::from(input.byte()) * 5),
            220..=229 => end.machine.finish(now),
            230..=234 => end.machine.handle(now, Input::Close),
            _ => end.take(now),
        }
        end.pull(now);
        end.check(now);
    }
    end.take(now);
    run_out(now, end);
}

/// A session whose peer has gone silent ends, after so many deadlines.
fn run_out(mut now: Instant, end: &mut End) {
    end.machine.handle(now, Input::Close);
    for _ in 0..5_000 {
        end.pull(now);
        end.take(now);
        let Some((deadline, _)) = end.machine.poll_timeout() else { break };
        now = now.max(deadline);
        end.machine.handle_timeout(now);
    }
    let listens = !end.machine.is_connected();
    assert!(end.closed.is_some() || listens, "it does not end: {:?}", end.machine.poll_timeout());
}

/// Any operations on a pair over a network that loses, doubles and reorders: what arrives is what was accepted, in order, and
/// all of it once the network is good again.
pub(crate) fn check_operations(data: &[u8]) {
    let mut input = Choices(data);
    let choice = input.byte();
    let (mut one, mut other) = pair(choice);
    let mut wires: [VecDeque<Bytes>; 2] = Default::default();
    let mut now = Instant::ZERO;
    let mut sent = 0_u8;
    while !input.0.is_empty() {
        let (operation, side) = (input.byte(), usize::from(input.byte() & 1));
        let (end, far) = if side == 0 { (&mut one, &mut other) } else { (&mut other, &mut one) };
        match operation {
            0..=69 => {
                sent = sent.wrapping_add(1);
                end.send(now, sent, usize::from(input.byte()) * 6);
            }
            70..=119 => wires[side].extend(end.pull(now)),
            120..=179 => {
                if let Some(datagram) = wires[side].pop_front() {
                    far.machine.handle(now, Input::Datagram(&datagram));
                }
            }
            180..=194 => drop(wires[side].pop_front()),
            195..=204 => wires[side].rotate_left(usize::from(!wires[side].is_empty())),
            205..=214 => {
                if let Some(datagram) = wires[side].front().cloned() {
                    wires[side].push_back(datagram);
                }
            }
            215..=239 => {
                now += Duration::from_millis(u64::from(input.byte()));
                one.machine.handle_timeout(now);
                other.machine.handle_timeout(now);
            }
            240..=242 => end.machine.finish(now),
            243..=244 => {
                end.machine.flush(now);
            }
            _ => end.take(now),
        }
        one.check(now);
        other.check(now);
    }
    finish(now, one, other);
}

/// The network is good now: both finish, and everything has arrived.
fn finish(mut now: Instant, mut one: End, mut other: End) {
    one.machine.handle(now, Input::Close);
    other.machine.handle(now, Input::Close);
    for _ in 0..20_000 {
        while exchange(now, &mut one, &mut other) {}
        if one.closed.is_some() && other.closed.is_some() {
            break;
        }
        let deadlines = [&one, &other].into_iter().filter_map(|end| end.machine.poll_timeout());
        let Some((deadline, _)) = deadlines.min_by_key(|(deadline, _)| *deadline) else { break };
        now = now.max(deadline);
        one.machine.handle_timeout(now);
        other.machine.handle_timeout(now);
    }
    // Whatever became of them: a prefix of what was accepted. All of it, when they ended in good order.
    for (from, to) in [(&one, &other), (&other, &one)] {
        assert_eq!(to.unordered, 0, "all were sent in order");
        assert!(from.accepted.iter().take(to.received.len()).eq(to.received.iter()), "not what was accepted");
        if to.closed == Some(CloseReason::Finished) {
            assert_eq!(to.received.len(), from.accepted.len(), "the end came early");
        }
    }
}
