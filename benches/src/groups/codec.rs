//! One packet to bytes and back.

use crate::goal::Goal;
use crate::load::KIB;
use crate::measure::Row;
use crate::ours::codec as ours;
use crate::peers::{memcpy, prost};

/// A kind of packet.
#[derive(Clone, Copy, Debug)]
struct Kind {
    label: &'static str,
    /// Bytes of payload.
    size: usize,
    /// Whether the message ends with it.
    end: bool,
    /// Goal of encoding: at least so many times as fast as memcpy, and as prost.
    encode: (f64, f64),
    /// Goal of decoding: at least so many times as fast as prost.
    decode: f64,
}

/// Short messages, full packets that end one, and packets from the middle of a long one.
const KINDS: [Kind; 3] = [
    Kind { label: "64 B", size: 64, end: true, encode: (1.0 / 2.5, 5.0), decode: 10.0 },
    Kind { label: "1 KiB", size: KIB, end: true, encode: (0.95, 2.3), decode: 4.5 },
    Kind { label: "packet of a long message", size: KIB, end: false, encode: (0.95, 2.3), decode: 2.0 },
];

/// The rows of `codec/encode`.
#[must_use]
pub fn encode() -> Vec<Row> {
    KINDS
        .iter()
        .map(|kind| Row {
            label: kind.label.to_owned(),
            granule: 1,
            contenders: vec![
                memcpy::contender(kind.size),
                ours::encoder(kind.size, kind.end),
                prost::encoder(kind.size, kind.end),
            ],
            goals: vec![
                Goal::speed("P1", ours::ENCODE, memcpy::NAME, kind.encode.0),
                Goal::speed("P1", ours::ENCODE, prost::NAME, kind.encode.1),
            ],
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
            contenders: vec![
                memcpy::contender(kind.size),
                ours::lender(kind.size, kind.end),
                ours::owner(kind.size, kind.end),
                prost::decoder(kind.size, kind.end),
            ],
            goals: vec![Goal::speed("P2", ours::LEND, prost::NAME, kind.decode)],
        })
        .collect()
}
