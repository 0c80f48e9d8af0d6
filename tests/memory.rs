//! The memory of a connection, measured by an allocator that counts.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/machine.rs"]
mod machine_support;

use bytes::{Bytes, BytesMut};
use counting::{live, measure};
use machine_support::{PING, Rng, events, feed, machine, packet, quiet, sec};
use mconn::connection::{ChannelConfig, Event, Input, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::time::Instant;
use mconn::wire::{Codec, Proto3};

/// The channels of the reactors of a node.
const STANDARD: [u8; 10] = [0x00, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x40, 0x60, 0x61];

/// The bytes of a fresh machine, itself and on the heap.
fn fresh_bytes(config: MConnConfig) -> usize {
    // What the caller made (the limiters, the scheduler) is the machine's afterwards.
    let (state, used) = measure(|| machine(config.clone()));
    drop(config);
    drop(state);
    usize::try_from(used.kept).unwrap() + size_of::<MConnState>()
}

#[test]
fn a_fresh_machine_is_small() {
    for (name, profile) in [
        ("default", MConnConfig::default()),
        ("cometbft", MConnConfig::cometbft()),
        ("v0.33", MConnConfig::tendermint_v0_33()),
        ("v0.10", MConnConfig::tendermint_v0_10()),
    ] {
        let standard = profile.clone().channels(STANDARD.map(|id| ChannelConfig::new(id, 5)));
        let all = profile.channels((0..=255).map(|id| ChannelConfig::new(id, 5)));
        let (ten, all) = (fresh_bytes(standard), fresh_bytes(all));
        let each = (all - ten).div_ceil(246);
        println!("{name}: {ten} bytes with ten channels ({} itself), {each} each", size_of::<MConnState>());
        assert!(ten <= 4096, "{name}: {ten} bytes");
        assert!(each <= 256, "{name}: {each} bytes for each further channel");
    }
}

/// Packets of a message.
fn message(channel: u8, payload: &[u8]) -> Vec<u8> {
    let mut pieces = payload.chunks(1024).peekable();
    let mut wire = Vec::new();
    if payload.is_empty() {
        return packet(channel, true, b"");
    }
    while let Some(piece) = pieces.next() {
        wire.extend(packet(channel, pieces.peek().is_none(), piece));
    }
    wire
}

/// Feeds a buffer to its end without asking for memory itself; counts messages.
fn drink(state: &mut MConnState, buffer: &mut BytesMut) -> usize {
    let mut messages = 0;
    loop {
        let before = buffer.len();
        state.handle(Instant::ZERO, Input::Received { buf: buffer, end: false });
        let mut moved = buffer.len() < before;
        while let Some(event) = state.poll_event() {
            assert!(matches!(event, Event::Message { .. }));
            (messages, moved) = (messages + 1, true);
        }
        if !moved {
            return messages;
        }
    }
}

#[test]
fn receiving_asks_for_memory_once_per_message_and_never_per_packet() {
    for (len, most) in [(0, 0), (1, 1), (1024, 1), (1025, 1), (20_000, 1), (65_536, 1), (65_537, 8), (1_000_000, 12)] {
        let mut state = machine(quiet([ChannelConfig::new(1, 1), ChannelConfig::new(2, 1)]));
        let wire = [message(1, &vec![1; len]), message(2, &vec![2; len])].concat();
        let mut warm_up = BytesMut::from(&wire.repeat(10)[..]);
        assert_eq!(drink(&mut state, &mut warm_up), 20);
        let mut buffer = BytesMut::from(&wire.repeat(10)[..]);
        let (messages, used) = measure(|| drink(&mut state, &mut buffer));
        assert_eq!(messages, 20);
        assert!(used.calls <= 20 * most, "{} calls for 20 messages of {len} bytes", used.calls);
    }
}

/// Large messages have the memory of earlier ones, when those are done with; then there is one small call, for the count of
/// those who share it.
#[test]
fn large_messages_use_the_memory_of_earlier_ones() {
    const LEN: usize = 100_000;
    let mut state = machine(quiet([ChannelConfig::new(1, 1)]));
    let wire = message(1, &vec![1; LEN]);
    let next = |state: &mut MConnState| {
        let mut buffer = BytesMut::from(&wire[..]);
        let (payload, used) = measure(|| {
            while !buffer.is_empty() {
                state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
            }
            let Some(Event::Message { payload, .. }) = state.poll_event() else { panic!("no message") };
            payload
        });
        assert_eq!(payload, vec![1; LEN]);
        (payload, used)
    };
    drop(next(&mut state));
    let (first, _) = next(&mut state);
    assert_eq!(state.status(Instant::ZERO).recycled_bytes, LEN);
    let place = first.as_ptr();
    // Somebody has it still.
    let (second, used) = next(&mut state);
    assert_ne!(second.as_ptr(), place);
    assert!(used.kept >= LEN as isize);
    drop(first);
    let (third, used) = next(&mut state);
    assert_eq!(third.as_ptr(), place);
    assert!(used.calls <= 1 && used.kept < 100, "{used:?}");
    // A ping interval passes without such messages: nothing is kept.
    drop((second, third));
    let mut state = machine(MConnConfig::default().channel(ChannelConfig::new(1, 1)));
    drop(next(&mut state));
    assert_eq!(state.status(Instant::ZERO).recycled_bytes, LEN);
    state.handle_timeout(Instant::ZERO + core::time::Duration::from_secs(60));
    assert_eq!(state.status(Instant::ZERO).recycled_bytes, 0);
}

#[test]
fn sending_asks_for_no_memory() {
    let channels = [ChannelConfig::new(1, 1), ChannelConfig::new(2, 5)];
    let mut state = machine(quiet(channels));
    let mut out = BytesMut::with_capacity(200_000);
    let payload = Bytes::from_static(&[7; 30_000]);
    let mut round = |state: &mut MConnState| {
        for _ in 0..20 {
            state.try_send(1, payload.clone()).unwrap();
            state.try_send(2, payload.clone()).unwrap();
        }
        loop {
            out.clear();
            if state.transmit_into(Instant::ZERO, &mut out, 65_536) == 0 {
                return;
            }
        }
    };
    round(&mut state);
    let ((), used) = measure(|| (0..10).for_each(|_| round(&mut state)));
    assert_eq!(used.calls, 0, "for 12,000 packets");
    // Frame by frame, too: they share the memory of the message.
    state.try_send(1, payload.clone()).unwrap();
    let ((), used) = measure(|| while state.poll_transmit(Instant::ZERO).is_some() {});
    assert_eq!(used.calls, 0);
}

/// The formula of the module's documentation, for messages of the peer.
fn formula(config: &MConnConfig) -> usize {
    let channels = config.channels.len();
    let reserved = config.channels.iter().map(|channel| channel.recv_buffer_capacity).max().unwrap_or(0);
    let largest = config.channels.iter().map(|channel| channel.recv_message_capacity).max().unwrap_or(0);
    4096 + 256 * channels
        + 2 * config.max_partial_bytes
        + channels * reserved
        + config.recv_ahead_bytes
        + config.recycle_bytes
        + config.inbox_bytes
        + largest
        + 128 * config.inbox_messages
}

fn hostile_config(max_partial_bytes: usize, capacity: usize) -> MConnConfig {
    let channels = (0..=255).map(|id| ChannelConfig::new(id, 1).recv_message_capacity(capacity));
    let mut config = quiet(channels);
    (config.max_partial_bytes, config.inbox_bytes, config.inbox_messages) = (max_partial_bytes, 10_000, 100);
    config.recv_ahead_bytes = 50_000;
    config
}

/// Feeds what the action gives until the connection ends, or often enough; and gives the most that it held.
fn attack(config: &MConnConfig, mut next: impl FnMut(usize) -> Option<Vec<u8>>) -> usize {
    // Nothing but the machine is measured: what is fed stands ready in a buffer of its own.
    let mut highest = 0;
    let before = live();
    let mut state = machine(config.clone());
    let mut held = size_of::<MConnState>() + live() - before;
    for step in 0.. {
        let Some(wire) = next(step) else { break };
        let mut buffer = BytesMut::from(&wire[..]);
        drop(wire);
        loop {
            let left = buffer.len();
            let ((), used) = measure(|| state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false }));
            highest = highest.max(held + used.peak);
            held = held.wrapping_add_signed(used.kept);
            let (closed, used) = measure(|| {
                let mut closed = false;
                while let Some(event) = state.poll_event() {
                    closed = matches!(event, Event::Closed(_));
                }
                closed
            });
            held = held.wrapping_add_signed(used.kept);
            if closed {
                return highest;
            }
            if buffer.len() == left {
                break;
            }
        }
    }
    highest
}

#[test]
fn partial_messages_on_256_channels_stay_within_the_formula() {
    for seed in 0..6 {
        let config = hostile_config(1_000_000, 1_000_000);
        let mut rng = Rng::new(seed);
        let most = *rng.pick(&[1, 30, 1023]);
        let highest = attack(&config, |step| {
            (step < 20_000).then(|| packet(rng.below(256) as u8, false, &vec![0; 1 + rng.below(most)]))
        });
        println!("highest: {highest} of {}", formula(&config));
        assert!(highest <= formula(&config), "{highest} bytes");
        assert!(highest > 256 * 4096, "the attack works");
    }
}

/// A peer sends a large message on each channel, and then only begins the next ones.
#[test]
fn what_is_reserved_ahead_stays_within_the_formula() {
    for ahead in [0, 100_000, 1_000_000] {
        let mut config = hostile_config(200_000, 64_000);
        config.recv_ahead_bytes = ahead;
        let highest = attack(&config, |step| match step {
            0..=255 => Some([packet(step as u8, false, &[0; 1000]).repeat(60), packet(step as u8, true, b"")].concat()),
            256..=511 => Some(packet((step - 256) as u8, false, b"x")),
            // Who has completed the short one as well begins anew, again and again.
            512..=3000 => Some([packet(step as u8, true, b"x"), packet(step as u8, false, b"x")].concat()),
            _ => None,
        });
        println!("highest: {highest} of {}", formula(&config));
        assert!(highest <= formula(&config), "{highest} bytes; the formula gives {}", formula(&config));
        assert!(highest >= ahead, "the attack works");
    }
}

#[test]
fn random_hostile_messages_stay_within_the_formula() {
    for seed in 0..8 {
        let config = hostile_config(100_000, 80_000);
        let mut rng = Rng::new(seed);
        let channels = *rng.pick(&[2, 10, 256]);
        let highest = attack(&config, |step| {
            (step < 5_000).then(|| {
                let pieces = 1 + rng.below(10);
                packet(rng.below(channels) as u8, rng.one_in(3), &vec![0; rng.below(1024)]).repeat(pieces)
            })
        });
        assert!(highest <= formula(&config), "seed {seed}: {highest} bytes");
    }
}

/// Messages that nobody takes.
#[test]
fn messages_that_wait_stay_within_the_formula() {
    let mut config = hostile_config(100_000, 50_000);
    (config.inbox_bytes, config.inbox_messages) = (100_000, 3000);
    for len in [0, 1, 20, 1024] {
        let wire = message(1, &vec![0; len]).repeat(5000);
        let mut buffer = BytesMut::from(&wire[..]);
        let (state, used) = measure(|| {
            let mut state = machine(config.clone());
            for _ in 0..10 {
                state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
            }
            state
        });
        assert!(!state.wants_read());
        assert!(used.peak + size_of::<MConnState>() <= formula(&config), "{used:?}");
    }
}

#[test]
fn after_a_message_of_20_mb_the_heap_is_back_at_its_base() {
    let mut state = machine(quiet([ChannelConfig::new(1, 1)]));
    let mut wire = BytesMut::from(&message(1, &vec![0; 20_000_000])[..]);
    let ((), used) = measure(|| {
        loop {
            state.handle(Instant::ZERO, Input::Received { buf: &mut wire, end: false });
            if let Some(event) = state.poll_event() {
                let Event::Message { payload, .. } = event else { panic!("{event:?}") };
                assert_eq!(payload.len(), 20_000_000);
                return;
            }
        }
    });
    assert!(used.kept <= 1024, "{used:?}");
    assert!(used.peak <= 2 * 22_020_096, "{used:?}");
}

#[test]
fn ten_thousand_kept_messages_of_one_byte_pin_nothing_else() {
    for wire in [packet(1, true, b"x"), [packet(1, false, b"x"), packet(1, true, b"")].concat()] {
        let mut state = machine(quiet([ChannelConfig::new(1, 1)]));
        let mut kept = Vec::with_capacity(10_000);
        let mut buffer = BytesMut::from(&wire.repeat(100)[..]);
        drink(&mut state, &mut buffer);
        let ((), used) = measure(|| {
            for _ in 0..100 {
                let mut buffer = BytesMut::from(&wire.repeat(100)[..]);
                while !buffer.is_empty() {
                    state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
                    while let Some(Event::Message { payload, .. }) = state.poll_event() {
                        kept.push(payload);
                    }
                }
            }
        });
        assert_eq!(kept.len(), 10_000);
        assert!(used.kept <= 10_000 + 1024, "{used:?}");
    }
}

#[test]
fn an_input_of_10_bytes_asks_for_no_more_than_4_kib() {
    let fresh = machine(quiet([ChannelConfig::new(0, 1), ChannelConfig::new(1, 1)]));
    let mut rng = Rng::new(3);
    let mut inputs = vec![
        packet(1, false, b"abc"),
        packet(0, false, b"abcde"),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x1a".to_vec(),
    ];
    for _ in 0..20_000 {
        let mut bytes: Vec<u8> = (0..10).map(|_| rng.next() as u8).collect();
        if rng.one_in(2) {
            let start = packet(rng.below(2) as u8, rng.one_in(2), &[0; 900]);
            bytes[..7].copy_from_slice(&start[..7]);
        }
        inputs.push(bytes);
    }
    let mut highest = 0;
    for input in inputs {
        let (mut state, mut buffer) = (fresh.clone(), BytesMut::from(&input[..10.min(input.len())]));
        let ((), used) = measure(|| state.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false }));
        highest = highest.max(used.peak);
    }
    assert!(highest <= 4096, "{highest} bytes");
    assert!(highest >= 4096, "the reserve of a message's first packet is the most");
}

#[test]
fn a_million_pings_cost_no_memory_and_few_pongs() {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    config.max_pings_per_interval = u32::MAX;
    let mut state = machine(config);
    let mut out = BytesMut::with_capacity(64);
    let mut wire = BytesMut::from(&PING.repeat(1_000_000)[..]);
    let (written, used) = measure(|| {
        let (mut written, mut fed) = (0, 0);
        while !wire.is_empty() {
            let before = wire.len();
            state.handle(Instant::ZERO, Input::Received { buf: &mut wire, end: false });
            fed += before - wire.len();
            out.clear();
            written += state.transmit_into(Instant::ZERO, &mut out, 64);
            assert!(written <= fed);
        }
        written
    });
    assert!(written <= 3 * 300, "{written} bytes: one pong per call");
    assert_eq!((used.peak, used.calls), (0, 0));
    assert_eq!(state.status(Instant::ZERO).counters.pings_received, 1_000_000);
}

#[test]
fn a_peer_that_never_reads_costs_what_we_queue_and_no_more() {
    let channel = ChannelConfig::new(1, 1).send_queue_bytes(100_000).send_queue_capacity(1000);
    let mut config = MConnConfig::default().channel(channel);
    config.max_pings_per_interval = u32::MAX;
    let mut state = machine(config);
    let payload = Bytes::from(vec![0; 999]);
    let wire =
        [PING.to_vec(), packet(1, true, b"x"), packet(1, false, b"y"), packet(1, true, b"z")].concat().repeat(20);
    let round = |state: &mut MConnState, second: u64| {
        while state.try_send(1, payload.clone()).is_ok() {}
        feed(state, sec(second), &wire);
        state.handle_timeout(sec(second));
    };
    round(&mut state, 1);
    let ((), used) = measure(|| (2..5000).for_each(|second| round(&mut state, second)));
    assert_eq!(used.kept, 0);
    let queued = state.status(sec(5000)).channels[0];
    assert_eq!((queued.send_queue_size, queued.send_queue_bytes), (100, 99_900));
    assert!(!state.is_closed());
}

#[test]
fn what_has_ended_holds_nothing_of_its_peer() {
    let config = quiet((0..=255).map(|id| ChannelConfig::new(id, 1)));
    let wire: Vec<u8> = (0..=255).flat_map(|channel| packet(channel, false, &[0; 1000])).collect();
    let mut config = Some(config);
    let before = live();
    let mut state = machine(config.take().unwrap());
    let fresh = live() as isize - before as isize;
    for id in 0..=255 {
        for _ in 0..10 {
            state.try_send(id, Bytes::from(vec![0; 1000])).unwrap();
        }
    }
    feed(&mut state, Instant::ZERO, &wire);
    assert!(live() as isize - before as isize > fresh + 3_000_000);
    state.handle(Instant::ZERO, Input::Close);
    assert_eq!(events(&mut state).len(), 1);
    let ended = live() as isize - before as isize;
    assert!(ended <= fresh, "{ended} bytes; the fresh one held {fresh}");
}

/// The codec's header has room for all that can stand before a payload.
#[test]
fn a_header_is_no_allocation() {
    let (header, used) = measure(|| Proto3::new().message_header(0xff, true, 1024));
    assert_eq!((header.len(), used.calls), (13, 0));
}
