//! Persistent peers: when each is dialled next.

use alloc::collections::BTreeMap;

use super::backoff::Backoff;
use crate::peer::address::PeerAddress;
use crate::peer::sequence::Sequence;
use crate::secret::NodeId;
use crate::time::Instant;

/// The persistent peers.
#[derive(Debug)]
pub(super) struct Redials {
    backoff: Backoff,
    chance: Sequence,
    peers: BTreeMap<NodeId, Redial>,
}

#[derive(Debug)]
struct Redial {
    address: PeerAddress,
    /// Dials that have failed since it was last there.
    failed: u32,
    /// When it is dialled; `None` while it is a peer, while it is being dialled, and when nobody will.
    at: Option<Instant>,
}

impl Redials {
    pub(super) const fn new(backoff: Backoff, chance: Sequence) -> Self {
        Self { backoff, chance, peers: BTreeMap::new() }
    }

    pub(super) fn contains(&self, id: &NodeId) -> bool {
        self.peers.contains_key(id)
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = &PeerAddress> {
        self.peers.values().map(|redial| &redial.address)
    }

    /// One more; it is to be dialled soon, but not all at one moment. Returns when.
    pub(super) fn add(&mut self, now: Instant, address: PeerAddress) -> Instant {
        let at = now.saturating_add(self.chance.up_to(self.backoff.jitter));
        self.peers.insert(address.id, Redial { address, failed: 0, at: Some(at) });
        at
    }

    pub(super) fn remove(&mut self, id: &NodeId) {
        self.peers.remove(id);
    }

    pub(super) fn clear(&mut self) {
        self.peers.clear();
    }

    /// Takes the address of a peer that is due.
    pub(super) fn take_due(&mut self, now: Instant, id: &NodeId) -> Option<PeerAddress> {
        let redial = self.peers.get_mut(id)?;
        redial.at.take_if(|at| *at <= now)?;
        Some(redial.address.clone())
    }

    /// A connection to a node has started: nobody need dial it.
    pub(super) fn started(&mut self, id: &NodeId) {
        if let Some(redial) = self.peers.get_mut(id) {
            redial.at = None;
        }
    }

    /// A connection to a persistent peer has ended, which had run since then. Gives when it is dialled again, or the address
    /// of the peer when it will not be.
    pub(super) fn ended(&mut self, now: Instant, id: &NodeId, started: Option<Instant>) -> Option<Next> {
        let redial = self.peers.get_mut(id)?;
        if redial.at.is_some() {
            return None;
        }
        let stable = started.is_some_and(|started| now.saturating_duration_since(started) >= self.backoff.stable_after);
        redial.failed = if stable { 0 } else { redial.failed.saturating_add(1) };
        match self.backoff.delay_by_chance(redial.failed, &mut self.chance) {
            Some(delay) => {
                let at = now.saturating_add(delay);
                redial.at = Some(at);
                Some(Next::At(at))
            }
            None => Some(Next::Never(redial.address.clone())),
        }
    }
}

/// When a persistent peer is dialled again.
#[derive(Debug)]
pub(super) enum Next {
    At(Instant),
    Never(PeerAddress),
}
