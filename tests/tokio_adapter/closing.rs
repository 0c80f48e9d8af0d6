//! Every way in which a connection ends on purpose.

use super::*;
use mconn::connection::{CloseReason, SendRefusal};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn close_drops_what_waits() {
    let (mut alice, mut bob) = pair(1, &config());
    for number in 0..10 {
        alice.send(1, numbered(number));
    }
    alice.connection.close();
    assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Local);
    assert_eq!(alice.connection.close_reason().unwrap().reason, CloseReason::Local);
    assert_eq!(alice.messages.recv().await, None);
    assert_eq!(alice.connection.status().counters.unsent_messages, 10);
    assert_eq!(bob.messages.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn close_after_flush_sends_everything_and_then_ends_the_stream() {
    let (alice, mut bob) = pair(100, &config());
    let sender = alice.connection.sender(1).unwrap();
    for number in 0..60 {
        let message = [&numbered(number)[..], &[0; 5000]].concat();
        sender.try_send(message.into()).unwrap();
    }
    alice.connection.close_after_flush(None);
    let error = sender.try_send(Bytes::new()).unwrap_err();
    assert_eq!(error.refusal, SendRefusal::Closing);
    for expected in 0..60 {
        let (channel, message) = bob.messages.recv().await.unwrap();
        assert_eq!((channel, message.len(), number(&message)), (1, 5004, expected));
    }
    assert_eq!(bob.messages.recv().await, None);
    let end = bob.driver.await.unwrap().reason;
    assert_eq!(end, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
    assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
}

#[tokio::test(start_paused = true)]
async fn while_flushing_messages_still_come() {
    let (mut alice, bob) = pair(10, &config());
    alice.send(1, vec![0; 300_000]);
    alice.connection.close_after_flush(None);
    bob.send(2, "still heard");
    assert_eq!(alice.messages.recv().await, Some((2, Bytes::from("still heard"))));
    assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_takes_too_long_is_given_up_at_its_deadline() {
    let start = Instant::now();
    let (alice, stream) = end_and_stream(10, config());
    alice.send(1, vec![0; 200_000]);
    alice.connection.close_after_flush(Some(millis(2500)));
    let closed = alice.driver.await.unwrap();
    assert!(matches!(closed.reason, CloseReason::FlushDeadline { unsent_messages: 1, .. }), "{closed}");
    assert_eq!(start.elapsed(), millis(2500));
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_for_the_last_bytes_too() {
    // The machine has given everything; the stream takes ten bytes of it.
    let start = Instant::now();
    let (alice, stream) = end_and_stream(10, config());
    alice.send(1, vec![0; 100]);
    alice.connection.close_after_flush(Some(millis(2500)));
    let closed = alice.driver.await.unwrap();
    assert_eq!(closed.reason, CloseReason::TransportFailed);
    assert_eq!(closed.io.unwrap().kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), millis(2500));
    drop(stream);
}

/// The end comes while output is made, and the stream takes nothing then: nobody but the driver can know of it.
#[tokio::test(start_paused = true)]
async fn a_flush_that_ends_at_a_full_stream_has_its_deadline() {
    let wire = packet(1, true, &[0; 100]).len();
    for (deadline, longest) in [(Some(millis(2500)), millis(2500)), (None, Duration::from_secs(45))] {
        let (alice, stream) = end_and_stream(wire, config());
        alice.send(1, vec![0; 100]);
        tokio::time::sleep(millis(1)).await; // The stream is full from now on.
        alice.send(1, vec![0; 100]);
        let start = Instant::now();
        alice.connection.close_after_flush(deadline);
        let closed = tokio::time::timeout(Duration::from_secs(1000), alice.driver).await.expect("an end").unwrap();
        assert_eq!(closed.io.unwrap().kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), longest);
        drop(stream);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_the_last_bytes_wait_for_the_pong_timeout() {
    let start = Instant::now();
    let (alice, mut stream) = end_and_stream(10, config());
    alice.send(1, vec![0; 100]);
    alice.connection.close_after_flush(None);
    tokio::time::sleep(Duration::from_secs(40)).await;
    read(&mut stream, 10).await; // life: the time begins again
    let closed = alice.driver.await.unwrap();
    assert_eq!(closed.io.unwrap().kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), Duration::from_secs(85));
}

#[tokio::test(start_paused = true)]
async fn close_ends_a_flush() {
    for size in [100, 200_000] {
        let (alice, _stream) = end_and_stream(10, config());
        alice.send(1, vec![0; size]);
        alice.connection.close_after_flush(None);
        tokio::time::sleep(millis(5)).await;
        assert!(alice.connection.close_reason().is_none());
        let start = Instant::now();
        alice.connection.close();
        assert_eq!(alice.connection.closed().await.reason, CloseReason::Local);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_last_byte_it_waits_a_second_for_the_peer_to_close() {
    let start = Instant::now();
    let (alice, mut stream) = end_and_stream(100, config());
    alice.send(1, "bye");
    alice.connection.close_after_flush(None);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, packet(1, true, b"bye"));
    // What the peer still says is read, and thrown away.
    stream.write_all(&[0; 10_000]).await.unwrap();
    assert_eq!(alice.driver.await.unwrap().reason, CloseReason::Flushed);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert!(stream.write_all(&[0; 1000]).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn both_sides_may_flush_at_once() {
    let (mut alice, mut bob) = pair(50, &config());
    for end in [&alice, &bob] {
        end.send(1, vec![1; 3000]);
        end.connection.close_after_flush(None);
    }
    // Messages that come before the own flush is over are heard; later ones may be thrown away.
    let (a, b) = tokio::join!(alice.driver, bob.driver);
    assert_eq!((a.unwrap().reason, b.unwrap().reason), (CloseReason::Flushed, CloseReason::Flushed));
    while alice.messages.recv().await.is_some() || bob.messages.recv().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn closing_gives_waiting_senders_their_messages_back_at_once() {
    for flush in [false, true] {
        let (alice, _stream) = end_and_stream(1, config());
        let sender = alice.connection.sender(1).unwrap();
        while sender.try_send(Bytes::from(vec![0; 70_000])).is_ok() {}
        let waiting: Vec<_> = (0..3_u8)
            .map(|number| {
                let sender = sender.clone();
                tokio::spawn(async move { sender.send(Bytes::from(vec![number])).await })
            })
            .collect();
        tokio::time::sleep(millis(1)).await;
        let start = Instant::now();
        if flush {
            alice.connection.close_after_flush(None);
        } else {
            alice.connection.close();
        }
        for (number, task) in waiting.into_iter().enumerate() {
            let error = task.await.unwrap().unwrap_err();
            let refusal = if flush { SendRefusal::Closing } else { SendRefusal::Closed };
            assert_eq!((error.refusal, usize::from(error.message[0])), (refusal, number));
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_learns_why_it_closed_as_often_as_they_ask() {
    let (alice, _stream) = end_and_stream(1, config());
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let connection = alice.connection.clone();
            tokio::spawn(async move { connection.closed().await.reason })
        })
        .collect();
    tokio::time::sleep(millis(1)).await;
    alice.connection.close();
    for task in waiting {
        assert_eq!(task.await.unwrap(), CloseReason::Local);
    }
    assert_eq!(alice.connection.closed().await.reason, CloseReason::Local);
    alice.connection.close();
    alice.connection.close_after_flush(None);
    assert_eq!(alice.connection.closed().await.reason, CloseReason::Local);
}
