//! Messages from end to end in memory: queue, pick, encode, decode, deliver.

use crate::load::{SIZES, STREAMS, Size};
use crate::measure::Row;
use crate::peers::async_peer::OverDuplex;
use crate::peers::h2::H2;
use crate::peers::length_delimited::LengthDelimited;
use crate::peers::memcpy;
use crate::peers::tokio_yamux::TokioYamux;
use crate::peers::yamux::Yamux;

/// The rows of `machine/roundtrip`.
#[must_use]
pub fn roundtrip() -> Vec<Row> {
    let loads = SIZES.iter().flat_map(|size| STREAMS.iter().map(move |streams| (*size, *streams)));
    loads
        .map(|(size, streams)| Row {
            label: format!("{} x {streams}", Size(size)),
            granule: streams as u64,
            contenders: vec![
                memcpy::messages(size),
                OverDuplex::<LengthDelimited>::boxed(size, streams),
                OverDuplex::<H2>::boxed(size, streams),
                OverDuplex::<TokioYamux>::boxed(size, streams),
                OverDuplex::<Yamux>::boxed(size, streams),
            ],
            goals: vec![],
        })
        .collect()
}
