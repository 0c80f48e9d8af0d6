//! Any calls in any order over any network, against a plain model: what was accepted, in which order.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::{CloseReason, Config, Delivery, Event, Expires, Input, SendOptions, SlidingWindow};
use proptest::prelude::*;

use crate::support::{Kind, Pair, Rng, config, ms, payload, secs};

#[derive(Clone, Debug)]
enum Call {
    Send { side: usize, len: usize, unordered: bool, transmissions: Option<u32>, receipt: bool },
    Write { side: usize, len: usize },
    Flush { side: usize },
    Run { milliseconds: u64 },
    Tick { side: usize, back: u64 },
    Loss { percent: u64 },
    Reads { side: usize, reads: bool },
    Finish { side: usize },
}

fn call() -> impl Strategy<Value = Call> {
    let side = 0..2_usize;
    let len = prop_oneof![3 => 0..200_usize, 2 => 1000..1300_usize, 1 => 3000..20_000_usize];
    prop_oneof![
        12 => (side.clone(), len.clone(), any::<bool>(), proptest::option::weighted(0.1, 1..3_u32), any::<bool>()).prop_map(
            |(side, len, unordered, transmissions, receipt)| Call::Send { side, len, unordered, transmissions, receipt }
        ),
        2 => (side.clone(), len).prop_map(|(side, len)| Call::Write { side, len }),
        1 => side.clone().prop_map(|side| Call::Flush { side }),
        8 => (0..400_u64).prop_map(|milliseconds| Call::Run { milliseconds }),
        2 => (side.clone(), 0..5000_u64).prop_map(|(side, back)| Call::Tick { side, back }),
        2 => prop_oneof![0..40_u64, Just(100)].prop_map(|percent| Call::Loss { percent }),
        2 => (side.clone(), any::<bool>()).prop_map(|(side, reads)| Call::Reads { side, reads }),
        1 => side.prop_map(|side| Call::Finish { side }),
    ]
}

/// What one side has accepted.
#[derive(Default)]
struct Accepted {
    /// In order, those that never expire; bytes of a stream are one each.
    ordered: Vec<Bytes>,
    may_expire: Vec<Bytes>,
    unordered: Vec<Bytes>,
    receipts: usize,
}

fn small(side: usize) -> Config {
    let mut config = config(side);
    (config.receive.max_bytes, config.receive.max_message, config.receive.max_messages) = (40_000, 20_000, 20);
    config.receive.window = 64;
    (config.send.max_messages, config.send.max_bytes, config.send.max_message) = (40, 60_000, 20_000);
    (config.idle_timeout, config.zero_window_timeout, config.max_probes) = (None, None, 40);
    (config.half_close, config.delivery) = (true, Delivery::Events);
    config.handshake.attempts = 1000;
    config
}

/// Each message begins with its number, so that all differ.
fn numbered(number: &mut u32, len: usize) -> Bytes {
    *number += 1;
    [&number.to_be_bytes()[..], &payload(*number as usize, len)].concat().into()
}

fn counts(messages: &[Bytes]) -> BTreeMap<&[u8], usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(&message[..]).or_default() += 1;
    }
    counts
}

fn make(pair: &mut Pair, accepted: &mut [Accepted; 2], number: &mut u32, loss: &Cell<u64>, call: &Call) {
    match *call {
        Call::Send { side, len, unordered, transmissions, receipt } => {
            let mut options = if unordered { SendOptions::UNORDERED } else { SendOptions::ORDERED };
            if let Some(transmissions) = transmissions {
                options = options.expires(Expires::Transmissions(transmissions));
            }
            let options = if receipt { options.with_receipt() } else { options };
            let message = numbered(number, len.min(19_000));
            if pair.sides[side].machine.try_send(pair.now, message.clone(), &options).is_ok() {
                let accepted = &mut accepted[side];
                accepted.receipts += usize::from(receipt && transmissions.is_none());
                match (transmissions.is_some(), unordered) {
                    (true, _) => accepted.may_expire.push(message),
                    (false, true) => accepted.unordered.push(message),
                    (false, false) => accepted.ordered.push(message),
                }
            }
        }
        Call::Write { side, len } => {
            // A stream has no boundaries: one byte is the message that arrives.
            let byte = [len as u8];
            if pair.sides[side].machine.write(pair.now, &byte) == Ok(1) {
                // Not collected with others.
                pair.sides[side].machine.flush(pair.now);
                accepted[side].ordered.push(Bytes::copy_from_slice(&byte));
            }
        }
        Call::Flush { side } => drop(pair.sides[side].machine.flush(pair.now)),
        Call::Run { milliseconds } => drop(pair.run(ms(milliseconds), |_| false)),
        Call::Tick { side, back } => {
            let now = pair.now;
            pair.sides[side].machine.handle_timeout(now.saturating_sub(ms(back)));
        }
        Call::Loss { percent } => loss.set(percent),
        Call::Reads { side, reads } => pair.sides[side].reads = reads,
        Call::Finish { side } => {
            let now = pair.now;
            pair.sides[side].machine.finish(now);
        }
    }
}

/// What one side has got must be what the other has accepted.
fn check(got: &[Bytes], accepted: &Accepted) {
    // All messages differ, but the bytes of a stream do not.
    assert!(counts(got).iter().all(|(message, count)| *count == 1 || message.len() == 1), "nothing twice");
    let never_expires: Vec<_> = got.iter().filter(|message| !accepted.may_expire.contains(message)).collect();
    let ordered: Vec<_> = never_expires.iter().filter(|message| !accepted.unordered.contains(message)).collect();
    assert!(ordered.iter().map(|message| **message).eq(&accepted.ordered), "all ordered ones, in their order");
    assert_eq!(never_expires.len() - ordered.len(), accepted.unordered.len(), "all unordered ones");
    let may_expire: Vec<_> = got.iter().filter(|message| accepted.may_expire.contains(message)).collect();
    assert!(may_expire.len() <= accepted.may_expire.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_was_accepted_arrives_once_and_in_order(calls in proptest::collection::vec(call(), 1..60), seed in 1..u64::MAX) {
        let loss = Rc::new(Cell::new(0));
        let (percent, mut rng) = (Rc::clone(&loss), Rng::new(seed));
        let mut pair = Pair::new(small(0), small(1)).network(move |_, _| {
            if rng.percent(percent.get()) {
                vec![]
            } else if rng.percent(10) {
                vec![ms(1 + rng.below(100)), ms(rng.below(300))]
            } else {
                vec![ms(1 + rng.below(50))]
            }
        });
        let (mut accepted, mut number) = (<[Accepted; 2]>::default(), 1 << 24);
        for call in &calls {
            make(&mut pair, &mut accepted, &mut number, &loss, call);
        }
        // The network recovers, everybody reads, both finish.
        loss.set(0);
        for side in 0..2 {
            pair.sides[side].reads = true;
            pair.sides[side].machine.finish(pair.now);
        }
        prop_assert!(pair.run_to_end(secs(4000)), "{:?} {:?}", pair.ends(), pair.status(0));
        // The last word may be lost so long that the other side is gone. Then one side knows less, but nothing is missing.
        let finished = pair.ends().map(|end| end == Some(CloseReason::Finished));
        let unsure = pair.ends().into_iter().flatten().all(|end| {
            matches!(end, CloseReason::Finished | CloseReason::ProbesExhausted { .. } | CloseReason::IdleTimeout { .. })
        });
        prop_assert!(unsure && finished.contains(&true), "{:?}", pair.ends());
        for side in 0..2 {
            check(&pair.sides[side].messages, &accepted[1 - side]);
            let receipts = pair.sides[side].count(|event| matches!(event, Event::Receipt(_)));
            let complete = !finished[side] || receipts >= accepted[side].receipts;
            prop_assert!(complete, "a receipt for each that can not expire");
            prop_assert!(pair.sides[side].has(&Event::PeerFinished));
        }
    }

    /// Any bytes at any moment, also ones that begin like packets of ours.
    #[test]
    fn any_datagrams_are_harmless(
        datagrams in proptest::collection::vec((0..2_usize, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 1..60),
    ) {
        let mut pair = Pair::simple();
        for (side, like_ours, bytes) in datagrams {
            let mut datagram = bytes;
            if like_ours {
                let mut start = vec![0x53];
                start.extend((0xa + side as u64).to_le_bytes());
                start.append(&mut datagram);
                datagram = start;
            }
            pair.handle(side, Input::Datagram(&datagram));
            pair.exchange();
        }
        pair.send(0, "through");
        prop_assert!(pair.run(secs(60), |pair| pair.sides[1].messages.len() == 1));
    }
}

/// A copy of a machine goes on as the machine does: what a model checker needs.
#[test]
fn a_copy_behaves_as_the_original() {
    let mut pair = Pair::connected(config(0), config(1));
    for number in 0..20 {
        pair.send(0, payload(number, 900));
    }
    pair.exchange();
    let mut copy: SlidingWindow = pair.sides[0].machine.clone();
    let original = &mut pair.sides[0].machine;
    let deadline = original.poll_timeout().map(|(deadline, _)| deadline).unwrap();
    for machine in [original, &mut copy] {
        machine.handle_timeout(deadline);
    }
    assert_eq!(copy.poll_transmit(deadline), pair.sides[0].machine.poll_transmit(deadline));
    assert!(pair.count(0, Kind::Data) > 5);
}
