//! What the user of a session does, and when.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::sim::Promise;
use crate::time::Duration;

/// What is promised to a message: the channel of its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// In order.
    Ordered,
    /// In any order.
    Unordered,
    /// In order, unless it expires.
    Expiring,
    /// In any order, unless it expires.
    ExpiringUnordered,
    /// A part of a stream.
    Stream,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ordered, Self::Unordered, Self::Expiring, Self::ExpiringUnordered, Self::Stream];

    /// The channel in the ledger, and the first byte of each message.
    #[must_use]
    pub const fn channel(self) -> u8 {
        match self {
            Self::Ordered => 0,
            Self::Unordered => 1,
            Self::Expiring => 2,
            Self::ExpiringUnordered => 3,
            Self::Stream => 4,
        }
    }

    /// What is promised.
    #[must_use]
    pub const fn promise(self) -> Promise {
        match self {
            Self::Ordered => Promise::Ordered,
            Self::Unordered => Promise::Unordered,
            Self::Expiring => Promise::Expiring,
            Self::ExpiringUnordered => Promise::ExpiringUnordered,
            Self::Stream => Promise::Stream,
        }
    }

    /// Whether its place among the others counts.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Ordered | Self::Expiring)
    }

    /// Whether it may expire.
    #[must_use]
    pub const fn expires(self) -> bool {
        matches!(self, Self::Expiring | Self::ExpiringUnordered)
    }
}

/// How long a message is worth sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// For so long after it was accepted.
    For(Duration),
    /// For so many transmissions.
    Transmissions(u32),
}

/// A message that a user sends.
///
/// Its first byte is its channel and the next four its number, as far as it is long enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// When, from the start of the session on.
    pub at: Duration,
    /// What is promised to it.
    pub kind: Kind,
    /// How long it is worth sending, for those that expire.
    pub lifetime: Lifetime,
    /// Whether a receipt is asked for.
    pub receipt: bool,
    /// Whether the user asks to be told when all up to it is acknowledged.
    pub flush: bool,
    /// Its bytes.
    pub payload: Bytes,
}

/// How a user reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Messages that it takes in a row.
    pub batch: u32,
    /// How long it rests after that.
    pub rest: Duration,
    /// When it does nothing at all, from and until, from the start of the session on.
    pub sleeps: Vec<(Duration, Duration)>,
    /// The size of the buffer with which a stream is read; 0 when messages are taken.
    pub buffer: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { batch: u32::MAX, rest: Duration::ZERO, sleeps: Vec::new(), buffer: 0 }
    }
}

/// How a user ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Farewell {
    /// Both sides finish.
    Close,
    /// Finishes its own side and waits for the other.
    Finish,
    /// At once.
    Abort,
    /// Its transport fails.
    Fail,
}

/// What the user of a session does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conduct {
    /// What it sends, in order.
    pub letters: Vec<Letter>,
    /// How it reads.
    pub reading: Reading,
    /// How it ends the session.
    pub farewell: Farewell,
    /// When, from the start on.
    pub farewell_at: Duration,
    /// Whether it waits until all was accepted, and all receipts and flushes have come.
    pub patient: bool,
    /// When it closes whatever happens.
    pub hard_stop: Duration,
    /// When its transport fails, and how often it goes on with another session after such a cut.
    pub cut: Option<Duration>,
    /// How often it goes on with another session after the network has cut one.
    pub resumes: u32,
    /// How long it waits before that.
    pub resumes_after: Duration,
    /// Whether what comes is compared with what was sent: not from a hostile peer.
    pub trusts: bool,
    /// Whether what has not come is missed: not when the other end was replaced.
    pub misses: bool,
}

impl Conduct {
    /// A user that sends these, reads all at once, and closes when all has come through.
    #[must_use]
    pub fn new(letters: Vec<Letter>) -> Self {
        Self {
            letters,
            reading: Reading::default(),
            farewell: Farewell::Close,
            farewell_at: Duration::ZERO,
            patient: true,
            hard_stop: Duration::from_secs(86_400),
            cut: None,
            resumes: 0,
            resumes_after: Duration::ZERO,
            trusts: true,
            misses: true,
        }
    }

    /// A user that waits until the other side ends.
    #[must_use]
    pub fn listener() -> Self {
        Self { farewell_at: Duration::from_secs(86_400), ..Self::new(Vec::new()) }
    }
}
