//! What real Go nodes wrote, packet for packet (`tests/vectors/transcripts_*`).

#[path = "support/machine.rs"]
mod machine_support;
mod support;

use bytes::{Buf, Bytes, BytesMut};
use machine_support::{Rng, Seen, at, events, machine, pattern, quiet, seen_by};
use mconn::connection::{ChannelConfig, Event, Input, MConnState};
use mconn::machine::Machine;
use mconn::time::{Duration, Instant};
use mconn::wire::{AnyCodec, GoWire, Proto3};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{number, text, vectors};

/// The channels of a row in the order of registration, by name of a number: `(id, number)`.
fn channels(row: &Value, key: &str) -> Vec<(u8, usize)> {
    let channels = row["channels"].as_array().unwrap();
    let value = |channel: &Value| channel[key].as_u64().map_or(0, |number| usize::try_from(number).unwrap());
    channels.iter().map(|channel| (u8::try_from(number(channel, "id")).unwrap(), value(channel))).collect()
}

/// The messages of a row: channel and payload.
fn messages(row: &Value) -> Vec<(u8, Bytes)> {
    let queued = row["queued_ch_len"].as_array().unwrap().iter().enumerate();
    let message = |(index, pair): (usize, &Value)| {
        let channel = u8::try_from(pair[0].as_u64().unwrap()).unwrap();
        (channel, pattern(channel, index, usize::try_from(pair[1].as_u64().unwrap()).unwrap()))
    };
    queued.map(message).collect()
}

/// The packets of a row.
fn packets(row: &Value) -> Vec<Seen> {
    let packet = |triple: &Value| {
        let number = |index: usize| triple[index].as_u64().unwrap();
        Seen::Message(i32::try_from(number(0)).unwrap(), number(1) == 1, usize::try_from(number(2)).unwrap())
    };
    row["packets_ch_eof_len"].as_array().unwrap().iter().map(packet).collect()
}

/// A machine that has sent what a row presupposes, with the messages of the row in its queues.
fn loaded(row: &Value, codec: AnyCodec) -> MConnState {
    let channel = |(id, priority): (u8, usize)| {
        ChannelConfig::new(id, u32::try_from(priority).unwrap()).send_queue_capacity(1000)
    };
    let mut config = quiet(channels(row, "priority").into_iter().map(channel)).codec(codec);
    config.send_payload_size = number(row, "max_payload");
    let mut state = machine(config);
    for (id, before) in channels(row, "recently_sent_before") {
        let sent_then = match before {
            0 => continue,
            109 => 100,
            20_682 => 20_480,
            other => panic!("a history of {other} bytes"),
        };
        state.try_send(id, vec![0; sent_then].into()).unwrap();
        let mut history = BytesMut::new();
        assert_eq!(state.transmit_into(Instant::ZERO, &mut history, usize::MAX), before);
    }
    for (channel, payload) in messages(row) {
        state.try_send(channel, payload).unwrap();
    }
    state
}

/// How the next packet is taken; nothing when there is none.
type Take = fn(&mut MConnState, Instant) -> Vec<u8>;

fn by_frame(state: &mut MConnState, now: Instant) -> Vec<u8> {
    let Some(mut frame) = state.poll_transmit(now) else { return Vec::new() };
    frame.copy_to_bytes(frame.remaining()).to_vec()
}

/// By `transmit_into`, with exactly the room for one packet.
fn by_room(state: &mut MConnState, now: Instant) -> Vec<u8> {
    let room = state.clone().poll_transmit(now).map_or(0, |frame| frame.remaining());
    let mut out = BytesMut::new();
    assert_eq!(state.transmit_into(now, &mut out, room), room);
    out.to_vec()
}

/// All packets taken one by one, 2 s later after each `decay_every_packets`; and the time in the end.
fn one_by_one(state: &mut MConnState, row: &Value, take: Take) -> (Vec<u8>, Instant) {
    let (mut wire, mut now) = (Vec::new(), Instant::ZERO);
    for taken in 1.. {
        let packet = take(state, now);
        if packet.is_empty() {
            break;
        }
        wire.extend(packet);
        if number(row, "decay_every_packets") != 0 && taken % number(row, "decay_every_packets") == 0 {
            now += Duration::from_secs(2);
        }
    }
    (wire, now)
}

/// All packets at once, in pieces of random size.
fn in_batches(state: &mut MConnState, seed: u64) -> Vec<u8> {
    let (mut rng, mut wire) = (Rng::new(seed), BytesMut::new());
    while state.wants_write() {
        state.transmit_into(Instant::ZERO, &mut wire, 1050 + rng.below(10_000));
    }
    wire.to_vec()
}

/// Checks that the machine stands where the Go connection stood afterwards.
fn stands(state: &MConnState, row: &Value, now: Instant) {
    let status = state.status(now);
    let sent: Vec<_> = status.channels.iter().map(|c| (c.id, usize::try_from(c.recently_sent).unwrap())).collect();
    assert_eq!(sent, channels(row, "recently_sent_after"), "{}", row["name"]);
    let queued: Vec<_> = status.channels.iter().map(|c| (c.id, c.send_queue_size)).collect();
    assert_eq!(queued, channels(row, "send_queue_size_after"), "{}", row["name"]);
}

fn is_transcript(wire: &[u8], row: &Value, codec: &AnyCodec) {
    let name = text(row, "name");
    assert_eq!(seen_by(&mut codec.clone(), wire), packets(row), "{name}");
    assert_eq!(wire.len(), number(row, "wire_len"), "{name}");
    assert_eq!(hex::encode(Sha256::digest(wire)), text(row, "wire_sha256"), "{name}");
    if let Some(hex) = row["wire_hex"].as_str() {
        assert_eq!(hex::encode(wire), hex, "{name}");
    }
}

/// Checks that what came out are the messages of the row, in order on each channel.
fn arrives(wire: &[u8], row: &Value, codec: &AnyCodec) {
    let ids = channels(row, "priority").into_iter().map(|(id, _)| ChannelConfig::new(id, 1));
    let mut receiver = machine(quiet(ids).codec(codec.clone()));
    let mut buffer = BytesMut::from(wire);
    receiver.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
    let mut arrived: Vec<_> = events(&mut receiver)
        .into_iter()
        .map(|event| match event {
            Event::Message { channel, payload } => (channel, payload),
            other => panic!("{other:?}"),
        })
        .collect();
    let mut sent = messages(row);
    // Stable: the order within a channel stays.
    arrived.sort_by_key(|(channel, _)| *channel);
    sent.sort_by_key(|(channel, _)| *channel);
    assert_eq!(arrived, sent, "{}", row["name"]);
}

fn transcripts(name: &str, codec: impl Into<AnyCodec>) -> usize {
    let codec = codec.into();
    let mut lost = 0;
    for row in vectors(name) {
        for take in [by_frame, by_room] {
            let mut state = loaded(&row, codec.clone());
            let (wire, now) = one_by_one(&mut state, &row, take);
            arrives(&wire, &row, &codec);
            if text(&row, "name").ends_with("lost") {
                // Here Go loses empty messages. Everything must have left.
                assert!(wire.len() > number(&row, "wire_len"), "{row}");
                assert!(state.status(now).channels.iter().all(|channel| channel.send_queue_size == 0), "{row}");
                lost += 1;
                continue;
            }
            is_transcript(&wire, &row, &codec);
            stands(&state, &row, now);
        }
        for seed in 0..3 {
            if number(&row, "decay_every_packets") == 0 && !text(&row, "name").ends_with("lost") {
                let mut state = loaded(&row, codec.clone());
                is_transcript(&in_batches(&mut state, seed), &row, &codec);
                stands(&state, &row, at(1999));
            }
        }
    }
    lost
}

#[test]
fn today_s_wire_is_written_as_go_writes_it() {
    assert_eq!(transcripts("transcripts_main", Proto3::new()), 4, "two rows, both ways");
}

#[test]
fn the_oldest_wire_is_written_as_go_writes_it() {
    assert_eq!(transcripts("transcripts_v0.10.0_gowire", GoWire::new()), 0);
}
