//! Messages from end to end over datagrams in memory.

use crate::goal::Goal;
use crate::load::{KIB, Size};
use crate::measure::Row;
use crate::ours::window::{self as ours, Windows};
use crate::peers::datagram::{enet, kcp, quinn, smoltcp};
use crate::peers::memcpy;

/// The rows of `window/roundtrip`.
#[must_use]
pub fn roundtrip() -> Vec<Row> {
    [64, KIB]
        .into_iter()
        .map(|size| Row {
            label: Size(size).to_string(),
            granule: 1,
            contenders: vec![
                memcpy::messages(size),
                Windows::boxed(size),
                Windows::checked(size),
                Windows::owned(size),
                kcp::boxed(size),
                enet::boxed(size),
                smoltcp::boxed(size),
                quinn::boxed(size),
            ],
            goals: goals(size),
        })
        .collect()
}

fn goals(size: usize) -> Vec<Goal> {
    let mut goals = vec![Goal::speed("P8", ours::NAME, kcp::NAME, 4.0), Goal::speed("P8", ours::NAME, enet::NAME, 4.0)];
    if size == KIB {
        goals.push(Goal::speed("P8", ours::NAME, smoltcp::NAME, 2.5));
    }
    goals
}
