//! From a fresh stream to a peer: what both must agree on, and what happens when they do not.

use std::io::{Read, Write};
use std::net::TcpStream;

use mconn::peer::{Incompatible, LocalNode, NodeInfo, ProtocolVersion, UpgradeError, UpgradeStage};
use mconn::secret::{ExpectedPeer, HandshakeError, NodeId};
use mconn::wire::Codec;

use crate::by_hand::ByHand;
use crate::exchange::{Dials, go_node, open};
use crate::go_peer::{GoConfig, GoEvent, GoNodeInfo, GoNodeInfoOther, GoProtocolVersion, Link, PATIENCE};
use crate::keepalive::is_gone;
use crate::sealed::{NETWORK, in_the_clear_saying, node};
use crate::version::{Version, go};

const CHANNELS: [(u8, u32); 2] = [(0x20, 1), (0x30, 1)];
const IDS: [u8; 2] = [0x20, 0x30];
const BOTH: [Dials; 2] = [Dials::We, Dials::Go];

/// Our node, after a change to what it says.
fn changed(change: impl FnOnce(&mut NodeInfo)) -> LocalNode {
    let local = node("ours", IDS);
    let mut info = local.info().clone();
    change(&mut info);
    LocalNode::new(local.key().clone(), info).unwrap()
}

/// The id of the Go end.
fn go_id(version: &Version) -> NodeId {
    let peer = version.run();
    let (_link, stream) = open(&peer, Dials::We, &go(&CHANNELS));
    let end = ByHand::upgrade(stream, version.ours(&CHANNELS), node("ours", IDS), ExpectedPeer::Any);
    end.unwrap().info.id().unwrap()
}

pub(crate) fn both_read_what_the_other_says(version: &Version) {
    let peer = version.run();
    let id = go_id(version);
    for dials in BOTH {
        let (link, stream) = open(&peer, dials, &go(&CHANNELS));
        let local = changed(|info| {
            info.listen_addr = "tcp://127.0.0.1:26656".into();
            info.moniker = "a moniker".into();
            (info.tx_index, info.rpc_address) = ("on".into(), "tcp://127.0.0.1:26657".into());
            info.protocol.app = 300;
        });
        let ours = local.info().clone();
        let end = ByHand::upgrade(stream, version.ours(&CHANNELS), local, ExpectedPeer::Id(id)).unwrap();

        let GoEvent::Shaken { info } = link.next() else { panic!("the handshake has failed") };
        let ProtocolVersion { p2p, block, app, .. } = ours.protocol;
        assert_eq!(
            info,
            GoNodeInfo {
                protocol_version: GoProtocolVersion { p2p, block, app },
                id: ours.node_id,
                listen_addr: ours.listen_addr,
                network: ours.network,
                version: ours.version,
                channels: "2030".into(),
                moniker: ours.moniker,
                other: GoNodeInfoOther { tx_index: ours.tx_index, rpc_address: ours.rpc_address },
            }
        );

        let mut theirs = NodeInfo::new(id, NETWORK, IDS);
        theirs.version = version.number().into();
        theirs.protocol.p2p = if version.number() == "1.0.1" { 9 } else { 8 };
        (theirs.listen_addr, theirs.moniker, theirs.tx_index) = ("127.0.0.1:0".into(), "go".into(), "off".into());
        assert_eq!(end.info, theirs);
    }
}

pub(crate) fn the_dialled_id_must_be_right(version: &Version) {
    let peer = version.run();
    let (ours, other) = (node("ours", IDS), node("another", []).id());
    let mut theirs = go(&CHANNELS);
    theirs.node = Some(go_node(Dials::Go));
    theirs.node.as_mut().unwrap().dialled = other.to_string();
    let (link, stream) = open(&peer, Dials::Go, &theirs);
    let ours_id = ours.id();
    let error = upgrade_fails(stream, version, ours, ExpectedPeer::Any);
    assert_eq!(link.failure(), format!("conn.ID ({ours_id}) dialed ID ({other}) mismatch"));
    assert!(hung_up(&error), "{error}");

    let (link, stream) = open(&peer, Dials::We, &go(&CHANNELS));
    let error = upgrade_fails(stream, version, node("ours", IDS), ExpectedPeer::Id(other));
    let wrong = HandshakeError::WrongPeer { expected: other, found: go_id(version) };
    assert_eq!(error, UpgradeError::Handshake(wrong));
    let failure = link.failure();
    assert!(is_gone(&failure) || failure.ends_with("EOF"), "{failure}");
}

fn upgrade_fails(stream: TcpStream, version: &Version, local: LocalNode, expected: ExpectedPeer) -> UpgradeError {
    match ByHand::upgrade(stream, version.ours(&CHANNELS), local, expected) {
        Ok(_) => panic!("the handshake has succeeded"),
        Err(error) => error,
    }
}

/// Go has closed before we had what we wait for.
fn hung_up(error: &UpgradeError) -> bool {
    matches!(error, UpgradeError::PeerClosed { stage: UpgradeStage::NodeInfo, unread_bytes: 0 })
        || matches!(error, UpgradeError::TransportFailed { stage: UpgradeStage::NodeInfo })
}

/// Each has its own reason, unless the other has hung up for one before it said who it is: ours does so when it can.
pub(crate) fn other_networks_blocks_and_channels(version: &Version) {
    let peer = version.run();
    for dials in BOTH {
        let no_fit = |local: LocalNode, theirs: &GoConfig| {
            let (link, stream) = open(&peer, dials, theirs);
            let error = upgrade_fails(stream, version, local, ExpectedPeer::Any);
            (error, link.failure())
        };
        let (ours, theirs) = ("elsewhere".to_owned(), NETWORK.to_owned());
        let (error, failure) = no_fit(changed(|info| info.network = ours.clone()), &go(&CHANNELS));
        assert_eq!(error, Incompatible::Network { ours, theirs }.into());
        assert_reason(&failure, "peer is on a different network. Got elsewhere, expected interop");

        let (error, failure) = no_fit(changed(|info| info.protocol.block = 10), &go(&CHANNELS));
        assert_eq!(error, Incompatible::Block { ours: 10, theirs: 11 }.into());
        assert_reason(&failure, "peer is on a different Block version. Got 10, expected 11");

        let (error, failure) = no_fit(node("ours", IDS), &go(&[(0x40, 1)]));
        assert_eq!(error, Incompatible::Channels { ours: IDS.into(), theirs: vec![0x40] }.into());
        assert_reason(&failure, "peer has no common channels. Our channels: 40 ; Peer channels: 2030");
    }
}

fn assert_reason(failure: &str, reason: &str) {
    let (_, last) = failure.rsplit_once(": ").unwrap_or(("", failure));
    assert!(failure == reason || is_gone(last), "{failure}");
}

/// Go waits three seconds for each of the two steps.
pub(crate) fn silent_peers(version: &Version) {
    let peer = version.run();
    std::thread::scope(|scope| {
        for dials in BOTH {
            let peer = &peer;
            scope.spawn(move || {
                let (link, mut stream) = open(peer, dials, &go(&CHANNELS));
                assert_times_out(&link, "secret conn failed: ");
                // Its ephemeral key had come, as ours should have.
                let mut key = Vec::new();
                stream.read_to_end(&mut key).unwrap();
                assert_eq!((key.len(), &key[..3]), (35, &b"\x22\x0a\x20"[..]));
            });
            scope.spawn(move || {
                let (link, stream) = open(peer, dials, &go(&CHANNELS));
                let _clear = std::thread::spawn(move || in_the_clear_saying(stream, node("ours", []).key(), b""));
                assert_times_out(&link, "handshake failed: ");
            });
        }
    });
}

fn assert_times_out(link: &Link<'_>, step: &str) {
    let failure = link.failure();
    assert!(failure.starts_with(step) && failure.ends_with("i/o timeout"), "{failure}");
}

/// Go reads its NodeInfo byte by byte, so the rest of the frame is there for the connection.
pub(crate) fn a_message_in_the_frame_of_the_node_info(version: &Version) {
    let peer = version.run();
    for dials in BOTH {
        let (link, stream) = open(&peer, dials, &go(&CHANNELS));
        let local = node("ours", IDS);
        let message = [version.codec.message_header(0x20, true, 5).as_slice(), b"early"].concat();
        let first = [local.info().encode(), message].concat();
        let mut clear = in_the_clear_saying(stream, local.key(), &first);
        assert!(matches!(link.next(), GoEvent::Shaken { .. }));
        assert_eq!(link.next(), GoEvent::Started);
        assert!(matches!(link.next(), GoEvent::Message { channel: 0x20, len: 5, .. }));
        // And the stream goes on where it should.
        clear.set_read_timeout(Some(PATIENCE)).unwrap();
        clear.write_all(version.codec.ping()).unwrap();
        let mut pong = vec![0; version.codec.pong().len()];
        clear.read_exact(&mut pong).unwrap();
        assert_eq!(pong, version.codec.pong());
    }
}

pub(crate) fn a_node_info_that_is_too_long(version: &Version) {
    let peer = version.run();
    let local = node("ours", IDS);
    let of_length = |length: usize| {
        let mut info = local.info().clone();
        info.moniker = "m".repeat(length - (info.encode().len() - 1) - 1 + info.moniker.len());
        info.encode()
    };
    for (length, refused) in [(10_240, false), (10_241, true)] {
        let (link, stream) = open(&peer, Dials::We, &go(&CHANNELS));
        let (key, first) = (local.key().clone(), of_length(length));
        assert_eq!(first.len(), length + 2);
        let _clear = std::thread::spawn(move || in_the_clear_saying(stream, &key, &first));
        if refused {
            assert_eq!(link.failure(), "handshake failed: message exceeds max size (10241 > 10240)");
        } else {
            assert!(matches!(link.next(), GoEvent::Shaken { .. }));
        }
        let info = NodeInfo::decode(&of_length(length));
        assert_eq!(info.is_err(), refused);
    }
}
