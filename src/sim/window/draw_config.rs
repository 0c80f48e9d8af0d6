//! Draws the configuration of one session.

use super::draw::Outline;
use super::scenario::Fault;
use crate::sim::Random;
use crate::sliding_window::congestion::Algorithm;
use crate::sliding_window::{Config, Delivery, InitialNumbers, PacketFormat, UnackedLimit};
use crate::time::Duration;

/// Whether a session must come to a good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    /// Nothing in it ends a session before all is delivered.
    Harmless,
    /// Anything may.
    Rough,
}

const fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A number of `least` or a few more, or many.
fn few(random: &mut Random, least: usize, many: usize) -> usize {
    match random.below(4) {
        0 => least,
        1 => random.size(least..=least.saturating_add(5)),
        2 => random.size(least..=least.saturating_add(60)),
        _ => many,
    }
}

pub(super) fn session(random: &mut Random, outline: &Outline, check: bool, index: usize) -> Config {
    // Tags that differ, also from those of the next generation.
    let tag = (random.next_u64() | 1).wrapping_mul(2).wrapping_add(index as u64 & 1).max(1);
    let mut config = Config::new(tag, random.next_u64());
    config.format = PacketFormat::Native { check };
    if random.percent(50) {
        let near_end = |random: &mut Random| u32::MAX.wrapping_sub(random.below(30) as u32);
        config.initial_numbers = Some(InitialNumbers::new(near_end(random), near_end(random)));
    }
    config.max_datagram = match random.below(4) {
        // A large message in the smallest datagrams makes too many events.
        0 if outline.largest <= 3_000 => random.size(256..=400),
        1 => random.size(1_000..=4_000),
        _ => 1_200,
    };
    config.delivery = random.choose(&[Delivery::Events, Delivery::Pull], Delivery::Events);
    config.half_close = random.percent(40);
    capacities(random, outline, &mut config);
    config.congestion = algorithm(random);
    config.ack.every = random.choose(&[1, 2, 2, 10], 2);
    config.ack.max_delay = random.duration(milliseconds(80));
    config.recovery.packet_threshold = random.choose(&[1, 3, 3, 10], 3);
    if random.percent(20) {
        config.recovery.max_tracked = random.size(4..=64);
    }
    match outline.temper {
        Temper::Harmless => harmless(random, &mut config),
        Temper::Rough => rough(random, &mut config),
    }
    config
}

fn capacities(random: &mut Random, outline: &Outline, config: &mut Config) {
    let (send, receive) = (&mut config.send, &mut config.receive);
    let slow = outline.largest > 3_000;
    let window = |random: &mut Random| if slow { random.size(16..=4096) } else { few(random, 1, 4096) };
    send.max_messages = few(random, 1, 4096);
    send.max_message = outline.largest.max(1);
    let room = |random: &mut Random| if random.percent(50) { 0 } else { random.size(0..=20_000) };
    send.max_bytes = send.max_message.saturating_add(room(random));
    send.max_receipts = few(random, 1, 4096);
    send.window = window(random);
    receive.max_message = outline.largest.max(1);
    if outline.has(Fault::ZeroWindow) {
        receive.max_messages = random.size(1..=2);
        receive.max_bytes = receive.max_message;
        receive.window = if slow { 16 } else { random.size(1..=3) };
    } else {
        receive.max_messages = few(random, 1, 4096);
        receive.max_bytes = receive.max_message.saturating_add(room(random));
        receive.window = window(random);
    }
}

fn algorithm(random: &mut Random) -> Algorithm {
    match random.below(4) {
        0 => {
            let packets = random.within(1..=200);
            Algorithm::Fixed { bytes: packets.saturating_mul(1_200), packets }
        }
        1 => Algorithm::NewReno,
        2 => Algorithm::Cubic,
        _ => Algorithm::Bbr,
    }
}

/// Patience that outlasts every fault.
fn harmless(random: &mut Random, config: &mut Config) {
    config.handshake.first_timeout = random.duration(milliseconds(1_000)).max(milliseconds(20));
    config.handshake.max_timeout = seconds(4);
    config.handshake.attempts = 400;
    config.keepalive = random.percent(60).then(|| random.duration(seconds(10)).max(milliseconds(300)));
    config.idle_timeout = random.percent(50).then_some(seconds(3_000));
    config.max_probes = 400;
    config.recovery.max_probe_timeout = seconds(4);
    config.zero_window_timeout = random.percent(50).then_some(seconds(3_000));
    config.close_timeout = seconds(6_000);
    config.linger = seconds(random.within(5..=60));
}

fn rough(random: &mut Random, config: &mut Config) {
    config.handshake.first_timeout = random.duration(milliseconds(1_000)).max(milliseconds(20));
    config.handshake.max_timeout = random.duration(seconds(8)).max(milliseconds(20));
    config.handshake.attempts = random.within(1..=10) as u32;
    config.keepalive = random.percent(70).then(|| random.duration(seconds(5)).max(milliseconds(50)));
    let least = config.keepalive.unwrap_or(milliseconds(50)).saturating_add(milliseconds(1));
    config.idle_timeout = random.percent(80).then(|| least.saturating_add(random.duration(seconds(20))));
    config.max_probes = random.within(1..=20) as u32;
    if random.percent(30) {
        config.recovery.max_probe_timeout = random.duration(seconds(10)).max(milliseconds(50));
    }
    if random.percent(15) {
        let packets = random.within(1..=10) as u32;
        config.unacked_limit = Some(UnackedLimit::new(packets, random.duration(seconds(5))));
    }
    config.zero_window_timeout = random.percent(60).then(|| random.duration(seconds(10)).max(milliseconds(50)));
    config.close_timeout = random.duration(seconds(30));
    config.linger = random.duration(seconds(8));
}
