//! Attackers who know everything of a session but its tags, in each phase of its life, and in front of an endpoint.
//! `BLIND_GUESSES` says how many datagrams each of them sends; a million is
//! `BLIND_GUESSES=1000000 cargo test --release --test blind_attackers`.

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/digest.rs"]
mod digest;
mod endpoints;
mod forge;
#[path = "../support/rng.rs"]
mod rng;
mod victims;

use mconn::machine::Machine;
use mconn::sliding_window::{CloseReason, Event, Input, SlidingWindow};
use mconn::time::{Duration, Instant};

use counting::measure;
use digest::digest;
use forge::{Attacker, Seen};
use victims::{MESSAGES, PHASES, Pair, Phase, payload, tag};

/// How many datagrams each attacker sends.
fn guesses() -> u64 {
    std::env::var("BLIND_GUESSES").map_or(20_000, |text| text.parse().expect("a number in BLIND_GUESSES"))
}

/// What may not change: all but what was counted, and of that all but what counts what was dropped.
fn state(session: &SlidingWindow, now: Instant) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut status = session.status(now);
    let counters = &mut status.counters;
    (counters.datagrams_received, counters.bytes_received, counters.syns_received) = (0, 0, 0);
    (counters.wrong_tag, counters.wrong_check, counters.malformed, counters.handshake_ignored) = (0, 0, 0, 0);
    (digest(session), session.poll_timeout(), status)
}

/// What was dropped.
fn dropped(session: &SlidingWindow, now: Instant) -> u64 {
    let counters = session.status(now).counters;
    counters.wrong_tag + counters.wrong_check + counters.malformed + counters.handshake_ignored
}

/// Sends so many datagrams to a session, at one moment: nothing of it changes, it says nothing and asks nothing of the heap.
fn attack(session: &mut SlidingWindow, now: Instant, seen: &Seen, calls: bool, guesses: u64) {
    let mut buffer = vec![0; session.max_datagram()];
    let before = (state(session, now), dropped(session, now), session.status(now).counters.datagrams_received);
    let mut attacker = Attacker::new(seen, calls, guesses);
    let ((), used) = measure(|| {
        for guess in 0..guesses {
            let datagram = attacker.next();
            session.handle(now, Input::Datagram(datagram));
            assert_eq!(session.transmit_into(now, &mut buffer), 0, "guess {guess} was answered: {datagram:?}");
            assert_eq!(session.poll_event(), None, "guess {guess}: {datagram:?}");
        }
    });
    let after = (state(session, now), dropped(session, now), session.status(now).counters.datagrams_received);
    assert_eq!(before.0, after.0);
    assert_eq!((after.1 - before.1, after.2 - before.2), (guesses, guesses), "each was dropped and counted");
    assert_eq!((used.calls, used.kept), (0, 0), "{used:?}");
}

/// Attacks both sides in this phase, and lets the session go on to its end.
fn attack_in(phase: Phase) {
    let mut pair = Pair::in_phase(phase);
    pair.pull();
    // Who has called or waits for a call hears anybody who calls: that is another test.
    let calls = !matches!(phase, Phase::Called | Phase::Answered);
    for side in 0..2 {
        let seen = pair.seen_by_attacker(side);
        attack(&mut pair.sides[side], pair.now, &seen, calls, guesses());
    }
    let ends = pair.finish();
    // A listener that was told to close before anybody came has no session; so has its caller.
    if phase == Phase::Called {
        assert_eq!(ends[1], Some(CloseReason::NeverConnected));
        return;
    }
    assert_eq!(ends, [Some(CloseReason::Finished), Some(CloseReason::Finished)], "{phase:?}");
    let messages: Vec<_> = (0..MESSAGES).map(|number| payload(number, 900)).collect();
    match phase {
        Phase::Transfer | Phase::Closing => {
            assert!(pair.messages(0) == messages && pair.messages(1) == messages, "{phase:?}");
        }
        Phase::Lingering => assert!(pair.messages(1) == messages[..1]),
        _ => assert!(pair.messages(0).is_empty() && pair.messages(1).is_empty()),
    }
}

#[test]
fn nothing_changes_while_nobody_has_answered() {
    attack_in(Phase::Called);
    attack_in(Phase::Answered);
}

#[test]
fn nothing_changes_in_an_idle_session() {
    attack_in(Phase::Idle);
}

#[test]
fn nothing_changes_in_the_middle_of_a_transfer() {
    attack_in(Phase::Transfer);
}

#[test]
fn nothing_changes_while_a_session_ends() {
    attack_in(Phase::Closing);
    attack_in(Phase::Lingering);
}

/// What both sides of a session did.
#[derive(Debug, PartialEq)]
struct Record {
    sent: Vec<(Instant, Vec<u8>)>,
    events: [Vec<Event>; 2],
    steps: usize,
}

/// A whole session from the first call to the end, with so many forged datagrams before each step: what both sides send, when,
/// and what they tell, is the same as without them, byte for byte.
fn whole_session(guesses_per_step: usize) -> Record {
    let mut pair = Pair::new(1);
    let seen = [0, 1].map(|side| {
        let mut old = Pair::in_phase(Phase::Closing);
        old.finish();
        old.seen_by_attacker(side)
    });
    let mut quiet = [0, 1].map(|side| Attacker::new(&seen[side], false, 5 + side as u64));
    let mut loud = [0, 1].map(|side| Attacker::new(&seen[side], true, 7 + side as u64));
    pair.send(0, MESSAGES);
    pair.send(1, MESSAGES);
    let (mut log, mut steps, mut closes) = (vec![], 0, false);
    loop {
        let is_open = pair.sides.iter().all(SlidingWindow::is_connected);
        for (side, attackers) in quiet.iter_mut().zip(&mut loud).enumerate() {
            for _ in 0..guesses_per_step {
                let datagram = if is_open { attackers.1.next() } else { attackers.0.next() };
                pair.sides[side].handle(pair.now, Input::Datagram(datagram));
            }
        }
        let before = pair.on_way.len();
        pair.pull();
        log.extend(pair.on_way[before..].iter().map(|(_, datagram)| (pair.now, datagram.clone())));
        steps += 1;
        if is_open && !closes {
            closes = true;
            pair.sides.iter_mut().for_each(|side| side.handle(pair.now, Input::Close));
        }
        // Every seventh is lost.
        if steps % 7 == 0 && !pair.on_way.is_empty() {
            pair.on_way.remove(0);
        } else if !pair.deliver() && !pair.sleep() {
            return Record { sent: log, events: pair.events, steps };
        }
    }
}

#[test]
fn a_whole_session_is_the_same_with_and_without_them() {
    let alone = whole_session(0);
    let events = &alone.events;
    assert!(events.iter().all(|events| events.last() == Some(&Event::Closed(CloseReason::Finished))), "{events:?}");
    let per_step = (guesses() as usize).div_ceil(alone.steps);
    assert_eq!(alone, whole_session(per_step));
}

/// Calls of strangers, each with a tag of its own, to somebody who listens, or who has called.
fn flood(mut session: SlidingWindow, side: usize) -> SlidingWindow {
    let seen = Pair::in_phase(Phase::Idle).seen_by_attacker(side);
    let mut attacker = Attacker::new(&seen, true, 3);
    let mut buffer = vec![0; session.max_datagram()];
    let (mut now, mut own) = (Instant::ZERO, 0);
    let ((), used) = measure(|| {
        for _ in 0..guesses() {
            // In all so little time that who has called does not give up.
            now += Duration::from_nanos(10_000_000_000 / guesses());
            session.handle(now, Input::Datagram(attacker.next()));
            session.handle_timeout(now);
            loop {
                let len = session.transmit_into(now, &mut buffer);
                if len == 0 {
                    break;
                }
                own += if side == 0 && buffer[0] & 7 == 0 { len as u64 } else { 0 };
            }
            let counters = session.status(now).counters;
            assert!(counters.bytes_sent - own <= 3 * counters.bytes_received, "{counters:?}");
            assert_eq!(session.poll_event(), None);
        }
    });
    assert!(!session.is_connected() && used.peak <= 8192, "{used:?}");
    assert!(own <= 8 * 128, "attempts of its own are as few as without them");
    session
}

#[test]
fn strangers_who_call_get_three_times_what_they_send_at_most_and_open_nothing() {
    let now = Instant::ZERO + Duration::from_secs(10);
    let mut pair = Pair::new(1);
    let caller = flood(pair.sides[0].clone(), 0);
    let listener = flood(pair.sides[1].clone(), 1);
    // The caller hears the right answer, and goes on.
    pair.sides[0] = caller;
    pair.now = now;
    pair.send(0, 3);
    pair.settle(Duration::from_secs(60));
    assert_eq!(pair.messages(1).len(), 3, "the right answer outweighs the stranger's call");
    // The listener listens again once nothing came of the stranger.
    let mut pair = Pair::new(1);
    pair.sides[1] = listener;
    pair.now = now;
    pair.send(0, 3);
    pair.settle(Duration::from_secs(120));
    assert_eq!(pair.messages(1).len(), 3, "{:?}", pair.events);
}

/// That it can be seen when something changes.
#[test]
fn one_datagram_with_the_tag_changes_something() {
    for side in 0..2 {
        let mut pair = Pair::in_phase(Phase::Transfer);
        let seen = pair.seen_by_attacker(side);
        let before = state(&pair.sides[side], pair.now);
        let mut attacker = Attacker::new(&seen, true, 1);
        for _ in 0..20 {
            pair.sides[side].handle(pair.now, Input::Datagram(attacker.ping(seen.tag)));
        }
        assert_ne!(before, state(&pair.sides[side], pair.now));
    }
}

/// A port that sends back whatever comes is nobody's peer.
#[test]
fn an_echo_is_no_peer() {
    let mut pair = Pair::new(1);
    pair.send(0, 3);
    for _ in 0..1000 {
        pair.pull();
        let (_, sent): (Vec<_>, Vec<_>) = std::mem::take(&mut pair.on_way).into_iter().unzip();
        let echoed = !sent.is_empty();
        for datagram in sent {
            pair.sides[0].handle(pair.now, Input::Datagram(&datagram));
        }
        if !echoed && !pair.sleep() {
            break;
        }
    }
    assert_eq!(pair.events[0], [Event::Closed(CloseReason::HandshakeTimeout { attempts: 8 })]);
}

#[test]
fn every_phase_is_what_it_is_called() {
    for phase in PHASES {
        let pair = Pair::in_phase(phase);
        let connected = pair.sides.each_ref().map(SlidingWindow::is_connected);
        let in_flight = pair.sides.each_ref().map(|side| side.status(pair.now).send.unacked_segments);
        match phase {
            Phase::Called | Phase::Answered => assert_eq!(connected, [phase == Phase::Answered && connected[0], false]),
            Phase::Transfer | Phase::Closing => assert!(in_flight[0] > 3 && in_flight[1] > 3, "{in_flight:?}"),
            _ => assert!(connected.contains(&true)),
        }
    }
    assert_ne!(tag(0, 1), tag(1, 1));
}
