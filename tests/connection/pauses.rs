//! While we do not read: no time counts against the peer, and it hears of us.

use crate::keepalive::{config, tick};
use crate::support::{
    PING, PONG, Seen, closed, closed_by, events, feed, feed_once, machine, ms, output, packet, sec, secs, seen,
};
use bytes::BytesMut;
use mconn::connection::{
    ChannelConfig, CloseReason, Event, Input, Liveness, MConnConfig, MConnState, PingPolicy, Timer,
};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, TokenBucket};
use mconn::time::{Duration, Instant};

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

/// Also when a rate limit holds us up after the user has woken.
#[test]
fn the_grace_of_a_sleep_outlasts_a_receive_limit() {
    let mut config = config(Liveness::PongOnly);
    (config.inbox_messages, config.pong_while_paused) = (1, false);
    config.recv_limiter = Box::new(TokenBucket::new(100, 1100));
    let mut state = machine(config);
    assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
    let wire = packet(1, true, &[0; 500]);
    feed_once(&mut state, sec(104), &wire);
    assert!(state.poll_event().is_some());
    feed_once(&mut state, sec(104), &wire);
    let (until, timer) = state.poll_timeout().unwrap();
    assert_eq!(timer, Timer::RecvRate);
    state.handle_timeout(until);
    assert_eq!(state.poll_timeout(), Some((sec(120), Timer::Ping)));
    state.handle_timeout(sec(120));
    assert_eq!(state.poll_timeout(), Some((until + secs(15), Timer::PongTimeout)), "a third, and not the second left");
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

/// The driver need not feed anything to learn that it must not read.
#[test]
fn being_told_to_read_nothing_is_a_pause() {
    let mut config = config(Liveness::PongOnly);
    config.recv_limiter = Box::new(TokenBucket::new(10, 1044));
    let mut state = machine(config);
    assert_eq!(tick(&mut state, sec(60)), [Seen::Ping]);
    feed(&mut state, sec(61), &packet(1, true, b"x"));
    assert_eq!(state.poll_timeout(), Some((sec(62), Timer::RecvRate)));
    // The new rate lets us ask again; the answer is no, so the pause goes on.
    state.set_recv_rate(sec(61), Some(1));
    assert_eq!(state.recv_budget(sec(61)), 0);
    assert_eq!(state.poll_timeout(), Some((sec(71), Timer::RecvRate)));
    state.handle_timeout(sec(71));
    assert!(state.recv_budget(sec(71)) > 0);
    assert_eq!(state.poll_timeout(), Some((sec(71 + 44), Timer::PongTimeout)));
    // Being told to read is none.
    state.handle_timeout(sec(100));
    assert!(state.recv_budget(sec(100)) > 0);
    assert_eq!(state.poll_timeout(), Some((sec(71 + 44), Timer::PongTimeout)));
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
