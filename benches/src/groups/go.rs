//! The same work as the Go programs.

use crate::goal::Goal;
use crate::load::{KIB, MIB, Size};
use crate::measure::Row;
use crate::ours::blocking::{self, Blocking};
use crate::ours::sealed::{self, SealedPeers};
use crate::ours::window::{self, Windows};
use crate::peers::go::{self, Go};

/// The rows of `go/mconnection`: one channel, in the clear and sealed.
#[must_use]
pub fn mconnection() -> Vec<Row> {
    let row = |size| {
        let (plain, sealed) = (Go::mconnection(false, size)?, Go::mconnection(true, size)?);
        Some(Row {
            label: Size(size).to_string(),
            granule: 1,
            contenders: vec![plain, Blocking::in_batches(size, 1), sealed, SealedPeers::boxed(size, 1)],
            goals: vec![
                Goal::speed("P9", blocking::NAME, go::MCONNECTION, 4.0),
                Goal::speed("P9", sealed::NAME, go::SEALED, 4.0),
            ],
        })
    };
    [100, KIB, 64 * KIB, MIB].into_iter().filter_map(row).collect()
}

/// The rows of `go/window`.
#[must_use]
pub fn window() -> Vec<Row> {
    let row = |size| {
        Some(Row {
            label: Size(size).to_string(),
            granule: 1,
            contenders: vec![Go::window(size)?, Windows::checked(size)],
            goals: vec![Goal::speed("P9", window::CHECKED, go::WINDOW, 50.0)],
        })
    };
    [100, 1_100].into_iter().filter_map(row).collect()
}
