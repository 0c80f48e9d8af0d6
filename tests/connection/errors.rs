//! Every error there is, and what it says.

use crate::support::{Seen, at, delivered, feed, machine, output, quiet, secs, seen};
use bytes::Bytes;
use mconn::connection::{
    ChannelConfig, CloseReason, ConfigError, Direction, Input, MConnConfig, MConnState, PingPolicy, SendRefusal,
};
use mconn::machine::Machine;
use mconn::rate::TokenBucket;
use mconn::time::Duration;
use mconn::wire::{Codec, DecodeError, Decoded, Header, MAX_PAYLOAD, Proto3};

fn one() -> ChannelConfig {
    ChannelConfig::new(0x30, 1)
}

#[test]
fn the_words_of_the_other_ends() {
    for (reason, words) in [
        (CloseReason::Local, "closed by us"),
        (CloseReason::Flushed, "closed by us after flush"),
        (
            CloseReason::FlushDeadline { unsent_messages: 2, unsent_bytes: 9 },
            "closed by us; the deadline came with 2 messages (9 bytes) unsent",
        ),
        (CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 }, "closed by the peer"),
        (
            CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 2 },
            "closed by the peer with 2 messages incomplete",
        ),
        (
            CloseReason::PeerClosed { unread_bytes: 3, partial_messages: 1 },
            "closed by the peer inside a packet (3 bytes unread) with 1 messages incomplete",
        ),
        (CloseReason::TransportFailed, "the transport failed"),
        (CloseReason::PongTimeout { timeout: secs(45) }, "no sign of life within 45s after a ping"),
        (
            CloseReason::TransmitStalled { timeout: secs(45) },
            "the transport took no output, and the peer showed no life, for 45s",
        ),
    ] {
        assert_eq!(reason.to_string(), words);
    }
}

#[test]
fn what_can_not_be_sent_comes_back() {
    let channel = one().send_queue_capacity(2).send_queue_bytes(100).max_send_message(150);
    let mut state = machine(quiet([channel]));
    let send = |state: &mut MConnState, channel: u8, len: usize| {
        let message = Bytes::from(vec![0; len]);
        assert_eq!(
            state.may_send(channel, len).err(),
            state.clone().try_send(channel, message.clone()).err().map(|e| e.refusal)
        );
        state.try_send(channel, message.clone()).inspect_err(|error| {
            assert_eq!((error.channel, &error.message), (channel, &message));
        })
    };
    let refused = send(&mut state, 0x31, 5).unwrap_err();
    assert_eq!(refused.refusal, SendRefusal::UnknownChannel);
    assert_eq!(refused.to_string(), "message of 5 bytes on channel 0x31: the connection has no such channel");
    let refused = send(&mut state, 0x30, 151).unwrap_err();
    assert_eq!(refused.refusal, SendRefusal::TooLarge { limit: 150 });
    assert_eq!(refused.to_string(), "message of 151 bytes on channel 0x30: it is over the limit of 150 bytes");
    // One message alone may be larger than the bytes that may wait.
    assert_eq!(send(&mut state, 0x30, 150), Ok(()));
    let full = SendRefusal::Full { queued: 0, capacity: 2, queued_bytes: 150, capacity_bytes: 100 };
    assert_eq!(send(&mut state, 0x30, 1).unwrap_err().refusal, full);
    assert_eq!(full.to_string(), "the queue is full: 0 of 2 messages, 150 of 100 bytes");
    output(&mut state, at(0));
    for _ in 0..2 {
        assert_eq!(send(&mut state, 0x30, 50), Ok(()), "equality is allowed");
    }
    assert!(matches!(send(&mut state, 0x30, 1).unwrap_err().refusal, SendRefusal::Full { queued: 1, .. }));
    assert_eq!(send(&mut state, 0x30, 0), Ok(()), "no byte more");
    assert!(matches!(send(&mut state, 0x30, 0).unwrap_err().refusal, SendRefusal::Full { queued: 2, .. }));
    state.handle(at(0), Input::CloseAfterFlush { deadline: None });
    assert_eq!(send(&mut state, 0x30, 1).unwrap_err().refusal, SendRefusal::Closing);
    state.handle(at(0), Input::Close);
    let refused = send(&mut state, 0x30, 1).unwrap_err();
    assert_eq!(refused.to_string(), "message of 1 bytes on channel 0x30: the connection is closed");
    assert_eq!(SendRefusal::Closing.to_string(), "the connection is closing");
}

#[test]
fn every_configuration_error() {
    let check = |change: fn(&mut MConnConfig), expected: Option<ConfigError>, words: &str| {
        let mut config = MConnConfig::default().channel(one());
        change(&mut config);
        assert_eq!(config.validate().err(), expected);
        let error = MConnState::new(config, at(0)).err();
        assert_eq!(error, expected);
        assert_eq!(error.map(|error| error.to_string()).unwrap_or_default(), words);
    };
    let ok: fn(fn(&mut MConnConfig)) = |change| {
        let mut config = MConnConfig::default().channel(one());
        change(&mut config);
        assert_eq!(config.validate(), Ok(()));
    };
    let zero = |name| Some(ConfigError::ZeroLimit { name });
    check(
        |c| c.channels.push(one()),
        Some(ConfigError::DuplicateChannel { channel: 0x30 }),
        "channel 0x30 is configured twice",
    );
    check(
        |c| c.channels[0].priority = 0,
        Some(ConfigError::ZeroPriority { channel: 0x30 }),
        "channel 0x30 has priority 0; priorities start at 1",
    );
    check(|c| c.inbox_messages = 0, zero("inbox_messages"), "inbox_messages is 0; it must be at least 1");
    check(|c| c.inbox_bytes = 0, zero("inbox_bytes"), "inbox_bytes is 0; it must be at least 1");
    check(|c| c.packets_per_batch = 0, zero("packets_per_batch"), "packets_per_batch is 0; it must be at least 1");
    check(
        |c| c.ping = PingPolicy::AfterSilence(Duration::ZERO),
        zero("ping interval"),
        "ping interval is 0; it must be at least 1",
    );
    check(|c| c.pong_timeout = Some(Duration::ZERO), zero("pong_timeout"), "pong_timeout is 0; it must be at least 1");
    check(
        |c| c.message_timeout = Some(Duration::ZERO),
        zero("message_timeout"),
        "message_timeout is 0; it must be at least 1",
    );
    check(
        |c| c.channels[0].send_queue_capacity = 0,
        zero("send_queue_capacity"),
        "send_queue_capacity is 0; it must be at least 1",
    );
    check(
        |c| c.channels[0].send_queue_bytes = 0,
        zero("send_queue_bytes"),
        "send_queue_bytes is 0; it must be at least 1",
    );
    check(
        |c| c.channels[0].recv_message_capacity = 0,
        zero("recv_message_capacity"),
        "recv_message_capacity is 0; it must be at least 1",
    );
    let size = |direction, size| Some(ConfigError::PayloadSize { direction, size, max: MAX_PAYLOAD });
    check(|c| c.send_payload_size = 0, size(Direction::Send, 0), "send payload size 0 is not within 1..=1048576");
    check(
        |c| c.recv_payload_size = MAX_PAYLOAD + 1,
        size(Direction::Receive, MAX_PAYLOAD + 1),
        "receive payload size 1048577 is not within 1..=1048576",
    );
    ok(|c| (c.send_payload_size, c.recv_payload_size) = (1, 1));
    ok(|c| (c.send_payload_size, c.recv_payload_size) = (MAX_PAYLOAD, MAX_PAYLOAD));
    check(
        |c| c.pong_timeout = Some(secs(60)),
        Some(ConfigError::PongTimeout { pong_timeout: secs(60), ping_interval: secs(60) }),
        "the pong timeout 60s is not below the ping interval 60s",
    );
    ok(|c| c.pong_timeout = Some(secs(60) - Duration::from_nanos(1)));
    ok(|c| (c.ping, c.pong_timeout) = (PingPolicy::Never, Some(secs(100))));
    ok(|c| (c.ping, c.pong_timeout) = (PingPolicy::AfterSilence(secs(1)), None));
    check(
        |c| c.max_partial_bytes = Some(22_020_095),
        Some(ConfigError::PartialBudget { limit: 22_020_095, channel: 0x30, capacity: 22_020_096 }),
        "max_partial_bytes 22020095 is below the message capacity 22020096 of channel 0x30; `None` follows the channels",
    );
    ok(|c| c.max_partial_bytes = Some(22_020_096));
    check(
        |c| c.send_limiter = Box::new(TokenBucket::new(1, 1039)),
        Some(ConfigError::LimiterTooSmall { direction: Direction::Send, largest: 1039, packet: 1040 }),
        "the send limiter lets at most 1039 bytes pass at once; a packet can have 1040",
    );
    check(
        |c| c.recv_limiter = Box::new(TokenBucket::new(1, 1043)),
        Some(ConfigError::LimiterTooSmall { direction: Direction::Receive, largest: 1043, packet: 1044 }),
        "the receive limiter lets at most 1043 bytes pass at once; a packet can have 1044",
    );
    ok(|c| c.send_limiter = Box::new(TokenBucket::new(1, 1040)));
    ok(|c| c.recv_limiter = Box::new(TokenBucket::new(1, 1044)));
}

/// A codec whose peers compute a limit that allows for no header.
#[derive(Clone, Debug)]
struct Tight(Proto3);

impl Codec for Tight {
    fn ping(&self) -> &'static [u8] {
        self.0.ping()
    }
    fn pong(&self) -> &'static [u8] {
        self.0.pong()
    }
    fn message_header(&self, channel: u8, end: bool, payload_len: usize) -> Header {
        self.0.message_header(channel, end, payload_len)
    }
    fn packet_limit(&self, payload_size: usize) -> usize {
        payload_size
    }
    fn limited_len(&self, channel: u8, end: bool, payload_len: usize) -> usize {
        self.0.limited_len(channel, end, payload_len)
    }
    fn max_wire_len(&self, limit: usize) -> usize {
        self.0.max_wire_len(limit)
    }
    fn decode<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        self.0.decode(bytes, limit)
    }
}

/// With the codecs of this crate a payload of one byte fits; with one's own it may not.
#[test]
fn a_payload_that_fits_no_packet_of_the_peer() {
    let refused = |id, size| {
        let mut config = MConnConfig::with_codec(Tight(Proto3::new())).channel(ChannelConfig::new(id, 1));
        config.send_payload_size = size;
        MConnState::new(config, at(0)).err()
    };
    let error = refused(0x80, 7).unwrap();
    assert_eq!(error, ConfigError::PayloadDoesNotFit { channel: 0x80, size: 7 });
    assert_eq!(error.to_string(), "packets of 7 payload bytes are too small for channel 0x80");
    assert_eq!(refused(0x80, 8), None, "a piece of one byte, and an end of none");
    // The end alone does not fit.
    assert!(refused(0, 3).is_some());
}

/// Where the end has room for no byte, a message ends with an empty packet.
#[test]
fn an_end_without_room_for_a_byte_stands_alone() {
    let mut config = MConnConfig::with_codec(Tight(Proto3::new())).channel(ChannelConfig::new(0x80, 1));
    (config.send_payload_size, config.recv_payload_size) = (8, 8);
    let (mut sender, mut receiver) = (machine(config.clone()), machine(config));
    sender.try_send(0x80, Bytes::from("ab")).unwrap();
    let wire = output(&mut sender, at(0));
    let packets = [Seen::Message(0x80, false, 1), Seen::Message(0x80, false, 1), Seen::Message(0x80, true, 0)];
    assert_eq!(seen(&wire), packets);
    assert_eq!(feed(&mut receiver, at(0), &wire), [delivered(0x80, "ab")]);
}
