//! Limits: reaching one closes with a reason that names limit, channel and value; and every error there is.

use crate::support::{
    PONG, at, closed, closed_by, delivered, events, feed, feed_once, machine, packet, quiet, sec, secs,
};
use mconn::connection::{ChannelConfig, CloseReason, Fault, PingPolicy, Timer};
use mconn::machine::Machine;
use mconn::wire::DecodeRule;

fn one() -> ChannelConfig {
    ChannelConfig::new(0x30, 1)
}

/// The reason, that it is the peer's fault, and what it says.
fn is(reason: Option<CloseReason>, expected: CloseReason, fault: Fault, words: &str) {
    assert_eq!(reason, Some(expected.clone()));
    assert_eq!(expected.fault(), fault);
    assert_eq!(expected.to_string(), words);
}

#[test]
fn a_message_over_its_channel_s_capacity() {
    let mut state = machine(quiet([one().recv_message_capacity(1500), ChannelConfig::new(0x31, 1)]));
    let exact = [packet(0x30, false, &[0; 1000]), packet(0x30, true, &[0; 500])].concat();
    assert_eq!(feed(&mut state, at(0), &exact), [delivered(0x30, vec![0; 1500])], "equality is allowed");
    let mut more = state.clone();
    let expected = CloseReason::MessageTooLarge { channel: 0x30, needed: 1501, capacity: 1500 };
    let words = "a message on channel 0x30 needs 1501 bytes; its capacity is 1500";
    let last = [packet(0x30, false, &[0; 1000]), packet(0x30, true, &[0; 501])].concat();
    is(closed_by(&mut state, at(0), &last), expected.clone(), Fault::Peer, words);
    let middle = [packet(0x30, false, &[0; 1000]), packet(0x30, false, &[0; 501])].concat();
    is(closed_by(&mut more, at(0), &middle), expected, Fault::Peer, words);
    let mut small = machine(quiet([one().recv_message_capacity(10)]));
    let expected = CloseReason::MessageTooLarge { channel: 0x30, needed: 11, capacity: 10 };
    assert_eq!(closed_by(&mut small, at(0), &packet(0x30, true, &[0; 11])), Some(expected), "of one packet, too");
}

#[test]
fn incomplete_messages_together() {
    let mut config = quiet([one().recv_message_capacity(100), ChannelConfig::new(0x31, 1).recv_message_capacity(50)]);
    config.max_partial_bytes = 100;
    let mut state = machine(config);
    assert_eq!(feed(&mut state, at(0), &packet(0x31, false, &[0; 40])), []);
    assert_eq!(feed(&mut state, at(0), &packet(0x30, false, &[0; 60])), [], "equality is allowed");
    assert_eq!(state.status(at(0)).channels.iter().map(|c| c.partial_bytes).collect::<Vec<_>>(), [60, 40]);
    let expected = CloseReason::PartialBytes { channel: 0x31, needed: 101, limit: 100 };
    let words = "incomplete messages need 101 bytes with one on channel 0x31; the limit is 100";
    is(closed_by(&mut state, at(0), &packet(0x31, false, &[0; 1])), expected, Fault::Peer, words);
}

#[test]
fn pings_in_an_interval() {
    let mut config = quiet([]);
    (config.ping, config.max_pings_per_interval) = (PingPolicy::Every(secs(50)), 1);
    let expected = CloseReason::PingFlood { pings: 2, limit: 1, interval: secs(50) };
    let wire = crate::support::PING.repeat(2);
    is(closed_by(&mut machine(config), at(0), &wire), expected, Fault::Peer, "2 pings within 50s; the limit is 1");
}

#[test]
fn packets_without_progress() {
    let mut config = quiet([one()]);
    config.max_packets_without_progress = 2;
    let empty = packet(0x30, false, b"");
    let mut state = machine(config);
    // Progress on any channel begins a new row.
    for _ in 0..3 {
        assert_eq!(feed(&mut state, at(0), &empty.repeat(2)), []);
        assert_eq!(feed(&mut state, at(0), &packet(0x30, false, b"x")), []);
        assert_eq!(feed(&mut state, at(0), &[&empty[..], PONG].concat()), []);
        assert_eq!(feed(&mut state, at(0), &packet(0x30, true, b"")).len(), 1, "an empty end is progress");
    }
    let expected = CloseReason::NoProgress { packets: 3, limit: 2, channel: Some(0x30) };
    let words = "3 packets in a row without progress, the last on channel Some(48); the limit is 2";
    is(closed_by(&mut state.clone(), at(0), &empty.repeat(3)), expected, Fault::Peer, words);
    // A row ends with the interval, so that what comes now and then never adds up.
    assert_eq!(feed(&mut state, at(0), &empty.repeat(2)), []);
    assert!(closed_by(&mut state.clone(), at(59_999), &empty).is_some());
    for minute in 1..5 {
        assert_eq!(feed(&mut state, sec(60 * minute), &empty.repeat(2)), []);
    }
}

#[test]
fn time_to_finish_a_message() {
    let mut config = quiet([one(), ChannelConfig::new(0x31, 1)]);
    config.message_timeout = Some(secs(10));
    let mut state = machine(config);
    assert_eq!(feed(&mut state, sec(1), &packet(0x30, true, b"of one packet")).len(), 1);
    assert_eq!(state.poll_timeout(), None);
    feed(&mut state, sec(2), &packet(0x30, false, b"x"));
    assert_eq!(state.poll_timeout(), Some((sec(12), Timer::MessageTimeout)));
    feed(&mut state, sec(5), &packet(0x31, false, b"x"));
    feed(&mut state, sec(6), &packet(0x30, false, b"x"));
    assert_eq!(state.poll_timeout(), Some((sec(12), Timer::MessageTimeout)), "the first one's, from its first packet");
    // The first is finished in time; the second has its own time.
    feed(&mut state, sec(11), &packet(0x30, true, b"x"));
    state.handle_timeout(sec(12));
    assert_eq!(state.poll_timeout(), Some((sec(15), Timer::MessageTimeout)));
    state.handle_timeout(at(14_999));
    assert_eq!(events(&mut state), []);
    let mut finished = state.clone();
    state.handle_timeout(sec(15));
    let expected = CloseReason::MessageTimeout { channel: 0x31, timeout: secs(10) };
    is(closed(&mut state), expected, Fault::Peer, "a message on channel 0x31 was not complete after 10s");
    feed(&mut finished, sec(15), &packet(0x31, true, b"x"));
    assert_eq!(finished.poll_timeout(), None);
    feed(&mut finished, sec(20), &packet(0x31, false, b""));
    assert_eq!(finished.poll_timeout(), Some((sec(30), Timer::MessageTimeout)), "an empty piece begins one, too");
    finished.handle_timeout(sec(100));
    assert!(closed(&mut finished).is_some());
}

/// While we do not read, the peer can not finish anything.
#[test]
fn a_pause_is_not_held_against_a_message() {
    let mut config = quiet([one(), ChannelConfig::new(0x31, 1), ChannelConfig::new(0x32, 1)]);
    (config.message_timeout, config.inbox_messages, config.pong_while_paused) = (Some(secs(10)), 1, false);
    let mut state = machine(config);
    feed(&mut state, sec(1), &packet(0x30, false, b"x"));
    feed(&mut state, sec(4), &packet(0x31, false, b"x"));
    feed_once(&mut state, sec(6), &packet(0x32, true, b"x"));
    assert_eq!(state.poll_timeout(), None, "no time runs");
    state.handle_timeout(sec(500));
    assert!(state.poll_event().is_some());
    // 5 s were over; 5 are left.
    state.handle_timeout(sec(506));
    assert_eq!(state.poll_timeout(), Some((sec(511), Timer::MessageTimeout)));
    feed(&mut state, sec(508), &packet(0x30, true, b"x"));
    state.handle_timeout(sec(511));
    assert_eq!(state.poll_timeout(), Some((sec(514), Timer::MessageTimeout)));
    // A pause in which nothing is incomplete sets nothing.
    feed(&mut state, sec(512), &packet(0x31, true, b"x"));
    feed_once(&mut state, sec(512), &packet(0x32, true, b"x"));
    assert!(state.poll_event().is_some());
    state.handle_timeout(sec(600));
    assert_eq!(state.poll_timeout(), None);
}

#[test]
fn without_a_message_timeout_a_message_may_take_for_ever() {
    let mut state = machine(quiet([one()]));
    feed(&mut state, sec(1), &packet(0x30, false, b"x"));
    state.handle_timeout(sec(1_000_000));
    assert_eq!((state.poll_event(), state.poll_timeout()), (None, None));
}

#[test]
fn what_the_peer_must_not_send() {
    let config = quiet([one()]);
    let mut state = machine(config.clone());
    let too_large = [packet(0x30, true, b"x"), vec![0x8b, 0x08]].concat();
    let reason = closed_by(&mut state, at(0), &too_large).unwrap();
    let CloseReason::Decode { error, position } = reason.clone() else { panic!("{reason}") };
    assert_eq!((error.rule, error.offset, position), (DecodeRule::TooLarge { length: 1035, limit: 1034 }, 0, 10));
    let words = "the peer sent no packet at byte 10 of the stream: byte 0 of the packet: a packet of 1035 bytes is over the \
                 limit of 1034";
    is(Some(reason.clone()), reason, Fault::Peer, words);
    for channel in [0, 0x31, 0xff] {
        let reason = closed_by(&mut machine(config.clone()), at(0), &packet(channel, true, b"x"));
        let expected = CloseReason::UnknownChannel { channel: i32::from(channel) };
        is(reason, expected, Fault::Peer, &format!("the peer sent on unknown channel {channel}"));
    }
    let minus_one = b"\x12\x1a\x10\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01\x1a\x01x";
    let expected = CloseReason::UnknownChannel { channel: -1 };
    assert_eq!(closed_by(&mut machine(config), at(0), minus_one), Some(expected));
}
<<<<<<< HEAD

#[test]
fn the_words_of_the_other_ends() {
    for (reason, words) in [
        (CloseReason::Local, "closed by us"),
        (CloseReason::Flushed, "closed by us after flush"),
        (
            CloseReason::FlushDeadline { unsent_messages: 2, unsent_bytes: 9 },
            "closed by us; the deadline came with 2 messages (9 bytes) unsent",
        ),
        (
            CloseReason::PeerClosed { unread_bytes: 3, partial_messages: 1 },
            "closed by the peer (inside a packet: 3 bytes unread; 1 messages incomplete)",
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
        |c| c.max_partial_bytes = 22_020_095,
        Some(ConfigError::PartialBudget { limit: 22_020_095, channel: 0x30, capacity: 22_020_096 }),
        "max_partial_bytes 22020095 is below the message capacity 22020096 of channel 0x30",
    );
    ok(|c| c.max_partial_bytes = 22_020_096);
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

#[test]
fn the_send_rate_can_be_changed_at_any_time() {
    let mut config = quiet([one()]);
    config.send_limiter = Box::new(TokenBucket::new(1, 1040));
    let mut state = machine(config);
    state.try_send(0x30, vec![0; 10_000].into()).unwrap();
    assert_eq!(output(&mut state, at(0)).len(), 1034);
    assert_eq!(state.poll_timeout(), Some((sec(1034), Timer::SendRate)));
    // What passed before counts: a second at the new rate is not enough before it is one.
    state.set_send_rate(at(0), Some(1034));
    assert_eq!(state.poll_timeout(), None);
    assert!(state.wants_write(), "it asks again");
    assert_eq!(output(&mut state, at(0)), []);
    assert_eq!(state.poll_timeout(), Some((sec(1), Timer::SendRate)));
    assert_eq!(state.status(at(0)).send.limit, Some(1034));
    state.set_send_rate(at(0), None);
    assert_eq!(output(&mut state, at(0)).len(), 9068);
}

#[test]
fn the_receive_rate_can_be_changed_at_any_time() {
    let mut config = quiet([one()]);
    config.recv_limiter = Box::new(TokenBucket::new(1, 1044));
    let mut state = machine(config);
    let mut buffer = BytesMut::from(&packet(0x30, false, &[0; 1000]).repeat(5)[..]);
    state.handle(at(0), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), 4 * 1010);
    assert_eq!(state.poll_timeout(), Some((sec(1010), Timer::RecvRate)));
    state.set_recv_rate(at(0), Some(1010));
    assert!(state.wants_read());
    assert_eq!(state.recv_budget(at(0)), 0);
    assert_eq!(state.poll_timeout(), Some((sec(1), Timer::RecvRate)));
    assert_eq!(state.status(at(0)).recv.limit, Some(1010));
    state.set_recv_rate(at(0), None);
    state.handle(at(0), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), 0);
    assert_eq!(state.recv_budget(at(0)), usize::MAX);
}

#[test]
fn a_limiter_can_be_replaced_but_not_by_one_that_never_lets_a_packet_pass() {
    let mut state = machine(quiet([one()]));
    let refused = state.set_limiter(at(0), Direction::Send, Box::new(TokenBucket::new(1, 1039)));
    assert_eq!(refused, Err(ConfigError::LimiterTooSmall { direction: Direction::Send, largest: 1039, packet: 1040 }));
    let refused = state.set_limiter(at(0), Direction::Receive, Box::new(TokenBucket::new(1, 1043)));
    assert_eq!(
        refused,
        Err(ConfigError::LimiterTooSmall { direction: Direction::Receive, largest: 1043, packet: 1044 })
    );
    assert_eq!((state.status(at(0)).send.limit, state.status(at(0)).recv.limit), (None, None));

    state.set_limiter(sec(100), Direction::Send, Box::new(TokenBucket::new(10, 1040))).unwrap();
    state.set_limiter(sec(100), Direction::Receive, Box::new(TokenBucket::new(20, 1044))).unwrap();
    assert_eq!((state.status(sec(100)).send.limit, state.status(sec(100)).recv.limit), (Some(10), Some(20)));
    state.try_send(0x30, vec![0; 2000].into()).unwrap();
    assert_eq!(output(&mut state, sec(100)).len(), 1034);
    assert_eq!(state.poll_timeout(), Some((sec(100) + ms(103_400), Timer::SendRate)));
    let mut buffer = BytesMut::from(&packet(0x30, false, &[0; 1000]).repeat(2)[..]);
    state.handle(sec(100), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(state.poll_timeout(), Some((sec(100) + ms(50_500), Timer::RecvRate)));
    // A new one begins anew, and is asked at once.
    state.set_limiter(sec(101), Direction::Send, Box::new(Unlimited::new())).unwrap();
    state.set_limiter(sec(101), Direction::Receive, Box::new(Unlimited::new())).unwrap();
    assert_eq!(state.poll_timeout(), None);
    assert!(state.wants_read() && state.wants_write());
    assert_eq!(output(&mut state, sec(101)).len(), 988);
}

/// What has passed before the rate is changed must be told to the limiter that it passed.
#[test]
fn recv_budget_follows_the_limiter() {
    let mut config = quiet([one()]);
    config.recv_limiter = Box::new(Flowrate::new(100_000));
    let mut state = machine(config);
    // 10,000 bytes fit into a sample; the last packet may begin with one byte of room.
    assert_eq!(state.recv_budget(at(0)), 9_999 + 1044);
    feed_once(&mut state, at(0), &packet(0x30, false, &[0; 990]).repeat(9));
    assert_eq!(state.recv_budget(at(0)), 999 + 1044);
    feed_once(&mut state, at(0), &packet(0x30, false, &[0; 990]));
    assert_eq!(state.recv_budget(at(0)), 0);
    assert_eq!(state.poll_timeout(), Some((at(100), Timer::RecvRate)));
    assert_eq!(state.recv_budget(at(100)), 9_999 + 1044);
    assert_eq!(state.status(at(100)).recv.bytes, 10_000);
}

/// A limiter that does not keep its promises.
#[derive(Clone, Debug)]
struct Liar(Grant);

impl Limiter for Liar {
    fn start(&mut self, _: Instant) {}
    fn grant(&mut self, _: Instant, _: u64, _: u32) -> Grant {
        self.0
    }
    fn record(&mut self, _: Instant, _: u64) {}
    fn rate(&self) -> Option<u64> {
        None
    }
    fn set_rate(&mut self, _: Instant, _: Option<u64>) {}
    fn status(&self, _: Instant) -> RateStatus {
        RateStatus::default()
    }
    fn boxed_clone(&self) -> Box<dyn Limiter> {
        Box::new(self.clone())
    }
}

#[test]
fn a_limiter_that_lies_is_asked_again_a_little_later_and_not_at_once() {
    for grant in [Grant::Bytes(1039), Grant::Bytes(0), Grant::Until(at(5)), Grant::Until(at(0))] {
        let mut config = quiet([one()]);
        config.send_limiter = Box::new(Liar(grant));
        config.recv_limiter = Box::new(Liar(grant));
        let mut state = machine(config);
        assert_eq!(state.recv_budget(at(5)), 0);
        assert_eq!(state.poll_timeout(), Some((at(6), Timer::RecvRate)));
        state.set_limiter(at(5), Direction::Receive, Box::new(Unlimited::new())).unwrap();
        state.try_send(0x30, Bytes::from("x")).unwrap();
        assert_eq!(output(&mut state, at(5)), []);
        assert_eq!(state.poll_timeout(), Some((at(6), Timer::SendRate)));
    }
    for (grant, passes) in [(Grant::Bytes(1040), 1), (Grant::Bytes(1044), 1), (Grant::Until(Instant::MAX), 0)] {
        let mut config = quiet([one()]);
        config.send_limiter = Box::new(Liar(grant));
        let mut state = machine(config);
        state.try_send(0x30, Bytes::from("x")).unwrap();
        assert_eq!(seen(&output(&mut state, at(5))).len(), passes);
        assert_eq!(state.poll_timeout(), None, "never is no deadline");
        assert!(!state.wants_write());
    }
}
=======
>>>>>>> conn
