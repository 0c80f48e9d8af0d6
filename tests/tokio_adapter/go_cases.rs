//! The cases of Go's `p2p/conn/connection_test.go @ v0.38` that concern I/O, under their names.

use super::*;
use mconn::adapter::DEFAULT_SEND_TIMEOUT;
use mconn::connection::{CloseReason, Fault, SendRefusal};
use tokio::io::AsyncWriteExt;

#[tokio::test(start_paused = true)]
async fn send_flush_stop() {
    let (end, mut stream) = end_and_stream(64, go_config());
    end.send(1, "abc");
    end.connection.close_after_flush(None);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, packet(1, true, b"abc"));
    drop(stream);
    assert_eq!(end.driver.await.unwrap().reason, CloseReason::Flushed);
}

#[tokio::test(start_paused = true)]
async fn send() {
    let (end, mut stream) = end_and_stream(64, go_config());
    let sender = end.connection.sender(1).unwrap();
    sender.send(Bytes::from("Ant-Man")).await.unwrap();
    read(&mut stream, 16).await;
    sender.try_send(Bytes::from("Spider-Man")).unwrap();
    read(&mut stream, 19).await;
    assert!(end.connection.sender(0x05).is_none(), "the channel is not known");
}

#[tokio::test(start_paused = true)]
async fn receive() {
    let (alice, mut bob) = pair(1024, &go_config());
    alice.send(1, "Cyclops");
    assert_eq!(bob.messages.recv().await, Some((1, Bytes::from("Cyclops"))));
    assert!(alice.connection.close_reason().is_none() && bob.connection.close_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn status() {
    let (end, _stream) = end_and_stream(64, go_config());
    let status = end.connection.status();
    assert_eq!((status.channels[0].id, status.channels[0].send_queue_size), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn pong_timeout_results_in_error() {
    let (mut end, mut stream) = end_and_stream(64, go_config());
    let start = tokio::time::Instant::now();
    assert_eq!(read(&mut stream, 3).await, PING);
    let closed = end.connection.closed().await;
    assert_eq!(closed.reason, CloseReason::PongTimeout { timeout: millis(45) });
    let passed = start.elapsed();
    assert!(passed >= millis(135) && passed < millis(140), "{passed:?}");
    assert_eq!(end.messages.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn multiple_pongs_in_the_beginning() {
    let (end, mut stream) = end_and_stream(64, go_config());
    stream.write_all(&PONG.repeat(3)).await.unwrap();
    assert_eq!(read(&mut stream, 3).await, PING);
    stream.write_all(PONG).await.unwrap();
    tokio::time::sleep(millis(45 + 20)).await;
    assert!(end.connection.close_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn multiple_pings() {
    let (end, mut stream) = end_and_stream(64, go_config());
    for _ in 0..3 {
        stream.write_all(PING).await.unwrap();
        assert_eq!(read(&mut stream, 3).await, PONG);
    }
    assert!(end.connection.close_reason().is_none());
}

#[tokio::test(start_paused = true)]
async fn ping_pongs() {
    let (mut end, mut stream) = end_and_stream(64, go_config());
    for _ in 0..2 {
        assert_eq!(read(&mut stream, 3).await, PING);
        stream.write_all(PONG).await.unwrap();
    }
    tokio::time::sleep(millis(45 + 20)).await;
    assert!(end.connection.close_reason().is_none());
    assert!(stays_pending(&mut Box::pin(end.messages.recv())).await);
    // No task is left behind: the driver resolves.
    drop(stream);
    assert_eq!(end.driver.await.unwrap().fault(), Fault::Network);
}

#[tokio::test(start_paused = true)]
async fn stops_and_returns_error() {
    let (end, stream) = end_and_stream(64, go_config());
    drop(stream);
    let closed = end.connection.closed().await;
    assert_eq!(closed.reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
    let error = end.connection.sender(1).unwrap().send(Bytes::from("late")).await.unwrap_err();
    assert_eq!((error.refusal, error.message), (SendRefusal::Closed, Bytes::from("late")));
}

/// What the end makes of `bytes`: the messages, and why it closed.
async fn outcome(bytes: &[u8]) -> (Vec<(u8, Bytes)>, CloseReason) {
    let (mut end, mut stream) = end_and_stream(4096, go_config());
    stream.write_all(bytes).await.unwrap();
    let reason = end.connection.closed().await.reason;
    assert!(stream.write_all(&[0; 5000]).await.is_err(), "the stream is let go");
    let mut messages = Vec::new();
    while let Some(message) = end.messages.recv().await {
        messages.push(message);
    }
    (messages, reason)
}

#[tokio::test(start_paused = true)]
async fn read_error_bad_encoding() {
    let (messages, reason) = outcome(&[1, 2, 3, 4, 5]).await;
    assert!(messages.is_empty() && matches!(reason, CloseReason::Decode { .. }), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn read_error_unknown_channel() {
    let more = go_config().channel(ChannelConfig::new(2, 1));
    let (left, right) = duplex(1024);
    let (alice, bob) = (End::over(left, more), End::over(right, go_config()));
    assert!(alice.connection.sender(3).is_none());
    alice.send(2, "Quicksilver");
    assert_eq!(bob.connection.closed().await.reason, CloseReason::UnknownChannel { channel: 2 });
}

#[tokio::test(start_paused = true)]
async fn read_error_long_message() {
    let good = packet(1, true, &[7; 1024]);
    let bad = packet(1, true, &[7; 1124]);
    let (messages, reason) = outcome(&[good, bad].concat()).await;
    assert_eq!(messages, [(1, Bytes::from(vec![7; 1024]))]);
    assert!(matches!(reason, CloseReason::Decode { .. }), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn read_error_unknown_msg_type() {
    // A block header with the chain id "x", of which the second field can not be a pong.
    let (messages, reason) = outcome(b"\x05\x0a\x00\x12\x01\x78").await;
    assert!(messages.is_empty() && matches!(reason, CloseReason::Decode { .. }), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn try_send() {
    // Nobody reads, and the stream holds one byte.
    let mut config = go_config();
    config.ping = PingPolicy::Never;
    let (end, mut stream) = end_and_stream(1, config);
    let sender = end.connection.sender(1).unwrap();
    let message = || Bytes::from("Semicolon-Woman");
    sender.try_send(message()).unwrap();
    read(&mut stream, 24).await;
    // One is in the driver's hands, one is being cut, one waits.
    for _ in 0..3 {
        sender.send(message()).await.unwrap();
        tokio::task::yield_now().await;
    }
    let error = sender.try_send(message()).unwrap_err();
    assert!(matches!(error.refusal, SendRefusal::Full { queued: 1, capacity: 1, .. }), "{error}");
    // Who tries while another reads gets an answer, too.
    let concurrent = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send_timeout(message(), DEFAULT_SEND_TIMEOUT).await }
    });
    read(&mut stream, 2 * 24).await;
    concurrent.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn conn_vectors() {
    let (end, mut stream) = end_and_stream(64, go_config());
    let mut expected = hex::decode("1a22").unwrap();
    expected.extend(hex::decode("08011a1e64617461207472616e736d6974746564206f766572207468652077697265").unwrap());
    // The original's packet is not the last of its message; ours is, which adds two bytes.
    expected[1] += 2;
    expected.splice(4..4, [0x10, 0x01]);
    end.send(1, "data transmitted over the wire");
    assert_eq!(read(&mut stream, 1 + expected.len()).await[1..], expected);
    stream.write_all(PING).await.unwrap();
    assert_eq!(read(&mut stream, 3).await, PONG);
    assert_eq!(read(&mut stream, 3).await, PING);
}

#[tokio::test(start_paused = true)]
async fn channel_overflow() {
    let (messages, reason) = outcome(b"\x0c\x1a\x0a\x08\x81\x08\x10\x01\x1a\x03abc").await;
    assert_eq!((messages, reason), (vec![], CloseReason::UnknownChannel { channel: 1025 }));
}
