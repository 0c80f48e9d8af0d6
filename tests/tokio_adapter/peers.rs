//! Peers: the same driver over sealed frames.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use mconn::adapter::tokio::{Addresses, connect_peer};
use mconn::connection::{CloseReason, Fault, MConnConfig, SendRefusal};
use mconn::machine::Machine;
use mconn::peer::{LocalNode, NodeInfo, Origin, PeerClosed, Upgrade, UpgradeConfig, UpgradeEvent, Upgraded};
use mconn::secret::{EphemeralSecret, ExpectedPeer, Input, NodeKey, OpenError};
use mconn::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{End, config};

const NOW: Instant = Instant::ZERO;

fn begin(seed: u8, channels: &[u8]) -> Upgrade {
    let key = NodeKey::from_seed(&[seed; 32]);
    let info = NodeInfo::new(key.id(), "chain", channels.iter().copied());
    let local = Arc::new(LocalNode::new(key, info).unwrap());
    Upgrade::new(local, EphemeralSecret::from_random(&[seed; 32]), ExpectedPeer::Any, UpgradeConfig::default(), NOW)
}

/// The loop that drives an upgrade over a stream. It reads while it writes: the other side may be doing the same.
async fn run(mut upgrade: Upgrade, stream: &mut DuplexStream) -> (Upgraded, BytesMut) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (mut inbound, mut outbound) = (BytesMut::new(), BytesMut::new());
    loop {
        if outbound.is_empty() {
            outbound.extend(upgrade.poll_transmit(NOW).unwrap_or_default());
        }
        let budget = upgrade.recv_budget().saturating_sub(inbound.len());
        let mut buffer = (&mut inbound).limit(budget);
        tokio::select! {
            written = writer.write_buf(&mut outbound), if !outbound.is_empty() => assert!(written.unwrap() > 0),
            read = reader.read_buf(&mut buffer), if budget > 0 => assert!(read.unwrap() > 0),
        }
        upgrade.handle(NOW, Input::Received { buf: &mut inbound, end: false });
        if outbound.is_empty()
            && let Some(event) = upgrade.poll_event()
        {
            match event {
                UpgradeEvent::Established(upgraded) => return (upgraded, inbound),
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn end(upgrade: Upgrade, mut stream: DuplexStream, config: MConnConfig) -> End {
    let (upgraded, inbound) = run(upgrade, &mut stream).await;
    let parts = connect_peer(stream, inbound, upgraded, Origin::inbound(), config, Addresses::default());
    let (connection, messages, driver) = parts.unwrap();
    End { connection, messages, driver: tokio::spawn(driver) }
}

/// Two peers over a stream that holds `capacity` bytes each way. The second has only announced channel 1.
async fn peers(capacity: usize, config: MConnConfig) -> (End, End) {
    let (left, right) = duplex(capacity);
    tokio::join!(end(begin(1, &[1, 2]), left, config.clone()), end(begin(2, &[1]), right, config))
}

#[tokio::test(start_paused = true)]
async fn peers_exchange_messages_over_any_stream() {
    let mut tiny = config();
    tiny.inbox_messages = 1;
    for (capacity, config) in [(65_536, config()), (700, config()), (3000, tiny)] {
        let (left, mut right) = peers(capacity, config).await;
        let sent: Vec<Bytes> = (0..200_usize).map(|number| vec![number as u8; number * 37 % 5000].into()).collect();
        let sender = left.connection.sender(1).unwrap();
        let messages = sent.clone();
        let sending = tokio::spawn(async move {
            for message in messages {
                sender.send(message).await.unwrap();
            }
        });
        for expected in sent {
            assert_eq!(right.messages.recv().await, Some((1, expected)));
        }
        sending.await.unwrap();
        left.connection.close_after_flush(None);
        assert_eq!(left.connection.closed().await.reason, CloseReason::Flushed);
        assert!(matches!(right.driver.await.unwrap().reason, CloseReason::PeerClosed { unread_bytes: 0, .. }));
        left.driver.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_writes_the_last_frame() {
    let (left, mut right) = peers(500, config()).await;
    left.send(1, vec![7; 30_000]);
    left.connection.close_after_flush(None);
    assert_eq!(right.messages.recv().await, Some((1, vec![7; 30_000].into())));
    assert_eq!(right.messages.recv().await, None);
    assert_eq!(left.driver.await.unwrap().reason, CloseReason::Flushed);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_not_announced_is_refused_at_once() {
    let (left, right) = peers(65_536, config()).await;
    let error = left.connection.sender(2).unwrap().send(Bytes::from("back")).await.unwrap_err();
    assert_eq!((error.refusal, error.message), (SendRefusal::NotAnnounced, Bytes::from("back")));
    drop((left, right));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_can_not_be_opened_is_told_with_its_reason() {
    let (left, mut right) = duplex(65_536);
    let (left, _) = tokio::join!(end(begin(1, &[1]), left, config()), run(begin(2, &[1]), &mut right));
    right.write_all(&[9; 1044]).await.unwrap();
    let closed = left.driver.await.unwrap();
    assert_eq!((closed.fault(), &closed.reason), (Fault::Peer, &CloseReason::TransportFailed));
    let io = closed.io.unwrap();
    let why = io.get_ref().unwrap().downcast_ref::<PeerClosed>().unwrap();
    assert_eq!(why, &PeerClosed::Open(OpenError::WrongTag { frame: 2 }));
}
