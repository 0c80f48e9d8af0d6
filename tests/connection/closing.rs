//! How a connection ends when we want it to.

use crate::support::{
    PING, PONG, Seen, at, closed, delivered, events, feed, machine, ms, output, packet, pattern, quiet, sec, secs, seen,
};
use bytes::{Bytes, BytesMut};
use mconn::connection::{
    ChannelConfig, CloseReason, Event, Fault, FlushPolicy, Input, MConnConfig, MConnState, SendRefusal, Timer,
};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, TokenBucket};
use mconn::time::Instant;

fn two_channels() -> MConnConfig {
    quiet([ChannelConfig::new(1, 1), ChannelConfig::new(2, 5)])
}

fn close_after_flush(state: &mut MConnState, now: Instant, deadline: Option<Instant>) {
    state.handle(now, Input::CloseAfterFlush { deadline });
}

#[test]
fn close_drops_what_waits_and_counts_it() {
    let mut state = machine(two_channels());
    state.try_send(1, vec![0; 3000].into()).unwrap();
    state.try_send(1, vec![0; 10].into()).unwrap();
    state.try_send(2, vec![0; 5].into()).unwrap();
    assert!(state.poll_transmit(at(0)).is_some(), "1024 bytes leave");
    assert_eq!(feed(&mut state, at(0), &packet(1, true, b"x")), [delivered(1, "x")]);
    state.handle(at(0), Input::Received { buf: &mut BytesMut::from(&packet(2, true, b"y")[..]), end: false });
    state.handle(at(0), Input::Close);
    assert_eq!(state.poll_event(), Some(delivered(2, "y")), "what had come is delivered");
    assert!(!state.is_closed());
    assert_eq!(state.poll_event(), Some(Event::Closed(CloseReason::Local)));
    assert!(state.is_closed());
    let status = state.status(at(0));
    assert_eq!((status.counters.unsent_messages, status.counters.unsent_bytes), (3, 1976 + 10 + 5));
    assert!(status.channels.iter().all(|channel| (channel.send_queue_size, channel.send_queue_bytes) == (0, 0)));
    assert_eq!(CloseReason::Local.fault(), Fault::Ours);
}

#[test]
fn flushed_comes_once_the_last_frame_was_pulled() {
    let mut state = machine(two_channels());
    state.try_send(1, vec![0; 1500].into()).unwrap();
    state.try_send(2, Bytes::new()).unwrap();
    close_after_flush(&mut state, at(0), None);
    assert_eq!(state.poll_timeout(), None);
    for _ in 0..2 {
        assert!(state.wants_write());
        assert!(state.poll_transmit(at(1)).is_some());
        assert_eq!(state.poll_event(), None);
    }
    assert!(state.poll_transmit(at(1)).is_some());
    assert_eq!(events(&mut state), [Event::Closed(CloseReason::Flushed)]);
    assert_eq!(CloseReason::Flushed.fault(), Fault::Ours);
    let counters = state.status(at(1)).counters;
    assert_eq!((counters.unsent_messages, counters.unsent_bytes, counters.messages_sent), (0, 0, 2));
}

#[test]
fn with_nothing_to_send_it_is_flushed_at_once() {
    let mut state = machine(two_channels());
    close_after_flush(&mut state, at(0), Some(sec(1)));
    assert_eq!(closed(&mut state), Some(CloseReason::Flushed));
    assert_eq!(state.poll_timeout(), None);
}

#[test]
fn the_deadline_ends_it_and_tells_what_was_not_sent() {
    let mut state = machine(two_channels());
    state.try_send(1, vec![0; 1500].into()).unwrap();
    state.try_send(2, vec![0; 7].into()).unwrap();
    close_after_flush(&mut state, sec(1), Some(sec(3)));
    assert_eq!(state.poll_timeout(), Some((sec(3), Timer::CloseDeadline)));
    assert!(state.poll_transmit(sec(2)).is_some());
    state.handle_timeout(at(2999));
    assert_eq!(events(&mut state), []);
    state.handle_timeout(sec(3));
    let reason = closed(&mut state).unwrap();
    assert_eq!(reason, CloseReason::FlushDeadline { unsent_messages: 2, unsent_bytes: 476 + 7 });
    assert_eq!(reason.fault(), Fault::Ours);
    assert_eq!(output(&mut state, sec(3)), b"");
}

#[test]
fn the_last_word_about_the_deadline_counts() {
    let mut state = machine(two_channels());
    state.try_send(1, vec![0; 1500].into()).unwrap();
    close_after_flush(&mut state, sec(1), Some(sec(3)));
    close_after_flush(&mut state, sec(1), Some(sec(9)));
    assert_eq!(state.poll_timeout(), Some((sec(9), Timer::CloseDeadline)));
    close_after_flush(&mut state, sec(1), None);
    assert_eq!(state.poll_timeout(), None);
    state.handle(sec(2), Input::Close);
    assert_eq!(closed(&mut state), Some(CloseReason::Local));
}

#[test]
fn from_then_on_reading_pings_and_limits_go_on() {
    let mut config = MConnConfig::default().channels([ChannelConfig::new(1, 1), ChannelConfig::new(2, 5)]);
    config.max_packets_without_progress = 0;
    let mut state = machine(config);
    state.try_send(1, vec![0; 5000].into()).unwrap();
    close_after_flush(&mut state, sec(1), None);
    assert_eq!(state.try_send(1, Bytes::from("x")).unwrap_err().refusal, SendRefusal::Closing);
    assert_eq!(feed(&mut state, sec(1), &[PING, &packet(1, true, b"x")].concat()), [delivered(1, "x")]);
    assert_eq!(state.poll_timeout(), Some((sec(60), Timer::Ping)));
    state.handle_timeout(sec(60));
    let mut room = BytesMut::new();
    state.transmit_into(sec(60), &mut room, 1100);
    assert_eq!(seen(&room), [Seen::Pong, Seen::Ping, Seen::Message(1, false, 1024)]);
    let mut silent = state.clone();
    silent.handle_timeout(sec(105));
    assert_eq!(closed(&mut silent), Some(CloseReason::PongTimeout { timeout: secs(45) }));
    assert_eq!(feed(&mut state, sec(61), PONG), []);
    let reason = crate::support::closed_by(&mut state, sec(61), &packet(1, false, b""));
    assert_eq!(reason, Some(CloseReason::NoProgress { packets: 1, limit: 0, channel: Some(1) }));
}

#[test]
fn a_peer_that_closes_first_is_the_reason() {
    let mut state = machine(two_channels());
    state.try_send(1, Bytes::from("x")).unwrap();
    close_after_flush(&mut state, at(0), None);
    let mut half = BytesMut::from(&packet(1, true, b"abc")[..7]);
    state.handle(at(0), Input::Received { buf: &mut half, end: true });
    let reason = CloseReason::PeerClosed { unread_bytes: 7, partial_messages: 0 };
    assert_eq!(closed(&mut state), Some(reason));
}

#[test]
fn the_peer_s_end_tells_what_was_left_unfinished() {
    let mut state = machine(two_channels());
    let wire = [packet(1, false, b"abc"), packet(2, false, b""), packet(1, true, b"d")[..4].to_vec()].concat();
    let mut buffer = BytesMut::from(&wire[..]);
    state.handle(at(0), Input::Received { buf: &mut buffer, end: true });
    let reason = closed(&mut state).unwrap();
    assert_eq!(reason, CloseReason::PeerClosed { unread_bytes: 4, partial_messages: 2 });
    assert_eq!(reason.fault(), Fault::Network);
}

#[test]
fn a_failed_transport_is_the_reason() {
    let mut state = machine(two_channels());
    state.handle(at(0), Input::TransportFailed);
    state.handle(at(0), Input::Close);
    let reason = closed(&mut state).unwrap();
    assert_eq!((&reason, reason.fault()), (&CloseReason::TransportFailed, Fault::Network));
}

/// Sleeping only until deadlines, all is flushed through a limiter and past a throttle.
#[test]
fn a_flush_under_a_limiter_sends_everything() {
    for limiter in [0, 1] {
        let mut config = two_channels();
        config.flush = FlushPolicy::Throttled { interval: ms(100), bytes: 65_536 };
        config.send_limiter = match limiter {
            0 => Box::new(TokenBucket::new(20_000, 5000)),
            _ => Box::new(Flowrate::new(120_000)),
        };
        let (mut state, mut peer) = (machine(config), machine(two_channels()));
        let mut expected = Vec::new();
        for number in 0..30 {
            state.try_send(1, pattern(1, number, number * 100)).unwrap();
            expected.push(delivered(1, pattern(1, number, number * 100)));
        }
        assert_eq!(output(&mut state, at(0)), b"");
        close_after_flush(&mut state, at(0), None);
        let (mut now, mut wire) = (at(0), BytesMut::new());
        while events(&mut state).is_empty() {
            if state.transmit_into(now, &mut wire, 65_536) == 0 {
                let (deadline, timer) = state.poll_timeout().expect("a time to wait for");
                assert_eq!(timer, Timer::SendRate);
                assert!(deadline > now);
                now = deadline;
                state.handle_timeout(now);
            }
        }
        assert!(now > at(99), "it was held up");
        assert_eq!(feed(&mut peer, at(0), &wire), expected);
    }
}
