//! The reactor that exchanges addresses, and dials.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::book::{AddressBook, BookConfig, KnownAddress};
use super::message::{MAX_MESSAGE, PexMessage};
use crate::connection::ChannelConfig;
use crate::machine::Fault;
use crate::peer::address::{Host, HostPort, PeerAddress};
use crate::peer::reactor::Reactor;
use crate::peer::sequence::Sequence;
use crate::peer::state::Peer;
use crate::peer::switch::{Context, EndReason};
use crate::peer::upgrade::UpgradeError;
use crate::secret::NodeId;
use crate::time::Instant;

/// The channel of peer exchange.
pub const CHANNEL: u8 = 0x00;

/// How addresses are exchanged. The defaults are Go's (`p2p/pex/pex_reactor.go @ v0.38`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PexConfig {
    /// What the address book takes.
    pub book: BookConfig,
    /// Nodes that are dialled when there is nobody else.
    pub seeds: Vec<PeerAddress>,
    /// How often is looked whether there are enough peers. 30 s.
    pub ensure_interval: Duration,
    /// A peer may ask twice, and then once in this interval. 10 s.
    pub min_request_interval: Duration,
    /// How long who breaks a rule is not dialled. A day.
    pub ban: Duration,
    /// Whether it dials at all. A node that only answers does not.
    pub dials: bool,
}

impl Default for PexConfig {
    fn default() -> Self {
        Self {
            book: BookConfig::default(),
            seeds: Vec::new(),
            ensure_interval: Duration::from_secs(30),
            min_request_interval: Duration::from_secs(10),
            ban: Duration::from_secs(24 * 60 * 60),
            dials: true,
        }
    }
}

/// A reactor that tells peers of addresses, asks them, and dials until there are enough peers.
#[derive(Debug)]
pub struct PexReactor {
    config: PexConfig,
    book: AddressBook,
    chance: Sequence,
    next: Instant,
    peers: BTreeMap<NodeId, Asked>,
}

/// What a peer and we have asked each other.
#[derive(Debug, Default)]
struct Asked {
    /// It has asked once.
    has_asked: bool,
    /// When it has asked after that.
    last_request: Option<Instant>,
    /// When we have asked last.
    asked: Option<Instant>,
    /// We have asked, and no answer has come.
    waits: bool,
}

impl PexReactor {
    /// A reactor of the node `own`. What is left to chance follows from the seed.
    #[must_use]
    pub fn new(own: NodeId, config: PexConfig, seed: u64) -> Self {
        let mut chance = Sequence::new(seed);
        let book = AddressBook::new(own, config.book.clone(), chance.next());
        Self { config, book, chance, next: Instant::ZERO, peers: BTreeMap::new() }
    }

    /// What is known of other nodes.
    #[must_use]
    pub const fn book(&self) -> &AddressBook {
        &self.book
    }

    /// What is known of other nodes, to add to it.
    pub const fn book_mut(&mut self) -> &mut AddressBook {
        &mut self.book
    }

    fn asked(&mut self, peer: NodeId) -> &mut Asked {
        self.peers.entry(peer).or_default()
    }

    /// Asks a peer for addresses, unless it was asked not long ago or has not answered.
    fn ask(&mut self, context: &mut Context<'_>, peer: NodeId) -> bool {
        let (now, interval) = (context.now(), self.config.min_request_interval.saturating_mul(2));
        let asked = self.asked(peer);
        let soon = asked.asked.is_some_and(|asked| now.saturating_duration_since(asked) < interval);
        if asked.waits || soon || context.try_send(&peer, CHANNEL, PexMessage::Request.encode()).is_err() {
            return false;
        }
        asked.asked = Some(now);
        asked.waits = true;
        true
    }

    /// Whether a peer may ask now (`receiveRequest`).
    fn may_ask(&mut self, now: Instant, peer: NodeId) -> bool {
        let interval = self.config.min_request_interval;
        let asked = self.asked(peer);
        if !core::mem::replace(&mut asked.has_asked, true) {
            return true;
        }
        let soon = asked.last_request.is_some_and(|last| now.saturating_duration_since(last) < interval);
        asked.last_request = Some(now);
        !soon
    }

    fn misbehaved(&mut self, context: &mut Context<'_>, peer: NodeId, why: String) {
        self.book.mark_bad(context.now(), peer, self.config.ban);
        context.stop_peer(&peer, why);
    }

    fn learn(&mut self, now: Instant, source: NodeId, addresses: Vec<PeerAddress>) {
        for address in addresses {
            // What can not be used is of no interest.
            let _ = self.book.add(now, address, source);
        }
    }

    /// Dials until there are enough peers, or nobody is left to dial, and asks for more addresses (`ensurePeers`).
    fn ensure_peers(&mut self, context: &mut Context<'_>) {
        let now = context.now();
        let (outbound, max) = context.outbound();
        let wanted = max.saturating_sub(outbound);
        let percent_new = outbound.min(8).saturating_mul(10).saturating_add(10);
        let mut dialled = BTreeSet::new();
        for _ in 0..wanted.saturating_mul(3) {
            if dialled.len() >= wanted {
                break;
            }
            let is_wanted = |known: &KnownAddress| {
                let id = &known.address.id;
                !dialled.contains(id) && !context.is_connected(id) && is_due(known, now)
            };
            let Some(address) = self.book.pick(percent_new, is_wanted) else { break };
            dialled.insert(address.id);
            if context.dial(&address).is_ok() {
                self.book.mark_attempt(now, &address.id);
            }
        }
        let peers: Vec<NodeId> = context.peers().map(Peer::id).collect();
        if self.book.needs_more()
            && let Some(peer) = peers.get(self.chance.below(peers.len()))
        {
            self.ask(context, *peer);
        }
        if dialled.is_empty() && peers.is_empty() && outbound == 0 {
            let seed = self.config.seeds.get(self.chance.below(self.config.seeds.len()));
            // A seed that is being dialled is dialled.
            let _ = seed.map(|seed| context.dial(seed));
        }
    }

    /// What an inbound peer says of where it listens. When it names no address, the one that it came from.
    fn listens_at(peer: &Peer) -> Option<PeerAddress> {
        let HostPort { mut host, port } = peer.node_info().listen_at().ok()?;
        if matches!(host, Host::Ip(ip) if ip.is_unspecified()) {
            host = Host::Ip(peer.remote_addr()?.ip().to_canonical());
        }
        Some(PeerAddress { id: peer.id(), at: HostPort { host, port } })
    }
}

/// Whether a node may be dialled again: after n failed dials, 2^n seconds after the last one.
fn is_due(known: &KnownAddress, now: Instant) -> bool {
    let wait = Duration::from_secs(1_u64.checked_shl(known.attempts.min(16)).unwrap_or(u64::MAX));
    known.attempts == 0 || known.last_attempt.is_none_or(|last| now.saturating_duration_since(last) >= wait)
}

impl Reactor for PexReactor {
    fn channels(&self) -> Vec<ChannelConfig> {
        let channel = ChannelConfig::new(CHANNEL, 1);
        [channel.send_queue_capacity(10).recv_message_capacity(MAX_MESSAGE).max_send_message(MAX_MESSAGE)].into()
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        let now = context.now();
        let Some(found) = context.peer(&peer) else { return };
        if found.is_outbound() {
            self.book.mark_good(now, &peer);
            if self.book.needs_more() {
                self.ask(context, peer);
            }
        } else if let Some(address) = Self::listens_at(found) {
            self.learn(now, peer, [address].into());
        }
    }

    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, _: u8, message: Bytes) {
        match PexMessage::decode(&message) {
            Err(error) => self.misbehaved(context, peer, format!("peer exchange: {error}")),
            Ok(PexMessage::Request) => {
                if !self.may_ask(context.now(), peer) {
                    self.misbehaved(context, peer, "peer exchange: it asks too often".into());
                    return;
                }
                let answer = PexMessage::Addresses(self.book.selection()).encode();
                // If there is no room, the peer does not read; it will ask again.
                let _ = context.try_send(&peer, CHANNEL, answer);
            }
            Ok(PexMessage::Addresses(addresses)) => {
                if !core::mem::take(&mut self.asked(peer).waits) {
                    self.misbehaved(context, peer, "peer exchange: an answer that nobody asked for".into());
                    return;
                }
                self.learn(context.now(), peer, addresses);
            }
        }
    }

    fn remove_peer(&mut self, _: &mut Context<'_>, peer: NodeId, _: &EndReason) {
        self.peers.remove(&peer);
    }

    fn dial_ended(&mut self, context: &mut Context<'_>, address: &PeerAddress, reason: &EndReason) {
        match reason {
            _ if reason.fault() != Fault::Peer => {}
            // The node is not there, or nobody is who speaks like a node. The node itself has done nothing: whoever told us its
            // address could have it banned (as in Go, `dialPeer`).
            EndReason::Upgrade(UpgradeError::Handshake(_)) => self.book.forget(&address.id),
            // It has proven who it is. It is of another network, say.
            _ => self.book.mark_bad(context.now(), address.id, self.config.ban),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.config.dials.then_some(self.next)
    }

    fn handle_timeout(&mut self, context: &mut Context<'_>) {
        let now = context.now();
        if self.next <= now {
            // Not all nodes of a network at one moment.
            let tenth = self.config.ensure_interval.checked_div(10).unwrap_or_default();
            self.next = now.saturating_add(self.config.ensure_interval).saturating_add(self.chance.up_to(tenth));
            self.ensure_peers(context);
        }
    }
}
