//! One direction of a network that carries datagrams, in virtual time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::BytesMut;

use super::random::Random;
use crate::time::{Duration, Instant};

mod config;
mod fate;
mod flight;
mod script;

use config::MILLION;
pub use config::{Bursts, DatagramConfig, Partition};
pub use fate::{Fate, LinkCounters, Loss, Passage};
use flight::Flight;
pub(super) use flight::Parcel;
pub use script::{Act, Classifier, Label, Rule};

/// One direction of a network that carries datagrams: it delays, loses, doubles, reorders and damages them.
///
/// On its way a datagram meets, in this order: the [`Rule`]s, the largest size, partitions, the queue and the wire, loss by
/// chance and in bursts, damage, latency and jitter, what holds it up, and what doubles it. What is lost by chance has taken
/// its time on the wire.
///
/// ```
/// use mconn::sim::{DatagramConfig, DatagramLink, Fate, Loss, Random};
/// use mconn::time::{Duration, Instant};
///
/// let config = DatagramConfig::new().latency(Duration::from_millis(20)).bandwidth(1_000, 25);
/// let mut link = DatagramLink::new(config, Random::new(1));
/// link.send(Instant::ZERO, b"0123456789");
/// link.send(Instant::ZERO, b"0123456789");
/// // Twenty bytes wait for the wire; there is room for five more.
/// assert_eq!(link.send(Instant::ZERO, b"012345"), Fate::Lost(Loss::QueueFull));
/// // Ten bytes take 10 ms at 1,000 bytes per second, and then 20 ms on the way.
/// assert_eq!(link.next_at(), Some(Instant::from_millis(30)));
/// assert_eq!(link.poll_delivery(Instant::from_millis(29)), None);
/// assert_eq!(link.poll_delivery(Instant::from_millis(30)).unwrap(), "0123456789");
/// assert_eq!(link.next_at(), Some(Instant::from_millis(40)));
/// ```
#[derive(Clone, Debug)]
pub struct DatagramLink {
    config: DatagramConfig,
    chances: Chances,
    rules: Vec<Rule>,
    /// What waits until the next datagram is sent, with its number and how late it then is.
    held: Option<(u64, Duration, BytesMut)>,
    flight: Flight,
    /// The memory that these take.
    in_flight: usize,
    /// What has not left the queue: when it does, and its bytes.
    queue: VecDeque<(Instant, usize)>,
    queued: usize,
    /// When the wire has carried all that was sent.
    wire_free: Instant,
    last_arrival: Instant,
    /// While in a burst, when it ends at the latest.
    burst: Option<Instant>,
    /// The highest number that was delivered.
    newest: u64,
    counters: LinkCounters,
}

/// A sequence per fault.
#[derive(Clone, Debug)]
struct Chances {
    loss: Random,
    bursts: Random,
    damage: Random,
    jitter: Random,
    reorder: Random,
    duplicate: Random,
}

/// The memory that a datagram of `len` bytes takes while it is on its way: a little more than its own, and the same on every
/// platform.
const fn held(len: usize) -> usize {
    len.saturating_add(64)
}

fn strikes(random: &mut Random, parts: u32) -> bool {
    parts > 0 && random.below(u64::from(MILLION)) < u64::from(parts)
}

impl DatagramLink {
    /// A link on which nothing is.
    #[must_use]
    pub fn new(config: DatagramConfig, mut random: Random) -> Self {
        let chances = Chances {
            loss: random.fork(),
            bursts: random.fork(),
            damage: random.fork(),
            jitter: random.fork(),
            reorder: random.fork(),
            duplicate: random.fork(),
        };
        Self {
            config,
            chances,
            rules: Vec::new(),
            held: None,
            flight: Flight::default(),
            in_flight: 0,
            queue: VecDeque::new(),
            queued: 0,
            wire_free: Instant::ZERO,
            last_arrival: Instant::ZERO,
            burst: None,
            newest: 0,
            counters: LinkCounters::default(),
        }
    }

    /// Adds a rule. Of the rules the first that strikes a datagram decides; those behind it do not see it.
    pub fn script(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &DatagramConfig {
        &self.config
    }

    /// Changes the configuration: what is on its way stays on its way.
    pub fn reconfigure(&mut self, config: DatagramConfig) {
        self.config = config;
    }

    /// What it has carried so far.
    #[must_use]
    pub const fn counters(&self) -> &LinkCounters {
        &self.counters
    }

    /// Datagrams that are on their way, copies included; the one that is held is not.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flight.len()
    }

    /// Bytes that wait for the wire or are being put on it at `now`, overhead included.
    pub fn queued(&mut self, now: Instant) -> usize {
        while let Some((leaves, weight)) = self.queue.front().copied() {
            if leaves > now {
                break;
            }
            self.queue.pop_front();
            self.queued = self.queued.saturating_sub(weight);
        }
        self.queued
    }

    /// Sends a datagram. What becomes of it is decided now.
    pub fn send(&mut self, now: Instant, datagram: &[u8]) -> Fate {
        self.counters.sent = self.counters.sent.saturating_add(1);
        self.counters.sent_bytes = self.counters.sent_bytes.saturating_add(datagram.len() as u64);
        let number = self.counters.sent;
        let released = self.held.take();
        let act = if self.rules.is_empty() { None } else { self.strike(datagram) };
        let fate = match act {
            Some(Act::Drop) => Err(Loss::Script),
            Some(Act::HoldUntilNext(late)) => {
                self.held = Some((number, late, self.flight.copy(datagram)));
                Ok(Fate::Held)
            }
            act => self.pass(now, number, datagram, act).map(Fate::Arrives),
        };
        if let Some((number, late, bytes)) = released {
            if let Err(why) = self.pass(now, number, &bytes, Some(Act::Delay(late))) {
                self.counters.lose(why);
            }
            self.flight.recycle(bytes);
        }
        fate.unwrap_or_else(|why| {
            self.counters.lose(why);
            Fate::Lost(why)
        })
    }

    /// What the script does to a datagram.
    fn strike(&mut self, datagram: &[u8]) -> Option<Act> {
        let label = if self.rules.iter().any(Rule::needs_label) {
            self.config.classifier.and_then(|classifier| classifier(datagram))
        } else {
            None
        };
        let act = self.rules.iter_mut().find_map(|rule| rule.strike(label));
        self.rules.retain(|rule| !rule.is_spent());
        act
    }

    /// Sends a datagram through all that is not scripted.
    fn pass(&mut self, now: Instant, number: u64, datagram: &[u8], act: Option<Act>) -> Result<Passage, Loss> {
        let weight = self.config.weight(datagram.len());
        if datagram.len() > self.config.mtu {
            return Err(Loss::TooLarge);
        }
        if self.config.partitions.iter().any(|partition| partition.contains(now)) {
            return Err(Loss::Partition);
        }
        if !self.has_room(datagram.len()) {
            return Err(Loss::InFlight);
        }
        let leaves = self.enqueue(now, weight)?;
        self.gamble(leaves)?;
        let mut bytes = self.flight.copy(datagram);
        let (flipped, cut_to) = self.damage(&mut bytes, act);
        let (at, delayed) = self.arrival(leaves, act);
        self.launch(at, number, bytes);
        let again = self.second(at, act).filter(|_| self.has_room(datagram.len()));
        if let Some(again) = again {
            let copy = self.flight.copy(datagram);
            self.launch(again, number, copy);
            self.counters.duplicated = self.counters.duplicated.saturating_add(1);
        }
        Ok(Passage { at, again, flipped, cut_to, delayed })
    }

    fn has_room(&self, len: usize) -> bool {
        self.in_flight.saturating_add(held(len)) <= self.config.in_flight
    }

    fn launch(&mut self, at: Instant, number: u64, bytes: BytesMut) {
        self.in_flight = self.in_flight.saturating_add(held(bytes.len()));
        self.counters.in_flight_peak = self.counters.in_flight_peak.max(self.in_flight);
        self.flight.insert(at, number, bytes);
    }

    /// Puts a datagram into the queue; when the wire has carried it.
    fn enqueue(&mut self, now: Instant, weight: usize) -> Result<Instant, Loss> {
        if self.config.bandwidth.is_none() {
            return Ok(now);
        }
        let queued = self.queued(now).saturating_add(weight);
        if queued > self.config.queue {
            return Err(Loss::QueueFull);
        }
        self.wire_free = self.wire_free.max(now) + self.config.time_on_wire(weight);
        self.queue.push_back((self.wire_free, weight));
        self.queued = queued;
        self.counters.queue_peak = self.counters.queue_peak.max(queued);
        Ok(self.wire_free)
    }

    /// Loss by chance of a datagram that leaves the queue at `leaves`.
    fn gamble(&mut self, leaves: Instant) -> Result<(), Loss> {
        // Both are drawn for every datagram that comes so far, so that one does not change the other.
        let random = strikes(&mut self.chances.loss, self.config.loss);
        if let Some(bursts) = self.config.bursts {
            let before = self.burst.filter(|until| leaves < *until);
            let change = if before.is_some() { bursts.to_good } else { bursts.to_bad };
            self.burst = match (before, strikes(&mut self.chances.bursts, change)) {
                (None, true) => Some(leaves + bursts.longest),
                (Some(_), true) => None,
                (same, false) => same,
            };
            let loss = if self.burst.is_some() { bursts.loss_bad } else { bursts.loss_good };
            if strikes(&mut self.chances.bursts, loss) {
                return Err(Loss::Burst);
            }
        }
        if random { Err(Loss::Random) } else { Ok(()) }
    }

    /// Flips bits and cuts. Returns how many bits differ at most, and the length if it was cut.
    fn damage(&mut self, bytes: &mut BytesMut, act: Option<Act>) -> (u32, Option<usize>) {
        let random = &mut self.chances.damage;
        let corrupt = strikes(random, self.config.corrupt) || act == Some(Act::Corrupt);
        let truncate = strikes(random, self.config.truncate);
        if bytes.is_empty() {
            return (0, None);
        }
        let cut_to = match act {
            Some(Act::Truncate(len)) => (len < bytes.len()).then_some(len),
            _ => truncate.then(|| random.size(0..=bytes.len().saturating_sub(1))),
        };
        let flipped = if corrupt { flip(bytes, random, self.config.flips) } else { 0 };
        if flipped > 0 {
            self.counters.corrupted = self.counters.corrupted.saturating_add(1);
        }
        if let Some(len) = cut_to {
            bytes.truncate(len);
            self.counters.truncated = self.counters.truncated.saturating_add(1);
        }
        (flipped, cut_to)
    }

    /// When a datagram that leaves the queue at `leaves` arrives, and whether it was held up.
    fn arrival(&mut self, leaves: Instant, act: Option<Act>) -> (Instant, bool) {
        let mut arrives = leaves + self.config.latency;
        if !self.config.jitter.is_zero() {
            arrives += self.chances.jitter.duration(self.config.jitter);
        }
        if !self.config.jitter_reorders {
            arrives = arrives.max(self.last_arrival);
            self.last_arrival = arrives;
        }
        let mut delayed = false;
        if strikes(&mut self.chances.reorder, self.config.reorder) {
            delayed = true;
            arrives += self.chances.reorder.duration(self.config.reorder_by).max(Duration::from_nanos(1));
        }
        if let Some(Act::Delay(by)) = act {
            delayed = true;
            arrives += by;
        }
        if delayed {
            self.counters.delayed = self.counters.delayed.saturating_add(1);
        }
        (arrives, delayed)
    }

    /// When the second copy arrives.
    fn second(&mut self, first: Instant, act: Option<Act>) -> Option<Instant> {
        if let Some(Act::Duplicate(later)) = act {
            return Some(first + later);
        }
        let random = &mut self.chances.duplicate;
        strikes(random, self.config.duplicate).then(|| first + random.duration(self.config.duplicate_within))
    }

    /// When the next datagram arrives; in the past when one has arrived already.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.flight.next_at()
    }

    /// Takes the next datagram that has arrived. Give its buffer back with [`DatagramLink::recycle`] where speed matters.
    pub fn poll_delivery(&mut self, now: Instant) -> Option<BytesMut> {
        self.take(now).map(|parcel| parcel.bytes)
    }

    /// The same, with the number of the datagram.
    pub(super) fn take(&mut self, now: Instant) -> Option<Parcel> {
        let parcel = self.flight.take(now)?;
        let len = parcel.bytes.len();
        self.in_flight = self.in_flight.saturating_sub(held(len));
        self.counters.delivered = self.counters.delivered.saturating_add(1);
        self.counters.delivered_bytes = self.counters.delivered_bytes.saturating_add(len as u64);
        if parcel.number < self.newest {
            self.counters.overtaken = self.counters.overtaken.saturating_add(1);
        }
        self.newest = self.newest.max(parcel.number);
        Some(parcel)
    }

    /// Takes back the buffer of a datagram, for the next ones.
    pub fn recycle(&mut self, datagram: BytesMut) {
        self.flight.recycle(datagram);
    }
}

/// Flips up to `most` bits of something that is not empty, and one at least.
fn flip(bytes: &mut [u8], random: &mut Random, most: u32) -> u32 {
    let bits = (bytes.len() as u64).saturating_mul(8);
    let count = random.within(1..=u64::from(most.max(1))) as u32;
    let first = random.below(bits);
    let mut flip = |bit: u64| {
        if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|byte| bytes.get_mut(byte)) {
            *byte ^= 1_u8.wrapping_shl((bit % 8) as u32);
        }
    };
    flip(first);
    for _ in 1..count {
        // Never back: what is called corrupt is.
        let next = random.below(bits);
        if next != first {
            flip(next);
        }
    }
    count
}

#[cfg(test)]
mod tests;
