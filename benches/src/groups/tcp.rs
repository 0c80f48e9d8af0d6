//! Messages over loopback TCP.

use crate::contender::Contender;
use crate::goal::Goal;
use crate::load::{KIB, MIB, SIZES, STREAMS, Size};
use crate::measure::Row;
use crate::ours::blocking::{self, Blocking};
use crate::ours::by_hand::ByHand;
use crate::ours::tokio::{self as on_tokio, InBatches, Singly};
use crate::peers::async_peer::{AsyncPeer, OverTcp};
use crate::peers::h2::H2;
use crate::peers::length_delimited::LengthDelimited;
use crate::peers::raw_tcp::{self, RawTcp};
use crate::peers::tokio_yamux::TokioYamux;
use crate::peers::yamux::Yamux;

/// The rows of `tcp_std`: plain threads.
#[must_use]
pub fn std() -> Vec<Row> {
    rows(std_goals, |size, streams| {
        vec![
            Blocking::in_batches(size, streams),
            Blocking::singly(size, streams),
            ByHand::boxed(size, streams),
            OverTcp::<LengthDelimited>::boxed(size, streams),
        ]
    })
}

/// The rows of `tcp_tokio`: a runtime of one thread for each end.
#[must_use]
pub fn tokio() -> Vec<Row> {
    rows(tokio_goals, |size, streams| {
        vec![
            OverTcp::<InBatches>::boxed(size, streams),
            OverTcp::<Singly>::boxed(size, streams),
            OverTcp::<LengthDelimited>::boxed(size, streams),
            OverTcp::<H2>::boxed(size, streams),
            OverTcp::<TokioYamux>::boxed(size, streams),
            OverTcp::<Yamux>::boxed(size, streams),
        ]
    })
}

fn rows(
    goals: fn(usize, usize) -> Vec<Goal>,
    contenders: impl Fn(usize, usize) -> Vec<Box<dyn Contender>>,
) -> Vec<Row> {
    let loads = SIZES.iter().flat_map(|size| STREAMS.iter().map(move |streams| (*size, *streams)));
    loads
        .map(|(size, streams)| Row {
            label: format!("{} x {streams}", Size(size)),
            granule: streams as u64,
            contenders: [RawTcp::boxed(size)].into_iter().chain(contenders(size, streams)).collect(),
            goals: goals(size, streams),
        })
        .collect()
}

fn std_goals(size: usize, streams: usize) -> Vec<Goal> {
    let share = match (size, streams) {
        (64, 1) => 0.60,
        (KIB, 1) => 0.90,
        (MIB, 1) => 0.90,
        (_, 1) => 0.92,
        (64, 32) => 0.40,
        (KIB, 32) => 0.80,
        (MIB, 32) => 0.65,
        (_, 32) => 0.90,
        _ => return vec![],
    };
    vec![Goal::speed("P4", blocking::NAME, raw_tcp::NAME, share)]
}

fn tokio_goals(size: usize, _streams: usize) -> Vec<Goal> {
    let goal = |against, times| Goal::speed("P5", on_tokio::NAME, against, times);
    match size {
        64 => vec![
            goal(raw_tcp::NAME, 0.30),
            goal(LengthDelimited::NAME, 1.4),
            goal(H2::NAME, 12.0),
            goal(Yamux::NAME, 100.0),
            goal(TokioYamux::NAME, 100.0),
        ],
        KIB => {
            vec![goal(raw_tcp::NAME, 0.70), goal(H2::NAME, 5.0), goal(Yamux::NAME, 5.0), goal(TokioYamux::NAME, 5.0)]
        }
        _ => vec![goal(raw_tcp::NAME, 0.85), goal(H2::NAME, 1.0), goal(TokioYamux::NAME, 1.0)],
    }
}
