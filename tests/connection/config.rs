//! What a configuration says.

use crate::support::{Pair, at, delivered, machine, ms, pattern, quiet, sec, secs};
use mconn::connection::{ChannelConfig, FlushPolicy, Liveness, MConnConfig, PingPolicy};
use mconn::rate::{Flowrate, TokenBucket, Unlimited};
use mconn::wire::{Amino, AnyCodec, GoWire, Proto3};

#[test]
fn a_channel_has_go_s_limits_unless_told_otherwise() {
    let channel = ChannelConfig::new(0x20, 6);
    assert_eq!((channel.id, channel.priority, channel.recv_buffer_capacity), (0x20, 6, 4096));
    assert_eq!((channel.recv_message_capacity, channel.max_send_message), (22_020_096, 22_020_096));
    assert_eq!((channel.send_queue_capacity, channel.send_queue_bytes), (64, 22_020_096));
    let told = ChannelConfig::new(1, 1)
        .send_queue_capacity(2)
        .send_queue_bytes(3)
        .max_send_message(4)
        .recv_buffer_capacity(5)
        .recv_message_capacity(6);
    assert_eq!((told.send_queue_capacity, told.send_queue_bytes, told.max_send_message), (2, 3, 4));
    assert_eq!((told.recv_buffer_capacity, told.recv_message_capacity), (5, 6));
}

#[test]
fn the_default_is_today_s_wire_with_safer_rules() {
    let config = MConnConfig::default();
    assert!(matches!(config.codec, AnyCodec::Proto3(_)));
    assert_eq!((config.send_payload_size, config.recv_payload_size), (1024, 1024));
    assert_eq!((config.ping, config.pong_timeout), (PingPolicy::Every(secs(60)), Some(secs(45))));
    assert_eq!((config.liveness, config.pong_while_paused), (Liveness::AnyPacket, true));
    assert_eq!((config.flush, config.packets_per_batch), (FlushPolicy::Immediate, 10));
    assert_eq!((config.send_limiter.rate(), config.recv_limiter.rate()), (None, None));
    assert_eq!((config.inbox_messages, config.inbox_bytes), (4096, 1 << 20));
    assert_eq!((config.max_partial_bytes, config.message_timeout), (None, None));
    assert_eq!(config.recv_ahead_bytes, 32 << 20);
    assert_eq!(config.recycle_bytes, 4 << 20);
    assert_eq!((config.max_pings_per_interval, config.max_packets_without_progress), (1000, 1000));
    assert_eq!(config.validate(), Ok(()));
}

#[test]
fn the_profiles_behave_as_the_nodes_do() {
    let today = MConnConfig::cometbft();
    assert!(matches!(today.codec, AnyCodec::Proto3(_)));
    let amino = MConnConfig::tendermint_v0_33();
    assert!(matches!(amino.codec, AnyCodec::Amino(_)));
    for config in [today, amino] {
        assert_eq!((config.send_limiter.rate(), config.recv_limiter.rate()), (Some(5_120_000), Some(5_120_000)));
        assert_eq!((config.ping, config.pong_timeout), (PingPolicy::Every(secs(60)), Some(secs(45))));
        assert_eq!((config.liveness, config.pong_while_paused), (Liveness::PongOnly, true));
        assert_eq!(config.validate(), Ok(()));
    }
    let oldest = MConnConfig::tendermint_v0_10();
    assert!(matches!(oldest.codec, AnyCodec::GoWire(_)));
    assert_eq!((oldest.send_limiter.rate(), oldest.recv_limiter.rate()), (Some(512_000), Some(512_000)));
    assert_eq!((oldest.ping, oldest.pong_timeout), (PingPolicy::AfterSilence(secs(40)), None));
    assert_eq!((oldest.liveness, oldest.pong_while_paused), (Liveness::PongOnly, false));
    assert_eq!(oldest.validate(), Ok(()));
}

/// The channels of a node with the capacities of its reactors (`GetChannels @ v0.38`): that of block sync is 104,857,605 bytes.
#[test]
fn the_channels_of_a_node_need_no_other_limit() {
    let capacities = [
        (0x00, 64_000),
        (0x20, 1 << 20),
        (0x21, 1 << 20),
        (0x22, 1 << 20),
        (0x23, 1 << 20),
        (0x30, 2 << 20),
        (0x38, 1 << 20),
        (0x40, 104_857_605),
        (0x60, 4_000_000),
        (0x61, 16_000_000),
    ];
    let channel = |(id, capacity)| ChannelConfig::new(id, 1).recv_message_capacity(capacity);
    let config = MConnConfig::cometbft().channels(capacities.map(channel));
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(
        config.partial_limit(),
        capacities.map(|(_, capacity)| capacity).iter().sum::<usize>(),
        "room for all at once"
    );
}

/// The budget for incomplete messages, where it was not set: 64 MiB with the default capacities, more or less with others.
#[test]
fn the_budget_for_incomplete_messages_follows_the_channels() {
    let channels = |count: u8, capacity| {
        let channel = |id| ChannelConfig::new(id, 1).recv_message_capacity(capacity);
        MConnConfig::default().channels((0..count).map(channel))
    };
    assert_eq!(MConnConfig::default().partial_limit(), 0);
    assert_eq!(channels(1, 22_020_096).partial_limit(), 22_020_096, "no more than all can hold");
    assert_eq!(channels(10, 22_020_096).partial_limit(), 64 << 20);
    assert_eq!(channels(10, 100 << 20).partial_limit(), 143 << 20);
    assert_eq!(channels(2, usize::MAX).partial_limit(), usize::MAX);
    let mut set = channels(10, 1000);
    set.max_partial_bytes = Some(2000);
    assert_eq!(set.partial_limit(), 2000);
}

/// Changing the codec changes nothing else.
#[test]
fn another_codec_keeps_all_the_rest() {
    let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(9, 9));
    (config.send_payload_size, config.recv_payload_size) = (11, 12);
    (config.ping, config.pong_timeout) = (PingPolicy::AfterSilence(secs(13)), Some(secs(3)));
    (config.liveness, config.pong_while_paused) = (Liveness::AnyPacket, false);
    config.flush = FlushPolicy::Throttled { interval: ms(14), bytes: 15 };
    (config.send_limiter, config.recv_limiter) = (Box::new(TokenBucket::new(16, 1600)), Box::new(Flowrate::new(17)));
    (config.packets_per_batch, config.inbox_messages, config.inbox_bytes) = (18, 19, 20);
    (config.max_partial_bytes, config.recv_ahead_bytes, config.recycle_bytes) = (Some(30_000_000), 21, 25);
    (config.max_pings_per_interval, config.max_packets_without_progress) = (22, 23);
    config.message_timeout = Some(secs(24));
    let before = format!("{config:?}");
    assert_eq!(format!("{:?}", config.codec(AnyCodec::default())), before);
}

#[test]
fn all_eras_carry_messages_both_ways() {
    let channels = || [ChannelConfig::new(0, 1), ChannelConfig::new(0x7f, 3), ChannelConfig::new(0xff, 7)];
    for codec in [AnyCodec::from(Proto3::new()), Amino::new().into(), GoWire::new().into()] {
        let config = || MConnConfig::default().channels(channels()).codec(codec.clone());
        let mut pair = Pair::new(config(), config());
        let mut expected = Vec::new();
        for (number, len) in [0, 1, 1023, 1024, 1025, 5000].into_iter().enumerate() {
            for channel in [0, 0x7f, 0xff] {
                let payload = pattern(channel, number, len);
                pair.ends[0].try_send(channel, payload.clone()).unwrap();
                pair.ends[1].try_send(channel, payload.clone()).unwrap();
                expected.push(delivered(channel, payload));
            }
        }
        pair.settle();
        pair.tick(sec(60));
        pair.settle();
        pair.tick(sec(110));
        pair.settle();
        expected.sort_by_key(|event| format!("{event:?}"));
        for (end, mut events) in pair.ends.iter().zip(pair.events) {
            events.sort_by_key(|event| format!("{event:?}"));
            assert_eq!(events, expected);
            let counters = end.status(sec(110)).counters;
            assert_eq!((counters.pings_sent, counters.pongs_sent, counters.pongs_received), (1, 1, 1));
            assert_eq!((counters.messages_sent, counters.messages_received), (18, 18));
            assert_eq!(
                (counters.bytes_sent, counters.message_packets_sent),
                (counters.bytes_received, counters.message_packets_received)
            );
        }
    }
}

#[test]
fn a_status_shows_what_is_and_changes_nothing() {
    let mut config = quiet([ChannelConfig::new(5, 7).send_queue_capacity(3), ChannelConfig::new(6, 1)]);
    config.send_limiter = Box::new(Flowrate::new(100_000));
    config.recv_limiter = Box::new(Unlimited::new());
    let mut state = machine(config);
    state.try_send(5, vec![0; 3000].into()).unwrap();
    state.try_send(5, vec![0; 10].into()).unwrap();
    assert!(mconn::machine::Machine::poll_transmit(&mut state, sec(1)).is_some());
    let before = format!("{state:?}");
    let status = state.status(sec(3));
    assert_eq!(status.duration, secs(3));
    assert_eq!((status.send.bytes, status.send.limit, status.recv.bytes), (1034, Some(100_000), 0));
    let channel = status.channels[0];
    assert_eq!((channel.id, channel.priority, channel.send_queue_capacity), (5, 7, 3));
    assert_eq!((channel.send_queue_size, channel.send_queue_bytes), (2, 1986));
    assert_eq!(channel.recently_sent, 827, "0.8 of 1034, at 2 s");
    assert_eq!(state.channel_status(sec(3), 5), Some(channel));
    assert_eq!(state.channel_status(sec(3), 6), Some(status.channels[1]));
    assert_eq!(state.channel_status(sec(3), 7), None);
    assert_eq!(state.status(at(0)).duration, secs(1), "not before the latest time");
    assert_eq!(format!("{state:?}"), before);
}
