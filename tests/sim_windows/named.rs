//! Scenarios with a name: each a threat that must come to nothing.

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::sim::window::{Conduct, Forgery, Kind, Letter, Lifetime, WindowEndpoint, window_label};
use mconn::sim::{Act, Address, DatagramConfig, Habits, Partition, Random, Rule, World, WorldConfig};
use mconn::sliding_window::{CloseReason, Config, Counters, Input, SendOptions, SlidingWindow, Status};
use mconn::time::{Duration, Instant};

const A: Address = Address::new(0);
const B: Address = Address::new(1);

fn letters(count: u32) -> Vec<Letter> {
    let payload = |number: u32| {
        let mut payload = vec![Kind::Ordered.channel(); 200];
        payload[1..5].copy_from_slice(&number.to_le_bytes());
        Bytes::from(payload)
    };
    let letter = |number| Letter {
        at: Duration::ZERO,
        kind: Kind::Ordered,
        lifetime: Lifetime::Transmissions(1),
        receipt: false,
        flush: false,
        payload: payload(number),
    };
    (0..count).map(letter).collect()
}

fn world(link: DatagramConfig) -> World<WindowEndpoint> {
    World::new(1, WorldConfig::new(link.classifier(window_label)))
}

/// A sends so many messages to B, which listens.
fn pair(link: DatagramConfig, configs: [Config; 2], count: u32) -> World<WindowEndpoint> {
    let mut world = world(link);
    let [a, b] = configs;
    let caller = WindowEndpoint::connect(B, a, Conduct::new(letters(count)), Instant::ZERO).expect("it works");
    let called = WindowEndpoint::listen(A, b, Conduct::listener(), Instant::ZERO).expect("it works");
    world.add(caller, Habits::exact());
    world.add(called, Habits::exact());
    world
}

fn configs() -> [Config; 2] {
    [Config::new(0xa11ce, 1), Config::new(0xb0b, 2)]
}

fn slow() -> DatagramConfig {
    DatagramConfig::new().latency(Duration::from_millis(20))
}

#[test]
fn a_call_that_nobody_hears_ends_after_as_many_packets_as_attempts() {
    let mut world = pair(slow().loss(1_000_000), configs(), 5);
    world.run_while(|world| world.endpoint(A).is_some_and(|a| a.endings().is_empty())).expect("no violation");
    let caller = world.endpoint(A).expect("it is there");
    assert_eq!(caller.endings(), [CloseReason::HandshakeTimeout { attempts: 8 }]);
    assert_eq!(caller.transmitted(), 8);
}

#[test]
fn a_session_that_is_cut_off_ends_after_a_bounded_number_of_packets() {
    for cut in (0..400).step_by(7).map(Instant::from_millis) {
        let mut world = pair(slow(), configs(), 4_000);
        for (from, to) in [(A, B), (B, A)] {
            world.set_link(from, to, slow().classifier(window_label).partition(Partition::for_ever(cut)));
        }
        world.run_until(cut).expect("no violation");
        let before = world.endpoint(A).expect("it is there").transmitted();
        let window = world.endpoint(A).and_then(|a| a.status().recovery).map_or(0, |recovery| recovery.window);
        world.run_while(|world| world.endpoint(A).is_some_and(|a| a.endings().is_empty())).expect("no violation");
        let caller = world.endpoint(A).expect("it is there");
        let reason = caller.endings()[0].clone();
        let error = matches!(
            reason,
            CloseReason::IdleTimeout { .. }
                | CloseReason::ProbesExhausted { .. }
                | CloseReason::HandshakeTimeout { .. }
        );
        assert!(error || reason == CloseReason::Finished, "{reason}");
        // The attempts of the handshake; or what the window lets go once more (what is on its way may double it), two packets
        // for each of the 16 probes and the first timeout, and an acknowledgement for what had come before.
        let bound = 8.max(2 * window.div_ceil(600) + 2 * 17 + 8);
        let sent = caller.transmitted() - before;
        assert!(sent <= bound, "{sent} packets after the cut at {cut}; the bound is {bound}");
    }
}

#[test]
fn every_update_of_the_credit_is_lost_once_and_nothing_stands_still() {
    let [a, mut b] = configs();
    b.receive.max_messages = 2;
    let mut world = pair(slow(), [a, b], 100);
    let link = world.link_mut(B, A).expect("both are there");
    for number in 0..4_200 {
        link.script(Rule::new(Act::Drop).kind("credit").number(number).nth(1));
    }
    world.run().expect("no violation");
    assert_eq!(world.missing(), None);
    assert_eq!(world.delivered().0, 100);
    let (_, _, counters) = world.counters().find(|(from, ..)| *from == B).expect("it sent");
    assert!(counters.lost_script >= 40, "{} updates were lost", counters.lost_script);
    assert!([A, B].iter().all(|end| world.endpoint(*end).expect("it is there").endings() == [CloseReason::Finished]));
}

#[test]
fn who_is_called_by_nobody_real_sends_at_most_three_times_what_came() {
    let mut random = Random::new(5);
    let mut most = 0;
    for _ in 0..200 {
        let mut world = world(slow());
        let [a, b] = configs();
        // B never called, and takes nothing for an answer.
        let stranger = WindowEndpoint::listen(A, a, Conduct::listener(), Instant::ZERO).expect("it works");
        let called = WindowEndpoint::listen(B, b, Conduct::listener(), Instant::ZERO).expect("it works");
        world.add(called, Habits::exact());
        world.add(stranger, Habits::exact());
        let syn = Forgery::Syn.draw(&mut random, 0);
        for _ in 0..random.within(1..=20) {
            world.inject(B, A, &syn).expect("both are there");
            world.run_until(world.now() + random.duration(Duration::from_secs(3))).expect("no more than three times");
        }
        world.run_until(world.now() + Duration::from_secs(300)).expect("no more than three times");
        let called = world.endpoint(A).expect("it is there");
        most = most.max(called.amplification());
        assert!(called.amplification() <= 3_000, "{}", called.amplification());
    }
    assert!(most > 500, "it does answer: {most}");
}

#[test]
fn packets_of_an_old_session_mean_nothing_to_a_new_one() {
    let mut old = pair(slow(), configs(), 30);
    for end in [A, B] {
        old.endpoint_mut(end).expect("it is there").record();
    }
    old.run().expect("no violation");
    let recorded = [A, B].map(|end| old.endpoint(end).expect("it is there").recorded().to_vec());
    assert!(recorded.iter().all(|packets| packets.len() > 2));

    for late in [30, 100, 150] {
        // The same numbers, the same users, other tags.
        let [mut a, mut b] = configs();
        (a.tag, b.tag) = (0xa11ce + 1, 0xb0b + 1);
        let mut new = pair(slow(), [a, b], 30);
        new.run_until(Instant::from_millis(late)).expect("no violation");
        for (from, to, packets) in [(A, B, &recorded[0]), (B, A, &recorded[1])] {
            for packet in packets {
                new.inject(from, to, packet).expect("both are there");
            }
        }
        new.run().expect("no violation");
        assert_eq!((new.missing(), new.delivered().0), (None, 30), "at {late} ms");
        let endings = [A, B].map(|end| new.endpoint(end).expect("it is there").endings().to_vec());
        assert_eq!(endings, [[CloseReason::Finished], [CloseReason::Finished]].map(|one| one.to_vec()), "at {late} ms");
    }
}

/// Carries everything from one session to the other, both ways, until nothing is left.
fn exchange(now: Instant, ends: &mut [SlidingWindow; 2]) {
    loop {
        let mut any = false;
        for from in 0..2 {
            while let Some(datagram) = ends[from].poll_transmit(now) {
                ends[1 - from].handle(now, Input::Datagram(&datagram));
                any = true;
            }
        }
        if !any {
            return;
        }
    }
}

fn state(session: &SlidingWindow, now: Instant) -> (Status, Option<(Instant, mconn::sliding_window::Timer)>) {
    let mut status = session.status(now);
    // What was dropped is counted, and that is all.
    status.counters = Counters::default();
    (status, session.poll_timeout())
}

#[test]
fn a_million_guesses_of_a_blind_attacker_change_nothing() {
    let guesses = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
    let now = Instant::from_millis(5);
    let [a, b] = configs();
    let mut ends = [
        SlidingWindow::connect(a, Instant::ZERO).expect("it works"),
        SlidingWindow::listen(b, Instant::ZERO).expect("it works"),
    ];
    for number in 0..5_u8 {
        ends[0].try_send(now, Bytes::from(vec![number; 50]), &SendOptions::ORDERED).expect("there is room");
    }
    exchange(now, &mut ends);
    // Something is on its way, and something waits to be taken.
    ends[1].try_send(now, Bytes::from_static(b"on its way"), &SendOptions::ORDERED).expect("there is room");
    let mut lost = BytesMut::zeroed(1232);
    assert!(ends[1].transmit_into(now, &mut lost) > 0);
    while ends.iter_mut().any(|end| end.poll_transmit(now).is_some()) {}

    let mut random = Random::new(77);
    for end in &mut ends {
        let before = state(end, now);
        for guess in 0..guesses {
            let forgery = random.choose(&Forgery::ALL, Forgery::Noise);
            // Near misses are guesses too.
            let tag = if guess % 3 == 0 { end.tag() ^ (1 << random.below(64)) } else { random.next_u64() };
            let datagram = forgery.draw(&mut random, tag);
            end.handle(now, Input::Datagram(&datagram));
            assert_eq!(end.poll_transmit(now), None, "{forgery:?} is answered: {datagram:?}");
        }
        assert_eq!(state(end, now), before);
        let counters = end.status(now).counters;
        assert!(counters.wrong_tag > guesses / 10 && counters.malformed > guesses / 20, "{counters:?}");
    }
}
