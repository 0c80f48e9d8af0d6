//! Peers that come, speak and go.

use bytes::Bytes;
use mconn::connection::{CloseReason, SendRefusal};
use mconn::peer::PeerClosed;
use mconn::peer::switch::{EndReason, Event, SwitchConfig};

use super::{CHANNEL, Running, Seen, pair, soon};

#[tokio::test]
async fn two_nodes_add_each_other_speak_and_part() {
    let (mut alice, mut bob) = pair(SwitchConfig::default(), SwitchConfig::default()).await;
    let started = alice.event().await;
    assert!(matches!(started, Event::PeerStarted { id, is_outbound: true, .. } if id == bob.id()), "{started:?}");
    let started = bob.event().await;
    assert!(matches!(started, Event::PeerStarted { id, is_outbound: false, .. } if id == alice.id()), "{started:?}");

    let seen_by_bob = &bob.node.peers()[0];
    assert_eq!((seen_by_bob.id, seen_by_bob.is_outbound), (alice.id(), false));
    assert_eq!(seen_by_bob.node_info.network, "test-chain");
    assert!(seen_by_bob.remote_addr.unwrap().ip().is_loopback());

    for (from, to) in [(&alice, &mut bob)] {
        from.node.try_send(&to.id(), CHANNEL, Bytes::from("hello")).unwrap();
        assert_eq!(to.seen().await, Seen::Received(from.id(), Bytes::from("hello")));
    }
    assert!(alice.node.stop_peer(&bob.id(), "enough"));
    assert_eq!(alice.seen().await, Seen::Remove(bob.id()));
    assert_eq!(bob.seen().await, Seen::Remove(alice.id()));
    let why = EndReason::Stopped { why: "enough".into() };
    assert_eq!(alice.ended().await, (Some(bob.id()), true, why));
    let (id, was_peer, reason) = bob.ended().await;
    assert_eq!((id, was_peer), (Some(alice.id()), true));
    assert!(
        matches!(
            reason,
            EndReason::Peer(PeerClosed::Connection(CloseReason::PeerClosed { .. } | CloseReason::TransportFailed))
        ),
        "{reason}"
    );
    assert!(!alice.node.stop_peer(&bob.id(), "again"));
    let refused = alice.node.send(&bob.id(), CHANNEL, Bytes::from("back")).await.unwrap_err();
    assert_eq!((refused.refusal, refused.message), (SendRefusal::Closed, Bytes::from("back")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_nodes_all_hear_what_each_broadcasts_in_order() {
    const NODES: usize = 10;
    const MESSAGES: u8 = 20;
    let mut nodes = Vec::new();
    for seed in 0..NODES as u8 {
        nodes.push(Running::start(seed + 1, SwitchConfig::default()).await);
    }
    for from in 0..NODES {
        for to in from + 1..NODES {
            nodes[from].node.dial(&nodes[to].address).unwrap();
        }
    }
    let ids: Vec<_> = nodes.iter().map(Running::id).collect();
    for node in &mut nodes {
        let mut open = Vec::new();
        for _ in 0..2 * (NODES - 1) {
            match node.seen().await {
                Seen::Init(id) => open.push((id, false)),
                Seen::Add(id) => {
                    let place = open.iter().position(|seen| *seen == (id, false)).expect("init comes first");
                    open[place].1 = true;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(open.len(), NODES - 1);
    }
    for node in &nodes {
        for number in 0..MESSAGES {
            let broadcast = node.node.broadcast(CHANNEL, &Bytes::from(vec![number; 3000]));
            assert_eq!((broadcast.queued, broadcast.refused), (NODES - 1, 0));
        }
    }
    for node in &mut nodes {
        let mut heard = [0; NODES];
        for _ in 0..(NODES - 1) * usize::from(MESSAGES) {
            let Seen::Received(from, message) = node.seen().await else { panic!() };
            let from = ids.iter().position(|id| *id == from).unwrap();
            assert_eq!(message, vec![heard[from]; 3000]);
            heard[from] += 1;
        }
        assert_eq!(heard.iter().filter(|count| **count == MESSAGES).count(), NODES - 1);
        assert_eq!(node.node.dropped_messages(), 0);
    }
    // Each sees all others go, and each of them once.
    let last = nodes.pop().unwrap();
    last.node.stop();
    soon(last.node.stopped()).await;
    for node in &mut nodes {
        assert_eq!(node.seen().await, Seen::Remove(last.id()));
        assert_eq!(node.peers().len(), NODES - 2);
    }
}

#[tokio::test]
async fn who_sends_waits_for_room_and_nothing_is_lost() {
    let mut slow = SwitchConfig::default();
    slow.connection.recv_limiter = Box::new(mconn::rate::TokenBucket::new(400_000, 20_000));
    let (alice, mut bob) = pair(SwitchConfig::default(), slow).await;
    let (node, to) = (alice.node.clone(), bob.id());
    // Far more than queues and sockets hold at once.
    let sending = tokio::spawn(async move {
        for number in 0..40_u8 {
            node.send(&to, CHANNEL, vec![number; 10_000].into()).await.unwrap();
        }
    });
    for number in 0..40_u8 {
        assert_eq!(bob.seen().await, Seen::Received(alice.id(), vec![number; 10_000].into()));
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn what_a_reactor_sends_at_once_is_the_first_that_is_heard() {
    let mut alice = Running::start(1, SwitchConfig::default()).await;
    let bob = Running::start_at(2, SwitchConfig::default(), "127.0.0.1:0", Some(Bytes::from("hi"))).await;
    alice.node.dial(&bob.address).unwrap();
    alice.sees_add(bob.id()).await;
    assert_eq!(alice.seen().await, Seen::Received(bob.id(), Bytes::from("hi")));
}
