//! Slow users, slow peers and rate limits.

use std::time::Duration;

use bytes::Bytes;
use mconn::connection::{ChannelConfig, CloseReason, MConnConfig};
use mconn::rate::TokenBucket;

use crate::support::*;

#[test]
fn a_sleeping_receiver_keeps_its_peer() {
    let mut config = with_pings(Duration::from_millis(1_000), Duration::from_millis(900));
    config.inbox_messages = 4;
    config.channels[0].send_queue_capacity = 10_000;
    let ((near, _near_messages), (far, messages)) = connected(config.clone(), config);
    const MESSAGES: u32 = 10_000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..MESSAGES {
                let mut message = vec![0; 2_000];
                message[..4].copy_from_slice(&number.to_be_bytes());
                near.send(1, message.into()).unwrap();
            }
        });
        // The far end can not see the pings behind what nobody takes, and answers all the same.
        wait_until("pongs come from a peer that does not read", || near.status().counters.pongs_received >= 3);
        assert!(far.status().counters.messages_received < u64::from(MESSAGES));
        assert!(!near.is_closed() && !far.is_closed());
        for (number, (_, payload)) in messages.take(MESSAGES as usize).enumerate() {
            assert_eq!(payload[..4], (number as u32).to_be_bytes());
        }
    });
    assert_eq!(far.status().counters.messages_received, u64::from(MESSAGES));
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let config = with_pings(Duration::from_millis(300), Duration::from_millis(200));
    let (connection, _messages, peer) = with_raw_peer(config);
    let error = loop {
        if let Err(error) = connection.send(1, Bytes::from(vec![7; 1 << 20])) {
            break error;
        }
    };
    assert_eq!(error.message.len(), 1 << 20);
    let closed = connection.join();
    let timeout = Duration::from_millis(200);
    assert!(
        [CloseReason::TransmitStalled { timeout }, CloseReason::PongTimeout { timeout }].contains(&closed.reason),
        "{closed}"
    );
    drop(peer);
}

#[test]
fn a_full_inbox_stops_the_reading_and_nothing_is_lost() {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1).send_queue_capacity(4));
    config.inbox_messages = 1;
    let ((near, _), (far, messages)) = connected(config.clone(), config);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..2_000_u32 {
                near.send(1, Bytes::copy_from_slice(&number.to_be_bytes())).unwrap();
            }
            near.close_after_flush(None);
        });
        wait_until("the inbox is full", || far.status().inbox_messages == 1);
        for (number, (_, payload)) in messages.enumerate() {
            assert_eq!(payload, (number as u32).to_be_bytes().as_slice());
        }
    });
    assert_eq!(far.status().counters.messages_received, 2_000);
}

#[test]
fn a_limit_on_receiving_holds_the_peer_back() {
    let mut limited = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    limited.recv_limiter = Box::new(TokenBucket::new(200_000, 10_000));
    let free = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    let start = clock();
    let ((near, _), (far, messages)) = connected(free, limited);
    near.send(1, Bytes::from(vec![7; 60_000])).unwrap();
    near.close_after_flush(None);
    assert_eq!(messages.map(|(_, payload)| payload.len()).sum::<usize>(), 60_000);
    assert!(start.elapsed() >= Duration::from_millis(250), "50,000 bytes at 200,000 per second");
    assert_eq!(far.status().recv.limit, Some(200_000));
}

#[test]
fn a_limit_on_sending_holds_us_back_until_it_is_lifted() {
    let mut limited = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    limited.send_limiter = Box::new(TokenBucket::new(200_000, 10_000));
    let free = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    let start = clock();
    let ((near, _), (_far, mut messages)) = connected(limited, free);
    near.send(1, Bytes::from(vec![7; 60_000])).unwrap();
    assert_eq!(messages.recv_timeout(PATIENCE).unwrap().1.len(), 60_000);
    assert!(start.elapsed() >= Duration::from_millis(250), "50,000 bytes at 200,000 per second");

    near.set_send_rate(Some(1)); // this would take for ever
    near.send(1, Bytes::from(vec![8; 60_000])).unwrap();
    near.set_send_rate(None);
    near.set_recv_rate(None);
    assert_eq!(messages.recv_timeout(PATIENCE).unwrap().1.len(), 60_000);
}
