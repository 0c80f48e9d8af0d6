//! The rules that hold everywhere.

use crate::support::{
    PING, PONG, Pair, Rng, Seen, at, closed, delivered, events, feed, frames, machine, ms, output, packet, pattern,
    quiet, sec, secs, seen,
};
use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, CloseReason, Event, FlushPolicy, Input, MConnConfig, MConnState, Timer};
use mconn::machine::{Action, Machine};
use mconn::rate::{Flowrate, TokenBucket};
use mconn::time::Instant;

/// Every input there is.
fn every_input(state: &mut MConnState, now: Instant) {
    for bytes in [&b""[..], PING, b"\xff\xff\xff", &packet(1, true, b"x"), &packet(9, true, b"x")] {
        for end in [false, true] {
            let mut buffer = BytesMut::from(bytes);
            state.handle(now, Input::Received { buf: &mut buffer, end });
        }
    }
    state.handle(now, Input::CloseAfterFlush { deadline: Some(now) });
    state.handle(now, Input::Close);
    state.handle(now, Input::TransportFailed);
    state.handle_timeout(now);
}

#[test]
fn after_a_fault_come_the_messages_before_it_and_then_closed_once() {
    let mut bob = machine(MConnConfig::default().channel(ChannelConfig::new(1, 1)));
    bob.try_send(1, Bytes::from("never sent")).unwrap();
    let wire = [packet(1, true, b"a"), packet(1, true, b"b"), b"\x01\x00".to_vec(), packet(1, true, b"c")].concat();
    let mut buffer = BytesMut::from(&wire[..]);
    bob.handle(at(5), Input::Received { buf: &mut buffer, end: false });
    assert!(!bob.is_closed(), "its last event was not taken");
    assert_eq!(bob.poll_event(), Some(delivered(1, "a")));
    assert_eq!(bob.poll_event(), Some(delivered(1, "b")));
    assert!(matches!(bob.poll_event(), Some(Event::Closed(CloseReason::Decode { position: 20, .. }))));
    assert!(bob.is_closed());
    every_input(&mut bob, at(6));
    assert_eq!(bob.poll_event(), None);
}

#[test]
fn after_the_end_there_is_no_output_no_deadline_and_no_reading() {
    let reasons: [fn(&mut MConnState); 5] = [
        |state| state.handle(at(1), Input::Close),
        |state| state.handle(at(1), Input::TransportFailed),
        |state| state.handle(at(1), Input::Received { buf: &mut BytesMut::new(), end: true }),
        |state| state.handle(at(1), Input::Received { buf: &mut BytesMut::from("\u{1}\0"), end: false }),
        |state| {
            state.handle(at(1), Input::CloseAfterFlush { deadline: None });
            output(state, at(1));
        },
    ];
    for end in reasons {
        let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
        config.message_timeout = Some(secs(5));
        config.flush = FlushPolicy::Throttled { interval: secs(1), bytes: 65_536 };
        let mut state = machine(config);
        feed(&mut state, at(1), &[PING, &packet(1, false, b"x")].concat());
        state.try_send(1, Bytes::from("x")).unwrap();
        end(&mut state);
        assert!(!state.wants_read() && !state.wants_write());
        assert_eq!((state.recv_budget(at(2)), state.poll_timeout()), (0, None));
        assert_eq!((output(&mut state, at(2)), frames(&mut state, at(2))), (vec![], vec![]));
        every_input(&mut state, at(3));
        state.set_send_rate(at(3), Some(1));
        state.set_recv_rate(at(3), Some(1));
        assert_eq!(state.poll_timeout(), None);
        assert!(closed(&mut state).is_some() && state.is_closed());
        every_input(&mut state, at(4));
        assert_eq!((events(&mut state), state.poll_timeout()), (vec![], None));
        assert_eq!((output(&mut state, at(5)), state.recv_budget(at(5))), (vec![], 0));
    }
}

#[test]
fn a_full_inbox_stops_reading_and_the_rest_stays() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    (config.inbox_messages, config.pong_while_paused) = (2, false);
    let mut bob = machine(config);
    let one = packet(1, true, b"x");
    let mut buffer = BytesMut::from(&one.repeat(5)[..]);
    for left in [3, 1] {
        assert!(bob.wants_read() && bob.recv_budget(Instant::ZERO) > 0);
        bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
        assert_eq!(buffer.len(), left * one.len());
        assert!(!bob.wants_read());
        assert_eq!(bob.recv_budget(Instant::ZERO), 0);
        bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
        assert_eq!(buffer.len(), left * one.len(), "nothing is taken before the events are");
        assert_eq!(bob.poll_timeout(), None, "no deadline announces events");
        assert_eq!(events(&mut bob).len(), 2);
    }
    bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: true });
    // The end comes when all before it was read, and the message is still delivered.
    assert_eq!(bob.poll_event(), Some(delivered(1, "x")));
    let reason = CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 };
    assert_eq!(bob.poll_event(), Some(Event::Closed(reason)));
}

#[test]
fn the_inbox_is_bounded_in_bytes_too_and_one_message_may_exceed() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.inbox_bytes = 100;
    let mut bob = machine(config);
    let mut buffer = BytesMut::from(&packet(1, true, &[0; 50]).repeat(4)[..]);
    bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
    let status = bob.status(Instant::ZERO);
    assert_eq!((status.inbox_messages, status.inbox_bytes), (2, 100));
    assert!(!bob.wants_read());
    assert!(bob.poll_event().is_some() && bob.wants_read());
    assert_eq!(bob.status(Instant::ZERO).inbox_bytes, 50);
    let mut large = BytesMut::from(&packet(1, true, &[0; 1000])[..]);
    bob.handle(Instant::ZERO, Input::Received { buf: &mut large, end: false });
    assert_eq!(bob.status(Instant::ZERO).inbox_bytes, 1050);
    assert!(!bob.wants_read());
}

/// The work of one call is bounded; `wants_read` says so, and calling again while the buffer shrinks reads all.
#[test]
fn after_the_work_bound_reading_goes_on() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    (config.inbox_messages, config.max_packets_without_progress) = (100_000, 0);
    let mut bob = machine(config);
    let one = packet(1, false, b"x");
    let mut buffer = BytesMut::from(&one.repeat(10_000)[..]);
    let mut calls = 0;
    while !buffer.is_empty() {
        let before = buffer.len();
        bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
        assert!(buffer.len() < before && bob.wants_read());
        assert!(before - buffer.len() <= 4096 * one.len());
        assert_eq!((bob.poll_event(), bob.poll_timeout()), (None, None));
        calls += 1;
    }
    assert_eq!(calls, 3);
}

/// An empty buffer need not be fed again, also when the end of the stream stands right behind the work bound.
#[test]
fn the_end_behind_the_work_bound_is_seen() {
    let mut bob = machine(quiet([ChannelConfig::new(1, 1)]));
    let mut buffer = BytesMut::from(&packet(1, false, b"x").repeat(4096)[..]);
    bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: true });
    assert_eq!(buffer.len(), 0);
    let reason = CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 1 };
    assert_eq!(bob.poll_event(), Some(Event::Closed(reason)));
}

/// So is an end that comes while the inbox is full and the buffer empty.
#[test]
fn the_end_behind_a_full_inbox_is_seen() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.inbox_messages = 1;
    let mut bob = machine(config);
    let mut buffer = BytesMut::from(&packet(1, true, b"x")[..]);
    bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
    assert!(buffer.is_empty() && !bob.wants_read());
    bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: true });
    let reason = CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 };
    assert_eq!(events(&mut bob), [delivered(1, "x"), Event::Closed(reason)]);
}

/// A pair whose buffers hold everything already: it must not wait for a transport that has nothing more to say.
#[test]
fn a_buffer_that_holds_everything_is_read_to_its_end() {
    let mut config = quiet([ChannelConfig::new(1, 1), ChannelConfig::new(2, 3)]);
    (config.inbox_messages, config.inbox_bytes) = (1, 1);
    let mut pair = Pair::new(config.clone(), config);
    for end in &mut pair.ends {
        for number in 0..60 {
            end.try_send(1 + (number % 2) as u8, pattern(1, number, number * 97)).unwrap();
        }
    }
    for end in 0..2 {
        let (now, mut wire) = (pair.now, BytesMut::new());
        pair.ends[end].transmit_into(now, &mut wire, usize::MAX);
        pair.wires[1 - end] = wire;
    }
    pair.settle();
    assert_eq!(pair.events.map(|events| events.len()), [60, 60]);
}

#[test]
fn queued_output_is_no_deadline_but_asks_to_be_pulled() {
    let mut alice = machine(quiet([ChannelConfig::new(1, 1)]));
    assert!(!alice.wants_write());
    alice.try_send(1, Bytes::from("x")).unwrap();
    assert!(alice.wants_write());
    assert_eq!(alice.poll_timeout(), None);
    output(&mut alice, Instant::ZERO);
    assert!(!alice.wants_write());
    feed(&mut alice, Instant::ZERO, PING);
    assert!(alice.wants_write(), "for the pong");
    assert_eq!(alice.poll_timeout(), None);
}

#[test]
fn the_limiter_s_time_is_a_deadline_while_it_lies_ahead_and_then_it_wants_to_write() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.send_limiter = Box::new(TokenBucket::new(1000, 2000));
    let mut alice = machine(config);
    alice.try_send(1, vec![0; 5000].into()).unwrap();
    assert_eq!(alice.poll_timeout(), None, "nobody has asked the limiter");
    let sent = output(&mut alice, Instant::ZERO).len();
    assert_eq!(sent, 1034);
    let (deadline, timer) = alice.poll_timeout().unwrap();
    assert_eq!((deadline, timer), (at(1034 + 1040 - 2000), Timer::SendRate));
    assert_eq!(alice.poll_timeout(), Some((deadline, timer)), "looking changes nothing");
    assert!(!alice.wants_write());
    assert_eq!(output(&mut alice, at(73)), b"", "too early");
    alice.handle_timeout(at(73));
    assert_eq!(alice.poll_timeout(), Some((deadline, timer)));
    alice.handle_timeout(deadline);
    assert!(alice.wants_write());
    assert_eq!(alice.poll_timeout(), None, "a blocked transport must not spin");
    alice.handle_timeout(sec(5));
    assert_eq!(alice.poll_timeout(), None);
    assert_eq!(output(&mut alice, sec(5)).len(), 1034);
}

#[test]
fn a_spent_receive_budget_is_a_deadline_and_then_it_wants_to_read() {
    let mut config = quiet([ChannelConfig::new(1, 1)]);
    config.recv_limiter = Box::new(TokenBucket::new(1000, 2088));
    let mut bob = machine(config);
    assert_eq!(bob.recv_budget(Instant::ZERO), 2088);
    let one = packet(1, false, &[0; 1024]);
    let mut buffer = BytesMut::from(&one.repeat(4)[..]);
    bob.handle(Instant::ZERO, Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), 2 * one.len(), "what is left over is enough for the largest packet, once more");
    let lacking = at(2 * 1034 + 1044 - 2088);
    assert_eq!(bob.poll_timeout(), Some((lacking, Timer::RecvRate)));
    assert!(!bob.wants_read());
    assert_eq!(bob.recv_budget(at(10)), 0);
    bob.handle(at(10), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), 2 * one.len());
    // Feeding at the right time is enough; so is a tick.
    let mut other = bob.clone();
    other.handle_timeout(lacking);
    assert!(other.wants_read());
    assert_eq!(other.recv_budget(lacking), 1044);
    bob.handle(lacking, Input::Received { buf: &mut buffer, end: false });
    assert_eq!(buffer.len(), one.len());
}

/// Everything that waits for a time, in both directions at once.
fn busy_config() -> MConnConfig {
    let channels = [ChannelConfig::new(1, 1), ChannelConfig::new(2, 7).send_queue_capacity(500)];
    let mut config = MConnConfig::cometbft().channels(channels);
    config.send_limiter = Box::new(Flowrate::new(300_000));
    config.recv_limiter = Box::new(TokenBucket::new(90_000, 20_000));
    config.flush = FlushPolicy::Throttled { interval: ms(100), bytes: 4000 };
    config.message_timeout = Some(secs(30));
    (config.inbox_messages, config.inbox_bytes) = (3, 5000);
    config
}

fn load(pair: &mut Pair) -> [usize; 2] {
    for (index, end) in pair.ends.iter_mut().enumerate() {
        for number in 0..40 {
            end.try_send(2, pattern(2, number, number * 11)).unwrap();
            end.try_send(1, pattern(1, number, (index * 7 + number) * 400)).unwrap();
        }
    }
    [80, 80]
}

#[test]
fn a_driver_that_sleeps_exactly_until_the_deadline_gets_all_done() {
    let mut pair = Pair::new(busy_config(), busy_config());
    let expected = load(&mut pair);
    pair.run_until_sent(sec(600));
    assert_eq!(pair.events.map(|events| events.len()), expected);
    assert!(pair.now > sec(2), "the limits held it up");
}

#[test]
fn ticking_early_late_or_at_random_gives_the_same_data() {
    let per_channel = |events: &[Event]| {
        let mut lists: [Vec<Bytes>; 3] = Default::default();
        for event in events {
            let Event::Message { channel, payload } = event else { panic!("{event:?}") };
            lists[usize::from(*channel)].push(payload.clone());
        }
        lists
    };
    let mut exact = Pair::new(busy_config(), busy_config());
    load(&mut exact);
    exact.run_until_sent(sec(600));
    for seed in 0..12 {
        let (mut rng, mut pair) = (Rng::new(seed), Pair::new(busy_config(), busy_config()));
        load(&mut pair);
        let most = *rng.pick(&[3, 50, 900]);
        while pair.events.iter().any(|events| events.len() < 80) {
            pair.settle();
            let now = pair.now + ms(rng.below(most) as u64);
            if rng.one_in(3) {
                pair.now = now;
            } else {
                pair.tick(now);
            }
            assert!(now < sec(4000), "seed {seed}: {:?}", pair.events.each_ref().map(Vec::len));
        }
        for end in 0..2 {
            assert_eq!(per_channel(&pair.events[end]), per_channel(&exact.events[end]), "seed {seed}");
        }
    }
}

#[test]
fn time_that_goes_back_is_clamped_and_counted() {
    let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(1, 1));
    config.pong_while_paused = false;
    let mut state = machine(config);
    state.handle_timeout(sec(70));
    assert_eq!(seen(&output(&mut state, sec(70))), [Seen::Ping]);
    let deadline = Some((sec(115), Timer::PongTimeout));
    assert_eq!(state.poll_timeout(), deadline);
    let mut buffer = BytesMut::new();
    state.handle(sec(3), Input::Received { buf: &mut buffer, end: false });
    state.handle_timeout(sec(4));
    state.transmit_into(sec(5), &mut buffer, 100);
    assert!(state.poll_transmit(sec(6)).is_none());
    state.recv_budget(sec(7));
    state.set_send_rate(sec(8), Some(1_000_000));
    state.set_recv_rate(sec(9), Some(1_000_000));
    assert_eq!(state.poll_timeout(), deadline);
    let status = state.status(sec(10));
    assert_eq!((status.counters.clock_went_back, status.duration), (7, secs(70)));
    state.handle_timeout(sec(70));
    assert_eq!(state.status(sec(70)).counters.clock_went_back, 7, "standing still is not going back");
    // A pong "before" the ping was sent is one all the same.
    feed(&mut state, sec(1), PONG);
    assert_eq!(state.poll_timeout(), Some((sec(120), Timer::Ping)));
}

#[test]
fn any_clock_is_harmless() {
    for seed in 0..40 {
        let (mut rng, mut pair) = (Rng::new(seed), Pair::new(busy_config(), busy_config()));
        load(&mut pair);
        for _ in 0..60 {
            let now = match rng.below(6) {
                0 => Instant::ZERO,
                1 if seed % 4 == 0 => Instant::from_nanos(rng.next()),
                2 if rng.one_in(20) => Instant::MAX,
                _ => pair.now + ms(rng.below(400) as u64),
            };
            pair.tick(now);
            pair.turn(0);
            pair.turn(1);
        }
    }
}

/// At the end of time nothing fires for ever.
#[test]
fn the_end_of_time_is_reached_but_once() {
    for state in [machine(busy_config()), machine(MConnConfig::tendermint_v0_10())] {
        let mut state = state;
        state.handle_timeout(Instant::MAX);
        state.handle_timeout(Instant::MAX);
        assert_eq!(state.poll_timeout(), None, "nothing lies beyond");
        assert!(!state.is_closed());
    }
}

#[test]
fn reading_never_depends_on_writing() {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    config.max_pings_per_interval = 100_000;
    let mut bob = machine(config);
    bob.try_send(1, vec![0; 1_000_000].into()).unwrap();
    let wire = [PING, &packet(1, true, b"x")].concat();
    for round in 0..5000 {
        assert_eq!(feed(&mut bob, at(round), &wire), [delivered(1, "x")]);
    }
    // One pong for all of them, and before everything else.
    let written = seen(&output(&mut bob, at(5000)));
    assert_eq!(written[0], Seen::Pong);
    assert_eq!(written.iter().filter(|packet| **packet == Seen::Pong).count(), 1);
}

#[test]
fn the_same_calls_give_the_same_outputs() {
    let run = || {
        let mut pair = Pair::new(busy_config(), busy_config());
        load(&mut pair);
        pair.run_until_sent(sec(600));
        format!("{pair:?}")
    };
    assert_eq!(run(), run());
}

#[test]
fn a_step_gives_events_then_output_and_dropped_early_it_loses_nothing() {
    let mut bob = machine(quiet([ChannelConfig::new(1, 1)]));
    bob.try_send(1, Bytes::from("y")).unwrap();
    let wire = [packet(1, true, b"a"), PING.to_vec(), packet(1, true, b"b")].concat();
    let mut buffer = BytesMut::from(&wire[..]);
    let mut view = bob.step(at(1), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(view.next(), Some(Action::Event(delivered(1, "a"))));
    drop(view);
    let mut rest = bob.step(at(1), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(rest.next(), Some(Action::Event(delivered(1, "b"))));
    let bytes = |action| match action {
        Some(Action::Transmit(mut frame)) => {
            let frame: &mut mconn::connection::Frame = &mut frame;
            frame.copy_to_bytes(frame.remaining())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(bytes(rest.next()), PONG);
    drop(rest);
    let mut rest = bob.step(at(1), Input::Received { buf: &mut buffer, end: false });
    assert_eq!(bytes(rest.next()), packet(1, true, b"y"));
    assert!(rest.next().is_none());
}

#[test]
fn a_view_can_be_looked_at() {
    let mut bob = machine(quiet([]));
    let view = bob.step(at(1), Input::Close);
    assert!(format!("{view:?}").starts_with("Actions { machine: MConnState"));
}

/// All messages at once, within what the taker has room for, and reading goes on when the inbox was full.
#[test]
fn messages_are_swapped_out_all_at_once_or_not_at_all() {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
    config.inbox_messages = 3;
    let mut state = MConnState::new(config, sec(0)).unwrap();
    let mut buffer = BytesMut::from(&packet(1, true, b"ab").repeat(4)[..]);
    state.handle(sec(0), Input::Received { buf: &mut buffer, end: false });
    assert!(!state.wants_read() && state.has_events());

    let mut taken = std::collections::VecDeque::new();
    assert_eq!(state.swap_messages(&mut taken, 2, 100), None, "too many");
    assert_eq!(state.swap_messages(&mut taken, 3, 5), None, "too large");
    assert!(taken.is_empty() && state.has_events());
    assert_eq!(state.swap_messages(&mut taken, 3, 6), Some(6));
    assert_eq!(taken, vec![(1, Bytes::from("ab")); 3]);
    assert!(state.wants_read() && !state.has_events());

    state.handle(sec(0), Input::Received { buf: &mut buffer, end: true });
    assert_eq!(state.swap_messages(&mut taken, 100, 100), None, "there are some already");
    taken.clear();
    assert_eq!(state.swap_messages(&mut taken, 100, 100), Some(2));
    assert_eq!(state.swap_messages(&mut std::collections::VecDeque::new(), 0, 0), Some(0));
    assert!(matches!(state.poll_event(), Some(Event::Closed(CloseReason::PeerClosed { .. }))));
}
