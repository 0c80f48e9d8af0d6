//! What is known of other nodes.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use thiserror::Error;

use super::message::MAX_ADDRESSES;
use super::routable::{is_routable, network_of};
use crate::peer::address::{Host, PeerAddress};
use crate::peer::sequence::Sequence;
use crate::secret::NodeId;
use crate::time::Instant;

/// What a book takes, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BookConfig {
    /// Whether addresses that can not be reached from everywhere are taken (`addr_book_strict = false` of CometBFT). `false`.
    pub allow_private: bool,
    /// Addresses that were heard of and never reached. 4096.
    pub max_new: usize,
    /// Addresses at which the node was. 1024.
    pub max_tried: usize,
    /// New addresses that one node may have told us. 512.
    pub max_new_per_source: usize,
    /// New addresses in one network: one IPv4 /16, one IPv6 /32. 256.
    pub max_new_per_network: usize,
    /// Nodes that are remembered as bad. 1024.
    pub max_banned: usize,
    /// After so many failed dials in a row a new address is forgotten (`maxAttemptsToDial` of `p2p/pex/pex_reactor.go @ v0.38`).
    /// 16.
    pub max_attempts: u32,
    /// With fewer addresses than this, other nodes are asked for more (`needAddressThreshold`). 1000.
    pub enough: usize,
}

impl Default for BookConfig {
    fn default() -> Self {
        Self {
            allow_private: false,
            max_new: 4096,
            max_tried: 1024,
            max_new_per_source: 512,
            max_new_per_network: 256,
            max_banned: 1024,
            max_attempts: 16,
            enough: 1000,
        }
    }
}

/// An address in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownAddress {
    /// The node and where it is.
    pub address: PeerAddress,
    /// Who told us.
    pub source: NodeId,
    /// Whether the node was there once.
    pub tried: bool,
    /// Dials that have failed since it was there.
    pub attempts: u32,
    /// When it was last dialled.
    pub last_attempt: Option<Instant>,
    /// When it was last there.
    pub last_success: Option<Instant>,
}

/// Why an address was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BookRefusal {
    /// It is this node.
    #[error("that is this node")]
    Ourselves,
    /// The host is a name.
    #[error("the host is a name, not an IP address")]
    Name,
    /// It can not be reached from everywhere.
    #[error("{ip} can not be reached from everywhere")]
    NotRoutable {
        /// The address.
        ip: IpAddr,
    },
    /// The port is 0.
    #[error("the port is 0")]
    NoPort,
    /// The node has misbehaved.
    #[error("the node is banned")]
    Banned,
    /// Who tells us has told us enough.
    #[error("its source has told us enough")]
    SourceFull,
    /// Enough new addresses of this network are known.
    #[error("enough new addresses of its network are known")]
    NetworkFull,
}

/// What is known of other nodes: one address for each.
///
/// As in Go there are *new* addresses, of which somebody has told us, and *tried* ones, at which the node was. Their numbers are
/// bounded; what one node can say, and about one network, is a share of the new ones, so that nobody fills the book. Go has
/// buckets for that, which addresses fall into by a hash (`p2p/pex/addrbook.go @ v0.38`); here they are counted.
#[derive(Clone, Debug)]
pub struct AddressBook {
    config: BookConfig,
    own: NodeId,
    chance: Sequence,
    known: BTreeMap<NodeId, KnownAddress>,
    tried: usize,
    /// New addresses by who told us, and by network.
    by_source: BTreeMap<NodeId, usize>,
    by_network: BTreeMap<u64, usize>,
    banned: BTreeMap<NodeId, Instant>,
}

impl AddressBook {
    /// An empty book of the node `own`. What is picked by chance follows from the seed.
    #[must_use]
    pub const fn new(own: NodeId, config: BookConfig, seed: u64) -> Self {
        Self {
            config,
            own,
            chance: Sequence::new(seed),
            known: BTreeMap::new(),
            tried: 0,
            by_source: BTreeMap::new(),
            by_network: BTreeMap::new(),
            banned: BTreeMap::new(),
        }
    }

    /// How many addresses it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many of them are tried.
    #[must_use]
    pub const fn tried(&self) -> usize {
        self.tried
    }

    /// Whether others should be asked for more.
    #[must_use]
    pub fn needs_more(&self) -> bool {
        self.known.len() < self.config.enough
    }

    /// What is known of a node.
    #[must_use]
    pub fn get(&self, id: &NodeId) -> Option<&KnownAddress> {
        self.known.get(id)
    }

    /// All that is known, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = &KnownAddress> {
        self.known.values()
    }

    /// Somebody (or we ourselves, from a file) tells of an address. `true` when it is new.
    ///
    /// Of a node that is known, another address is taken only when it has not been at the one before.
    ///
    /// # Errors
    /// [`BookRefusal`]; nothing has changed.
    pub fn add(&mut self, now: Instant, address: PeerAddress, source: NodeId) -> Result<bool, BookRefusal> {
        let ip = self.check(now, &address)?;
        if let Some(known) = self.known.get(&address.id) {
            if known.address == address || known.tried || known.attempts == 0 {
                return Ok(false);
            }
            // Nobody was there: perhaps here.
            self.forget(&address.id.clone());
        }
        let network = network_of(ip);
        let count = |count: Option<&usize>| count.copied().unwrap_or(0);
        if count(self.by_source.get(&source)) >= self.config.max_new_per_source {
            return Err(BookRefusal::SourceFull);
        }
        if count(self.by_network.get(&network)) >= self.config.max_new_per_network {
            return Err(BookRefusal::NetworkFull);
        }
        self.make_room();
        let id = address.id;
        let known = KnownAddress { address, source, tried: false, attempts: 0, last_attempt: None, last_success: None };
        self.count_new(&known, true);
        self.known.insert(id, known);
        Ok(true)
    }

    fn check(&mut self, now: Instant, address: &PeerAddress) -> Result<IpAddr, BookRefusal> {
        let Host::Ip(ip) = address.at.host else { return Err(BookRefusal::Name) };
        if address.id == self.own {
            return Err(BookRefusal::Ourselves);
        }
        if !self.config.allow_private && !is_routable(ip) {
            return Err(BookRefusal::NotRoutable { ip });
        }
        if address.at.port == 0 {
            return Err(BookRefusal::NoPort);
        }
        match self.is_banned(now, &address.id) {
            true => Err(BookRefusal::Banned),
            false => Ok(ip),
        }
    }

    /// The node was dialled.
    pub fn mark_attempt(&mut self, now: Instant, id: &NodeId) {
        let Some(known) = self.known.get_mut(id) else { return };
        known.attempts = known.attempts.saturating_add(1);
        known.last_attempt = Some(now);
        if !known.tried && known.attempts >= self.config.max_attempts {
            self.forget(id);
        }
    }

    /// The node is there: its address becomes a tried one.
    pub fn mark_good(&mut self, now: Instant, id: &NodeId) {
        let Some(known) = self.known.get_mut(id) else { return };
        known.attempts = 0;
        known.last_success = Some(now);
        if known.tried {
            return;
        }
        known.tried = true;
        let known = known.clone();
        self.count_new(&known, false);
        self.tried = self.tried.saturating_add(1);
        if self.tried > self.config.max_tried {
            // The one that was not there for the longest time.
            let tried = self.known.values().filter(|known| known.tried && known.address.id != *id);
            let oldest = tried.min_by_key(|known| known.last_success).map(|known| known.address.id);
            self.forget(&oldest.unwrap_or(*id));
        }
    }

    /// The node has misbehaved: it is forgotten, and not taken again for a while.
    pub fn mark_bad(&mut self, now: Instant, id: NodeId, ban: Duration) {
        self.forget(&id);
        self.banned.insert(id, now.saturating_add(ban));
        if self.banned.len() > self.config.max_banned {
            let first = self.banned.iter().min_by_key(|(_, until)| **until).map(|(id, _)| *id);
            first.map(|id| self.banned.remove(&id));
        }
    }

    /// Whether the node has misbehaved, not long ago.
    pub fn is_banned(&mut self, now: Instant, id: &NodeId) -> bool {
        match self.banned.entry(*id) {
            Entry::Vacant(_) => false,
            Entry::Occupied(ban) if *ban.get() <= now => {
                ban.remove();
                false
            }
            Entry::Occupied(_) => true,
        }
    }

    /// An address by chance: a new one so many times in a hundred, otherwise a tried one; of the other kind when there is none.
    /// Only those that are `wanted`.
    pub fn pick(&mut self, percent_new: usize, wanted: impl Fn(&KnownAddress) -> bool) -> Option<PeerAddress> {
        let tried_first = self.chance.below(100) >= percent_new;
        for tried in [tried_first, !tried_first] {
            let candidates: Vec<_> =
                self.known.values().filter(|known| known.tried == tried && wanted(known)).collect();
            let chosen = candidates.get(self.chance.below(candidates.len()));
            if let Some(known) = chosen {
                return Some(known.address.clone());
            }
        }
        None
    }

    /// What is told to who asks: by chance 23 of a hundred, at least 32 and at most 250 (`GetSelection`).
    pub fn selection(&mut self) -> Vec<PeerAddress> {
        let mut all: Vec<_> = self.known.values().map(|known| &known.address).collect();
        let share = all.len().saturating_mul(23).checked_div(100).unwrap_or(0);
        let count = share.clamp(32, MAX_ADDRESSES).min(all.len());
        // The first steps of a Fisher-Yates shuffle.
        for place in 0..count {
            let other = place.saturating_add(self.chance.below(all.len().saturating_sub(place)));
            all.swap(place, other);
        }
        all.into_iter().take(count).cloned().collect()
    }

    /// Forgets a node.
    pub fn forget(&mut self, id: &NodeId) {
        let Some(known) = self.known.remove(id) else { return };
        match known.tried {
            true => self.tried = self.tried.saturating_sub(1),
            false => self.count_new(&known, false),
        }
    }

    /// Lets go of a new address when there are too many: one that was dialled in vain most often, or any.
    fn make_room(&mut self) {
        let new = self.known.len().saturating_sub(self.tried);
        if new < self.config.max_new {
            return;
        }
        let place = self.chance.below(new);
        let mut candidates = self.known.values().filter(|known| !known.tried);
        let any = candidates.clone().nth(place).map(|known| known.address.id);
        let worst = candidates.clone().max_by_key(|known| known.attempts).filter(|known| known.attempts > 0);
        let goes =
            worst.map(|known| known.address.id).or(any).or_else(|| candidates.next().map(|known| known.address.id));
        if let Some(id) = goes {
            self.forget(&id);
        }
    }

    /// Counts a new address, or no more.
    fn count_new(&mut self, known: &KnownAddress, more: bool) {
        count(&mut self.by_source, known.source, more);
        if let Host::Ip(ip) = known.address.at.host {
            count(&mut self.by_network, network_of(ip), more);
        }
    }
}

fn count<Key: Ord>(counts: &mut BTreeMap<Key, usize>, key: Key, more: bool) {
    match counts.entry(key) {
        Entry::Vacant(place) if more => {
            place.insert(1);
        }
        Entry::Vacant(_) => {}
        Entry::Occupied(mut place) if more => *place.get_mut() = place.get().saturating_add(1),
        Entry::Occupied(place) if *place.get() <= 1 => {
            place.remove();
        }
        Entry::Occupied(mut place) => *place.get_mut() = place.get().saturating_sub(1),
    }
}

#[cfg(test)]
mod tests;
