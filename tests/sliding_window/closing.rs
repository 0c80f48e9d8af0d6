//! The ways to end, and what each side learns.

use mconn::machine::{Fault, Machine};
use mconn::sliding_window::{
    CloseReason, Event, Input, PeerFault, SendOptions, SendRefusal, SlidingWindow, Timer, UnackedLimit,
};
use mconn::time::Instant;

use crate::support::{Kind, Pair, Rng, config, message, ms, payload, secs};

const FINISHED: Option<CloseReason> = Some(CloseReason::Finished);

/// The original loses data here: its `Fin` has no place in the order (defect 3).
#[test]
fn twenty_messages_and_an_end_lose_nothing() {
    for seed in 0..100 {
        let mut rng = Rng::new(seed);
        let mut pair = Pair::simple().network(move |_, _| match rng.percent(20) {
            true => vec![],
            false => vec![ms(1 + rng.below(40))],
        });
        for number in 0..20 {
            pair.send(0, payload(number, 100));
        }
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(600)), "seed {seed}");
        assert_eq!(pair.ends(), [FINISHED, FINISHED], "seed {seed}");
        assert_eq!(pair.sides[1].messages, (0..20).map(|number| payload(number, 100)).collect::<Vec<_>>());
    }
}

#[test]
fn an_end_right_after_the_call_is_learned_by_the_peer() {
    let mut pair = Pair::simple();
    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(60)));
    let ended = [Event::Connected, Event::PeerFinished, Event::Closed(CloseReason::Finished)];
    assert_eq!(pair.sides[1].events, ended);
    assert_eq!(pair.sides[0].events, ended);
}

#[test]
fn both_may_end_at_once() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.send(0, "a");
    pair.send(1, "b");
    pair.handle(0, Input::Close);
    pair.handle(1, Input::Close);
    assert!(pair.run_to_end(secs(60)));
    assert_eq!((pair.ends(), pair.sides[0].messages.len(), pair.sides[1].messages.len()), ([FINISHED, FINISHED], 1, 1));
}

#[test]
fn one_side_may_finish_and_still_receive() {
    let mut bob = config(1);
    bob.half_close = true;
    let mut pair = Pair::connected(config(0), bob);
    pair.send(0, "question");
    pair.sides[0].machine.finish(pair.now);
    assert!(pair.run(secs(5), |pair| pair.sides[1].has(&Event::PeerFinished)));
    pair.run(secs(100), |_| false);
    assert_eq!(pair.ends(), [None, None], "nothing ends by itself");
    for number in 0..100 {
        pair.send(1, payload(number, 500));
    }
    assert!(pair.run(secs(5), |pair| pair.sides[0].messages.len() == 100));
    let error = pair.sides[0].machine.try_send(pair.now, "more".into(), &SendOptions::ORDERED).unwrap_err();
    assert_eq!((error.refusal, &error.message[..]), (SendRefusal::Finished, &b"more"[..]));
    pair.sides[1].machine.finish(pair.now);
    assert!(pair.run_to_end(secs(60)));
    assert_eq!(pair.ends(), [FINISHED, FINISHED]);
}

/// Without half-close the second side finishes when its user has seen the end, not before: it can still answer what came.
#[test]
fn the_other_side_finishes_when_its_user_has_seen_the_end() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.sides[1].reads = false;
    pair.send(0, "question");
    pair.handle(0, Input::Close);
    pair.run(secs(1), |_| false);
    assert_eq!(pair.sides[1].machine.poll_event(), Some(message("question")));
    pair.send(1, "answer");
    pair.sides[1].reads = true;
    assert!(pair.run_to_end(secs(60)));
    assert_eq!((pair.ends(), &pair.sides[0].messages[..]), ([FINISHED, FINISHED], &["answer".into()][..]));
}

/// The first to finish waits until the other is known to know; the other ends at once and says so.
#[test]
fn an_orderly_end_takes_one_round_trip_after_the_second_finish() {
    let mut pair = Pair::connected(config(0), config(1));
    let start = pair.now;
    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(60)));
    assert!(pair.now - start <= ms(100), "{:?}", pair.now - start);
}

#[test]
fn lost_last_packets_are_asked_for_again() {
    for lost_after in 0..12 {
        let mut pair = Pair::connected(config(0), config(1));
        let first = pair.sent.len();
        let (mut count, from) = (0, pair.sides.each_ref().map(|side| side.sent));
        assert_eq!(first, from[0] + from[1]);
        pair.network = Box::new(move |_, _| {
            count += 1;
            // One after another is lost, and the next two with it.
            if count > lost_after && count <= lost_after + 3 { vec![] } else { vec![ms(10)] }
        });
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(60)), "{lost_after}");
        assert_eq!(pair.ends(), [FINISHED, FINISHED], "{lost_after}");
    }
}

#[test]
fn an_abort_says_why() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.send(0, "lost");
    pair.handle(0, Input::Abort { code: 7, text: "out of paper" });
    assert!(pair.run_to_end(secs(5)));
    let (code, text) = (7, "out of paper".to_string());
    let [ours, theirs] = pair.ends().map(Option::unwrap);
    assert_eq!(ours, CloseReason::Aborted { code, text: text.clone() });
    assert_eq!(theirs, CloseReason::PeerAborted { code, text });
    assert_eq!((ours.fault(), theirs.fault()), (Fault::Ours, Fault::Network));
    assert_eq!(theirs.to_string(), "aborted by the peer with code 7: out of paper");
    assert!(pair.sides[1].messages.is_empty() && pair.count(0, Kind::Abort) == 1);
    assert_eq!(pair.status(0).counters.data_sent, 0);
}

#[test]
fn long_words_are_cut_at_a_character() {
    let mut pair = Pair::connected(config(0), config(1));
    let text = "é".repeat(200);
    pair.handle(0, Input::Abort { code: u64::MAX, text: &text });
    assert!(pair.run_to_end(secs(5)));
    let expected = CloseReason::PeerAborted { code: (1 << 60) - 1, text: "é".repeat(127) };
    assert_eq!(pair.ends()[1], Some(expected));
}

#[test]
fn an_abort_ends_even_when_the_transport_takes_nothing() {
    let mut pair = Pair::connected(config(0), config(1));
    let alice = &mut pair.sides[0].machine;
    alice.handle(pair.now, Input::Abort { code: 1, text: "" });
    assert_eq!(alice.poll_event(), None, "the peer is told first");
    let (deadline, timer) = alice.poll_timeout().unwrap();
    assert_eq!(timer, Timer::Linger);
    alice.handle_timeout(deadline);
    assert!(matches!(alice.poll_event(), Some(Event::Closed(CloseReason::Aborted { code: 1, .. }))));
    assert!(alice.is_closed());
}

#[test]
fn what_arrived_before_the_peers_abort_is_still_delivered() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.sides[1].reads = false;
    pair.send(0, "arrives");
    pair.run(secs(1), |_| false);
    pair.handle(0, Input::Abort { code: 1, text: "" });
    pair.run(secs(1), |_| false);
    pair.sides[1].take();
    assert_eq!(pair.sides[1].messages, ["arrives"]);
    assert!(matches!(pair.ends()[1], Some(CloseReason::PeerAborted { .. })));
}

#[test]
fn a_listener_without_a_peer_closes_at_once() {
    let mut pair = Pair::simple();
    pair.handle(1, Input::Close);
    pair.sides[1].take();
    assert_eq!(pair.ends()[1], Some(CloseReason::NeverConnected));
}

#[test]
fn a_transport_that_fails_ends_it() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.handle(0, Input::TransportFailed);
    pair.sides[0].take();
    assert_eq!(pair.ends()[0], Some(CloseReason::TransportFailed));
}

#[test]
fn a_peer_that_is_gone_is_noticed_by_its_silence() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.network = Box::new(|_, _| vec![]);
    let start = pair.now;
    assert!(pair.run_to_end(secs(100)));
    let reason = CloseReason::IdleTimeout { timeout: secs(30) };
    assert_eq!(pair.ends(), [Some(reason.clone()), Some(reason)]);
    assert!(pair.now - start <= secs(30));
}

#[test]
fn an_idle_pair_stays_alive_with_few_packets() {
    let mut pair = Pair::connected(config(0), config(1));
    let before = pair.sent.len();
    pair.run(secs(1000), |_| false);
    assert_eq!(pair.ends(), [None, None]);
    let packets = pair.sent.len() - before;
    // A ping and its answer each ten seconds, whoever asks first.
    assert!((190..=420).contains(&packets), "{packets}");
}

#[test]
fn everything_lost_ends_with_an_error_after_a_bounded_number_of_packets() {
    for idle_timeout in [Some(secs(30)), None] {
        let mut alice = config(0);
        (alice.idle_timeout, alice.keepalive) = (idle_timeout, None);
        let mut pair = Pair::connected(alice, config(1));
        pair.network = Box::new(|_, _| vec![]);
        for number in 0..500 {
            pair.send(0, payload(number, 1000));
        }
        let before = pair.sides[0].sent;
        assert!(pair.run(secs(10_000), |pair| pair.sides[0].closed.is_some()));
        let packets = pair.sides[0].sent - before;
        let expected = match idle_timeout {
            Some(timeout) => CloseReason::IdleTimeout { timeout },
            None => CloseReason::ProbesExhausted { probes: 17 },
        };
        assert_eq!(pair.ends()[0], Some(expected));
        // The first window, and two for each probe timeout.
        assert!(packets <= 10 + 2 * 17, "{packets}");
    }
}

/// The original has the configuration and never uses it (`TermConfig`, defect 11).
#[test]
fn the_limit_on_unacknowledged_packets_ends_it() {
    let mut alice = config(0);
    alice.unacked_limit = Some(UnackedLimit::new(5, secs(20)));
    let mut pair = Pair::connected(alice, config(1));
    pair.network = Box::new(|_, datagram| if datagram.from == 0 { vec![] } else { vec![ms(10)] });
    pair.send(0, "never arrives");
    assert!(pair.run(secs(100), |pair| pair.sides[0].closed.is_some()));
    assert_eq!(pair.ends()[0], Some(CloseReason::UnackedLimit { packets: 5, window: secs(20) }));
}

#[test]
fn closing_has_a_limit() {
    let mut alice = config(0);
    alice.close_timeout = secs(5);
    let mut bob = config(1);
    bob.half_close = true;
    let mut pair = Pair::connected(alice, bob);
    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(60)));
    let reason = CloseReason::CloseTimeout { timeout: secs(5), unacked_messages: 0 };
    assert_eq!(pair.ends()[0], Some(reason.clone()));
    assert!(matches!(&pair.ends()[1], Some(CloseReason::PeerAborted { text, .. }) if *text == reason.to_string()));
}

#[test]
fn a_peer_that_takes_less_than_what_was_accepted_ends_it() {
    let mut bob = config(1);
    bob.receive.max_message = 100;
    let mut pair = Pair::new(config(0), bob);
    pair.send(0, vec![0; 101]);
    assert!(pair.run_to_end(secs(60)));
    assert_eq!(pair.ends()[0], Some(CloseReason::PeerTakesLess { limit: 100 }));
    assert_eq!(pair.ends()[0].as_ref().unwrap().fault(), Fault::Ours);
}

#[test]
fn the_peers_limit_is_ours_once_it_is_known() {
    let mut bob = config(1);
    bob.receive.max_message = 100;
    let mut pair = Pair::connected(config(0), bob);
    pair.send(0, vec![0; 100]);
    let error = pair.sides[0].machine.try_send(pair.now, vec![0; 101].into(), &SendOptions::ORDERED).unwrap_err();
    assert_eq!(error.refusal, SendRefusal::TooLarge { limit: 100 });
}

#[test]
fn after_the_end_nothing_comes_and_nothing_matters() {
    let mut pair = Pair::connected(config(0), config(1));
    let recorded: Vec<_> = pair.sent.iter().map(|(_, datagram)| datagram.bytes.clone()).collect();
    pair.handle(1, Input::TransportFailed);
    pair.sides[1].take();
    let bob = &mut pair.sides[1].machine;
    let now = pair.now;
    for datagram in &recorded {
        bob.handle(now, Input::Datagram(datagram));
    }
    bob.handle(now, Input::Close);
    bob.handle(now, Input::Abort { code: 1, text: "" });
    bob.finish(now);
    bob.handle_timeout(Instant::MAX);
    assert_eq!((bob.poll_event(), bob.poll_transmit(now), bob.poll_timeout()), (None, None, None));
    assert!(bob.is_closed() && !bob.wants_write() && !bob.is_connected());
    assert_eq!(bob.may_send(1), Err(SendRefusal::Closed));
    assert_eq!(bob.try_send(now, "x".into(), &SendOptions::ORDERED).unwrap_err().refusal, SendRefusal::Closed);
}

#[test]
fn reasons_name_who_is_at_fault_and_read_as_sentences() {
    let peer = CloseReason::Peer(PeerFault::AcknowledgedUnsent { packet: 9 });
    assert_eq!(peer.fault(), Fault::Peer);
    assert_eq!(peer.to_string(), "the peer broke a rule: it acknowledged packet 9, which was never sent");
    let zero = CloseReason::ZeroWindow { timeout: secs(600) };
    assert_eq!((zero.fault(), zero.to_string()), (Fault::Peer, "the peer gave no credit for 600s".into()));
    assert_eq!(CloseReason::ResumeRefused.fault(), Fault::Peer);
    let unsent = SlidingWindow::listen(config(0), Instant::ZERO).unwrap().may_send(usize::MAX).unwrap_err();
    assert!(matches!(unsent, SendRefusal::TooLarge { .. }));
}

/// Who has everything waits while a receipt is on its way, but not for ever when the peer is gone.
#[test]
fn lingering_ends_though_a_receipt_is_on_its_way_to_a_peer_that_is_gone() {
    for (linger, close_timeout, longest) in [(1, 3, 4), (1, 10, 10), (3, 5, 12)] {
        let mut alice = config(0);
        (alice.linger, alice.close_timeout) = (secs(linger), secs(close_timeout));
        (alice.idle_timeout, alice.keepalive) = (None, None);
        let mut bob = config(1);
        bob.half_close = true;
        let mut pair = Pair::connected(alice, bob);
        pair.sides[0].machine.finish(pair.now);
        pair.settle();
        pair.send_with(1, "the last word", &SendOptions::ORDERED.with_receipt());
        pair.sides[1].machine.finish(pair.now);
        pair.exchange();
        // It arrives; what is said to it does not.
        pair.network = Box::new(|_, datagram| if datagram.from == 0 { vec![] } else { vec![ms(10)] });
        assert!(pair.run(secs(1), |pair| pair.sides[0].has(&Event::PeerFinished)));
        pair.network = Box::new(|_, _| vec![]);
        let start = pair.now;
        assert!(pair.run(secs(100_000), |pair| pair.sides[0].closed.is_some()));
        assert_eq!(pair.ends()[0], FINISHED);
        let lingered = pair.now - start;
        assert!(lingered >= secs(linger) && lingered <= secs(longest), "{lingered:?} of {longest}");
    }
}
