//! What must hold after everything that happens, and in the end.

use std::collections::BTreeSet;

use mconn::time::Duration;

use crate::ledger::{RECORDERS, Stage};
use crate::node::Node;
use crate::world::World;

impl World {
    /// What must hold for one node at any moment between two calls.
    pub(crate) fn check(&mut self, number: usize) {
        let now = self.now;
        let Node { switch, ledger, id, persistent, max_inbound, max_outbound, .. } = &mut self.nodes[number];
        let Some(switch) = switch else { return };
        let ledger = ledger.lock().unwrap();
        let friends = persistent.len();
        let mut broken = switch.with(now, |context| {
            let mut broken = Vec::new();
            let mut peers = BTreeSet::new();
            let mut ips = BTreeSet::new();
            for peer in context.peers() {
                if !peers.insert(peer.id()) || peer.id() == *id {
                    broken.push(format!("peer {} twice, or itself", peer.id()));
                }
                if !ips.insert(peer.remote_addr().unwrap().ip()) {
                    broken.push(format!("two peers at {:?}", peer.remote_addr()));
                }
                if ledger.peers.get(&peer.id()) != Some(&[Stage::Add; RECORDERS]) {
                    broken.push(format!("peer {} is not added everywhere", peer.id()));
                }
            }
            if ledger.peers.keys().any(|peer| !peers.contains(peer)) {
                broken.push(format!("reactors know of peers that are gone: {:?}, {peers:?}", ledger.peers));
            }
            let (inbound, outbound) = (context.inbound().0, context.outbound().0);
            if inbound > *max_inbound || outbound > *max_outbound || peers.len() > inbound + outbound + friends {
                broken.push(format!("{} peers, {inbound} inbound, {outbound} outbound", peers.len()));
            }
            broken
        });
        broken.extend(ledger.broken.iter().cloned());
        self.broken.extend(broken.into_iter().map(|what| format!("at {now}, node {number}: {what}")));
    }

    /// What persistent pairs are not joined by one and the same wire, and who has a peer that does not have it; `None` when all is
    /// well.
    pub(crate) fn missing(&mut self) -> Option<String> {
        let now = self.now;
        for number in 0..self.nodes.len() {
            for friend in self.nodes[number].persistent.clone() {
                let joined = |world: &mut Self, from: usize, to: usize| {
                    let to = world.nodes[to].id;
                    let from = &mut world.nodes[from];
                    let started = from.switch.as_mut()?.with(now, |context| context.is_peer(&to));
                    let wires = from.wires.values().map(|(wire, _)| *wire).collect::<BTreeSet<_>>();
                    started.then_some(wires)
                };
                let (here, there) = (joined(self, number, friend), joined(self, friend, number));
                let common = here.zip(there).map(|(here, there)| here.intersection(&there).count());
                if common != Some(1) {
                    return Some(format!("nodes {number} and {friend} have {common:?} wires in common"));
                }
            }
        }
        self.one_sided()
    }

    /// A connection that one side has for a peer, and the other one does not, for longer than bytes travel and a connection
    /// stands by.
    fn one_sided(&self) -> Option<String> {
        for (number, node) in self.nodes.iter().enumerate() {
            for (connection, since) in &node.started {
                let Some((wire, side)) = node.wires.get(connection) else {
                    return Some(format!("node {number} has a peer without a wire"));
                };
                let other = &self.wires[wire].ends[1 - side];
                let there = other.node.zip(other.connection).is_some_and(|(node, connection)| {
                    !other.closed && self.nodes[node].started.contains_key(&connection)
                });
                if !there && self.now.saturating_duration_since(*since) > Duration::from_secs(5) {
                    return Some(format!("node {number} has a peer since {since}, which has it not: {:?}", other.node));
                }
            }
        }
        None
    }

    /// Stops all nodes: nothing may be left.
    pub(crate) fn stop(&mut self) {
        let now = self.now;
        for number in 0..self.nodes.len() {
            if let Some(switch) = &mut self.nodes[number].switch {
                switch.stop(now);
            }
            self.pump(number);
            let node = &self.nodes[number];
            let ledger = node.ledger.lock().unwrap();
            if !ledger.peers.is_empty() || !node.wires.is_empty() {
                let (peers, wires) = (&ledger.peers, &node.wires);
                self.broken.push(format!("node {number} was stopped and knows {peers:?}, {wires:?}"));
            }
            drop(ledger);
            self.settle_ledger(number);
        }
        self.run_until(now + Duration::from_secs(30));
        self.wires.retain(|_, wire| wire.ends.iter().any(|end| end.node.is_some() && !end.closed));
        if !self.wires.is_empty() {
            self.broken.push(format!("{} wires were never hung up", self.wires.len()));
        }
    }

    /// Adds up what the reactors of a node have seen.
    pub(crate) fn settle_ledger(&mut self, number: usize) {
        let ledger = std::mem::take(&mut *self.nodes[number].ledger.lock().unwrap());
        self.totals.messages += ledger.messages;
        self.totals.calls += ledger.calls;
        self.totals.ended_between += ledger.ended_between;
        self.broken.extend(ledger.broken);
    }
}
