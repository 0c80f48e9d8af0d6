//! A session that was cut goes on in a new one.

use mconn::machine::{Fault, Machine};
use mconn::sliding_window::packet::{Hello, Holes, Packet, Resume, decode, encode_syn_ack};
use mconn::sliding_window::{
    CloseReason, Config, ConfigError, Event, Input, PeerFault, Resumable, SendOptions, SendRefusal, SlidingWindow,
};
use mconn::time::Instant;

use crate::support::{Pair, Rng, config, ms, payload, secs};

/// The configuration of the session after the cut: another tag.
fn renewed(side: usize) -> Config {
    let mut config = config(side);
    (config.tag, config.seed) = (config.tag + 100, config.seed + 100);
    config
}

/// A pair that is cut in the middle of a transfer in both directions; with what had been delivered.
fn cut(seed: u64) -> Pair {
    let mut rng = Rng::new(seed);
    let mut pair = Pair::connected(config(0), config(1));
    pair.network = Box::new(move |_, _| if rng.percent(30) { vec![] } else { vec![ms(5 + rng.below(30))] });
    for number in 0..100 {
        pair.send(0, payload(number, 900));
        pair.send(1, payload(number, 900));
    }
    pair.run(ms(60 + seed * 7), |_| false);
    pair
}

fn resumables(pair: Pair) -> ([Resumable; 2], [Vec<bytes::Bytes>; 2], Instant) {
    let now = pair.now;
    let [alice, bob] = pair.sides;
    let resumable = |machine: SlidingWindow| machine.into_resumable().expect("a session that was connected");
    ([resumable(alice.machine), resumable(bob.machine)], [alice.messages, bob.messages], now)
}

fn resumed(alice: Resumable, bob: Resumable, now: Instant) -> Pair {
    resumed_by([alice, bob], 0, 0, now)
}

/// The next attempt, in which one side calls: tags are used once.
fn resumed_by(sides: [Resumable; 2], caller: usize, attempt: u64, now: Instant) -> Pair {
    let mut side = 0;
    let [alice, bob] = sides.map(|resumable| {
        let mut config = renewed(side);
        config.tag += 2 * attempt;
        side += 1;
        if side == caller + 1 {
            SlidingWindow::connect_resumed(config, resumable, now).unwrap()
        } else {
            SlidingWindow::listen_resumed(config, resumable, now).unwrap()
        }
    });
    let mut pair = Pair::of(alice, bob);
    pair.now = now;
    pair
}

#[test]
fn a_cut_session_goes_on_and_nothing_is_lost_or_doubled() {
    let (mut between, mut messages_before) = (0, 0);
    for seed in 0..40 {
        let ([alice, bob], before, now) = resumables(cut(seed));
        let mut rng = Rng::new(seed);
        let mut pair = resumed(alice, bob, now)
            .network(move |_, _| if rng.percent(10) { vec![] } else { vec![ms(5 + rng.below(30))] });
        for before in &before {
            between += usize::from(!before.is_empty() && before.len() < 100);
            messages_before += before.len();
        }
        pair.send(0, "after the cut");
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(600)), "seed {seed}");
        assert_eq!(pair.ends(), [Some(CloseReason::Finished), Some(CloseReason::Finished)]);
        let mut expected: Vec<_> = (0..100).map(|number| payload(number, 900)).collect();
        assert_eq!([&before[0][..], &pair.sides[0].messages].concat(), expected, "seed {seed}");
        expected.push("after the cut".into());
        assert_eq!([&before[1][..], &pair.sides[1].messages].concat(), expected, "seed {seed}");
    }
    assert!(between > 10 && messages_before > 500, "the cuts come in the middle: {between}, {messages_before}");
}

/// What the peer has is told in the handshake, and not sent again.
#[test]
fn what_arrived_is_not_sent_again() {
    let mut pair = Pair::connected(config(0), config(1));
    let mut count = 0;
    pair.network = Box::new(move |_, datagram| {
        if datagram.from == 1 {
            return vec![];
        }
        count += 1;
        if count == 3 { vec![] } else { vec![ms(10)] }
    });
    for number in 0..9 {
        pair.send(0, payload(number, 1100));
    }
    pair.run(ms(50), |_| false);
    assert_eq!(pair.sides[1].messages.len(), 2, "the third was lost, the others wait behind it");
    let ([alice, bob], _, now) = resumables(pair);
    let mut pair = resumed(alice, bob, now);
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages.len() == 7));
    assert_eq!(pair.status(0).counters.data_sent, 1, "the missing one");
}

/// It may be cut again and again.
#[test]
fn a_session_may_be_cut_many_times() {
    let mut pair = cut(3);
    let mut received = vec![];
    for round in 0..5 {
        let ([alice, bob], before, now) = resumables(pair);
        received.extend(before[1].clone());
        let mut configs = [renewed(0), renewed(1)];
        for config in &mut configs {
            config.tag += round;
        }
        let [first, second] = configs;
        let alice = SlidingWindow::connect_resumed(first, alice, now).unwrap();
        let bob = SlidingWindow::listen_resumed(second, bob, now).unwrap();
        pair = Pair::of(alice, bob);
        pair.now = now;
        pair.run(ms(45), |_| false);
    }
    assert!(pair.run(secs(20), |pair| received.len() + pair.sides[1].messages.len() == 100));
    received.extend(pair.sides[1].messages.clone());
    assert_eq!(received, (0..100).map(|number| payload(number, 900)).collect::<Vec<_>>());
}

#[test]
fn a_session_that_the_network_ended_can_be_resumed_and_no_other() {
    let mut dead = Pair::connected(config(0), config(1));
    dead.network = Box::new(|_, _| vec![]);
    dead.send(0, "kept");
    assert!(dead.run_to_end(secs(100)));
    let ([alice, bob], _, now) = resumables(dead);
    let mut pair = resumed(alice, bob, now);
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages == ["kept"]));

    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(60)));
    let [alice, bob] = pair.sides;
    assert!(alice.machine.into_resumable().is_none() && bob.machine.into_resumable().is_none(), "an orderly end");

    let fresh = SlidingWindow::connect(config(0), Instant::ZERO).unwrap();
    assert!(fresh.into_resumable().is_none(), "never connected");

    let mut aborted = Pair::connected(config(0), config(1));
    aborted.handle(0, Input::Abort { code: 1, text: "" });
    aborted.run_to_end(secs(5));
    assert!(aborted.sides.into_iter().all(|side| side.machine.into_resumable().is_none()), "an abort");
}

#[test]
fn a_peer_that_does_not_know_the_session_refuses() {
    let ([alice, _], _, now) = resumables(cut(5));
    let alice = SlidingWindow::connect_resumed(renewed(0), alice, now).unwrap();
    let mut pair = Pair::of(alice, SlidingWindow::listen(renewed(1), now).unwrap());
    pair.now = now;
    assert!(pair.run_to_end(secs(60)));
    assert_eq!(pair.ends()[0], Some(CloseReason::ResumeRefused));
    assert_eq!(CloseReason::ResumeRefused.fault(), Fault::Peer);
    assert!(pair.sides[0].messages.is_empty() && pair.sides[1].messages.is_empty());
    assert!(!pair.sides[0].has(&Event::Connected), "it never was");
    assert!(matches!(pair.ends()[1], Some(CloseReason::PeerAborted { .. })));
}

/// A peer that says it has what was never sent.
#[test]
fn a_peer_can_not_have_what_was_never_sent() {
    let ([alice, _], _, now) = resumables(cut(5));
    let mut alice = SlidingWindow::connect_resumed(renewed(0), alice, now).unwrap();
    let syn = alice.poll_transmit(now).unwrap();
    let Ok(Packet::Syn(hello)) = decode(&syn) else { panic!("a call") };
    let offer = hello.resume.unwrap();
    let lie = Resume { ours: offer.yours, yours: offer.ours, next_expected: 1 << 40, holes: Holes::NONE };
    let answer = Hello { source: 5, resume: Some(lie), ..hello };
    let mut buffer = [0; 300];
    let len = encode_syn_ack(&mut buffer, renewed(0).tag, &answer).unwrap();
    alice.handle(now, Input::Datagram(&buffer[..len]));
    while alice.poll_transmit(now).is_some() {}
    let last = std::iter::from_fn(|| alice.poll_event()).last();
    let Some(Event::Closed(CloseReason::Peer(fault))) = last else { panic!("{last:?}") };
    assert!(matches!(fault, PeerFault::ReceivedUnsent { expected: 0x100_0000_0000, .. }), "{fault:?}");
}

#[test]
fn who_waits_for_a_peer_that_was_cut_takes_no_other() {
    let ([alice, bob], _, now) = resumables(cut(5));
    let (stranger, _, _) = resumables(cut(6));
    drop(alice);
    let mut bob = SlidingWindow::listen_resumed(renewed(1), bob, now).unwrap();
    let mut plain = SlidingWindow::connect(renewed(0), now).unwrap();
    let [_, other] = stranger;
    let mut other = SlidingWindow::connect_resumed(renewed(0), other, now).unwrap();
    for caller in [&mut plain, &mut other] {
        let syn = caller.poll_transmit(now).unwrap();
        bob.handle(now, Input::Datagram(&syn));
    }
    assert_eq!((bob.poll_transmit(now), bob.status(now).counters.handshake_ignored), (None, 2));
}

/// A segment that was cut for large datagrams could not be sent in small ones.
#[test]
fn the_datagrams_must_not_shrink() {
    let ([alice, bob], _, now) = resumables(cut(5));
    let mut small = renewed(0);
    small.max_datagram = 1000;
    let error = SlidingWindow::connect_resumed(small, alice, now).unwrap_err();
    assert_eq!(error, ConfigError::ResumeDatagram { max_datagram: 1000, needed: 1232 });
    let mut large = renewed(1);
    large.max_datagram = 9000;
    assert!(SlidingWindow::listen_resumed(large, bob, now).is_ok());
}

/// Receipts that were asked for before the cut come after it; the queue is still full when it was.
#[test]
fn what_was_promised_before_the_cut_holds_after_it() {
    let mut alice = config(0);
    alice.send.max_messages = 2;
    let mut pair = Pair::connected(alice, config(1));
    pair.network = Box::new(|_, _| vec![]);
    let options = SendOptions::ORDERED.with_receipt();
    let id = pair.sides[0].machine.try_send(pair.now, "first".into(), &options).unwrap();
    pair.send(0, "second");
    let ([alice, bob], _, now) = resumables(pair);
    let mut pair = resumed(alice, bob, now);
    let refusal = pair.sides[0].machine.may_send(1);
    assert_eq!(refusal, Err(SendRefusal::Full { messages: 2, bytes: 11 }));
    assert!(pair.run(secs(5), |pair| pair.sides[0].has(&Event::Receipt(id))));
}

/// What is cut may be gone on with later, though nobody answered the first time.
#[test]
fn an_attempt_to_resume_that_nobody_answered_can_be_made_again() {
    type End = fn(&mut Pair);
    let silence: End = |pair| {
        pair.network = Box::new(|_, _| vec![]);
        pair.run(secs(100), |pair| pair.sides[0].closed.is_some());
        assert_eq!(pair.ends()[0], Some(CloseReason::HandshakeTimeout { attempts: 8 }));
        pair.handle(1, Input::Close);
        pair.exchange();
        assert_eq!(pair.ends()[1], Some(CloseReason::NeverConnected));
    };
    let failure: End = |pair| {
        pair.handle(0, Input::TransportFailed);
        pair.handle(1, Input::TransportFailed);
        pair.exchange();
    };
    for (number, end) in [silence, failure, |_| ()].into_iter().enumerate() {
        let (sides, before, now) = resumables(cut(5));
        let [alice, bob] = sides;
        let mut pair = resumed(alice, bob, now);
        pair.send(0, "between the attempts");
        end(&mut pair);
        let (sides, between, now) = resumables(pair);
        assert!(between.iter().all(Vec::is_empty));
        let mut pair = resumed_by(sides, 0, 1, now);
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(600)), "{number}");
        assert_eq!(pair.ends(), [Some(CloseReason::Finished), Some(CloseReason::Finished)]);
        let mut expected: Vec<_> = (0..100).map(|number| payload(number, 900)).collect();
        assert_eq!([&before[0][..], &pair.sides[0].messages].concat(), expected, "{number}");
        expected.push("between the attempts".into());
        assert_eq!([&before[1][..], &pair.sides[1].messages].concat(), expected, "{number}");
    }
}

/// Who gives up an attempt on purpose does not want the session any more.
#[test]
fn an_attempt_to_resume_that_was_aborted_is_the_end() {
    let (sides, _, now) = resumables(cut(5));
    let [alice, bob] = sides;
    let mut pair = resumed(alice, bob, now);
    pair.handle(0, Input::Abort { code: 1, text: "" });
    let [alice, _] = pair.sides;
    assert!(alice.machine.into_resumable().is_none());
}

/// One end may believe that the session goes on while the other has not heard of it. Whatever they believe, they go on later.
#[test]
fn a_resumption_may_be_cut_at_any_datagram() {
    for (passes, lost, caller) in (0..12)
        .flat_map(|passes| [[true, true], [true, false], [false, true]].map(|lost| (passes, lost)))
        .flat_map(|(passes, lost)| [0, 1].map(|caller| (passes, lost, caller)))
    {
        let (sides, before, now) = resumables(cut(5));
        let [alice, bob] = sides;
        let mut pair = resumed(alice, bob, now);
        let mut count = 0;
        pair.network = Box::new(move |_, datagram| {
            count += 1;
            if count > passes && lost[datagram.from] { vec![] } else { vec![ms(10)] }
        });
        pair.run(secs(200), |pair| pair.sides.iter().all(|side| side.closed.is_some()));
        let (sides, between, now) = resumables(pair);
        let mut pair = resumed_by(sides, caller, 1, now);
        pair.handle(caller, Input::Close);
        assert!(pair.run_to_end(secs(600)), "{passes} {lost:?} {caller}");
        assert_eq!(
            pair.ends(),
            [Some(CloseReason::Finished), Some(CloseReason::Finished)],
            "{passes} {lost:?} {caller}"
        );
        let expected: Vec<_> = (0..100).map(|number| payload(number, 900)).collect();
        for side in 0..2 {
            let received = [&before[side][..], &between[side], &pair.sides[side].messages].concat();
            assert_eq!(received, expected, "{passes} {lost:?} {caller}");
        }
    }
}
