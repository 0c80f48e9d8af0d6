//! One peer without a switch.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::tokio::{DialConfig, DialError, dial, upgrade};
use mconn::connection::{ChannelConfig, MConnConfig};
use mconn::peer::switch::SwitchConfig;
use mconn::peer::{Incompatible, LocalNode, NodeInfo, PeerAddress, UpgradeConfig, UpgradeError, UpgradeStage};
use mconn::secret::{ExpectedPeer, HandshakeConfig, NodeKey};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::net::TcpListener;

use super::{CHANNEL, Running, Seen, soon};

fn local(seed: u8, network: &str) -> Arc<LocalNode> {
    let key = NodeKey::from_seed(&[seed; 32]);
    let info = NodeInfo::new(key.id(), network, [CHANNEL]);
    Arc::new(LocalNode::new(key, info).unwrap())
}

fn impatient() -> UpgradeConfig {
    UpgradeConfig::default().handshake(HandshakeConfig::default().timeout(Duration::from_millis(50)))
}

#[tokio::test]
async fn a_node_is_dialled_and_messages_go_both_ways() {
    let mut alice = Running::start_at(1, SwitchConfig::default(), "127.0.0.1:0", Some(Bytes::from("hi"))).await;
    let local = local(2, "test-chain");
    let peer = dial(&alice.address, local.clone(), DialConfig::default()).await.unwrap();
    assert_eq!((peer.id(), peer.node_info().network.as_str()), (alice.id(), "test-chain"));
    let (connection, mut messages, driver) =
        peer.connect(MConnConfig::cometbft().channel(ChannelConfig::new(CHANNEL, 1))).unwrap();
    assert_eq!(connection.remote_addr(), alice.address.at.socket_addr());
    tokio::spawn(driver);
    alice.sees_add(local.id()).await;
    assert_eq!(soon(messages.recv()).await, Some((CHANNEL, Bytes::from("hi"))));
    connection.sender(CHANNEL).unwrap().send(Bytes::from("ho")).await.unwrap();
    assert_eq!(alice.seen().await, Seen::Received(local.id(), Bytes::from("ho")));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let alice = Running::start(1, SwitchConfig::default()).await;
    let attempt = |address: PeerAddress, network: &str| dial_error(address, local(2, network));
    let error = attempt(alice.address.clone(), "other").await;
    let (ours, theirs) = ("other".into(), "test-chain".into());
    let expected = UpgradeError::Incompatible(Incompatible::Network { ours, theirs });
    assert!(matches!(&error, DialError::Upgrade { error, .. } if *error == expected), "{error}");

    let other = PeerAddress { id: local(3, "x").id(), at: alice.address.at.clone() };
    let DialError::Upgrade { error, .. } = attempt(other, "test-chain").await else { panic!() };
    assert!(error.is_auth_failure(), "{error}");

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = PeerAddress { id: alice.id(), at: free.into() };
    assert!(matches!(attempt(nobody, "test-chain").await, DialError::Connect(_)));
}

async fn dial_error(address: PeerAddress, local: Arc<LocalNode>) -> DialError {
    soon(dial(&address, local, DialConfig::default())).await.unwrap_err()
}

/// A stream that takes no more after so many bytes.
#[derive(Debug)]
struct Silent {
    stream: DuplexStream,
    left: usize,
}

impl AsyncRead for Silent {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Silent {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = buf.len().min(self.left);
        if count == 0 {
            return Poll::Pending;
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, &buf[..count]))?;
        self.left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[tokio::test(start_paused = true)]
async fn each_stage_has_its_deadline() {
    let (ours, _theirs) = duplex(65_536);
    let error = upgrade(ours, local(1, "chain"), ExpectedPeer::Any, impatient()).await.unwrap_err();
    let timeout = |stage| UpgradeError::Timeout { timeout: Duration::from_millis(50), stage };
    assert!(matches!(error, DialError::Upgrade { error, io: None } if error == timeout(UpgradeStage::Handshake)));

    // Its part of the handshake, and then nothing: the other side of an upgrade that can write no more.
    let (ours, broken) = duplex(65_536);
    let (first, second) = tokio::join!(
        upgrade(ours, local(1, "chain"), ExpectedPeer::Any, impatient()),
        upgrade(Silent { stream: broken, left: 35 + 1044 }, local(2, "chain"), ExpectedPeer::Any, impatient()),
    );
    let error = first.unwrap_err();
    assert!(matches!(&error, DialError::Upgrade { error, .. } if *error == timeout(UpgradeStage::NodeInfo)), "{error}");
    // What it has given away has not left.
    let error = second.unwrap_err();
    assert!(matches!(&error, DialError::Upgrade { error, .. } if *error == timeout(UpgradeStage::Leaving)), "{error}");
}
