//! Futures that are dropped at random moments: nothing is lost and nothing is doubled.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::*;
use futures_util::SinkExt;
use mconn::adapter::tokio::{ChannelMessages, Sender};
use mconn::connection::SendRefusal;

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Polls a future up to so many times, with a turn of all other tasks in between, then drops it.
async fn poll_at_most<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

const MESSAGES: u32 = 120;

/// Sends numbers in order, by all ways of sending, and gives up again and again.
async fn send_numbers(mut sender: Sender, author: u8, mut random: Random) {
    let message = |count: u32| Bytes::from([&[author][..], &numbered(count)].concat());
    let mut count = 0;
    while count < MESSAGES {
        let polls = random.below(4);
        match random.below(5) {
            0 => count += u32::from(poll_at_most(polls, sender.send(message(count))).await.is_some()),
            1 => match poll_at_most(polls, sender.send_timeout(message(count), millis(random.below(3)))).await {
                Some(Ok(())) => count += 1,
                Some(Err(error)) => {
                    assert!(matches!(error.refusal, SendRefusal::Full { .. }));
                    assert_eq!(error.message, message(count));
                }
                None => {}
            },
            2 => count += u32::from(sender.try_send(message(count)).is_ok()),
            3 => {
                let last = MESSAGES.min(count + 5);
                let mut messages: VecDeque<_> = (count..last).map(message).collect();
                _ = poll_at_most(polls, sender.send_many(&mut messages)).await;
                count = last - u32::try_from(messages.len()).unwrap();
            }
            _ => {
                // A sink owns what it was fed: flush it before another way of sending goes on.
                if poll_at_most(polls, poll_fn(|context| sender.poll_ready_unpin(context))).await.is_some() {
                    sender.start_send_unpin(message(count)).unwrap();
                    count += 1;
                    while poll_at_most(polls, sender.flush()).await.is_none() {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }
}

/// Reads until there are so many messages, by all ways of reading, and gives up again and again.
async fn read_messages(end: &mut End, wanted: usize, mut random: Random) -> Vec<(u8, Bytes)> {
    let mut received = Vec::new();
    let mut second: Option<ChannelMessages> = None;
    while received.len() < wanted {
        let polls = random.below(4);
        match random.below(6) {
            0 | 1 => received.extend(poll_at_most(polls, end.messages.recv()).await.flatten()),
            2 => _ = poll_at_most(polls, end.messages.recv_many(&mut received, 3)).await,
            3 if random.below(4) == 0 => second = None,
            3 => second = second.or_else(|| end.messages.take_channel(2)),
            _ => {
                if let Some(second) = &mut second {
                    received.extend(poll_at_most(polls, second.recv()).await.flatten().map(|message| (2, message)));
                }
            }
        }
    }
    received
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_when_futures_are_dropped() {
    for seed in 0..150 {
        let mut random = Random(seed);
        let mut config = MConnConfig::default()
            .channels([1, 2].map(|id| ChannelConfig::new(id, 1).send_queue_capacity(1 + random.below(3) as usize)));
        config.inbox_messages = 1 + random.below(5) as usize;
        let (alice, mut bob) = pair(1 + random.below(200) as usize, &config);
        let authors = 4_u8;
        for author in 0..authors {
            let sender = alice.connection.sender(1 + author % 2).unwrap();
            tokio::spawn(send_numbers(sender, author, Random(seed * 100 + u64::from(author))));
        }
        let wanted = MESSAGES as usize * usize::from(authors);
        let received = read_messages(&mut bob, wanted, Random(seed + 1_000_000)).await;
        for author in 0..authors {
            let own = received.iter().filter(|(_, message)| message[0] == author);
            let numbers: Vec<_> = own
                .map(|(channel, message)| {
                    assert_eq!(*channel, 1 + author % 2);
                    number(&message[1..])
                })
                .collect();
            assert!(numbers.iter().copied().eq(0..MESSAGES), "seed {seed}, author {author}: {numbers:?}");
        }
        alice.connection.close_after_flush(None);
        assert_eq!(bob.messages.recv().await, None, "seed {seed}: nothing was doubled");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_in_the_line_that_is_given_up_goes_to_the_next() {
    let (end, mut stream) = end_and_stream(1, go_config());
    let sender = end.connection.sender(1).unwrap();
    while poll_at_most(2, sender.send(numbered(0))).await.is_some() {}
    let mut first = Box::pin(sender.send(numbered(1)));
    assert!(stays_pending(&mut first).await);
    let second = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(numbered(2)).await }
    });
    tokio::time::sleep(millis(1)).await;
    // The first is woken but not polled again; then it is dropped.
    read(&mut stream, 3 * 13).await;
    tokio::time::sleep(millis(1)).await;
    assert!(!second.is_finished());
    drop(first);
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_dropped_leaves_the_line() {
    let (end, mut stream) = end_and_stream(1, go_config());
    let sender = end.connection.sender(1).unwrap();
    let mut sink = sender.clone();
    while poll_at_most(2, sender.send(numbered(0))).await.is_some() {}
    sink.feed(numbered(1)).await.unwrap();
    assert!(stays_pending(&mut sink.flush()).await);
    let second = tokio::spawn(async move { sender.send(numbered(2)).await });
    tokio::time::sleep(millis(1)).await;
    drop(sink);
    read(&mut stream, 3 * 13).await;
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_end_may_be_given_up() {
    let (end, _stream) = end_and_stream(1, config());
    for polls in 0..3 {
        assert!(poll_at_most(polls, end.connection.closed()).await.is_none());
    }
    end.connection.close();
    end.connection.closed().await;
}
