//! Messages from end to end over datagrams in memory.

use crate::load::{KIB, Size};
use crate::measure::Row;
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
                kcp::boxed(size),
                enet::boxed(size),
                smoltcp::boxed(size),
                quinn::boxed(size),
            ],
            goals: vec![],
        })
        .collect()
}
