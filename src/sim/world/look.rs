//! Looking at a world, and what is said of one that failed.

use super::*;
use crate::sim::datagram::LinkCounters;

/// Lines of the trace that a [`Failure`] shows.
const TAIL: usize = 60;

impl<E: DatagramEndpoint> World<E> {
    /// The virtual time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// When something happens next; [`Instant::MAX`] when nothing will.
    #[must_use]
    pub fn next_at(&self) -> Instant {
        self.agenda.earliest().map_or(Instant::MAX, |(next, _)| next.max(self.now))
    }

    /// Wakes, deliveries and datagrams sent so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Whether all endpoints have ended.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.alive == 0
    }

    /// What happened so far; nothing without [`WorldConfig::trace`].
    #[must_use]
    pub const fn trace(&self) -> &WorldTrace {
        &self.trace
    }

    /// What `from` sent to `to` and how much of it arrived. `None` when there was nothing.
    #[must_use]
    pub fn ledger(&self, from: Address, to: Address) -> Option<&MessageLedger<Address>> {
        self.books.get(from, to)
    }

    /// [`Violation::Missing`] for the first channel on which something that must arrive has not arrived.
    #[must_use]
    pub fn missing(&self) -> Option<Violation<Address>> {
        self.books.all().find_map(MessageLedger::missing)
    }

    /// Messages that were delivered, and their bytes.
    #[must_use]
    pub fn delivered(&self) -> (u64, u64) {
        let totals = self.books.all().map(MessageLedger::total);
        totals.fold((0, 0), |sum, one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)))
    }

    /// What each link has carried, in the order in which they were used first.
    pub fn counters(&self) -> impl Iterator<Item = (Address, Address, &LinkCounters)> {
        self.lines.iter().map(|line| (line.from, line.to, line.link.counters()))
    }

    /// A line per link: which share of the datagrams was kept, as `SimNet.Summary` of go-sliding-window told, and what else
    /// happened to them.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for (from, to, counters) in self.counters() {
            text.push_str(&format!("{from} -> {to}: {counters}\n"));
        }
        text
    }

    /// Says which endpoints have not ended.
    pub(super) fn stuck(&self) -> Violation<Address> {
        let mut state = String::new();
        for (index, host) in self.hosts.iter().enumerate().filter(|(_, host)| !host.over) {
            let separator = if state.is_empty() { "" } else { "; " };
            state.push_str(&format!("{separator}{}: {}", Address::new(index as u32), host.endpoint.describe()));
        }
        Violation::Stuck { at: self.now, state }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// All that is worth saying of a violation. `again` is the command that runs this seed again.
    #[must_use]
    pub fn failure(&self, violation: Violation<Address>, again: impl Into<String>) -> Failure {
        Failure { seed: self.seed, violation, again: again.into(), tail: self.trace.tail(TAIL) }
    }
}

/// A seed with which a promise was broken: one line that runs it again, and the end of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was broken.
    pub violation: Violation<Address>,
    /// The command that runs it again.
    pub again: String,
    /// The last lines of the trace.
    pub tail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}; again: {}", self.seed, self.violation, self.again)?;
        f.write_str(&self.tail)
    }
}

impl core::error::Error for Failure {}
