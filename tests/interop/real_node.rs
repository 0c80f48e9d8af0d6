//! Our peer and a real node.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mconn::adapter::tokio::{DialConfig, dial};
use mconn::connection::CloseReason;
use mconn::peer::{Incompatible, LocalNode, PeerAddress, UpgradeError, UpgradeStage};
use mconn::secret::ExpectedPeer;
use sha2::{Digest, Sha256};

use crate::by_hand::ByHand;
use crate::go_peer::PATIENCE;
use crate::node::{Node, config};
use crate::our_end::runtime;
use crate::our_switch::{self, OurSwitch};
use crate::version::Version;

const STATE: u8 = 0x20;
const MEMPOOL: u8 = 0x30;
const BLOCK_SYNC: u8 = 0x40;

/// More than two of the node's ping intervals, which cannot be configured.
const TWO_PING_INTERVALS: Duration = Duration::from_secs(125);

#[allow(clippy::disallowed_methods, reason = "drivers and peers have a clock")]
fn clock() -> Instant {
    Instant::now()
}

fn shake_hands(node: &Node, local: LocalNode) -> Result<ByHand, UpgradeError> {
    ByHand::upgrade(node.connect(), config(), local, ExpectedPeer::Id(node.id))
}

pub(crate) fn it_lists_us_sends_consensus_messages_and_we_stay(version: &Version) {
    let node = Node::run(version, "");
    let local = node.ours("stayer");
    let id = local.id();
    let end = shake_hands(&node, local).unwrap();
    assert_eq!((end.info.network.as_str(), end.info.version.as_str()), (node.network.as_str(), version.number()));
    assert_eq!(end.info.channels, [0x40, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x60, 0x61]);

    let listed = node.wait_for("our peer in /net_info", || node.peer(id));
    assert_eq!(listed["is_outbound"], false);
    assert_eq!(listed["node_info"]["moniker"], "stayer");
    assert_eq!(listed["node_info"]["channels"], "202122233038406061");

    let (start, mut heights, mut block_sync) = (clock(), Vec::new(), 0);
    while start.elapsed() < TWO_PING_INTERVALS {
        let (channel, message) = end.recv().unwrap_or_else(|| panic!("{:?}", end.closed_within(PATIENCE)));
        match channel {
            STATE => heights.extend(new_round_step(&message)),
            BLOCK_SYNC => block_sync += 1,
            _ => {}
        }
    }
    let counters = end.handle.status().counters;
    assert!(counters.pings_received >= 2 && counters.pongs_received >= 2, "{counters:?}");
    assert!(block_sync >= 1, "the node tells how many blocks it has");
    // Go sends each broadcast from a goroutine of its own (`Switch.Broadcast`), so two may change places.
    let (first, last) = (heights.first().unwrap(), heights.iter().max().unwrap());
    assert!(heights.windows(2).all(|pair| pair[0] <= pair[1] + 1) && last > first, "{heights:?}");
    assert!((*first..=*last).all(|height| heights.contains(&height)), "{heights:?}");
    let height = node.height().unwrap();
    assert!(last.abs_diff(height) <= 3, "{last}, {height}");
    assert!(node.peer(id).is_some());

    end.handle.close_after_flush();
    assert_eq!(end.closed_within(PATIENCE).unwrap().reason, CloseReason::Flushed);
    node.wait_for("the end of our peer", || node.peer(id).is_none().then_some(()));
}

/// The height of a NewRoundStep (`Message{1: NewRoundStep{1: height}}` of `proto/tendermint/consensus/types.proto @ v0.38`).
fn new_round_step(message: &[u8]) -> Option<u64> {
    let [0x0a, _, 0x08, rest @ ..] = message else { return None };
    let end = rest.iter().position(|byte| byte & 0x80 == 0)?;
    Some(rest[..=end].iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
}

/// `Message{1: Txs{1: tx}}` of `proto/tendermint/mempool/types.proto @ v0.38`.
fn txs(tx: &[u8]) -> Bytes {
    let length = u8::try_from(tx.len()).unwrap();
    assert!(length < 0x7e, "of one byte");
    [&[0x0a, length + 2, 0x0a, length][..], tx].concat().into()
}

pub(crate) fn a_transaction_of_ours_is_committed(version: &Version) {
    let node = Node::run(version, "");
    let end = shake_hands(&node, node.ours("sender")).unwrap();
    end.handle.send(MEMPOOL, txs(b"from=mconn"));
    let hash = hex::encode(Sha256::digest(b"from=mconn"));
    let found = node.wait_for("our transaction", || node.rpc(&format!("tx?hash=0x{hash}")));
    assert_eq!(found["tx"], "ZnJvbT1tY29ubg==");
    assert_eq!(found["tx_result"]["code"], 0);
    let answer = node.rpc("abci_query?data=\"from\"").unwrap();
    assert_eq!(answer["response"]["value"], "bWNvbm4=");

    // It sends on what it gets from others, to peers that say they are not behind.
    let far_ahead = [0x0a, 0x08, 0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x18, 0x01];
    end.handle.send(STATE, Bytes::copy_from_slice(&far_ahead));
    node.rpc("broadcast_tx_sync?tx=\"to=mconn\"").unwrap();
    let sent_on = std::iter::from_fn(|| end.recv()).find(|message| message.0 == MEMPOOL);
    assert_eq!(sent_on, Some((MEMPOOL, txs(b"to=mconn"))));
}

pub(crate) fn it_dials_us_and_dials_again(version: &Version) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let id = crate::sealed::node("listener", []).id();
    // The node dials before it has a block, so somebody must answer: the kernel does, and we shake hands later.
    let node = Node::run(version, &format!("{id}@{address}"));
    let mut ends = 0;
    while ends < 2 {
        let stream = listener.accept().unwrap().0;
        // It may have given this one up already, after three seconds.
        let Ok(end) = ByHand::upgrade(stream, config(), node.ours("listener"), ExpectedPeer::Id(node.id)) else {
            continue;
        };
        let listed = node.wait_for("our peer in /net_info", || node.peer(id));
        assert_eq!(listed["is_outbound"], true);
        assert!(end.recv().is_some());
        ends += 1;
        // Gone without a word.
        drop(end);
        node.wait_for("the end of our peer", || node.peer(id).is_none().then_some(()));
    }
}

pub(crate) fn dialled_on_tokio(version: &Version) {
    let node = Node::run(version, "");
    let local = Arc::new(node.ours("dialler"));
    let attempt = |address: &PeerAddress| {
        let local = Arc::clone(&local);
        runtime().block_on(async { tokio::time::timeout(PATIENCE, dial(address, local, DialConfig::default())).await })
    };
    let mut wrong = node.address();
    wrong.id = local.id();
    let error = attempt(&wrong).unwrap().unwrap_err().to_string();
    assert!(error.contains(&node.id.to_string()), "{error}");

    let peer = attempt(&node.address()).unwrap().unwrap();
    assert_eq!((peer.id(), &peer.node_info().network), (node.id, &node.network));
    let _inside = runtime().enter();
    let (connection, mut messages, driver) = peer.connect(config()).unwrap();
    tokio::spawn(driver);
    node.wait_for("our peer in /net_info", || node.peer(local.id()));
    runtime().block_on(async {
        let mempool = connection.sender(MEMPOOL).unwrap();
        mempool.send_timeout(txs(b"dialled=tokio"), PATIENCE).await.unwrap();
        tokio::time::timeout(PATIENCE, messages.recv()).await.unwrap().unwrap();
    });
    let hash = hex::encode(Sha256::digest(b"dialled=tokio"));
    node.wait_for("our transaction", || node.rpc(&format!("tx?hash=0x{hash}")));
    connection.close_after_flush(Some(PATIENCE));
    let closed = runtime().block_on(async { tokio::time::timeout(PATIENCE, connection.closed()).await }).unwrap();
    assert_eq!(closed.reason, CloseReason::Flushed);
}

/// Our switch keeps the connection to a node that is killed and comes back.
pub(crate) fn a_persistent_peer_of_our_switch(version: &Version) {
    let mut node = Node::run(version, "");
    let (mut switch, connection) = (our_switch::config(), config());
    let channels = connection.channels.clone();
    switch.connection = connection;
    let ours = OurSwitch::run_in(&node.network, 0, "keeper", channels, switch);
    let address = node.address();
    assert!(ours.add_persistent_peer(address));
    for round in 0..3 {
        assert!(ours.until_added(&node.id.to_string()).0);
        node.wait_for("our peer in /net_info", || node.peer(ours.id));
        let tx = format!("round{round}=kept");
        let message = txs(tx.as_bytes());
        assert_eq!(ours.with(move |context| context.try_broadcast(MEMPOOL, &message)).queued, 1);
        let hash = hex::encode(Sha256::digest(&tx));
        node.wait_for("our transaction", || node.rpc(&format!("tx?hash=0x{hash}")));
        node.restart();
        ours.until_removed(&node.id.to_string());
    }
}

pub(crate) fn what_it_refuses(version: &Version) {
    let node = Node::run(version, "");
    let first = shake_hands(&node, node.ours("first")).unwrap();
    let listed = |name: &str| node.peer(node.ours(name).id());
    node.wait_for("our peer in /net_info", || listed("first"));

    // Another network: both say no.
    let other = crate::sealed::node("first", [STATE]);
    let error = shake_hands(&node, other).err().unwrap();
    let (ours, theirs) = (crate::sealed::NETWORK.to_owned(), node.network.clone());
    assert_eq!(error, Incompatible::Network { ours, theirs }.into());

    // The same node twice: the second finds the connection closed, at the latest as a peer.
    match shake_hands(&node, node.ours("first")) {
        Ok(second) => {
            while second.recv().is_some() {}
            let closed = second.closed_within(PATIENCE).unwrap();
            assert!(matches!(closed.reason, CloseReason::PeerClosed { .. } | CloseReason::TransportFailed), "{closed}");
        }
        Err(error) => {
            assert!(matches!(error, UpgradeError::PeerClosed { stage: UpgradeStage::NodeInfo, .. }), "{error}")
        }
    }
    assert!(first.recv().is_some());
    assert!(listed("first").is_some());

    // A message that is none: the connection ends without a word, and the node is well.
    first.handle.send(MEMPOOL, txs(b""));
    while first.recv().is_some() {}
    node.wait_for("the end of our peer", || listed("first").is_none().then_some(()));
    let height = node.height().unwrap();
    node.wait_for("another block", || node.height().filter(|&now| now > height));
}
