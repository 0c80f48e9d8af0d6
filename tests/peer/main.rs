//! Peers from outside: against the data of Go, against bad peers, and between two machines.
#![cfg(feature = "peer")]

mod closing;
mod faults;
mod frames;
mod golden;
mod hostile;
#[path = "../secret/scripted.rs"]
mod scripted;
#[cfg(feature = "sim")]
mod simulated;
mod splits;
#[path = "../support/mod.rs"]
mod support;
mod upgrade;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, Input, MConnConfig};
use mconn::machine::Machine;
use mconn::peer::{
    Event, LocalNode, NodeInfo, Origin, Peer, PeerClosed, Upgrade, UpgradeConfig, UpgradeError, UpgradeEvent, Upgraded,
};
use mconn::secret::{self, EphemeralSecret, ExpectedPeer, NodeKey};
use mconn::time::Instant;
use scripted::{Scripted, key_message};

const NOW: Instant = Instant::ZERO;
const CHANNELS: [u8; 3] = [0x20, 0x21, 0x80];

fn info(seed: u8) -> NodeInfo {
    NodeInfo::new(NodeKey::from_seed(&[seed; 32]).id(), "chain", CHANNELS)
}

fn node(info: NodeInfo, seed: u8) -> Arc<LocalNode> {
    Arc::new(LocalNode::new(NodeKey::from_seed(&[seed; 32]), info).unwrap())
}

/// An upgrade of node 1, whose ephemeral secret is 2.
fn upgrade(expected: ExpectedPeer) -> Upgrade {
    upgrade_of(node(info(1), 1), 2, expected)
}

fn upgrade_of(local: Arc<LocalNode>, ephemeral: u8, expected: ExpectedPeer) -> Upgrade {
    let ephemeral = EphemeralSecret::from_random(&[ephemeral; 32]);
    Upgrade::new(local, ephemeral, expected, UpgradeConfig::default(), NOW)
}

/// Feeds `bytes`; what is not consumed comes back.
fn feed(machine: &mut Upgrade, bytes: &[u8], end: bool) -> BytesMut {
    let mut buf = BytesMut::from(bytes);
    machine.handle(NOW, secret::Input::Received { buf: &mut buf, end });
    buf
}

/// All output that waits.
fn output(machine: &mut Upgrade) -> Vec<u8> {
    std::iter::from_fn(|| machine.poll_transmit(NOW)).flatten().collect()
}

/// The one event of an upgrade that is over, after which there is nothing.
fn end_of(machine: &mut Upgrade) -> Result<Upgraded, UpgradeError> {
    assert!(machine.has_ended());
    let event = machine.poll_event().expect("an end");
    assert!(machine.is_closed() && machine.has_ended() && !machine.wants_write());
    assert!(machine.poll_event().is_none());
    assert!(machine.poll_transmit(NOW).is_none());
    assert_eq!(machine.poll_timeout(), None);
    assert_eq!(machine.recv_budget(), 0);
    match event {
        UpgradeEvent::Established(upgraded) => Ok(upgraded),
        UpgradeEvent::Closed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

/// An upgrade of node 1 whose secret connection stands, all of its output taken, and the other side: node 3.
fn half_way() -> (Upgrade, Scripted) {
    let mut machine = upgrade(ExpectedPeer::Any);
    let mut peer = Scripted::new(&[4; 32], &output(&mut machine));
    let auth = peer.auth(3);
    assert!(feed(&mut machine, &[key_message(&[4; 32]), peer.frame(&auth)].concat(), false).is_empty());
    assert_eq!(output(&mut machine).len(), 2 * 1044);
    (machine, peer)
}

/// A configuration with [`CHANNELS`].
fn config() -> MConnConfig {
    MConnConfig::default().channels(CHANNELS.map(|channel| ChannelConfig::new(channel, 1)))
}

/// A peer at node 1, and the other side of it: node 3, which has sent nothing but what it had to.
fn scripted_peer(config: MConnConfig) -> (Peer, Scripted) {
    let (mut machine, mut peer) = half_way();
    let frame = peer.frame(&info(3).encode());
    feed(&mut machine, &frame, false);
    let upgraded = end_of(&mut machine).unwrap();
    (Peer::new(upgraded, Origin::inbound(), config, NOW).unwrap(), peer)
}

/// Two ends that know each other: nodes 1 and 3.
fn peers(config: MConnConfig) -> (Peer, Peer) {
    let mut one = upgrade(ExpectedPeer::Id(NodeKey::from_seed(&[3; 32]).id()));
    let mut other = upgrade_of(node(info(3), 3), 4, ExpectedPeer::Any);
    for _ in 0..3 {
        let from_one = output(&mut one);
        let from_other = output(&mut other);
        assert!(feed(&mut one, &from_other, false).is_empty());
        assert!(feed(&mut other, &from_one, false).is_empty());
    }
    let peer =
        |upgrade: &mut Upgrade| Peer::new(end_of(upgrade).unwrap(), Origin::inbound(), config.clone(), NOW).unwrap();
    (peer(&mut one), peer(&mut other))
}

/// Feeds sealed bytes; what is not consumed comes back.
fn give(peer: &mut Peer, bytes: &[u8], end: bool) -> BytesMut {
    let mut buf = BytesMut::from(bytes);
    peer.handle(NOW, Input::Received { buf: &mut buf, end });
    buf
}

/// All output, at most `max` bytes at a time.
fn pull(peer: &mut Peer, max: usize) -> BytesMut {
    let mut out = BytesMut::new();
    while peer.transmit_into(NOW, &mut out, max) > 0 {}
    out
}

/// The messages that wait.
fn messages(peer: &mut Peer) -> Vec<(u8, Bytes)> {
    let mut messages = Vec::new();
    while let Some(event) = peer.poll_event() {
        match event {
            Event::Message { channel, payload } => messages.push((channel, payload)),
            other => panic!("{other:?}"),
        }
    }
    messages
}

/// The last event, which comes next, and after which there is nothing.
fn closed(peer: &mut Peer) -> PeerClosed {
    assert!(peer.has_ended() && peer.has_events());
    let Some(Event::Closed(reason)) = peer.poll_event() else { panic!("not the last event") };
    assert!(peer.is_closed() && !peer.has_events() && !peer.wants_read() && !peer.wants_write());
    assert!(peer.poll_event().is_none() && peer.poll_transmit(NOW).is_none() && peer.poll_timeout().is_none());
    assert_eq!(peer.recv_budget(NOW), 0);
    reason
}

fn pattern(len: usize, salt: usize) -> Bytes {
    (0..len).map(|index| (index * 31 + salt) as u8).collect::<Vec<_>>().into()
}
