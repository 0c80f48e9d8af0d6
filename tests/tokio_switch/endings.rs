//! How a switch stops.

use std::time::Duration;

use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Context, EndReason, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, Reactor};
use mconn::secret::{NodeId, NodeKey};
use tokio::net::TcpStream;

use super::{CHANNEL, PATIENCE, Running, Seen, impatient, pair, soon};

#[tokio::test]
async fn what_is_queued_leaves_before_the_switch_stops() {
    let (mut alice, mut bob) = pair(impatient(), SwitchConfig::default()).await;
    alice.node.add_persistent_peer(bob.address.clone());
    for number in 0..10_u8 {
        alice.node.try_send(&bob.id(), CHANNEL, vec![number; 50_000].into()).unwrap();
    }
    alice.node.stop_after_flush(PATIENCE);
    assert!(!alice.node.add_persistent_peer(bob.address.clone()));
    soon(alice.node.stopped()).await;
    soon(&mut alice.driver).await.unwrap();
    for number in 0..10_u8 {
        assert_eq!(bob.seen().await, Seen::Received(alice.id(), vec![number; 50_000].into()));
    }
    assert_eq!(bob.seen().await, Seen::Remove(alice.id()));
    assert_eq!(alice.seen().await, Seen::Remove(bob.id()));
    // Nobody listens any more, and nothing more is told.
    assert!(TcpStream::connect(alice.address.at.socket_addr().unwrap()).await.is_err());
    while let Some(event) = soon(alice.events.recv()).await {
        assert!(matches!(event, Event::PeerStarted { .. } | Event::Ended { .. }), "{event:?}");
    }
    assert_eq!(soon(alice.node.events().recv()).await, None);
    assert!(alice.node.dial(&bob.address).is_err());
}

#[tokio::test]
async fn who_does_not_read_holds_up_the_stop_for_no_longer_than_said() {
    let mut deaf = SwitchConfig::default();
    deaf.connection.recv_limiter = Box::new(mconn::rate::TokenBucket::new(1, 2_000));
    let (alice, bob) = pair(SwitchConfig::default(), deaf).await;
    for _ in 0..10 {
        alice.node.try_send(&bob.id(), CHANNEL, vec![1; 1_000_000].into()).unwrap();
    }
    alice.node.stop_after_flush(Duration::from_millis(100));
    soon(alice.node.stopped()).await;
    assert_eq!(alice.peers(), []);
    assert_eq!(bob.peers(), [alice.id()]);
}

#[tokio::test]
async fn a_stop_at_once_ends_peers_strangers_and_dials() {
    let (mut alice, mut bob) = pair(SwitchConfig::default(), SwitchConfig::default()).await;
    let _stranger = TcpStream::connect(alice.address.at.socket_addr().unwrap()).await.unwrap();
    alice.node.stop();
    soon(alice.node.stopped()).await;
    assert_eq!(alice.seen().await, Seen::Remove(bob.id()));
    assert_eq!(bob.seen().await, Seen::Remove(alice.id()));
    assert_eq!(alice.ended().await, (Some(bob.id()), true, EndReason::SwitchStopped));
    soon(&mut alice.driver).await.unwrap();
}

#[tokio::test]
async fn a_driver_that_is_dropped_ends_everything() {
    let (mut alice, mut bob) = pair(SwitchConfig::default(), SwitchConfig::default()).await;
    alice.driver.abort();
    soon(alice.node.stopped()).await;
    assert_eq!(alice.seen().await, Seen::Remove(bob.id()));
    assert_eq!(bob.seen().await, Seen::Remove(alice.id()));
    assert_eq!(alice.peers(), []);
}

/// Breaks when somebody comes.
struct Broken;

impl Reactor for Broken {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(CHANNEL, 1)]
    }

    fn add_peer(&mut self, _: &mut Context<'_>, _: NodeId) {
        panic!("this reactor is broken");
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, _: bytes::Bytes) {}
}

#[tokio::test]
async fn a_reactor_that_panics_takes_the_driver_with_it() {
    let mut alice = Running::start(1, SwitchConfig::default()).await;
    let key = NodeKey::from_seed(&[9; 32]);
    let info = NodeInfo::new(key.id(), "test-chain", []);
    let mut builder = Switch::builder(key, info);
    builder.add_reactor(Broken).unwrap();
    let (node, driver) = mconn::adapter::tokio::switch::run(builder, None, Default::default()).unwrap();
    let driver = tokio::spawn(driver);
    node.dial(&alice.address).unwrap();
    let panic = soon(driver).await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"this reactor is broken"));
    soon(node.stopped()).await;
    // Whether it came to be a peer or not, it is gone.
    alice.ended().await;
}

/// The end of a flush comes while the last output is made: it is told then, and not at the deadline or the next ping.
#[tokio::test]
async fn a_peer_that_was_closed_after_flush_ends_when_the_last_byte_is_made() {
    let (mut alice, mut bob) = pair(SwitchConfig::default(), SwitchConfig::default()).await;
    let (id, message) = (bob.id(), bytes::Bytes::from_static(b"the last word"));
    let closed = alice.node.with(|context| {
        context.try_send(&id, CHANNEL, message.clone()).unwrap();
        context.close_peer(&id, None)
    });
    assert!(closed);
    let ended = tokio::time::timeout(PATIENCE / 2, alice.ended()).await.expect("long before the first ping");
    assert_eq!((ended.0, ended.1), (Some(id), true));
    assert_eq!(bob.seen().await, Seen::Received(alice.id(), message));
}
