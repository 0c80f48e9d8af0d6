//! Pings, pongs, and peers that give no answer. The short intervals are those of `p2p/conn/connection_test.go`; where all must
//! go well they are longer, for a busy machine.

use std::io::{Read, Write};
use std::time::Duration;

use mconn::connection::{CloseReason, Fault, Liveness, MConnConfig, PingPolicy};
use mconn::wire::Codec;

use crate::exchange::{Dials, arrives_here, connect, connect_raw, exchange, start_go};
use crate::go_peer::{GoConfig, GoEvent, Link, PATIENCE};
use crate::machine_support::{ms, pattern};
use crate::our_end::Adapter;
use crate::version::{Version, go};

const CHANNEL: [(u8, u32); 1] = [(1, 1)];
const LENS: [(u8, usize); 3] = [(1, 10), (1, 5000), (1, 1)];

/// A patient pair of interval and timeout, and a short one.
const PATIENT: (u64, u64) = (300, 290);
const SHORT: (u64, u64) = (90, 45);

fn go_with_pings((interval, timeout): (u64, u64)) -> GoConfig {
    GoConfig { ping_ms: interval, pong_ms: timeout, ..go(&CHANNEL) }
}

fn ours_with_pings(version: &Version, (interval, timeout): (u64, u64)) -> MConnConfig {
    let mut config = version.ours(&CHANNEL);
    config.ping = PingPolicy::Every(ms(interval));
    config.pong_timeout = Some(ms(timeout));
    config.liveness = Liveness::PongOnly;
    config
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("in vain: {what}");
}

pub(crate) fn go_pings_and_we_answer(version: &Version) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let ours = version.ours(&CHANNEL);
        let (link, mut end) = connect(&peer, dials, &go_with_pings(PATIENT), ours, adapter);
        // The last ping came long after the timeout of the one before.
        wait_until("the pings of Go", || end.status().counters.pings_received >= 4);
        exchange(&link, &mut end, &LENS, &LENS);
    }
}

pub(crate) fn we_ping_and_go_answers(version: &Version) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let ours = ours_with_pings(version, PATIENT);
        let (link, mut end) = connect(&peer, dials, &go(&CHANNEL), ours, adapter);
        wait_until("the pongs of Go", || end.status().counters.pongs_received >= 4);
        exchange(&link, &mut end, &LENS, &LENS);
        let counters = end.status().counters;
        assert!(counters.pings_sent - counters.pongs_received <= 1, "{counters:?}");
    }
}

pub(crate) fn go_gives_up_a_silent_peer(version: &Version) {
    let peer = version.run();
    for dials in [Dials::We, Dials::Go] {
        let (link, mut raw) = connect_raw(&peer, dials, &go_with_pings(SHORT));
        let mut ping = vec![0; version.codec.ping().len()];
        raw.read_exact(&mut ping).unwrap();
        assert_eq!(ping, version.codec.ping());
        assert_eq!(link.error(), "pong timeout");
        let mut rest = Vec::new();
        raw.read_to_end(&mut rest).unwrap();
        // A late Go process may take its next ping for more urgent than the timeout.
        assert_eq!(rest, ping.repeat(rest.len() / ping.len()), "pings, and not a word more");
    }
}

/// Messages and pings are no sign of life to Go.
pub(crate) fn go_gives_up_a_peer_that_sends_all_but_pongs(version: &Version) {
    let peer = version.run();
    let (link, mut raw) = connect_raw(&peer, Dials::We, &go_with_pings(SHORT));
    let packets = [&packet(version, b"alive"), version.codec.ping()].concat();
    let error = loop {
        // Fails once Go has closed.
        if raw.write_all(&packets).is_err() {
            break last_words(&link);
        }
        match link.next_within(Duration::from_millis(5)) {
            Some(GoEvent::Error { text }) => break text,
            Some(GoEvent::Message { .. }) | None => {}
            Some(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(error, "pong timeout");
}

/// The error behind the messages that have arrived.
fn last_words(link: &Link<'_>) -> String {
    loop {
        match link.next() {
            GoEvent::Error { text } => return text,
            GoEvent::Message { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What `p2p/conn/connection_test.go` asks: pongs in advance do no harm, and each of three pings gets its pong.
pub(crate) fn pongs_nobody_asked_for_and_pings_in_a_row(version: &Version) {
    let peer = version.run();
    let (link, mut raw) = connect_raw(&peer, Dials::We, &go(&CHANNEL));
    raw.set_read_timeout(Some(PATIENCE)).unwrap();
    raw.write_all(&version.codec.pong().repeat(3)).unwrap();
    for _ in 0..3 {
        raw.write_all(version.codec.ping()).unwrap();
        let mut pong = vec![0; version.codec.pong().len()];
        raw.read_exact(&mut pong).unwrap();
        assert_eq!(pong, version.codec.pong());
    }
    raw.write_all(&packet(version, b"still here")).unwrap();
    assert!(matches!(link.next(), GoEvent::Message { channel: 1, len: 10, .. }));
}

fn packet(version: &Version, payload: &[u8]) -> Vec<u8> {
    [version.codec.message_header(1, true, payload.len()).as_slice(), payload].concat()
}

/// A reactor of Go that does not return from `Receive` stops the reading of all, pings too.
pub(crate) fn we_give_up_a_go_peer_that_does_not_read(version: &Version) {
    let peer = version.run();
    for adapter in [Adapter::Blocking, Adapter::Tokio] {
        let ours = ours_with_pings(version, SHORT);
        let (link, mut end) = connect(&peer, Dials::We, &go(&CHANNEL), ours, adapter);
        link.tell("pause");
        assert_eq!(link.next(), GoEvent::Paused);
        end.send(1, "stuck");
        assert!(end.recv().is_none());
        let closed = end.closed();
        assert_eq!(closed.reason, CloseReason::PongTimeout { timeout: ms(SHORT.1) });
        assert_eq!(closed.fault(), Fault::Network);
        link.tell("resume");
        assert!(matches!(link.next(), GoEvent::Message { len: 5, .. }));
        let error = link.error();
        assert!(is_gone(&error), "{error}");
    }
}

/// How Go's reader or writer learns that the peer is gone.
pub(crate) fn is_gone(error: &str) -> bool {
    error == "EOF" || error.contains("connection reset by peer") || error.contains("broken pipe")
}

/// Our inbox is full of one message that nobody takes.
pub(crate) fn go_gives_up_our_sleeping_reader_unless_it_sends_pongs(version: &Version) {
    let peer = version.run();
    let to_us = [(1, 100); 20];
    for pongs in [false, true] {
        let mut ours = version.ours(&CHANNEL);
        ours.inbox_messages = 1;
        ours.pong_while_paused = pongs;
        // A third of this passes between two pongs.
        ours.pong_timeout = Some(ms(150));
        let (link, mut end) = connect(&peer, Dials::We, &go_with_pings(PATIENT), ours, Adapter::Blocking);
        start_go(&link, &to_us);
        if !pongs {
            assert_eq!(link.error(), "pong timeout");
            // What has arrived can still be taken, in order.
            let mut taken = 0;
            while let Some((1, payload)) = end.recv() {
                assert_eq!(payload, pattern(1, taken, 100));
                taken += 1;
            }
            assert!(taken > 0);
            assert_eq!(end.closed().fault(), Fault::Network);
            continue;
        }
        wait_until("our pongs", || end.status().counters.pongs_sent >= 30);
        arrives_here(&mut end, &to_us);
        exchange(&link, &mut end, &LENS, &[]);
    }
}
