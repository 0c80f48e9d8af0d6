//! Connections that do not become peers.

use std::sync::Arc;
use std::time::Duration;

use mconn::adapter::tokio::{DialConfig, dial};
use mconn::connection::CloseReason;
use mconn::peer::switch::{EndReason, PeerRefusal, SwitchConfig};
use mconn::peer::{LocalNode, NodeInfo, PeerClosed, UpgradeError, UpgradeStage};
use mconn::secret::{HandshakeError, NodeKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Running, Seen, pair, soon};

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:26656\r\nUser-Agent: somebody else\r\nAccept: */*\r\n\r\n";

/// A bare connection to a node.
async fn stranger(running: &Running) -> TcpStream {
    TcpStream::connect(running.address.at.socket_addr().unwrap()).await.unwrap()
}

/// Reads to the end, however it comes.
async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = soon(stream.read_to_end(&mut bytes)).await;
    bytes
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_cut() {
    let mut config = SwitchConfig::default();
    config.upgrade.handshake.timeout = Duration::from_millis(50);
    let mut alice = Running::start(1, config).await;
    for sent in [&b""[..], b"\x22\x0a"] {
        let mut stream = stranger(&alice).await;
        stream.write_all(sent).await.unwrap();
        let (id, was_peer, reason) = alice.ended().await;
        assert_eq!((id, was_peer), (None, false));
        let timeout = EndReason::Upgrade(UpgradeError::Timeout {
            timeout: Duration::from_millis(50),
            stage: UpgradeStage::Handshake,
        });
        assert_eq!(reason, timeout);
        assert_eq!(read_to_end(&mut stream).await.len(), 35);
    }
    assert!(alice.seen.is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_handshake_end_the_connection_and_disturb_nobody() {
    let (mut alice, mut bob) = pair(SwitchConfig::default(), SwitchConfig::default()).await;
    for bytes in [&[0xff; 2000][..], HTTP, &[0; 40]] {
        let mut stream = stranger(&alice).await;
        // The node may have closed before all is written.
        let _ = stream.write_all(bytes).await;
        let (_, was_peer, reason) = alice.ended().await;
        assert!(!was_peer && matches!(reason, EndReason::Upgrade(UpgradeError::Handshake(_))), "{reason}");
        read_to_end(&mut stream).await;
    }
    // One that leaves.
    drop(stranger(&alice).await);
    let (_, _, reason) = alice.ended().await;
    let left = matches!(
        reason,
        EndReason::Upgrade(
            UpgradeError::Handshake(HandshakeError::PeerClosed { .. } | HandshakeError::TransportFailed { .. })
                | UpgradeError::TransportFailed { .. }
        )
    );
    assert!(left, "{reason}");
    bob.node.try_send(&alice.id(), super::CHANNEL, "well?".into()).unwrap();
    assert_eq!(alice.seen().await, Seen::Received(bob.id(), "well?".into()));
    assert!(bob.seen.try_recv().is_err());
}

#[tokio::test]
async fn no_more_peers_are_taken_than_there_may_be() {
    let mut config = SwitchConfig::default();
    config.limits.max_inbound = 2;
    let mut alice = Running::start(1, config).await;
    let mut others = Vec::new();
    for seed in 2..5 {
        let mut other = Running::start(seed, SwitchConfig::default()).await;
        other.node.dial(&alice.address).unwrap();
        if seed < 4 {
            alice.sees_add(other.id()).await;
        } else {
            let (id, was_peer, reason) = alice.ended().await;
            assert_eq!((id, was_peer), (Some(other.id()), false));
            assert_eq!(reason, EndReason::Refused(PeerRefusal::TooManyInbound { limit: 2 }));
            other.ended().await;
        }
        others.push(other);
    }
    assert_eq!(alice.peers().len(), 2);
    // Room comes when one goes.
    others[0].node.stop();
    assert_eq!(alice.seen().await, Seen::Remove(others[0].id()));
    others[2].node.dial(&alice.address).unwrap();
    alice.sees_add(others[2].id()).await;
}

#[tokio::test]
async fn no_more_handshakes_are_begun_than_there_may_be() {
    let mut config = SwitchConfig::default();
    config.limits.max_handshakes = 3;
    let mut alice = Running::start(1, config).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = stranger(&alice).await;
        // It is taken when its greeting comes.
        soon(stream.read_exact(&mut [0; 35])).await.unwrap();
        streams.push(stream);
    }
    assert_eq!(read_to_end(&mut stranger(&alice).await).await, b"");
    assert_eq!(alice.node.refused_connections(), 1);
    drop(streams.pop());
    alice.ended().await;
    soon(stranger(&alice).await.read_exact(&mut [0; 35])).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_breaks_the_rules_goes_and_the_others_stay() {
    let (mut alice, mut bob) = pair(SwitchConfig::default(), SwitchConfig::default()).await;
    let key = NodeKey::from_seed(&[9; 32]);
    let info = NodeInfo::new(key.id(), "test-chain", [super::CHANNEL, 0x78]);
    let local = Arc::new(LocalNode::new(key, info).unwrap());

    // A frame that nobody has sealed.
    let peer = dial(&alice.address, local.clone(), DialConfig::default()).await.unwrap();
    alice.sees_add(local.id()).await;
    let (mut stream, _, _) = peer.into_parts();
    stream.write_all(&[7; 1044]).await.unwrap();
    assert_eq!(alice.seen().await, Seen::Remove(local.id()));
    let (_, was_peer, reason) = alice.ended().await;
    assert!(was_peer && matches!(reason, EndReason::Peer(PeerClosed::Open(_))), "{reason}");
    read_to_end(&mut stream).await;

    // Half of a frame, and gone.
    let peer = dial(&alice.address, local.clone(), DialConfig::default()).await.unwrap();
    alice.sees_add(local.id()).await;
    let (mut stream, _, _) = peer.into_parts();
    stream.write_all(&[7; 500]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(alice.seen().await, Seen::Remove(local.id()));
    let (_, was_peer, reason) = alice.ended().await;
    let cut = CloseReason::PeerClosed { unread_bytes: 500, partial_messages: 0 };
    assert!(was_peer && reason == EndReason::Peer(PeerClosed::Connection(cut)), "{reason}");

    bob.node.try_send(&alice.id(), super::CHANNEL, "well?".into()).unwrap();
    assert_eq!(alice.seen().await, Seen::Received(bob.id(), "well?".into()));
    assert!(bob.seen.try_recv().is_err());
}
