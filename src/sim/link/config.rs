//! What a link does to the bytes.

use crate::time::Duration;

/// How a [`ByteLink`](super::ByteLink) behaves. The default is ideal: no latency, unlimited bandwidth, no faults, and a buffer
/// of 64 KiB.
///
/// ```
/// use mconn::sim::{Cut, LinkConfig, Stalls};
/// use mconn::time::Duration;
///
/// let link = LinkConfig::new()
///     .latency(Duration::from_millis(80))
///     .jitter(Duration::from_millis(15))
///     .bandwidth(250_000)
///     .buffer(32 << 10)
///     .chunk(1_400)
///     .stalls(Stalls { longest_gap: Duration::from_secs(20), longest: Duration::from_secs(2) })
///     .cut(Cut::failure(1_000_000));
/// # let _ = link;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkConfig {
    /// The time each byte is on its way, besides the time to put it on the wire.
    pub latency: Duration,
    /// The longest additional time, drawn per segment. Bytes never overtake each other.
    pub jitter: Duration,
    /// Bytes per second that the wire carries; `None` for any number. 0 counts as 1.
    pub bandwidth: Option<u64>,
    /// Bytes that were written and not read, at most: both socket buffers together. When it is full, the writer waits.
    pub buffer: usize,
    /// The most bytes that arrive at the same moment; sizes from 1 up to it are drawn. 0 counts as 1.
    pub segment: usize,
    /// The most bytes that one read gives; sizes from 1 up to it are drawn. 0 counts as 1.
    pub chunk: usize,
    /// Intervals in which nothing arrives.
    pub stalls: Option<Stalls>,
    /// Where the link breaks.
    pub cut: Option<Cut>,
}

/// Intervals in which nothing arrives; what would have arrived then arrives at their end.
///
/// ```
/// use mconn::sim::Stalls;
/// use mconn::time::Duration;
/// // On average a second of silence each six seconds.
/// let stalls = Stalls { longest_gap: Duration::from_secs(10), longest: Duration::from_secs(2) };
/// # let _ = stalls;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    /// The longest time between two stalls; each is drawn up to it.
    pub longest_gap: Duration,
    /// The longest stall; each is drawn up to it.
    pub longest: Duration,
}

/// A link that breaks after a number of bytes, wherever in a packet that is.
///
/// ```
/// use mconn::sim::{Cut, CutKind};
/// assert_eq!(Cut::failure(100), Cut { after: 100, kind: CutKind::Failure });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes that still pass. The next one brings the cut.
    pub after: u64,
    /// What happens then.
    pub kind: CutKind,
}

/// How a link breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutKind {
    /// The reader finds the end of the stream, the writer notices nothing: a middlebox closed one half.
    End,
    /// Reading and writing fail.
    Failure,
    /// Nothing arrives any more, and nobody is told: a cable is out. The buffer fills up.
    Silence,
}

impl Cut {
    /// The reader finds the end of the stream after so many bytes.
    #[must_use]
    pub const fn end(after: u64) -> Self {
        Self { after, kind: CutKind::End }
    }

    /// The link fails after so many bytes.
    #[must_use]
    pub const fn failure(after: u64) -> Self {
        Self { after, kind: CutKind::Failure }
    }

    /// Nothing arrives after so many bytes.
    #[must_use]
    pub const fn silence(after: u64) -> Self {
        Self { after, kind: CutKind::Silence }
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl LinkConfig {
    /// An ideal link.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            bandwidth: None,
            buffer: 64 << 10,
            segment: 64 << 10,
            chunk: 64 << 10,
            stalls: None,
            cut: None,
        }
    }

    /// Sets the time each byte is on its way.
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

    /// Sets the bytes per second that the wire carries.
    #[must_use]
    pub const fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second);
        self
    }

    /// Sets how many bytes may be written and not read.
    #[must_use]
    pub const fn buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }

    /// Sets the most bytes that arrive at the same moment.
    #[must_use]
    pub const fn segment(mut self, bytes: usize) -> Self {
        self.segment = bytes;
        self
    }

    /// Sets the most bytes that one read gives.
    #[must_use]
    pub const fn chunk(mut self, bytes: usize) -> Self {
        self.chunk = bytes;
        self
    }

    /// Adds stalls.
    #[must_use]
    pub const fn stalls(mut self, stalls: Stalls) -> Self {
        self.stalls = Some(stalls);
        self
    }

    /// Adds a cut.
    #[must_use]
    pub const fn cut(mut self, cut: Cut) -> Self {
        self.cut = Some(cut);
        self
    }

    /// How long the wire needs for `len` bytes, rounded up to a nanosecond.
    pub(super) fn time_on_wire(&self, len: usize) -> Duration {
        let Some(rate) = self.bandwidth else { return Duration::ZERO };
        let nanoseconds = (len as u64).saturating_mul(1_000_000_000).div_ceil(rate.max(1));
        Duration::from_nanos(nanoseconds)
    }
}
