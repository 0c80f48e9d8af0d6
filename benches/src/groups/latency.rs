//! Urgent messages behind bulk.

use std::time::Duration;

use crate::goal::Goal;
use crate::latency::{Setting, drain, over_blocking, over_raw, over_tokio};
use crate::load::{KIB, Size};
use crate::measure::{Measured, median, percentile};

const DRAIN: &str = "send buffer drains";
const BLOCKING_P99: &str = "blocking p99";
const TOKIO_P99: &str = "tokio p99";
const NAMES: [&str; 8] =
    [DRAIN, "both buffers drain", "raw p50", "raw p99", "blocking p50", BLOCKING_P99, "tokio p50", TOKIO_P99];

const SEND_BUFFERS: [usize; 3] = [16 * KIB, 64 * KIB, 256 * KIB];
const RECEIVE_BUFFER: usize = 4 * KIB;
const RATE: u64 = 4_000_000;

/// Times that the buffers are drained in a round.
const DRAINS: usize = 5;

/// The rows of `latency`, those whose label is `wanted`: so many rounds, in each so much time per adapter.
pub fn measure(wanted: impl Fn(&str) -> bool, rounds: usize, time: Duration) -> Vec<Measured> {
    SEND_BUFFERS
        .iter()
        .map(|&send_buffer| Setting { send_buffer, receive_buffer: RECEIVE_BUFFER, rate: RATE })
        .map(|setting| (format!("SO_SNDBUF {}, {} MB/s", Size(setting.send_buffer), RATE / 1_000_000), setting))
        .filter(|(label, _)| wanted(label))
        .map(|(label, setting)| Measured {
            label,
            names: NAMES.to_vec(),
            rounds: (0..rounds).map(|_| round(&setting, time)).collect(),
            goals: vec![Goal::cost("P10", BLOCKING_P99, DRAIN, 2.0), Goal::cost("P10", TOKIO_P99, DRAIN, 2.0)],
        })
        .collect()
}

/// Nanoseconds, in the order of [`NAMES`].
fn round(setting: &Setting, time: Duration) -> Vec<f64> {
    let nanos = |time: Duration| time.as_nanos() as f64;
    let drained: Vec<_> = (0..DRAINS).map(|_| drain(setting)).collect();
    let mut row = vec![
        median(drained.iter().map(|drained| nanos(drained.send_buffer)).collect()),
        median(drained.iter().map(|drained| nanos(drained.both)).collect()),
    ];
    for times in [over_raw(setting, time), over_blocking(setting, time), over_tokio(setting, time)] {
        let times: Vec<f64> = times.into_iter().map(nanos).collect();
        row.extend([percentile(times.clone(), 0.5), percentile(times, 0.99)]);
    }
    row
}
