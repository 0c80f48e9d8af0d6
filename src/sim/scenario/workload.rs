//! What the users of a scenario send, and on which channels.

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::sim::Side;
use crate::sim::operation::Operation;
use crate::sim::random::Random;
use crate::time::{Duration, Instant};

/// The largest message of a scenario in bytes.
const LARGEST: usize = 300_000;

/// Channels and messages.
pub(super) struct Workload {
    /// The ids, in the order of registration at A.
    pub(super) channels: Vec<u8>,
    /// Payload bytes of full packets, from A and from B.
    pub(super) payload_sizes: [usize; 2],
    pub(super) messages: Vec<(Side, Instant, Operation)>,
    /// Bytes from A and from B, with something for the headers.
    pub(super) bytes: [usize; 2],
    /// Length of the largest message.
    pub(super) largest: usize,
    /// The users send during this time.
    pub(super) span: Duration,
}

impl Workload {
    pub(super) fn draw(random: &mut Random) -> Self {
        let most = match random.below(100) {
            0..=7 => LARGEST,
            8..=44 => 8_000,
            _ => 1_200,
        };
        let count = if random.percent(10) { random.size(7..=20) } else { random.size(3..=6) };
        let channels = distinct_ids(random, count);
        let span = if random.percent(30) { Duration::ZERO } else { random.duration(Duration::from_secs(4)) };
        // Small packets go with small messages, or a run has too many events.
        let smallest_payload = if most > 8_000 { 512 } else { 8 };
        let payload_sizes = [(); 2].map(|()| payload_size(random, smallest_payload));
        let mut lengths: Vec<(Side, usize)> = Vec::new();
        for (side, payload_size) in [Side::A, Side::B].into_iter().zip(payload_sizes) {
            for _ in 0..random.below(31) {
                lengths.push((side, length(random, most.min(8_000), payload_size)));
            }
        }
        if most == LARGEST {
            for _ in 0..random.within(1..=3) {
                lengths.push((random.choose(&[Side::A, Side::B], Side::A), random.size(8_000..=LARGEST)));
            }
        }
        let largest = lengths.iter().map(|(_, length)| *length).max().unwrap_or(0);
        let noise = noise(random, largest);
        let bytes = [Side::A, Side::B].map(|wanted| {
            let lengths = lengths.iter().filter(|(side, _)| *side == wanted);
            lengths.map(|(_, length)| length.saturating_add(16)).sum()
        });
        let messages = lengths
            .into_iter()
            .map(|(side, length)| {
                let at = Instant::ZERO + random.duration(span);
                let start = random.size(0..=noise.len().saturating_sub(length));
                let message = noise.slice(start..start.saturating_add(length));
                (side, at, Operation::Send { channel: random.choose(&channels, 0), message })
            })
            .collect();
        Self { channels, payload_sizes, messages, bytes, largest, span }
    }

    pub(super) fn total(&self) -> usize {
        self.bytes.iter().sum()
    }
}

fn distinct_ids(random: &mut Random, count: usize) -> Vec<u8> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let id = random.below(256) as u8;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn payload_size(random: &mut Random, smallest: usize) -> usize {
    match random.below(10) {
        0..=4 => 1024,
        5..=6 => random.size(smallest..=1024),
        7..=8 => random.size(smallest.max(100)..=3000),
        _ => random.size(4096..=65_536),
    }
}

/// A length of 0 to `most`, often at the edge of a packet.
fn length(random: &mut Random, most: usize, payload_size: usize) -> usize {
    let length = match random.below(100) {
        0..=14 => 0,
        15..=39 => random.size(1..=20),
        40..=64 => {
            let packets = random.size(1..=3).saturating_mul(payload_size);
            packets.saturating_add(random.size(0..=2)).saturating_sub(1)
        }
        _ => random.size(0..=most),
    };
    length.min(most)
}

/// Bytes of which all messages are slices: each at another place, so that they differ.
fn noise(random: &mut Random, largest: usize) -> Bytes {
    let mut noise = vec![0; largest.saturating_add(2_000)];
    random.fill(&mut noise);
    noise.into()
}
