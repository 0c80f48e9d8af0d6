//! Pings, pongs, and when a silent peer is given up.

use crate::support::{
    PING, PONG, Seen, at, closed, closed_by, delivered, events, feed, feed_once, machine, ms, output, packet, sec,
    secs, seen,
};
use bytes::{Bytes, BytesMut};
use mconn::connection::{
    ChannelConfig, CloseReason, Event, Fault, Input, Liveness, MConnConfig, MConnState, PingPolicy, Timer,
};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, TokenBucket};
use mconn::time::{Duration, Instant};

/// A ping each 60 s, 45 s for an answer, one channel.
fn config(liveness: Liveness) -> MConnConfig {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    config.liveness = liveness;
    config
}

/// Tells the time, and pulls what comes out.
fn tick(state: &mut MConnState, now: Instant) -> Vec<Seen> {
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
    assert_eq!(output(&mut state, sec(1)), []);
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
    // A message is progress; so is the pong that answers a ping, and time.
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

/// An inbox of one message, and that one in it.
fn asleep(mut config: MConnConfig, now: Instant) -> MConnState {
    config.inbox_messages = 1;
    let mut state = machine(config);
    assert_eq!(feed_once(&mut state, now, &packet(1, true, b"x")).len(), 0);
    assert!(!state.wants_read());
    state
}

#[test]
fn while_we_do_not_read_no_time_counts_against_the_peer() {
    for liveness in [Liveness::PongOnly, Liveness::AnyPacket] {
        let mut config = config(liveness);
        config.pong_while_paused = false;
        let mut state = asleep(config, sec(30));
        assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
        assert_eq!(tick(&mut state, sec(300)), [Seen::Ping]);
        assert_eq!(state.poll_timeout(), Some((sec(360), Timer::Ping)), "no answer can be seen");
        assert!(state.poll_event().is_some());
        state.handle_timeout(sec(310));
        assert_eq!(state.poll_timeout(), Some((sec(355), Timer::PongTimeout)), "all of its time is left");
        state.handle_timeout(sec(355));
        assert_eq!(closed(&mut state), Some(CloseReason::PongTimeout { timeout: secs(45) }));
    }
}

#[test]
fn the_time_that_was_left_before_a_pause_is_left_after_it() {
    let mut config = config(Liveness::PongOnly);
    (config.ping, config.inbox_messages, config.pong_while_paused) = (PingPolicy::Every(secs(600)), 1, false);
    let mut state = machine(config);
    assert_eq!(tick(&mut state, sec(600)), [Seen::Ping]);
    let mut buffer = BytesMut::from(&packet(1, true, b"x").repeat(2)[..]);
    state.handle(sec(610), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(state.poll_timeout(), Some((sec(1200), Timer::Ping)));
    // Looking at it again in the pause changes nothing.
    state.handle(sec(650), Input::Received { buf: &mut buffer, end: false });
    assert!(state.poll_event().is_some());
    state.handle(sec(700), Input::Received { buf: &mut buffer, end: false });
    assert!(buffer.is_empty() && state.poll_event().is_some());
    state.handle(sec(800), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(state.poll_timeout(), Some((sec(800 + 35), Timer::PongTimeout)));
}

/// After a long sleep the peer's answer lies behind much else, so it gets a third of the timeout at least.
#[test]
fn a_peer_is_not_judged_before_what_it_sent_can_be_read() {
    let mut config = config(Liveness::PongOnly);
    (config.inbox_messages, config.pong_while_paused) = (1, false);
    let mut state = machine(config);
    assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
    feed_once(&mut state, sec(104), &packet(1, true, b"x"));
    assert!(state.poll_event().is_some());
    state.handle_timeout(sec(500));
    assert_eq!(state.poll_timeout(), Some((sec(515), Timer::PongTimeout)));
}

#[test]
fn a_receive_limit_is_a_pause_too_but_a_short_one() {
    let mut config = config(Liveness::PongOnly);
    config.recv_limiter = Box::new(TokenBucket::new(100, 1100));
    let mut state = machine(config);
    assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
    feed(&mut state, sec(80), &packet(1, true, &[0; 500]));
    // The driver asks, and is told to read nothing: the peer's answer can not come.
    assert_eq!(state.recv_budget(sec(80)), 0);
    let (until, timer) = state.poll_timeout().unwrap();
    assert_eq!((until, timer), (sec(80) + ms(4560), Timer::RecvRate));
    state.handle_timeout(until);
    assert_eq!(state.poll_timeout(), Some((until + secs(25), Timer::PongTimeout)), "and no more than what was left");
}

/// What a Go peer does: a ping each 60 s, and any pong within 45 s after one keeps us.
struct GoPeer {
    next_ping: Instant,
    dropped_at: Option<Instant>,
    dead: bool,
}

impl GoPeer {
    fn new() -> Self {
        Self { next_ping: sec(60), dropped_at: None, dead: false }
    }

    /// What it writes at `now`, having read `read`.
    fn live(&mut self, now: Instant, read: &[Seen]) -> Vec<u8> {
        if read.contains(&Seen::Pong) {
            self.dropped_at = None;
        }
        self.dead |= self.dropped_at.is_some_and(|moment| moment <= now);
        let mut wrote = Vec::new();
        if read.contains(&Seen::Ping) {
            wrote.extend_from_slice(PONG);
        }
        if now >= self.next_ping {
            self.next_ping += secs(60);
            self.dropped_at = Some(now + secs(45));
            wrote.extend_from_slice(PING);
        }
        wrote
    }
}

/// Runs our machine as a CometBFT node against a Go peer; `nap` says how long the user sleeps after each message.
fn with_a_user_who_sleeps(mut config: MConnConfig, nap: Duration, backlog: usize) -> (GoPeer, MConnState) {
    config.inbox_messages = 1;
    let (mut peer, mut state) = (GoPeer::new(), machine(config));
    let mut wire = BytesMut::from(&packet(1, true, b"x").repeat(backlog)[..]);
    let mut awake_at = sec(10);
    for second in 0..=700 {
        let now = sec(second);
        state.handle_timeout(now);
        state.handle(now, Input::Received { buf: &mut wire, end: false });
        if now >= awake_at {
            match state.poll_event() {
                Some(Event::Closed(_)) => break,
                Some(_) => awake_at = now + nap,
                None => {}
            }
        }
        state.handle(now, Input::Received { buf: &mut wire, end: false });
        let read = seen(&output(&mut state, now));
        wire.extend(peer.live(now, &read));
    }
    (peer, state)
}

#[test]
fn a_consumer_asleep_for_120_s_with_go_s_timers_keeps_its_peer() {
    for nap in [120, 300, 10, 14, 16] {
        let config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
        let (peer, mut state) = with_a_user_who_sleeps(config, secs(nap), 500);
        assert!(!peer.dead, "a nap of {nap} s");
        assert!(!events(&mut state).iter().any(|event| matches!(event, Event::Closed(_))), "a nap of {nap} s");
    }
}

#[test]
fn without_pongs_in_the_pause_the_peer_would_be_lost() {
    for nap in [120, 10] {
        let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
        config.pong_while_paused = false;
        let (peer, _) = with_a_user_who_sleeps(config, secs(nap), 500);
        assert!(peer.dead, "a nap of {nap} s");
    }
}

#[test]
fn in_a_pause_a_pong_leaves_each_third_of_the_timeout() {
    let mut state = asleep(config(Liveness::AnyPacket), sec(2));
    assert_eq!(state.poll_timeout(), Some((sec(17), Timer::PausedPong)));
    assert_eq!(tick(&mut state, sec(16)), []);
    assert_eq!(tick(&mut state, sec(17)), [Seen::Pong]);
    assert_eq!(state.poll_timeout(), Some((sec(32), Timer::PausedPong)));
    assert_eq!(tick(&mut state, sec(40)), [Seen::Pong], "a late tick fires once");
    assert_eq!(state.poll_timeout(), Some((sec(55), Timer::PausedPong)));
    assert!(state.poll_event().is_some());
    state.handle_timeout(sec(45));
    assert_eq!(state.poll_timeout(), Some((sec(60), Timer::Ping)), "we read again");
    // The pause before counts: 5 s are over.
    feed_once(&mut state, sec(46), &packet(1, true, b"x"));
    assert_eq!(state.poll_timeout(), Some((sec(56), Timer::PausedPong)));
}

#[test]
fn without_a_pong_timeout_a_pause_sends_nothing() {
    let mut config = config(Liveness::AnyPacket);
    (config.ping, config.pong_timeout) = (PingPolicy::Never, None);
    assert_eq!(asleep(config, sec(2)).poll_timeout(), None);
}

/// The smallest timeout there is: a third of it is nothing.
#[test]
fn the_shortest_pong_timeout_does_not_spin() {
    let mut config = config(Liveness::AnyPacket);
    config.pong_timeout = Some(Duration::from_nanos(1));
    let mut state = asleep(config, sec(2));
    assert_eq!(tick(&mut state, sec(3)), [Seen::Pong]);
    assert_eq!(state.poll_timeout(), Some((sec(3) + Duration::from_nanos(1), Timer::PausedPong)));
}

#[test]
fn pings_that_gathered_in_a_pause_are_no_flood() {
    let mut config = config(Liveness::AnyPacket);
    (config.max_pings_per_interval, config.inbox_messages) = (2, 1);
    let mut state = asleep(config, sec(30));
    assert!(state.poll_event().is_some());
    // Three whole intervals: two pings each, and two of the interval that begins.
    let mut other = state.clone();
    assert_eq!(feed(&mut state, sec(210), &PING.repeat(8)), []);
    let expected = CloseReason::PingFlood { pings: 9, limit: 2, interval: secs(60) };
    assert_eq!(closed_by(&mut state, sec(269), PING), Some(expected));
    // The excuse ends with the interval.
    assert_eq!(feed(&mut other, sec(210), PING), []);
    assert_eq!(feed(&mut other, sec(270), &PING.repeat(2)), []);
    let expected = CloseReason::PingFlood { pings: 3, limit: 2, interval: secs(60) };
    assert_eq!(closed_by(&mut other, sec(270), PING), Some(expected));
}

/// Short pauses, as of a rate limit, excuse nothing.
#[test]
fn a_rate_limit_is_no_excuse_for_a_flood() {
    let mut config = config(Liveness::AnyPacket);
    config.max_pings_per_interval = 100;
    config.recv_limiter = Box::new(Flowrate::new(10));
    let mut state = machine(config);
    let (mut wire, mut now) = (BytesMut::from(&PING.repeat(2000)[..]), sec(0));
    while events(&mut state).is_empty() {
        state.handle(now, Input::Received { buf: &mut wire, end: false });
        now += ms(110);
        assert!(now < sec(30), "it is seen within the interval");
        state.handle_timeout(now);
    }
}
