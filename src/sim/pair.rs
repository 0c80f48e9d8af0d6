//! Two machines over two links in virtual time.

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;

use super::driver::Driver;
use super::endpoint::{Endpoint, Surroundings};
use super::ledger::Ledger;
use super::link::{ByteLink, LinkConfig};
use super::memory::Memory;
use super::operation::Operation;
use super::random::Random;
use super::trace::Trace;
use super::{Side, Violation};
use crate::connection::StreamMachine;
use crate::time::{Duration, Instant};

/// Runs at one instant in which nothing moves, before that counts as spinning.
const MAX_IDLE_RUNS: u32 = 100;

/// What lies between and around the two machines of a [`Pair`].
///
/// ```
/// use mconn::sim::{Driver, LinkConfig, PairConfig};
/// use mconn::time::Duration;
///
/// let mut config = PairConfig::symmetric(LinkConfig::new().latency(Duration::from_millis(5)));
/// config.b_to_a.bandwidth = Some(10_000);
/// config.driver_b = Driver::exact().ticks(Duration::from_millis(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairConfig {
    /// The link on which A sends.
    pub a_to_b: LinkConfig,
    /// The link on which B sends.
    pub b_to_a: LinkConfig,
    /// The driver and user of A.
    pub driver_a: Driver,
    /// The driver and user of B.
    pub driver_b: Driver,
    /// What A may hold; checked after every event.
    pub memory_a: Option<Memory>,
    /// What B may hold; checked after every event.
    pub memory_b: Option<Memory>,
    /// Whether messages that were delivered are kept for [`Pair::received`].
    pub keep_messages: bool,
    /// The most events of a run.
    pub max_events: u64,
    /// The most events at one instant.
    pub max_events_at_once: u32,
    /// The longest run in virtual time.
    pub max_time: Duration,
}

impl Default for PairConfig {
    fn default() -> Self {
        Self::symmetric(LinkConfig::new())
    }
}

impl PairConfig {
    /// The same link in both directions, and exact drivers.
    #[must_use]
    pub fn symmetric(link: LinkConfig) -> Self {
        Self {
            a_to_b: link.clone(),
            b_to_a: link,
            driver_a: Driver::exact(),
            driver_b: Driver::exact(),
            memory_a: None,
            memory_b: None,
            keep_messages: true,
            max_events: 10_000_000,
            max_events_at_once: 1_000_000,
            max_time: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// A message that the user of one side took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Instant,
    /// The channel it came on.
    pub channel: u8,
    /// Its bytes.
    pub payload: Bytes,
}

/// Two machines, A and B, over two links, in virtual time; all chance comes from one seed.
///
/// See the [module](super) for an example. Time begins at [`Instant::ZERO`]: create the machines with that.
///
/// After every event the oracles look: each delivery must be the next one of its channel, no machine may hold more than it
/// is allowed, no time may stand still. The first [`Violation`] ends the run.
#[derive(Debug)]
pub struct Pair<A: StreamMachine, B: StreamMachine> {
    now: Instant,
    a: Endpoint<A>,
    b: Endpoint<B>,
    a_to_b: ByteLink,
    b_to_a: ByteLink,
    from_a: Ledger,
    from_b: Ledger,
    kept_a: Vec<Delivery>,
    kept_b: Vec<Delivery>,
    trace: Trace,
    keep_messages: bool,
    max_events: u64,
    max_events_at_once: u32,
    max_time: Duration,
    events: u64,
    events_at_once: u32,
    idle_runs: u32,
}

impl<A: StreamMachine, B: StreamMachine> Pair<A, B> {
    /// A pair at [`Instant::ZERO`].
    #[must_use]
    pub fn new(seed: u64, a: A, b: B, config: PairConfig) -> Self {
        let mut random = Random::new(seed);
        Self {
            now: Instant::ZERO,
            a_to_b: ByteLink::new(config.a_to_b, random.fork()),
            b_to_a: ByteLink::new(config.b_to_a, random.fork()),
            a: Endpoint::new(Side::A, a, config.driver_a, config.memory_a, random.fork()),
            b: Endpoint::new(Side::B, b, config.driver_b, config.memory_b, random.fork()),
            from_a: Ledger::new(Side::B),
            from_b: Ledger::new(Side::A),
            kept_a: Vec::new(),
            kept_b: Vec::new(),
            trace: Trace::new(),
            keep_messages: config.keep_messages,
            max_events: config.max_events,
            max_events_at_once: config.max_events_at_once,
            max_time: config.max_time,
            events: 0,
            events_at_once: 0,
            idle_runs: 0,
        }
    }

    /// Plans what the user of one side does at a moment. A moment in the past counts as now.
    pub fn plan(&mut self, side: Side, at: Instant, operation: Operation) {
        match side {
            Side::A => self.a.plan(at, operation),
            Side::B => self.b.plan(at, operation),
        }
    }

    /// The user of one side sends a message now, or as soon as the queue has room.
    pub fn send(&mut self, side: Side, channel: u8, message: impl Into<Bytes>) {
        match side {
            Side::A => self.a.queue(channel, message.into()),
            Side::B => self.b.queue(channel, message.into()),
        }
    }

    /// Goes to the next moment at which somebody wakes, and lets them do what there is to do. `false` when nobody will wake
    /// again.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn step(&mut self) -> Result<bool, Violation> {
        let wake_a = self.a.wake(&self.a_to_b, &self.b_to_a);
        let wake_b = self.b.wake(&self.b_to_a, &self.a_to_b);
        let Some(next) = [wake_a, wake_b].into_iter().flatten().min() else { return Ok(false) };
        if next > self.now {
            self.now = next;
            self.events_at_once = 0;
            self.idle_runs = 0;
        }
        let mut moved = false;
        if wake_a.is_some_and(|wake| wake <= self.now) {
            moved |= self.run_a()?;
        }
        if wake_b.is_some_and(|wake| wake <= self.now) {
            moved |= self.run_b()?;
        }
        self.watch(moved)?;
        Ok(true)
    }

    fn run_a(&mut self) -> Result<bool, Violation> {
        let kept = self.keep_messages.then_some(&mut self.kept_a);
        let (out, into) = (&mut self.a_to_b, &mut self.b_to_a);
        let (sent, received, trace) = (&mut self.from_a, &mut self.from_b, &mut self.trace);
        self.a.run(&mut Surroundings { now: self.now, out, into, sent, received, kept, trace })
    }

    fn run_b(&mut self) -> Result<bool, Violation> {
        let kept = self.keep_messages.then_some(&mut self.kept_b);
        let (out, into) = (&mut self.b_to_a, &mut self.a_to_b);
        let (sent, received, trace) = (&mut self.from_b, &mut self.from_a, &mut self.trace);
        self.b.run(&mut Surroundings { now: self.now, out, into, sent, received, kept, trace })
    }

    /// The watchdog: every run ends.
    fn watch(&mut self, moved: bool) -> Result<(), Violation> {
        self.events = self.events.saturating_add(1);
        self.events_at_once = self.events_at_once.saturating_add(1);
        self.idle_runs = if moved { 0 } else { self.idle_runs.saturating_add(1) };
        if self.idle_runs > MAX_IDLE_RUNS {
            return Err(Violation::Spin { at: self.now, events: MAX_IDLE_RUNS });
        }
        if self.events_at_once > self.max_events_at_once {
            return Err(Violation::Spin { at: self.now, events: self.max_events_at_once });
        }
        if self.events > self.max_events || self.now > Instant::ZERO + self.max_time {
            return Err(Violation::Endless { at: self.now, events: self.events });
        }
        Ok(())
    }

    /// Runs until both sides have ended.
    ///
    /// # Errors
    /// The first [`Violation`]; [`Violation::Stuck`] when nobody wakes any more and a side has not ended, and
    /// [`Violation::Endless`] when the run exceeds its limits.
    pub fn run(&mut self) -> Result<(), Violation> {
        while !self.is_over() {
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
    pub fn run_until(&mut self, moment: Instant) -> Result<(), Violation> {
        while let Some(next) = self.next_wake() {
            if next > moment {
                break;
            }
            self.step()?;
        }
        self.now = self.now.max(moment);
        Ok(())
    }

    /// Runs until all that the users wanted to send has been taken at the other side, or a side has ended. Returns whether
    /// all was delivered.
    ///
    /// # Errors
    /// The first [`Violation`]; [`Violation::Stuck`] when nobody wakes any more before that.
    pub fn run_until_delivered(&mut self) -> Result<bool, Violation> {
        loop {
            if self.a.has_sent_all() && self.b.has_sent_all() && self.from_a.is_settled() && self.from_b.is_settled() {
                return Ok(true);
            }
            if self.a.ending.is_some() || self.b.ending.is_some() {
                return Ok(false);
            }
            if !self.step()? {
                return Err(self.stuck());
            }
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let wakes = [self.a.wake(&self.a_to_b, &self.b_to_a), self.b.wake(&self.b_to_a, &self.a_to_b)];
        wakes.into_iter().flatten().min()
    }

    fn stuck(&self) -> Violation {
        Violation::Stuck { at: self.now, state: format!("{}; {}", self.a.describe(), self.b.describe()) }
    }

    /// Whether both sides have ended and let go of the links.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.a.is_gone() && self.b.is_gone()
    }

    /// The virtual time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How often somebody woke.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The machine A.
    #[must_use]
    pub const fn a(&self) -> &A {
        &self.a.machine
    }

    /// The machine B.
    #[must_use]
    pub const fn b(&self) -> &B {
        &self.b.machine
    }

    /// Why A ended.
    #[must_use]
    pub const fn ending_a(&self) -> Option<&A::Ending> {
        self.a.ending.as_ref()
    }

    /// Why B ended.
    #[must_use]
    pub const fn ending_b(&self) -> Option<&B::Ending> {
        self.b.ending.as_ref()
    }

    /// The link on which `side` sends.
    #[must_use]
    pub const fn link_from(&self, side: Side) -> &ByteLink {
        match side {
            Side::A => &self.a_to_b,
            Side::B => &self.b_to_a,
        }
    }

    /// What `side` sent, and how much of it arrived.
    #[must_use]
    pub const fn sent_by(&self, side: Side) -> &Ledger {
        match side {
            Side::A => &self.from_a,
            Side::B => &self.from_b,
        }
    }

    /// The messages that the user of `side` took, if they are kept ([`PairConfig::keep_messages`]).
    #[must_use]
    pub fn received(&self, side: Side) -> &[Delivery] {
        match side {
            Side::A => &self.kept_a,
            Side::B => &self.kept_b,
        }
    }

    /// What happened so far.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }
}
