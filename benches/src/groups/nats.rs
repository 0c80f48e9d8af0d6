//! Sessions of the sliding window over a real NATS server, beside a bare client.

use std::rc::Rc;

use crate::load::{KIB, Size};
use crate::ours::nats::Nats;
use crate::peers::nats_server::NatsServer;
use crate::peers::raw_nats::RawNats;
use crate::transfer::{Known, Lane};

/// What go-sliding-window (7d8aad3, a window of 1,024 packets) reached over nats-server 2.9.10 in an earlier run of its own, on two
/// shared processors: good to 40 %.
const fn original(megabytes: f64, micros: Option<f64>) -> Known {
    Known { name: "go-sliding-window, another run", megabytes, micros }
}

/// The lanes of `nats/`; none on a machine without the server.
#[must_use]
pub fn lanes() -> Vec<Lane> {
    let Some(server) = NatsServer::start().map(Rc::new) else { return vec![] };
    [
        (100, original(2.6, None)),
        // 34 to 43 MB/s.
        (1200, original(38.5, Some(24.5))),
        (8 * KIB, original(128.0, None)),
        (64 * KIB, original(159.0, None)),
    ]
    .into_iter()
    .map(|(size, known)| Lane {
        label: Size(size).to_string(),
        size,
        carriers: vec![RawNats::boxed(&server, size), Nats::boxed(&server, size)],
        known: vec![known],
    })
    .collect()
}
