//! Messages over loopback TCP in sealed frames.

use crate::goal::Goal;
use crate::load::{SIZES, Size};
use crate::measure::Row;
use crate::ours::sealed::{self as ours, SealedPeers};
use crate::peers::raw_tcp::RawTcp;
use crate::peers::sealed::ceiling::{self, Ceiling};
use crate::peers::sealed::tendermint::{self, Tendermint};

/// The rows of `tcp_sealed`: plain threads.
#[must_use]
pub fn std() -> Vec<Row> {
    SIZES
        .into_iter()
        .map(|size| Row {
            label: Size(size).to_string(),
            granule: 1,
            contenders: vec![
                RawTcp::boxed(size),
                Ceiling::boxed(size),
                SealedPeers::boxed(size, 1),
                Tendermint::boxed(size),
            ],
            goals: vec![
                Goal::speed("P6", ours::NAME, tendermint::NAME, 4.0),
                Goal::speed("P6", ours::NAME, ceiling::NAME, 0.75),
            ],
        })
        .collect()
}
