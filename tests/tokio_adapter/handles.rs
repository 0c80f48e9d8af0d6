//! Handles that are dropped.

use super::*;
use mconn::connection::{CloseReason, SendRefusal};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn the_last_handle_flushes() {
    let (alice, mut bob) = pair(100, &config());
    let sender = alice.connection.sender(1).unwrap();
    for number in 0..50 {
        sender.try_send([&numbered(number)[..], &[0; 2000]].concat().into()).unwrap();
    }
    drop((sender, alice.connection, alice.messages));
    for expected in 0..50 {
        assert_eq!(number(&bob.messages.recv().await.unwrap().1), expected);
    }
    assert_eq!(bob.messages.recv().await, None);
    drop(bob);
    assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
}

#[tokio::test(start_paused = true)]
async fn the_flush_of_the_last_handle_takes_ten_seconds_at_most() {
    let start = Instant::now();
    let (alice, _stream) = end_and_stream(100, config());
    alice.send(1, vec![0; 200_000]);
    drop((alice.connection, alice.messages));
    assert!(matches!(alice.driver.await.unwrap().reason, CloseReason::FlushDeadline { .. }));
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_leaves_a_flush_as_it_was_asked_for() {
    let (alice, mut stream) = end_and_stream(100, config());
    alice.send(1, vec![0; 200_000]);
    alice.connection.close_after_flush(Some(Duration::from_secs(3600)));
    drop((alice.connection, alice.messages));
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    drop(stream);
    assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
}

#[tokio::test(start_paused = true)]
async fn any_handle_keeps_the_connection() {
    let (alice, mut bob) = pair(100, &config());
    let sender = alice.connection.sender(1).unwrap().clone();
    drop((alice.connection, alice.messages));
    tokio::time::sleep(Duration::from_secs(300)).await;
    sender.send(Bytes::from("still here")).await.unwrap();
    assert!(bob.messages.recv().await.is_some());
    // Of the other end only the messages are left.
    drop(bob.connection);
    tokio::time::sleep(Duration::from_secs(300)).await;
    sender.send(Bytes::from("and here")).await.unwrap();
    assert!(bob.messages.recv().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn without_messages_the_rest_goes_on() {
    let (alice, bob) = pair(100, &config());
    drop(bob.messages);
    let sender = alice.connection.sender(1).unwrap();
    // Far more than any inbox holds, and long enough for pings.
    for _ in 0..300 {
        sender.send(Bytes::from(vec![0; 50_000])).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let counters = bob.connection.status().counters;
    assert_eq!(counters.messages_received, 300);
    assert!(counters.pings_received >= 4);
    assert!(alice.connection.close_reason().is_none() && bob.connection.close_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn without_messages_a_channel_that_was_taken_is_read_all_the_same() {
    let (alice, mut bob) = pair(100, &config());
    let mut second = bob.messages.take_channel(2).unwrap();
    drop(bob.messages);
    for number in 0..1000 {
        alice.connection.sender(1).unwrap().send(Bytes::from(vec![0; 5000])).await.unwrap();
        alice.connection.sender(2).unwrap().send(numbered(number)).await.unwrap();
        assert_eq!(second.recv().await, Some(numbered(number)));
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_driver_closes_the_stream_and_tells_everybody() {
    let mut small = config();
    small.inbox_bytes = 1000; // Bob reads little
    let (alice, mut bob) = pair(100, &small);
    let (mut messages, connection) = (alice.messages, alice.connection);
    bob.send(1, "before");
    bob.send(1, "before");
    assert!(messages.recv().await.is_some());
    let sender = connection.sender(1).unwrap();
    while sender.send_timeout(Bytes::from(vec![0; 70_000]), millis(1)).await.is_ok() {}
    let waiting = tokio::spawn(async move { sender.send(Bytes::from("waiting")).await });
    tokio::time::sleep(millis(1)).await;

    alice.driver.abort();
    assert_eq!(connection.closed().await.reason, CloseReason::Local);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.refusal, error.message), (SendRefusal::Closed, Bytes::from("waiting")));
    // What was received is there, then comes the end.
    assert!(messages.recv().await.is_some());
    assert_eq!(messages.recv().await, None);
    while bob.messages.recv().await.is_some() {}
    assert!(matches!(bob.driver.await.unwrap().reason, CloseReason::PeerClosed { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_was_never_polled_closes_too_when_it_is_dropped() {
    let (stream, _other) = duplex(10);
    let (connection, mut messages, driver) = connect(stream, config()).unwrap();
    connection.sender(1).unwrap().try_send(Bytes::from("never sent")).unwrap();
    connection.close_after_flush(None);
    drop(driver);
    assert_eq!(connection.closed().await.reason, CloseReason::Local);
    assert_eq!(messages.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_channel_taken_late_gets_what_came_before() {
    let (alice, mut bob) = pair(10_000, &config());
    for number in 0..20 {
        alice.send(1, numbered(number));
        alice.send(2, numbered(number));
    }
    // The first message brings the whole batch to the reader.
    assert_eq!(bob.messages.recv().await, Some((1, numbered(0))));
    for number in 20..40 {
        alice.send(1, numbered(number));
        alice.send(2, numbered(number));
    }
    tokio::time::sleep(millis(1)).await;
    let mut second = bob.messages.take_channel(2).unwrap();
    assert!(bob.messages.take_channel(2).is_none(), "it is taken");
    assert!(bob.messages.take_channel(3).is_none(), "there is no such channel");
    for number in 0..40 {
        assert_eq!(second.recv().await, Some(numbered(number)));
    }
    for number in 1..40 {
        assert_eq!(bob.messages.recv().await, Some((1, numbered(number))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_dropped_goes_back_to_the_messages() {
    let (alice, mut bob) = pair(10_000, &config());
    for round in 0..3 {
        let mut second = bob.messages.take_channel(2).unwrap();
        for number in 0..30 {
            alice.send(2, numbered(number));
        }
        assert_eq!(second.recv().await, Some(numbered(0)), "round {round}");
        for number in 30..60 {
            alice.send(2, numbered(number));
        }
        tokio::time::sleep(millis(1)).await;
        drop(second);
        for number in 1..60 {
            assert_eq!(bob.messages.recv().await, Some((2, numbered(number))));
        }
        alice.send(2, "later");
        assert_eq!(bob.messages.recv().await, Some((2, Bytes::from("later"))));
    }
}
