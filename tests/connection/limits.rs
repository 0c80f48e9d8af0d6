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
    config.max_partial_bytes = Some(100);
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
