//! Pairs of connections over simulated links: thousands drawn from seeds, and some arranged by hand.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use mconn::connection::{ChannelConfig, CloseReason, MConnConfig, MConnState, PingPolicy};
use mconn::sim::{
    Closing, Cut, Fnv, LinkConfig, Operation, Outcome, Pair, PairConfig, Reader, Scenario, Side, Violation,
};
use mconn::time::{Duration, Instant};

/// How to see a seed again.
const AGAIN: &str = "cargo run --release --features sim --example soak -- --trace --seed";

/// Runs a seed. A failure prints one line that replays it, and how it came to that.
#[track_caller]
fn run(seed: u64) -> Outcome {
    let Ok(outcome) = catch_unwind(|| Scenario::from_seed(seed).run()) else {
        panic!("seed {seed} panicked; again: {AGAIN} {seed}")
    };
    if let Some(violation) = &outcome.violation {
        eprintln!("{}", outcome.trace);
        panic!("seed {seed}: {violation}; again: {AGAIN} {seed}");
    }
    outcome
}

fn run_all(seeds: std::ops::Range<u64>) {
    let messages: u64 = seeds.clone().map(|seed| run(seed).messages).sum();
    assert!(messages > 10 * (seeds.end - seeds.start), "only {messages} messages");
}

// Ten thousand seeds, in four parts so that they run beside each other.

#[test]
fn ten_thousand_seeds_first_quarter() {
    run_all(0..2_500);
}

#[test]
fn ten_thousand_seeds_second_quarter() {
    run_all(2_500..5_000);
}

#[test]
fn ten_thousand_seeds_third_quarter() {
    run_all(5_000..7_500);
}

#[test]
fn ten_thousand_seeds_last_quarter() {
    run_all(7_500..10_000);
}

/// The kind of an ending, without its numbers.
fn kind(ending: &CloseReason) -> &'static str {
    match ending {
        CloseReason::Local => "local",
        CloseReason::Flushed => "flushed",
        CloseReason::FlushDeadline { .. } => "flush deadline",
        CloseReason::PeerClosed { unread_bytes: 0, partial_messages: 0 } => "peer closed",
        CloseReason::PeerClosed { unread_bytes: 0, .. } => "peer closed in a message",
        CloseReason::PeerClosed { .. } => "peer closed in a packet",
        CloseReason::TransportFailed => "transport failed",
        CloseReason::PongTimeout { .. } => "pong timeout",
        CloseReason::TransmitStalled { .. } => "transmit stalled",
        CloseReason::MessageTimeout { .. } => "message timeout",
        _ => "a fault of the peer",
    }
}

#[test]
fn the_seeds_reach_every_ending_that_honest_peers_can_have() {
    let mut endings = BTreeMap::new();
    for seed in 0..3_000 {
        let outcome = run(seed);
        for ending in [outcome.ending_a, outcome.ending_b].into_iter().flatten() {
            *endings.entry(kind(&ending)).or_insert(0) += 1;
        }
    }
    let expected = [
        "flush deadline",
        "flushed",
        "local",
        "message timeout",
        "peer closed",
        "peer closed in a message",
        "peer closed in a packet",
        "pong timeout",
        "transmit stalled",
        "transport failed",
    ];
    assert!(endings.keys().eq(&expected), "{endings:?}");
    assert!(endings.values().all(|count| *count >= 5), "{endings:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..100 {
        let (one, two) = (run(seed), run(seed));
        assert_eq!(one.trace.difference(&two.trace), None);
        assert_eq!(one.trace.to_string(), two.trace.to_string());
    }
    assert_ne!(run(1).trace.hash(), run(2).trace.hash());
}

/// One number for all that happens in the first hundred seeds. It is the same on every platform and optimisation level.
///
/// A change of the connection that changes when something happens changes it too: then look at what changed
/// (`soak --seed N --trace` before and after, and diff), and put the new number here.
#[test]
fn the_traces_of_the_first_hundred_seeds_are_pinned() {
    let mut hash = Fnv::new();
    for seed in 0..100 {
        hash.update(&run(seed).trace.hash().to_le_bytes());
    }
    assert_eq!(
        hash.finish(),
        0xfc8d_0576_a5d5_c7bb,
        "the traces have changed; the new hash is {:#018x}",
        hash.finish()
    );
}

#[test]
fn drivers_that_tick_at_random_deliver_what_exact_ones_do() {
    let (mut compared, mut the_same) = (0, 0);
    for seed in 0..1_500 {
        let scenario = Scenario::from_seed(seed);
        if !scenario.is_harmless() {
            continue;
        }
        compared += 1;
        let exact = scenario.clone().exact().run();
        let ticking = scenario.ticking(Duration::from_millis(20)).run();
        assert_eq!((&exact.violation, &ticking.violation), (&None, &None), "seed {seed}");
        assert_eq!(exact.delivered, ticking.delivered, "seed {seed}");
        the_same += u32::from(exact.trace == ticking.trace);
    }
    assert!(the_same < compared / 5, "in {the_same} of {compared} the ticks had no time to come");
    assert!(compared > 300, "only {compared} scenarios deliver everything by plan");
}

/// Seeds that failed once, by what they had found.
#[test]
fn seeds_that_failed_once() {
    // A user that sleeps does not take the last event, so its driver did not learn that the machine had ended, and the peer
    // took the silence for a dead connection. The simulated driver asks now (`StreamMachine::has_ended`).
    for seed in [308, 1_138, 1_417, 2_164, 3_288, 5_502] {
        run(seed);
    }
    // A pong that was asked for counted as one that was not when another packet had come before it, and pongs that nobody had
    // asked for added up over any time: `NoProgress` between honest peers.
    for seed in [204_750, 654_928, 745_478, 846_313, 903_559] {
        run(seed);
    }
    // The time of the receive limiter came between two calls of one round of the driver, in a call after which it does not
    // feed: the deadline was gone, and what waited in the buffer stayed there.
    for seed in [15_571, 16_163, 20_596, 43_956, 68_319, 95_725] {
        run(seed);
    }
}

fn channels() -> MConnConfig {
    MConnConfig::default().channels([ChannelConfig::new(0x20, 5), ChannelConfig::new(0x80, 1)])
}

fn pair(config: &MConnConfig, between: PairConfig) -> Pair<MConnState, MConnState> {
    let machine = || MConnState::new(config.clone(), Instant::ZERO).expect("a valid configuration");
    Pair::new(1, machine(), machine(), between)
}

fn slow_link() -> PairConfig {
    PairConfig::symmetric(LinkConfig::new().latency(Duration::from_millis(30)).bandwidth(100_000))
}

#[test]
fn an_idle_connection_stays_for_weeks() {
    for config in [channels(), MConnConfig::cometbft().channel(ChannelConfig::new(1, 1))] {
        let mut between = slow_link();
        between.max_time = Duration::from_secs(40 * 24 * 3600);
        let mut pair = pair(&config, between);
        pair.run_until(Instant::from_secs(21 * 24 * 3600)).expect("no promise is broken");
        assert_eq!((pair.ending_a(), pair.ending_b()), (None, None));
        let pings = pair.a().status(pair.now()).counters.pings_received;
        assert_eq!(pings, 21 * 24 * 60 - 1, "one each minute, and the last is on its way");
    }
}

/// A user that takes nothing for two minutes, with the timers of the Go nodes.
#[test]
fn a_user_that_sleeps_two_minutes_keeps_its_peer() {
    let mut config = MConnConfig::cometbft().channels([ChannelConfig::new(0x20, 5), ChannelConfig::new(0x80, 1)]);
    config.inbox_messages = 2;
    let mut pair = pair(&config, slow_link());
    pair.plan(Side::B, Instant::ZERO, Operation::Sleep(Duration::from_secs(120)));
    for number in 0..200_u8 {
        pair.send(Side::A, 0x20, vec![number; 1_000]);
    }
    assert_eq!(pair.run_until_delivered(), Ok(true));
    assert!(pair.now() >= Instant::from_secs(120));
    assert!(pair.b().status(pair.now()).counters.pongs_sent > 3, "it answered pings that it could not see");
}

#[test]
fn a_silent_link_is_noticed_by_both_sides() {
    let mut between = slow_link();
    between.a_to_b.cut = Some(Cut::silence(50_000));
    let mut pair = pair(&channels(), between);
    pair.send(Side::A, 0x80, vec![7; 60_000]);
    pair.run().expect("both sides end");
    assert!(matches!(pair.ending_b(), Some(CloseReason::PongTimeout { .. })), "{:?}", pair.ending_b());
    assert!(matches!(pair.ending_a(), Some(CloseReason::PeerClosed { .. })), "{:?}", pair.ending_a());
    // A ping after a minute, and the timeout.
    assert!(pair.now() < Instant::from_secs(106), "{}", pair.now());
    assert_eq!(pair.received(Side::B), []);
}

#[test]
fn a_cut_in_a_packet_loses_the_rest_and_nothing_before() {
    let mut between = slow_link();
    between.a_to_b.cut = Some(Cut::end(2_500));
    let mut pair = pair(&channels(), between);
    for number in 0..5 {
        pair.send(Side::A, 0x20, vec![number; 1_000]);
    }
    pair.run().expect("both sides end");
    assert_eq!(pair.received(Side::B).len(), 2);
    let unread = 2_500 - 2 * (2 + 1 + 2 + 2 + 2 + 1 + 1_000);
    assert!(
        matches!(pair.ending_b(), Some(CloseReason::PeerClosed { unread_bytes, .. }) if unread_bytes.abs_diff(unread) < 20),
        "{:?}",
        pair.ending_b()
    );
}

#[test]
fn without_pings_a_quiet_pair_never_wakes() {
    let mut config = channels();
    config.ping = PingPolicy::Never;
    let mut pair = pair(&config, slow_link());
    pair.send(Side::B, 0x80, "once");
    assert_eq!(pair.run_until_delivered(), Ok(true));
    while pair.step().expect("no promise is broken") {}
    assert!(pair.now() < Instant::from_secs(1), "{}", pair.now());
    let events = pair.events();
    pair.run_until(Instant::from_secs(1_000)).expect("no promise is broken");
    assert_eq!((pair.events(), pair.now()), (events, Instant::from_secs(1_000)));
    assert!(matches!(pair.run(), Err(Violation::Stuck { .. })), "nobody closes it");
}

#[test]
fn a_slow_reader_holds_the_sender_back_and_loses_nothing() {
    let mut config = channels();
    config.inbox_messages = 1;
    let mut between = PairConfig::symmetric(LinkConfig::new().buffer(4_000));
    between.driver_b.reader = Reader { rest: Duration::from_millis(100), batch: 1 };
    let mut pair = pair(&config, between);
    for number in 0..100_u8 {
        pair.send(Side::A, 0x20, vec![number; 2_000]);
    }
    pair.run_until(Instant::from_millis(500)).expect("no promise is broken");
    let waiting = pair.a().status(pair.now()).channels[0].send_queue_size;
    assert_eq!(waiting, 65, "the queue is full");
    assert_eq!(pair.run_until_delivered(), Ok(true));
    let numbers: Vec<u8> = pair.received(Side::B).iter().map(|delivery| delivery.payload[0]).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<u8>>());
}

#[test]
fn a_scenario_tells_what_it_is() {
    let text = Scenario::from_seed(3).to_string();
    assert!(text.starts_with("seed 3\nA: MConnConfig"), "{text}");
    assert!(text.len() < 20_000, "messages are left out");
    let mut scenario = Scenario::from_seed(3);
    scenario.closing = Closing::WhenDelivered(Side::A, Operation::Close);
    scenario.config_a.channels.clear();
    scenario.config_a.inbox_messages = 0;
    let violation = scenario.run().violation.map(|violation| violation.to_string());
    assert_eq!(violation.as_deref(), Some("0ns A: inbox_messages is 0; it must be at least 1"));
}
