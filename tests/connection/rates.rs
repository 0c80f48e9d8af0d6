//! Rates that change, and limiters that lie.

use crate::support::{at, feed_once, machine, ms, output, packet, quiet, sec, seen};
use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, ConfigError, Direction, Input, Timer};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, Grant, Limiter, RateStatus, TokenBucket, Unlimited};
use mconn::time::Instant;

fn one() -> ChannelConfig {
    ChannelConfig::new(0x30, 1)
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
    assert_eq!(output(&mut state, at(0)), b"");
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

/// Bytes wait in the driver's buffer for the limiter's time. It passes between two calls of one round of the driver's loop, in
/// one that does not feed: the deadline has to stay, or nobody would feed them.
#[test]
fn the_deadline_of_the_receive_limiter_stays_until_the_driver_feeds_or_ticks() {
    let mut config = quiet([one()]);
    config.recv_limiter = Box::new(TokenBucket::new(1044, 1044));
    let mut state = machine(config);
    let mut buffer = BytesMut::from(&packet(0x30, false, &[0; 1000]).repeat(2)[..]);
    state.handle(at(0), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), 1010);
    let (until, timer) = state.poll_timeout().unwrap();
    assert_eq!(timer, Timer::RecvRate);
    assert_eq!(output(&mut state, until), b"");
    assert_eq!(state.recv_budget(until), 0);
    assert_eq!(state.poll_timeout(), Some((until, Timer::RecvRate)));
    let mut ticked = state.clone();
    ticked.handle_timeout(until);
    assert_eq!(ticked.poll_timeout(), None);
    assert!(ticked.recv_budget(until) >= 1044);
    state.handle(until, Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), 0);
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
    state.handle_timeout(at(100));
    assert_eq!(state.recv_budget(at(100)), 9_999 + 1044);
    assert_eq!(state.status(at(100)).recv.bytes, 10_000);
}

/// A pull for which nothing waits tells the limiter nothing: in Go, too, it would begin a new sample.
#[test]
fn an_idle_pull_begins_no_sample() {
    let mut config = quiet([one()]);
    config.send_limiter = Box::new(Flowrate::new(1));
    let mut state = machine(config);
    state.try_send(0x30, Bytes::from("x")).unwrap();
    assert_eq!(seen(&output(&mut state, at(0))).len(), 1);
    assert_eq!(output(&mut state, at(150)), b"");
    state.try_send(0x30, Bytes::from("x")).unwrap();
    assert_eq!(seen(&output(&mut state, at(200))).len(), 1);
    state.try_send(0x30, Bytes::from("x")).unwrap();
    assert_eq!(output(&mut state, at(200)), b"");
    assert_eq!(state.poll_timeout(), Some((at(300), Timer::SendRate)));
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
        assert_eq!(output(&mut state, at(5)), b"");
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
