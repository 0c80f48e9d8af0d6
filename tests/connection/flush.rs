//! When output may leave.

use crate::support::{PING, Seen, at, closed, events, feed, machine, ms, output, packet, quiet, sec, seen};
use bytes::Bytes;
use mconn::connection::{ChannelConfig, CloseReason, FlushPolicy, Input, MConnState, Timer};
use mconn::machine::Machine;
use mconn::rate::TokenBucket;

fn throttled(bytes: usize) -> MConnState {
    let mut config = quiet([ChannelConfig::new(1, 1), ChannelConfig::new(2, 1)]);
    config.flush = FlushPolicy::Throttled { interval: ms(100), bytes };
    machine(config)
}

fn queue(state: &mut MConnState, len: usize) {
    state.try_send(1, vec![0; len].into()).unwrap();
}

const fn whole(len: usize) -> Seen {
    Seen::Message(1, true, len)
}

#[test]
fn at_once_by_default() {
    let mut state = machine(quiet([ChannelConfig::new(1, 1)]));
    queue(&mut state, 1);
    assert_eq!(seen(&output(&mut state, at(0))), [whole(1)]);
}

/// As in Go: 100 ms after the first message of a burst, however many follow.
#[test]
fn a_burst_leaves_an_interval_after_its_first_message() {
    let mut state = throttled(65_536);
    assert_eq!(output(&mut state, at(0)), b"");
    assert_eq!(state.poll_timeout(), None);
    for burst in [10, 500] {
        queue(&mut state, 1);
        assert!(state.wants_write(), "so that the time is taken");
        assert_eq!(output(&mut state, at(burst)), b"");
        assert_eq!(state.poll_timeout(), Some((at(burst + 100), Timer::Flush)));
        assert!(!state.wants_write());
        queue(&mut state, 2);
        assert_eq!(output(&mut state, at(burst + 50)), b"");
        assert_eq!(state.poll_timeout(), Some((at(burst + 100), Timer::Flush)));
        state.handle_timeout(at(burst + 99));
        assert_eq!(output(&mut state, at(burst + 99)), b"");
        state.handle_timeout(at(burst + 100));
        assert!(state.wants_write());
        assert_eq!(state.poll_timeout(), None);
        assert_eq!(seen(&output(&mut state, at(burst + 100))), [whole(1), whole(2)]);
        assert!(!state.wants_write());
    }
}

#[test]
fn pulling_at_the_right_time_needs_no_tick() {
    let mut state = throttled(65_536);
    queue(&mut state, 1);
    assert_eq!(output(&mut state, at(0)), b"");
    assert_eq!(output(&mut state, at(99)), b"");
    assert_eq!(seen(&output(&mut state, at(100))), [whole(1)]);
    assert_eq!(state.poll_timeout(), None);
}

#[test]
fn enough_bytes_end_the_wait() {
    let mut state = throttled(100);
    queue(&mut state, 99);
    assert_eq!(output(&mut state, at(0)), b"");
    assert!(!state.wants_write());
    state.try_send(2, Bytes::from("x")).unwrap();
    assert!(state.wants_write());
    assert_eq!(seen(&output(&mut state, at(1))).len(), 2);
    assert_eq!(state.poll_timeout(), None, "the timer of the burst is gone with it");
    // Without a timer of an earlier burst, too.
    queue(&mut state, 100);
    assert!(state.wants_write());
    assert_eq!(seen(&output(&mut state, at(2))), [whole(100)]);
}

/// What has begun to leave is not held back in the middle.
#[test]
fn a_burst_that_leaves_slowly_is_not_throttled_again() {
    let mut state = throttled(5000);
    queue(&mut state, 5000);
    let mut room = bytes::BytesMut::new();
    assert_eq!(state.transmit_into(at(0), &mut room, 1100), 1034);
    assert!(state.wants_write());
    assert_eq!(state.transmit_into(at(1), &mut room, 1100), 1034, "fewer than 5000 bytes wait now");
    output(&mut state, at(2));
    queue(&mut state, 10);
    assert_eq!(output(&mut state, at(3)), b"", "the next burst");
}

#[test]
fn pings_and_pongs_do_not_wait_and_take_along_what_has_gathered() {
    let mut state = throttled(65_536);
    queue(&mut state, 1);
    assert_eq!(output(&mut state, at(0)), b"");
    feed(&mut state, at(1), PING);
    assert!(state.wants_write());
    assert_eq!(seen(&output(&mut state, at(1))), [Seen::Pong, whole(1)]);
    assert_eq!(state.poll_timeout(), None);
    // A pong with nothing behind it opens nothing for the next burst.
    feed(&mut state, at(2), PING);
    assert_eq!(seen(&output(&mut state, at(2))), [Seen::Pong]);
    queue(&mut state, 1);
    assert_eq!(output(&mut state, at(3)), b"");
    assert_eq!(state.poll_timeout(), Some((at(103), Timer::Flush)));
}

#[test]
fn closing_after_flush_does_not_wait() {
    let mut state = throttled(65_536);
    queue(&mut state, 1);
    assert_eq!(output(&mut state, at(0)), b"");
    state.handle(at(1), Input::CloseAfterFlush { deadline: None });
    assert_eq!(state.poll_timeout(), None);
    assert!(state.wants_write());
    assert_eq!(seen(&output(&mut state, at(1))), [whole(1)]);
    assert_eq!(closed(&mut state), Some(CloseReason::Flushed));
}

/// A throttle and a limiter: the later of the two decides.
#[test]
fn a_limiter_holds_back_what_the_throttle_lets_out() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.flush = FlushPolicy::Throttled { interval: ms(100), bytes: 1000 };
    config.send_limiter = Box::new(TokenBucket::new(10_000, 1040));
    let mut state = machine(config);
    queue(&mut state, 3000);
    assert_eq!(output(&mut state, at(0)).len(), 1034);
    assert_eq!(state.poll_timeout().unwrap().1, Timer::SendRate);
    state.handle_timeout(sec(1));
    assert_eq!(output(&mut state, sec(1)).len(), 1034);
    state.handle_timeout(sec(2));
    assert_eq!(output(&mut state, sec(2)).len(), 964, "although fewer than 1000 bytes waited");
    assert_eq!(state.poll_timeout(), None);
}

/// An interval of nothing: output leaves with the next pull.
#[test]
fn no_interval_is_no_wait() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.flush = FlushPolicy::Throttled { interval: ms(0), bytes: 1000 };
    let mut state = machine(config);
    queue(&mut state, 1);
    assert_eq!(seen(&output(&mut state, at(0))), [whole(1)]);
    assert_eq!(state.poll_timeout(), None);
}

#[test]
fn reading_is_not_throttled() {
    let mut state = throttled(65_536);
    queue(&mut state, 1);
    output(&mut state, at(0));
    assert_eq!(feed(&mut state, at(0), &packet(1, true, b"x")).len(), 1);
    assert_eq!(events(&mut state), []);
}
