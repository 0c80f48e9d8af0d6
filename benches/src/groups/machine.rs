//! Messages from end to end in memory: queue, pick, encode, decode, deliver.

use crate::goal::Goal;
use crate::load::{KIB, SIZES, STREAMS, Size};
use crate::measure::Row;
use crate::ours::machine::{self, MachinePair};
use crate::peers::async_peer::{AsyncPeer, OverDuplex};
use crate::peers::h2::H2;
use crate::peers::length_delimited::LengthDelimited;
use crate::peers::memcpy;
use crate::peers::tokio_yamux::TokioYamux;
use crate::peers::yamux::Yamux;

/// The limit of `machine/channels`.
const ALONE: &str = "mconn, 1 channel";

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
                MachinePair::boxed(machine::NAME, size, streams, streams),
                OverDuplex::<LengthDelimited>::boxed(size, streams),
                OverDuplex::<H2>::boxed(size, streams),
                OverDuplex::<TokioYamux>::boxed(size, streams),
                OverDuplex::<Yamux>::boxed(size, streams),
            ],
            goals: if streams == 4 { roundtrip_goals(size) } else { vec![] },
        })
        .collect()
}

fn roundtrip_goals(size: usize) -> Vec<Goal> {
    let goal = |against, times| Goal::speed("P3", machine::NAME, against, times);
    match size {
        64 => vec![goal(LengthDelimited::NAME, 2.0), goal(Yamux::NAME, 15.0), goal(H2::NAME, 15.0)],
        KIB => vec![goal(Yamux::NAME, 15.0), goal(H2::NAME, 15.0)],
        _ => vec![goal(H2::NAME, 1.0)],
    }
}

/// The rows of `machine/channels`.
#[must_use]
pub fn channels() -> Vec<Row> {
    // Busy channels, channels, and how much a message may cost compared with one channel alone.
    let settings = [(1, 256, Some(1.1)), (4, 4, None), (32, 32, None), (256, 256, Some(2.5))];
    let loads = [64, KIB].into_iter().flat_map(|size| settings.map(|setting| (size, setting)));
    loads
        .map(|(size, (busy, channels, most))| Row {
            label: format!("{}, {busy} busy of {channels}", Size(size)),
            granule: busy as u64,
            contenders: vec![
                MachinePair::boxed(ALONE, size, 1, 1),
                MachinePair::boxed(machine::NAME, size, busy, channels),
                OverDuplex::<LengthDelimited>::boxed(size, busy),
                OverDuplex::<H2>::boxed(size, busy),
                OverDuplex::<Yamux>::boxed(size, busy),
            ],
            goals: most.map(|times| Goal::cost("P3", machine::NAME, ALONE, times)).into_iter().collect(),
        })
        .collect()
}
