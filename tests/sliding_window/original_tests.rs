//! What the tests of go-sliding-window @ 7d8aad3 say, said of ours. The names are theirs.
//!
//! Those of the state table, the RTT estimator, the event ring and the codec stand with the legacy format; those of files with
//! the examples; `700` to `704` are about a tree that we do not have.

use mconn::machine::Machine;
use mconn::sliding_window::{CloseReason, Event, Input, SendOptions};

use crate::support::{Kind, Pair, Rng, config, ms, payload, secs};

#[test]
fn test_001_network() {
    let mut pair = Pair::simple();
    pair.send(0, "one");
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages.len() == 1));
    pair.settle();
    assert_eq!(pair.sides[1].messages, ["one"]);
    assert_eq!(pair.count(0, Kind::Data), 1);
    let counters = pair.status(1).counters;
    assert_eq!((counters.data_duplicates, counters.malformed, counters.wrong_tag), (0, 0, 0));
}

#[test]
fn test_002_lost_packet_times_out_and_is_retransmitted() {
    let mut pair = Pair::connected(config(0), config(1));
    let mut first = true;
    pair.network = Box::new(move |_, datagram| {
        let lost = datagram.kind == Kind::Data && core::mem::take(&mut first);
        if lost { vec![] } else { vec![ms(10)] }
    });
    pair.send(0, "one");
    pair.exchange();
    pair.send(0, "two");
    assert!(pair.run(secs(5), |pair| pair.sides[1].messages == ["one", "two"]));
    assert_eq!((pair.count(0, Kind::Data), pair.status(0).counters.data_resent >= 1), (3, true));
}

#[test]
fn test_003_misordered_packets_are_reordered() {
    let mut pair = Pair::connected(config(0), config(1));
    let mut first = true;
    pair.network = Box::new(move |_, datagram| {
        let held = datagram.kind == Kind::Data && core::mem::take(&mut first);
        vec![ms(if held { 50 } else { 10 })]
    });
    pair.send(0, "one");
    pair.exchange();
    pair.send(0, "two");
    pair.run(ms(45), |_| false);
    assert!(pair.sides[1].messages.is_empty(), "the second has come and waits");
    assert_eq!(pair.status(1).counters.data_received, 1);
    pair.run(ms(10), |_| false);
    assert_eq!(pair.sides[1].messages, ["one", "two"]);
}

#[test]
fn test_004_duplicated_packet_is_discarded() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.network = Box::new(|_, _| vec![ms(10), ms(11)]);
    pair.send(0, "once");
    pair.run(secs(1), |_| false);
    assert_eq!((&pair.sides[1].messages[..], pair.status(1).counters.data_duplicates), (&["once".into()][..], 1));
}

#[test]
fn test_006_algorithm_withstands_noisy_networks() {
    let mut bob = config(1);
    (bob.receive.window, bob.receive.max_messages) = (3, 3);
    let mut rng = Rng::new(6);
    let mut pair = Pair::new(config(0), bob).network(move |_, _| if rng.percent(20) { vec![] } else { vec![ms(1)] });
    for number in 0..100 {
        pair.send(0, payload(number, 100));
    }
    assert!(pair.run(secs(10), |pair| pair.sides[1].messages.len() == 100));
    assert_eq!(pair.sides[1].messages, (0..100).map(|number| payload(number, 100)).collect::<Vec<_>>());
}

/// A window of one message: the next one does not arrive before the reader has taken the one before it.
#[test]
fn test_008_provides_flow_control_to_throttle_over_sending() {
    let mut bob = config(1);
    (bob.receive.window, bob.receive.max_messages) = (1, 1);
    let mut pair = Pair::connected(config(0), bob);
    pair.sides[1].reads = false;
    for number in 0..20 {
        pair.send(0, payload(number, 10));
    }
    for number in 0..20 {
        pair.run(secs(1), |_| false);
        assert_eq!(pair.status(1).counters.data_received, number + 1, "lock step");
        let Some(Event::Message { payload: taken, .. }) = pair.sides[1].machine.poll_event() else {
            panic!("message {number}")
        };
        assert_eq!(taken, payload(number as usize, 10));
        assert_eq!(pair.sides[1].machine.poll_event(), None);
    }
}

/// The original's test says in its text that the window is checked, and does not; this one does.
#[test]
fn test_009_simnet_verifies_flow_control_not_violated() {
    let mut bob = config(1);
    (bob.receive.window, bob.receive.max_messages) = (3, 3);
    let mut pair = Pair::connected(config(0), bob);
    for number in 0..100 {
        pair.send(0, payload(number, 100));
    }
    let done = pair.run(secs(60), |pair| {
        let (send, receive) = (pair.status(0).send, pair.status(1).receive);
        assert!(send.next_segment <= receive.credit_segments && receive.held_bytes <= 300);
        pair.sides[1].messages.len() == 100
    });
    assert!(done);
    assert_eq!(pair.status(1).counters.data_refused, 0);
}

#[test]
fn test_010_consumer_side_flow_control() {
    let mut pair = Pair::connected(config(0), config(1));
    pair.sides[1].reads = false;
    for _ in 0..2 {
        pair.send(0, payload(0, 100));
        pair.run(secs(1), |_| false);
        assert_eq!(pair.status(1).receive.held_bytes, 100);
        assert!(pair.sides[1].machine.poll_event().is_some());
        assert_eq!(pair.status(1).receive.held_bytes, 0);
    }
}

/// The clock advances by a second on the way there and on the way back.
#[test]
fn test_011_rtt_from_packets() {
    let mut pair = Pair::simple().network(|_, _| vec![secs(1)]);
    pair.send(0, "x");
    assert!(pair.run(secs(60), |pair| pair.sides[1].messages.len() == 1));
    pair.run(secs(5), |_| false);
    let round_trip = pair.status(0).recovery.unwrap().round_trip;
    assert!(round_trip.measured && round_trip.minimum >= secs(2) && round_trip.minimum < ms(2_050), "{round_trip:?}");
}

/// "And Fin": the original's test has the name and no `Fin` in it.
#[test]
fn test_015_retry_of_syn_syn_ack_and_fin() {
    let mut left = [2, 2, 2, 2];
    let mut pair = Pair::simple().network(move |_, datagram| {
        let which = match (datagram.kind, datagram.from) {
            (Kind::Syn, _) => 0,
            (Kind::SynAck, _) => 1,
            (Kind::Ping, 0) => 2,
            // The end is the only data of this session.
            (Kind::Data, _) => 3,
            _ => return vec![ms(10)],
        };
        let lost = left[which] > 0;
        left[which] -= i32::from(lost);
        if lost { vec![] } else { vec![ms(10)] }
    });
    let both = |pair: &mut Pair| pair.sides.iter().all(|side| side.has(&Event::Connected));
    assert!(pair.run(secs(60), both));
    pair.run(secs(30), |_| false);
    assert_eq!(pair.ends(), [None, None], "both alive");
    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(60)));
    assert_eq!(pair.ends(), [Some(CloseReason::Finished), Some(CloseReason::Finished)]);
}

#[test]
fn test_020_detect_other_end_shutdown() {
    let mut alice = config(0);
    (alice.keepalive, alice.idle_timeout) = (Some(ms(500)), Some(secs(5)));
    let mut pair = Pair::connected(alice, config(1));
    // The other side stops without a word.
    pair.handle(1, Input::TransportFailed);
    assert!(pair.run(secs(10), |pair| pair.sides[0].closed.is_some()));
    assert_eq!(pair.ends()[0], Some(CloseReason::IdleTimeout { timeout: secs(5) }));
}

/// The transport of `040`, `042` and `043`: a file in both directions at once, with calls that are lost.
#[test]
fn test_040_file_transfer() {
    let mut left = 4;
    let mut pair = Pair::simple().network(move |_, datagram| {
        let lost = datagram.kind == Kind::Syn && left > 0;
        left -= i32::from(lost);
        if lost { vec![] } else { vec![ms(2)] }
    });
    let file = payload(40, 2 << 20);
    let (mut sent, mut received) = (0, 0);
    let done = pair.run(secs(120), |pair| {
        while sent < file.len() {
            let part = file.slice(sent..file.len().min(sent + 50_000));
            let len = part.len();
            if pair.sides[0].machine.try_send(pair.now, part, &SendOptions::ORDERED).is_err() {
                break;
            }
            sent += len;
        }
        for message in pair.sides[1].messages.drain(..) {
            assert_eq!(message, file.slice(received..received + message.len()));
            received += message.len();
        }
        pair.exchange();
        received == file.len()
    });
    assert!(done, "{received} of {}", file.len());
}

/// Nonces of sessions are different; here they come from the caller, or from an endpoint's key.
#[test]
fn test_060_new_session_nonce() {
    use mconn::sliding_window::endpoint::{Endpoint, EndpointConfig};
    let mut endpoint = Endpoint::new(EndpointConfig::new([60; 16]), crate::support::at(0)).unwrap();
    let tags: std::collections::BTreeSet<_> = (0..1000)
        .map(|_| {
            let key = endpoint.connect(crate::support::at(0), "peer").unwrap();
            endpoint.session(key).unwrap().tag()
        })
        .collect();
    assert_eq!(tags.len(), 1000);
}
