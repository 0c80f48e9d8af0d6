//! Over loopback TCP, with several threads and the real clock.

use std::collections::BTreeMap;

use super::*;
use mconn::adapter::tokio::{Sender, connect_tcp};
use mconn::connection::{CloseReason, Fault, SendRefusal};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (dialled.unwrap(), accepted.unwrap().0)
}

fn end(stream: TcpStream, config: MConnConfig) -> End {
    let (connection, messages, driver) = connect_tcp(stream, config).unwrap();
    End { connection, messages, driver: tokio::spawn(driver) }
}

async fn tcp_pair(config: &MConnConfig) -> (End, End) {
    let (left, right) = sockets().await;
    (end(left, config.clone()), end(right, config.clone()))
}

#[tokio::test]
async fn the_addresses_of_the_socket_are_known() {
    let (left, right) = sockets().await;
    assert!(!left.nodelay().unwrap());
    let addresses = (left.local_addr().unwrap(), left.peer_addr().unwrap());
    let (connection, _messages, _driver) = connect_tcp(left, config()).unwrap();
    assert_eq!((connection.local_addr(), connection.remote_addr()), (Some(addresses.0), Some(addresses.1)));
    drop(right);
    let (connection, _messages, _driver) = connect(duplex(1).0, config()).unwrap();
    assert_eq!((connection.local_addr(), connection.remote_addr()), (None, None));
}

/// Sends `count` messages whose sizes depend on their numbers, small ones in batches.
async fn send_numbers(sender: Sender, count: u32) {
    let message = |count: u32| {
        let size = [0, 10, 100, 1020, 5000, 100_000][count as usize % 6] * usize::from(count.is_multiple_of(7));
        Bytes::from([&numbered(count)[..], &vec![count as u8; size]].concat())
    };
    for first in (0..count).step_by(10) {
        let last = count.min(first + 10);
        if first % 20 == 0 {
            let mut messages = (first..last).map(message).collect();
            sender.send_many(&mut messages).await.unwrap();
        } else {
            for count in first..last {
                sender.send(message(count)).await.unwrap();
            }
        }
    }
}

/// Reads `count` messages on each of `channels` channels.
async fn expect_numbers(messages: &mut Messages, channels: usize, count: u32) {
    let mut next: BTreeMap<u8, u32> = BTreeMap::new();
    for _ in 0..channels * count as usize {
        let (channel, message) = messages.recv().await.unwrap();
        let next = next.entry(channel).or_default();
        assert_eq!(number(&message), *next);
        assert!(message[4..].iter().all(|byte| *byte == *next as u8));
        *next += 1;
    }
    assert!(next.into_values().all(|received| received == count));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_messages_on_many_channels_both_ways() {
    const COUNT: u32 = 3000;
    for (inbox, capacity) in [(3, 1), (100, 7), (4096, 1000)] {
        let channels = [1, 2, 3, 0x80];
        let mut config = MConnConfig::default()
            .channels(channels.map(|id| ChannelConfig::new(id, u32::from(id)).send_queue_capacity(capacity)));
        config.inbox_messages = inbox;
        let (mut alice, mut bob) = tcp_pair(&config).await;
        let mut tasks = Vec::new();
        for end in [&alice, &bob] {
            for channel in channels {
                tasks.push(tokio::spawn(send_numbers(end.connection.sender(channel).unwrap(), COUNT)));
            }
        }
        tokio::join!(
            expect_numbers(&mut alice.messages, channels.len(), COUNT),
            expect_numbers(&mut bob.messages, channels.len(), COUNT),
        );
        for task in tasks {
            task.await.unwrap();
        }
        alice.connection.close_after_flush(None);
        assert_eq!(bob.messages.recv().await, None);
        assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn questions_and_answers_wake_everybody_each_time() {
    let (alice, bob) = tcp_pair(&config()).await;
    let answering = tokio::spawn(async move {
        let sender = bob.connection.sender(2).unwrap();
        let mut messages = bob.messages;
        while let Some((_, message)) = messages.recv().await {
            sender.send(message).await.unwrap();
        }
    });
    let sender = alice.connection.sender(1).unwrap();
    let mut messages = alice.messages;
    for count in 0..5000 {
        sender.send(numbered(count)).await.unwrap();
        assert_eq!(messages.recv().await, Some((2, numbered(count))));
    }
    alice.connection.close();
    answering.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_flush_arrives_completely_though_the_peer_never_stops_talking() {
    for _ in 0..20 {
        let (alice, mut bob) = tcp_pair(&config()).await;
        let talking = tokio::spawn({
            let sender = bob.connection.sender(2).unwrap();
            async move { while sender.send(Bytes::from(vec![0; 50_000])).await.is_ok() {} }
        });
        // Alice never reads, so bytes of bob wait in her socket when she closes it.
        for count in 0..40 {
            alice.send(1, [&numbered(count)[..], &[0; 50_000]].concat());
        }
        alice.connection.close_after_flush(None);
        for expected in 0..40 {
            assert_eq!(number(&bob.messages.recv().await.unwrap().1), expected);
        }
        assert_eq!(bob.messages.recv().await, None);
        assert!(matches!(bob.driver.await.unwrap().reason, CloseReason::PeerClosed { unread_bytes: 0, .. }));
        assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
        talking.await.unwrap();
    }
}

#[tokio::test]
async fn a_socket_that_takes_nothing_makes_senders_wait() {
    let (left, _right) = sockets().await;
    let end = end(left, config());
    let sender = end.connection.sender(1).unwrap();
    let error = loop {
        if let Err(error) = sender.send_timeout(Bytes::from(vec![0; 100_000]), millis(50)).await {
            break error;
        }
    };
    assert!(matches!(error.refusal, SendRefusal::Full { .. }));
    assert!(end.connection.close_reason().is_none());
    drop(_right);
    assert_eq!(end.driver.await.unwrap().fault(), Fault::Network);
}

#[tokio::test]
async fn bytes_that_come_one_by_one_make_the_same_messages() {
    let (left, mut right) = sockets().await;
    right.set_nodelay(true).unwrap();
    let mut end = end(left, config());
    for byte in [packet(1, false, &[1; 300]), packet(2, true, b"x"), packet(1, true, &[2; 20])].concat() {
        right.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(end.messages.recv().await, Some((2, Bytes::from("x"))));
    assert_eq!(end.messages.recv().await, Some((1, Bytes::from([vec![1; 300], vec![2; 20]].concat()))));
    right.write_all(&packet(1, true, b"cut")[..5]).await.unwrap();
    drop(right);
    let reason = end.driver.await.unwrap().reason;
    assert_eq!(reason, CloseReason::PeerClosed { unread_bytes: 5, partial_messages: 0 });
}
