//! Rate limits of either side, in either direction. Only that it is not faster is checked: how much slower a busy machine is,
//! nobody knows.

use std::time::{Duration, Instant};

use mconn::connection::MConnConfig;
use mconn::rate::Flowrate;

use crate::exchange::{Dials, arrives_here, arrives_there, connect, start_go, start_ours};
use crate::go_peer::{GoConfig, GoPeer};
use crate::our_end::Adapter;
use crate::version::{Version, go};

const CHANNEL: [(u8, u32); 1] = [(1, 1)];
const RATE: u64 = 200_000;
/// With two batches of 10,360 bytes in each sample of at least 80 ms, this takes more than 14 samples.
const LENS: [(u8, usize); 3] = [(1, 100_000); 3];
const AT_LEAST: Duration = Duration::from_millis(1000);

#[allow(clippy::disallowed_methods, reason = "drivers and peers have a clock")]
fn clock() -> Instant {
    Instant::now()
}

pub(crate) fn limits_hold_both_ways(version: &Version) {
    let peer = version.run();
    let limited = || Box::new(Flowrate::new(RATE));
    let (theirs, ours) = (|| go(&CHANNEL), || version.ours(&CHANNEL));
    let (mut we_send, mut we_receive) = (ours(), ours());
    (we_send.send_limiter, we_receive.recv_limiter) = (limited(), limited());
    std::thread::scope(|scope| {
        let peer = &peer;
        scope.spawn(move || to_us(peer, &GoConfig { send_rate: RATE, ..theirs() }, ours(), Adapter::Blocking));
        scope.spawn(move || to_us(peer, &theirs(), we_receive, Adapter::Tokio));
        scope.spawn(move || to_go(peer, &GoConfig { recv_rate: RATE, ..theirs() }, ours(), Adapter::Blocking));
        scope.spawn(move || to_go(peer, &theirs(), we_send, Adapter::Tokio));
    });
}

fn to_us(peer: &GoPeer, theirs: &GoConfig, ours: MConnConfig, adapter: Adapter) {
    let (link, mut end) = connect(peer, Dials::We, theirs, ours, adapter);
    let start = clock();
    start_go(&link, &LENS);
    arrives_here(&mut end, &LENS);
    assert!(start.elapsed() >= AT_LEAST, "{:?} with {theirs:?}", start.elapsed());
}

fn to_go(peer: &GoPeer, theirs: &GoConfig, ours: MConnConfig, adapter: Adapter) {
    let (link, end) = connect(peer, Dials::Go, theirs, ours, adapter);
    let start = clock();
    let sending = start_ours(&end, &LENS);
    arrives_there(&link, &LENS);
    assert!(start.elapsed() >= AT_LEAST, "{:?} with {theirs:?}", start.elapsed());
    sending.join().unwrap();
}
