//! Draws a scenario from a seed.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::workload::Workload;
use super::{Closing, Scenario};
use crate::connection::{ChannelConfig, FlushPolicy, Liveness, MConnConfig, PingPolicy};
use crate::rate::{Flowrate, Limiter, TokenBucket, Unlimited};
use crate::sim::Side;
use crate::sim::driver::{Driver, Reader};
use crate::sim::link::{Cut, CutKind, LinkConfig, Stalls};
use crate::sim::memory::Memory;
use crate::sim::operation::Operation;
use crate::sim::pair::PairConfig;
use crate::sim::random::Random;
use crate::time::{Duration, Instant};
use crate::wire::{Amino, AnyCodec, Codec, GoWire, Proto3};

/// Separates what is drawn here from what [`Pair`](crate::sim::Pair) draws from the same seed.
const DRAW: u64 = 0x7363_656e_6172_696f;

/// How the two sides watch each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keepalive {
    /// Never a ping.
    Quiet,
    /// Many pings, and no timeout.
    Lively,
    /// The timeouts of the Go nodes.
    Usual,
    /// Timeouts so short that a slow link ends a connection.
    Tight,
}

pub(super) fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ DRAW);
    let mut work = Workload::draw(&mut random.fork());
    let mut pair = PairConfig::default();
    [pair.a_to_b, pair.b_to_a] = links(&mut random.fork(), &work);
    let keepalive = keepalive(&mut random, &pair);
    let codec = codec(&mut random);
    let [config_a, config_b] = connections(&mut random.fork(), &work, &codec, keepalive);
    pair.driver_a = driver(&mut random.fork(), &work, &config_a);
    pair.driver_b = driver(&mut random.fork(), &work, &config_b);
    pair.memory_a = Some(Memory::limits(&config_a));
    pair.memory_b = Some(Memory::limits(&config_b));
    pair.keep_messages = false;
    pair.max_events = 2_000_000;
    let mut plan = core::mem::take(&mut work.messages);
    disturbances(&mut random.fork(), &work, &mut plan);
    let closing = closing(&mut random.fork(), &work, &mut plan);
    let tight_timeouts = keepalive == Keepalive::Tight;
    Scenario { seed, config_a, config_b, pair, plan, closing, tight_timeouts }
}

fn codec(random: &mut Random) -> AnyCodec {
    match random.below(4) {
        0 => Amino::new().into(),
        1 => GoWire::new().into(),
        _ => Proto3::new().into(),
    }
}

/// A size of at least `least`, often the largest. Sizes far below that of the work would make too many events.
fn piece(random: &mut Random, least: usize, most: usize) -> usize {
    match random.below(4) {
        0 => random.size(least..=least.saturating_mul(4).min(most)),
        1 => random.size(least..=most.min(1_500).max(least)),
        _ => most,
    }
}

fn links(random: &mut Random, work: &Workload) -> [LinkConfig; 2] {
    let grain = (work.total() / 500).max(1);
    let latency = match random.below(3) {
        0 => Duration::ZERO,
        1 => random.duration(Duration::from_millis(1)),
        _ => random.duration(Duration::from_millis(300)),
    };
    let mut links = work.bytes.map(|bytes| {
        let mut link = LinkConfig::new().latency(latency);
        if random.percent(40) {
            link.jitter = random.duration(Duration::from_millis(50));
        }
        if random.percent(50) {
            link.bandwidth = Some(rate(random, bytes));
        }
        link.buffer = piece(random, grain.saturating_mul(4).max(32), 1 << 16);
        link.segment = piece(random, grain, 1 << 16);
        link.chunk = piece(random, grain, 1 << 16);
        if random.percent(20) {
            let longest_gap = Duration::from_millis(random.within(200..=8_000));
            link.stalls = Some(Stalls { longest_gap, longest: random.duration(Duration::from_secs(1)) });
        }
        link
    });
    for (link, bytes) in links.iter_mut().zip(work.bytes) {
        if random.percent(12) {
            let kind = random.choose(&[CutKind::End, CutKind::Failure, CutKind::Silence], CutKind::End);
            let after = random.below(bytes.saturating_add(100) as u64);
            link.cut = Some(Cut { after, kind });
        }
    }
    links
}

/// A rate in bytes per second at which so many bytes take at most some seconds.
fn rate(random: &mut Random, bytes: usize) -> u64 {
    let slowest = (bytes as u64 / 8).max(1_000);
    random.within(slowest..=slowest.saturating_mul(20))
}

fn keepalive(random: &mut Random, pair: &PairConfig) -> Keepalive {
    let silence = [pair.a_to_b.cut, pair.b_to_a.cut].into_iter().flatten().any(|cut| cut.kind == CutKind::Silence);
    match random.below(10) {
        0..=1 if !silence => Keepalive::Quiet,
        2..=4 if !silence => Keepalive::Lively,
        9 => Keepalive::Tight,
        _ => Keepalive::Usual,
    }
}

fn connections(random: &mut Random, work: &Workload, codec: &AnyCodec, keepalive: Keepalive) -> [MConnConfig; 2] {
    let capacity = work.largest.saturating_add(if random.percent(50) { 0 } else { random.size(1..=5_000) }).max(1);
    let priorities: Vec<u32> = work.channels.iter().map(|_| random.within(1..=10) as u32).collect();
    let [from_a, from_b] = work.payload_sizes;
    let sizes = [(from_a, from_b), (from_b, from_a)];
    let bytes = [work.bytes, [work.bytes[1], work.bytes[0]]];
    let mut side = 0_usize;
    sizes.map(|(send_size, recv_size)| {
        let [sent, received] = bytes.get(side).copied().unwrap_or_default();
        let mut config = MConnConfig::with_codec(codec.clone());
        config.channels = work
            .channels
            .iter()
            .zip(&priorities)
            .map(|(&id, &priority)| channel(random, id, priority, capacity))
            .collect();
        if side == 1 && random.percent(30) {
            config.channels.reverse();
        }
        side = side.saturating_add(1);
        config.send_payload_size = send_size;
        config.recv_payload_size =
            if random.percent(70) { recv_size } else { recv_size.saturating_add(random.size(0..=500)) };
        config.max_partial_bytes = Some(capacity.saturating_mul(work.channels.len()));
        buffers_and_flush(random, &mut config);
        watch(random, &mut config, keepalive);
        let send_packet = send_size.saturating_add(64) as u64;
        config.send_limiter = limiter(random, sent, send_packet);
        let recv_packet = codec.max_wire_len(codec.packet_limit(config.recv_payload_size)) as u64;
        config.recv_limiter = limiter(random, received, recv_packet);
        config
    })
}

fn channel(random: &mut Random, id: u8, priority: u32, capacity: usize) -> ChannelConfig {
    let queue = if random.percent(50) { random.size(1..=4) } else { 64 };
    let queue_bytes = if random.percent(30) { random.size(1..=2_000) } else { 1 << 20 };
    let reserved = random.choose(&[0, 1, 100, 4096], 4096);
    ChannelConfig::new(id, priority)
        .send_queue_capacity(queue)
        .send_queue_bytes(queue_bytes)
        .max_send_message(capacity)
        .recv_buffer_capacity(reserved)
        .recv_message_capacity(capacity)
}

fn buffers_and_flush(random: &mut Random, config: &mut MConnConfig) {
    if random.percent(50) {
        config.inbox_messages = random.size(1..=4);
    }
    if random.percent(30) {
        config.inbox_bytes = random.size(1..=2_000);
    }
    config.recv_ahead_bytes = random.choose(&[0, 4_096, 256 << 10], 0);
    config.packets_per_batch = random.choose(&[1, 3, 10, 100], 10);
    if random.percent(40) {
        let interval = Duration::from_micros(random.within(1..=100_000));
        config.flush = FlushPolicy::Throttled { interval, bytes: random.size(1..=65_536) };
    }
}

fn watch(random: &mut Random, config: &mut MConnConfig, keepalive: Keepalive) {
    config.liveness = random.choose(&[Liveness::AnyPacket, Liveness::PongOnly], Liveness::AnyPacket);
    let (interval, timeout) = match keepalive {
        Keepalive::Quiet => {
            config.ping = PingPolicy::Never;
            return;
        }
        Keepalive::Lively => (random.within(100..=3_000), None),
        Keepalive::Usual => (60_000, Some(45_000)),
        Keepalive::Tight => {
            let interval = random.within(20..=2_000);
            (interval, Some(random.within(1..=interval.saturating_sub(1))))
        }
    };
    let interval = Duration::from_millis(interval);
    config.ping = if random.percent(50) { PingPolicy::Every(interval) } else { PingPolicy::AfterSilence(interval) };
    config.pong_timeout = timeout.map(Duration::from_millis);
    // What waited in a stalled link comes at once.
    config.max_pings_per_interval = 100_000;
    if keepalive == Keepalive::Tight {
        config.pong_while_paused = random.percent(50);
        // A peer whose user sleeps sends pongs by its own timer, here far more often than anybody asks for.
        config.max_packets_without_progress = 1_000_000;
        if random.percent(30) {
            config.message_timeout = Some(Duration::from_millis(random.within(1..=3_000)));
        }
    }
}

fn limiter(random: &mut Random, bytes: usize, packet: u64) -> Box<dyn Limiter> {
    let rate = rate(random, bytes);
    match random.below(5) {
        0 => Box::new(TokenBucket::new(rate, packet.saturating_add(random.below(packet.saturating_mul(10))))),
        1 => Box::new(Flowrate::new(rate)),
        _ => Box::new(Unlimited::new()),
    }
}

fn driver(random: &mut Random, work: &Workload, config: &MConnConfig) -> Driver {
    let grain = (work.total() / 500).max(1);
    let mut driver = Driver::exact();
    if random.percent(30) {
        driver.ticks = Some(Duration::from_millis(random.within(20..=3_000)));
    }
    if random.percent(20) {
        driver.lateness = random.duration(Duration::from_millis(100));
    }
    if random.percent(20) {
        driver.clock_error = random.duration(Duration::from_millis(50));
    }
    let packet = config.send_payload_size.saturating_add(64);
    driver.read_size = piece(random, grain, 1 << 16);
    driver.write_size = if random.percent(50) { packet } else { packet.max(1 << 16) };
    driver.packet_by_packet = random.percent(25);
    driver.resets = random.percent(30);
    driver.linger = Duration::from_secs(1_000);
    if random.percent(50) {
        driver.reader.rest = random.duration(Duration::from_millis(400));
        driver.reader = Reader { batch: random.choose(&[1, 2, 5, u32::MAX], 1), ..driver.reader };
    }
    driver
}

/// Changes of rates, and users that sleep.
fn disturbances(random: &mut Random, work: &Workload, plan: &mut Vec<(Side, Instant, Operation)>) {
    for (side, bytes) in [Side::A, Side::B].into_iter().zip(work.bytes) {
        let mut add = |random: &mut Random, operation| {
            let at = Instant::ZERO + random.duration(work.span.saturating_add(Duration::from_secs(1)));
            plan.push((side, at, operation));
        };
        while random.percent(10) {
            let new = random.percent(70).then(|| rate(random, bytes));
            let operation = if random.percent(50) { Operation::SetSendRate(new) } else { Operation::SetRecvRate(new) };
            add(random, operation);
        }
        if random.percent(6) {
            let rest = Duration::from_secs(random.below(130));
            add(random, Operation::Sleep(rest));
        }
    }
}

fn closing(random: &mut Random, work: &Workload, plan: &mut Vec<(Side, Instant, Operation)>) -> Closing {
    let side = random.choose(&[Side::A, Side::B], Side::A);
    if random.percent(45) {
        return Closing::WhenDelivered(side, ending(random));
    }
    let latest = work.span.saturating_mul(2).saturating_add(Duration::from_secs(1));
    plan.push((side, Instant::ZERO + random.duration(latest), ending(random)));
    if random.percent(40) {
        let side = random.choose(&[Side::A, Side::B], Side::A);
        plan.push((side, Instant::ZERO + random.duration(latest), ending(random)));
    }
    Closing::Planned
}

fn ending(random: &mut Random) -> Operation {
    match random.below(10) {
        0..=4 => Operation::CloseAfterFlush { within: None },
        5..=6 => Operation::CloseAfterFlush { within: Some(random.duration(Duration::from_secs(5))) },
        7..=8 => Operation::Close,
        _ => Operation::FailTransport,
    }
}
