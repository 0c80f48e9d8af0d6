//! All states that two or three connections can reach: the order of `Init`, `Add` and `Remove`, and the limits.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;
use std::println;

use stateright::{Checker, Model, Property};

use super::{Action, ConnectionId, Phase, Table, Way};
use crate::peer::switch::limits::PeerLimits;
use crate::secret::NodeId;

/// What can happen, and how often.
#[derive(Clone, Debug)]
struct Explored {
    reactors: usize,
    connections: usize,
    /// Nodes that connect or are dialled.
    nodes: Vec<NodeId>,
    ips: Vec<IpAddr>,
    limits: PeerLimits,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    table: Table,
    begun: usize,
    /// What each reactor has seen of each connection.
    seen: BTreeMap<(ConnectionId, usize), Seen>,
    hung_up: BTreeMap<ConnectionId, bool>,
    gone: Vec<ConnectionId>,
    broken: Option<&'static str>,
    /// Connections that ended after `Init` and before the last `Add`.
    ended_between: bool,
    promoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Seen {
    Init,
    Add,
    Remove,
}

#[derive(Clone, Debug, PartialEq)]
enum Happening {
    Accepted(IpAddr),
    Dial(NodeId),
    Dialled(ConnectionId, IpAddr),
    DialFailed(ConnectionId),
    Upgraded(ConnectionId, NodeId),
    Failed(ConnectionId),
    StandbyExpired(ConnectionId),
    Step,
}

pub(super) fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 20])
}

const OWN: u8 = 5;

impl State {
    fn check(&mut self, holds: bool, broken: &'static str) {
        if !holds && self.broken.is_none() {
            self.broken = Some(broken);
        }
    }

    fn step(&mut self, reactors: usize) {
        let before = self.table.clone();
        let Some(step) = self.table.next_step() else { return };
        let connection = step.connection;
        let phase = before.entry(connection).map(|entry| entry.phase);
        self.check(!self.gone.contains(&connection), "a step after Gone");
        match step.action {
            Action::Init { reactor } => {
                self.check(!self.seen.contains_key(&(connection, reactor)), "Init twice, or after Add or Remove");
                self.check(reactor == 0 || self.seen.contains_key(&(connection, reactor - 1)), "Init out of order");
                let peer = before.entry(connection).and_then(|entry| entry.peer);
                let other =
                    self.seen.keys().map(|(other, _)| *other).find(|other| {
                        *other != connection && before.entry(*other).is_some_and(|entry| entry.peer == peer)
                    });
                self.check(other.is_none(), "Init before the connection before it was Gone");
                self.seen.insert((connection, reactor), Seen::Init);
            }
            Action::Start => {
                let all = (0..reactors).all(|reactor| self.seen.get(&(connection, reactor)) == Some(&Seen::Init));
                self.check(all, "Start before all reactors have seen Init");
            }
            Action::Add { reactor } => {
                let started = phase.is_some_and(Phase::is_started);
                self.check(started, "Add before Start");
                let before = self.seen.insert((connection, reactor), Seen::Add);
                self.check(before == Some(Seen::Init), "Add without Init");
            }
            Action::HangUp => {
                let first = self.hung_up.insert(connection, true).is_none();
                self.check(first, "hung up twice");
            }
            Action::Remove { reactor } => {
                let before = self.seen.insert((connection, reactor), Seen::Remove);
                self.check(matches!(before, Some(Seen::Init | Seen::Add)), "Remove without Init");
                self.ended_between |= before == Some(Seen::Init);
            }
            Action::Gone => {
                let of = self.seen.iter().filter(|((of, _), _)| *of == connection);
                let removed = of.map(|(_, seen)| *seen).all(|seen| seen == Seen::Remove);
                self.check(removed, "Gone before all reactors have seen Remove");
                self.gone.push(connection);
                self.promoted |= self.table.joining.iter().any(|other| !before.joining.contains(other));
            }
        }
        self.check(
            before.leaving.is_empty() != before.leaving.contains(&connection),
            "somebody joins before who leaves",
        );
    }
}

impl Model for Explored {
    type State = State;
    type Action = Happening;

    fn init_states(&self) -> Vec<State> {
        let mut table = Table::new(node(OWN), self.limits.clone());
        (0..self.reactors).for_each(|_| table.add_reactor());
        let (seen, hung_up) = (BTreeMap::new(), BTreeMap::new());
        let gone = Vec::new();
        [State { table, begun: 0, seen, hung_up, gone, broken: None, ended_between: false, promoted: false }].into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Happening>) {
        if state.begun < self.connections {
            actions.extend(self.ips.iter().map(|ip| Happening::Accepted(*ip)));
            actions.extend(self.nodes.iter().map(|id| Happening::Dial(*id)));
        }
        for (connection, entry) in state.table.entries() {
            match entry.phase {
                Phase::Dialling => {
                    actions.extend(self.ips.iter().map(|ip| Happening::Dialled(connection, *ip)));
                    actions.push(Happening::DialFailed(connection));
                }
                Phase::Upgrading => match entry.expected {
                    Some(id) => actions.push(Happening::Upgraded(connection, id)),
                    None => actions.extend(self.nodes.iter().map(|id| Happening::Upgraded(connection, *id))),
                },
                Phase::Standby => actions.push(Happening::StandbyExpired(connection)),
                _ => {}
            }
            if !entry.phase.is_leaving() {
                actions.push(Happening::Failed(connection));
            }
        }
        if !state.table.joining.is_empty() || !state.table.leaving.is_empty() {
            actions.push(Happening::Step);
        }
    }

    fn next_state(&self, before: &State, action: Happening) -> Option<State> {
        let mut state = before.clone();
        match action {
            Happening::Accepted(ip) => state.begun += usize::from(state.table.accept(ip).is_ok()),
            Happening::Dial(id) => state.begun += usize::from(state.table.dial(id, false).is_ok()),
            Happening::Dialled(connection, ip) => {
                state.table.dialled(connection, ip);
            }
            Happening::DialFailed(connection) => {
                state.table.dial_failed(connection);
                state.hung_up.insert(connection, true);
            }
            Happening::Upgraded(connection, id) => {
                state.table.upgraded(connection, id);
            }
            Happening::Failed(connection) => state.table.fail(connection),
            Happening::StandbyExpired(connection) => state.table.standby_expired(connection),
            Happening::Step => state.step(self.reactors),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        [
            Property::always("each reactor sees Init, Add, Remove in this order", |_, state: &State| {
                state.broken.is_none()
            }),
            Property::always(
                "whoever runs has been added everywhere, and removed nowhere",
                |model: &Self, state: &State| {
                    state.table.entries().filter(|(_, entry)| entry.phase == Phase::Running).all(|(connection, _)| {
                        (0..model.reactors).all(|reactor| state.seen.get(&(connection, reactor)) == Some(&Seen::Add))
                    })
                },
            ),
            Property::always("a node has one connection that was started", |_, state: &State| {
                let started = state.table.entries().filter(|(_, entry)| entry.phase.is_started());
                let mut peers: Vec<_> = started.map(|(_, entry)| entry.peer).collect();
                let all = peers.len();
                peers.sort();
                peers.dedup();
                peers.len() == all && !peers.contains(&Some(node(OWN))) && !peers.contains(&None)
            }),
            Property::always("the limits hold", |_, state: &State| {
                let (table, limits) = (&state.table, state.table.limits());
                table.count(Way::Inbound, false) <= limits.max_inbound
                    && table.count(Way::Outbound, true) <= limits.max_outbound
            }),
            Property::always("peers have addresses of their own", |_, state: &State| {
                let held = state.table.entries().filter(|(_, entry)| entry.phase.is_held());
                let mut ips: Vec<_> = held.map(|(_, entry)| entry.ip).collect();
                let all = ips.len();
                ips.sort();
                ips.dedup();
                state.table.limits().allow_duplicate_ip || ips.len() == all
            }),
            Property::always("nothing stays of what is gone", |_, state: &State| {
                let table = &state.table;
                !table.is_empty()
                    || table.holders.len() + table.standby.len() + table.joining.len() + table.leaving.len() == 0
            }),
            Property::always("what is gone was hung up", |_, state: &State| {
                state.gone.iter().all(|connection| state.hung_up.contains_key(connection))
            }),
            Property::always("whoever stands by has somebody to wait for", |_, state: &State| {
                state.table.standby.keys().all(|id| state.table.holders.contains_key(id))
            }),
            Property::sometimes("a connection ends between Init and Add", |_, state: &State| state.ended_between),
            Property::sometimes("all connections run", |model: &Self, state: &State| {
                let running = state.table.entries().filter(|(_, entry)| entry.phase == Phase::Running);
                running.count() == model.nodes.len().min(model.connections)
            }),
            Property::sometimes("one that stood by takes the place", |_, state: &State| state.promoted),
        ]
        .into()
    }
}

fn explore(name: &str, model: Explored) {
    let checker = model.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    println!("{name}: {} states, {} of them different", checker.state_count(), checker.unique_state_count());
}

fn ip(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

#[test]
fn two_connections_of_one_or_two_nodes_in_all_orders() {
    let limits = PeerLimits { max_inbound: 2, ..PeerLimits::default() };
    let nodes = [node(1), node(9)].into();
    explore(
        "two connections, two nodes, two addresses, two reactors",
        Explored { reactors: 2, connections: 2, nodes, ips: [ip(1), ip(2)].into(), limits },
    );
}

#[test]
fn three_connections_of_one_node_in_all_orders() {
    let limits = PeerLimits { allow_duplicate_ip: true, ..PeerLimits::default() };
    explore(
        "three connections, one node, two reactors",
        Explored { reactors: 2, connections: 3, nodes: [node(1)].into(), ips: [ip(1)].into(), limits },
    );
}

#[test]
fn three_connections_of_two_nodes_at_the_limits_in_all_orders() {
    let limits = PeerLimits { allow_duplicate_ip: true, max_inbound: 1, max_outbound: 1, ..PeerLimits::default() };
    explore(
        "three connections, two nodes, one reactor, one inbound and one outbound",
        Explored { reactors: 1, connections: 3, nodes: [node(1), node(9)].into(), ips: [ip(1)].into(), limits },
    );
}

#[test]
#[ignore = "takes many minutes without optimisation"]
fn three_connections_of_two_nodes_at_two_addresses_in_all_orders() {
    let limits = PeerLimits { max_inbound: 2, ..PeerLimits::default() };
    let nodes = [node(1), node(9)].into();
    explore(
        "three connections, two nodes, two addresses, two reactors",
        Explored { reactors: 2, connections: 3, nodes, ips: [ip(1), ip(2)].into(), limits },
    );
}
