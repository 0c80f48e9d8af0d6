//! The world: nodes, wires, and what happens when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use bytes::BytesMut;
use mconn::peer::PeerAddress;
use mconn::peer::switch::{Command, ConnectionId, EndReason, Event};
use mconn::secret::EphemeralSecret;
use mconn::sim::{Random, Read};
use mconn::time::{Duration, Instant};

use crate::node::Node;
use crate::wire::{Hang, Wire};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Wake {
        node: usize,
        life: u32,
    },
    Read {
        wire: usize,
        side: usize,
    },
    Write {
        wire: usize,
        side: usize,
    },
    /// A dial has come to its end, good or bad.
    Dial {
        node: usize,
        life: u32,
        connection: ConnectionId,
        to: usize,
    },
    Kill {
        node: usize,
    },
    Start {
        node: usize,
    },
    Stranger {
        wire: Option<usize>,
    },
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) happenings: u64,
    pub(crate) peers: u64,
    pub(crate) messages: u64,
    pub(crate) calls: u64,
    pub(crate) kills: u64,
    pub(crate) strangers: u64,
    pub(crate) ended_between: u64,
    pub(crate) simultaneous: u64,
    pub(crate) seconds: u64,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    pub(crate) wires: BTreeMap<usize, Wire>,
    next_wire: usize,
    by_id: BTreeMap<mconn::secret::NodeId, usize>,
    heap: BinaryHeap<Reverse<(Instant, u64, Happening)>>,
    order: u64,
    random: Random,
    /// How long faults happen.
    chaos: Duration,
    /// No more faults.
    pub(crate) calm: bool,
    pub(crate) totals: Totals,
    pub(crate) broken: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, nodes: usize, chaos: Duration) -> Self {
        let mut random = Random::new(seed);
        let mut nodes: Vec<Node> = (0..nodes).map(|number| Node::new(number, &mut random)).collect();
        for number in 0..nodes.len() {
            // Persistent both ways, one way, or not at all.
            let friend = random.size(0..=nodes.len() - 1);
            let pair = [number, friend];
            let refused = pair.iter().any(|node| Node::shares_its_address(*node) || nodes[*node].is_vandal);
            if refused || number == friend || random.percent(40) {
                continue;
            }
            nodes[number].persistent.push(friend);
            nodes[friend].persistent.push(number);
        }
        for node in &mut nodes {
            node.persistent.sort_unstable();
            node.persistent.dedup();
        }
        let by_id = nodes.iter().enumerate().map(|(number, node)| (node.id, number)).collect();
        let mut world = Self {
            now: Instant::ZERO,
            nodes,
            wires: BTreeMap::new(),
            next_wire: 0,
            by_id,
            heap: BinaryHeap::new(),
            order: 0,
            random,
            chaos,
            calm: false,
            totals: Totals::default(),
            broken: Vec::new(),
        };
        world.plan();
        world
    }

    /// Who starts, dies and returns, and when strangers come.
    fn plan(&mut self) {
        for node in 0..self.nodes.len() {
            let at = Instant::ZERO + self.random.duration(Duration::from_secs(5));
            self.at(at, Happening::Start { node });
            if self.random.percent(25) {
                for _ in 0..self.random.within(1..=3) {
                    let at = Instant::ZERO + self.random.duration(self.chaos);
                    self.at(at, Happening::Kill { node });
                }
            }
        }
        for _ in 0..self.nodes.len() / 2 {
            let at = Instant::ZERO + self.random.duration(self.chaos);
            self.at(at, Happening::Stranger { wire: None });
        }
    }

    fn at(&mut self, at: Instant, happening: Happening) {
        self.order += 1;
        self.heap.push(Reverse((at, self.order, happening)));
    }

    /// Runs until faults are over and all is as it should be, and then stops all.
    pub(crate) fn run(&mut self) {
        self.run_until(Instant::ZERO + self.chaos);
        self.calm = true;
        for node in &self.nodes {
            node.ledger.lock().unwrap().mischief = 0;
        }
        let give_up = self.now + Duration::from_secs(900);
        while let Some(missing) = self.missing() {
            if self.now >= give_up || !self.broken.is_empty() {
                self.broken.push(missing);
                return;
            }
            self.run_until(self.now + Duration::from_secs(1));
        }
        self.totals.seconds = self.now.as_nanos() / 1_000_000_000;
        self.stop();
    }

    pub(crate) fn run_until(&mut self, until: Instant) {
        while let Some(Reverse((at, ..))) = self.heap.peek()
            && *at <= until
            && self.broken.is_empty()
            && let Some(Reverse((at, _, happening))) = self.heap.pop()
        {
            self.now = self.now.max(at);
            self.totals.happenings += 1;
            self.happen(happening);
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake { node, life } => {
                if self.nodes[node].life == life && self.nodes[node].wake.take_if(|at| *at <= self.now).is_some() {
                    let now = self.now;
                    self.nodes[node].switch.as_mut().unwrap().handle_timeout(now);
                    self.pump(node);
                }
            }
            Happening::Read { wire, side } => {
                if let Some(end) = self.wires.get_mut(&wire).map(|wire| &mut wire.ends[side]) {
                    end.read_at = None;
                    self.read(wire, side, false);
                }
            }
            Happening::Write { wire, side } => self.write(wire, side),
            Happening::Dial { node, life, connection, to } => self.dial(node, life, connection, to),
            Happening::Kill { node } => self.kill(node),
            Happening::Start { node } => self.start(node),
            Happening::Stranger { wire } => self.stranger(wire),
        }
    }

    fn start(&mut self, node: usize) {
        if self.nodes[node].switch.is_some() {
            return;
        }
        let addresses = |numbers: &[usize]| numbers.iter().map(|number| self.nodes[*number].address()).collect();
        let friends: Vec<PeerAddress> = addresses(&self.nodes[node].persistent);
        let count = self.nodes.len();
        let known: Vec<usize> = (0..5).map(|_| self.random.size(0..=count - 1)).collect();
        let known: Vec<PeerAddress> = known.iter().map(|number| self.nodes[*number].address()).collect();
        let (now, mischief) = (self.now, if self.calm { 0 } else { 1 });
        self.nodes[node].start(now, mischief, &known, &friends);
        self.pump(node);
    }

    /// A node dies; its connections are reset, or nobody hears of it. It returns.
    fn kill(&mut self, node: usize) {
        if self.nodes[node].switch.take().is_none() {
            return;
        }
        self.totals.kills += 1;
        self.settle_ledger(node);
        let how = self.random.choose(&[Hang::Close, Hang::Reset, Hang::Vanish], Hang::Reset);
        for (number, side) in std::mem::take(&mut self.nodes[node].wires).into_values() {
            self.hang_up(number, side, how);
        }
        self.nodes[node].wake = None;
        self.nodes[node].started.clear();
        self.nodes[node].life += 1;
        let back = self.now + self.random.duration(Duration::from_secs(20));
        self.at(back, Happening::Start { node });
    }

    /// Somebody who is no node connects, says something, and goes, or stays until it is hung up.
    fn stranger(&mut self, wire: Option<usize>) {
        if let Some(wire) = wire {
            self.hang_up(wire, 0, Hang::Close);
            return;
        }
        let victim = self.random.size(0..=self.nodes.len() - 1);
        let from = ([172, 16, self.random.below(256) as u8, self.random.below(256) as u8], 1).into();
        let ephemeral = self.ephemeral();
        let Some(switch) = &mut self.nodes[victim].switch else { return };
        let Ok(connection) = switch.accepted(self.now, from, ephemeral) else { return };
        self.totals.strangers += 1;
        let wire = self.connect([None, Some(victim)], [None, Some(connection)]);
        let mut bytes = vec![0; self.random.size(0..=3000)];
        self.random.fill(&mut bytes);
        if self.random.percent(50) {
            // A key that is good; what comes behind it is not.
            bytes.splice(0..0, [0x22, 0x0a, 0x20]);
        }
        let mut bytes = BytesMut::from(&bytes[..]);
        let now = self.now;
        let _ = self.wires.get_mut(&wire).unwrap().links[0].write(now, &mut bytes);
        self.schedule_read(wire, 1);
        if self.random.percent(60) {
            let at = self.now + self.random.duration(Duration::from_secs(8));
            self.at(at, Happening::Stranger { wire: Some(wire) });
        }
        self.pump(victim);
    }

    fn ephemeral(&mut self) -> EphemeralSecret {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        EphemeralSecret::from_random(&bytes)
    }

    fn connect(&mut self, nodes: [Option<usize>; 2], connections: [Option<ConnectionId>; 2]) -> usize {
        let number = self.next_wire;
        self.next_wire += 1;
        let mut wire = Wire::new(&mut self.random, nodes, self.calm);
        for side in 0..2 {
            wire.ends[side].connection = connections[side];
            if let (Some(node), Some(connection)) = (nodes[side], connections[side]) {
                self.nodes[node].wires.insert(connection, (number, side));
            }
        }
        self.wires.insert(number, wire);
        number
    }

    fn dial(&mut self, node: usize, life: u32, connection: ConnectionId, to: usize) {
        if self.nodes[node].life != life {
            return;
        }
        let (now, from) = (self.now, self.nodes[node].socket);
        let (ephemeral, other) = (self.ephemeral(), self.ephemeral());
        let fails = !self.calm && self.random.percent(5);
        let accepted = match &mut self.nodes[to].switch {
            Some(switch) if !fails => switch.accepted(now, from, other).map_err(|refusal| refusal.to_string()),
            _ => Err("nobody listens".into()),
        };
        let remote = self.nodes[to].socket;
        let switch = self.nodes[node].switch.as_mut().unwrap();
        match accepted {
            Ok(theirs) => {
                self.connect([Some(node), Some(to)], [Some(connection), Some(theirs)]);
                self.nodes[node].switch.as_mut().unwrap().dialled(now, connection, remote, ephemeral);
                self.pump(node);
                self.pump(to);
            }
            Err(why) => {
                switch.dial_failed(now, connection, why);
                self.pump(node);
            }
        }
    }

    /// Does what a node wants, until it wants nothing more.
    pub(crate) fn pump(&mut self, node: usize) {
        loop {
            let Some(switch) = &mut self.nodes[node].switch else { return };
            let Some(command) = switch.poll_command() else { break };
            match command {
                Command::Dial { connection, address } => {
                    let to = self.by_id[&address.id];
                    let at = self.now + self.random.duration(Duration::from_millis(200));
                    let life = self.nodes[node].life;
                    self.at(at, Happening::Dial { node, life, connection, to });
                }
                Command::HangUp { connection, flush } => {
                    // What was dialled and given up has no wire yet.
                    if let Some((wire, side)) = self.nodes[node].wires.remove(&connection) {
                        self.last_words(wire, side, flush);
                        let how = if self.random.percent(50) || flush { Hang::Close } else { Hang::Reset };
                        self.hang_up(wire, side, how);
                    }
                }
                Command::Write { connection } => {
                    if let Some((wire, side)) = self.nodes[node].wires.get(&connection).copied() {
                        self.write_some(wire, side);
                    }
                }
                Command::Feed { connection } => {
                    if let Some((wire, side)) = self.nodes[node].wires.get(&connection).copied() {
                        self.read_some(wire, side, true);
                    }
                }
                other => self.broken.push(format!("an unknown command: {other:?}")),
            }
        }
        self.after(node);
    }

    /// Writes what was pulled before an orderly end.
    fn last_words(&mut self, wire: usize, side: usize, flush: bool) {
        let now = self.now;
        if let Some(wire) = self.wires.get_mut(&wire)
            && flush
        {
            let mut outbound = std::mem::take(&mut wire.ends[side].outbound);
            let _ = wire.links[side].write(now, &mut outbound);
        }
    }

    fn hang_up(&mut self, number: usize, side: usize, how: Hang) {
        let now = self.now;
        let Some(wire) = self.wires.get_mut(&number) else { return };
        if wire.ends[side].closed {
            return;
        }
        wire.close(now, side, how);
        if wire.is_dead() {
            self.wires.remove(&number);
            return;
        }
        self.schedule_read(number, 1 - side);
        if !matches!(how, Hang::Vanish) {
            self.at(now, Happening::Write { wire: number, side: 1 - side });
        }
    }

    fn schedule_read(&mut self, number: usize, side: usize) {
        let Some(wire) = self.wires.get_mut(&number) else { return };
        let end = &mut wire.ends[side];
        if let Some(at) = wire.links[1 - side].readable_at()
            && !end.closed
            && end.node.is_some()
            && end.read_at.is_none_or(|before| at < before)
        {
            let at = at.max(self.now);
            end.read_at = Some(at);
            self.at(at, Happening::Read { wire: number, side });
        }
    }

    fn read(&mut self, number: usize, side: usize, feed: bool) {
        let Some(node) = self.wires.get(&number).and_then(|wire| wire.ends[side].node) else { return };
        self.read_some(number, side, feed);
        self.pump(node);
    }

    fn write(&mut self, number: usize, side: usize) {
        let Some(node) = self.wires.get(&number).and_then(|wire| wire.ends[side].node) else { return };
        self.write_some(number, side);
        self.pump(node);
    }

    /// Reads as much as the switch wants; with `feed` gives it what waits in any case.
    fn read_some(&mut self, number: usize, side: usize, mut feed: bool) {
        let now = self.now;
        let mut wants_more = false;
        loop {
            let Some(wire) = self.wires.get_mut(&number) else { return };
            let end = &mut wire.ends[side];
            let (Some(node), Some(connection), false) = (end.node, end.connection, end.closed) else { return };
            let Some(switch) = &mut self.nodes[node].switch else { return };
            if feed {
                switch.received(now, connection, &mut end.inbound, end.ended);
            }
            let room = switch.recv_budget(now, connection).saturating_sub(end.inbound.len()).min(65_536);
            if room == 0 || end.ended {
                break;
            }
            match wire.links[1 - side].read(now, &mut end.inbound, room) {
                Read::Nothing => {
                    wants_more = true;
                    break;
                }
                Read::Bytes(_) => feed = true,
                Read::End => {
                    end.ended = true;
                    feed = true;
                }
                Read::Failed => {
                    end.ended = true;
                    switch.transport_failed(now, connection);
                    break;
                }
            }
        }
        // The other side may write again, and there may be more to read later.
        if let Some(wire) = self.wires.get(&number)
            && !wire.ends[1 - side].outbound.is_empty()
            && wire.links[1 - side].is_writable()
        {
            self.at(now, Happening::Write { wire: number, side: 1 - side });
        }
        if wants_more {
            self.schedule_read(number, side);
        }
    }

    fn write_some(&mut self, number: usize, side: usize) {
        let now = self.now;
        loop {
            let Some(wire) = self.wires.get_mut(&number) else { return };
            let end = &mut wire.ends[side];
            let (Some(node), Some(connection), false) = (end.node, end.connection, end.closed) else { return };
            let Some(switch) = &mut self.nodes[node].switch else { return };
            if end.outbound.is_empty() && switch.transmit_into(now, connection, &mut end.outbound, 16_384) == 0 {
                break;
            }
            match wire.links[side].write(now, &mut end.outbound) {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => {
                    switch.transport_failed(now, connection);
                    break;
                }
            }
        }
        self.schedule_read(number, 1 - side);
    }

    /// After a node was called: its events, its next deadline, and that all is well.
    fn after(&mut self, node: usize) {
        let now = self.now;
        let found = &mut self.nodes[node];
        let Some(switch) = &mut found.switch else { return };
        while let Some(event) = switch.poll_event() {
            match event {
                Event::PeerStarted { connection, .. } => {
                    self.totals.peers += 1;
                    found.started.insert(connection, now);
                }
                Event::Ended { connection, reason, .. } => {
                    found.started.remove(&connection);
                    self.totals.simultaneous += u64::from(reason == EndReason::SimultaneousDial);
                }
                Event::GaveUp { address } => self.broken.push(format!("{} gave up {address}", found.id)),
                _ => {}
            }
        }
        let next = switch.poll_timeout().map(|at| at.max(now));
        if let Some(at) = next
            && found.wake.is_none_or(|before| at < before)
        {
            found.wake = Some(at);
            let life = found.life;
            self.at(at, Happening::Wake { node, life });
        }
        self.check(node);
    }
}
