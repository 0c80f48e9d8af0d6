//! One packet to bytes and back.

use crate::load::KIB;
use crate::measure::Row;
use crate::peers::{memcpy, prost};

/// A kind of packet.
#[derive(Clone, Copy, Debug)]
struct Kind {
    label: &'static str,
    /// Bytes of payload.
    size: usize,
    /// Whether the message ends with it.
    end: bool,
}

/// Short messages, full packets that end one, and packets from the middle of a long one.
const KINDS: [Kind; 3] = [
    Kind { label: "64 B", size: 64, end: true },
    Kind { label: "1 KiB", size: KIB, end: true },
    Kind { label: "packet of a long message", size: KIB, end: false },
];

/// The rows of `codec/encode`.
#[must_use]
pub fn encode() -> Vec<Row> {
    KINDS
        .iter()
        .map(|kind| Row {
            label: kind.label.to_owned(),
            granule: 1,
            contenders: vec![memcpy::contender(kind.size), prost::encoder(kind.size, kind.end)],
            goals: vec![],
        })
        .collect()
}

/// The rows of `codec/decode`.
#[must_use]
pub fn decode() -> Vec<Row> {
    KINDS
        .iter()
        .map(|kind| Row {
            label: kind.label.to_owned(),
            granule: 1,
            contenders: vec![memcpy::contender(kind.size), prost::decoder(kind.size, kind.end)],
            goals: vec![],
        })
        .collect()
}
