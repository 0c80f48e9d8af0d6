//! Our switch and Go's `p2p.Switch`, each with a reactor. The messages are `BytesValue`s: Go's reactors want Protocol Buffers.

use bytes::{BufMut, Bytes, BytesMut};
use mconn::connection::CloseReason;
use mconn::peer::switch::{Broadcast, EndReason, PeerRefusal};
use mconn::peer::{PeerAddress, PeerClosed};
use sha2::{Digest, Sha256};

use crate::exchange::{Dials, go_node};
use crate::go_peer::{GoConfig, GoEvent, GoPeer};
use crate::go_switch::GoSwitch;
use crate::keepalive::is_gone;
use crate::machine_support::pattern;
use crate::our_switch::{OurSwitch, Told, config};
use crate::version::{Version, go};

const PLAIN: u8 = 0x20;
const ECHO: u8 = 0x21;
const CHANNELS: [(u8, u32); 2] = [(PLAIN, 1), (ECHO, 5)];

/// The Go node of that name, which echoes on one channel.
fn go_switch(name: &str) -> GoConfig {
    let mut config = go(&CHANNELS);
    let mut node = go_node(Dials::We);
    (node.secret, node.echo) = (name.to_owned(), vec![ECHO]);
    config.node = Some(node);
    config
}

/// A message as `BytesValue{1: bytes}`.
fn wrapped(payload: &[u8]) -> Bytes {
    let mut message = BytesMut::from(&[0x0a][..]);
    let mut length = payload.len();
    while length >= 0x80 {
        message.put_u8(length as u8 | 0x80);
        length >>= 7;
    }
    message.put_u8(length as u8);
    message.extend_from_slice(payload);
    message.freeze()
}

fn address(text: &str) -> PeerAddress {
    text.parse().unwrap()
}

/// How Go tells that it received this.
fn told(channel: u8, payload: &[u8]) -> (u8, usize, String) {
    (channel, payload.len(), hex::encode(Sha256::digest(payload)))
}

fn received(ours: &OurSwitch) -> (u8, Bytes) {
    ours.until("a message", |told| match told {
        Told::Received { channel, message, .. } => Some((channel, message)),
        _ => None,
    })
}

/// Messages of several sizes, both ways, alone and as broadcasts.
fn talk(ours: &OurSwitch, theirs: &GoSwitch<'_>) {
    for (index, len) in [1, 1000, 1024, 100_000, 1_000_000].into_iter().enumerate() {
        let payload = pattern(PLAIN, index, len);
        theirs.broadcast(PLAIN, index, len);
        assert!(received(ours) == (PLAIN, wrapped(&payload)), "{len} bytes of a broadcast of Go");
        theirs.send(&ours.id.to_string(), PLAIN, index, len);
        assert!(received(ours) == (PLAIN, wrapped(&payload)), "{len} bytes of Go");

        let (id, message) = (theirs.id.parse().unwrap(), wrapped(&payload));
        let sent = message.clone();
        ours.with(move |context| context.send(&id, PLAIN, sent)).unwrap();
        assert_eq!(theirs.until_received(&ours.id.to_string()), told(PLAIN, &payload));
        let sent = message.clone();
        let broadcast = ours.with(move |context| context.broadcast(ECHO, &sent));
        assert_eq!(broadcast, Broadcast { queued: 1, refused: 0 });
        assert_eq!(theirs.until_received(&ours.id.to_string()), told(ECHO, &payload));
        assert!(received(ours) == (ECHO, message), "{len} bytes of an echo");
    }
}

pub(crate) fn go_dials_us(version: &Version) {
    let peer = version.run();
    let theirs = peer.switch(&go_switch("theirs"));
    let ours = OurSwitch::run("ours", &CHANNELS, config());
    theirs.dial(&ours.address());
    let (outbound, info) = ours.until_added(&theirs.id);
    assert!(!outbound);
    assert_eq!((info.listen_addr, info.channels), (format!("127.0.0.1:{}", theirs.port), vec![PLAIN, ECHO]));
    let id = ours.id.to_string();
    let (status, info) = theirs.until_added(&id);
    assert!(status.outbound && !status.persistent);
    assert_eq!((info.listen_addr, info.channels.as_str()), (format!("127.0.0.1:{}", ours.port), "2021"));
    assert_eq!((ours.peers(), theirs.peers()), (vec![theirs.id.clone()], vec![id.clone()]));
    talk(&ours, &theirs);

    theirs.disconnect(&id, "tired of you");
    assert_peer_closed(&ours.until_removed(&theirs.id));
    theirs.until_removed(&id);
    assert!(ours.peers().is_empty());
}

fn assert_peer_closed(reason: &EndReason) {
    assert!(
        matches!(
            reason,
            EndReason::Peer(PeerClosed::Connection(CloseReason::PeerClosed { .. } | CloseReason::TransportFailed))
        ),
        "{reason}"
    );
}

pub(crate) fn we_dial_go(version: &Version) {
    let peer = version.run();
    let theirs = peer.switch(&go_switch("theirs"));
    let ours = OurSwitch::run("ours", &CHANNELS, config());
    let id = ours.id.to_string();
    for _ in 0..2 {
        let to = address(&theirs.address());
        ours.with(move |context| context.dial(&to).map(|_| ())).unwrap();
        assert!(ours.until_added(&theirs.id).0);
        assert!(!theirs.until_added(&id).0.outbound);
        talk(&ours, &theirs);

        let go_id = theirs.id.parse().unwrap();
        assert!(ours.with(move |context| context.stop_peer(&go_id, "tired of you")));
        assert_eq!(ours.until_removed(&theirs.id), EndReason::Stopped { why: "tired of you".into() });
        let reason = theirs.until_removed(&id);
        assert!(is_gone(&reason), "{reason}");
        // Older versions remove a peer before they forget it.
        while !theirs.peers().is_empty() {}
    }
}

/// One of the peers does not have the channel.
pub(crate) fn broadcasts_reach_all(version: &Version) {
    let peer = version.run();
    let ours = OurSwitch::run("ours", &CHANNELS, config());
    let theirs = ["first", "second", "third"].map(|name| peer.switch(&go_switch(name)));
    let mut other = go_switch("fourth");
    other.channels = go(&[(ECHO, 1)]).channels;
    let fourth = peer.switch(&other);
    for each in theirs.iter().chain([&fourth]) {
        each.dial(&ours.address());
        ours.until_added(&each.id);
        each.until_added(&ours.id.to_string());
    }
    for (index, len) in [10, 70_000].into_iter().enumerate() {
        let payload = pattern(PLAIN, index, len);
        let message = wrapped(&payload);
        let broadcast = ours.with(move |context| context.try_broadcast(PLAIN, &message));
        assert_eq!(broadcast, Broadcast { queued: 3, refused: 1 });
        for each in &theirs {
            assert_eq!(each.until_received(&ours.id.to_string()), told(PLAIN, &payload));
        }
        let message = wrapped(&payload);
        let broadcast = ours.with(move |context| context.broadcast(ECHO, &message));
        assert_eq!(broadcast, Broadcast { queued: 4, refused: 0 });
        for each in theirs.iter().chain([&fourth]) {
            assert_eq!(each.until_received(&ours.id.to_string()), told(ECHO, &payload));
        }
    }
    // Go's broadcast reaches ours beside its own kind.
    theirs[0].dial(&theirs[1].address());
    theirs[0].until_added(&theirs[1].id);
    theirs[0].broadcast(PLAIN, 9, 3000);
    let accepted = theirs[0].until("the broadcast", |event| match event {
        GoEvent::Broadcast { accepted } => Some(accepted),
        _ => None,
    });
    assert_eq!(accepted, if version.number() == "1.0.1" { -1 } else { 2 });
    assert_eq!(theirs[1].until_received(&theirs[0].id), told(PLAIN, &pattern(PLAIN, 9, 3000)));
    let message = ours.until("the broadcast of Go", |told| match told {
        Told::Received { channel: PLAIN, message, .. } => Some(message),
        _ => None,
    });
    assert_eq!(message, wrapped(&pattern(PLAIN, 9, 3000)));
}

/// Ours is killed, and comes back at the same place.
pub(crate) fn a_persistent_peer_of_go_comes_back(version: &Version) {
    let peer = version.run();
    let mut ours = OurSwitch::run("ours", &CHANNELS, config());
    let (port, id) = (ours.port, ours.id.to_string());
    let mut settings = go_switch("theirs");
    settings.node.as_mut().unwrap().persistent = vec![ours.address()];
    let theirs = peer.switch(&settings);
    theirs.tell("dial_persistent");
    for _ in 0..2 {
        assert!(!ours.until_added(&theirs.id).0);
        let status = theirs.until_added(&id).0;
        assert!(status.outbound && status.persistent);
        talk(&ours, &theirs);
        drop(ours);
        let reason = theirs.until_removed(&id);
        assert!(is_gone(&reason), "{reason}");
        ours = OurSwitch::run_on(port, "ours", &CHANNELS, config());
    }
    ours.until_added(&theirs.id);
    theirs.until_added(&id);
}

/// Go's process is killed, and another one comes in its place.
pub(crate) fn a_persistent_peer_of_ours_comes_back(version: &Version) {
    let ours = OurSwitch::run("ours", &CHANNELS, config());
    let mut settings = go_switch("theirs");
    for round in 0..3 {
        let peer = version.run();
        let theirs = peer.switch(&settings);
        settings.node.as_mut().unwrap().port = theirs.port;
        if round == 0 {
            let to = address(&theirs.address());
            assert!(ours.add_persistent_peer(to));
        }
        assert!(ours.until_added(&theirs.id).0);
        theirs.until_added(&ours.id.to_string());
        talk(&ours, &theirs);
        let id = theirs.id.clone();
        drop(theirs);
        peer.kill();
        assert_peer_closed(&ours.until_removed(&id));
        assert!(ours.peers().is_empty());
    }
}

/// Each is a persistent peer of the other, and both dial at the same moment. In the end there is one connection.
pub(crate) fn both_dial_each_other_at_once(version: &Version) {
    let peer = version.run();
    for round in 0..10 {
        let ours = OurSwitch::run(&format!("ours {round}"), &CHANNELS, config());
        let mut settings = go_switch(&format!("theirs {round}"));
        settings.node.as_mut().unwrap().persistent = vec![ours.address()];
        let theirs = peer.switch(&settings);
        let to = address(&theirs.address());
        theirs.dial(&ours.address());
        assert!(ours.add_persistent_peer(to));
        ours.until_added(&theirs.id);
        theirs.until_added(&ours.id.to_string());
        assert_settles(&ours, &theirs);
        theirs.tell("stop");
    }
}

/// Waits until what they send to each other arrives, several times in a row.
fn assert_settles(ours: &OurSwitch, theirs: &GoSwitch<'_>) {
    let (mut index, mut in_a_row) = (0, 0);
    while in_a_row < 20 {
        index += 1;
        assert!(index < 2000, "they have no lasting connection");
        std::thread::sleep(std::time::Duration::from_millis(10));
        let payload = pattern(ECHO, index, 100);
        let message = wrapped(&payload);
        let broadcast = ours.with(move |context| context.try_broadcast(ECHO, &message));
        if broadcast.queued == 0 {
            in_a_row = 0;
            continue;
        }
        let expected = wrapped(&payload);
        let echoed = ours.until("an echo, or the end of the peer", |told| match told {
            Told::Received { message, .. } if message == expected => Some(true),
            Told::Removed { .. } => Some(false),
            _ => None,
        });
        in_a_row = if echoed { in_a_row + 1 } else { 0 };
    }
    assert_eq!((ours.peers(), theirs.peers()), (vec![theirs.id.clone()], vec![ours.id.to_string()]));
}

pub(crate) fn who_is_refused(version: &Version) {
    let peer = version.run();
    wrong_ids(&peer);
    too_many_at_ours(&peer);
    too_many_at_theirs(&peer);
    the_same_node_twice(&peer);
}

fn wrong_ids(peer: &GoPeer) {
    let (ours, theirs) = (OurSwitch::run("ours", &CHANNELS, config()), peer.switch(&go_switch("theirs")));
    let wrong = "00".repeat(20);
    theirs.dial(&format!("{wrong}@127.0.0.1:{}", ours.port));
    let failure = theirs.until_failed();
    assert!(failure.contains(&format!("conn.ID ({}) dialed ID ({wrong}) mismatch", ours.id)), "{failure}");

    let to = address(&format!("{wrong}@127.0.0.1:{}", theirs.port));
    ours.with(move |context| context.dial(&to).map(|_| ())).unwrap();
    let reason = ours.until("the end of the dial", |told| match told {
        Told::DialEnded { reason } => Some(reason),
        _ => None,
    });
    assert!(reason.to_string().contains(&theirs.id), "{reason}");
    // Itself.
    let to = address(&ours.address());
    assert!(ours.with(move |context| context.dial(&to).is_err()));
}

fn too_many_at_ours(peer: &GoPeer) {
    let mut one = config();
    one.limits.max_inbound = 1;
    let ours = OurSwitch::run("ours", &CHANNELS, one);
    let [first, second] = ["first", "second"].map(|name| peer.switch(&go_switch(name)));
    first.dial(&ours.address());
    ours.until_added(&first.id);
    second.dial(&ours.address());
    let reason = ended(&ours);
    assert_eq!(reason, EndReason::Refused(PeerRefusal::TooManyInbound { limit: 1 }));
    // It had us for a peer as soon as it had our NodeInfo, or did not get that far.
    let gone = second.until("the end of the connection", |event| match event {
        GoEvent::Removed { text, .. } | GoEvent::Failed { text } => Some(text),
        _ => None,
    });
    assert!(is_gone(&gone) || gone.ends_with("EOF"), "{gone}");
    assert_eq!(ours.peers(), std::slice::from_ref(&first.id));
}

fn too_many_at_theirs(peer: &GoPeer) {
    let mut one = go_switch("theirs");
    one.node.as_mut().unwrap().max_inbound = 1;
    let theirs = peer.switch(&one);
    let ours = ["first of ours", "second of ours"].map(|name| OurSwitch::run(name, &CHANNELS, config()));
    let to = address(&theirs.address());
    for each in &ours {
        let to = to.clone();
        each.with(move |context| context.dial(&to).map(|_| ())).unwrap();
        each.until_added(&theirs.id);
    }
    // Go accepts the connection and shakes hands before it counts.
    assert_peer_closed(&ours[1].until_removed(&theirs.id));
    let log = "Ignoring inbound connection: already have enough inbound peers";
    theirs.until(log, |event| matches!(event, GoEvent::Logged { text } if text == log).then_some(()));
    assert_eq!(theirs.peers(), [ours[0].id.to_string()]);
}

fn the_same_node_twice(peer: &GoPeer) {
    let ours = OurSwitch::run("ours", &CHANNELS, config());
    let [first, second] = ["theirs", "theirs"].map(|name| peer.switch(&go_switch(name)));
    assert_eq!(first.id, second.id);
    first.dial(&ours.address());
    ours.until_added(&first.id);
    second.dial(&ours.address());
    let id = first.id.parse().unwrap();
    assert_eq!(ended(&ours), EndReason::Refused(PeerRefusal::DuplicateId { id }));
    let alive = wrapped(b"alive");
    ours.with(move |context| context.send(&id, PLAIN, alive)).unwrap();
    assert_eq!(first.until_received(&ours.id.to_string()), told(PLAIN, b"alive"));

    // And at Go's.
    let theirs = peer.switch(&go_switch("another"));
    let ours = ["ours", "ours"].map(|name| OurSwitch::run(name, &CHANNELS, config()));
    for each in &ours {
        let to = address(&theirs.address());
        each.with(move |context| context.dial(&to).map(|_| ())).unwrap();
        each.until_added(&theirs.id);
    }
    assert_peer_closed(&ours[1].until_removed(&theirs.id));
    assert_eq!(theirs.peers(), [ours[0].id.to_string()]);
}

/// Why the next connection has ended.
fn ended(ours: &OurSwitch) -> EndReason {
    ours.until("the end of a connection", |told| match told {
        Told::Switch(mconn::peer::switch::Event::Ended { reason, .. }) => Some(reason),
        _ => None,
    })
}

/// Go cannot read what is no `BytesValue`, and stops the peer for it.
pub(crate) fn a_message_that_is_none(version: &Version) {
    let peer = version.run();
    let (ours, theirs) = (OurSwitch::run("ours", &CHANNELS, config()), peer.switch(&go_switch("theirs")));
    theirs.dial(&ours.address());
    ours.until_added(&theirs.id);
    let id = theirs.id.parse().unwrap();
    ours.with(move |context| context.send(&id, PLAIN, Bytes::from("\u{7f}"))).unwrap();
    assert_peer_closed(&ours.until_removed(&theirs.id));
    let reason = theirs.until_removed(&ours.id.to_string());
    assert!(reason.contains("unmarshaling message"), "{reason}");
}
