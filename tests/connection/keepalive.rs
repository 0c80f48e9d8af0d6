//! Pings, pongs, and when a silent peer is given up.

use crate::support::{
    PING, PONG, Seen, at, closed, closed_by, delivered, events, feed, feed_once, machine, output, packet, sec, secs,
    seen,
};
use bytes::{Bytes, BytesMut};
use mconn::connection::{
    ChannelConfig, CloseReason, Fault, Input, Liveness, MConnConfig, MConnState, PingPolicy, Timer,
};
use mconn::machine::Machine;
use mconn::rate::TokenBucket;
use mconn::time::Instant;

/// A ping each 60 s, 45 s for an answer, one channel.
pub(crate) fn config(liveness: Liveness) -> MConnConfig {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    config.liveness = liveness;
    config
}

/// Tells the time, and pulls what comes out.
pub(crate) fn tick(state: &mut MConnState, now: Instant) -> Vec<Seen> {
    state.handle_timeout(now);
    seen(&output(state, now))
}

fn no_reason(state: &mut MConnState) {
    assert_eq!(events(state), []);
}

#[test]
fn every_interval_a_ping_whatever_happens() {
    let mut state = machine(config(Liveness::AnyPacket));
    assert_eq!(state.poll_timeout(), Some((sec(60), Timer::Ping)));
    feed(&mut state, sec(59), &packet(1, true, b"traffic"));
    assert_eq!(state.poll_timeout(), Some((sec(60), Timer::Ping)));
    assert_eq!(tick(&mut state, at(59_999)), []);
    assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
    assert_eq!(state.poll_timeout(), Some((sec(105), Timer::PongTimeout)));
    feed(&mut state, sec(61), PONG);
    // A late tick fires once, and the grid stays where it was.
    assert_eq!(tick(&mut state, sec(310)), [Seen::Ping]);
    feed(&mut state, sec(310), PONG);
    assert_eq!(state.poll_timeout(), Some((sec(360), Timer::Ping)));
    let counters = state.status(sec(310)).counters;
    assert_eq!((counters.pings_sent, counters.pongs_received, counters.bytes_sent), (2, 2, 6));
    assert_eq!(counters.bytes_received, 16 + 6);
}

#[test]
fn a_ping_after_silence_only() {
    let mut config = MConnConfig::tendermint_v0_10().codec(MConnConfig::default().codec);
    config.channels.push(ChannelConfig::new(1, 1));
    let mut state = machine(config);
    assert_eq!(state.poll_timeout(), Some((sec(40), Timer::Ping)));
    // Half a packet is not yet received.
    let one = packet(1, false, b"traffic");
    let mut buffer = BytesMut::from(&one[..5]);
    state.handle(sec(10), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(state.poll_timeout(), Some((sec(40), Timer::Ping)));
    buffer.extend_from_slice(&one[5..]);
    state.handle(sec(30), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(state.poll_timeout(), Some((sec(70), Timer::Ping)));
    assert_eq!(tick(&mut state, sec(70)), [Seen::Ping]);
    assert_eq!(state.poll_timeout(), Some((sec(110), Timer::Ping)), "no timeout for the pong");
    feed(&mut state, sec(71), PONG);
    assert_eq!(state.poll_timeout(), Some((sec(111), Timer::Ping)), "a pong breaks the silence too");
    assert_eq!(tick(&mut state, sec(500)), [Seen::Ping]);
    assert_eq!(state.poll_timeout(), Some((sec(540), Timer::Ping)));
}

#[test]
fn never_a_ping_and_an_idle_connection_wakes_for_nothing() {
    let mut config = config(Liveness::AnyPacket);
    config.ping = PingPolicy::Never;
    let mut state = machine(config);
    assert_eq!(state.poll_timeout(), None);
    assert_eq!(tick(&mut state, sec(100_000)), []);
    assert_eq!(state.poll_timeout(), None);
    assert_eq!(PingPolicy::Never.interval(), None);
    assert_eq!(PingPolicy::Every(secs(2)).interval(), Some(secs(2)));
    assert_eq!(PingPolicy::AfterSilence(secs(3)).interval(), Some(secs(3)));
}

#[test]
fn any_packet_is_life_by_default() {
    for sign in [packet(1, false, b"x"), packet(1, true, b"x"), PING.to_vec(), PONG.to_vec()] {
        let mut state = machine(config(Liveness::AnyPacket));
        assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
        feed(&mut state, sec(104), &sign);
        state.handle_timeout(sec(119));
        no_reason(&mut state);
        assert_eq!(state.poll_timeout().unwrap().1, Timer::Ping);
    }
}

#[test]
fn bytes_that_are_no_complete_packet_are_no_life() {
    let mut state = machine(config(Liveness::AnyPacket));
    tick(&mut state, sec(60));
    feed_once(&mut state, sec(104), &packet(1, true, b"x")[..8]);
    state.handle_timeout(sec(105));
    assert_eq!(closed(&mut state), Some(CloseReason::PongTimeout { timeout: secs(45) }));
}

#[test]
fn pongs_alone_are_life_to_a_go_node() {
    let mut state = machine(config(Liveness::PongOnly));
    tick(&mut state, sec(60));
    feed(&mut state, sec(104), &[&packet(1, true, b"x")[..], PING].concat());
    let mut answered = state.clone();
    feed(&mut answered, sec(104), PONG);
    state.handle_timeout(sec(105));
    let reason = closed(&mut state).unwrap();
    assert_eq!(reason, CloseReason::PongTimeout { timeout: secs(45) });
    assert_eq!(reason.fault(), Fault::Network);
    answered.handle_timeout(sec(105));
    no_reason(&mut answered);
    // What was seen before the ping does not answer it.
    feed(&mut answered, sec(119), PONG);
    assert_eq!(tick(&mut answered, sec(120)), [Seen::Pong, Seen::Ping]);
    answered.handle_timeout(sec(165));
    assert_eq!(closed(&mut answered), Some(CloseReason::PongTimeout { timeout: secs(45) }));
}

#[test]
fn without_a_timeout_a_silent_peer_is_kept() {
    let mut config = config(Liveness::PongOnly);
    config.pong_timeout = None;
    let mut state = machine(config);
    for minute in 1..100 {
        assert_eq!(tick(&mut state, sec(60 * minute)), [Seen::Ping]);
        assert_eq!(state.poll_timeout(), Some((sec(60 * minute + 60), Timer::Ping)));
    }
    no_reason(&mut state);
}

#[test]
fn the_time_for_an_answer_runs_from_the_moment_when_the_transport_took_the_ping() {
    let mut state = machine(config(Liveness::PongOnly));
    state.handle_timeout(sec(60));
    assert_eq!(tick(&mut state, sec(80)), [Seen::Ping]);
    assert_eq!(state.poll_timeout(), Some((sec(120), Timer::Ping)));
    assert_eq!(tick(&mut state, sec(120)), [Seen::Ping]);
    // The second ping is no new chance.
    assert_eq!(state.poll_timeout(), Some((sec(125), Timer::PongTimeout)));
    state.handle_timeout(sec(125));
    assert_eq!(closed(&mut state), Some(CloseReason::PongTimeout { timeout: secs(45) }));
}

#[test]
fn a_stalled_transport_ends_the_connection_when_the_peer_shows_no_life_either() {
    let mut state = machine(config(Liveness::AnyPacket));
    state.handle_timeout(sec(60));
    assert!(state.wants_write());
    assert_eq!(state.poll_timeout(), Some((sec(105), Timer::PongTimeout)));
    let mut alive = state.clone();
    state.handle_timeout(sec(105));
    let reason = closed(&mut state).unwrap();
    assert_eq!(reason, CloseReason::TransmitStalled { timeout: secs(45) });
    assert_eq!(reason.fault(), Fault::Network);
    // A peer that sends is alive, though it reads nothing.
    for minute in 1..50 {
        feed(&mut alive, sec(60 * minute + 30), &packet(1, true, b"x"));
        alive.handle_timeout(sec(60 * minute + 60));
        no_reason(&mut alive);
    }
    // And the next ping has its time.
    assert_eq!(seen(&output(&mut alive, sec(3000))), [Seen::Ping]);
    assert_eq!(alive.poll_timeout(), Some((sec(3045), Timer::PongTimeout)));
}

#[test]
fn pongs_are_coalesced_and_go_first() {
    let mut state = machine(config(Liveness::AnyPacket));
    state.try_send(1, Bytes::from("x")).unwrap();
    state.handle_timeout(sec(60));
    feed(&mut state, sec(60), &PING.repeat(3));
    assert!(state.wants_write());
    let expected = [Seen::Pong, Seen::Ping, Seen::Message(1, true, 1)];
    assert_eq!(seen(&output(&mut state, sec(60))), expected);
    assert!(!state.wants_write());
    let counters = state.status(sec(60)).counters;
    assert_eq!((counters.pings_received, counters.pongs_sent, counters.pings_sent), (3, 1, 1));
    assert_eq!((counters.message_packets_sent, counters.messages_sent, counters.bytes_sent), (1, 1, 6 + 10));
}

#[test]
fn no_limiter_holds_pings_and_pongs_up_but_they_are_counted() {
    let mut config = config(Liveness::AnyPacket);
    config.send_limiter = Box::new(TokenBucket::new(1, 2000));
    let mut state = machine(config);
    state.try_send(1, vec![0; 4000].into()).unwrap();
    assert_eq!(output(&mut state, sec(1)).len(), 1034);
    assert_eq!(output(&mut state, sec(1)), b"");
    feed(&mut state, sec(1), PING);
    assert!(state.wants_write(), "for the pong, though the limiter waits");
    assert_eq!(seen(&output(&mut state, sec(1))), [Seen::Pong]);
    assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
    assert_eq!(state.status(sec(60)).send.bytes, 1034 + 6);
}

#[test]
fn a_ping_flood_ends_the_connection_and_the_next_interval_counts_anew() {
    let mut config = config(Liveness::AnyPacket);
    (config.ping, config.pong_timeout, config.max_pings_per_interval) = (PingPolicy::Every(secs(10)), None, 5);
    let mut state = machine(config);
    for interval in 0..10 {
        assert_eq!(feed(&mut state, at(interval * 10_000), &PING.repeat(2)), []);
        assert_eq!(feed(&mut state, at(interval * 10_000 + 9_999), &PING.repeat(3)), []);
    }
    let expected = CloseReason::PingFlood { pings: 6, limit: 5, interval: secs(10) };
    let reason = closed_by(&mut state, at(99_999), PING).unwrap();
    assert_eq!((&reason, reason.fault()), (&expected, Fault::Peer));
}

#[test]
fn who_never_pings_counts_in_a_minute() {
    let mut config = config(Liveness::AnyPacket);
    (config.ping, config.max_pings_per_interval) = (PingPolicy::Never, 5);
    let mut state = machine(config);
    assert_eq!(feed(&mut state, at(59_999), &PING.repeat(5)), []);
    assert_eq!(feed(&mut state, sec(60), &PING.repeat(5)), []);
    let expected = CloseReason::PingFlood { pings: 6, limit: 5, interval: secs(60) };
    assert_eq!(closed_by(&mut state, sec(60), PING), Some(expected));
}

#[test]
fn pongs_that_nobody_asked_for_are_bounded() {
    let mut config = config(Liveness::AnyPacket);
    config.max_packets_without_progress = 3;
    let mut state = machine(config);
    assert_eq!(feed(&mut state, sec(1), &PONG.repeat(3)), []);
    // A message is progress, and time starts the count anew; a pong that answers a ping does not count.
    assert_eq!(feed(&mut state, sec(1), &packet(1, false, b"x")), []);
    assert_eq!(feed(&mut state, sec(1), &PONG.repeat(3)), []);
    assert_eq!(feed(&mut state, at(61_000), &PONG.repeat(3)), []);
    assert_eq!(tick(&mut state, sec(62)), [Seen::Ping]);
    assert_eq!(feed(&mut state, sec(62), PONG), []);
    let mut late = state.clone();
    let expected = CloseReason::NoProgress { packets: 4, limit: 3, channel: None };
    assert_eq!(closed_by(&mut state, at(120_999), PONG), Some(expected));
    assert_eq!(feed(&mut late, sec(121), &PONG.repeat(3)), []);
    assert_eq!(feed(&mut late, sec(121), &packet(1, true, b"")), [delivered(1, "x")]);
    assert_eq!(feed(&mut late, sec(121), &PONG.repeat(3)), []);
}

/// Two idle nodes whose pings cross: each sees the other's ping before the pong to its own, for ever.
#[test]
fn a_pong_that_answers_is_asked_for_whatever_has_shown_life_before() {
    for mut config in [config(Liveness::AnyPacket), config(Liveness::PongOnly)] {
        config.max_packets_without_progress = 0;
        for pong_timeout in [Some(secs(45)), None] {
            config.pong_timeout = pong_timeout;
            let mut state = machine(config.clone());
            for minute in 1..50 {
                let now = sec(60 * minute);
                assert_eq!(tick(&mut state, now), [Seen::Ping]);
                assert_eq!(feed(&mut state, now, PING), []);
                assert_eq!(seen(&output(&mut state, now)), [Seen::Pong]);
                assert_eq!(feed(&mut state, now, PONG), [], "minute {minute}");
            }
            assert!(matches!(closed_by(&mut state, sec(3001), PONG), Some(CloseReason::NoProgress { .. })));
        }
    }
}
