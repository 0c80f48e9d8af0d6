//! What a session is for: messages both ways, whatever the network does.

use mconn::machine::Machine;
use mconn::sliding_window::{CloseReason, Event, Input};

use crate::support::{Pair, Rng, config, message, ms, payload, secs};

#[test]
fn messages_go_both_ways_and_both_end() {
    let mut pair = Pair::simple();
    pair.send(0, "hello");
    assert!(pair.run(secs(1), |pair| pair.sides[1].messages.len() == 1));
    assert_eq!(pair.sides[1].events, [Event::Connected, message("hello")]);
    pair.send(1, "and back");
    assert!(pair.run(secs(1), |pair| pair.sides[0].messages.len() == 1));
    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(10)));
    assert_eq!(pair.ends(), [Some(CloseReason::Finished), Some(CloseReason::Finished)]);
    assert_eq!(pair.sides[1].events[2..], [Event::PeerFinished, Event::Closed(CloseReason::Finished)]);
    assert!(pair.sides.iter().all(|side| side.machine.is_closed() && side.machine.poll_timeout().is_none()));
}

/// Loss, copies, delays of all lengths, in both directions.
#[test]
fn nothing_is_lost_doubled_reordered_or_cut_whatever_the_network_does() {
    for seed in 1..=60 {
        let mut rng = Rng::new(seed);
        let loss = rng.below(30);
        let mut pair = Pair::new(config(0), config(1)).network(move |_, _| match rng.percent(loss) {
            true => vec![],
            false if rng.percent(10) => vec![ms(rng.below(60)), ms(rng.below(200))],
            false => vec![ms(5 + rng.below(60))],
        });
        let sizes = [0, 1, 63, 64, 1000, 1171, 1172, 1173, 5000, 20_000];
        let sent: Vec<_> =
            (0..60).map(|number| payload(number, sizes[(number + seed as usize) % sizes.len()])).collect();
        for message in &sent {
            pair.send(0, message.clone());
            pair.send(1, message.clone());
        }
        pair.handle(0, Input::Close);
        assert!(pair.run_to_end(secs(3000)), "seed {seed}: {:?} {:?}", pair.ends(), pair.now);
        assert_eq!(pair.ends(), [Some(CloseReason::Finished), Some(CloseReason::Finished)], "seed {seed}");
        assert_eq!(pair.sides[0].messages, sent, "seed {seed}");
        assert_eq!(pair.sides[1].messages, sent, "seed {seed}");
    }
}
