//! What a session is for: messages both ways, whatever the network does.

use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::{CloseReason, Event, Input};

use crate::support::{Kind, Pair, Rng, config, message, ms, payload, secs};

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

/// More gaps than one acknowledgement tells: the later ones must not be taken for the first (the acknowledgement named the
/// newest packet and began with an older range, so that what was lost was taken for received).
#[test]
fn a_burst_with_more_gaps_than_one_acknowledgement_tells_is_repaired() {
    let wide = |side| {
        let mut config = config(side);
        config.congestion = Algorithm::Fixed { bytes: u64::MAX, packets: 2_000 };
        config
    };
    let mut data = 0;
    let mut pair = Pair::connected(wide(0), wide(1)).network(move |_, datagram| {
        data += usize::from(datagram.kind == Kind::Data);
        if datagram.kind == Kind::Data && data % 9 == 4 { vec![] } else { vec![ms(10)] }
    });
    let sent: Vec<_> = (0..900).map(|number| payload(number, 1_100)).collect();
    for message in &sent {
        pair.send(0, message.clone());
    }
    pair.handle(0, Input::Close);
    assert!(pair.run_to_end(secs(60)), "{:?}", pair.ends());
    assert_eq!(pair.sides[1].messages, sent);
}
