//! One direction of a byte stream in virtual time.

use alloc::collections::VecDeque;

use bytes::{Buf, BytesMut};

use super::random::Random;
use crate::time::{Duration, Instant};

mod config;

pub use config::{Cut, CutKind, LinkConfig, Stalls};

/// One direction of a byte stream: what is written at one end can be read at the other, in order, later.
///
/// It models a TCP connection as a program sees it: bytes that travel, a bounded buffer, and an end that is orderly or not.
/// Nothing is lost except at a [`Cut`], by a [`ByteLink::reset`], or when the reader went away.
///
/// ```
/// use bytes::BytesMut;
/// use mconn::sim::{ByteLink, LinkConfig, Random, Read};
/// use mconn::time::{Duration, Instant};
///
/// let config = LinkConfig::new().latency(Duration::from_millis(20)).bandwidth(1_000);
/// let mut link = ByteLink::new(config, Random::new(1));
/// let mut bytes = BytesMut::from("0123456789");
/// assert_eq!(link.write(Instant::ZERO, &mut bytes), Ok(10));
/// // Ten bytes take 10 ms at 1,000 bytes per second, and then 20 ms on the way.
/// let arrival = Instant::from_millis(30);
/// assert_eq!(link.readable_at(), Some(arrival));
/// let mut read = BytesMut::new();
/// assert_eq!(link.read(Instant::from_millis(29), &mut read, 100), Read::Nothing);
/// assert_eq!(link.read(arrival, &mut read, 100), Read::Bytes(10));
/// assert_eq!(&read[..], b"0123456789");
/// ```
#[derive(Clone, Debug)]
pub struct ByteLink {
    config: LinkConfig,
    random: Random,
    /// Bytes that were written and not read.
    bytes: BytesMut,
    /// How many of them have arrived, and since when the first of these is there.
    ready: usize,
    ready_since: Instant,
    /// Those that travel.
    segments: VecDeque<Segment>,
    /// Bytes that vanished in a silent cut; they fill the buffer for ever.
    stuck: usize,
    /// When the wire has carried all that was written.
    wire_free: Instant,
    last_arrival: Instant,
    stall: Option<(Instant, Instant)>,
    /// Bytes that were written since the start and did not fall behind the cut.
    carried: u64,
    tail: Option<Tail>,
    /// Writing fails from now on.
    broken: bool,
    was_cut: bool,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    arrives: Instant,
    len: usize,
}

/// What the reader finds behind the last byte.
#[derive(Clone, Copy, Debug)]
struct Tail {
    arrives: Instant,
    failed: bool,
    seen: bool,
}

/// What [`ByteLink::read`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes were appended.
    Bytes(usize),
    /// Nothing is there yet.
    Nothing,
    /// The writer has closed its side; nothing more comes.
    End,
    /// The connection failed; nothing more comes.
    Failed,
}

/// The link takes no more bytes: it was cut, or the reader went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link takes no more bytes")]
pub struct LinkBroken;

impl ByteLink {
    /// A link that is empty.
    #[must_use]
    pub fn new(config: LinkConfig, random: Random) -> Self {
        Self {
            config,
            random,
            bytes: BytesMut::new(),
            ready: 0,
            ready_since: Instant::ZERO,
            segments: VecDeque::new(),
            stuck: 0,
            wire_free: Instant::ZERO,
            last_arrival: Instant::ZERO,
            stall: None,
            carried: 0,
            tail: None,
            broken: false,
            was_cut: false,
        }
    }

    /// Bytes that were written and not read: at most the `buffer` of the configuration.
    #[must_use]
    pub fn held(&self) -> usize {
        self.bytes.len().saturating_add(self.stuck)
    }

    /// How many bytes a write would take now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.config.buffer.saturating_sub(self.held())
    }

    /// Whether the writer would be woken: a quarter of the buffer is free, or writing would fail.
    ///
    /// As sockets do, so that one byte read does not wake the writer for one byte.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.broken || self.room() >= self.config.buffer.div_ceil(4).max(1)
    }

    /// Whether the cut of the configuration has come.
    #[must_use]
    pub const fn was_cut(&self) -> bool {
        self.was_cut
    }

    /// Bytes that were taken since the start, without those behind a cut.
    #[must_use]
    pub const fn carried(&self) -> u64 {
        self.carried
    }

    /// Takes bytes from the front of `bytes`, as many as there is room for. Returns how many.
    ///
    /// # Errors
    /// [`LinkBroken`] when the link was cut, reset or closed, or nobody reads it any more. Nothing was taken.
    pub fn write(&mut self, now: Instant, bytes: &mut BytesMut) -> Result<usize, LinkBroken> {
        if self.broken {
            return Err(LinkBroken);
        }
        let taken = bytes.len().min(self.room());
        let carried = match self.config.cut {
            Some(cut) => taken.min(usize::try_from(cut.after.saturating_sub(self.carried)).unwrap_or(usize::MAX)),
            None => taken,
        };
        self.carry(now, &bytes.split_to(carried));
        let behind = taken.saturating_sub(carried);
        if behind > 0 {
            return self.cut(now, bytes, carried, behind);
        }
        Ok(taken)
    }

    fn cut(&mut self, now: Instant, bytes: &mut BytesMut, carried: usize, behind: usize) -> Result<usize, LinkBroken> {
        let Some(cut) = self.config.cut else { return Ok(carried) };
        self.was_cut = true;
        match cut.kind {
            CutKind::Failure => {
                self.broken = true;
                self.end(now, true);
                return if carried > 0 { Ok(carried) } else { Err(LinkBroken) };
            }
            CutKind::End => self.end(now, false),
            CutKind::Silence => self.stuck = self.stuck.saturating_add(behind),
        }
        bytes.advance(behind);
        Ok(carried.saturating_add(behind))
    }

    /// Sends bytes on their way, in segments.
    fn carry(&mut self, now: Instant, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.carried = self.carried.saturating_add(bytes.len() as u64);
        let mut rest = bytes.len();
        while rest > 0 {
            let len = self.random.size(1..=self.config.segment).min(rest);
            rest = rest.saturating_sub(len);
            let arrives = self.arrival(now, len);
            self.segments.push_back(Segment { arrives, len });
        }
    }

    /// When the last of `len` bytes written now arrives: never before what was written earlier.
    fn arrival(&mut self, now: Instant, len: usize) -> Instant {
        self.wire_free = self.wire_free.max(now) + self.config.time_on_wire(len);
        let arrives = self.wire_free + self.config.latency + self.random.duration(self.config.jitter);
        self.last_arrival = self.behind_stalls(arrives.max(self.last_arrival));
        self.last_arrival
    }

    /// Moves an arrival that falls into a stall to the end of the stall.
    fn behind_stalls(&mut self, arrives: Instant) -> Instant {
        let Some(stalls) = self.config.stalls else { return arrives };
        loop {
            let (from, until) = match self.stall {
                Some(stall) if arrives < stall.1 => stall,
                previous => {
                    let gap = self.random.duration(stalls.longest_gap).max(Duration::from_nanos(1));
                    let from = previous.map_or(Instant::ZERO, |(_, until)| until) + gap;
                    let stall = (from, from + self.random.duration(stalls.longest));
                    self.stall = Some(stall);
                    // At the end of time no stall lies behind the arrival.
                    if stall.1 == Instant::MAX {
                        return arrives;
                    }
                    continue;
                }
            };
            return if arrives < from { arrives } else { until };
        }
    }

    fn end(&mut self, now: Instant, failed: bool) {
        let arrives = self.arrival(now, 0);
        self.tail.get_or_insert(Tail { arrives, failed, seen: false });
    }

    /// The writer closes its side: the reader gets what was written, and then [`Read::End`]. The other direction goes on.
    pub fn close(&mut self, now: Instant) {
        if !self.was_cut {
            self.end(now, false);
        }
        self.broken = true;
    }

    /// The writer goes away and takes with it what has not been read: the reader gets [`Read::Failed`] after the latency.
    pub fn reset(&mut self, now: Instant) {
        self.broken = true;
        if self.was_cut {
            return;
        }
        self.forget();
        let arrives = (now + self.config.latency).max(self.ready_since);
        self.tail = Some(Tail { arrives, failed: true, seen: false });
    }

    /// The reader goes away: what travels is lost, and writing fails.
    pub fn stop_reading(&mut self) {
        self.broken = true;
        self.forget();
        self.tail = None;
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.segments.clear();
        self.ready = 0;
    }

    /// The moment at which a read finds something; in the past when it would now. `None` while nothing is on its way.
    #[must_use]
    pub fn readable_at(&self) -> Option<Instant> {
        if self.ready > 0 {
            return Some(self.ready_since);
        }
        if let Some(segment) = self.segments.front() {
            return Some(segment.arrives);
        }
        self.tail.filter(|tail| !tail.seen).map(|tail| tail.arrives)
    }

    /// Appends bytes that have arrived to `into`: at most `max`, and at most a chunk of a size drawn from the seed.
    pub fn read(&mut self, now: Instant, into: &mut BytesMut, max: usize) -> Read {
        while let Some(segment) = self.segments.front().filter(|segment| segment.arrives <= now) {
            if self.ready == 0 {
                self.ready_since = segment.arrives;
            }
            self.ready = self.ready.saturating_add(segment.len);
            self.segments.pop_front();
        }
        if self.ready > 0 && max > 0 {
            let len = self.random.size(1..=self.config.chunk).min(self.ready).min(max);
            into.extend_from_slice(&self.bytes.split_to(len));
            self.ready = self.ready.saturating_sub(len);
            return Read::Bytes(len);
        }
        match &mut self.tail {
            Some(tail) if self.ready == 0 && self.segments.is_empty() && tail.arrives <= now => {
                tail.seen = true;
                if tail.failed { Read::Failed } else { Read::End }
            }
            _ => Read::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
