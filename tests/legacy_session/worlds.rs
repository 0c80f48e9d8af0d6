//! Pairs over links with every fault but damage, against which the original's header has nothing.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::sim::{
    Act, Address, DatagramConfig, DatagramEndpoint, Desk, Habits, Label, Random, Rule, Violation, World, WorldConfig,
    run_seed,
};
use mconn::sliding_window::legacy::{LegacyTimeout, Packet, TcpEvent, TcpState};
use mconn::sliding_window::{CloseReason, Delivery, Event, Input, SendOptions, SlidingWindow};
use mconn::time::{Duration, Instant};

use crate::support::{config, config_with, ms, payload, secs};

const A: Address = Address::new(0);
const B: Address = Address::new(1);

/// What a datagram is.
fn label(datagram: &[u8]) -> Option<Label> {
    let (packet, _) = Packet::decode(datagram).ok()?;
    let kind = match packet.event {
        TcpEvent::Syn => "syn",
        TcpEvent::SynAck => "synack",
        TcpEvent::EstabAck => "estaback",
        TcpEvent::Fin => "fin",
        TcpEvent::FinAck => "finack",
        TcpEvent::DataAck => "ack",
        TcpEvent::KeepAlive => "keepalive",
        _ => "data",
    };
    Some(Label::new(kind, packet.sequence.max(0) as u64))
}

/// A session and its user: sends all it has, reads at its own pace, and closes when it was told to.
pub(crate) struct User {
    other: Address,
    machine: SlidingWindow,
    to_send: VecDeque<Bytes>,
    closes: bool,
    called: bool,
    /// It takes one message, then rests for so long.
    rest: Duration,
    wake: Option<Instant>,
    receipts: usize,
    pub(crate) closed: Option<CloseReason>,
}

impl User {
    fn new(other: Address, machine: SlidingWindow, to_send: Vec<Bytes>, closes: bool, rest: Duration) -> Self {
        let to_send = to_send.into();
        let called = machine.legacy_state() == Some(TcpState::SynSent);
        Self { other, machine, to_send, closes, called, rest, wake: None, receipts: 0, closed: None }
    }

    fn take(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        if self.wake.is_some_and(|moment| now < moment) {
            return Ok(());
        }
        self.wake = None;
        while let Some(payload) = self.machine.receive_with(now, |_, payload| Bytes::copy_from_slice(payload)) {
            desk.delivered(self.other, 0, &payload)?;
            if !self.rest.is_zero() {
                self.wake = Some(now + self.rest);
                break;
            }
        }
        Ok(())
    }
}

impl DatagramEndpoint for User {
    fn handle_datagram(&mut self, now: Instant, _: Address, datagram: &mut BytesMut) {
        self.machine.handle(now, Input::Datagram(datagram));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
        into.extend_from_slice(&self.machine.poll_transmit(now)?);
        Some(self.other)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let machine = self.machine.poll_timeout().map(|(moment, _)| moment);
        machine.into_iter().chain(self.wake).min()
    }

    fn act(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        while let Some(message) = self.to_send.pop_front() {
            let options = SendOptions::ORDERED.with_receipt();
            match self.machine.try_send(now, message.clone(), &options) {
                Ok(_) => desk.accepted(self.other, 0, message),
                Err(_) => {
                    self.to_send.push_front(message);
                    break;
                }
            }
        }
        self.take(now, desk)?;
        while let Some(event) = self.machine.poll_event() {
            match event {
                Event::Receipt(id) => {
                    desk.rule(id.number() == self.receipts as u64, "receipts are in order")?;
                    self.receipts += 1;
                }
                Event::Closed(reason) => self.closed = Some(reason),
                _ => {}
            }
        }
        // Whoever listens and closes before anybody calls is gone.
        let may_close = self.called || self.machine.is_connected();
        if self.closes && may_close && self.to_send.is_empty() {
            self.closes = false;
            self.machine.handle(now, Input::Close);
        }
        let status = self.machine.status(now);
        desk.limit("messages in flight", status.send.unacked_segments, 64)
    }

    fn is_over(&self) -> bool {
        self.closed.is_some()
    }

    fn describe(&self) -> String {
        format!("{:?} {:?}", self.machine.legacy_state(), self.machine.status(Instant::MAX).send)
    }
}

/// Two users over this link, the second of which listens unless both call.
fn pair(seed: u64, link: DatagramConfig, trace: bool, both_call: bool) -> World<User> {
    let mut random = Random::new(!seed);
    let mut world = World::new(seed, WorldConfig::new(link.classifier(label)).trace(trace));
    let drawn = random.percent(50);
    for (side, other) in [(0, B), (1, A)] {
        let timeout = if random.percent(30) { LegacyTimeout::Original } else { LegacyTimeout::Rfc6298 };
        let mut config = config_with(side, |legacy| legacy.timeout = timeout);
        config.delivery = Delivery::Pull;
        config.handshake.attempts = 20;
        config.receive.window = random.size(1..=64);
        config.receive.max_message = 2_000;
        config.receive.max_bytes = random.size(2_000..=40_000);
        config.max_probes = 64;
        config.idle_timeout = Some(secs(120));
        config.close_timeout = secs(600);
        let machine = if side == 0 || both_call { SlidingWindow::connect } else { SlidingWindow::listen };
        let machine = machine(config, Instant::ZERO).expect("a configuration that works");
        let messages = (0..random.size(0..=25)).map(|number| payload(number, random.size(0..=1_500))).collect();
        let closes = side == 0 || random.percent(30);
        let rest = if random.percent(30) { random.duration(ms(150)) } else { Duration::ZERO };
        let habits = if drawn { Habits::drawn(&mut random) } else { Habits::exact() };
        world.add(User::new(other, machine, messages, closes, rest), habits);
    }
    world
}

/// Every fault except damage: the header has no check.
fn drawn(seed: u64, trace: bool) -> World<User> {
    let mut random = Random::new(seed);
    let mut link = || {
        let mut link = DatagramConfig::drawn(&mut random);
        (link.corrupt, link.truncate) = (0, 0);
        link
    };
    let (there, back) = (link(), link());
    let mut world = pair(seed, there, trace, seed.is_multiple_of(4));
    world.set_link(B, A, back.classifier(label));
    world
}

fn verdict(world: &mut World<User>) -> Result<(), Violation<Address>> {
    world.run()?;
    for side in [A, B] {
        let end = world.endpoint(side).and_then(|user| user.closed.clone());
        if end != Some(CloseReason::Finished) {
            let what = format!("it ended with {end:?}").into();
            return Err(Violation::Rule { at: world.now(), side, what });
        }
    }
    world.missing().map_or(Ok(()), Err)
}

fn again(seed: u64) -> String {
    format!("MCONN_SEED={seed} cargo test --features legacy,sim --test legacy_session every_link")
}

#[test]
fn nothing_is_lost_doubled_or_reordered_over_every_link_and_all_ends_well() {
    let only = std::env::var("MCONN_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..2_000, |seed| seed..seed + 1);
    let (mut messages, mut resent) = (0, 0);
    for seed in seeds {
        if only.is_some() {
            let mut world = drawn(seed, true);
            let verdict = verdict(&mut world);
            println!("{}{verdict:?}", world.trace());
        }
        let world = run_seed(seed, drawn, verdict, again).unwrap_or_else(|failure| panic!("{failure}"));
        messages += world.delivered().0;
        for side in [A, B] {
            let user = world.endpoint(side).expect("it is there");
            resent += user.machine.status(world.now()).counters.data_resent;
        }
    }
    assert!(only.is_some() || (messages > 20_000 && resent > 10_000), "{messages} {resent}");
}

/// A link of 10 ms on which these rules strike, in both directions.
fn scripted(rules: &[Rule], both_call: bool) -> World<User> {
    let link = DatagramConfig::new().latency(ms(10));
    let mut world = pair(7, link, true, both_call);
    for (from, to) in [(A, B), (B, A)] {
        for rule in rules {
            world.link_mut(from, to).expect("both are there").script(rule.clone());
        }
    }
    verdict(&mut world).unwrap_or_else(|violation| panic!("{rules:?}: {violation}\n{}", world.trace()));
    world
}

#[test]
fn the_first_of_every_packet_may_be_lost() {
    for kind in ["syn", "synack", "estaback", "fin", "finack", "ack", "data", "keepalive"] {
        for count in 1..=4 {
            for both_call in [false, true] {
                scripted(&[Rule::filter(kind, count)], both_call);
            }
        }
    }
}

#[test]
fn all_first_packets_may_be_lost_at_once() {
    let rules = ["syn", "synack", "estaback", "fin", "finack", "ack", "data"].map(|kind| Rule::filter(kind, 1));
    scripted(&rules, false);
    scripted(&rules, true);
}

#[test]
fn number_zero_may_be_lost_any_number_of_times() {
    for count in 1..=6 {
        scripted(&[Rule::new(Act::Drop).kind("data").number(0).times(count)], false);
    }
}

#[test]
fn every_packet_may_be_doubled_or_late() {
    for kind in ["syn", "synack", "estaback", "fin", "finack", "ack", "data", "keepalive"] {
        for act in [Act::Duplicate(ms(700)), Act::Delay(ms(700)), Act::HoldUntilNext(ms(20))] {
            scripted(&[Rule::new(act).kind(kind).times(3)], false);
            scripted(&[Rule::new(act).kind(kind).times(3)], true);
        }
    }
}

#[test]
fn a_reader_that_stops_holds_the_sender_up_and_loses_nothing() {
    let link = DatagramConfig::new().latency(ms(5)).classifier(label);
    let mut world = World::new(1, WorldConfig::new(link));
    let mut bob = config(1);
    bob.delivery = Delivery::Pull;
    bob.receive.window = 4;
    let alice = SlidingWindow::connect(config(0), Instant::ZERO).expect("a configuration that works");
    let bob = SlidingWindow::listen(bob, Instant::ZERO).expect("a configuration that works");
    let messages = (0..40).map(|number| payload(number, 300)).collect();
    world.add(User::new(B, alice, messages, true, Duration::ZERO), Habits::exact());
    world.add(User::new(A, bob, vec![], false, ms(400)), Habits::exact());
    verdict(&mut world).unwrap_or_else(|violation| panic!("{violation}"));
    assert!(world.now() > Instant::from_secs(15), "one message in 400 ms");
    let sent = world.endpoint(A).expect("it is there").machine.status(world.now()).counters.data_sent;
    assert!(sent < 80, "{sent} transmissions of 40 messages: the original made 13 of each");
}
