//! One node of the world: who it is, and its switch while it is up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use mconn::connection::PingPolicy;
use mconn::peer::pex::{PexConfig, PexReactor};
use mconn::peer::switch::{ConnectionId, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress};
use mconn::secret::{NodeId, NodeKey};
use mconn::sim::Random;
use mconn::time::{Duration, Instant};

use crate::ledger::{CHANNELS, Ledger, RECORDERS, Recorder, Vandal};

/// Who a node is.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) key: NodeKey,
    pub(crate) id: NodeId,
    pub(crate) socket: SocketAddr,
    /// It breaks the rules of peer exchange.
    pub(crate) is_vandal: bool,
    /// Nodes that it must be connected to.
    pub(crate) persistent: Vec<usize>,
    pub(crate) max_inbound: usize,
    pub(crate) max_outbound: usize,
    pub(crate) switch: Option<Switch>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    /// The wires by the numbers of the switch.
    pub(crate) wires: BTreeMap<ConnectionId, (usize, usize)>,
    /// Connections that the switch does not want any more.
    pub(crate) given_up: BTreeSet<ConnectionId>,
    /// Since when its connections are peers.
    pub(crate) started: BTreeMap<ConnectionId, Instant>,
    /// When it is woken.
    pub(crate) wake: Option<Instant>,
    pub(crate) random: Random,
    /// How often it was started: the number belongs to what was scheduled for it.
    pub(crate) life: u32,
}

impl Node {
    pub(crate) fn new(number: usize, random: &mut Random) -> Self {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let key = NodeKey::from_seed(&seed);
        // Every twentieth stands behind the same address as the one before it.
        let host = if number % 20 == 19 { number - 1 } else { number };
        let ip = IpAddr::from([10, 1, (host >> 8) as u8, host as u8]);
        let port = 20_000 + u16::try_from(number).unwrap();
        Self {
            id: key.id(),
            key,
            socket: SocketAddr::new(ip, port),
            is_vandal: random.percent(5),
            persistent: Vec::new(),
            max_inbound: random.size(3..=12),
            max_outbound: random.size(2..=4),
            switch: None,
            ledger: Arc::default(),
            wires: BTreeMap::new(),
            started: BTreeMap::new(),
            given_up: BTreeSet::new(),
            wake: None,
            random: random.fork(),
            life: 0,
        }
    }

    pub(crate) const fn shares_its_address(number: usize) -> bool {
        number % 20 >= 18
    }

    pub(crate) fn address(&self) -> PeerAddress {
        PeerAddress { id: self.id, at: self.socket.into() }
    }

    /// Starts it, again or for the first time. `known` are addresses for its book; `friends` have always room.
    pub(crate) fn start(&mut self, now: Instant, mischief: u64, known: &[PeerAddress], friends: &[PeerAddress]) {
        let mut info = NodeInfo::new(self.id, "world", CHANNELS);
        info.listen_addr = self.socket.to_string();
        let mut config = SwitchConfig::default();
        config.limits.max_inbound = self.max_inbound;
        config.limits.max_outbound = self.max_outbound;
        config.limits.unconditional = friends.iter().map(|address| address.id).collect();
        config.connection.ping = PingPolicy::Every(Duration::from_secs(20));
        config.connection.pong_timeout = Some(Duration::from_secs(10));
        config.upgrade.handshake.timeout = Duration::from_secs(5);
        self.ledger = Arc::default();
        self.ledger.lock().unwrap().mischief = mischief;
        let mut builder = Switch::builder(self.key.clone(), info).config(config);
        for place in 0..RECORDERS {
            builder.add_reactor(Recorder::new(place, self.ledger.clone(), self.random.fork())).unwrap();
        }
        if self.is_vandal {
            builder.add_reactor(Vandal::new(self.ledger.clone(), self.random.fork())).unwrap();
        } else {
            let mut pex = PexConfig::default();
            pex.book.allow_private = true;
            pex.min_request_interval = Duration::from_secs(2);
            pex.ensure_interval = Duration::from_secs(10);
            let mut reactor = PexReactor::new(self.id, pex, self.random.next_u64());
            for address in known {
                let _ = reactor.book_mut().add(now, address.clone(), self.id);
            }
            builder.add_reactor(reactor).unwrap();
        }
        let mut switch = builder.build(self.random.next_u64(), now).unwrap();
        for address in friends {
            switch.add_persistent_peer(now, address.clone());
        }
        self.switch = Some(switch);
        self.life += 1;
    }
}
