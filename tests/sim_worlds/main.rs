//! Worlds of endpoints that send each other datagrams over links with every fault, and the oracles that watch them.

mod habits;
mod oracles;
mod plain;
mod toy;

use bytes::{Bytes, BytesMut};
use mconn::sim::{
    Act, Address, ClockJump, DatagramConfig, DatagramEndpoint, Fnv, Habits, LinkCounters, Partition, Promise, Random,
    Rule, Violation, World, WorldConfig, run_seed,
};
use mconn::time::{Duration, Instant};
use plain::Plain;
use toy::{End, Fault, Toy, label};

/// How to see a seed again.
fn again(seed: u64) -> String {
    format!("MCONN_SEED={seed} cargo test --features sim --test sim_worlds what_is_sent")
}

const A: Address = Address::new(0);
const B: Address = Address::new(1);

fn messages(random: &mut Random, count: u32) -> Vec<Bytes> {
    (0..count)
        .map(|_| {
            let mut bytes = vec![0; random.size(1..=400)];
            random.fill(&mut bytes);
            bytes.into()
        })
        .collect()
}

/// Two toys with a fault each, over this link, that send each other this many messages.
fn pair(seed: u64, config: WorldConfig, habits: [Habits; 2], faults: [Fault; 2], counts: [u32; 2]) -> World<Toy> {
    let mut random = Random::new(!seed);
    let mut world = World::new(seed, config);
    let [habits_a, habits_b] = habits;
    world.add(Toy::new(B, messages(&mut random, counts[0]), counts[1], faults[0]), habits_a);
    world.add(Toy::new(A, messages(&mut random, counts[1]), counts[0], faults[1]), habits_b);
    world
}

/// The same over an ideal link that takes 10 ms.
fn simple(faults: [Fault; 2]) -> World<Toy> {
    let link = DatagramConfig::new().latency(Duration::from_millis(10)).classifier(label);
    pair(1, WorldConfig::new(link).trace(true), [Habits::exact(), Habits::exact()], faults, [5, 5])
}

fn drawn(seed: u64, trace: bool) -> World<Toy> {
    let mut random = Random::new(seed);
    let mut link = DatagramConfig::drawn(&mut random);
    link.classifier = Some(label);
    let other = DatagramConfig::drawn(&mut random).classifier(label);
    let habits = [Habits::drawn(&mut random), Habits::drawn(&mut random)];
    let counts = [random.below(12) as u32 + 3, random.below(12) as u32];
    let mut world = pair(seed, WorldConfig::new(link).trace(trace), habits, [Fault::None; 2], counts);
    world.set_link(B, A, other);
    world
}

/// Everything that must hold at the end of a run.
fn verdict(world: &mut World<Toy>) -> Result<(), Violation<Address>> {
    world.run()?;
    let ends = [A, B].map(|address| world.endpoint(address).and_then(|toy| toy.end));
    if ends == [Some(End::Done); 2] { world.missing().map_or(Ok(()), Err) } else { Ok(()) }
}

fn run(seed: u64) -> World<Toy> {
    run_seed(seed, drawn, verdict, again).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn what_is_sent_arrives_over_every_drawn_link() {
    let mut sum = [0; 8];
    let only = std::env::var("MCONN_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..800, |seed| seed..seed + 1);
    for seed in seeds.clone() {
        let world = run(seed);
        let (delivered, _) = world.delivered();
        let ends = [A, B].map(|address| world.endpoint(address).and_then(|toy| toy.end));
        assert_eq!(ends, [Some(End::Done); 2], "seed {seed}: the links are not that bad");
        sum[0] += delivered;
        for (_, _, counters) in world.counters() {
            let c: &LinkCounters = counters;
            let faults =
                [c.lost_random, c.lost_burst, c.lost_partition, c.duplicated, c.corrupted, c.truncated, c.overtaken];
            sum[1..].iter_mut().zip(faults).for_each(|(sum, count)| *sum += count);
        }
    }
    assert!(only.is_some() || sum.iter().all(|count| *count > 100), "every fault struck: {sum:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let mut hash = Fnv::new();
    for seed in 0..40 {
        let trace = || {
            let mut world = drawn(seed, true);
            verdict(&mut world).expect("no violation");
            world.trace().clone()
        };
        let (one, two) = (trace(), trace());
        assert_eq!(one.difference(&two), None);
        hash.update(&one.hash().to_le_bytes());
    }
    // The same on every platform and optimisation level. Whoever changes what happens puts the new number here.
    assert_eq!(hash.finish(), 0x1348_09a5_ca73_574a, "{:#x}", hash.finish());
}

#[test]
fn a_trace_changes_nothing() {
    for seed in 0..20 {
        let (mut with, mut without) = (drawn(seed, true), drawn(seed, false));
        verdict(&mut with).expect("no violation");
        verdict(&mut without).expect("no violation");
        assert_eq!((with.events(), with.now(), with.summary()), (without.events(), without.now(), without.summary()));
        assert!(without.trace().entries().is_empty() && with.trace().entries().len() > 10);
    }
}

#[test]
fn a_trace_reads() {
    let link = DatagramConfig::new().latency(Duration::from_millis(10)).classifier(label);
    let config = WorldConfig::new(link).trace(true);
    let mut world = pair(1, config, [Habits::exact(), Habits::exact()], [Fault::None; 2], [5, 0]);
    let link = world.link_mut(A, B).expect("both are there");
    link.script(Rule::new(Act::Drop).kind("data").number(1).nth(1));
    world.run_until(Instant::from_millis(340)).expect("no violation");
    let text = world.trace().to_string();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("data 1 ")).collect();
    let (start, end) = (
        |line: &str, text: &str| assert!(line.starts_with(text), "{line}"),
        |line: &str, text: &str| {
            assert!(line.ends_with(text), "{line}");
        },
    );
    assert_eq!(lines.len(), 3, "{text}");
    start(lines[0], "     0.020000000 A -> B #2 data 1 (");
    end(lines[0], ") lost: by script");
    start(lines[1], "     0.320000000 A -> B #3 data 1 (");
    end(lines[1], ") sent");
    start(lines[2], "     0.330000000 B <- A #3 data 1 (");
    end(lines[2], ") arrived");
    assert!(world.summary().contains("A -> B: kept "), "{}", world.summary());
}

#[test]
fn a_run_stops_where_it_is_told() {
    let mut world = simple([Fault::None; 2]);
    let started = world.run_while(|world| world.now() < Instant::from_millis(15));
    assert_eq!((started, world.now()), (Ok(false), Instant::from_millis(20)));
    world.run_until(Instant::from_millis(33)).expect("no violation");
    assert_eq!(world.now(), Instant::from_millis(33));
    assert!(!world.is_over());
    assert_eq!(world.run_while(|_| true), Ok(true), "until nothing happens any more");
    assert!(world.is_over() && !world.step().expect("no violation"));
    let quiet = world.now();
    world.run_until(Instant::ZERO).expect("no violation");
    assert_eq!(world.now(), quiet, "the time never goes back");
}

#[test]
fn events_at_one_instant_are_counted_anew_at_the_next() {
    let mut config = WorldConfig::new(DatagramConfig::new().latency(Duration::from_millis(1)));
    config.max_events_at_once = 3;
    let mut world = World::new(1, config.clone());
    world.add(Plain::new(&[A; 2]), Habits::exact());
    while world.step().expect("a wake and two sends, then two deliveries") {}
    for _ in 0..5 {
        world.run_until(world.now() + Duration::from_millis(2)).expect("no violation");
        world.inject(A, A, b"x").expect("a new instant");
    }
    let mut world = World::new(1, config);
    world.add(Plain::new(&[A; 3]), Habits::exact());
    assert_eq!(world.step(), Err(Violation::Spin { at: Instant::ZERO, events: 3 }));
}

#[test]
fn a_touched_endpoint_wakes() {
    let mut world = World::new(1, WorldConfig::default());
    world.add(Plain::new(&[]), Habits::exact());
    while world.step().expect("no violation") {}
    assert!(world.is_over() && world.endpoint_mut(B).is_none());
    world.endpoint_mut(A).expect("it is there").to.push(A);
    assert!(!world.is_over(), "who knows");
    world.run().expect("no violation");
    while world.step().expect("no violation") {}
    assert_eq!(world.endpoint(A).expect("it is there").got.len(), 1);
}

#[test]
fn a_promise_is_set_from_outside_too() {
    for (promise, missing) in [(Promise::Unordered, true), (Promise::ExpiringUnordered, false)] {
        let mut world = simple([Fault::None; 2]);
        world.promise(A, B, 1, promise);
        world.run_until(Instant::from_millis(5)).expect("no violation");
        assert_eq!(world.missing().is_some_and(|violation| violation.to_string().starts_with("B got 0 of 1")), missing);
    }
}

#[test]
fn a_peer_that_is_not_reached_ends_the_run_with_an_error() {
    let mut world = simple([Fault::None; 2]);
    let down = DatagramConfig::new().partition(Partition::for_ever(Instant::from_millis(35)));
    world.set_link(A, B, down);
    verdict(&mut world).expect("no promise is broken");
    assert_eq!(world.endpoint(A).and_then(|toy| toy.end), Some(End::GaveUp));
    assert!(world.missing().is_some() && world.events() < 1_000);
}

#[test]
fn black_holes_swallow_where_they_may() {
    let mut config = WorldConfig::default().trace(true);
    config.black_holes = true;
    let mut world = World::new(1, config);
    world.add(Toy::new(Address::new(9), vec![Bytes::from("?")], 0, Fault::None), Habits::exact());
    world.run().expect("no violation");
    assert_eq!(world.endpoint(A).and_then(|toy| toy.end), Some(End::GaveUp));
    assert!(world.trace().to_string().contains("A -> J (14 bytes) lost: nobody is there"));
}

#[test]
fn a_restarted_endpoint_starts_with_clean_books() {
    let mut world = simple([Fault::None; 2]);
    world.run_until(Instant::from_millis(50)).expect("no violation");
    let old = world.replace(A, Toy::new(B, vec![], 0, Fault::None)).expect("somebody is there");
    assert_eq!((old.end, world.ledger(A, B).is_none()), (None, true));
    assert!(world.replace(Address::new(9), old).is_err());
    assert!(world.link_mut(A, Address::new(9)).is_none());
}

#[test]
fn what_is_injected_arrives_as_if_the_other_had_sent_it() {
    let mut world = simple([Fault::None; 2]);
    world.run_until(Instant::from_millis(5)).expect("no violation");
    let mut forged = BytesMut::new();
    toy::encode(&mut forged, b'd', 0, b"forged");
    world.inject(A, B, b"noise").expect("both are there");
    world.inject(A, B, &forged).expect("both are there");
    // The true message 0 came first. A forged one that comes first would be delivered: the toy has no tag.
    world.run_until(Instant::from_millis(100)).expect("it is too late to harm");
    toy::encode(&mut forged, b'd', 5, b"");
    forged.clear();
    toy::encode(&mut forged, b'd', 5, b"forged");
    world.run_while(|world| world.ledger(A, B).is_some_and(|ledger| ledger.total().0 < 5)).expect("no violation");
    world.inject(A, B, &forged).expect("both are there");
    assert!(matches!(world.run(), Err(Violation::Delivery { side: B, index: 5, .. })));
}

#[test]
fn many_endpoints_each_with_its_own_links() {
    let count = 40;
    let mut world = World::new(3, WorldConfig::new(DatagramConfig::new().latency(Duration::from_millis(5))));
    let all: Vec<Address> = (0..count).map(Address::new).collect();
    for _ in 0..count {
        world.add(Plain::new(&all), Habits::exact());
    }
    let slow = DatagramConfig::new().latency(Duration::from_millis(9));
    world.set_link(Address::new(3), Address::new(4), slow);
    while world.step().expect("no violation") {}
    assert_eq!(world.counters().count(), 1_600, "also to itself");
    for to in &all {
        let got = &world.endpoint(*to).expect("it is there").got;
        assert_eq!(got.len(), 40);
        for (when, from, _) in got {
            let slow = (from.index(), to.index()) == (3, 4);
            assert_eq!(*when, Instant::from_millis(if slow { 9 } else { 5 }));
        }
    }
}

#[test]
fn links_draw_the_same_whoever_talks_first() {
    let lossy = DatagramConfig::new().loss(500_000);
    let kept = |order: &[Address]| {
        let mut world = World::new(3, WorldConfig::new(lossy.clone()));
        let c = Address::new(2);
        world.add(Plain::new(order), Habits::exact());
        world.add(Plain::new(&[]), Habits::exact());
        world.add(Plain::new(&[]), Habits::exact());
        while world.step().expect("no violation") {}
        let kept = |to| world.counters().find(|line| (line.0, line.1) == (A, to)).map(|line| line.2.kept());
        (kept(c), world.endpoint(c).map(|plain| plain.got.len()))
    };
    let c = Address::new(2);
    let (first, second) = ([[c; 50], [A; 50]].concat(), [[A; 50], [c; 50]].concat());
    assert_eq!(kept(&first), kept(&second));
}

#[test]
fn expiring_messages_may_be_missing_and_no_more() {
    let mut world = World::new(1, WorldConfig::default().trace(true));
    let mut sender = Plain::new(&[B]);
    sender.messages = true;
    world.add(sender, Habits::exact());
    let mut receiver = Plain::new(&[]);
    receiver.takes = true;
    world.add(receiver, Habits::exact());
    while world.step().expect("no violation") {}
    assert_eq!((world.missing(), world.delivered()), (None, (1, 1)));
    assert_eq!(world.ledger(A, B).map(|ledger| ledger.skipped()), Some(1));
    world.inject(A, B, b"!").expect("both are there");
    assert!(matches!(world.step(), Err(Violation::Delivery { index: 1, .. })), "it was delivered already");
}

#[test]
fn endpoints_of_many_kinds_share_a_world() {
    let mut world: World<Box<dyn DatagramEndpoint>> = World::new(1, WorldConfig::default());
    world.add(Box::new(Toy::new(B, vec![Bytes::from("hello")], 0, Fault::None)), Habits::exact());
    world.add(Box::new(Plain::new(&[A])), Habits::exact());
    world.run().expect("no promise is broken");
    assert!(world.is_over());
    assert!(world.endpoint(A).is_some_and(|endpoint| endpoint.describe() == "1 to send, 0 of 0 got"));
}
