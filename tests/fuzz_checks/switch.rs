//! Any operations on three switches that are joined by wires which anybody may cut, spoil or hold up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use mconn::connection::ChannelConfig;
use mconn::peer::pex::{PexConfig, PexReactor};
use mconn::peer::switch::{Command, ConnectionId, Context, EndReason, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::{EphemeralSecret, NodeId, NodeKey};
use mconn::time::{Duration, Instant};

const NODES: usize = 3;
const REACTORS: usize = 2;

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Dial {
        from: u8,
        to: u8,
    },
    Persist {
        from: u8,
        to: u8,
    },
    /// Does some of the commands of a node.
    Obey {
        node: u8,
        commands: u8,
    },
    /// Carries bytes over a wire.
    Carry {
        wire: u8,
        side: bool,
        bytes: u16,
    },
    /// All commands, all bytes.
    Settle,
    Cut {
        wire: u8,
        side: bool,
    },
    End {
        wire: u8,
        side: bool,
    },
    Spoil {
        wire: u8,
        side: bool,
        at: u8,
    },
    Stranger {
        to: u8,
        bytes: &'a [u8],
    },
    Wait {
        milliseconds: u16,
    },
    Send {
        from: u8,
        to: u8,
        len: u16,
        wait: bool,
    },
    StopPeer {
        from: u8,
        to: u8,
    },
    ClosePeer {
        from: u8,
        to: u8,
    },
    /// From now on a reactor does this in its calls.
    Mischief {
        node: u8,
        reactor: u8,
        call: u8,
    },
    StopSwitch {
        node: u8,
    },
}

#[derive(Debug, Default)]
struct Book {
    /// By peer: how far each reactor has come. 1 is `init_peer`, 2 is `add_peer`.
    peers: BTreeMap<NodeId, [u8; REACTORS]>,
    mischief: [u8; REACTORS],
}

struct Witness {
    place: usize,
    book: Arc<Mutex<Book>>,
}

impl Witness {
    fn note(
        &self,
        context: &mut Context<'_>,
        peer: NodeId,
        call: u8,
        expected: impl Fn(usize) -> [bool; 3],
        after: u8,
    ) {
        let mischief = {
            let mut book = self.book.lock().unwrap();
            let stages = book.peers.entry(peer).or_default();
            for (place, stage) in stages.iter().enumerate() {
                assert!(expected(place)[usize::from(*stage)], "call {call} at {} with {stages:?}", self.place);
            }
            stages[self.place] = after;
            if stages.iter().all(|stage| *stage == 0) {
                book.peers.remove(&peer);
            }
            book.mischief[self.place]
        };
        if mischief % 8 == call {
            match mischief / 8 % 4 {
                0 => context.stop_peer(&peer, "mischief"),
                1 => context.close_peer(&peer, None),
                2 => context.try_send(&peer, 0x20, Bytes::from("x")).is_ok(),
                _ => {
                    let all: Vec<_> = context.peers().map(|peer| peer.id()).collect();
                    all.iter().all(|peer| context.stop_peer(peer, "more mischief"))
                }
            };
        }
    }
}

const NONE: [bool; 3] = [true, false, false];
const INIT: [bool; 3] = [false, true, false];
const ADD: [bool; 3] = [false, false, true];
const KNOWN: [bool; 3] = [false, true, true];

impl Reactor for Witness {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(0x20 + self.place as u8, 1).send_queue_capacity(2).recv_message_capacity(5000)]
    }

    fn init_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        assert!(!context.is_peer(&peer) && context.peer(&peer).is_some());
        self.note(context, peer, 1, |place| if place < self.place { INIT } else { NONE }, 1);
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        assert!(context.is_peer(&peer));
        self.note(context, peer, 2, |place| if place < self.place { ADD } else { INIT }, 2);
    }

    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, channel: u8, _: Bytes) {
        assert!(context.is_peer(&peer) && usize::from(channel) == 0x20 + self.place);
        self.note(context, peer, 3, |_| ADD, 2);
    }

    fn remove_peer(&mut self, context: &mut Context<'_>, peer: NodeId, _: &EndReason) {
        assert!(!context.is_peer(&peer) && context.peer(&peer).is_some());
        self.note(context, peer, 4, |place| if place > self.place { NONE } else { KNOWN }, 0);
    }
}

struct End {
    node: Option<usize>,
    connection: Option<ConnectionId>,
    inbound: BytesMut,
    ended: bool,
}

struct World {
    now: Instant,
    switches: Vec<(Switch, Arc<Mutex<Book>>)>,
    wires: Vec<[End; 2]>,
    /// Connections of which the switches know.
    known: BTreeSet<(usize, ConnectionId)>,
    random: u8,
}

/// The keys, and their ids: they cost more than most operations.
static KEYS: LazyLock<[(NodeKey, NodeId); NODES]> = LazyLock::new(|| {
    std::array::from_fn(|node| {
        let key = NodeKey::from_seed(&[node as u8 + 1; 32]);
        (key.clone(), key.id())
    })
});

fn id(node: usize) -> NodeId {
    KEYS[node].1
}

fn address(node: usize) -> PeerAddress {
    PeerAddress { id: id(node), at: socket(node).into() }
}

fn socket(node: usize) -> SocketAddr {
    SocketAddr::from(([1 + node as u8, 1, 1, 1], 1))
}

fn start(node: usize) -> (Switch, Arc<Mutex<Book>>) {
    let info = NodeInfo::new(id(node), "net", []);
    let mut config = SwitchConfig::default();
    config.limits.max_inbound = 1;
    config.limits.max_outbound = 2;
    let book: Arc<Mutex<Book>> = Arc::default();
    let mut builder = Switch::builder(KEYS[node].0.clone(), info).config(config);
    for place in 0..REACTORS {
        builder.add_reactor(Witness { place, book: book.clone() }).unwrap();
    }
    builder.add_reactor(PexReactor::new(id(node), PexConfig::default(), 1)).unwrap();
    (builder.build(1, Instant::ZERO).unwrap(), book)
}

impl World {
    fn ephemeral(&mut self) -> EphemeralSecret {
        self.random = self.random.wrapping_add(1);
        EphemeralSecret::from_random(&[self.random; 32])
    }

    fn connect(&mut self, ends: [(Option<usize>, Option<ConnectionId>); 2]) {
        let end = |(node, connection)| End { node, connection, inbound: BytesMut::new(), ended: false };
        self.wires.push(ends.map(end));
    }

    fn obey(&mut self, node: usize) -> bool {
        let Some(command) = self.switches[node].0.poll_command() else { return false };
        match command {
            Command::Dial { connection, address: to } => {
                assert!(self.known.insert((node, connection)), "a number twice");
                let (now, ours, theirs) = (self.now, self.ephemeral(), self.ephemeral());
                let other = (0..NODES).find(|other| to.id == id(*other)).unwrap();
                match self.switches[other].0.accepted(now, socket(node), theirs) {
                    Ok(number) => {
                        assert!(self.known.insert((other, number)), "a number twice");
                        self.connect([(Some(node), Some(connection)), (Some(other), Some(number))]);
                        self.switches[node].0.dialled(now, connection, socket(other), ours);
                    }
                    Err(refusal) => {
                        self.switches[node].0.dial_failed(now, connection, refusal.to_string());
                        self.known.remove(&(node, connection));
                    }
                }
            }
            Command::HangUp { connection, .. } => {
                assert!(self.known.remove(&(node, connection)), "hung up twice");
                for wire in &mut self.wires {
                    if let Some(side) =
                        wire.iter().position(|end| (end.node, end.connection) == (Some(node), Some(connection)))
                    {
                        wire[side].connection = None;
                        wire[1 - side].ended = true;
                    }
                }
            }
            _ => {}
        }
        true
    }

    /// Carries at most so many bytes; whether some moved.
    fn carry(&mut self, wire: usize, side: usize, max: usize) -> bool {
        let now = self.now;
        let Some([first, second]) = self.wires.get_mut(wire) else { return false };
        let (from, to) = if side == 0 { (first, second) } else { (second, first) };
        let mut moved = false;
        if let (Some(node), Some(connection)) = (from.node, from.connection) {
            let before = to.inbound.len();
            let count = self.switches[node].0.transmit_into(now, connection, &mut to.inbound, max);
            assert!(count <= max && to.inbound.len() == before + count);
            moved |= count > 0;
        }
        if let (Some(node), Some(connection)) = (to.node, to.connection) {
            let before = to.inbound.len();
            self.switches[node].0.received(now, connection, &mut to.inbound, to.ended);
            self.switches[node].0.recv_budget(now, connection);
            moved |= to.inbound.len() != before;
        }
        moved
    }

    fn settle(&mut self) {
        for _ in 0..1000 {
            let mut moved = false;
            for node in 0..NODES {
                while self.obey(node) {
                    moved = true;
                }
            }
            for wire in 0..self.wires.len() {
                moved |= self.carry(wire, 0, 20_000) | self.carry(wire, 1, 20_000);
            }
            if !moved {
                return;
            }
        }
        panic!("it never ends");
    }

    fn check(&mut self) {
        let now = self.now;
        for (node, (switch, book)) in self.switches.iter_mut().enumerate() {
            let peers: BTreeSet<_> = switch.with(now, |context| {
                assert!(context.inbound().0 <= 1, "inbound");
                context.peers().map(|peer| peer.id()).collect()
            });
            let book = book.lock().unwrap();
            assert!(book.peers.values().all(|stages| *stages == [2; REACTORS]), "node {node}: {book:?}");
            assert_eq!(book.peers.keys().copied().collect::<BTreeSet<_>>(), peers, "node {node}");
            drop(book);
            while let Some(event) = switch.poll_event() {
                assert!(!matches!(event, Event::PeerStarted { id: started, .. } if started == id(node)));
            }
        }
    }

    fn operate(&mut self, operation: Operation<'_>) {
        let now = self.now;
        let node = |number: u8| usize::from(number) % NODES;
        let wires = self.wires.len().max(1);
        match operation {
            Operation::Dial { from, to } => {
                let _ = self.switches[node(from)].0.with(now, |context| context.dial(&address(node(to))));
            }
            Operation::Persist { from, to } => {
                self.switches[node(from)].0.add_persistent_peer(now, address(node(to)));
            }
            Operation::Obey { node: number, commands } => {
                (0..commands).all(|_| self.obey(node(number)));
            }
            Operation::Carry { wire, side, bytes } => {
                self.carry(usize::from(wire) % wires, side.into(), usize::from(bytes));
            }
            Operation::Settle => self.settle(),
            Operation::Cut { wire, side } => {
                if let Some(end) =
                    self.wires.get_mut(usize::from(wire) % wires).map(|wire| &mut wire[usize::from(side)])
                    && let (Some(number), Some(connection)) = (end.node, end.connection)
                {
                    self.switches[number].0.transport_failed(now, connection);
                }
            }
            Operation::End { wire, side } => {
                if let Some(wire) = self.wires.get_mut(usize::from(wire) % wires) {
                    wire[usize::from(side)].ended = true;
                }
            }
            Operation::Spoil { wire, side, at } => {
                if let Some(wire) = self.wires.get_mut(usize::from(wire) % wires)
                    && let Some(byte) = wire[usize::from(side)].inbound.get_mut(usize::from(at))
                {
                    *byte ^= 1;
                }
            }
            Operation::Stranger { to, bytes } => {
                let ephemeral = self.ephemeral();
                let from = SocketAddr::from(([9, 9, 9, self.random], 9));
                if let Ok(connection) = self.switches[node(to)].0.accepted(now, from, ephemeral) {
                    assert!(self.known.insert((node(to), connection)), "a number twice");
                    self.connect([(None, None), (Some(node(to)), Some(connection))]);
                    self.wires.last_mut().unwrap()[1].inbound.extend_from_slice(bytes);
                }
            }
            Operation::Wait { milliseconds } => {
                self.now = now + Duration::from_millis(milliseconds.into());
                let now = self.now;
                self.switches.iter_mut().for_each(|(switch, _)| switch.handle_timeout(now));
            }
            Operation::Send { from, to, len, wait } => {
                let (to, message) = (id(node(to)), Bytes::from(vec![1; usize::from(len)]));
                self.switches[node(from)].0.with(now, |context| match wait {
                    true => drop(context.send(&to, 0x20, message)),
                    false => drop(context.try_send(&to, 0x20, message)),
                });
            }
            Operation::StopPeer { from, to } => {
                self.switches[node(from)].0.with(now, |context| context.stop_peer(&id(node(to)), ""));
            }
            Operation::ClosePeer { from, to } => {
                self.switches[node(from)].0.with(now, |context| context.close_peer(&id(node(to)), None));
            }
            Operation::Mischief { node: number, reactor, call } => {
                self.switches[node(number)].1.lock().unwrap().mischief[usize::from(reactor) % REACTORS] = call;
            }
            Operation::StopSwitch { node: number } => self.switches[node(number)].0.stop(now),
        }
    }
}

/// Whatever happens: each reactor sees each peer come and go in order, and in the end nothing is left.
pub(crate) fn check(data: &[u8]) {
    let switches = (0..NODES).map(start).collect();
    let mut world =
        World { now: Instant::from_secs(1), switches, wires: Vec::new(), known: BTreeSet::new(), random: 0 };
    let mut input = Unstructured::new(data);
    for _ in 0..200 {
        let Ok(operation) = input.arbitrary::<Operation<'_>>() else { break };
        world.operate(operation);
        world.check();
        if input.is_empty() {
            break;
        }
    }
    for node in 0..NODES {
        let now = world.now;
        world.switches[node].0.stop(now);
    }
    world.settle();
    world.check();
    assert!(world.known.is_empty(), "never hung up: {:?}", world.known);
    assert!(world.switches.iter().all(|(_, book)| book.lock().unwrap().peers.is_empty()));
}
