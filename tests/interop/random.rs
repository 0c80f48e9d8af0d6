//! Random sequences of messages over random connections.

use mconn::connection::{CloseReason, FlushPolicy, MConnConfig};

use crate::exchange::{Dials, connect, exchange};
use crate::go_peer::{GoChannel, GoConfig, GoEvent, GoPeer};
use crate::machine_support::{Rng, ms};
use crate::our_end::Adapter;
use crate::version::{Version, go};

const SEQUENCES: u64 = 250;

/// A length: mostly around the size of a packet, sometimes large.
fn len(rng: &mut Rng, payload: usize) -> usize {
    match rng.below(10) {
        0 => 0,
        1 => 1,
        2..=5 => (rng.below(4) * payload + rng.below(3)).saturating_sub(1),
        6..=8 => rng.below(8000),
        _ => rng.below(100_000),
    }
}

fn messages(rng: &mut Rng, channels: &[(u8, u32)], payload: usize) -> Vec<(u8, usize)> {
    let count = rng.below(40);
    (0..count).map(|_| (rng.pick(channels).0, len(rng, payload))).collect()
}

/// Different ids, some of them of two bytes.
fn channels(rng: &mut Rng) -> Vec<(u8, u32)> {
    let (first, count) = (rng.below(256), 1 + rng.below(6));
    let id = |number: usize| u8::try_from((first + 37 * number) % 256).unwrap();
    (0..count).map(|number| (id(number), 1 + u32::try_from(rng.below(20)).unwrap())).collect()
}

fn settings(version: &Version, rng: &mut Rng, channels: &[(u8, u32)], payload: usize) -> (GoConfig, MConnConfig) {
    let (mut theirs, mut ours) = (go(channels), version.ours(channels));
    for (theirs, ours) in theirs.channels.iter_mut().zip(&mut ours.channels) {
        *theirs = GoChannel { queue: 1 + rng.below(20), ..*theirs };
        ours.send_queue_capacity = 1 + rng.below(20);
    }
    theirs.flush_ms = 1 + rng.below(10) as u64;
    theirs.payload = payload;
    // One more than the peer sends: see the messages on channels with two-byte ids.
    (ours.send_payload_size, ours.recv_payload_size) = (payload, payload + 1);
    if rng.one_in(3) {
        ours.flush = FlushPolicy::Throttled { interval: ms(1 + rng.below(10) as u64), bytes: 65_536 };
    }
    (theirs, ours)
}

fn sequence(version: &Version, peer: &GoPeer, seed: u64) {
    let mut rng = Rng::new(seed);
    let channels = channels(&mut rng);
    let payload = *rng.pick(&[1024, 1024, 1400, 100, 1, 127, 128, 5000, 16_384]);
    let (theirs, ours) = settings(version, &mut rng, &channels, payload);
    let dials = *rng.pick(&[Dials::Go, Dials::We]);
    let adapter = *rng.pick(&[Adapter::Blocking, Adapter::Tokio]);
    // Packets of one byte make it long.
    let scale = if payload == 1 { 50 } else { 1 };
    let shorter = |messages: Vec<(u8, usize)>| messages.into_iter().map(|(channel, len)| (channel, len / scale));
    let to_go: Vec<_> = shorter(messages(&mut rng, &channels, payload)).collect();
    // Go loses empty messages while other channels are busy.
    let least = usize::from(channels.len() > 1);
    let to_us: Vec<_> =
        shorter(messages(&mut rng, &channels, payload)).map(|(channel, len)| (channel, len.max(least))).collect();

    let (link, mut end) = connect(peer, dials, &theirs, ours, adapter);
    exchange(&link, &mut end, &to_go, &to_us);
    match rng.below(3) {
        0 => {
            end.close_after_flush();
            assert_eq!(end.closed().reason, CloseReason::Flushed);
            assert_eq!(link.error(), "EOF");
        }
        1 => {
            link.tell("flush_stop");
            assert_eq!(link.next(), GoEvent::Flushed { running: true });
            assert_eq!(end.closed().reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
        }
        _ => {
            link.tell("stop");
            assert_eq!(link.next(), GoEvent::Stopped { running: false });
            assert_eq!(end.closed().reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
        }
    }
}

pub(crate) fn random_sequences(version: &Version) {
    let peer = version.run();
    for seed in 0..SEQUENCES {
        // What a failed test has printed is shown: the last one is the seed that failed.
        println!("seed {seed}");
        sequence(version, &peer, seed);
    }
}
