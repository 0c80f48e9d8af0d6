//! Many sessions over one socket.

use std::collections::VecDeque;

use mconn::machine::Machine;
use mconn::sliding_window::endpoint::{Endpoint, EndpointConfig, Input, SessionKey};
use mconn::sliding_window::packet::{Packet, decode};
use mconn::sliding_window::{CloseReason, ConfigError, Event, SendOptions};
use mconn::time::{Duration, Instant};

use crate::support::{Rng, at, ms, payload, secs};

pub(crate) type Address = u32;
/// Whether the network loses a datagram of this sender.
pub(crate) type Loses = Box<dyn FnMut(Address, &[u8]) -> bool>;

/// Endpoints with addresses 0, 1, 2, ...; every datagram takes 5 ms.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) endpoints: Vec<Endpoint<Address>>,
    on_way: VecDeque<(Instant, Address, Address, Vec<u8>)>,
    events: Vec<(Address, SessionKey, Event)>,
    pub(crate) loses: Loses,
}

impl World {
    pub(crate) fn new(configs: impl IntoIterator<Item = EndpointConfig>) -> Self {
        let endpoints = configs.into_iter().map(|config| Endpoint::new(config, Instant::ZERO).unwrap()).collect();
        Self { now: Instant::ZERO, endpoints, on_way: VecDeque::new(), events: vec![], loses: Box::new(|_, _| false) }
    }

    fn exchange(&mut self) {
        for (address, endpoint) in (0..).zip(&mut self.endpoints) {
            loop {
                let mut idle = true;
                while let Some((key, event)) = endpoint.poll_event() {
                    self.events.push((address, key, event));
                    idle = false;
                }
                while let Some((to, datagram)) = endpoint.poll_transmit(self.now) {
                    if !(self.loses)(address, &datagram) {
                        self.on_way.push_back((self.now + ms(5), address, to, datagram.to_vec()));
                    }
                    idle = false;
                }
                if idle {
                    break;
                }
            }
        }
    }

    pub(crate) fn run(&mut self, limit: Duration, mut until: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            self.exchange();
            if until(self) {
                return true;
            }
            let deadlines =
                self.endpoints.iter().filter_map(|endpoint| endpoint.poll_timeout().map(|(moment, _)| moment));
            let next = deadlines.chain(self.on_way.front().map(|entry| entry.0)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            while self.on_way.front().is_some_and(|entry| entry.0 <= self.now) {
                let (_, from, to, bytes) = self.on_way.pop_front().unwrap();
                if let Some(endpoint) = self.endpoints.get_mut(to as usize) {
                    endpoint.handle(self.now, Input::Datagram { from, bytes: &bytes });
                }
            }
            for endpoint in &mut self.endpoints {
                endpoint.handle_timeout(self.now);
            }
        }
    }

    pub(crate) fn send(&mut self, from: usize, key: SessionKey, message: impl Into<bytes::Bytes>) {
        let now = self.now;
        let sent =
            self.endpoints[from].with(now, key, |session| session.try_send(now, message.into(), &SendOptions::ORDERED));
        sent.expect("a session").expect("room");
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, _, event)| wanted(event)).count()
    }
}

pub(crate) fn config(number: u8) -> EndpointConfig {
    EndpointConfig::new([number; 16])
}

fn is_message(event: &Event) -> bool {
    matches!(event, Event::Message { .. })
}

#[test]
fn many_sessions_share_one_endpoint_and_nothing_is_left_of_them() {
    let mut world = World::new((0..5).map(config));
    let mut rng = Rng::new(4);
    world.loses = Box::new(move |_, _| rng.percent(5));
    let keys: Vec<_> = (0..200_usize)
        .map(|number| {
            let from = 1 + number % 4;
            let key = world.endpoints[from].connect(Instant::ZERO, 0).unwrap();
            for message in 0..5 {
                world.send(from, key, payload(number * 5 + message, 200));
            }
            (from, key)
        })
        .collect();
    assert!(world.run(secs(100), |world| world.count(is_message) == 1000));
    assert_eq!((world.endpoints[0].len(), world.endpoints[0].half_open()), (200, 0));
    // Each session got its own messages, in order.
    let mut by_session = std::collections::BTreeMap::<SessionKey, Vec<bytes::Bytes>>::new();
    for (address, key, event) in &world.events {
        if let (0, Event::Message { payload, .. }) = (address, event) {
            by_session.entry(*key).or_default().push(payload.clone());
        }
    }
    let mut first: Vec<_> = by_session.into_values().collect();
    first.sort();
    let mut expected: Vec<_> =
        (0..200).map(|number| (0..5).map(|message| payload(number * 5 + message, 200)).collect::<Vec<_>>()).collect();
    expected.sort();
    assert_eq!(first, expected);

    for (from, key) in &keys {
        let now = world.now;
        world.endpoints[*from].with(now, *key, |session| session.handle(now, mconn::sliding_window::Input::Close));
    }
    assert!(world.run(secs(100), |world| world.endpoints.iter().all(Endpoint::is_empty)));
    assert_eq!(world.count(|event| *event == Event::Closed(CloseReason::Finished)), 400);
    for endpoint in &world.endpoints {
        assert_eq!((endpoint.poll_timeout(), endpoint.sessions().count()), (None, 0));
    }
    let (from, key) = keys[0];
    assert!(world.endpoints[from].session(key).is_none() && world.endpoints[from].address(key).is_none());
    assert_eq!(world.endpoints[from].with(world.now, key, |_| ()), None);
}

/// A call without a word more, from so many addresses.
fn calls(world: &World, addresses: std::ops::Range<u32>) -> Vec<(Address, Vec<u8>)> {
    addresses
        .map(|address| {
            let mut caller = Endpoint::new(config(address as u8), world.now).unwrap();
            caller.connect(world.now, 0).unwrap();
            (address, caller.poll_transmit(world.now).unwrap().1.to_vec())
        })
        .collect()
}

#[test]
fn half_open_sessions_have_a_limit_and_go_without_a_word() {
    let mut few = config(0);
    (few.max_half_open, few.cookies_above) = (10, 10);
    let mut world = World::new([few]);
    for (from, bytes) in calls(&world, 1..51) {
        world.endpoints[0].handle(world.now, Input::Datagram { from, bytes: &bytes });
    }
    let endpoint = &world.endpoints[0];
    assert_eq!((endpoint.half_open(), endpoint.counters().too_many_half_open), (10, 40));
    world.run(secs(100), |_| false);
    let endpoint = &world.endpoints[0];
    assert_eq!((endpoint.len(), endpoint.half_open(), endpoint.counters().half_open_ended), (0, 0, 10));
    assert!(world.events.is_empty() && endpoint.poll_timeout().is_none());
}

#[test]
fn sessions_have_a_limit() {
    let mut few = config(0);
    few.max_sessions = 3;
    let mut world = World::new([few, config(1)]);
    let keys: Vec<_> = (0..5).map(|_| world.endpoints[1].connect(Instant::ZERO, 0).unwrap()).collect();
    world.run(secs(100), |_| false);
    assert_eq!(world.endpoints[0].len(), 3);
    assert!(world.endpoints[0].counters().too_many_sessions >= 2);
    let refused = CloseReason::HandshakeTimeout { attempts: 8 };
    assert_eq!(world.count(|event| *event == Event::Closed(refused.clone())), 2);
    assert_eq!(keys.len(), 5);
}

/// Above the threshold a caller must show that it reads what is sent to its address; nothing is kept until then.
#[test]
fn a_caller_comes_again_with_a_cookie() {
    let mut careful = config(0);
    careful.cookies_above = 0;
    let mut world = World::new([careful, config(1)]);
    for (from, bytes) in calls(&world, 100..120) {
        world.endpoints[0].handle(world.now, Input::Datagram { from, bytes: &bytes });
    }
    assert!(world.endpoints[0].is_empty());
    let key = world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    world.send(1, key, "proved");
    assert!(world.run(secs(5), |world| world.count(is_message) == 1));
    let counters = world.endpoints[0].counters();
    assert_eq!((counters.retries_sent, counters.accepted, counters.bad_cookies), (21, 1, 0));
}

#[test]
fn a_cookie_of_another_address_or_of_old_is_not_good() {
    let mut careful = config(0);
    careful.cookies_above = 0;
    let mut server = Endpoint::<Address>::new(careful, Instant::ZERO).unwrap();
    let mut client = Endpoint::<Address>::new(config(1), Instant::ZERO).unwrap();
    client.connect(Instant::ZERO, 0).unwrap();
    let (_, syn) = client.poll_transmit(Instant::ZERO).unwrap();
    server.handle(Instant::ZERO, Input::Datagram { from: 1, bytes: &syn });
    let (to, retry) = server.poll_transmit(Instant::ZERO).unwrap();
    assert!(to == 1 && retry.len() <= 3 * syn.len());
    assert!(matches!(decode(&retry), Ok(Packet::Retry { .. })));
    client.handle(Instant::ZERO, Input::Datagram { from: 0, bytes: &retry });
    let (_, again) = client.poll_transmit(Instant::ZERO).unwrap();

    server.handle(at(1), Input::Datagram { from: 2, bytes: &again });
    server.handle(at(30_000), Input::Datagram { from: 1, bytes: &again });
    assert_eq!((server.len(), server.counters().bad_cookies), (0, 2));
    server.handle(at(30_000), Input::Datagram { from: 1, bytes: b"" });
    assert_eq!(server.counters().malformed, 1);
}

/// Demands for cookies that the transport does not take do not pile up.
#[test]
fn demands_for_cookies_are_bounded() {
    let mut careful = config(0);
    careful.cookies_above = 0;
    let mut world = World::new([careful]);
    for (from, bytes) in calls(&world, 1..250) {
        world.endpoints[0].handle(world.now, Input::Datagram { from, bytes: &bytes });
    }
    let counters = world.endpoints[0].counters();
    assert_eq!((counters.retries_sent, counters.retries_dropped), (64, 185));
}

/// A pair of connected endpoints, and one datagram of side 1 that was not delivered yet.
fn with_a_datagram(migration: bool) -> (World, Vec<u8>) {
    let mut moving = config(0);
    moving.migration = migration;
    let mut world = World::new([moving, config(1)]);
    let key = world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    assert!(world.run(secs(5), |world| world.count(|event| *event == Event::Connected) == 2));
    world.run(ms(100), |_| false);
    world.send(1, key, "from elsewhere");
    let (_, datagram) = world.endpoints[1].poll_transmit(world.now).unwrap();
    (world, datagram.to_vec())
}

#[test]
fn a_session_moves_only_where_that_is_wanted() {
    for migration in [false, true] {
        let (mut world, datagram) = with_a_datagram(migration);
        let key = world.endpoints[0].sessions().next().unwrap();
        let now = world.now;
        world.endpoints[0].handle(now, Input::Datagram { from: 77, bytes: &datagram });
        assert_eq!(world.endpoints[0].address(key), Some(if migration { &77 } else { &1 }));
        let counters = world.endpoints[0].counters();
        assert_eq!((counters.moved, counters.wrong_address), (u64::from(migration), u64::from(!migration)));
        // An old packet from yet another place moves nothing.
        world.endpoints[0].handle(now, Input::Datagram { from: 78, bytes: &datagram });
        assert_ne!(world.endpoints[0].address(key), Some(&78));
    }
}

#[test]
fn datagrams_of_no_session_are_counted_and_not_answered() {
    let (mut world, mut datagram) = with_a_datagram(false);
    datagram[1] ^= 1;
    let now = world.now;
    let before = world.endpoints[0].poll_timeout();
    world.endpoints[0].handle(now, Input::Datagram { from: 1, bytes: &datagram });
    assert_eq!(world.endpoints[0].counters().unknown_tag, 1);
    assert_eq!((world.endpoints[0].poll_transmit(now), world.endpoints[0].poll_timeout()), (None, before));
}

#[test]
fn sessions_take_turns() {
    let mut server = config(0);
    server.session.congestion = mconn::sliding_window::congestion::Algorithm::Fixed { bytes: 1 << 20, packets: 1000 };
    let mut client = config(1);
    client.session.congestion = server.session.congestion.clone();
    let mut world = World::new([server, client]);
    let keys: Vec<_> = (0..3).map(|_| world.endpoints[1].connect(Instant::ZERO, 0).unwrap()).collect();
    assert!(world.run(secs(5), |world| world.count(|event| *event == Event::Connected) == 6));
    world.run(ms(100), |_| false);
    for key in &keys {
        for number in 0..10 {
            world.send(1, *key, payload(number, 1100));
        }
    }
    let now = world.now;
    let tags: Vec<_> = std::iter::from_fn(|| world.endpoints[1].poll_transmit(now))
        .map(|(_, datagram)| mconn::sliding_window::packet::destination(&datagram).unwrap())
        .collect();
    assert_eq!(tags.len(), 30);
    for turn in tags.chunks(3) {
        assert_eq!(turn, &tags[..3], "{tags:?}");
    }
}

/// Two that accept nobody and call each other: both ends of one session.
#[test]
fn two_that_call_each_other_meet_in_one_session() {
    let mut alone = [config(0), config(1)];
    for config in &mut alone {
        config.accept = false;
    }
    let mut world = World::new(alone);
    let first = world.endpoints[0].connect(Instant::ZERO, 1).unwrap();
    world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    world.send(0, first, "met");
    assert!(world.run(secs(5), |world| world.count(is_message) == 1));
    assert_eq!((world.endpoints[0].len(), world.endpoints[1].len()), (1, 1));
}

#[test]
fn who_accepts_nobody_accepts_nobody() {
    let mut closed = config(0);
    closed.accept = false;
    let mut world = World::new([closed, config(1)]);
    world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    world.run(secs(100), |_| false);
    assert_eq!((world.endpoints[0].counters().not_accepting, world.endpoints[0].len()), (8, 0));
}

#[test]
fn closing_the_endpoint_closes_all_sessions() {
    let mut world = World::new([config(0), config(1)]);
    for _ in 0..10 {
        world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    }
    assert!(world.run(secs(5), |world| world.count(|event| *event == Event::Connected) == 20));
    let now = world.now;
    world.endpoints[0].handle(now, Input::Close);
    assert!(!world.endpoints[0].is_closed());
    assert!(world.run(secs(60), |world| world.endpoints[0].is_closed()));
    assert_eq!(world.endpoints[0].counters().accepted, 10);

    let mut failed = Endpoint::<Address>::new(config(3), Instant::ZERO).unwrap();
    let key = failed.connect(Instant::ZERO, 9).unwrap();
    failed.handle(Instant::ZERO, Input::TransportFailed);
    assert_eq!(failed.poll_event(), Some((key, Event::Closed(CloseReason::TransportFailed))));
    assert!(failed.is_closed());
}

/// A copy of an old call, long after its session: it makes a half-open session at most, which goes.
#[test]
fn an_old_call_opens_nothing() {
    let mut world = World::new([config(0), config(1)]);
    let recorded = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
    let copy = std::rc::Rc::clone(&recorded);
    world.loses = Box::new(move |from, bytes| {
        if from == 1 {
            copy.borrow_mut().push(bytes.to_vec());
        }
        false
    });
    let key = world.endpoints[1].connect(Instant::ZERO, 0).unwrap();
    world.send(1, key, "an order");
    let now = world.now;
    world.endpoints[1].with(now, key, |session| session.handle(now, mconn::sliding_window::Input::Close));
    assert!(world.run(secs(60), |world| world.endpoints.iter().all(Endpoint::is_empty)));
    let events = world.events.len();
    for bytes in recorded.borrow().iter() {
        world.endpoints[0].handle(world.now, Input::Datagram { from: 1, bytes });
    }
    world.run(secs(60), |_| false);
    assert_eq!((world.events.len(), world.endpoints[0].len()), (events, 0));
}

#[test]
fn configurations_that_can_not_work_are_refused() {
    let refused = |change: fn(&mut EndpointConfig)| {
        let mut config = config(0);
        change(&mut config);
        Endpoint::<Address>::new(config, Instant::ZERO).map(|_| ()).unwrap_err()
    };
    let zero = refused(|config| config.max_sessions = 0);
    assert_eq!(zero, ConfigError::OutOfRange { name: "max_sessions", value: 0, min: 1, max: 1 << 24 });
    assert!(matches!(
        refused(|config| config.max_half_open = 0),
        ConfigError::OutOfRange { name: "max_half_open", .. }
    ));
    let lifetime = refused(|config| config.cookie_lifetime = Duration::ZERO);
    assert_eq!(lifetime, ConfigError::ZeroLimit { name: "cookie_lifetime" });
    let session = refused(|config| config.session.max_datagram = 1);
    assert!(matches!(session, ConfigError::OutOfRange { name: "max_datagram", .. }));
    let key = [7; 16];
    let config = EndpointConfig::new(key);
    assert!(!format!("{config:?}").contains("7, 7"), "the key is nobody's business");
    assert!(!format!("{:?}", Endpoint::<Address>::new(config, at(0)).unwrap()).contains("7, 7"));
}

/// Batches are of one session each, and the sessions take turns.
#[test]
fn batches_go_to_one_peer_each() {
    let mut world = World::new([config(1), config(2), config(3)]);
    let keys = [1, 2].map(|to| world.endpoints[0].connect(Instant::ZERO, to).unwrap());
    assert!(world.run(secs(5), |world| world.count(|event| *event == Event::Connected) == 4));
    let end = world.now + secs(1);
    world.run(end - world.now, |_| false);
    for key in keys {
        world.send(0, key, payload(1, 8000));
    }
    let (mut buffer, mut lengths) = (vec![0; 4000], vec![]);
    let now = world.now;
    let mut counts = std::collections::BTreeMap::<Address, usize>::new();
    let mut before = None;
    while let Some(to) = world.endpoints[0].transmit_batch(now, &mut buffer, &mut lengths, 3) {
        assert!(!lengths.is_empty() && lengths.len() <= 3 && lengths.iter().sum::<usize>() <= 4000, "{lengths:?}");
        assert!(before != Some(to) || counts.values().any(|count| *count >= 7), "the other one had its turn");
        *counts.entry(to).or_default() += lengths.len();
        let mut rest = &buffer[..];
        for len in lengths.drain(..) {
            world.endpoints[to as usize].handle(now, Input::Datagram { from: 0, bytes: &rest[..len] });
            rest = &rest[len..];
        }
        before = Some(to);
    }
    assert_eq!(counts, [(1, 7), (2, 7)].into_iter().collect());
    world.exchange();
    assert_eq!(world.count(is_message), 2);
    assert_eq!(world.endpoints[0].transmit_batch(now, &mut buffer[..100], &mut lengths, 3), None, "no room for one");
}

#[test]
fn who_is_closed_accepts_nobody() {
    let mut endpoint = Endpoint::<Address>::new(config(1), Instant::ZERO).unwrap();
    assert!(endpoint.accepts());
    endpoint.handle(Instant::ZERO, Input::Close);
    assert!(!endpoint.accepts() && endpoint.is_closed());
}
