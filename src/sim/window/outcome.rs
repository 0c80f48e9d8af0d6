//! How a run of sessions went.

use alloc::vec::Vec;

use super::host::{WindowHost, WindowWorld};
use super::machine::WindowMachine;
use super::tally::Tally;
use crate::sim::Address;
use crate::sim::world::WorldTrace;
use crate::sliding_window::CloseReason;
use crate::time::Instant;

/// How a [`WindowScenario`](super::WindowScenario) went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WindowOutcome {
    /// Messages delivered, all ways, and their bytes.
    pub delivered: (u64, u64),
    /// Wakes, deliveries and datagrams sent.
    pub events: u64,
    /// When the run ended.
    pub ended: Instant,
    /// How sessions have ended, in the order of the addresses.
    pub endings: Vec<CloseReason>,
    /// What the users have counted.
    pub tally: Tally,
    /// Sessions that went on with one that was cut.
    pub resumed: u32,
    /// What happened to datagrams, summed over the links: lost, doubled, damaged, cut short, overtaken.
    pub links: [u64; 5],
    /// All that happened, when it was asked for.
    pub trace: WorldTrace,
}

impl WindowOutcome {
    /// How it has gone in a world whose run is over.
    pub(super) fn of<M: WindowMachine>(world: &WindowWorld<M>) -> Self {
        let (mut endings, mut tally, mut resumed) = (Vec::new(), Tally::default(), 0_u32);
        let mut index = 0_u32;
        while let Some(host) = world.endpoint(Address::new(index)) {
            index = index.saturating_add(1);
            match host {
                WindowHost::One(one) => {
                    endings.extend_from_slice(one.endings());
                    tally.add(one.tally());
                    resumed = resumed.saturating_add(one.resumed());
                }
                WindowHost::Hub(hub) => {
                    endings.extend(hub.endings().iter().map(|(_, reason)| reason.clone()));
                    tally.add(hub.tally());
                }
            }
        }
        let mut links = [0_u64; 5];
        for (_, _, counters) in world.counters() {
            let lost = counters.sent.saturating_add(counters.duplicated).saturating_sub(counters.delivered);
            let counted = [lost, counters.duplicated, counters.corrupted, counters.truncated, counters.overtaken];
            links.iter_mut().zip(counted).for_each(|(sum, count)| *sum = sum.saturating_add(count));
        }
        Self {
            delivered: world.delivered(),
            events: world.events(),
            ended: world.now(),
            endings,
            tally,
            resumed,
            links,
            trace: world.trace().clone(),
        }
    }
}
