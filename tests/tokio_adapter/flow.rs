//! Back-pressure, waiting, timeouts and rates, in paused time.

use std::collections::VecDeque;

use super::*;
use futures_util::{SinkExt, StreamExt};
use mconn::adapter::DEFAULT_SEND_TIMEOUT;
use mconn::connection::{CloseReason, SendRefusal};
use tokio::time::Instant;

/// Sends numbered messages of `size` bytes for as long as they are accepted within a second; gives their count.
async fn fill(end: &End, channel: u8, size: usize) -> u32 {
    let sender = end.connection.sender(channel).unwrap();
    for count in 0.. {
        let mut message = vec![0; size];
        message[..4].copy_from_slice(&numbered(count));
        if sender.send_timeout(message.into(), Duration::from_secs(1)).await.is_err() {
            return count;
        }
    }
    unreachable!("the queue never fills")
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_sleeps_keeps_its_peer_and_loses_nothing() {
    // With Go's timers and Go's rule that only a pong counts.
    let config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
    let (alice, mut bob) = pair(10_000, &config);
    let count = fill(&alice, 1, 100_000).await;
    let start = Instant::now();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(alice.connection.close_reason().is_none() && bob.connection.close_reason().is_none());
    for expected in 0..count {
        assert_eq!(number(&bob.messages.recv().await.unwrap().1), expected);
    }
    alice.send(1, "on it goes");
    assert_eq!(bob.messages.recv().await.unwrap().1, "on it goes");
    assert!(start.elapsed() < Duration::from_secs(700));
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_read_is_bounded_in_messages() {
    let mut config = config();
    config.inbox_messages = 100;
    let (alice, mut bob) = pair(1000, &config);
    let count = fill(&alice, 1, 10).await;
    // The inbox and the mailbox. All else waits in buffers, in the stream, and in the queue of the sender.
    let status = bob.connection.status();
    assert_eq!(status.inbox_messages, 100);
    let received = status.counters.messages_received;
    assert!((101..=200).contains(&received), "{received}");
    for expected in 0..count {
        assert_eq!(number(&bob.messages.recv().await.unwrap().1), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_read_is_bounded_in_bytes() {
    let mut config = config();
    config.inbox_bytes = 10_000;
    let (alice, mut bob) = pair(1000, &config);
    let count = fill(&alice, 1, 3_000).await;
    let status = bob.connection.status();
    // Four messages, the last of which goes over the bound; and no more than as many in the mailbox.
    assert_eq!((status.inbox_messages, status.inbox_bytes), (4, 12_000));
    let received = status.counters.messages_received;
    assert!((5..=8).contains(&received), "{received}");
    for expected in 0..count {
        assert_eq!(number(&bob.messages.recv().await.unwrap().1), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_one_channel_holds_up_the_others_and_loses_nothing() {
    let mut config = config();
    config.inbox_messages = 20;
    let (alice, mut bob) = pair(1000, &config);
    let mut slow = bob.messages.take_channel(1).unwrap();
    let count = fill(&alice, 1, 10).await;
    alice.send(2, "behind");
    assert!(stays_pending(&mut Box::pin(bob.messages.recv())).await, "it waits behind the slow channel");
    for expected in 0..count {
        assert_eq!(number(&slow.recv().await.unwrap()), expected);
    }
    assert_eq!(bob.messages.recv().await, Some((2, Bytes::from("behind"))));
}

#[tokio::test(start_paused = true)]
async fn everything_that_the_peer_ever_sent_may_be_there_at_once() {
    // The stream holds a thousand messages and its end; the inbox holds two. Nothing else ever wakes the driver.
    let mut config = config();
    config.inbox_messages = 2;
    let (end, mut stream) = end_and_stream(100_000, config);
    for count in 0..1000 {
        tokio::io::AsyncWriteExt::write_all(&mut stream, &packet(1, true, &numbered(count))).await.unwrap();
    }
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
    let messages: Vec<_> = end.messages.collect().await;
    assert!(messages.into_iter().map(|(_, message)| number(&message)).eq(0..1000));
    assert!(matches!(end.driver.await.unwrap().reason, CloseReason::PeerClosed { unread_bytes: 0, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_send_that_times_out_gives_the_message_back() {
    let (end, _stream) = end_and_stream(1, config());
    let sender = end.connection.sender(1).unwrap();
    while sender.try_send(Bytes::from(vec![0; 100_000])).is_ok() {}
    let start = Instant::now();
    let error = sender.send_timeout(Bytes::from("late"), DEFAULT_SEND_TIMEOUT).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert!(matches!(error.refusal, SendRefusal::Full { .. }), "{error}");
    assert_eq!((error.channel, error.message), (1, Bytes::from("late")));
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_sent_does_not_wait() {
    let config = MConnConfig::default().channel(ChannelConfig::new(1, 1).max_send_message(10).send_queue_capacity(1));
    let (end, _stream) = end_and_stream(1, config);
    let sender = end.connection.sender(1).unwrap();
    let too_large = Bytes::from(vec![0; 11]);
    let error = sender.send(too_large.clone()).await.unwrap_err();
    assert_eq!((error.refusal, &error.message), (SendRefusal::TooLarge { limit: 10 }, &too_large));
    // Nor behind others who wait.
    for _ in 0..3 {
        sender.send(Bytes::from(vec![0; 10])).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut waiting = Box::pin(sender.send(Bytes::from(vec![0; 10])));
    assert!(stays_pending(&mut waiting).await);
    assert_eq!(sender.send(too_large).await.unwrap_err().refusal, SendRefusal::TooLarge { limit: 10 });
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_in_the_order_of_arrival() {
    let (alice, mut bob) = pair(1, &go_config());
    let sender = alice.connection.sender(1).unwrap();
    let mut tasks = Vec::new();
    for count in 0..50 {
        let sender = sender.clone();
        tasks.push(tokio::spawn(async move { sender.send(numbered(count)).await }));
        tokio::task::yield_now().await;
    }
    for expected in 0..50 {
        assert_eq!(number(&bob.messages.recv().await.unwrap().1), expected);
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_socket_ends_the_connection_by_the_pong_timeout() {
    let start = Instant::now();
    let (end, _stream) = end_and_stream(10, config());
    let sender = end.connection.sender(1).unwrap();
    while sender.try_send(Bytes::from(vec![0; 100_000])).is_ok() {}
    let error = sender.send(Bytes::from("waiting")).await.unwrap_err();
    assert_eq!((error.refusal, error.message), (SendRefusal::Closed, Bytes::from("waiting")));
    let timeout = Duration::from_secs(45);
    assert_eq!(end.driver.await.unwrap().reason, CloseReason::TransmitStalled { timeout });
    assert_eq!(start.elapsed(), Duration::from_secs(105));
}

#[tokio::test(start_paused = true)]
async fn a_sink_forwards_a_stream() {
    let (alice, bob) = pair(100, &go_config());
    let sink = alice.connection.sender(1).unwrap();
    let forward = tokio::spawn(async move {
        let mut numbers = futures_util::stream::iter(0..500).map(|count| Ok(numbered(count)));
        let mut sink = sink;
        sink.send_all(&mut numbers).await.unwrap();
        sink.close().await.unwrap();
    });
    let received: Vec<_> = bob.messages.take(500).map(|(_, message)| number(&message)).collect().await;
    assert!(received.into_iter().eq(0..500));
    forward.await.unwrap();
    assert!(alice.connection.close_reason().is_none(), "the connection belongs to all channels");
}

#[tokio::test(start_paused = true)]
async fn a_sink_keeps_one_message_and_gives_it_back_when_the_connection_ends() {
    let (end, _stream) = end_and_stream(1, go_config());
    let mut sink = end.connection.sender(1).unwrap();
    for count in 0..3 {
        sink.feed(numbered(count)).await.unwrap();
        tokio::task::yield_now().await;
    }
    sink.feed(numbered(3)).await.unwrap();
    assert!(stays_pending(&mut sink.flush()).await);
    assert!(stays_pending(&mut sink.feed(numbered(4))).await);
    end.connection.close();
    let error = sink.flush().await.unwrap_err();
    assert_eq!((error.refusal, number(&error.message)), (SendRefusal::Closed, 3));
    let error = sink.send(numbered(5)).await.unwrap_err();
    assert_eq!((error.refusal, number(&error.message)), (SendRefusal::Closed, 5));
}

#[tokio::test(start_paused = true)]
async fn many_messages_go_at_once() {
    let (alice, mut bob) = pair(100, &config());
    let sender = alice.connection.sender(2).unwrap();
    let mut messages: VecDeque<_> = (0..1000).map(numbered).collect();
    let reader = tokio::spawn(async move {
        let mut received = Vec::new();
        while received.len() < 1000 {
            assert!(bob.messages.recv_many(&mut received, 7).await <= 7);
        }
        received.into_iter().map(|(_, message)| number(&message)).collect::<Vec<_>>()
    });
    sender.send_many(&mut messages).await.unwrap();
    assert!(messages.is_empty());
    assert!(reader.await.unwrap().into_iter().eq(0..1000));

    alice.connection.close();
    messages.extend([numbered(7), numbered(8)]);
    assert_eq!(sender.send_many(&mut messages).await, Err(SendRefusal::Closed));
    assert!(messages.iter().map(|message| number(message)).eq([7, 8]));
}

#[tokio::test(start_paused = true)]
async fn rates_hold_and_can_be_changed_while_it_runs() {
    let mut config = config();
    config.send_limiter = Box::new(mconn::rate::TokenBucket::new(100_000, 20_000));
    let (alice, mut bob) = pair(1 << 20, &config);
    let start = Instant::now();
    alice.send(1, vec![0; 1_020_000]);
    bob.messages.recv().await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!((10.0..10.3).contains(&seconds), "{seconds}");

    alice.send(1, vec![0; 10_000_000]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    alice.connection.set_send_rate(None);
    bob.messages.recv().await.unwrap();
    assert!(start.elapsed().as_secs_f64() < seconds + 1.1);
}

#[tokio::test(start_paused = true)]
async fn the_receiver_can_hold_the_sender_back() {
    let config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
    let (alice, mut bob) = pair(100_000, &config);
    bob.connection.set_recv_rate(Some(500_000));
    alice.connection.set_send_rate(None);
    let start = Instant::now();
    alice.send(1, vec![0; 10_000_000]);
    bob.messages.recv().await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!((19.0..21.0).contains(&seconds), "{seconds}");
    bob.connection.set_recv_rate(None);
    alice.send(1, vec![0; 10_000_000]);
    bob.messages.recv().await.unwrap();
    assert!(start.elapsed().as_secs_f64() < seconds + 0.5);
}

#[tokio::test(start_paused = true)]
async fn an_urgent_message_waits_for_little_more_than_what_the_stream_holds() {
    const CAPACITY: usize = 12_000;
    let config = MConnConfig::default().channels([ChannelConfig::new(1, 1), ChannelConfig::new(2, 10)]);
    let (end, mut peer) = end_and_stream(CAPACITY, config);
    for _ in 0..20 {
        end.send(1, vec![0; 100_000]);
    }
    // The stream takes no more than a third of what it holds at once, as a socket does.
    for _ in 0..50 {
        _ = read(&mut peer, CAPACITY / 3).await;
        tokio::task::yield_now().await;
    }
    end.send(2, "urgent");
    let urgent = packet(2, true, b"urgent");
    let mut before = read(&mut peer, CAPACITY / 3).await;
    while !before.windows(urgent.len()).any(|bytes| bytes == urgent) {
        before.extend(read(&mut peer, 100).await);
        assert!(before.len() < 2 * CAPACITY, "more than the stream holds goes before");
    }
}

#[tokio::test]
async fn packets_may_be_larger_than_a_batch() {
    let mut config = config();
    (config.send_payload_size, config.recv_payload_size) = (1 << 20, 1 << 20);
    let (alice, mut bob) = pair(5000, &config);
    let message: Bytes = (0..2_500_000_u32).map(|number| (number % 251) as u8).collect();
    alice.send(1, message.clone());
    assert_eq!(bob.messages.recv().await, Some((1, message)));
}
