//! Upgrades that come to an end, good or bad: each kind of error once at least.

use std::time::Duration;

use bytes::BytesMut;
use mconn::machine::{Fault, Machine};
use mconn::peer::{
    Incompatible, LocalNode, LocalNodeError, MAX_NODE_INFO, NodeInfo, NodeInfoDecodeError, NodeInfoError, UpgradeError,
    UpgradeStage, UpgradeTimer,
};
use mconn::secret::{ExpectedPeer, HandshakeError, Input, NodeKey, OpenError};
use mconn::time::Instant;

use super::scripted::key_message;
use super::{NOW, Scripted, end_of, feed, half_way, info, node, output, upgrade, upgrade_of};

/// What becomes of a peer that sends this as its NodeInfo.
fn verdict(message: &[u8]) -> UpgradeError {
    let (mut machine, mut peer) = half_way();
    let wire: Vec<u8> = message.chunks(1024).flat_map(|data| peer.frame(data)).collect();
    feed(&mut machine, &wire, false);
    end_of(&mut machine).unwrap_err()
}

fn with(change: impl FnOnce(&mut NodeInfo)) -> NodeInfo {
    let mut info = info(3);
    change(&mut info);
    info
}

/// A NodeInfo of exactly so many bytes, without its length.
fn large(seed: u8, bytes: usize) -> NodeInfo {
    let mut info = info(seed);
    let encoded = |info: &NodeInfo| info.encode().len() - 2;
    info.rpc_address = "a".repeat(1000);
    info.rpc_address = "a".repeat(1000 + bytes - encoded(&info));
    // The length before the text may have become longer.
    let excess = encoded(&info) - bytes;
    info.rpc_address.truncate(info.rpc_address.len() - excess);
    assert_eq!(encoded(&info), bytes);
    info
}

#[test]
fn two_nodes_learn_of_each_other() {
    let mut dialling = upgrade(ExpectedPeer::Key(NodeKey::from_seed(&[3; 32]).public_key()));
    let mut listening = upgrade_of(node(info(3), 3), 4, ExpectedPeer::Any);
    assert!(dialling.wants_write() && !dialling.has_ended());
    // Nobody waits for the other to begin: keys, then authentications, then NodeInfos.
    for lengths in [35, 1044, 1044] {
        let (from_dialling, from_listening) = (output(&mut dialling), output(&mut listening));
        assert_eq!((from_dialling.len(), from_listening.len()), (lengths, lengths));
        assert!(feed(&mut dialling, &from_listening, false).is_empty());
        assert!(feed(&mut listening, &from_dialling, false).is_empty());
    }
    let (there, here) = (end_of(&mut dialling).unwrap(), end_of(&mut listening).unwrap());
    assert_eq!((there.node_info(), here.node_info()), (&info(3), &info(1)));
    assert_eq!(there.key(), NodeKey::from_seed(&[3; 32]).public_key());
}

#[test]
fn the_end_comes_only_when_our_output_was_taken() {
    let mut machine = upgrade(ExpectedPeer::Any);
    let key = machine.poll_transmit(NOW).unwrap();
    let mut peer = Scripted::new(&[4; 32], &key);
    let auth = peer.auth(3);
    let wire = [key_message(&[4; 32]), peer.frame(&auth), peer.frame(&info(3).encode())].concat();
    assert!(feed(&mut machine, &wire, false).is_empty());
    for _ in 0..2 {
        assert!(machine.wants_write() && !machine.has_ended());
        assert!(machine.poll_event().is_none());
        assert_eq!(machine.poll_transmit(NOW).unwrap().len(), 1044);
    }
    assert_eq!(end_of(&mut machine).unwrap().node_info(), &info(3));
}

#[test]
fn a_node_info_of_the_largest_size_passes_and_one_byte_more_does_not() {
    let ours = large(1, MAX_NODE_INFO);
    let mut machine = upgrade_of(node(ours.clone(), 1), 2, ExpectedPeer::Any);
    let mut other = upgrade_of(node(large(3, MAX_NODE_INFO), 3), 4, ExpectedPeer::Any);
    for _ in 0..3 {
        let (from_us, from_other) = (output(&mut machine), output(&mut other));
        feed(&mut machine, &from_other, false);
        feed(&mut other, &from_us, false);
    }
    assert_eq!(end_of(&mut machine).unwrap().node_info(), &large(3, MAX_NODE_INFO));
    assert_eq!(end_of(&mut other).unwrap().node_info(), &ours);

    let limit = MAX_NODE_INFO as u64;
    let error = NodeInfoDecodeError::TooLong { length: limit + 1, limit };
    assert_eq!(verdict(&large(3, MAX_NODE_INFO + 1).encode()[..2]), UpgradeError::Decode(error));
    let error = LocalNode::new(NodeKey::from_seed(&[1; 32]), large(1, MAX_NODE_INFO + 1)).unwrap_err();
    assert_eq!(error, LocalNodeError::TooLong { length: MAX_NODE_INFO + 1, limit: MAX_NODE_INFO });
}

#[test]
fn a_node_does_not_say_of_itself_what_others_refuse() {
    let key = || NodeKey::from_seed(&[1; 32]);
    let mut invalid = info(1);
    invalid.moniker.clear();
    let error = LocalNodeError::Invalid(NodeInfoError::Moniker { found: String::new() });
    assert_eq!(LocalNode::new(key(), invalid).unwrap_err(), error);
    let other = LocalNodeError::OtherId { stated: info(3).node_id, of_key: key().id() };
    assert_eq!(LocalNode::new(key(), info(3)).unwrap_err(), other);
    let printed = format!("{:?}", node(info(1), 1));
    assert!(printed.contains(&info(1).node_id) && !printed.contains("0101"), "{printed}");
}

/// The order of Go's checks: what the NodeInfo says must be valid before it is compared with anything.
#[test]
fn node_infos_are_refused_in_the_order_of_go() {
    let mut wrong = with(|info| {
        info.protocol.block = 10;
        info.node_id = "00".repeat(20);
        info.moniker.clear();
    });
    let invalid = verdict(&wrong.encode());
    assert_eq!(invalid, UpgradeError::Invalid(NodeInfoError::Moniker { found: String::new() }));
    wrong.moniker = "m".into();
    let proven = NodeKey::from_seed(&[3; 32]).id();
    let other = verdict(&wrong.encode());
    assert_eq!(other, UpgradeError::OtherId { stated: "00".repeat(20), proven });
    assert!(other.is_auth_failure() && !other.is_self());
    wrong.node_id = proven.to_string();
    let incompatible = verdict(&wrong.encode());
    assert_eq!(incompatible, UpgradeError::Incompatible(Incompatible::Block { ours: 11, theirs: 10 }));
    for error in [invalid, other, incompatible] {
        assert_eq!(error.fault(), Fault::Peer);
    }
    // As in Go, an id in capitals is another one.
    let capitals = with(|info| info.node_id = info.node_id.to_uppercase());
    assert!(matches!(verdict(&capitals.encode()), UpgradeError::OtherId { .. }));
    let network = with(|info| info.network = "other".into());
    assert!(matches!(verdict(&network.encode()), UpgradeError::Incompatible(Incompatible::Network { .. })));
    let channels = with(|info| info.channels = vec![9]);
    assert!(matches!(verdict(&channels.encode()), UpgradeError::Incompatible(Incompatible::Channels { .. })));
}

#[test]
fn what_is_no_node_info_is_refused() {
    assert!(matches!(verdict(&[0xff; 10]), UpgradeError::Decode(NodeInfoDecodeError::Decode(_))));
    assert!(matches!(verdict(b"\x03\x22\x01\xff"), UpgradeError::Decode(NodeInfoDecodeError::NotUtf8 { field: 4 })));
    // A NodeInfo without anything is one, but not a valid one.
    assert!(matches!(verdict(b"\x00"), UpgradeError::Invalid(NodeInfoError::NodeId { .. })));
}

#[test]
fn a_frame_that_can_not_be_opened_ends_it() {
    let (mut machine, mut peer) = half_way();
    let mut frame = peer.frame(&info(3).encode());
    frame[500] ^= 1;
    feed(&mut machine, &frame, false);
    let error = end_of(&mut machine).unwrap_err();
    assert_eq!(error, UpgradeError::Open(OpenError::WrongTag { frame: 1 }));
    assert_eq!(error.fault(), Fault::Peer);
}

#[test]
fn another_node_than_the_dialled_one_and_ourselves_are_refused_by_the_handshake() {
    for (expected, seed) in [(ExpectedPeer::Id(NodeKey::from_seed(&[9; 32]).id()), 3), (ExpectedPeer::Any, 1)] {
        let mut machine = upgrade(expected);
        let mut peer = Scripted::new(&[4; 32], &output(&mut machine));
        let auth = peer.auth(seed);
        feed(&mut machine, &[key_message(&[4; 32]), peer.frame(&auth)].concat(), false);
        let error = end_of(&mut machine).unwrap_err();
        assert_eq!(error.is_self(), seed == 1, "{error}");
        assert_eq!(error.is_auth_failure(), seed == 3, "{error}");
        assert_eq!(error.fault(), Fault::Peer);
    }
}

/// An upgrade in each of its stages.
fn stages() -> [(UpgradeStage, super::Upgrade); 3] {
    let leaving = {
        let mut machine = upgrade(ExpectedPeer::Any);
        let mut peer = Scripted::new(&[4; 32], &machine.poll_transmit(NOW).unwrap());
        let auth = peer.auth(3);
        let wire = [key_message(&[4; 32]), peer.frame(&auth), peer.frame(&info(3).encode())].concat();
        feed(&mut machine, &wire, false);
        machine
    };
    [
        (UpgradeStage::Handshake, upgrade(ExpectedPeer::Any)),
        (UpgradeStage::NodeInfo, half_way().0),
        (UpgradeStage::Leaving, leaving),
    ]
}

#[test]
fn it_can_be_given_up_and_cut_in_each_stage() {
    for (stage, mut machine) in stages() {
        machine.handle(NOW, Input::Close);
        let error = end_of(&mut machine).unwrap_err();
        assert_eq!((error.fault(), &error), (Fault::Ours, &UpgradeError::Local { stage }));
    }
    for (stage, mut machine) in stages() {
        machine.handle(NOW, Input::TransportFailed);
        let error = end_of(&mut machine).unwrap_err();
        assert_eq!((error.fault(), &error), (Fault::Network, &UpgradeError::TransportFailed { stage }));
        // Nothing changes any more.
        machine.handle(NOW, Input::Close);
        assert!(machine.poll_event().is_none());
    }
}

#[test]
fn each_of_the_two_stages_has_a_deadline() {
    let timeout = Duration::from_secs(20);
    for (stage, mut machine) in stages() {
        let timer = if stage == UpgradeStage::Handshake { UpgradeTimer::Handshake } else { UpgradeTimer::NodeInfo };
        assert_eq!(machine.poll_timeout(), Some((NOW + timeout, timer)));
        machine.handle_timeout(NOW + (timeout - Duration::from_nanos(1)));
        assert!(!machine.has_ended());
        machine.handle_timeout(NOW + timeout);
        let error = end_of(&mut machine).unwrap_err();
        assert_eq!((error.fault(), &error), (Fault::Network, &UpgradeError::Timeout { timeout, stage }));
    }
    // The second begins when the first is over.
    let mut machine = upgrade(ExpectedPeer::Any);
    let mut peer = Scripted::new(&[4; 32], &output(&mut machine));
    let auth = peer.auth(3);
    let mut wire = BytesMut::from(&[key_message(&[4; 32]), peer.frame(&auth)].concat()[..]);
    let late = Instant::from_secs(19);
    machine.handle(late, Input::Received { buf: &mut wire, end: false });
    assert_eq!(machine.poll_timeout(), Some((late + timeout, UpgradeTimer::NodeInfo)));
}

#[test]
fn the_end_of_the_stream_tells_what_was_missing() {
    let mut machine = upgrade(ExpectedPeer::Any);
    feed(&mut machine, &key_message(&[4; 32])[..10], true);
    let error = end_of(&mut machine).unwrap_err();
    assert!(matches!(error, UpgradeError::Handshake(HandshakeError::PeerClosed { unread_bytes: 10, .. })), "{error}");
    assert_eq!(error.fault(), Fault::Network);

    let (mut machine, mut peer) = half_way();
    let wire = [peer.frame(&info(3).encode()[..20]), peer.frame(b"more")[..100].to_vec()].concat();
    feed(&mut machine, &wire, true);
    let error = end_of(&mut machine).unwrap_err();
    assert_eq!(error, UpgradeError::PeerClosed { stage: UpgradeStage::NodeInfo, unread_bytes: 120 });
    assert_eq!(error.fault(), Fault::Network);

    // With all that was needed, an end is none: the peer finds it.
    let (mut machine, mut peer) = half_way();
    let wire = [peer.frame(&info(3).encode()), peer.frame(b"more")[..100].to_vec()].concat();
    assert_eq!(feed(&mut machine, &wire, true).len(), 100);
    assert!(end_of(&mut machine).is_ok());
}

#[test]
fn errors_and_machines_print_themselves() {
    for (stage, machine) in stages() {
        assert!(format!("{machine:?}").contains(&format!("{stage:?}")), "{machine:?}");
        let words = UpgradeError::Local { stage }.to_string();
        assert!(words.contains(&stage.to_string()), "{words}");
    }
}
