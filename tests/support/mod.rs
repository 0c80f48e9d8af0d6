//! What several test programs share: the golden data, and a model of the receiving side.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::Path;

use mconn::wire::{Codec, DecodeError, Packet};
use serde_json::Value;

/// The rows of `tests/vectors/<name>.jsonl`.
pub(crate) fn vectors(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(format!("{name}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty());
    rows
}

/// A text of a row.
pub(crate) fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("no text {key} in {row}"))
}

/// Bytes of a row, written as hex.
pub(crate) fn bytes(row: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(row, key)).unwrap()
}

/// A number of a row that is no less than zero.
pub(crate) fn number(row: &Value, key: &str) -> usize {
    usize::try_from(row[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {row}"))).unwrap()
}

/// A packet with its own payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    Ping,
    Pong,
    Message { channel: i32, end: bool, payload: Vec<u8> },
}

impl From<Packet<'_>> for Owned {
    fn from(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Ping => Self::Ping,
            Packet::Pong => Self::Pong,
            Packet::Message(message) => {
                Self::Message { channel: message.channel, end: message.end, payload: message.payload.to_vec() }
            }
        }
    }
}

/// What a codec made of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) packets: Vec<Owned>,
    pub(crate) error: Option<DecodeError>,
    /// Bytes that were not consumed.
    pub(crate) left: usize,
}

/// Feeds `chunks` one after the other, decoding all that can be decoded after each.
pub(crate) fn read<'a>(codec: &mut impl Codec, limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut read = Read::default();
    let mut buffer = Vec::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        if read.error.is_some() {
            continue;
        }
        let mut consumed = 0;
        loop {
            match codec.decode(&buffer[consumed..], limit) {
                Ok(Some(decoded)) => {
                    assert!(decoded.wire_len > 0);
                    read.packets.push(decoded.packet.into());
                    consumed += decoded.wire_len;
                }
                Ok(None) => break,
                Err(error) => {
                    read.error = Some(error);
                    break;
                }
            }
        }
        buffer.drain(..consumed);
    }
    read.left = buffer.len();
    read
}

/// The bytes of `packet`, whose channel must be one that can be written.
pub(crate) fn encode(codec: &impl Codec, packet: &Owned) -> Vec<u8> {
    match packet {
        Owned::Ping => codec.ping().to_vec(),
        Owned::Pong => codec.pong().to_vec(),
        Owned::Message { channel, end, payload } => {
            let channel = u8::try_from(*channel).expect("a channel that can be written");
            let header = codec.message_header(channel, *end, payload.len());
            [header.as_slice(), payload].concat()
        }
    }
}

/// The receiving half of a connection, as far as the decode cases need one: channels with capacities.
#[derive(Debug)]
pub(crate) struct Receiver {
    capacities: BTreeMap<i32, usize>,
    partial: BTreeMap<i32, Vec<u8>>,
    pub(crate) messages: Vec<(i32, Vec<u8>)>,
    pub(crate) pings: usize,
}

/// Why a [`Receiver`] takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownChannel,
    MessageTooLarge,
}

impl Receiver {
    /// The channels of the decode cases.
    pub(crate) fn of_decode_cases() -> Self {
        let channels = [0x00, 0x01, 0x55, 0x7f, 0x80, 0xff].map(|channel| (channel, 22_020_096));
        let capacities = channels.into_iter().chain([(0x20, 2048)]).collect();
        Self { capacities, partial: BTreeMap::new(), messages: Vec::new(), pings: 0 }
    }

    /// Takes a packet.
    pub(crate) fn take(&mut self, packet: &Owned) -> Result<(), Refusal> {
        match packet {
            Owned::Ping => self.pings += 1,
            Owned::Pong => {}
            Owned::Message { channel, end, payload } => {
                let capacity = self.capacities.get(channel).ok_or(Refusal::UnknownChannel)?;
                let partial = self.partial.entry(*channel).or_default();
                partial.extend_from_slice(payload);
                if partial.len() > *capacity {
                    return Err(Refusal::MessageTooLarge);
                }
                if *end {
                    self.messages.push((*channel, std::mem::take(partial)));
                }
            }
        }
        Ok(())
    }
}
