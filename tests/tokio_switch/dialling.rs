//! Dials: those that fail, those that cross, and those that are made again.

use std::time::Duration;

use mconn::adapter::tokio::switch::Options;
use mconn::peer::PeerAddress;
use mconn::peer::UpgradeError;
use mconn::peer::switch::{DialRefusal, EndReason, Event, SwitchConfig};
use mconn::secret::HandshakeError;
use tokio::net::TcpListener;

use super::{Running, Seen, impatient, soon};

#[tokio::test]
async fn a_dial_that_fails_tells_why() {
    let mut alice = Running::start(1, SwitchConfig::default()).await;
    let bob = Running::start(2, SwitchConfig::default()).await;
    assert_eq!(alice.node.dial(&alice.address), Err(DialRefusal::Ourselves));

    // Nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = PeerAddress { id: bob.id(), at: free.into() };
    alice.node.dial(&nobody).unwrap();
    assert_eq!(alice.node.dial(&nobody), Err(DialRefusal::AlreadyThere { id: bob.id() }));
    let (id, was_peer, reason) = alice.ended().await;
    assert_eq!((id, was_peer), (Some(bob.id()), false));
    assert!(matches!(&reason, EndReason::DialFailed { why } if why.contains("refused")), "{reason}");

    // No such host.
    let nowhere = PeerAddress { id: bob.id(), at: "name.invalid:1".parse().unwrap() };
    alice.node.dial(&nowhere).unwrap();
    assert!(matches!(alice.ended().await.2, EndReason::DialFailed { .. }));

    // Somebody else.
    let other = PeerAddress { id: "00".repeat(20).parse().unwrap(), at: bob.address.at.clone() };
    alice.node.dial(&other).unwrap();
    let (_, _, reason) = alice.ended().await;
    let expected = matches!(&reason, EndReason::Upgrade(UpgradeError::Handshake(HandshakeError::WrongPeer { .. })));
    assert!(expected, "{reason}");
    assert_eq!(alice.peers(), []);
}

#[tokio::test]
async fn names_are_looked_up() {
    let mut alice = Running::start(1, SwitchConfig::default()).await;
    let bob = Running::start(2, SwitchConfig::default()).await;
    let mut address = bob.address.clone();
    address.at = format!("localhost:{}", address.at.port).parse().unwrap();
    alice.node.dial(&address).unwrap();
    alice.sees_add(bob.id()).await;
}

#[tokio::test]
async fn a_persistent_peer_that_was_killed_is_a_peer_again_when_it_is_back() {
    let mut alice = Running::start(1, impatient()).await;
    let bob = Running::start(2, SwitchConfig::default()).await;
    assert!(alice.node.add_persistent_peer(bob.address.clone()));
    alice.sees_add(bob.id()).await;
    assert!(alice.node.peers()[0].is_persistent);
    let at = bob.address.at.to_string();
    let mut bob = bob;
    for _ in 0..2 {
        // A task that is aborted says nothing to its peers, as a process that is killed.
        bob.driver.abort();
        assert_eq!(alice.seen().await, Seen::Remove(bob.id()));
        // In vain for a while.
        while !matches!(alice.ended().await.2, EndReason::DialFailed { .. }) {}
        bob = Running::start_at(2, SwitchConfig::default(), &at, None).await;
        alice.sees_add(bob.id()).await;
    }
    // Also when it was sent away.
    bob.node.stop_peer(&alice.id(), "go away");
    assert_eq!(alice.seen().await, Seen::Remove(bob.id()));
    alice.sees_add(bob.id()).await;
    alice.node.remove_persistent_peer(&bob.id());
    assert_eq!(alice.peers(), [bob.id()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_dial_each_other_at_one_moment_end_with_one_connection() {
    // How long two connections may be there.
    let config = || {
        let mut config = SwitchConfig::default();
        config.standby = Duration::from_millis(100);
        config
    };
    for _ in 0..10 {
        let mut alice = Running::start(1, config()).await;
        let mut bob = Running::start(2, config()).await;
        alice.node.dial(&bob.address).unwrap();
        // If the first has got through already, there is nothing to dial.
        let _ = bob.node.dial(&alice.address);
        hear(&alice, &mut bob).await;
        hear(&bob, &mut alice).await;
        let outbound = |running: &Running| running.node.peers()[0].is_outbound;
        assert_ne!(outbound(&alice), outbound(&bob));
        assert_eq!((alice.peers().len(), bob.peers().len()), (1, 1));
    }
}

/// Says something until it is heard: what is said on a connection that does not stay may be lost with it.
async fn hear(from: &Running, to: &mut Running) {
    let says = async {
        loop {
            let _ = from.node.try_send(&to.node.id(), super::CHANNEL, "well?".into());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let hears = async { while !matches!(to.seen.recv().await.unwrap(), Seen::Received(..)) {} };
    tokio::select! {
        () = says => {}
        () = soon(hears) => {}
    }
}

#[tokio::test]
async fn a_dial_that_takes_too_long_is_given_up() {
    // A listener whose queue is full answers nobody, on Linux.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let at = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let mut options = Options::default();
    options.dial_timeout = Duration::from_millis(100);
    while let Ok(Ok(stream)) = tokio::time::timeout(options.dial_timeout, tokio::net::TcpStream::connect(at)).await {
        waiting.push(stream);
        if waiting.len() > 100 {
            return; // another system
        }
    }
    let key = mconn::secret::NodeKey::from_seed(&[1; 32]);
    let info = mconn::peer::NodeInfo::new(key.id(), "test-chain", []);
    let builder = mconn::peer::switch::Switch::builder(key, info);
    let (node, driver) = mconn::adapter::tokio::switch::run(builder, None, options).unwrap();
    let mut events = node.events();
    tokio::spawn(driver);
    node.dial(&PeerAddress { id: "11".repeat(20).parse().unwrap(), at: at.into() }).unwrap();
    let event = soon(events.recv()).await.unwrap();
    let Event::Ended { reason: EndReason::DialFailed { why }, .. } = event else { panic!("{event:?}") };
    assert_eq!(why, "no connection within 100ms");
}
