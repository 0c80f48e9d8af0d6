//! The same in front of an endpoint, where anybody may come in, from any address.

use mconn::machine::Machine;
use mconn::sliding_window::endpoint::{Endpoint, EndpointConfig, Input, SessionKey};
use mconn::sliding_window::{Event, SendOptions};
use mconn::time::{Duration, Instant};

use crate::counting::live;
use crate::forge::{Attacker, Seen};
use crate::rng::Rng;
use crate::victims::{Pair, Phase, payload};
use crate::{guesses, state};

/// The server, a client that it knows, and what goes between them. The client has address 1, the server 0; strangers have others.
struct World {
    now: Instant,
    ends: [Endpoint<u32>; 2],
    seen: Vec<Vec<u8>>,
    events: [Vec<(SessionKey, Event)>; 2],
}

impl World {
    fn new() -> Self {
        let now = Instant::ZERO;
        let end = |key| Endpoint::new(EndpointConfig::new([key; 16]), now).expect("a configuration that works");
        Self { now, ends: [end(1), end(2)], seen: vec![], events: Default::default() }
    }

    /// Lets both talk to each other for so long; gives how many bytes went from the server to each stranger.
    fn run(&mut self, time: Duration, strangers: &mut [Traffic]) {
        let end = self.now + time;
        loop {
            self.exchange(strangers);
            let deadlines = self.ends.iter().filter_map(Machine::poll_timeout);
            let next = deadlines.map(|(moment, _)| moment).min().filter(|next| *next <= end);
            self.now = self.now.max(next.unwrap_or(end));
            self.ends.iter_mut().for_each(|endpoint| endpoint.handle_timeout(self.now));
            if next.is_none() {
                return;
            }
        }
    }

    fn exchange(&mut self, strangers: &mut [Traffic]) {
        let mut idle = false;
        while !idle {
            idle = true;
            for from in 0..2 {
                while let Some((to, bytes)) = self.ends[from].poll_transmit(self.now) {
                    idle = false;
                    match strangers.get_mut(to as usize) {
                        Some(traffic) if to > 1 => traffic.out(bytes.len()),
                        _ => {
                            self.seen.push(bytes.to_vec());
                            let input = Input::Datagram { from: from as u32, bytes: &bytes };
                            self.ends[1 - from].handle(self.now, input);
                        }
                    }
                }
                self.events[from].extend(std::iter::from_fn(|| self.ends[from].poll_event()));
            }
        }
    }

    fn seen_by_attacker(&self, server: SessionKey, client: SessionKey) -> [Seen; 2] {
        let tags = [self.ends[0].session(server), self.ends[1].session(client)];
        let [tag, other_tag] = tags.map(|session| session.expect("a session").tag());
        // A call has the tag of its sender in it: who has that is not blind.
        let session: Vec<_> = self.seen.iter().filter(|datagram| datagram[0] & 7 != 0).cloned().collect();
        let earlier = Pair::in_phase(Phase::Closing).seen.concat();
        let one = Seen { session, earlier, tag, other_tag };
        [one.clone(), Seen { tag: other_tag, other_tag: tag, ..one }]
    }
}

/// What came from an address and what went to it.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    came: usize,
    went: usize,
}

impl Traffic {
    fn out(&mut self, bytes: usize) {
        self.went += bytes;
        assert!(self.went <= 3 * self.came, "{self:?}");
    }
}

/// A server with one session, in the middle of a transfer with gaps; nothing is due now.
fn in_transfer() -> (World, [SessionKey; 2]) {
    let mut world = World::new();
    let client = world.ends[1].connect(world.now, 0).expect("a configuration that works");
    world.run(Duration::from_millis(300), &mut []);
    let server = world.ends[0].sessions().next().expect("a session");
    for (end, key) in [(0, server), (1, client)] {
        for number in 0..30 {
            let now = world.now;
            let sent = world.ends[end]
                .with(now, key, |session| session.try_send(now, payload(number, 900), &SendOptions::ORDERED));
            sent.expect("a session").expect("room");
        }
    }
    for round in 0..20_usize {
        for from in 0..2_usize {
            let Some((_, bytes)) = world.ends[from].poll_transmit(world.now) else { continue };
            world.seen.push(bytes.to_vec());
            if round % 3 != 1 {
                world.ends[1 - from].handle(world.now, Input::Datagram { from: from as u32, bytes: &bytes });
            }
        }
    }
    for end in 0..2 {
        while let Some((_, bytes)) = world.ends[end].poll_transmit(world.now) {
            world.seen.push(bytes.to_vec());
        }
        world.events[end].extend(std::iter::from_fn(|| world.ends[end].poll_event()));
    }
    (world, [server, client])
}

const STRANGERS: usize = 1024;

/// All at one moment, also in the name of the client itself: its session is as it was, and what is kept for strangers has limits.
#[test]
fn nothing_changes_in_a_session_of_an_endpoint() {
    let (mut world, [server, client]) = in_transfer();
    let seen = world.seen_by_attacker(server, client);
    for (end, key) in [(0, server), (1, client)] {
        let endpoint = &mut world.ends[end];
        let mut strangers = vec![Traffic::default(); STRANGERS];
        let mut buffer = vec![0; 1232];
        let (mut attacker, mut rng) = (Attacker::new(&seen[end], true, 11), Rng::new(12));
        // It is asked once more, so that it knows that it has nothing to say.
        assert_eq!(endpoint.with(world.now, key, |session| session.poll_transmit(world.now)), Some(None));
        let before = (state(endpoint.session(key).unwrap(), world.now), live());
        for _ in 0..guesses() {
            let datagram = attacker.next();
            let from = if rng.below(2) == 0 { 1 - end } else { rng.below(STRANGERS) };
            strangers[from].came += datagram.len();
            endpoint.handle(world.now, Input::Datagram { from: from as u32, bytes: datagram });
            while let Some((to, len)) = endpoint.transmit_into(world.now, &mut buffer) {
                strangers[to as usize].out(len);
            }
            assert_eq!(endpoint.poll_event(), None);
        }
        let config = EndpointConfig::new([0; 16]);
        assert!(endpoint.half_open() <= config.cookies_above && endpoint.len() == endpoint.half_open() + 1);
        assert_eq!(before.0, state(endpoint.session(key).unwrap(), world.now));
        let kept = live() - before.1;
        assert!(kept <= config.cookies_above * 8192, "{kept} bytes for {} half-open sessions", endpoint.half_open());
    }
    // The transfer goes on, and the strangers go.
    world.run(Duration::from_secs(60), &mut vec![Traffic { came: 1 << 40, went: 0 }; STRANGERS]);
    for end in 0..2 {
        let messages = world.events[end].iter().filter(|(_, event)| matches!(event, Event::Message { .. }));
        assert_eq!((messages.count(), world.ends[end].len(), world.ends[end].half_open()), (30, 1, 0));
    }
}

/// Strangers call for a minute and more; somebody honest comes in all the same, and nothing is left of the others.
#[test]
fn a_flood_of_calls_is_answered_sparingly_and_keeps_nobody_out() {
    let (old, keys) = in_transfer();
    let seen = &old.seen_by_attacker(keys[0], keys[1])[0];
    let (mut attacker, mut rng) = (Attacker::new(seen, true, 13), Rng::new(14));
    let mut world = World::new();
    let mut strangers = vec![Traffic::default(); STRANGERS];
    let before = live();
    let guesses = guesses();
    for guess in 0..guesses {
        world.now += Duration::from_nanos(70_000_000_000 / guesses);
        let datagram = attacker.next();
        let from = 2 + rng.below(STRANGERS - 2);
        strangers[from].came += datagram.len();
        world.ends[0].handle(world.now, Input::Datagram { from: from as u32, bytes: datagram });
        if guess == guesses / 2 {
            let now = world.now;
            let key = world.ends[1].connect(now, 0).expect("a configuration that works");
            let sent = world.ends[1]
                .with(now, key, |session| session.try_send(now, "let me in".into(), &SendOptions::ORDERED));
            sent.expect("a session").expect("room");
        }
        world.ends.iter_mut().for_each(|endpoint| endpoint.handle_timeout(world.now));
        world.exchange(&mut strangers);
    }
    let messages = world.events[0].iter().filter(|(_, event)| matches!(event, Event::Message { .. })).count();
    assert_eq!((messages, world.ends[0].counters().accepted > 64), (1, true), "{:?}", world.ends[0].counters());
    assert!(world.ends[0].half_open() <= EndpointConfig::new([0; 16]).max_half_open);
    world.seen = vec![];
    let kept = live().saturating_sub(before);
    assert!(kept <= 64 * 8192 + (1 << 16), "{kept} bytes");
    world.run(Duration::from_secs(100), &mut strangers);
    assert_eq!((world.ends[0].len(), world.ends[0].half_open()), (1, 0));
}
