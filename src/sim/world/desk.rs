//! Where users say what they send and get, and the books that are kept of it.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;

use bytes::Bytes;

use super::{Address, Occurrence, WorldTrace};
use crate::sim::messages::{MessageLedger, Promise};
use crate::sim::{Fnv, Violation};
use crate::time::Instant;

/// A ledger per sender and receiver.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    ledgers: BTreeMap<(Address, Address), MessageLedger<Address>>,
}

impl Books {
    pub(super) fn ledger(&mut self, from: Address, to: Address) -> &mut MessageLedger<Address> {
        self.ledgers.entry((from, to)).or_insert_with(|| MessageLedger::new(to))
    }

    pub(super) fn get(&self, from: Address, to: Address) -> Option<&MessageLedger<Address>> {
        self.ledgers.get(&(from, to))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &MessageLedger<Address>> {
        self.ledgers.values()
    }

    /// Forgets what an address sent and what it should get.
    pub(super) fn forget(&mut self, address: Address) {
        self.ledgers.retain(|(from, to), _| *from != address && *to != address);
    }
}

/// The desk at which the user of one endpoint tells what it sends and gets: the oracle of delivery stands behind it.
#[derive(Debug)]
pub struct Desk<'a> {
    pub(super) at: Instant,
    pub(super) here: Address,
    pub(super) books: &'a mut Books,
    pub(super) trace: Option<&'a mut WorldTrace>,
}

impl Desk<'_> {
    /// The time of the world, which the endpoint's clock need not show.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.at
    }

    /// The address of the endpoint.
    #[must_use]
    pub const fn here(&self) -> Address {
        self.here
    }

    /// Sets what is promised to the messages that go to `to` on a channel, before the first one.
    pub fn promise(&mut self, to: Address, channel: u8, promise: Promise) {
        self.books.ledger(self.here, to).promise(channel, promise);
    }

    /// The machine accepted a message for `to`.
    pub fn accepted(&mut self, to: Address, channel: u8, message: Bytes) {
        if let Some(trace) = &mut self.trace {
            trace.push(self.at, self.here, Occurrence::Accepted { to, channel, len: message.len() });
        }
        self.books.ledger(self.here, to).accepted(channel, message);
    }

    /// The user took a message that came from `from`.
    ///
    /// # Errors
    /// [`Violation::Delivery`] when it is lost, doubled, out of order, changed, cut short or invented, as far as its channel
    /// promises that it is not.
    pub fn delivered(&mut self, from: Address, channel: u8, payload: &[u8]) -> Result<(), Violation<Address>> {
        if let Some(trace) = &mut self.trace {
            let (len, digest) = (payload.len(), Fnv::digest(payload));
            trace.push(self.at, self.here, Occurrence::Delivered { from, channel, len, digest });
        }
        self.books.ledger(from, self.here).delivered(self.at, channel, payload)
    }

    /// Whether a message was accepted here for `to` and has not reached its user.
    #[must_use]
    pub fn is_waiting(&self, to: Address, channel: u8, message: &[u8]) -> bool {
        self.books.get(self.here, to).is_some_and(|ledger| ledger.is_waiting(channel, message))
    }

    /// Nothing more will come from `from`.
    ///
    /// # Errors
    /// [`Violation::Missing`] when something must still come.
    pub fn all_came(&self, from: Address) -> Result<(), Violation<Address>> {
        self.books.get(from, self.here).and_then(MessageLedger::missing).map_or(Ok(()), Err)
    }

    /// Writes a line into the trace. Nothing is computed where there is none.
    pub fn note<T: Into<Cow<'static, str>>>(&mut self, text: impl FnOnce() -> T) {
        if let Some(trace) = &mut self.trace {
            trace.push(self.at, self.here, Occurrence::Note(text().into()));
        }
    }

    /// Checks a limit: memory, credit, packets.
    ///
    /// # Errors
    /// [`Violation::Memory`] when `held` is more than `limit`.
    pub fn limit(&self, what: &'static str, held: usize, limit: usize) -> Result<(), Violation<Address>> {
        if held <= limit {
            return Ok(());
        }
        Err(Violation::Memory { at: self.at, side: self.here, what, held, limit })
    }

    /// Checks anything else that must hold.
    ///
    /// # Errors
    /// [`Violation::Rule`] when it does not.
    pub fn rule(&self, holds: bool, what: &'static str) -> Result<(), Violation<Address>> {
        if holds {
            return Ok(());
        }
        Err(Violation::Rule { at: self.at, side: self.here, what: what.into() })
    }
}
