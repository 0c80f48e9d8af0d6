//! What two ends of a session must do, whatever is between them.

use core::time::Duration;
use std::future::Future;

use bytes::Bytes;
use mconn::adapter::window::{Closed, Fate, Message, Session};
use mconn::sliding_window::{Class, CloseReason, SendOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Two ends of one session, and what must live as long as they do.
pub(crate) struct Pair {
    pub(crate) ours: Session,
    pub(crate) theirs: Session,
    #[allow(dead_code, reason = "what it does is to be dropped late")]
    pub(crate) keep: Box<dyn core::any::Any + Send>,
}

impl Pair {
    pub(crate) fn new(ours: Session, theirs: Session) -> Self {
        Self { ours, theirs, keep: Box::new(()) }
    }
}

/// Runs a case; one that hangs fails.
pub(crate) async fn within<T>(case: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), case).await.expect("no progress for a minute")
}

pub(crate) const ORDERED: &SendOptions = &SendOptions::ORDERED;

pub(crate) fn payload(number: usize, len: usize) -> Bytes {
    (0..len).map(|at| (number.wrapping_mul(31) + at) as u8).collect()
}

async fn take(session: &Session) -> Bytes {
    session.recv().await.expect("a message").payload
}

/// Both sides end, in an orderly way.
pub(crate) async fn end(pair: Pair) {
    pair.ours.close();
    assert_eq!(pair.theirs.recv().await, None);
    assert_eq!(pair.ours.recv().await, None);
    let (ours, theirs) = tokio::join!(pair.ours.closed(), pair.theirs.closed());
    assert!(ours.is_orderly() && theirs.is_orderly(), "{ours} / {theirs}");
}

pub(crate) async fn echo_both_ways(pair: Pair) {
    pair.ours.send("ping".into(), ORDERED).await.unwrap();
    pair.theirs.send("gnip".into(), ORDERED).await.unwrap();
    assert_eq!(take(&pair.theirs).await, "ping");
    pair.theirs.send("pong".into(), ORDERED).await.unwrap();
    assert_eq!((take(&pair.ours).await, take(&pair.ours).await), ("gnip".into(), "pong".into()));
    end(pair).await;
}

/// 1,000 messages of mixed sizes in order, with receipts for some; a flush means that they have arrived.
pub(crate) async fn mixed_sizes(pair: Pair) {
    let size = |number: usize| [0, 1, 40, 1200, 5000, 20_000, 100][number % 7];
    let reader = pair.theirs.clone();
    let read = tokio::spawn(async move {
        for number in 0..1000 {
            assert!(take(&reader).await == payload(number, size(number)), "message {number}");
        }
    });
    let mut receipts = Vec::new();
    for number in 0..1000 {
        let message = payload(number, size(number));
        if number % 100 == 0 {
            receipts.push(pair.ours.send_with_receipt(message, ORDERED).await.unwrap());
        } else {
            pair.ours.send(message, ORDERED).await.unwrap();
        }
    }
    pair.ours.flush().await.unwrap();
    assert_eq!(pair.ours.status().unwrap().send.queued_messages, 0);
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap(), Fate::Taken);
    }
    read.await.unwrap();
    end(pair).await;
}

pub(crate) async fn a_large_message(pair: Pair) {
    let large = payload(7, 3 << 20);
    pair.ours.send(large.clone(), ORDERED).await.unwrap();
    assert!(take(&pair.theirs).await == large);
    end(pair).await;
}

/// A reader that sleeps stops the sender; no more waits than the two queues hold. Then everything comes.
pub(crate) async fn a_slow_reader_holds_the_sender_up(pair: Pair) {
    let message = payload(1, 64 << 10);
    let sender = pair.ours.clone();
    let sending = tokio::spawn(async move {
        for _ in 0..400 {
            sender.send(message.clone(), ORDERED).await.unwrap();
        }
    });
    // When nothing has moved twice, both queues are full.
    let (mut before, mut same) = (0, 0);
    while same < 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let accepted = pair.ours.status().unwrap().counters.messages_accepted;
        same = if accepted == before && accepted > 0 { same + 1 } else { 0 };
        before = accepted;
    }
    // 4 MiB wait at either end; what is acknowledged leaves the queue of the sender.
    assert!((64..=129).contains(&before), "{before} messages were accepted");
    assert!(pair.ours.try_send(payload(1, 64 << 10), ORDERED).is_err() && !sending.is_finished());
    for _ in 0..400 {
        assert!(take(&pair.theirs).await == payload(1, 64 << 10));
    }
    sending.await.unwrap();
    end(pair).await;
}

pub(crate) async fn streams_of_bytes(pair: Pair) {
    let sent = payload(3, 5_000_000);
    let (mut ours, mut theirs) = (pair.ours.byte_stream(), pair.theirs.byte_stream());
    let back = tokio::spawn(async move {
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).await.unwrap();
        theirs.shutdown().await.unwrap();
        received
    });
    ours.write_all(&sent).await.unwrap();
    ours.shutdown().await.unwrap();
    assert!(back.await.unwrap() == sent);
    assert_eq!(ours.read(&mut [0; 10]).await.unwrap(), 0);
    assert!(pair.ours.closed().await.is_orderly());
    assert!(ours.write_all(b"late").await.is_err());
}

/// What is sent before the end comes; the other side may go on, when it is configured so.
pub(crate) async fn half_close(pair: Pair) {
    pair.ours.send("last of ours".into(), ORDERED).await.unwrap();
    pair.ours.finish();
    assert!(pair.ours.send("late".into(), ORDERED).await.is_err());
    assert_eq!(take(&pair.theirs).await, "last of ours");
    assert_eq!(pair.theirs.recv().await, None);
    pair.theirs.send("still here".into(), ORDERED).await.unwrap();
    assert_eq!(take(&pair.ours).await, "still here");
    pair.theirs.finish();
    assert_eq!(pair.ours.recv().await, None);
    assert!(pair.ours.closed().await.is_orderly() && pair.theirs.closed().await.is_orderly());
}

pub(crate) async fn abort(pair: Pair) {
    let waiting = tokio::spawn({
        let theirs = pair.theirs.clone();
        async move { theirs.recv().await }
    });
    pair.ours.abort(42, "enough");
    let closed = pair.theirs.closed().await;
    assert_eq!(closed.reason, CloseReason::PeerAborted { code: 42, text: "enough".into() });
    assert_eq!(waiting.await.unwrap(), None);
    assert!(matches!(pair.ours.closed().await, Closed { reason: CloseReason::Aborted { code: 42, .. }, .. }));
    let refused = pair.ours.send("late".into(), ORDERED).await.unwrap_err();
    assert_eq!(refused.message, "late");
    assert!(pair.theirs.flush().await.is_err());
}

/// Futures that are dropped when they were polled, over and over: nothing is lost, nothing doubled.
pub(crate) async fn dropped_futures(pair: Pair) {
    let sender = pair.ours.clone();
    let sending = tokio::spawn(async move {
        for number in 0..300_usize {
            let message = payload(number, 30_000);
            loop {
                tokio::select! {
                    biased;
                    sent = sender.send(message.clone(), ORDERED) => {
                        sent.unwrap();
                        break;
                    }
                    () = tokio::task::yield_now() => {}
                }
            }
        }
    });
    for number in 0..300 {
        let message = loop {
            tokio::select! {
                biased;
                message = pair.theirs.recv() => break message.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        };
        let expected = Message { class: Class::Ordered, payload: payload(number, 30_000) };
        assert!(message == expected, "message {number}");
    }
    sending.await.unwrap();
    end(pair).await;
}

/// Many who wait for room are served in the order in which they came.
pub(crate) async fn first_come_first_served(pair: Pair) {
    let full = payload(0, 1 << 20);
    while pair.ours.try_send(full.clone(), ORDERED).is_ok() {}
    let mut waiting = Vec::new();
    for number in 0..20_usize {
        let sender = pair.ours.clone();
        let send = tokio::spawn(async move { sender.send(payload(number, 3000), ORDERED).await.map(|_| ()) });
        tokio::task::yield_now().await;
        if number == 10 {
            send.abort();
        } else {
            waiting.push(send);
        }
    }
    // The one that was given up may have had its turn before.
    let mut wanted: Vec<usize> = (0..20).rev().collect();
    while wanted.iter().any(|number| *number != 10) {
        let message = take(&pair.theirs).await;
        if message.len() == 3000 {
            let mut expected = wanted.pop().unwrap();
            if expected == 10 && message != payload(10, 3000) {
                expected = wanted.pop().unwrap();
            }
            assert!(message == payload(expected, 3000), "message {expected} was to come");
        }
    }
    for send in waiting {
        send.await.unwrap().unwrap();
    }
    end(pair).await;
}

/// The other handle is dropped: its side ends in an orderly way, and what comes is thrown away.
pub(crate) async fn a_dropped_handle(pair: Pair) {
    pair.theirs.send("farewell".into(), ORDERED).await.unwrap();
    for _ in 0..200 {
        pair.ours.send(payload(0, 10_000), ORDERED).await.unwrap();
    }
    drop(pair.theirs);
    assert_eq!(take(&pair.ours).await, "farewell");
    assert_eq!(pair.ours.recv().await, None);
    assert!(pair.ours.closed().await.is_orderly());
}

/// All of them over one kind of pair: `$pair` makes one, with a configuration that is changed by its argument; or none, when
/// this machine does not have what it takes.
macro_rules! all_cases {
    ($pair:path) => {
        macro_rules! case {
            ($name:ident) => {
                #[tokio::test]
                async fn $name() {
                    $crate::cases::within(async {
                        if let Some(pair) = $pair(|_| ()).await {
                            $crate::cases::$name(pair).await;
                        }
                    })
                    .await;
                }
            };
        }
        case!(echo_both_ways);
        case!(mixed_sizes);
        case!(a_large_message);
        case!(a_slow_reader_holds_the_sender_up);
        case!(streams_of_bytes);
        case!(abort);
        case!(dropped_futures);
        case!(first_come_first_served);
        case!(a_dropped_handle);

        #[tokio::test]
        async fn half_close() {
            $crate::cases::within(async {
                if let Some(pair) = $pair(|config| config.half_close = true).await {
                    $crate::cases::half_close(pair).await;
                }
            })
            .await;
        }
    };
}
pub(crate) use all_cases;
