//! Many senders, many channels, both ways: nothing lost, doubled or reordered.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use mconn::adapter::blocking::{Connection, Messages};
use mconn::connection::{ChannelConfig, CloseReason, MConnConfig};

use crate::support::*;

const THREADS: u8 = 6;
const CHANNELS: u8 = 5;
const MESSAGES: u32 = 400;

fn config() -> MConnConfig {
    let channels = (0..CHANNELS).map(|id| ChannelConfig::new(id * 50, u32::from(id) + 1).send_queue_capacity(3));
    let mut config = MConnConfig::default().channels(channels);
    config.inbox_messages = 7;
    config
}

/// The message with this number from this thread: who, which, and some length.
fn message(thread: u8, number: u32) -> Bytes {
    let mut message = vec![thread];
    message.extend_from_slice(&number.to_be_bytes());
    message.resize(5 + (number as usize * 37 + usize::from(thread)) % 3_000, thread);
    message.into()
}

fn send_all(connection: &Connection) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..MESSAGES {
                    for channel in 0..CHANNELS {
                        let channel = channel * 50;
                        match number % 3 {
                            0 => connection.send(channel, message(thread, number)).unwrap(),
                            1 => connection
                                .sender(channel)
                                .unwrap()
                                .send_timeout(message(thread, number), PATIENCE)
                                .unwrap(),
                            _ => {
                                let mut one = VecDeque::from([message(thread, number)]);
                                connection.send_many(channel, &mut one).unwrap();
                                assert!(one.is_empty());
                            }
                        }
                    }
                }
            });
        }
    });
}

fn check_all(messages: &mut Messages) {
    let mut next = BTreeMap::new();
    let expected = usize::from(THREADS) * usize::from(CHANNELS) * MESSAGES as usize;
    for (channel, payload) in messages.take(expected) {
        let thread = payload[0];
        let number: &mut u32 = next.entry((channel, thread)).or_default();
        assert_eq!(payload, message(thread, *number), "channel {channel}");
        *number += 1;
    }
    let expected = (0..CHANNELS).flat_map(|channel| (0..THREADS).map(move |thread| ((channel * 50, thread), MESSAGES)));
    assert_eq!(next, expected.collect());
}

#[test]
fn many_senders_on_many_channels() {
    let ((near, mut near_messages), (far, mut far_messages)) = connected(config(), config());
    std::thread::scope(|scope| {
        scope.spawn(|| send_all(&near));
        scope.spawn(|| send_all(&far));
        scope.spawn(|| check_all(&mut near_messages));
        scope.spawn(|| check_all(&mut far_messages));
    });
    near.close_after_flush(None);
    assert_eq!((near_messages.next(), far_messages.next()), (None, None), "nothing is left");
    assert_eq!(near.join().reason, CloseReason::Flushed);
    assert_eq!(far.join().reason, CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 });
}

#[test]
fn an_urgent_message_overtakes_a_long_one() {
    let config = MConnConfig::default()
        .channels([ChannelConfig::new(0x22, 100).send_queue_capacity(1), ChannelConfig::new(0x40, 1)]);
    let mut pipes = over_pipes(config, 100, None);
    pipes.connection.send(0x40, Bytes::from(vec![7; 1 << 20])).unwrap();
    wait_until("the writer is stuck", || pipes.outbound.is_full());
    pipes.connection.send(0x22, text("vote")).unwrap();
    // What is encoded already comes before it: a batch of 64 KiB at first.
    let mut heard = Vec::new();
    let expected = packet(0x22, b"vote");
    while !heard.ends_with(&expected) {
        let mut byte = [0];
        std::io::Read::read_exact(&mut pipes.outbound, &mut byte).unwrap();
        heard.push(byte[0]);
        assert!(heard.len() < 70_000, "it waits behind {} bytes", heard.len());
    }
}

#[test]
fn packets_may_be_larger_than_a_batch() {
    let mut config = one_channel();
    (config.send_payload_size, config.recv_payload_size) = (1 << 20, 1 << 20);
    let ((alice, _a), (_bob, mut messages)) = connected(config.clone(), config);
    let message: Bytes = (0..2_500_000_u32).map(|number| (number % 251) as u8).collect();
    alice.send(1, message.clone()).unwrap();
    assert_eq!(messages.recv_timeout(PATIENCE), Ok((1, message)));
}
