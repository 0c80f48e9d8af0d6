//! What a link does to the datagrams.

use alloc::vec::Vec;

use super::script::Classifier;
use crate::sim::random::Random;
use crate::time::{Duration, Instant};

/// How a [`DatagramLink`](super::DatagramLink) behaves. The default is ideal: no latency, unlimited bandwidth, no faults.
///
/// Every probability is in parts per million. Each fault draws from a sequence of its own: turning one off leaves the others
/// as they were.
///
/// ```
/// use mconn::sim::{Bursts, DatagramConfig, Partition};
/// use mconn::time::{Duration, Instant};
///
/// let link = DatagramConfig::new()
///     .latency(Duration::from_millis(40))
///     .jitter(Duration::from_millis(5))
///     .bandwidth(12_500_000, 128 << 10)
///     .mtu(1_472)
///     .loss(10_000) // 1 %
///     .bursts(Bursts::new(8, 5_000)) // and 0.5 % in bursts of eight on average
///     .reorder(20_000, Duration::from_millis(10))
///     .duplicate(1_000, Duration::from_millis(100))
///     .corrupt(500)
///     .truncate(500)
///     .partition(Partition::new(Instant::from_secs(3), Instant::from_secs(5)));
/// # let _ = link;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatagramConfig {
    /// The time on the way, besides the time to put the datagram on the wire.
    pub latency: Duration,
    /// The longest additional time, drawn per datagram.
    pub jitter: Duration,
    /// Whether `jitter` lets datagrams overtake each other. `reorder` always does.
    pub jitter_reorders: bool,
    /// Bytes per second that the wire carries; `None` for any number. 0 counts as 1.
    pub bandwidth: Option<u64>,
    /// Bytes that wait for the wire or are being put on it, at most; what exceeds it is lost (tail drop). It counts only with
    /// a `bandwidth`.
    pub queue: usize,
    /// Bytes that each datagram takes on the wire and in the queue besides its own: 28 for UDP over IPv4. An empty datagram
    /// counts as one byte.
    pub overhead: usize,
    /// The largest datagram in bytes, without `overhead`; larger ones are lost.
    pub mtu: usize,
    /// How many datagrams are lost, each by itself.
    pub loss: u32,
    /// Loss in bursts.
    pub bursts: Option<Bursts>,
    /// How many are held up, so that later ones overtake them.
    pub reorder: u32,
    /// The longest time for which they are; each is drawn from a nanosecond up to it.
    pub reorder_by: Duration,
    /// How many arrive twice.
    pub duplicate: u32,
    /// The longest time between the two; each is drawn up to it. The second copy is never damaged.
    pub duplicate_within: Duration,
    /// How many arrive with flipped bits.
    pub corrupt: u32,
    /// The most bits that are flipped in one; at least one is.
    pub flips: u32,
    /// How many arrive cut short, by one byte or more.
    pub truncate: u32,
    /// When the link is down: what is sent then is lost.
    pub partitions: Vec<Partition>,
    /// The memory that datagrams on their way take, at most, in bytes, each 64 more than its own; what exceeds it is lost.
    pub in_flight: usize,
    /// Tells what a datagram is, for [`Rule`](super::Rule)s and traces.
    pub classifier: Option<Classifier>,
}

/// Loss in bursts, after Gilbert and Elliott: a link that is either good or bad, and changes with each datagram.
///
/// ```
/// use mconn::sim::Bursts;
/// // Five of a hundred are lost, four in a row on average.
/// let bursts = Bursts::new(4, 50_000);
/// assert_eq!((bursts.to_good, bursts.loss_good, bursts.loss_bad), (250_000, 0, 1_000_000));
/// assert_eq!(bursts.to_bad, 13_157); // so that the share of the bad state is 5 %
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// The probability of going from good to bad, per datagram, in parts per million.
    pub to_bad: u32,
    /// The probability of going from bad to good.
    pub to_good: u32,
    /// The probability that a datagram is lost in the good state (Gilbert: 0).
    pub loss_good: u32,
    /// The probability that it is lost in the bad state (Gilbert: all).
    pub loss_bad: u32,
    /// How long the bad state lasts, at most. Without a limit a burst of twenty datagrams is a minute of silence for one who
    /// sends a datagram each three seconds.
    pub longest: Duration,
}

impl Bursts {
    /// Bursts of `mean_length` datagrams on average in which all are lost; `share` of all datagrams, in parts per million.
    ///
    /// A length of 0 counts as 1; a share of a million or more is a link on which nearly all is lost. There is no limit of
    /// time.
    #[must_use]
    pub fn new(mean_length: u32, share: u32) -> Self {
        let to_good = MILLION.checked_div(mean_length).unwrap_or(MILLION);
        let good = MILLION.saturating_sub(share).max(1);
        // In equilibrium share * to_good = good * to_bad.
        let wide = u64::from(to_good).saturating_mul(u64::from(share)).checked_div(u64::from(good));
        let to_bad = wide.unwrap_or(u64::MAX).min(u64::from(MILLION)) as u32;
        Self { to_bad, to_good, loss_good: 0, loss_bad: MILLION, longest: Duration::MAX }
    }

    /// Sets how long a burst lasts at most.
    #[must_use]
    pub const fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }
}

/// A time in which a link is down.
///
/// ```
/// use mconn::sim::Partition;
/// use mconn::time::Instant;
/// let partition = Partition::new(Instant::from_secs(1), Instant::from_secs(2));
/// assert!(partition.contains(Instant::from_secs(1)) && !partition.contains(Instant::from_secs(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The first moment.
    pub from: Instant,
    /// The first moment after it.
    pub until: Instant,
}

impl Partition {
    /// From one moment until another.
    #[must_use]
    pub const fn new(from: Instant, until: Instant) -> Self {
        Self { from, until }
    }

    /// From a moment on, for ever: a cable that was cut.
    #[must_use]
    pub const fn for_ever(from: Instant) -> Self {
        Self { from, until: Instant::MAX }
    }

    /// Whether the link is down at `moment`.
    #[must_use]
    pub fn contains(&self, moment: Instant) -> bool {
        self.from <= moment && moment < self.until
    }
}

/// Parts per million.
pub(super) const MILLION: u32 = 1_000_000;

impl Default for DatagramConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl DatagramConfig {
    /// An ideal link.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            jitter_reorders: false,
            bandwidth: None,
            queue: 64 << 10,
            overhead: 0,
            mtu: 65_535,
            loss: 0,
            bursts: None,
            reorder: 0,
            reorder_by: Duration::ZERO,
            duplicate: 0,
            duplicate_within: Duration::ZERO,
            corrupt: 0,
            flips: 3,
            truncate: 0,
            partitions: Vec::new(),
            in_flight: 64 << 20,
            classifier: None,
        }
    }

    /// Sets the time on the way.
    #[must_use]
    pub const fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the longest additional time.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets the bytes per second that the wire carries, and the bytes that may wait for it.
    #[must_use]
    pub const fn bandwidth(mut self, bytes_per_second: u64, queue: usize) -> Self {
        self.bandwidth = Some(bytes_per_second);
        self.queue = queue;
        self
    }

    /// Sets the bytes that each datagram takes besides its own.
    #[must_use]
    pub const fn overhead(mut self, bytes: usize) -> Self {
        self.overhead = bytes;
        self
    }

    /// Sets the largest datagram.
    #[must_use]
    pub const fn mtu(mut self, bytes: usize) -> Self {
        self.mtu = bytes;
        self
    }

    /// Sets how many are lost, in parts per million.
    #[must_use]
    pub const fn loss(mut self, parts: u32) -> Self {
        self.loss = parts;
        self
    }

    /// Adds loss in bursts.
    #[must_use]
    pub const fn bursts(mut self, bursts: Bursts) -> Self {
        self.bursts = Some(bursts);
        self
    }

    /// Sets how many are held up, in parts per million, and for how long at most.
    #[must_use]
    pub const fn reorder(mut self, parts: u32, by: Duration) -> Self {
        self.reorder = parts;
        self.reorder_by = by;
        self
    }

    /// Sets how many arrive twice, in parts per million, and how far apart at most.
    #[must_use]
    pub const fn duplicate(mut self, parts: u32, within: Duration) -> Self {
        self.duplicate = parts;
        self.duplicate_within = within;
        self
    }

    /// Sets how many arrive with flipped bits, in parts per million.
    #[must_use]
    pub const fn corrupt(mut self, parts: u32) -> Self {
        self.corrupt = parts;
        self
    }

    /// Sets how many arrive cut short, in parts per million.
    #[must_use]
    pub const fn truncate(mut self, parts: u32) -> Self {
        self.truncate = parts;
        self
    }

    /// Adds a time in which the link is down.
    #[must_use]
    pub fn partition(mut self, partition: Partition) -> Self {
        self.partitions.push(partition);
        self
    }

    /// Sets what tells what a datagram is.
    #[must_use]
    pub const fn classifier(mut self, classifier: Classifier) -> Self {
        self.classifier = Some(classifier);
        self
    }

    /// How long the wire needs for `bytes`, rounded up to a nanosecond.
    ///
    /// ```
    /// use mconn::sim::DatagramConfig;
    /// use mconn::time::Duration;
    /// let link = DatagramConfig::new().bandwidth(12_500_000, 65_536); // 100 Mbit/s
    /// assert_eq!(link.time_on_wire(1_200), Duration::from_micros(96));
    /// ```
    #[must_use]
    pub fn time_on_wire(&self, bytes: usize) -> Duration {
        let Some(rate) = self.bandwidth else { return Duration::ZERO };
        Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000).div_ceil(rate.max(1)))
    }

    /// What a datagram of `len` bytes takes on the wire and in the queue.
    pub(super) fn weight(&self, len: usize) -> usize {
        len.saturating_add(self.overhead).max(1)
    }

    /// A link with faults of many kinds, drawn: from nearly ideal to hardly usable, but one on which an endpoint that keeps
    /// trying gets through. Three times in ten it has a bandwidth, its bursts end within three seconds and its partitions within
    /// ten.
    #[must_use]
    pub fn drawn(random: &mut Random) -> Self {
        let milliseconds = Duration::from_millis;
        let mut link = Self::new().latency(random.duration(milliseconds(100)));
        let parts = |random: &mut Random, times: u64, most: u64| {
            if random.percent(times) { random.below(most.saturating_add(1)) as u32 } else { 0 }
        };
        link.jitter = if random.percent(50) { random.duration(milliseconds(50)) } else { Duration::ZERO };
        link.jitter_reorders = random.percent(50);
        if random.percent(30) {
            link = link.bandwidth(random.within(20_000..=10_000_000), random.size(4_096..=262_144));
        }
        link.loss = parts(random, 60, 250_000);
        if random.percent(25) {
            let bursts = Bursts::new(random.within(2..=20) as u32, random.below(150_000) as u32);
            link.bursts = Some(bursts.longest(random.duration(milliseconds(3_000))));
        }
        link = link.reorder(parts(random, 40, 300_000), random.duration(milliseconds(200)));
        link = link.duplicate(parts(random, 40, 200_000), random.duration(milliseconds(2_000)));
        link.corrupt = parts(random, 30, 100_000);
        link.truncate = parts(random, 20, 50_000);
        while random.percent(20) {
            let from = Instant::ZERO + random.duration(milliseconds(5_000));
            link.partitions.push(Partition::new(from, from + random.duration(milliseconds(5_000))));
        }
        link
    }
}
