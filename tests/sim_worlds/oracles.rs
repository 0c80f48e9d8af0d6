//! The oracles find what they are there to find: endpoints that break a promise on purpose.

use super::*;

fn violation(faults: [Fault; 2], with: impl FnOnce(&mut World<Toy>)) -> Violation<Address> {
    let mut world = simple(faults);
    with(&mut world);
    match verdict(&mut world) {
        Err(violation) => violation,
        Ok(()) => world.missing().unwrap_or_else(|| panic!("{faults:?} was not found:\n{}", world.trace())),
    }
}

fn found(fault: Fault, with: impl FnOnce(&mut World<Toy>)) -> String {
    violation([Fault::None, fault], with).to_string()
}

fn nothing(_: &mut World<Toy>) {}

fn act(rule: Act) -> impl FnOnce(&mut World<Toy>) {
    move |world| world.link_mut(A, B).expect("both are there").script(Rule::new(rule).kind("data").number(1).nth(1))
}

#[test]
fn an_honest_pair_is_not_accused() {
    for rule in [Act::Drop, Act::Corrupt, Act::Truncate(3), Act::Duplicate(Duration::from_secs(1))] {
        let mut world = simple([Fault::None; 2]);
        act(rule)(&mut world);
        verdict(&mut world).expect("no violation");
        assert_eq!((world.missing(), world.delivered().0), (None, 10));
    }
}

#[test]
fn broken_promises_are_found() {
    let delivery =
        |text: String, expected: &str| assert!(text.contains("B: message") && text.contains(expected), "{text}");
    delivery(found(Fault::Loses, nothing), "message 2 on channel 0x01");
    delivery(found(Fault::Doubles, act(Act::Duplicate(Duration::ZERO))), "message 2 on channel 0x01");
    delivery(found(Fault::Reorders, nothing), "message 2 on channel 0x01: ");
    delivery(found(Fault::Truncates, nothing), "the same as far as they go");
    delivery(found(Fault::Invents, nothing), "message 3 on channel 0x01: 8 bytes");
    delivery(found(Fault::Trusts, act(Act::Truncate(14))), "message 1 on channel 0x01");
}

#[test]
fn a_lost_last_message_is_missing() {
    let mut world = World::new(1, WorldConfig::default());
    let three = vec![Bytes::from("1"), Bytes::from("2"), Bytes::from("3")];
    world.add(Toy::new(B, three, 0, Fault::None), Habits::exact());
    world.add(Toy::new(A, vec![], 3, Fault::Loses), Habits::exact());
    let missing = verdict(&mut world).expect_err("the third is lost");
    assert_eq!(missing.to_string(), "B got 2 of 3 messages on channel 0x01");
}

#[test]
fn runs_that_do_not_end_are_ended() {
    assert!(matches!(violation([Fault::None, Fault::Spins], nothing), Violation::Spin { events: 100_000, .. }));
    assert!(matches!(violation([Fault::None, Fault::Babbles], nothing), Violation::Spin { .. }));
    let lost = |world: &mut World<Toy>| act(Act::Drop)(world);
    let stuck = violation([Fault::Forgets, Fault::Forgets], lost);
    assert!(matches!(&stuck, Violation::Stuck { state, .. } if state.starts_with("A: 4 to send, ")), "{stuck}");
    let link = DatagramConfig::new();
    let mut config = WorldConfig::new(link);
    config.max_time = Duration::from_secs(3_600);
    config.max_events = 1_000;
    let mut ticking = Habits::exact();
    ticking.ticks = Some(Duration::from_secs(100));
    let habits = [ticking, Habits::exact()];
    let lives = [Fault::Lives, Fault::Lives];
    let mut world = pair(1, config.clone(), habits.clone(), lives, [0, 0]);
    assert!(matches!(world.run(), Err(Violation::Endless { at, events: ..1_000 }) if at > Instant::from_secs(3_600)));
    let mut world = pair(1, config, habits, [Fault::None, Fault::None], [900, 900]);
    assert!(matches!(world.run(), Err(Violation::Endless { events: 1_001, .. })));
}

#[test]
fn limits_and_rules_are_watched() {
    assert_eq!(found(Fault::Hoards, nothing), "0ns B holds 1000 acknowledgements; the limit is 100");
    assert_eq!(found(Fault::Undead, nothing), "24.1s B: a deadline after the end");
    assert_eq!(found(Fault::Strays, nothing), "0ns B: it sends to N77, and nobody is there");
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let build = |seed, trace| {
        let link = DatagramConfig::new().latency(Duration::from_millis(10));
        let config = WorldConfig::new(link).trace(trace);
        pair(seed, config, [Habits::exact(), Habits::exact()], [Fault::None, Fault::Truncates], [5, 5])
    };
    let text = run_seed(1, build, verdict, again).expect_err("it truncates").to_string();
    let first = text.lines().next().expect("a line");
    assert!(first.starts_with("seed 1: 50ms B: message 2 on channel 0x01: "), "{first}");
    assert!(
        first.ends_with("; again: MCONN_SEED=1 cargo test --features sim --test sim_worlds what_is_sent"),
        "{first}"
    );
    assert!(text.lines().count() > 20, "and a trace:\n{text}");
}
