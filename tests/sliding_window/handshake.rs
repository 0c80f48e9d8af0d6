//! Every step of the handshake lost, doubled, late, simultaneous, or never answered.

use mconn::machine::{Fault, Machine};
use mconn::sliding_window::packet::{Hello, Packet, Retry, decode, encode_retry, encode_syn};
use mconn::sliding_window::{CloseReason, Event, Input, SlidingWindow, Timer};
use mconn::time::Instant;

use crate::support::{Kind, Pair, at, config, message, ms, secs};

/// Both are connected and a message goes each way.
fn works(pair: &mut Pair) {
    pair.send(0, "there");
    pair.send(1, "back");
    let arrived = |pair: &mut Pair| pair.sides.iter().all(|side| side.messages.len() == 1);
    assert!(pair.run(secs(20), arrived), "{:?}", pair.sides.each_ref().map(|side| &side.events));
    assert_eq!(pair.sides[1].events, [Event::Connected, message("there")]);
    assert_eq!(pair.sides[0].events, [Event::Connected, message("back")]);
}

/// A pair whose first `times` datagrams of this kind are lost.
fn losing(kind: Kind, times: usize) -> Pair {
    let mut left = times;
    Pair::simple().network(move |_, datagram| {
        let lost = datagram.kind == kind && left > 0;
        left -= usize::from(lost);
        if lost { vec![] } else { vec![ms(10)] }
    })
}

#[test]
fn every_step_may_be_lost_several_times() {
    for kind in [Kind::Syn, Kind::SynAck, Kind::Ping, Kind::Data, Kind::Ack] {
        for times in 1..4 {
            let mut pair = losing(kind, times);
            works(&mut pair);
        }
    }
}

/// The last step alone is lost, and nothing else is said: the session opens all the same.
#[test]
fn the_last_step_is_repeated_until_it_arrives() {
    let mut pair = losing(Kind::Ping, 3);
    assert!(pair.run(secs(10), |pair| pair.sides[1].has(&Event::Connected)));
}

#[test]
fn every_step_may_be_doubled() {
    let mut pair = Pair::simple().network(|_, _| vec![ms(10), ms(10), ms(35)]);
    works(&mut pair);
    assert_eq!(pair.sides[0].count(|event| *event == Event::Connected), 1);
    let counters = pair.status(1).counters;
    assert!(counters.packet_duplicates > 0 && counters.data_duplicates > 0, "{counters:?}");
}

#[test]
fn both_may_call_at_once() {
    for (loses, times) in [(Kind::Retry, 0), (Kind::Syn, 1), (Kind::SynAck, 1), (Kind::SynAck, 2), (Kind::Ping, 2)] {
        let [alice, bob] = [0, 1].map(|side| SlidingWindow::connect(config(side), Instant::ZERO).unwrap());
        let mut left = times;
        let mut pair = Pair::of(alice, bob).network(move |_, datagram| {
            let lost = datagram.kind == loses && left > 0;
            left -= usize::from(lost);
            if lost { vec![] } else { vec![ms(10)] }
        });
        works(&mut pair);
    }
}

#[test]
fn data_follows_the_answer_at_once() {
    let mut pair = Pair::simple();
    pair.send(0, "first");
    assert!(pair.run(secs(1), |pair| !pair.sides[1].messages.is_empty()));
    // There and back and there again, 10 ms each.
    assert_eq!(pair.now, at(30));
}

#[test]
fn a_call_that_nobody_answers_ends_after_a_bounded_number_of_packets() {
    let mut pair = Pair::simple().network(|_, _| vec![]);
    pair.send(0, "never");
    assert!(pair.run(secs(600), |pair| pair.sides[0].closed.is_some()));
    let reason = CloseReason::HandshakeTimeout { attempts: 8 };
    assert_eq!((pair.ends(), pair.count(0, Kind::Syn), pair.sent.len()), ([Some(reason.clone()), None], 8, 8));
    assert_eq!(reason.fault(), Fault::Network);
    assert_eq!(pair.sides[1].machine.poll_timeout(), None, "a listener never times out");
}

#[test]
fn a_listener_waits_for_ever_and_takes_the_next_caller_when_the_first_was_nobody() {
    let mut listener = SlidingWindow::listen(config(1), Instant::ZERO).unwrap();
    let month = Instant::from_secs(2_592_000);
    listener.handle_timeout(month);
    assert_eq!(listener.poll_timeout(), None);

    let mut stranger = config(0);
    stranger.tag = 666;
    let mut stranger = SlidingWindow::connect(stranger, month).unwrap();
    let syn = stranger.poll_transmit(month).unwrap();
    listener.handle(month, Input::Datagram(&syn));
    let (mut said, mut last) = (0, month);
    while let Some((deadline, timer)) = listener.poll_timeout() {
        assert_eq!(timer, Timer::Handshake);
        while let Some(datagram) = listener.poll_transmit(deadline) {
            said += datagram.len();
        }
        listener.handle_timeout(deadline);
        last = deadline;
    }
    assert!(said > 0 && said <= 3 * syn.len(), "{said} bytes for {}", syn.len());
    assert_eq!(listener.poll_event(), None);

    let mut alice = SlidingWindow::connect(config(0), last).unwrap();
    alice.try_send(last, "real".into(), &Default::default()).unwrap();
    let mut pair = Pair::of(alice, listener);
    pair.now = last;
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages.len() == 1));
}

/// However often a `Syn` comes, from an address that nobody has proved.
#[test]
fn who_is_not_proved_gets_no_more_than_three_times_what_came() {
    let mut bob = SlidingWindow::listen(config(1), Instant::ZERO).unwrap();
    let mut alice = SlidingWindow::connect(config(0), Instant::ZERO).unwrap();
    let syn = alice.poll_transmit(Instant::ZERO).unwrap();
    let (mut heard, mut said) = (0, 0);
    for millisecond in 0..20_000 {
        if millisecond % 400 == 0 {
            heard += syn.len();
            bob.handle(at(millisecond), Input::Datagram(&syn));
        }
        bob.handle_timeout(at(millisecond));
        while let Some(datagram) = bob.poll_transmit(at(millisecond)) {
            said += datagram.len();
        }
        assert!(said <= 3 * heard);
    }
    assert!(said > 1000, "it does answer");
    assert!(!bob.wants_write(), "what may not go does not keep a driver awake");
}

/// Copies of one step, as many as there may be, get few answers.
#[test]
fn a_flood_of_copies_is_not_worth_a_flood_of_answers() {
    let mut pair = Pair::connected(config(0), config(1));
    let copies: Vec<_> = pair.sent.iter().map(|(_, datagram)| datagram.clone()).collect();
    let before = pair.sent.len();
    for _ in 0..1000 {
        for datagram in copies.iter().filter(|datagram| matches!(datagram.kind, Kind::Syn | Kind::SynAck)) {
            pair.handle(1 - datagram.from, Input::Datagram(&datagram.bytes));
        }
        pair.exchange();
    }
    let answers = pair.sent.len() - before;
    assert!((2..=4).contains(&answers), "{answers}");
    assert!(pair.status(0).counters.handshake_ignored > 900);
    works(&mut pair);
}

fn hello(source: u64) -> Hello<'static> {
    Hello {
        version: 1,
        source,
        initial_packet: 0,
        initial_segment: 0,
        max_bytes: 1 << 20,
        max_messages: 100,
        max_segment: 100,
        max_message: 1 << 20,
        max_datagram: 1200,
        max_ack_delay: 25_000,
        cookie: None,
        resume: None,
    }
}

#[test]
fn a_strangers_call_does_not_take_a_callers_place() {
    let mut pair = Pair::simple();
    let mut buffer = [0; 1200];
    for stranger in [666, 667] {
        let len = encode_syn(&mut buffer, &hello(stranger), 128).unwrap();
        pair.handle(0, Input::Datagram(&buffer[..len]));
    }
    works(&mut pair);
}

#[test]
fn who_can_not_be_talked_to_is_ignored() {
    for (wrong, what) in [
        (Hello { version: 2, ..hello(5) }, "another version"),
        (Hello { source: 0, ..hello(5) }, "no tag"),
        (Hello { max_datagram: 255, ..hello(5) }, "datagrams that carry nothing"),
    ] {
        let mut bob = SlidingWindow::listen(config(1), Instant::ZERO).unwrap();
        let mut buffer = [0; 1200];
        let len = encode_syn(&mut buffer, &wrong, 128).unwrap();
        bob.handle(Instant::ZERO, Input::Datagram(&buffer[..len]));
        assert_eq!(bob.poll_transmit(Instant::ZERO), None, "{what}");
        assert_eq!(bob.status(Instant::ZERO).counters.handshake_ignored, 1, "{what}");
    }
}

#[test]
fn a_demand_for_a_cookie_is_followed_with_the_same_call() {
    let mut alice = SlidingWindow::connect(config(0), Instant::ZERO).unwrap();
    let first = alice.poll_transmit(Instant::ZERO).unwrap();
    let mut buffer = [0; 100];
    let len = encode_retry(&mut buffer, 0xa, &Retry { cookie: b"prove it" }).unwrap();
    alice.handle(at(1), Input::Datagram(&buffer[..len]));
    let second = alice.poll_transmit(at(1)).unwrap();
    let (Ok(Packet::Syn(first)), Ok(Packet::Syn(second))) = (decode(&first), decode(&second)) else {
        panic!("two calls")
    };
    assert_eq!((first.cookie, second.cookie), (None, Some(&b"prove it"[..])));
    assert_eq!(Hello { cookie: None, ..second }, first);
    assert_eq!(alice.status(at(1)).counters.retries_received, 1);

    // With another tag it is not for us.
    let len = encode_retry(&mut buffer, 0xb, &Retry { cookie: b"prove it" }).unwrap();
    alice.handle(at(2), Input::Datagram(&buffer[..len]));
    assert_eq!((alice.poll_transmit(at(2)), alice.status(at(2)).counters.wrong_tag), (None, 1));
}

/// Who has never been heard can still be told what to do: nothing of what the user asked is lost.
#[test]
fn what_is_accepted_before_the_peer_is_known_goes_when_it_is() {
    let mut pair = Pair::simple();
    for number in 0..50_u8 {
        pair.send(0, vec![number; 40]);
        pair.send(1, vec![number; 40]);
    }
    assert!(pair.run(secs(5), |pair| pair.sides.iter().all(|side| side.messages.len() == 50)));
}
