//! A whole run of sessions drawn from one seed, and the verdict on how it went.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::attack::Forgery;
use super::conduct::Conduct;
use super::draw;
use super::endpoint::WindowEndpoint;
use super::host::{WindowHost, WindowWorld};
use super::hub::WindowHub;
use super::judge::Judge;
use super::label::window_label;
use super::machine::WindowMachine;
use super::outcome::WindowOutcome;
use crate::sim::datagram::DatagramConfig;
use crate::sim::world::{Failure, Habits, World, WorldConfig};
use crate::sim::{Address, Random, Violation};
use crate::sliding_window::endpoint::EndpointConfig;
use crate::sliding_window::{Config, ConfigError, SlidingWindow};
use crate::time::{Duration, Instant};

/// What can go wrong in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// Datagrams are lost, each by itself or in bursts.
    Loss,
    /// They arrive twice.
    Duplicate,
    /// They overtake each other.
    Reorder,
    /// They take long, and not always the same; the wire is narrow.
    Delay,
    /// Bits flip, and ends are cut off.
    Corrupt,
    /// For a time nothing passes.
    Partition,
    /// The two directions differ.
    Asymmetric,
    /// The receiver grants hardly anything.
    ZeroWindow,
    /// The receiver's user sleeps.
    StalledReader,
    /// Clocks are set, err and go back; programs stand still.
    ClockJump,
    /// An end starts anew, with what it knew or without.
    Restart,
    /// The peer sends what no peer should, in packets that look right.
    Hostile,
    /// Somebody who sees nothing sends packets that look right but for the tag.
    Attacker,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Delay,
        Self::Corrupt,
        Self::Partition,
        Self::Asymmetric,
        Self::ZeroWindow,
        Self::StalledReader,
        Self::ClockJump,
        Self::Restart,
        Self::Hostile,
        Self::Attacker,
    ];
}

/// What starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restart {
    /// Both ends, with sessions that go on where the old ones were cut.
    Resumed,
    /// One end, which has forgotten everything.
    One,
    /// Both ends, which have forgotten everything; what the old ones sent is still on its way.
    Both,
}

/// One end of a scenario.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct End {
    /// Its session.
    pub config: Config,
    /// Its user.
    pub conduct: Conduct,
    /// Its driver.
    pub habits: Habits,
    /// Whether it calls.
    pub calls: bool,
}

/// A datagram of somebody who sees nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attack {
    /// When.
    pub at: Instant,
    /// To whom: 0 is the one that is called, 1 the first that calls. It claims to come from the other one.
    pub to: usize,
    /// What.
    pub forgery: Forgery,
    /// What it is drawn from.
    pub random: Random,
}

/// Sessions, what lies between them, what their users do, and what goes wrong: all drawn from one seed.
///
/// ```
/// use mconn::sim::window::WindowScenario;
/// let outcome = WindowScenario::from_seed(1).run()?;
/// assert!(outcome.events > 0);
/// # Ok::<(), Box<mconn::sim::Failure>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WindowScenario {
    /// Where all came from.
    pub seed: u64,
    /// Whether nothing in it ends a session before all is delivered.
    pub harmless: bool,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// The one that is called, and those that call it; with `hub` there can be more than one.
    pub ends: Vec<End>,
    /// The links to the one that is called, and back.
    pub links: [DatagramConfig; 2],
    /// Whether the one that is called is an endpoint with many sessions.
    pub hub: bool,
    /// Whether that one asks everybody for a cookie.
    pub cookies: bool,
    /// What blind attackers send.
    pub attacks: Vec<Attack>,
    /// What starts anew and has forgotten all.
    pub restart: Option<Restart>,
    /// When.
    pub restart_at: Instant,
    /// Those that take the places of both.
    pub heirs: Vec<End>,
    /// Who is hostile, and how many datagrams in a hundred it changes.
    pub hostile: Option<(usize, u64)>,
}

impl WindowScenario {
    /// Draws everything from `seed`.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        draw::scenario(seed)
    }

    /// Runs it to its end, or to the first violation; without a trace, and once more with one when a promise was broken.
    ///
    /// # Errors
    /// What was broken, the line that replays it, and the end of the trace.
    pub fn run(&self) -> Result<WindowOutcome, Box<Failure>> {
        self.run_with(&|_, session| session)
    }

    /// The same with something around each session that stands alone, by its address: for those who want to see whether the
    /// oracles find a fault.
    ///
    /// # Errors
    /// As [`WindowScenario::run`].
    pub fn run_with<M: WindowMachine>(
        &self,
        wrap: &impl Fn(Address, SlidingWindow) -> M,
    ) -> Result<WindowOutcome, Box<Failure>> {
        match self.attempt(false, wrap) {
            Ok(outcome) => Ok(outcome),
            // The same seed gives the same run; where it does not, the first violation is still true.
            Err(failure) => Err(self.attempt(true, wrap).err().unwrap_or(failure)),
        }
    }

    /// The same with a trace.
    ///
    /// # Errors
    /// As [`WindowScenario::run`].
    pub fn run_traced(&self) -> Result<WindowOutcome, Box<Failure>> {
        self.attempt(true, &|_, session| session)
    }

    fn attempt<M: WindowMachine>(
        &self,
        trace: bool,
        wrap: &impl Fn(Address, SlidingWindow) -> M,
    ) -> Result<WindowOutcome, Box<Failure>> {
        let again =
            format!("cargo run --release --features sim --example soak -- --window --seed {} --trace", self.seed);
        let mut world = World::new(self.seed, self.world(trace));
        match self.play(&mut world, wrap) {
            Ok(()) => Ok(WindowOutcome::of(&world)),
            Err(violation) => Err(Box::new(world.failure(violation, again))),
        }
    }

    fn world(&self, trace: bool) -> WorldConfig {
        let [there, _] = &self.links;
        let mut config = WorldConfig::new(there.clone().classifier(window_label)).trace(trace);
        config.max_events = 300_000;
        config.max_events_at_once = 5_000;
        config
    }

    fn play<M: WindowMachine>(
        &self,
        world: &mut WindowWorld<M>,
        wrap: &impl Fn(Address, SlidingWindow) -> M,
    ) -> Result<(), Violation<Address>> {
        self.populate(world, wrap).map_err(|error| refused(&error))?;
        let mut judge = Judge::new(self);
        for attack in &self.attacks {
            judge.run_until(world, attack.at)?;
            let (to, from) = (Address::new(attack.to as u32), Address::new(1_u32.saturating_sub(attack.to as u32)));
            let mut random = attack.random.clone();
            let tag = random.next_u64();
            world.inject(from, to, &attack.forgery.draw(&mut random, tag))?;
        }
        if let Some(restart) = self.restart {
            judge.run_until(world, self.restart_at)?;
            self.replace(world, restart, wrap).map_err(|error| refused(&error))?;
            judge.restarted(restart);
        }
        judge.run_until(world, Instant::MAX)?;
        judge.verdict(world)
    }

    fn populate<M: WindowMachine>(
        &self,
        world: &mut WindowWorld<M>,
        wrap: &impl Fn(Address, SlidingWindow) -> M,
    ) -> Result<(), ConfigError> {
        let [_, back] = &self.links;
        for (index, end) in self.ends.iter().enumerate() {
            let host = if self.hub && index == 0 { self.hub(end)? } else { self.one(end, index, wrap)? };
            world.add(host, end.habits.clone());
        }
        let called = Address::new(0);
        for index in 1..self.ends.len() {
            world.set_link(called, Address::new(index as u32), back.clone().classifier(window_label));
        }
        Ok(())
    }

    fn one<M: WindowMachine>(
        &self,
        end: &End,
        index: usize,
        wrap: &impl Fn(Address, SlidingWindow) -> M,
    ) -> Result<WindowHost<M>, ConfigError> {
        let peer = Address::new(u32::from(index == 0));
        let now = Instant::ZERO + end.habits.clock_ahead;
        let config = end.config.clone();
        let session =
            if end.calls { SlidingWindow::connect(config, now)? } else { SlidingWindow::listen(config, now)? };
        let machine = wrap(Address::new(index as u32), session);
        let (config, conduct) = (end.config.clone(), end.conduct.clone());
        let mut endpoint = WindowEndpoint::new(machine, end.calls, peer, config, conduct, now);
        if let Some((_, percent)) = self.hostile.filter(|(who, _)| *who == index) {
            endpoint.set_hostile(percent, Random::new(!self.seed));
        }
        Ok(WindowHost::One(Box::new(endpoint)))
    }

    fn hub<M>(&self, end: &End) -> Result<WindowHost<M>, ConfigError> {
        let mut config = EndpointConfig::new(self.seed.to_le_bytes().repeat(2).try_into().unwrap_or([7; 16]));
        config.session = end.config.clone();
        config.cookies_above = if self.cookies { 0 } else { 64 };
        let conducts = (1..self.ends.len()).map(|index| (Address::new(index as u32), end.conduct.clone()));
        let stop = Duration::from_secs(if self.harmless { 60_000 } else { 400 });
        let hub = WindowHub::new(config, conducts, stop, Instant::ZERO + end.habits.clock_ahead)?;
        Ok(WindowHost::Hub(Box::new(hub)))
    }

    fn replace<M: WindowMachine>(
        &self,
        world: &mut WindowWorld<M>,
        restart: Restart,
        wrap: &impl Fn(Address, SlidingWindow) -> M,
    ) -> Result<(), ConfigError> {
        let now = world.now();
        let put = |world: &mut WindowWorld<M>, index: usize, end: &End| -> Result<(), ConfigError> {
            let mut late = end.clone();
            // Its driver is that of the old one.
            let ahead = self.ends.get(index).map_or(Duration::ZERO, |end| end.habits.clock_ahead);
            late.habits.clock_ahead = ahead.saturating_add(now - Instant::ZERO);
            let host = self.one(&late, index, wrap)?;
            let _ = world.replace(Address::new(index as u32), host);
            Ok(())
        };
        if restart == Restart::Both {
            return self.heirs.iter().enumerate().try_for_each(|(index, end)| put(world, index, end));
        }
        // Which one is drawn from the seed too.
        let index = usize::from(self.seed.is_multiple_of(2));
        let Some(end) = self.ends.get(index) else { return Ok(()) };
        let mut heir = end.clone();
        heir.config.tag = heir.config.tag.wrapping_add(2).max(1);
        // The other one may give it what it had accepted before, of which the books know nothing any more.
        heir.conduct.trusts = false;
        if let Some(WindowHost::One(other)) = world.endpoint_mut(Address::new(1_u32.saturating_sub(index as u32))) {
            other.distrust();
        }
        put(world, index, &heir)
    }
}

fn refused(error: &ConfigError) -> Violation<Address> {
    Violation::Rule { at: Instant::ZERO, side: Address::new(0), what: error.to_string().into() }
}

impl fmt::Display for WindowScenario {
    /// Everything but the messages, over several lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, harmless {}, faults {:?}", self.seed, self.harmless, self.faults)?;
        writeln!(f, "hub {}, cookies {}, hostile {:?}", self.hub, self.cookies, self.hostile)?;
        writeln!(f, "restart {:?} at {}, {} attacks", self.restart, self.restart_at, self.attacks.len())?;
        for end in self.ends.iter().chain(&self.heirs) {
            let conduct = Conduct { letters: Vec::new(), ..end.conduct.clone() };
            writeln!(f, "{:?}\n{} letters {conduct:?}\n{:?}", end.config, end.conduct.letters.len(), end.habits)?;
        }
        writeln!(f, "{:?}", self.links)
    }
}
