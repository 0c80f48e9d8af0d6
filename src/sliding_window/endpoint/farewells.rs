//! Sessions that we have ended, for as long as their peers may not know it.

use alloc::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::sliding_window::Farewell;
use crate::time::Instant;

/// More are not kept: the oldest gives way. Each has about half a kilobyte.
const MOST: usize = 256;

/// What answers for sessions that are gone.
#[derive(Debug)]
pub(super) struct Farewells<A> {
    by_tag: BTreeMap<u64, (A, Farewell)>,
    /// The oldest first, and until when each is kept.
    order: VecDeque<(Instant, u64)>,
}

/// What to do with a datagram of no session.
pub(super) enum Answer {
    /// It is of none that is known.
    Unknown,
    /// It comes from elsewhere than the peer.
    Elsewhere,
    /// Nothing.
    Silence,
    /// Send this.
    Say(Bytes),
}

impl<A: Eq> Farewells<A> {
    pub(super) const fn new() -> Self {
        Self { by_tag: BTreeMap::new(), order: VecDeque::new() }
    }

    pub(super) fn has_tag(&self, tag: u64) -> bool {
        self.by_tag.contains_key(&tag)
    }

    pub(super) fn keep(&mut self, now: Instant, until: Instant, address: A, farewell: Farewell) {
        self.forget(now);
        if self.order.len() >= MOST {
            self.drop_oldest();
        }
        self.order.push_back((until, farewell.tag()));
        self.by_tag.insert(farewell.tag(), (address, farewell));
    }

    pub(super) fn answer(&mut self, now: Instant, from: &A, tag: u64, datagram: &[u8]) -> Answer {
        self.forget(now);
        let Some((address, farewell)) = self.by_tag.get_mut(&tag) else { return Answer::Unknown };
        if address != from {
            return Answer::Elsewhere;
        }
        farewell.answer(datagram).map_or(Answer::Silence, Answer::Say)
    }

    /// All are kept for the same time, so the oldest go first.
    fn forget(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, tag)) = self.order.pop_front() {
            self.by_tag.remove(&tag);
        }
    }
}
