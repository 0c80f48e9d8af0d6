//! Drivers that are late, tick, sleep, and have clocks that are wrong.

use super::*;

fn world(habits: Habits, deadline: u64) -> World<Plain> {
    let mut world = World::new(1, WorldConfig::default());
    let mut plain = Plain::new(&[]);
    plain.wake = Some(Instant::from_millis(deadline));
    world.add(plain, habits);
    world
}

fn woken(habits: Habits, deadline: u64) -> (Vec<Instant>, Instant) {
    let mut world = world(habits, deadline);
    world.run().expect("no violation");
    (world.endpoint(A).expect("it is there").woken.clone(), world.now())
}

fn at(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

#[test]
fn an_exact_driver_wakes_at_the_deadline() {
    assert_eq!(woken(Habits::exact(), 20), (vec![at(0), at(20)], at(20)));
}

#[test]
fn a_late_one_wakes_later_and_not_before() {
    let mut habits = Habits::exact();
    habits.lateness = Duration::from_millis(10);
    let (_, end) = woken(habits, 20);
    assert!(end > at(20) && end <= at(30), "{end}");
}

#[test]
fn ticks_come_at_random_until_the_end() {
    let mut habits = Habits::exact();
    habits.ticks = Some(Duration::from_millis(10));
    let (woken, end) = woken(habits, 10_000);
    assert_eq!(end, at(10_000));
    assert!((800..1_200).contains(&woken.len()), "{}", woken.len());
}

#[test]
fn a_clock_that_errs_reaches_every_deadline() {
    let mut habits = Habits::exact();
    habits.clock_error = Duration::from_millis(8);
    let (woken, end) = woken(habits, 200);
    assert!(end >= at(192) && end <= at(208), "{end}");
    assert!(woken.last().is_some_and(|last| *last >= at(200)));
}

#[test]
fn what_arrives_does_not_hold_up_a_deadline() {
    let mut habits = Habits::exact();
    habits.clock_error = Duration::from_millis(8);
    habits.lateness = Duration::from_millis(8);
    let mut world = world(habits, 20);
    for tenth in 0..500 {
        world.run_until(Instant::from_micros(tenth * 100)).expect("no violation");
        world.inject(A, A, b"x").expect("it is there");
    }
    assert!(world.is_over(), "it woke");
}

#[test]
fn a_clock_that_is_set_moves_the_deadline() {
    for (back, expected) in [(false, 70), (true, 130)] {
        let mut habits = Habits::exact();
        habits.jump = Some(ClockJump { at: at(10), by: Duration::from_millis(30), back });
        assert_eq!(woken(habits, 100).1, at(expected));
    }
    let mut habits = Habits::exact();
    habits.clock_ahead = Duration::from_millis(60);
    assert_eq!(woken(habits, 100), (vec![at(60), at(100)], at(40)));
}

#[test]
fn who_sleeps_gets_its_datagrams_afterwards() {
    let mut habits = Habits::exact();
    habits.pauses = vec![Partition::new(at(5), at(50))];
    let mut world = world(habits, 20);
    world.run_until(at(10)).expect("no violation");
    world.inject(A, A, b"x").expect("it is there");
    world.run_until(at(49)).expect("no violation");
    assert!(world.endpoint(A).is_some_and(|plain| plain.got.is_empty() && plain.woken.len() == 1));
    world.run_until(at(50)).expect("no violation");
    let plain = world.endpoint(A).expect("it is there");
    assert_eq!((plain.woken.as_slice(), plain.wake), (&[at(0), at(50)][..], None));
}
