//! What happened in a run, and when: for people, for `diff`, and for a hash.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::Side;
use crate::time::Instant;

/// All that happened in a run, one entry per line: [`Happening`]s at the sides of a pair, or
/// [`Occurrence`](super::Occurrence)s at the addresses of a world.
///
/// It prints as text with one line per entry, each with the time in seconds, the side, and what happened. The same seed gives
/// the same text, byte for byte, on every run, platform and optimisation level.
///
/// ```
/// use mconn::sim::{Happening, Side, Trace};
/// use mconn::time::Instant;
///
/// let mut trace = Trace::new();
/// trace.push(Instant::from_millis(1_500), Side::A, Happening::Wrote { bytes: 12 });
/// assert_eq!(trace.to_string(), "     1.500000000 A wrote 12 bytes\n");
/// let hash = trace.hash(); // 64 bits that stand for the text
/// # assert_eq!(hash, 0xdd98_016d_e103_8657);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<P = Side, W = Happening> {
    entries: Vec<Entry<P, W>>,
}

impl<P, W> Default for Trace<P, W> {
    fn default() -> Self {
        Self::new()
    }
}

/// One line of a [`Trace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<P = Side, W = Happening> {
    /// The virtual time.
    pub at: Instant,
    /// Where it happened.
    pub side: P,
    /// What happened.
    pub what: W,
}

/// Something that happened at one side of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// The machine took a message for sending.
    Accepted {
        /// Its channel.
        channel: u8,
        /// Its length in bytes.
        len: usize,
        /// A digest of its bytes ([`Fnv`]).
        digest: u64,
    },
    /// The machine refused a message, for good.
    Refused {
        /// Its channel.
        channel: u8,
        /// Its length in bytes.
        len: usize,
        /// Why.
        why: Cow<'static, str>,
    },
    /// The user took a message.
    Delivered {
        /// Its channel.
        channel: u8,
        /// Its length in bytes.
        len: usize,
        /// A digest of its bytes ([`Fnv`]).
        digest: u64,
    },
    /// The driver was woken by this deadline of the machine.
    Woken {
        /// The name of the deadline.
        timer: Cow<'static, str>,
    },
    /// The driver woke for no reason.
    Ticked,
    /// The link took bytes.
    Wrote {
        /// How many.
        bytes: usize,
    },
    /// The link gave bytes.
    Read {
        /// How many.
        bytes: usize,
    },
    /// The link gave the end of the stream.
    ReadEnd,
    /// Reading failed.
    ReadFailed,
    /// Writing failed.
    WriteFailed,
    /// The user asked the machine to do something.
    Asked {
        /// What.
        operation: Cow<'static, str>,
    },
    /// The last event of the machine.
    Closed {
        /// Why it ended.
        reason: Cow<'static, str>,
    },
    /// The transport was let go.
    Gone {
        /// How.
        how: Cow<'static, str>,
    },
}

impl<P: fmt::Display, W: fmt::Display> fmt::Display for Entry<P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.at.as_nanos();
        let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        write!(f, "{seconds:6}.{fraction:09} {} {}", self.side, self.what)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { channel, len, digest } => write!(f, "accepted {channel:#04x} {len} bytes {digest:016x}"),
            Self::Refused { channel, len, why } => write!(f, "refused {channel:#04x} {len} bytes: {why}"),
            Self::Delivered { channel, len, digest } => write!(f, "delivered {channel:#04x} {len} bytes {digest:016x}"),
            Self::Woken { timer } => write!(f, "woken by {timer}"),
            Self::Ticked => f.write_str("ticked"),
            Self::Wrote { bytes } => write!(f, "wrote {bytes} bytes"),
            Self::Read { bytes } => write!(f, "read {bytes} bytes"),
            Self::ReadEnd => f.write_str("read the end"),
            Self::ReadFailed => f.write_str("read failed"),
            Self::WriteFailed => f.write_str("write failed"),
            Self::Asked { operation } => write!(f, "asked to {operation}"),
            Self::Closed { reason } => write!(f, "closed: {reason}"),
            Self::Gone { how } => write!(f, "transport {how}"),
        }
    }
}

impl<P: fmt::Display, W: fmt::Display> fmt::Display for Trace<P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl<P, W> Trace<P, W> {
    /// A trace of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds an entry.
    pub fn push(&mut self, at: Instant, side: P, what: W) {
        self.entries.push(Entry { at, side, what });
    }

    /// All entries, in the order in which they happened.
    #[must_use]
    pub fn entries(&self) -> &[Entry<P, W>] {
        &self.entries
    }
}

impl<P: fmt::Display + PartialEq, W: fmt::Display + PartialEq> Trace<P, W> {
    /// The hash of the printed text: [`Fnv`], the same on every platform.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = Fnv::new();
        let _ = write!(hash, "{self}");
        hash.finish()
    }

    /// The first line in which two traces differ: its number, from 1, and both lines. `None` when they are the same.
    ///
    /// ```
    /// use mconn::sim::{Happening, Side, Trace};
    /// use mconn::time::Instant;
    /// let (mut one, mut two) = (Trace::new(), Trace::new());
    /// one.push(Instant::ZERO, Side::B, Happening::ReadEnd);
    /// assert_eq!(one.difference(&one.clone()), None);
    /// let (line, mine, theirs) = one.difference(&two).unwrap();
    /// assert_eq!((line, mine.as_str(), theirs.as_str()), (1, "     0.000000000 B read the end", ""));
    /// # two.push(Instant::ZERO, Side::B, Happening::ReadFailed);
    /// # assert!(one.difference(&two).is_some());
    /// ```
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<(usize, String, String)> {
        let lines = self.entries.len().max(other.entries.len());
        let differs = (0..lines).find(|&line| self.entries.get(line) != other.entries.get(line))?;
        let text = |trace: &Self| trace.entries.get(differs).map(|entry| format!("{entry}")).unwrap_or_default();
        Some((differs.saturating_add(1), text(self), text(other)))
    }

    /// The last `lines` lines, as text.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let mut text = String::new();
        for entry in self.entries.iter().skip(self.entries.len().saturating_sub(lines)) {
            let _ = writeln!(text, "{entry}");
        }
        text
    }
}

/// FNV-1a with 64 bits: a hash that is the same everywhere and for ever. Not for hostile input.
///
/// ```
/// use mconn::sim::Fnv;
/// assert_eq!(Fnv::digest(b"foobar"), 0x8594_4171_f739_67e8);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self::new()
    }
}

impl Fnv {
    /// The hash of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The hash of all that was added.
    #[must_use]
    pub const fn finish(self) -> u64 {
        self.0
    }

    /// The hash of `bytes`.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> u64 {
        let mut hash = Self::new();
        hash.update(bytes);
        hash.finish()
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_hash_is_that_of_the_printed_text() {
        let mut trace = Trace::new();
        assert_eq!(trace.hash(), Fnv::digest(b""));
        let everything = [
            Happening::Accepted { channel: 1, len: 2, digest: 3 },
            Happening::Refused { channel: 1, len: 2, why: "no".into() },
            Happening::Delivered { channel: 255, len: 0, digest: u64::MAX },
            Happening::Woken { timer: "Ping".into() },
            Happening::Ticked,
            Happening::Wrote { bytes: 1 },
            Happening::Read { bytes: 1 },
            Happening::ReadEnd,
            Happening::ReadFailed,
            Happening::WriteFailed,
            Happening::Asked { operation: "close".into() },
            Happening::Closed { reason: "closed by us".into() },
            Happening::Gone { how: "closed".into() },
        ];
        for (millisecond, what) in everything.into_iter().enumerate() {
            trace.push(Instant::from_millis(millisecond as u64), Side::A, what);
        }
        let text = trace.to_string();
        assert_eq!(trace.hash(), Fnv::digest(text.as_bytes()));
        let mut lines: std::vec::Vec<&str> = text.lines().map(|line| &line[19..]).collect();
        assert_eq!(lines[0], "accepted 0x01 2 bytes 0000000000000003");
        assert_eq!(lines[11], "closed: closed by us");
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), trace.entries().len(), "every kind reads differently");
    }

    #[test]
    fn the_tail_is_the_end_of_the_text() {
        let mut trace = Trace::new();
        for bytes in 0..5 {
            trace.push(Instant::ZERO, Side::B, Happening::Read { bytes });
        }
        assert!(trace.to_string().ends_with(&trace.tail(2)));
        assert_eq!(trace.tail(2).lines().count(), 2);
        assert_eq!(trace.tail(9), trace.to_string());
    }
}
