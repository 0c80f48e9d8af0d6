//! What must hold between the ends of a scenario, at every moment and at the end.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::conduct::{Conduct, Farewell};
use super::host::{WindowHost, WindowWorld};
use super::machine::WindowMachine;
use super::scenario::{End, Restart, WindowScenario};
use super::watch::overdrawn;
use crate::sim::{Address, Violation};
use crate::sliding_window::{CloseReason, Config};
use crate::time::Instant;

type Verdict = Result<(), Violation<Address>>;

/// What is known of a scenario while it runs.
pub(super) struct Judge<'a> {
    scenario: &'a WindowScenario,
    /// The ends that play now.
    ends: &'a [End],
    replaced: Option<Restart>,
    /// Whether what one end believes can be compared with what the other says.
    compares: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(scenario: &'a WindowScenario) -> Self {
        let resumes = scenario.ends.iter().any(|end| end.conduct.resumes > 0);
        let compares = !scenario.hub && !resumes && scenario.hostile.is_none();
        // A stranger that calls first is met instead of the peer.
        let compares = compares && (scenario.harmless || scenario.attacks.is_empty());
        Self { scenario, ends: &scenario.ends, replaced: None, compares }
    }

    pub(super) fn restarted(&mut self, restart: Restart) {
        self.replaced = Some(restart);
        match restart {
            Restart::Both => self.ends = &self.scenario.heirs,
            _ => self.compares = false,
        }
    }

    /// Runs until a moment or the end, and looks at both ends after every event.
    pub(super) fn run_until<M: WindowMachine>(&self, world: &mut WindowWorld<M>, until: Instant) -> Verdict {
        while world.next_at() <= until && !world.is_over() {
            if !world.step()? {
                return world.run();
            }
            if self.compares {
                self.compare(world)?;
            }
        }
        Ok(())
    }

    fn compare<M: WindowMachine>(&self, world: &WindowWorld<M>) -> Verdict {
        let one = |index| world.endpoint(Address::new(index)).and_then(WindowHost::one);
        let (Some(called), Some(caller)) = (one(0), one(1)) else { return Ok(()) };
        // Who has ended has forgotten what it granted.
        if !called.machine().session().is_connected() || !caller.machine().session().is_connected() {
            return Ok(());
        }
        let (first, second) = (called.status(), caller.status());
        let at = world.now();
        let wrong = overdrawn(at, (Address::new(0), &first), &second)
            .or_else(|| overdrawn(at, (Address::new(1), &second), &first));
        wrong.map_or(Ok(()), Err)
    }

    pub(super) fn verdict<M: WindowMachine>(&self, world: &mut WindowWorld<M>) -> Verdict {
        world.run()?;
        let mut endings: Vec<(Address, Address, Vec<CloseReason>)> = Vec::new();
        for index in 0..self.scenario.ends.len() as u32 {
            let here = Address::new(index);
            match world.endpoint(here) {
                Some(WindowHost::One(one)) => {
                    endings.push((here, Address::new(u32::from(index == 0)), one.endings().to_vec()));
                }
                Some(WindowHost::Hub(hub)) => {
                    for other in 1..self.scenario.ends.len() as u32 {
                        let peer = Address::new(other);
                        let of = hub.endings().iter().filter(|(address, _)| *address == peer);
                        endings.push((here, peer, of.map(|(_, reason)| reason.clone()).collect()));
                    }
                }
                None => {}
            }
        }
        for (here, peer, mine) in &endings {
            let its = endings.iter().find(|(other, to, _)| other == peer && to == here);
            let its = its.map_or(&[][..], |(_, _, its)| its.as_slice());
            self.check(world, *here, *peer, (mine, its))?;
        }
        Ok(())
    }

    fn end(&self, address: Address) -> Option<(&Config, &Conduct)> {
        self.ends.get(address.index() as usize).map(|end| (&end.config, &end.conduct))
    }

    fn check<M: WindowMachine>(
        &self,
        world: &WindowWorld<M>,
        here: Address,
        peer: Address,
        (mine, its): (&[CloseReason], &[CloseReason]),
    ) -> Verdict {
        for reason in mine {
            if !self.explains(here, reason, its) {
                return Err(Violation::Ending { side: here, reason: reason.to_string() });
            }
        }
        let finished = mine.last() == Some(&CloseReason::Finished);
        let aborted = |endings: &[CloseReason]| matches!(endings.last(), Some(CloseReason::Aborted { .. }));
        let knows = self.scenario.hostile.is_none() && self.replaced != Some(Restart::One);
        let missing = |from, to| world.ledger(from, to).and_then(|ledger| ledger.missing()).map_or(Ok(()), Err);
        if finished && knows {
            missing(peer, here)?;
            // What an aborting user does not take is its own affair.
            if !aborted(its) {
                missing(here, peer)?;
            }
        }
        if self.scenario.harmless {
            if !finished && its.last() != Some(&CloseReason::Finished) {
                let reason = format!("{mine:?}, and the other end {its:?}; nothing had to go wrong");
                return Err(Violation::Ending { side: here, reason });
            }
            missing(here, peer)?;
        }
        Ok(())
    }

    /// Whether something in the run can have ended a session of `here` for this reason, when the other end ended so.
    fn explains(&self, here: Address, reason: &CloseReason, its: &[CloseReason]) -> bool {
        let Some((config, conduct)) = self.end(here) else { return false };
        let hostile = self.scenario.hostile.is_some();
        let rough = !self.scenario.harmless;
        let resumes = conduct.resumes > 0;
        match reason {
            CloseReason::Finished => true,
            CloseReason::Aborted { .. } => conduct.farewell == Farewell::Abort,
            CloseReason::PeerAborted { .. } => {
                let told = |reason: &CloseReason| {
                    matches!(
                        reason,
                        CloseReason::Aborted { .. }
                            | CloseReason::UnackedLimit { .. }
                            | CloseReason::ZeroWindow { .. }
                            | CloseReason::CloseTimeout { .. }
                            | CloseReason::ResumeRefused
                            | CloseReason::Peer(_)
                    )
                };
                hostile
                    || its.iter().any(told)
                    // The one that was replaced may have said it.
                    || self.replaced == Some(Restart::One)
            }
            CloseReason::TransportFailed => conduct.farewell == Farewell::Fail || conduct.cut.is_some(),
            CloseReason::NeverConnected | CloseReason::HandshakeTimeout { .. } => rough,
            CloseReason::IdleTimeout { .. } | CloseReason::ProbesExhausted { .. } => {
                rough || its.last() == Some(&CloseReason::Finished)
            }
            CloseReason::UnackedLimit { .. } => config.unacked_limit.is_some(),
            CloseReason::ZeroWindow { .. } | CloseReason::CloseTimeout { .. } => rough,
            CloseReason::ResumeRefused => resumes,
            // A stranger that calls first may say that it takes less.
            CloseReason::PeerTakesLess { .. } => hostile || (rough && !self.scenario.attacks.is_empty()),
            CloseReason::Peer(_) => hostile,
        }
    }
}
