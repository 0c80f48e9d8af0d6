//! Flush and stop, of either side.

use mconn::connection::{CloseReason, Fault};

use crate::exchange::{Dials, arrives_here, arrives_there, connect, start_go, start_ours};
use crate::go_peer::{GoChannel, GoConfig, GoEvent};
use crate::keepalive::is_gone;
use crate::our_end::Adapter;
use crate::version::{Version, go};

const CHANNELS: [(u8, u32); 3] = [(0x20, 1), (0x21, 5), (0x80, 10)];

/// Enough to take a while at the rate of [`slow_go`].
fn plenty() -> Vec<(u8, usize)> {
    (0..60).map(|number| (CHANNELS[number % 3].0, 1 + 170 * number)).collect()
}

/// Queues for all messages, and 1 MB per second.
fn slow_go() -> GoConfig {
    let mut config = go(&CHANNELS);
    for channel in &mut config.channels {
        *channel = GoChannel { queue: 100, ..*channel };
    }
    config.send_rate = 1_000_000;
    config
}

pub(crate) fn all_that_go_accepted_arrives_before_its_flush_stop_ends(version: &Version) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let (link, mut end) = connect(&peer, dials, &slow_go(), version.ours(&CHANNELS), adapter);
        start_go(&link, &plenty());
        link.tell("wait");
        assert_eq!(link.next(), GoEvent::Idle);
        link.tell("flush_stop");
        arrives_here(&mut end, &plenty());
        assert!(end.recv().is_none());
        let reason = end.closed().reason;
        assert_eq!(reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
        assert_eq!(link.next(), GoEvent::Flushed { running: true }, "it calls itself running, and has no error");
        // It accepts messages as before, and loses them.
        start_go(&link, &[(0x20, 1)]);
        link.tell("wait");
        assert_eq!(link.next(), GoEvent::Idle);
    }
}

/// `Stop` closes the socket under the routine that writes, which may find that out: most often with sealed connections, of which
/// each frame is a write of its own.
fn without_own_close(mut next: impl FnMut() -> GoEvent) -> GoEvent {
    match next() {
        GoEvent::Error { text } if text.ends_with("use of closed network connection") => next(),
        event => event,
    }
}

pub(crate) fn go_stops_at_once(version: &Version) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let (link, mut end) = connect(&peer, dials, &slow_go(), version.ours(&CHANNELS), adapter);
        start_go(&link, &plenty());
        link.tell("wait");
        assert_eq!(link.next(), GoEvent::Idle);
        assert!(end.recv().is_some());
        link.tell("stop");
        assert_eq!(without_own_close(|| link.next()), GoEvent::Stopped { running: false }, "no error");
        let mut arrived = 1;
        while end.recv().is_some() {
            arrived += 1;
        }
        assert!(arrived < plenty().len(), "nothing was dropped");
        let closed = end.closed();
        assert!(matches!(closed.reason, CloseReason::PeerClosed { .. }), "{closed}");
        assert_eq!(closed.fault(), Fault::Network);
        start_go(&link, &[(0x20, 7)]);
        assert_eq!(without_own_close(|| link.next()), GoEvent::Refused { channel: 0x20, len: 7 });
    }
}

pub(crate) fn all_that_we_accepted_arrives_before_our_flush_ends(version: &Version) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let theirs = GoConfig { recv_rate: 1_000_000, ..go(&CHANNELS) };
        let (link, end) = connect(&peer, dials, &theirs, version.ours(&CHANNELS), adapter);
        start_ours(&end, &plenty()).join().unwrap();
        end.close_after_flush();
        arrives_there(&link, &plenty());
        assert_eq!(link.error(), "EOF");
        assert_eq!(end.closed().reason, CloseReason::Flushed);
    }
}

pub(crate) fn we_close_at_once(version: &Version) {
    let peer = version.run();
    for (dials, adapter) in [(Dials::We, Adapter::Blocking), (Dials::Go, Adapter::Tokio)] {
        let (link, mut end) = connect(&peer, dials, &go(&CHANNELS), version.ours(&CHANNELS), adapter);
        end.close();
        assert!(end.recv().is_none());
        assert_eq!(end.closed().reason, CloseReason::Local);
        let error = link.error();
        assert!(is_gone(&error), "{error}");
    }
}
