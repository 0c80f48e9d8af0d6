//! Switches that are joined without delay, and whose driver does as it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Command, ConnectionId, Context, EndReason, Event, Switch, SwitchBuilder, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::{EphemeralSecret, NodeId, NodeKey};
use mconn::time::{Duration, Instant};

pub(crate) const CHANNEL: u8 = 0x77;

/// What one reactor has seen, in words.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// A reactor that writes down what it sees, under a name, and answers "ping" with "pong".
pub(crate) struct Witness {
    pub(crate) name: &'static str,
    pub(crate) channel: u8,
    pub(crate) log: Log,
}

impl Witness {
    fn note(&self, what: &str, peer: NodeId) {
        self.log.lock().unwrap().push(format!("{} {what} {}", self.name, short(peer)));
    }
}

/// The first digits of an id.
pub(crate) fn short(id: NodeId) -> String {
    id.to_string()[..4].into()
}

impl Reactor for Witness {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(self.channel, 1).send_queue_capacity(2)]
    }

    fn init_peer(&mut self, _: &mut Context<'_>, peer: NodeId) {
        self.note("init", peer);
    }

    fn add_peer(&mut self, _: &mut Context<'_>, peer: NodeId) {
        self.note("add", peer);
    }

    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, channel: u8, message: Bytes) {
        self.note(&format!("receive {}", String::from_utf8_lossy(&message)), peer);
        if message == "ping" {
            context.try_send(&peer, channel, Bytes::from("pong")).unwrap();
        }
    }

    fn remove_peer(&mut self, _: &mut Context<'_>, peer: NodeId, _: &EndReason) {
        self.note("remove", peer);
    }

    fn dial_ended(&mut self, _: &mut Context<'_>, address: &PeerAddress, _: &EndReason) {
        self.note("dial ended", address.id);
    }
}

pub(crate) fn key(seed: u8) -> NodeKey {
    NodeKey::from_seed(&[seed; 32])
}

pub(crate) fn address(seed: u8) -> PeerAddress {
    PeerAddress { id: key(seed).id(), at: socket(seed).into() }
}

fn socket(seed: u8) -> SocketAddr {
    // Routable, and each in a network of its own.
    SocketAddr::from(([seed, seed, 0, 1], 26_656))
}

/// A node that listens at its [`address`].
pub(crate) fn builder(seed: u8, config: SwitchConfig) -> SwitchBuilder {
    let mut info = NodeInfo::new(key(seed).id(), "net", []);
    info.listen_addr = socket(seed).to_string();
    Switch::builder(key(seed), info).config(config)
}

/// A node with one witness.
pub(crate) fn node(seed: u8, config: SwitchConfig) -> (Switch, Log) {
    let log = Log::default();
    let mut builder = builder(seed, config);
    builder.add_reactor(Witness { name: "w", channel: CHANNEL, log: log.clone() }).unwrap();
    (builder.build(seed.into(), Instant::ZERO).unwrap(), log)
}

/// One end of a stream: the node, the number there, and what was sent to it.
struct End {
    seed: u8,
    connection: Option<ConnectionId>,
    inbound: BytesMut,
    ended: bool,
    /// The other side does not read.
    blocked: bool,
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) switches: BTreeMap<u8, Switch>,
    wires: Vec<[End; 2]>,
    pub(crate) events: Vec<(u8, Event)>,
    /// When whom was dialled.
    pub(crate) dials: Vec<(Instant, NodeId)>,
    pub(crate) hung_up: Vec<(u8, bool)>,
    /// Dials wait until somebody answers them.
    pub(crate) hold_dials: bool,
    held: Vec<(u8, ConnectionId, PeerAddress)>,
    random: u8,
}

impl Net {
    pub(crate) fn new(switches: impl IntoIterator<Item = (u8, Switch)>) -> Self {
        Self {
            now: Instant::ZERO,
            switches: switches.into_iter().collect(),
            wires: Vec::new(),
            events: Vec::new(),
            dials: Vec::new(),
            hung_up: Vec::new(),
            hold_dials: false,
            held: Vec::new(),
            random: 0,
        }
    }

    pub(crate) fn switch(&mut self, seed: u8) -> &mut Switch {
        self.switches.get_mut(&seed).unwrap()
    }

    /// Acts on a switch.
    pub(crate) fn act<T>(&mut self, seed: u8, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let now = self.now;
        let result = self.switch(seed).with(now, act);
        self.settle();
        result
    }

    pub(crate) fn peers(&mut self, seed: u8) -> Vec<NodeId> {
        self.act(seed, |context| context.peers().map(|peer| peer.id()).collect())
    }

    pub(crate) fn ephemeral(&mut self) -> EphemeralSecret {
        self.random = self.random.wrapping_add(1);
        EphemeralSecret::from_random(&[self.random; 32])
    }

    /// Answers the dials that wait.
    pub(crate) fn answer_dials(&mut self) {
        for (from, connection, address) in std::mem::take(&mut self.held) {
            self.dial(from, connection, &address);
        }
        self.settle();
    }

    fn dial(&mut self, from: u8, connection: ConnectionId, address: &PeerAddress) {
        let (now, ours, theirs) = (self.now, self.ephemeral(), self.ephemeral());
        let to = self.switches.keys().copied().find(|seed| address.at == socket(*seed).into());
        let accepted = match to {
            Some(to) => self.switch(to).accepted(now, socket(from), theirs).map_err(|refusal| refusal.to_string()),
            None => Err("nobody listens".into()),
        };
        match (to, accepted) {
            (Some(to), Ok(number)) => {
                let end = |seed, number| End {
                    seed,
                    connection: Some(number),
                    inbound: BytesMut::new(),
                    ended: false,
                    blocked: false,
                };
                self.wires.push([end(from, connection), end(to, number)]);
                self.switch(from).dialled(now, connection, socket(to), ours);
            }
            (_, accepted) => self.switch(from).dial_failed(now, connection, accepted.unwrap_err()),
        }
    }

    /// Nobody reads what this node sends any more, or somebody does again.
    pub(crate) fn block(&mut self, seed: u8, blocked: bool) {
        for end in self.wires.iter_mut().flatten().filter(|end| end.seed == seed) {
            end.blocked = blocked;
        }
        self.settle();
    }

    /// The streams of a node break.
    pub(crate) fn cut(&mut self, seed: u8) {
        let now = self.now;
        for wire in std::mem::take(&mut self.wires) {
            if wire.iter().all(|end| end.seed != seed) {
                self.wires.push(wire);
                continue;
            }
            for end in wire {
                if let (Some(switch), Some(connection)) = (self.switches.get_mut(&end.seed), end.connection) {
                    switch.transport_failed(now, connection);
                }
            }
        }
        self.settle();
    }

    /// Does what the switches want, and carries all bytes, until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = false;
            for seed in self.switches.keys().copied().collect::<Vec<_>>() {
                while let Some(command) = self.switch(seed).poll_command() {
                    moved = true;
                    match command {
                        Command::Dial { connection, address } => {
                            self.dials.push((self.now, address.id));
                            match self.hold_dials {
                                true => self.held.push((seed, connection, address)),
                                false => self.dial(seed, connection, &address),
                            }
                        }
                        Command::HangUp { connection, flush } => self.hang_up(seed, connection, flush),
                        // All is tried all the time.
                        _ => {}
                    }
                }
                while let Some(event) = self.switch(seed).poll_event() {
                    self.events.push((seed, event));
                }
            }
            for wire in 0..self.wires.len() {
                // Who was dialled speaks first.
                moved |= self.carry(wire, 1) | self.carry(wire, 0);
            }
            if !moved {
                return;
            }
        }
    }

    fn hang_up(&mut self, seed: u8, connection: ConnectionId, flush: bool) {
        self.hung_up.push((seed, flush));
        for wire in &mut self.wires {
            if let Some(side) = wire.iter().position(|end| (end.seed, end.connection) == (seed, Some(connection))) {
                wire[side].connection = None;
                wire[1 - side].ended = true;
            }
        }
    }

    /// Carries what this side has to say; whether something moved.
    fn carry(&mut self, wire: usize, side: usize) -> bool {
        let now = self.now;
        let (from, to) = match &mut self.wires[wire] {
            [first, second] if side == 0 => (first, second),
            [first, second] => (second, first),
        };
        let mut moved = false;
        if let (Some(connection), false) = (from.connection, from.blocked) {
            let switch = self.switches.get_mut(&from.seed).unwrap();
            moved |= switch.transmit_into(now, connection, &mut to.inbound, 65_536) > 0;
        }
        let before = to.inbound.len();
        if let Some(connection) = to.connection {
            let switch = self.switches.get_mut(&to.seed).unwrap();
            switch.received(now, connection, &mut to.inbound, to.ended);
            moved |= to.inbound.len() != before || switch.recv_budget(now, connection) == 0 && to.ended;
        }
        moved
    }

    /// Lets time pass, from deadline to deadline.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.settle();
        loop {
            let next = self.switches.values().filter_map(Switch::poll_timeout).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            let now = self.now;
            self.switches.values_mut().for_each(|switch| switch.handle_timeout(now));
            self.settle();
        }
        self.now = until;
    }
}
