//! What is decided differently from Go, on purpose. Each test carries the name of its row of the table in the design.

use crate::support::{
    PING, Seen, at, closed, closed_by, delivered, events, feed, feed_once, machine, output, packet, pattern, quiet,
    sec, secs, seen,
};
use bytes::{Bytes, BytesMut};
use mconn::connection::{
    ChannelConfig, CloseReason, ConfigError, Event, Input, MConnConfig, MConnState, PingPolicy, SendRefusal,
};
use mconn::machine::Machine;
use mconn::time::Instant;
use mconn::wire::{Codec, Proto3};

/// In Go the last packet is one byte over the limit of the peer, and the link dies.
#[test]
fn the_last_packet_of_a_channel_with_a_two_byte_id_is_split() {
    for id in 0..=u8::MAX {
        for len in [1023, 1024, 1025, 2048, 4096] {
            let mut alice = machine(quiet([ChannelConfig::new(id, 1)]));
            alice.try_send(id, pattern(id, 0, len)).unwrap();
            let wire = output(&mut alice, Instant::ZERO);
            let packets = seen(&wire);
            let split = id >= 0x80 && len % 1024 == 0;
            let channel = i32::from(id);
            match (split, len % 1024) {
                (true, _) => assert!(
                    packets.ends_with(&[Seen::Message(channel, false, 1023), Seen::Message(channel, true, 1)]),
                    "{packets:?}"
                ),
                (false, rest) => {
                    let last = if rest == 0 { 1024 } else { rest };
                    assert_eq!(packets.last(), Some(&Seen::Message(channel, true, last)));
                }
            }
            assert_eq!(packets.len(), len.div_ceil(1024) + usize::from(split));
            // A peer with Go's limit takes it.
            let mut bob = machine(quiet([ChannelConfig::new(id, 1)]));
            assert_eq!(feed(&mut bob, Instant::ZERO, &wire), [delivered(id, pattern(id, 0, len))]);
        }
    }
}

/// Payload sizes at which other numbers of the packet grow by a byte.
#[test]
fn no_packet_exceeds_the_limit_that_the_peer_computes() {
    let mut codec = Proto3::new();
    for size in (1..300).chain(16_370..16_400) {
        for id in [0, 1, 0x7f, 0x80, 0xff] {
            let mut config = quiet([ChannelConfig::new(id, 1)]);
            config.send_payload_size = size;
            let mut state = machine(config);
            for len in [size, 2 * size, 2 * size + 1, 0] {
                state.try_send(id, pattern(id, 0, len)).unwrap();
            }
            let limit = codec.packet_limit(size);
            let wire = output(&mut state, Instant::ZERO);
            let (mut rest, mut bytes) = (&wire[..], 0);
            while let Some(decoded) = codec.decode(rest, limit).expect("within the limit") {
                if let mconn::wire::Packet::Message(message) = decoded.packet {
                    assert!(message.payload.len() <= size);
                    bytes += message.payload.len();
                }
                rest = &rest[decoded.wire_len..];
            }
            assert_eq!(bytes, 5 * size + 1);
        }
    }
}

/// In Go an empty message on a channel that is not chosen at once is lost, and the channel looks busy for ever.
#[test]
fn an_empty_message_is_always_delivered_in_order() {
    let channels = || [ChannelConfig::new(1, 1), ChannelConfig::new(2, 1)];
    let (mut alice, mut bob) = (machine(quiet(channels())), machine(quiet(channels())));
    let mut expected = Vec::new();
    for number in 0..20_usize {
        let payload = pattern(2, number, [0, 0, 1, 0, 3000][number % 5]);
        alice.try_send(1, pattern(1, number, 1500)).unwrap();
        alice.try_send(2, payload.clone()).unwrap();
        expected.push(payload);
    }
    let wire = output(&mut alice, Instant::ZERO);
    let arrived = feed(&mut bob, Instant::ZERO, &wire).into_iter().filter_map(|event| match event {
        Event::Message { channel: 2, payload } => Some(payload),
        _ => None,
    });
    assert_eq!(arrived.collect::<Vec<_>>(), expected);
    assert!(alice.status(Instant::ZERO).channels.iter().all(|channel| channel.send_queue_size == 0));
}

/// In Go the buffer of a channel never shrinks: 21 MB per channel per peer stay.
#[test]
fn the_memory_of_a_large_message_comes_back() {
    let mut bob = machine(quiet((0..4).map(|id| ChannelConfig::new(id, 1))));
    let mut alice = machine(quiet((0..4).map(|id| ChannelConfig::new(id, 1))));
    for id in 0..4 {
        alice.try_send(id, vec![0; 5_000_000].into()).unwrap();
    }
    let wire = output(&mut alice, Instant::ZERO);
    assert_eq!(feed(&mut bob, Instant::ZERO, &wire).len(), 4);
    let status = bob.status(Instant::ZERO);
    assert_eq!((status.partial_bytes, status.ahead_bytes), (0, 0), "nothing is kept of buffers so large");
}

/// One budget for incomplete messages, besides the capacity of each channel.
#[test]
fn incomplete_messages_have_one_budget() {
    let mut config = quiet((0..3).map(|id| ChannelConfig::new(id, 1).recv_message_capacity(2000)));
    config.max_partial_bytes = Some(2500);
    let mut bob = machine(config);
    let thousand = [0; 1000];
    let wire = [packet(0, false, &thousand), packet(1, false, &thousand)].concat();
    assert_eq!(feed(&mut bob, Instant::ZERO, &wire), []);
    assert_eq!(bob.status(Instant::ZERO).partial_bytes, 2000);
    let mut other = bob.clone();
    let reason = closed_by(&mut bob, Instant::ZERO, &packet(2, false, &thousand));
    assert_eq!(reason, Some(CloseReason::PartialBytes { channel: 2, needed: 3000, limit: 2500 }));
    assert_eq!(bob.status(Instant::ZERO).partial_bytes, 0);
    // A message that ends gives its part back. The last packet needs no budget.
    let wire = [packet(1, true, &thousand), packet(2, false, &thousand), packet(2, false, &thousand[..500])].concat();
    assert_eq!(feed(&mut other, Instant::ZERO, &wire), [delivered(1, vec![0; 2000])]);
    assert_eq!(other.status(Instant::ZERO).partial_bytes, 2500);
}

/// In Go the delivered slice is overwritten by the next packet.
#[test]
fn a_delivered_message_owns_its_bytes() {
    let mut bob = machine(quiet([ChannelConfig::new(1, 1)]));
    let mut kept = Vec::new();
    for number in 0..50 {
        let payload = pattern(1, number, 500 * (number % 4));
        let (first, second) = payload.split_at(payload.len() / 2);
        let mut buffer = BytesMut::from(&[packet(1, false, first), packet(1, true, second)].concat()[..]);
        bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
        buffer.resize(4096, 0xee);
        kept.push((payload, bob.poll_event()));
    }
    for (payload, event) in kept {
        assert_eq!(event, Some(delivered(1, payload)));
    }
}

/// In Go there is no limit on empty packets or pings.
#[test]
fn empty_packets_and_pings_are_counted_and_bounded() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    (config.max_pings_per_interval, config.max_packets_without_progress) = (20, 10);
    let mut bob = machine(config.clone());
    assert_eq!(feed(&mut bob, Instant::ZERO, &PING.repeat(20)), []);
    let reason = closed_by(&mut bob, Instant::ZERO, PING);
    assert_eq!(reason, Some(CloseReason::PingFlood { pings: 21, limit: 20, interval: secs(60) }));

    let mut bob = machine(config);
    assert_eq!(feed(&mut bob, Instant::ZERO, &packet(1, false, b"").repeat(10)), []);
    let reason = closed_by(&mut bob, Instant::ZERO, &packet(1, false, b""));
    assert_eq!(reason, Some(CloseReason::NoProgress { packets: 11, limit: 10, channel: Some(1) }));
}

/// In Go `Send` sits out 10 s on a closed connection, and `FlushStop` loses later sends silently.
#[test]
fn the_end_is_seen_at_once_and_the_message_comes_back() {
    let mut alice = machine(quiet([ChannelConfig::new(1, 1)]));
    alice.try_send(1, Bytes::from("before")).unwrap();
    alice.handle(Instant::ZERO, Input::CloseAfterFlush { deadline: None });
    let refused = alice.try_send(1, Bytes::from("after")).unwrap_err();
    assert_eq!((refused.refusal, refused.channel, &refused.message[..]), (SendRefusal::Closing, 1, &b"after"[..]));
    assert_eq!(alice.may_send(1, 1), Err(SendRefusal::Closing));
    assert!(!alice.can_send(1));
    assert_eq!(seen(&output(&mut alice, Instant::ZERO)), [Seen::Message(1, true, 6)]);
    let refused = alice.try_send(1, Bytes::from("after")).unwrap_err();
    assert_eq!((refused.refusal, &refused.message[..]), (SendRefusal::Closed, &b"after"[..]));
    assert_eq!(closed(&mut alice), Some(CloseReason::Flushed));
    assert_eq!(alice.may_send(1, 1), Err(SendRefusal::Closed));
}

/// In Go `CanSend` compares with the constant 1.
#[test]
fn can_send_compares_with_the_channel_s_own_capacity() {
    let mut alice = machine(quiet([ChannelConfig::new(1, 1).send_queue_capacity(3), ChannelConfig::new(2, 1)]));
    // Three may wait, besides the one that is being cut.
    for number in 0..4 {
        assert!(alice.can_send(1), "{number} messages wait");
        alice.try_send(1, Bytes::from("x")).unwrap();
    }
    assert!(!alice.can_send(1));
    assert!(alice.can_send(2) && !alice.can_send(3));
    assert!(alice.poll_transmit(Instant::ZERO).is_some());
    assert!(alice.can_send(1));
}

/// In Go a slow consumer blocks the reading, and the pongs that we wait for are not seen.
#[test]
fn a_slow_consumer_costs_no_connection() {
    let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
    config.inbox_messages = 1;
    let mut alice = machine(config);
    assert_eq!(feed_once(&mut alice, sec(50), &packet(1, true, b"x")).len(), 0);
    assert!(!alice.wants_read());
    alice.handle_timeout(sec(60));
    assert_eq!(seen(&output(&mut alice, sec(60))), [Seen::Ping]);
    for second in 61..=600 {
        alice.handle_timeout(sec(second));
        output(&mut alice, sec(second));
    }
    assert_eq!(events(&mut alice), [delivered(1, "x")], "nothing has timed out");
    // The peer's pong came long ago, but only now it can be read.
    assert_eq!(feed(&mut alice, sec(601), crate::support::PONG), []);
    alice.handle_timeout(sec(640));
    assert_eq!(events(&mut alice), []);
}

/// In Go: a panic, or silently odd.
#[test]
fn a_configuration_that_can_not_work_is_refused() {
    let refused = |config: MConnConfig| MConnState::new(config, at(0)).err();
    let one = ChannelConfig::new(1, 1);
    let twice = MConnConfig::default().channels([one.clone(), ChannelConfig::new(2, 1), one]);
    assert_eq!(refused(twice), Some(ConfigError::DuplicateChannel { channel: 1 }));
    let no_priority = MConnConfig::default().channel(ChannelConfig::new(7, 0));
    assert_eq!(refused(no_priority), Some(ConfigError::ZeroPriority { channel: 7 }));
    let mut slow_pong = MConnConfig::default();
    (slow_pong.ping, slow_pong.pong_timeout) = (PingPolicy::Every(secs(45)), Some(secs(45)));
    let expected = ConfigError::PongTimeout { pong_timeout: secs(45), ping_interval: secs(45) };
    assert_eq!(refused(slow_pong), Some(expected));
}
