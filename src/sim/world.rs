//! Many endpoints that send each other datagrams, in virtual time.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;

use super::datagram::{DatagramConfig, DatagramLink};
use super::messages::MessageLedger;
use super::random::Random;
use super::trace::{Fnv, Trace};
use super::violation::Violation;
use crate::time::Instant;

mod agenda;
mod config;
mod desk;
mod endpoint;
mod host;
mod look;
mod occurrence;
mod seed;

use agenda::Agenda;
pub use config::{ClockJump, Habits, WorldConfig};
use desk::Books;
pub use desk::Desk;
pub use endpoint::{Address, DatagramEndpoint};
use host::{Host, Reason};
pub use look::Failure;
pub use occurrence::{Occurrence, Shown};
pub use seed::run_seed;

/// The trace of a [`World`].
pub type WorldTrace = Trace<Address, Occurrence>;

type Verdict<T> = Result<T, Violation<Address>>;

/// Many endpoints with a [`DatagramLink`] from each to each with which it talks, in virtual time; all chance comes from one
/// seed.
///
/// Time begins at [`Instant::ZERO`]. The links and drivers draw from sequences that depend on the seed and their addresses
/// alone, not on who talked first.
///
/// ```
/// use bytes::BytesMut;
/// use mconn::sim::{Address, DatagramConfig, DatagramEndpoint, Habits, World, WorldConfig};
/// use mconn::time::{Duration, Instant};
///
/// /// Asks every 100 ms until it is answered; answers whenever it is asked.
/// struct Peer {
///     other: Address,
///     ask_at: Option<Instant>,
///     answers: u32,
/// }
///
/// impl DatagramEndpoint for Peer {
///     fn handle_datagram(&mut self, _now: Instant, _from: Address, datagram: &mut BytesMut) {
///         if datagram == "?" { self.answers += 1 } else { self.ask_at = None }
///     }
///     fn handle_timeout(&mut self, _now: Instant) {}
///     fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
///         if self.answers > 0 {
///             self.answers -= 1;
///             into.extend_from_slice(b"!");
///         } else {
///             self.ask_at.filter(|at| *at <= now)?;
///             self.ask_at = Some(now + Duration::from_millis(100));
///             into.extend_from_slice(b"?");
///         }
///         Some(self.other)
///     }
///     fn poll_timeout(&self) -> Option<Instant> {
///         self.ask_at
///     }
///     fn is_over(&self) -> bool {
///         self.ask_at.is_none()
///     }
/// }
///
/// let link = DatagramConfig::new().latency(Duration::from_millis(10)).loss(700_000);
/// let mut world = World::new(7, WorldConfig::new(link).trace(true));
/// let (a, b) = (Address::new(0), Address::new(1));
/// world.add(Peer { other: b, ask_at: Some(Instant::ZERO), answers: 0 }, Habits::exact());
/// world.add(Peer { other: a, ask_at: None, answers: 0 }, Habits::exact());
/// world.run()?;
/// assert_eq!(world.now().as_nanos() % 100_000_000, 20_000_000); // after a question that was answered
/// print!("{}{}", world.trace(), world.summary());
/// # Ok::<(), mconn::sim::Violation<Address>>(())
/// ```
#[derive(Clone, Debug)]
pub struct World<E> {
    seed: u64,
    config: WorldConfig,
    now: Instant,
    hosts: Vec<Host<E>>,
    lines: Vec<Line>,
    agenda: Agenda,
    /// Who stands behind each slot of the agenda.
    slots: Vec<Slot>,
    books: Books,
    trace: WorldTrace,
    /// What is being sent.
    outgoing: BytesMut,
    alive: usize,
    events: u64,
    events_at_once: u32,
}

#[derive(Clone, Debug)]
struct Line {
    from: Address,
    to: Address,
    slot: u32,
    link: DatagramLink,
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    Host(Address),
    Line(u32),
}

impl<E: DatagramEndpoint> World<E> {
    /// An empty world at [`Instant::ZERO`].
    #[must_use]
    pub fn new(seed: u64, config: WorldConfig) -> Self {
        Self {
            seed,
            config,
            now: Instant::ZERO,
            hosts: Vec::new(),
            lines: Vec::new(),
            agenda: Agenda::new(),
            slots: Vec::new(),
            books: Books::default(),
            trace: WorldTrace::new(),
            outgoing: BytesMut::new(),
            alive: 0,
            events: 0,
            events_at_once: 0,
        }
    }

    fn slot(&mut self, slot: Slot) -> u32 {
        self.slots.push(slot);
        self.agenda.add()
    }

    /// A sequence for what lies at these two numbers, whenever it is made.
    fn random(&self, one: u64, two: u64) -> Random {
        let mut random = Random::new(self.seed);
        for number in [one, two] {
            random = Random::new(random.next_u64() ^ Random::new(number).next_u64());
        }
        random
    }

    /// Adds an endpoint, which wakes at once. The first one gets the address 0.
    pub fn add(&mut self, endpoint: E, habits: Habits) -> Address {
        let address = Address::new(self.hosts.len() as u32);
        let slot = self.slot(Slot::Host(address));
        let random = self.random(u64::from(address.index()), u64::MAX);
        self.hosts.push(Host::new(endpoint, slot, habits, random, self.now));
        self.alive = self.alive.saturating_add(1);
        self.touch(address);
        address
    }

    fn host(&mut self, address: Address) -> Option<&mut Host<E>> {
        self.hosts.get_mut(address.index() as usize)
    }

    /// Wakes an endpoint now.
    fn touch(&mut self, address: Address) {
        let now = self.now;
        if let Some(host) = self.hosts.get_mut(address.index() as usize) {
            self.agenda.set(host.slot, host.awake(now));
            // Whether it is over is known when it has woken.
            self.alive = self.alive.saturating_add(usize::from(host.over));
            host.over = false;
        }
    }

    /// The endpoint at an address. `None` when nobody is there.
    #[must_use]
    pub fn endpoint(&self, address: Address) -> Option<&E> {
        self.hosts.get(address.index() as usize).map(|host| &host.endpoint)
    }

    /// The same, to do something to it: it wakes afterwards.
    pub fn endpoint_mut(&mut self, address: Address) -> Option<&mut E> {
        self.touch(address);
        self.host(address).map(|host| &mut host.endpoint)
    }

    /// Puts another endpoint in the place of one, as when a program starts anew, and gives back the old one. The ledgers of
    /// the address start anew too; what is on its way arrives at the new one.
    ///
    /// # Errors
    /// The new endpoint, when nobody is at the address.
    pub fn replace(&mut self, address: Address, endpoint: E) -> Result<E, E> {
        let Some(host) = self.host(address) else { return Err(endpoint) };
        let old = host.replace(endpoint);
        self.books.forget(address);
        self.touch(address);
        Ok(old)
    }

    /// Where the link between two addresses is; it is made when there is none.
    fn line(&mut self, from: Address, to: Address) -> Option<u32> {
        self.hosts.get(to.index() as usize)?;
        let place = match self.hosts.get(from.index() as usize)?.route(to) {
            Ok(line) => return Some(line),
            Err(place) => place,
        };
        let line = self.lines.len() as u32;
        let slot = self.slot(Slot::Line(line));
        let random = self.random(u64::from(from.index()), u64::from(to.index()));
        self.lines.push(Line { from, to, slot, link: DatagramLink::new(self.config.link.clone(), random) });
        self.host(from)?.add_route(place, to, line);
        Some(line)
    }

    /// The link on which `from` sends to `to`, to look at it and to add [`Rule`](super::Rule)s. `None` when one of them does
    /// not exist.
    pub fn link_mut(&mut self, from: Address, to: Address) -> Option<&mut DatagramLink> {
        let line = self.line(from, to)?;
        self.lines.get_mut(line as usize).map(|line| &mut line.link)
    }

    /// Sets the link on which `from` sends to `to`. Nothing happens when one of them does not exist.
    pub fn set_link(&mut self, from: Address, to: Address, config: DatagramConfig) {
        if let Some(link) = self.link_mut(from, to) {
            link.reconfigure(config);
        }
    }

    /// Sets what is promised to the messages from `from` to `to` on a channel, before the first one.
    pub fn promise(&mut self, from: Address, to: Address, channel: u8, promise: super::Promise) {
        self.books.ledger(from, to).promise(channel, promise);
    }

    /// Sends a datagram to `to` that claims to come from `from`, over their link: for attackers, and for what was recorded
    /// and is played again.
    ///
    /// # Errors
    /// [`Violation::Rule`] when nobody is there, unless there may be black holes.
    pub fn inject(&mut self, from: Address, to: Address, datagram: &[u8]) -> Result<(), Violation<Address>> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(datagram);
        self.dispatch(from, to)
    }

    /// Sends what is in `outgoing`.
    fn dispatch(&mut self, from: Address, to: Address) -> Verdict<()> {
        self.watch()?;
        let Some(index) = self.line(from, to) else { return self.vanish(from, to) };
        let Some(line) = self.lines.get_mut(index as usize) else { return Ok(()) };
        let fate = line.link.send(self.now, &self.outgoing);
        if self.config.trace {
            let datagram = shown(&line.link, line.link.counters().sent, &self.outgoing);
            self.trace.push(self.now, from, Occurrence::Sent { to, datagram, fate });
        }
        self.schedule(index);
        Ok(())
    }

    fn vanish(&mut self, from: Address, to: Address) -> Verdict<()> {
        if !self.config.black_holes {
            let what = format!("it sends to {to}, and nobody is there").into();
            return Err(Violation::Rule { at: self.now, side: from, what });
        }
        if self.config.trace {
            self.trace.push(self.now, from, Occurrence::Vanished { to, len: self.outgoing.len() });
        }
        Ok(())
    }

    /// Sets when a link delivers next: not while the receiver sleeps.
    fn schedule(&mut self, index: u32) {
        let Some(line) = self.lines.get(index as usize) else { return };
        let next = line.link.next_at().unwrap_or(Instant::MAX).max(self.now);
        let next = self.hosts.get(line.to.index() as usize).map_or(next, |host| host.awake(next));
        self.agenda.set(line.slot, next);
    }

    /// Goes to the next moment at which something happens, and lets it happen. `false` when nothing will happen again.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn step(&mut self) -> Result<bool, Violation<Address>> {
        let Some((next, slot)) = self.agenda.earliest() else { return Ok(false) };
        if next > self.now {
            self.now = next;
            self.events_at_once = 0;
        }
        self.watch()?;
        match self.slots.get(slot as usize) {
            Some(Slot::Host(address)) => self.wake(*address)?,
            Some(Slot::Line(line)) => self.deliver(*line)?,
            None => {}
        }
        Ok(true)
    }

    /// The watchdog: every run ends.
    fn watch(&mut self) -> Verdict<()> {
        self.events = self.events.saturating_add(1);
        self.events_at_once = self.events_at_once.saturating_add(1);
        if self.events_at_once > self.config.max_events_at_once {
            return Err(Violation::Spin { at: self.now, events: self.config.max_events_at_once });
        }
        if self.events > self.config.max_events || self.now > Instant::ZERO + self.config.max_time {
            return Err(Violation::Endless { at: self.now, events: self.events });
        }
        Ok(())
    }

    fn wake(&mut self, address: Address) -> Verdict<()> {
        let now = self.now;
        let Some(host) = self.host(address) else { return Ok(()) };
        let told = host.clock(now);
        let reason = host.wake(now, told);
        host.endpoint.handle_timeout(told);
        if self.config.trace {
            match reason {
                Reason::Deadline => self.trace.push(now, address, Occurrence::Woken),
                Reason::Tick => self.trace.push(now, address, Occurrence::Ticked),
                Reason::Other => {}
            }
        }
        self.settle(address, told)
    }

    fn deliver(&mut self, index: u32) -> Verdict<()> {
        let now = self.now;
        let Some(line) = self.lines.get_mut(index as usize) else { return Ok(()) };
        let (from, to) = (line.from, line.to);
        let Some(mut parcel) = line.link.take(now) else { return Ok(()) };
        if self.config.trace {
            let datagram = shown(&line.link, parcel.number, &parcel.bytes);
            self.trace.push(now, to, Occurrence::Arrived { from, datagram });
        }
        self.schedule(index);
        let Some(host) = self.host(to) else { return Ok(()) };
        let told = host.clock(now);
        host.endpoint.handle_datagram(told, from, &mut parcel.bytes);
        if let Some(line) = self.lines.get_mut(index as usize) {
            line.link.recycle(parcel.bytes);
        }
        self.settle(to, told)
    }

    /// Lets the user act and takes what there is to send, until there is nothing left to do; then sets the alarm.
    fn settle(&mut self, address: Address, told: Instant) -> Verdict<()> {
        // Looking for output may give events too: who acts once more after the last look misses none.
        let mut quiet = 0_u32;
        while quiet < 2 {
            let Self { hosts, books, trace, config, now, .. } = self;
            let Some(host) = hosts.get_mut(address.index() as usize) else { return Ok(()) };
            let trace = config.trace.then_some(trace);
            host.endpoint.act(told, &mut Desk { at: *now, here: address, books, trace })?;
            quiet = if self.transmit(address, told)? { 0 } else { quiet.saturating_add(1) };
        }
        let Some(host) = self.hosts.get_mut(address.index() as usize) else { return Ok(()) };
        if host.over != host.endpoint.is_over() {
            host.over = !host.over;
            let change = if host.over { self.alive.checked_sub(1) } else { self.alive.checked_add(1) };
            self.alive = change.unwrap_or(self.alive);
        }
        let alarm = host.set_alarm(self.now);
        self.agenda.set(host.slot, alarm);
        Ok(())
    }

    /// Sends all that an endpoint has to send. Returns whether it had anything.
    fn transmit(&mut self, address: Address, told: Instant) -> Verdict<bool> {
        let mut any = false;
        loop {
            let Some(host) = self.hosts.get_mut(address.index() as usize) else { return Ok(any) };
            self.outgoing.clear();
            let Some(to) = host.endpoint.poll_transmit(told, &mut self.outgoing) else { return Ok(any) };
            any = true;
            self.dispatch(address, to)?;
        }
    }

    /// Runs until all endpoints have ended.
    ///
    /// # Errors
    /// The first [`Violation`]; [`Violation::Stuck`] when nothing will happen any more and one has not ended, and
    /// [`Violation::Endless`] when the run exceeds its limits.
    pub fn run(&mut self) -> Result<(), Violation<Address>> {
        while self.alive > 0 {
            if !self.step()? {
                return Err(self.stuck());
            }
        }
        Ok(())
    }

    /// Runs until `moment`, which is the time afterwards.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn run_until(&mut self, moment: Instant) -> Result<(), Violation<Address>> {
        while self.agenda.earliest().is_some_and(|(next, _)| next <= moment) {
            self.step()?;
        }
        if moment > self.now {
            self.now = moment;
            self.events_at_once = 0;
        }
        Ok(())
    }

    /// Runs while `wanted` says so, and something happens. Returns whether it still says so.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn run_while(&mut self, mut wanted: impl FnMut(&Self) -> bool) -> Result<bool, Violation<Address>> {
        while wanted(self) {
            if !self.step()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn shown(link: &DatagramLink, number: u64, bytes: &[u8]) -> Shown {
    let label = link.config().classifier.and_then(|classifier| classifier(bytes));
    Shown { number, len: bytes.len(), label, digest: Fnv::digest(bytes) }
}
