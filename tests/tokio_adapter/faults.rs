//! Peers and streams that misbehave.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::*;
use mconn::connection::{CloseReason, Fault};
use tokio::io::{AsyncWriteExt, ReadBuf};

/// A stream that gives what it was told to give.
#[derive(Default)]
struct Scripted {
    /// `None` waits for ever.
    reads: VecDeque<Option<io::Result<Vec<u8>>>>,
    write_error: Option<io::ErrorKind>,
    /// Bytes that were written and not flushed, and bytes that were flushed.
    unflushed: usize,
    flushed: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl AsyncRead for Scripted {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.reads.pop_front() {
            None => Poll::Ready(Ok(())),
            Some(None) => {
                self.reads.push_front(None);
                Poll::Pending
            }
            Some(Some(Err(error))) => Poll::Ready(Err(error)),
            Some(Some(Ok(bytes))) => {
                buf.put_slice(&bytes);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(kind) = self.write_error {
            return Poll::Ready(if kind == io::ErrorKind::WriteZero { Ok(0) } else { Err(kind.into()) });
        }
        self.unflushed += buf.len();
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let bytes = std::mem::take(&mut self.unflushed);
        self.flushed.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_stream_is_told_with_the_reason() {
    let hello = packet(1, true, b"hello");
    let reset = Err(io::ErrorKind::ConnectionReset.into());
    let stream = Scripted { reads: [Some(Ok(hello)), Some(reset)].into(), ..Scripted::default() };
    let mut end = End::over(stream, config());
    assert_eq!(end.messages.recv().await, Some((1, Bytes::from("hello"))));
    assert_eq!(end.messages.recv().await, None);
    let closed = end.driver.await.unwrap();
    assert_eq!((closed.reason.clone(), closed.fault()), (CloseReason::TransportFailed, Fault::Network));
    assert_eq!(closed.io.as_ref().unwrap().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(closed.to_string(), "the transport failed: connection reset");
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_said_last_is_heard_though_writing_fails() {
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::WriteZero] {
        let reads = (0..5).map(|count| Some(Ok(packet(1, true, &numbered(count))))).chain([None]).collect();
        let mut end = End::over(Scripted { reads, write_error: Some(kind), ..Scripted::default() }, config());
        end.send(1, "lost");
        for expected in 0..5 {
            assert_eq!(end.messages.recv().await, Some((1, numbered(expected))));
        }
        assert_eq!(end.messages.recv().await, None);
        let closed = end.driver.await.unwrap();
        assert_eq!(closed.reason, CloseReason::TransportFailed);
        assert_eq!(closed.io.unwrap().kind(), kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_can_not_be_written_is_none() {
    let reads = [None].into();
    let end =
        End::over(Scripted { reads, write_error: Some(io::ErrorKind::BrokenPipe), ..Scripted::default() }, config());
    end.send(1, "lost");
    end.connection.close_after_flush(None);
    let closed = end.driver.await.unwrap();
    assert_eq!(closed.reason, CloseReason::TransportFailed);
    assert_eq!(closed.io.unwrap().kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_buffers_is_flushed_before_the_driver_sleeps() {
    let stream = Scripted { reads: [None].into(), ..Scripted::default() };
    let flushed = stream.flushed.clone();
    let end = End::over(stream, config());
    end.send(1, "hello");
    tokio::time::sleep(millis(1)).await;
    assert_eq!(flushed.load(std::sync::atomic::Ordering::Relaxed), packet(1, true, b"hello").len());
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_fault_of_the_peer_is_delivered() {
    let mut small = config();
    small.inbox_messages = 3;
    let (mut end, mut stream) = end_and_stream(1 << 20, small);
    let mut bytes: Vec<_> = (0..200).flat_map(|count| packet(1, true, &numbered(count))).collect();
    bytes.extend([0xff; 20]);
    stream.write_all(&bytes).await.unwrap();
    for expected in 0..200 {
        assert_eq!(end.messages.recv().await, Some((1, numbered(expected))));
    }
    assert_eq!(end.messages.recv().await, None);
    let closed = end.connection.closed().await;
    assert!(matches!(closed.reason, CloseReason::Decode { .. }), "{closed}");
    assert_eq!(closed.fault(), Fault::Peer);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_sleeps_does_not_keep_a_dead_connection() {
    // The fault is in the buffer, behind as many messages as fit; the driver ends though nobody reads, and what was
    // received is there still.
    let mut small = config();
    small.inbox_messages = 3;
    let (mut end, mut stream) = end_and_stream(1 << 20, small);
    let mut bytes: Vec<_> = (0..5).flat_map(|count| packet(1, true, &numbered(count))).collect();
    bytes.extend([0xff; 20]);
    stream.write_all(&bytes).await.unwrap();
    assert!(matches!(end.driver.await.unwrap().reason, CloseReason::Decode { .. }));
    assert!(stream.write_all(&[0; 1 << 20]).await.is_err(), "the stream is let go");
    for expected in 0..5 {
        assert_eq!(end.messages.recv().await, Some((1, numbered(expected))));
    }
    assert_eq!(end.messages.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_the_connection_and_nothing_else() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for _ in 0..500 {
        let (mut end, mut stream) = end_and_stream(4096, config());
        let garbage: Vec<_> = (0..400).map(|_| random()).collect();
        for piece in garbage.chunks(1 + usize::from(random())) {
            _ = stream.write_all(piece).await;
        }
        _ = stream.shutdown().await;
        while end.messages.recv().await.is_some() {}
        let fault = end.connection.closed().await.fault();
        assert!(matches!(fault, Fault::Peer | Fault::Network), "{fault:?}");
        drop(stream);
        end.driver.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_waits_in_the_socket_counts_though_the_process_was_held_up() {
    let (end, mut stream) = end_and_stream(64, go_config());
    assert_eq!(read(&mut stream, 3).await, PING);
    stream.write_all(PONG).await.unwrap();
    // The pong is there, but the driver gets to look only long after the timeout of 45 ms.
    tokio::time::advance(millis(60)).await;
    tokio::time::sleep(millis(10)).await;
    assert!(end.connection.close_reason().is_none());
}

/// A limiter that panics when it is asked.
#[derive(Clone, Debug)]
struct Panics;

impl mconn::rate::Limiter for Panics {
    fn start(&mut self, _: mconn::time::Instant) {}
    fn grant(&mut self, _: mconn::time::Instant, _: u64, _: u32) -> mconn::rate::Grant {
        panic!("a limiter of the user")
    }
    fn record(&mut self, _: mconn::time::Instant, _: u64) {}
    fn rate(&self) -> Option<u64> {
        None
    }
    fn set_rate(&mut self, _: mconn::time::Instant, _: Option<u64>) {}
    fn status(&self, _: mconn::time::Instant) -> mconn::rate::RateStatus {
        mconn::rate::RateStatus::default()
    }
    fn boxed_clone(&self) -> Box<dyn mconn::rate::Limiter> {
        Box::new(self.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_limiter_ends_its_connection_and_spreads_to_nobody() {
    let mut config = config();
    config.send_limiter = Box::new(Panics);
    let (mut end, _stream) = end_and_stream(100, config);
    end.send(1, "asks the limiter");
    assert!(end.driver.await.unwrap_err().is_panic());
    assert_eq!(end.connection.closed().await.reason, CloseReason::Local);
    assert!(end.connection.sender(1).unwrap().send(Bytes::from("x")).await.is_err());
    assert_eq!(end.messages.recv().await, None);
    assert_eq!(end.connection.status().counters.messages_sent, 0);
}
