//! Messages over loopback TCP.

use crate::contender::Contender;
use crate::load::{SIZES, STREAMS, Size};
use crate::measure::Row;
use crate::ours::by_hand::ByHand;
use crate::peers::async_peer::OverTcp;
use crate::peers::h2::H2;
use crate::peers::length_delimited::LengthDelimited;
use crate::peers::raw_tcp::RawTcp;
use crate::peers::tokio_yamux::TokioYamux;
use crate::peers::yamux::Yamux;

/// The rows of `tcp_std`.
#[must_use]
pub fn std() -> Vec<Row> {
    rows(|size, streams| vec![ByHand::boxed(size, streams)])
}

/// The rows of `tcp_tokio`.
#[must_use]
pub fn tokio() -> Vec<Row> {
    rows(|_, _| vec![])
}

fn rows(ours: impl Fn(usize, usize) -> Vec<Box<dyn Contender>>) -> Vec<Row> {
    let loads = SIZES.iter().flat_map(|size| STREAMS.iter().map(move |streams| (*size, *streams)));
    loads
        .map(|(size, streams)| {
            let mut contenders = vec![RawTcp::boxed(size)];
            contenders.extend(ours(size, streams));
            contenders.extend([
                OverTcp::<LengthDelimited>::boxed(size, streams),
                OverTcp::<H2>::boxed(size, streams),
                OverTcp::<TokioYamux>::boxed(size, streams),
                OverTcp::<Yamux>::boxed(size, streams),
            ]);
            Row { label: format!("{} x {streams}", Size(size)), granule: streams as u64, contenders, goals: vec![] }
        })
        .collect()
}
