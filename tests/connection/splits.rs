//! Any split of any input gives the same events and the same end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{PING, PONG, Rng, events, machine, output, packet, quiet};
use bytes::BytesMut;
use mconn::connection::{ChannelConfig, CloseReason, Counters, Event, Input, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::time::Instant;
use mconn::wire::{AnyCodec, Codec, DecodeError, Decoded, GoWire, Header, Proto3};

/// All happens at one moment, at which a ping is due where there are pings.
const NOW: Instant = Instant::from_secs(60);

/// What a machine makes of a stream: its events, what it writes at the end of the stream, and what it has counted.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    written: Vec<u8>,
    counters: Counters,
}

/// Feeds what is in the buffer until nothing moves, all events taken.
fn drain(state: &mut MConnState, buffer: &mut BytesMut, end: bool, all: &mut Vec<Event>) {
    loop {
        let before = buffer.len();
        state.handle(NOW, Input::Received { buf: buffer, end });
        let new = events(state);
        if buffer.len() == before && new.is_empty() {
            return;
        }
        all.extend(new);
    }
}

fn run<'a>(fresh: &MConnState, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let (mut state, mut buffer, mut all) = (fresh.clone(), BytesMut::new(), Vec::new());
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        drain(&mut state, &mut buffer, false, &mut all);
    }
    let written = output(&mut state, NOW);
    drain(&mut state, &mut buffer, true, &mut all);
    Outcome { events: all, written, counters: state.status(NOW).counters }
}

/// A connection whose limits are easily reached.
fn small(rng: &mut Rng, codec: AnyCodec) -> MConnState {
    let channels = [ChannelConfig::new(1, 1), ChannelConfig::new(0x80, 1).recv_message_capacity(6)];
    let mut config = quiet(channels.map(|channel| channel.recv_buffer_capacity(4))).codec(codec);
    config.recv_payload_size = 6;
    config.inbox_messages = 1 + rng.below(3);
    config.inbox_bytes = 1 + rng.below(12);
    config.max_pings_per_interval = rng.below(7) as u32;
    config.max_packets_without_progress = rng.below(4) as u32;
    machine(config)
}

/// Packets of the wire of `codec`, most of them in order.
fn stream(rng: &mut Rng, codec: &AnyCodec, packets: usize, largest: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..packets {
        match rng.below(12) {
            0 => bytes.extend_from_slice(codec.ping()),
            1 => bytes.extend_from_slice(codec.pong()),
            kind => {
                let channel = if kind == 2 && rng.one_in(3) { rng.below(256) as u8 } else { *rng.pick(&[1, 1, 0x80]) };
                let len = if kind == 3 && rng.one_in(3) { largest + 8 } else { rng.below(largest + 1) };
                let header = codec.message_header(channel, rng.one_in(2), len);
                bytes.extend_from_slice(header.as_slice());
                bytes.extend((0..len).map(|_| rng.next() as u8));
            }
        }
    }
    if rng.one_in(3) && !bytes.is_empty() {
        for _ in 0..1 + rng.below(2) {
            let place = rng.below(bytes.len());
            match rng.below(4) {
                0 => bytes[place] = rng.next() as u8,
                1 => bytes[place] ^= 1 << rng.below(8),
                2 => bytes.insert(place, *rng.pick(&[0, 1, 0x7f, 0x80, 0xff])),
                _ if bytes.len() > 1 => drop(bytes.remove(place)),
                _ => {}
            }
        }
    }
    bytes
}

/// One stream, fed whole and in every two pieces.
fn every_two_way_split(fresh: &MConnState, bytes: &[u8]) -> Outcome {
    let whole = run(fresh, [bytes]);
    for cut in 1..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(run(fresh, [head, tail]), whole, "cut at {cut}: {bytes:02x?}");
    }
    assert_eq!(run(fresh, bytes.chunks(1)), whole, "byte by byte: {bytes:02x?}");
    whole
}

#[test]
fn every_split_of_10_000_streams_gives_the_same() {
    let mut ends = [0; 8];
    for seed in 0..10_000 {
        let mut rng = Rng::new(seed);
        let codec: AnyCodec = if seed % 3 == 0 { GoWire::new().into() } else { Proto3::new().into() };
        let packets = rng.below(5);
        let bytes = stream(&mut rng, &codec, packets, 5);
        let outcome = every_two_way_split(&small(&mut rng, codec), &bytes);
        let Some(Event::Closed(reason)) = outcome.events.last() else { panic!("no end: {outcome:?}") };
        ends[match reason {
            CloseReason::Decode { .. } => 0,
            CloseReason::UnknownChannel { .. } => 1,
            CloseReason::MessageTooLarge { .. } => 2,
            CloseReason::PingFlood { .. } => 3,
            CloseReason::NoProgress { .. } => 4,
            CloseReason::PeerClosed { unread_bytes: 0, .. } => 5,
            CloseReason::PeerClosed { .. } => 6,
            other => panic!("{other}"),
        }] += 1;
        ends[7] += outcome.events.len() - 1;
    }
    assert!(ends.iter().all(|&count| count > 30), "each end was seen, and messages: {ends:?}");
}

/// Longer streams of the usual size of packets, in random pieces.
#[test]
fn random_pieces_of_long_streams_give_the_same() {
    for seed in 0..150 {
        let mut rng = Rng::new(seed);
        let codec = AnyCodec::default();
        let mut config = quiet([ChannelConfig::new(1, 1), ChannelConfig::new(0x80, 1)]);
        (config.inbox_messages, config.inbox_bytes) = (1 + rng.below(4), 1 + rng.below(4000));
        let fresh = machine(config);
        let bytes = stream(&mut rng, &codec, 20, 1000);
        let whole = run(&fresh, [&bytes[..]]);
        for _ in 0..6 {
            let mut chunks = Vec::new();
            let (mut rest, most) = (&bytes[..], *rng.pick(&[3, 40, 3000]));
            while !rest.is_empty() {
                let (head, tail) = rest.split_at((1 + rng.below(most)).min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            assert_eq!(run(&fresh, chunks), whole, "seed {seed}");
        }
        assert_eq!(run(&fresh, bytes.chunks(1)), whole, "seed {seed}, byte by byte");
    }
}

/// A ping is out, and what shows life first depends on the pieces: nothing else may.
#[test]
fn splits_do_not_change_what_a_pong_answers() {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    config.max_packets_without_progress = 1;
    let mut fresh = machine(config);
    fresh.handle_timeout(NOW);
    output(&mut fresh, NOW);
    for middle in [PING.to_vec(), packet(1, false, b""), packet(1, true, b"x")] {
        let bytes = [&middle[..], PONG, PONG].concat();
        every_two_way_split(&fresh, &bytes);
        every_two_way_split(&fresh, &[&bytes[..], PONG, PONG].concat());
    }
}

/// A codec that counts how often it is asked for a packet.
#[derive(Clone, Debug, Default)]
struct Counting {
    codec: Proto3,
    asked: Arc<AtomicUsize>,
}

impl Codec for Counting {
    fn ping(&self) -> &'static [u8] {
        self.codec.ping()
    }
    fn pong(&self) -> &'static [u8] {
        self.codec.pong()
    }
    fn message_header(&self, channel: u8, end: bool, payload_len: usize) -> Header {
        self.codec.message_header(channel, end, payload_len)
    }
    fn packet_limit(&self, payload_size: usize) -> usize {
        self.codec.packet_limit(payload_size)
    }
    fn limited_len(&self, channel: u8, end: bool, payload_len: usize) -> usize {
        self.codec.limited_len(channel, end, payload_len)
    }
    fn max_wire_len(&self, limit: usize) -> usize {
        self.codec.max_wire_len(limit)
    }
    fn decode<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.codec.decode(bytes, limit)
    }
}

/// The work of a codec on an incomplete packet is bounded by a constant; so what counts is how often it is asked.
#[test]
fn a_megabyte_byte_by_byte_costs_one_question_per_byte() {
    let codec = Counting::default();
    let asked = codec.asked.clone();
    let fresh = machine(quiet([ChannelConfig::new(1, 1)]).codec(codec));
    let message = [packet(1, false, &[7; 1024]).repeat(99), packet(1, true, &[7; 1024])].concat();
    let bytes = message.repeat(10);
    let packets = 1000;

    let mut state = fresh.clone();
    let mut buffer = BytesMut::from(&bytes[..]);
    state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
    assert_eq!((buffer.len(), events(&mut state).len()), (0, 10));
    assert_eq!(asked.swap(0, Ordering::Relaxed), packets + 1);

    let (mut state, mut messages) = (fresh, 0);
    for byte in bytes.chunks(1) {
        buffer.extend_from_slice(byte);
        state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
        while state.poll_event().is_some() {
            messages += 1;
        }
    }
    assert_eq!((buffer.len(), messages), (0, 10));
    // After each packet the machine looks once whether another one is there.
    assert_eq!(asked.load(Ordering::Relaxed), bytes.len() + packets);
}

/// A peer whose packets lie before a full inbox makes no work by sending more.
#[test]
fn a_full_inbox_asks_the_codec_nothing() {
    let codec = Counting::default();
    let asked = codec.asked.clone();
    let mut config = quiet([ChannelConfig::new(1, 1)]).codec(codec);
    config.inbox_messages = 1;
    let mut state = machine(config);
    let mut buffer = BytesMut::from(&packet(1, true, b"x").repeat(100)[..]);
    for _ in 0..50 {
        state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
