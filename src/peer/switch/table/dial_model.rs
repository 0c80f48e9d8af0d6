//! Two nodes that dial each other, in all orders: one connection is left, and both have the same.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use std::println;

use stateright::{Checker, Model, Property};

use super::model::node;
use super::{Action, ConnectionId, Phase, Table};
use crate::peer::switch::limits::PeerLimits;
use crate::secret::NodeId;

/// The two nodes. The first has the smaller id.
#[derive(Clone, Debug)]
struct Pair {
    go: [bool; 2],
    /// Wires that break by themselves, at most.
    faults: usize,
    /// For ours.
    allow_duplicate_ip: bool,
}

/// The wires 0 and 1: the number says which side has dialled it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    sides: [Node; 2],
    wires: [Wire; 2],
    faults: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Wire {
    dialled: bool,
    /// By side.
    ends: [End; 2],
}

/// One end of a wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct End {
    /// The driver has told the side of it.
    open: bool,
    /// Its NodeInfo has left.
    info_sent: bool,
    upgraded: bool,
    /// This side has hung up, or has seen that the other has.
    closed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// Ours, with its number for each wire.
    Ours(Box<Table>, [Option<ConnectionId>; 2]),
    /// Who comes first stays (`p2p/switch.go @ v0.38`, `filterPeer` and `addPeer`).
    Go(Option<usize>),
}

/// What happens on one side, on one wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Dial,
    Open,
    SendInfo,
    Upgraded,
    SeesClosed,
    /// The wire breaks, and this side sees it first.
    Breaks,
    StandbyExpired,
}

type Happening = (Kind, usize, usize);

impl Node {
    fn peer(&self, other: NodeId) -> Option<usize> {
        match self {
            Self::Ours(table, numbers) => {
                let connection = table.started(&other)?;
                numbers.iter().position(|number| *number == Some(connection))
            }
            Self::Go(peer) => *peer,
        }
    }

    /// Does what the table wants; gives the wires to hang up.
    fn settle(&mut self) -> Vec<usize> {
        let mut hung_up = Vec::new();
        if let Self::Ours(table, numbers) = self {
            while let Some(step) = table.next_step() {
                if step.action == Action::HangUp {
                    hung_up.extend(numbers.iter().position(|number| *number == Some(step.connection)));
                }
            }
        }
        hung_up
    }

    /// Whether it will dial now.
    fn dial(&mut self, other: NodeId, wire: usize) -> bool {
        match self {
            Self::Ours(table, numbers) => {
                numbers[wire] = table.dial(other, true).ok();
                numbers[wire].is_some()
            }
            Self::Go(peer) => peer.is_none(),
        }
    }

    fn open(&mut self, wire: usize, outbound: bool) -> Vec<usize> {
        let Self::Ours(table, numbers) = self else { return Vec::new() };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        match (outbound, numbers[wire]) {
            (true, Some(connection)) => {
                table.dialled(connection, address);
            }
            _ => numbers[wire] = table.accept(address).ok(),
        }
        self.settle()
    }

    fn upgraded(&mut self, wire: usize, other: NodeId) -> Vec<usize> {
        match self {
            Self::Ours(table, numbers) => {
                if let Some(connection) = numbers[wire] {
                    table.upgraded(connection, other);
                }
                self.settle()
            }
            Self::Go(Some(_)) => [wire].into(),
            Self::Go(peer) => {
                *peer = Some(wire);
                Vec::new()
            }
        }
    }

    fn closed(&mut self, wire: usize) -> Vec<usize> {
        match self {
            Self::Ours(table, numbers) => {
                if let Some(connection) = numbers[wire] {
                    table.fail(connection);
                }
                self.settle()
            }
            Self::Go(peer) => {
                if *peer == Some(wire) {
                    *peer = None;
                }
                Vec::new()
            }
        }
    }

    fn standby(&self) -> Option<ConnectionId> {
        let Self::Ours(table, _) = self else { return None };
        table.entries().find(|(_, entry)| entry.phase == Phase::Standby).map(|(connection, _)| connection)
    }
}

fn id(side: usize) -> NodeId {
    node(if side == 0 { 1 } else { 2 })
}

impl Pair {
    /// What can happen, apart from time.
    fn network(state: &State) -> Vec<Happening> {
        let mut happenings = Vec::new();
        for (wire, Wire { dialled, ends }) in state.wires.iter().enumerate() {
            if !dialled {
                happenings.push((Kind::Dial, wire, wire));
                continue;
            }
            let whole = ends.iter().all(|end| end.open && !end.closed);
            if state.faults > 0 && whole {
                happenings.extend([(Kind::Breaks, wire, 0), (Kind::Breaks, wire, 1)]);
            }
            for side in 0..2 {
                let (end, other) = (ends[side], ends[1 - side]);
                if end.closed {
                    continue;
                }
                if !end.open {
                    happenings.push((Kind::Open, wire, side));
                }
                if end.open && other.open && !end.info_sent {
                    happenings.push((Kind::SendInfo, wire, side));
                }
                if end.info_sent && other.info_sent && !end.upgraded {
                    happenings.push((Kind::Upgraded, wire, side));
                }
                if end.open && other.closed {
                    happenings.push((Kind::SeesClosed, wire, side));
                }
            }
        }
        happenings
    }

    /// Whether nothing can happen any more.
    fn is_quiet(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions.is_empty()
    }
}

impl State {
    fn is_joined(&self) -> bool {
        let peers = [self.sides[0].peer(id(1)), self.sides[1].peer(id(0))];
        peers[0].is_some() && peers[0] == peers[1]
    }
}

impl Model for Pair {
    type State = State;
    type Action = Happening;

    fn init_states(&self) -> Vec<State> {
        let side = |number: usize| match self.go[number] {
            true => Node::Go(None),
            false => {
                let limits = PeerLimits { allow_duplicate_ip: self.allow_duplicate_ip, ..PeerLimits::default() };
                let mut table = Box::new(Table::new(id(number), limits));
                table.add_reactor();
                Node::Ours(table, [None; 2])
            }
        };
        [State { sides: [side(0), side(1)], wires: Default::default(), faults: self.faults }].into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Happening>) {
        actions.extend(Self::network(state));
        // The time of standing by is longer than what travels.
        if actions.iter().all(|(kind, ..)| matches!(kind, Kind::Dial | Kind::Breaks)) {
            let waits = state.sides.iter().enumerate().filter(|(_, node)| node.standby().is_some());
            actions.extend(waits.map(|(side, _)| (Kind::StandbyExpired, 0, side)));
        }
    }

    fn next_state(&self, before: &State, (kind, wire, side): Happening) -> Option<State> {
        let mut state = before.clone();
        let (node, other) = (&mut state.sides[side], id(1 - side));
        let end = &mut state.wires[wire].ends[side];
        let hung_up = match kind {
            Kind::Dial => {
                // Not dialled: as if the wire had never been.
                let wanted = node.dial(other, wire);
                if !wanted {
                    state.wires[wire].ends = [End { closed: true, ..End::default() }; 2];
                }
                state.wires[wire].dialled = true;
                Vec::new()
            }
            Kind::Open => {
                end.open = true;
                node.open(wire, wire == side)
            }
            Kind::SendInfo => {
                end.info_sent = true;
                Vec::new()
            }
            Kind::Upgraded => {
                end.upgraded = true;
                node.upgraded(wire, other)
            }
            Kind::SeesClosed | Kind::Breaks => {
                state.faults -= usize::from(kind == Kind::Breaks);
                end.closed = true;
                node.closed(wire)
            }
            Kind::StandbyExpired => {
                if let (Some(connection), Node::Ours(table, _)) = (node.standby(), &mut *node) {
                    table.standby_expired(connection);
                }
                node.settle()
            }
        };
        for wire in hung_up {
            state.wires[wire].ends[side].closed = true;
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        [
            Property::always("in the end there is one connection, and both have it", |model: &Self, state: &State| {
                model.faults > 0 || !model.is_quiet(state) || state.is_joined()
            }),
            Property::always("in the end nothing stands by and one wire is open", |model: &Self, state: &State| {
                let open = state.wires.iter().filter(|wire| wire.ends.iter().all(|end| !end.closed)).count();
                let waits = state.sides.iter().any(|node| node.standby().is_some());
                !model.is_quiet(state) || (!waits && (open == 1 || (open == 0 && model.faults > 0)))
            }),
            Property::always("in the end both have the same connection, or none", |model: &Self, state: &State| {
                let peers = [state.sides[0].peer(id(1)), state.sides[1].peer(id(0))];
                !model.is_quiet(state) || peers[0] == peers[1]
            }),
            Property::sometimes("something stands by", |_, state: &State| {
                state.sides.iter().any(|node| node.standby().is_some())
            }),
        ]
        .into()
    }
}

fn explore(name: &str, go: [bool; 2]) {
    for faults in 0..3 {
        for allow_duplicate_ip in [false, true] {
            let checker = Pair { go, faults, allow_duplicate_ip }.checker().spawn_bfs().join();
            checker.assert_properties();
            let (all, different) = (checker.state_count(), checker.unique_state_count());
            println!("{name}, {faults} wires may break: {all} states, {different} of them different");
        }
    }
}

#[test]
fn two_of_ours_that_dial_each_other_keep_one_connection() {
    explore("both ours", [false, false]);
}

#[test]
fn ours_and_a_go_node_that_dial_each_other_keep_one_connection() {
    explore("ours has the smaller id", [false, true]);
    explore("the Go node has the smaller id", [true, false]);
}

#[test]
fn two_go_nodes_that_dial_each_other_can_lose_both_connections() {
    let checker = Pair { go: [true, true], faults: 0, allow_duplicate_ip: true }.checker().spawn_bfs().join();
    let lost = checker.discovery("in the end there is one connection, and both have it");
    assert!(lost.is_some(), "the model does not show what the rule of this table is for");
}
