//! Which connections there are, how far each has come, and what is to be done next.
//!
//! Pure logic: no bytes, no time, no reactors, only their number. The switch tells it what has happened and does, one after
//! the other, the steps that it gives. A test explores all its states.
//!
//! ```text
//! Dialling ─► Upgrading ─► Standby ─► Initialising ─► Adding ─► Running ─► Leaving ─► (gone)
//!     │           │           │             │            │                    ▲
//!     └───────────┴───────────┴─────────────┴────────────┴────────────────────┘
//! ```
//!
//! # The order of steps
//!
//! For one connection: `Init` on each reactor in the order of registration, `Start`, `Add` on each; and in the end `HangUp`,
//! `Remove` in the opposite order on each reactor that has seen `Init`, `Gone`. A connection to a node begins with `Init` only
//! when the one before it is `Gone`. In Go the last two can overlap, so that reactors lose track of the peer
//! (tendermint#3338, cometbft PR #6076).
//!
//! # Two nodes that dial each other
//!
//! There are two connections then, and both sides must keep the same one. A Go node keeps the one that was first *on its
//! side* and refuses the other at once, so that sometimes none is left (`p2p/switch.go @ v0.38`, `addPeer`). Here the one that
//! comes second stands by: nothing is read from it and no reactor knows of it.
//!
//! - When one of the two ends, the other is the peer. A Go node ends one soon, and with it agrees who does what it wants.
//! - When neither ends for a while, the other side does as we do. Then the one stays that the node with the smaller id has
//!   dialled, and both sides know which that is.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;

use super::connection_id::ConnectionId;
use super::limits::PeerLimits;
use super::refusal::{AcceptRefusal, DialRefusal, PeerRefusal};
use crate::secret::NodeId;

mod entry;
mod step;

#[cfg(test)]
mod dial_model;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub(super) use entry::{Entry, Phase, Way};
pub(super) use step::{Action, Step};

/// All connections of a switch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Table {
    own: NodeId,
    limits: PeerLimits,
    reactors: usize,
    next: ConnectionId,
    entries: BTreeMap<ConnectionId, Entry>,
    /// The connection of each node that reactors know or are about to: from Initialising to Leaving.
    holders: BTreeMap<NodeId, ConnectionId>,
    standby: BTreeMap<NodeId, ConnectionId>,
    /// Connections that have steps to do before they run.
    joining: BTreeSet<ConnectionId>,
    leaving: BTreeSet<ConnectionId>,
}

/// What becomes of a connection whose peer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is a peer now; the reactors are told next.
    Admitted,
    /// Another connection to this node is there. What becomes of this one shows later.
    Standby,
    /// It goes.
    Refused(PeerRefusal),
}

impl Table {
    pub(super) fn new(own: NodeId, limits: PeerLimits) -> Self {
        Self {
            own,
            limits,
            reactors: 0,
            next: ConnectionId::FIRST,
            entries: BTreeMap::new(),
            holders: BTreeMap::new(),
            standby: BTreeMap::new(),
            joining: BTreeSet::new(),
            leaving: BTreeSet::new(),
        }
    }

    /// One more reactor. Only while there are no connections.
    pub(super) fn add_reactor(&mut self) {
        debug_assert!(self.entries.is_empty(), "the reactors are known before the first connection");
        self.reactors = self.reactors.saturating_add(1);
    }

    /// Whether all reactors know of it.
    pub(super) fn is_running(&self, connection: ConnectionId) -> bool {
        self.entry(connection).is_some_and(|entry| entry.phase == Phase::Running)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) const fn limits(&self) -> &PeerLimits {
        &self.limits
    }

    pub(super) fn entry(&self, connection: ConnectionId) -> Option<&Entry> {
        self.entries.get(&connection)
    }

    /// All connections, in the order in which they began.
    #[cfg(test)]
    pub(super) fn entries(&self) -> impl Iterator<Item = (ConnectionId, &Entry)> {
        self.entries.iter().map(|(connection, entry)| (*connection, entry))
    }

    /// The connection of a node that reactors know, or are about to.
    pub(super) fn holder(&self, id: &NodeId) -> Option<ConnectionId> {
        self.holders.get(id).copied()
    }

    /// The connection of a peer to which messages can be sent.
    pub(super) fn started(&self, id: &NodeId) -> Option<ConnectionId> {
        let connection = *self.holders.get(id)?;
        self.entry(connection)?.phase.is_started().then_some(connection)
    }

    /// The peers to which messages can be sent, in the order of their ids.
    pub(super) fn started_peers(&self) -> impl Iterator<Item = (NodeId, ConnectionId)> {
        self.holders
            .iter()
            .filter(|(_, connection)| self.entry(**connection).is_some_and(|entry| entry.phase.is_started()))
            .map(|(id, connection)| (*id, *connection))
    }

    /// Whether a connection to this node is there or on its way.
    pub(super) fn is_busy_with(&self, id: &NodeId) -> bool {
        self.holders.contains_key(id)
            || self.entries.values().any(|entry| !entry.phase.is_leaving() && entry.id() == Some(*id))
    }

    /// Peers, and with `pending` also connections that are to become one, that count against a limit.
    pub(super) fn count(&self, way: Way, pending: bool) -> usize {
        let counted = self.entries.values().filter(|entry| {
            let phase = entry.phase.is_held() || (pending && entry.phase.is_pending());
            let exempt = entry.id().is_some_and(|id| self.limits.unconditional.contains(&id));
            entry.way == way && phase && !exempt
        });
        counted.count()
    }

    /// Somebody has opened a connection to us.
    ///
    /// Two connections of others from one address are refused at once (`p2p/transport.go @ v0.38`,
    /// `ConnDuplicateIPFilter`). Go refuses also when we have dialled that address, which ends both connections of two nodes
    /// that dial each other; here that is decided when the peer is known.
    pub(super) fn accept(&mut self, ip: IpAddr) -> Result<ConnectionId, AcceptRefusal> {
        let ip = ip.to_canonical();
        let inbound = || self.entries.values().filter(|entry| entry.way == Way::Inbound);
        let same = |entry: &Entry| entry.ip == Some(ip) && !entry.phase.is_leaving();
        if !self.limits.allow_duplicate_ip && inbound().any(same) {
            return Err(AcceptRefusal::DuplicateIp { ip });
        }
        let limit = self.limits.max_handshakes;
        if inbound().filter(|entry| entry.phase == Phase::Upgrading).count() >= limit {
            return Err(AcceptRefusal::TooManyHandshakes { limit });
        }
        Ok(self.insert(Entry::new(Way::Inbound, Some(ip), None, Phase::Upgrading)))
    }

    /// We want to open a connection to a node; whoever is `forced` is dialled beyond the limit.
    pub(super) fn dial(&mut self, id: NodeId, forced: bool) -> Result<ConnectionId, DialRefusal> {
        if id == self.own {
            return Err(DialRefusal::Ourselves);
        }
        if self.is_busy_with(&id) {
            return Err(DialRefusal::AlreadyThere { id });
        }
        let limit = self.limits.max_outbound;
        let exempt = forced || self.limits.unconditional.contains(&id);
        if !exempt && self.count(Way::Outbound, true) >= limit {
            return Err(DialRefusal::TooManyOutbound { limit });
        }
        Ok(self.insert(Entry::new(Way::Outbound, None, Some(id), Phase::Dialling)))
    }

    fn insert(&mut self, entry: Entry) -> ConnectionId {
        let connection = self.next;
        self.next = connection.next();
        self.entries.insert(connection, entry);
        connection
    }

    /// The connection that we wanted is open. `false` when it is not wanted any more; then it goes.
    ///
    /// Nothing was sent on it, so that the other side can not count on it.
    pub(super) fn dialled(&mut self, connection: ConnectionId, ip: IpAddr) -> bool {
        let Some(entry) = self.entries.get_mut(&connection) else { return false };
        if entry.phase != Phase::Dialling {
            return false;
        }
        entry.ip = Some(ip.to_canonical());
        entry.phase = Phase::Upgrading;
        let id = entry.expected;
        if id.is_some_and(|id| self.holders.contains_key(&id)) {
            self.fail(connection);
            return false;
        }
        true
    }

    /// The connection that we wanted could not be opened. There is nothing to hang up.
    pub(super) fn dial_failed(&mut self, connection: ConnectionId) {
        if self.entry(connection).is_some_and(|entry| entry.phase == Phase::Dialling) {
            self.leave(connection, true);
        }
    }

    /// The peer has proven who it is, and nobody objects to its NodeInfo.
    pub(super) fn upgraded(&mut self, connection: ConnectionId, id: NodeId) -> Admission {
        let Some(entry) = self.entries.get_mut(&connection).filter(|entry| entry.phase == Phase::Upgrading) else {
            return Admission::Refused(PeerRefusal::NotExpected);
        };
        if id == self.own {
            self.fail(connection);
            return Admission::Refused(PeerRefusal::Ourselves);
        }
        entry.peer = Some(id);
        let way = entry.way;
        let admission = match self.holders.get(&id).and_then(|holder| self.entry(*holder)) {
            None => self.admission(connection, id),
            Some(holder) => {
                // The one before is on its way out, or we have dialled each other.
                let waits = holder.phase.is_leaving() || holder.way != way;
                match waits && !self.standby.contains_key(&id) {
                    true => Admission::Standby,
                    false => Admission::Refused(PeerRefusal::DuplicateId { id }),
                }
            }
        };
        match admission {
            Admission::Admitted => self.admit(connection, id),
            Admission::Standby => self.stand_by(connection, id),
            Admission::Refused(_) => self.fail(connection),
        }
        admission
    }

    /// Whether, of two connections that two nodes opened to each other, the one of this way stays.
    fn prefers(&self, way: Way, id: NodeId) -> bool {
        match way {
            Way::Outbound => self.own < id,
            Way::Inbound => id < self.own,
        }
    }

    /// Whether there is room for this node, to which there is no other connection.
    fn admission(&self, connection: ConnectionId, id: NodeId) -> Admission {
        let Some(entry) = self.entry(connection) else { return Admission::Refused(PeerRefusal::NotExpected) };
        let limit = self.limits.max_inbound;
        let exempt = self.limits.unconditional.contains(&id);
        if entry.way == Way::Inbound && !exempt && self.count(Way::Inbound, false) >= limit {
            return Admission::Refused(PeerRefusal::TooManyInbound { limit });
        }
        let same = |other: &Entry| other.phase.is_held() && other.ip == entry.ip && other.peer != Some(id);
        match entry.ip {
            Some(ip) if !self.limits.allow_duplicate_ip && self.entries.values().any(same) => {
                Admission::Refused(PeerRefusal::DuplicateIp { ip })
            }
            _ => Admission::Admitted,
        }
    }

    fn admit(&mut self, connection: ConnectionId, id: NodeId) {
        let Some(entry) = self.entries.get_mut(&connection) else { return };
        entry.phase = Phase::Initialising { told: 0 };
        self.holders.insert(id, connection);
        self.joining.insert(connection);
    }

    fn stand_by(&mut self, connection: ConnectionId, id: NodeId) {
        let Some(entry) = self.entries.get_mut(&connection) else { return };
        entry.phase = Phase::Standby;
        self.standby.insert(id, connection);
    }

    /// A connection has stood by for long enough: one of the two goes.
    pub(super) fn standby_expired(&mut self, connection: ConnectionId) {
        let Some(entry) = self.entry(connection).filter(|entry| entry.phase == Phase::Standby) else { return };
        let Some(id) = entry.peer else { return };
        let goes = match self.holders.get(&id) {
            Some(holder) if self.prefers(entry.way, id) => *holder,
            _ => connection,
        };
        self.fail(goes);
    }

    /// The connection ends, for whatever reason.
    pub(super) fn fail(&mut self, connection: ConnectionId) {
        self.leave(connection, false);
    }

    fn leave(&mut self, connection: ConnectionId, hung_up: bool) {
        let Some(entry) = self.entries.get_mut(&connection) else { return };
        let left = match entry.phase {
            Phase::Leaving { .. } => return,
            Phase::Initialising { told } => told,
            Phase::Adding { .. } | Phase::Running => self.reactors,
            Phase::Dialling | Phase::Upgrading | Phase::Standby => 0,
        };
        if entry.phase == Phase::Standby
            && let Some(id) = entry.peer
        {
            self.standby.remove(&id);
        }
        entry.phase = Phase::Leaving { left, hung_up };
        self.joining.remove(&connection);
        self.leaving.insert(connection);
    }

    /// What is to be done next; it counts as done. Whoever leaves goes first.
    pub(super) fn next_step(&mut self) -> Option<Step> {
        if let Some(connection) = self.leaving.first().copied() {
            return Some(Step { connection, action: self.leaving_action(connection) });
        }
        let connection = self.joining.first().copied()?;
        let action = self.entries.get_mut(&connection).and_then(|entry| entry.join(self.reactors));
        if self.entry(connection).is_none_or(|entry| entry.phase == Phase::Running) {
            self.joining.remove(&connection);
        }
        // With no reactors there is nothing to do after the start.
        action.map(|action| Step { connection, action })
    }

    fn leaving_action(&mut self, connection: ConnectionId) -> Action {
        if let Some(action) = self.entries.get_mut(&connection).and_then(Entry::leave) {
            return action;
        }
        self.leaving.remove(&connection);
        let Some(entry) = self.entries.remove(&connection) else { return Action::Gone };
        if let Some(id) = entry.peer
            && self.holders.get(&id) == Some(&connection)
        {
            self.holders.remove(&id);
            self.promote(id);
        }
        Action::Gone
    }

    /// The connection of this node is gone; the one that stood by takes its place, if there is room.
    fn promote(&mut self, id: NodeId) {
        let Some(connection) = self.standby.remove(&id) else { return };
        match self.admission(connection, id) {
            Admission::Admitted => self.admit(connection, id),
            Admission::Standby | Admission::Refused(_) => self.fail(connection),
        }
    }
}
