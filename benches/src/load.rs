//! What a contender has to carry.

use std::fmt;

use bytes::Bytes;

/// 1 KiB.
pub const KIB: usize = 1024;
/// 1 MiB.
pub const MIB: usize = 1024 * KIB;

/// The message sizes of all groups that carry messages, in bytes.
pub const SIZES: [usize; 4] = [64, KIB, 64 * KIB, MIB];
/// The numbers of channels or streams that they are carried on.
pub const STREAMS: [usize; 3] = [1, 4, 32];

/// Messages of one size, the same number of them on each stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Bytes of a message.
    pub size: usize,
    /// Streams (or channels) that are busy at the same time.
    pub streams: usize,
    /// Messages on each stream.
    pub per_stream: u64,
}

impl Load {
    /// `messages` spread over `streams`, rounded up to the same number on each.
    #[must_use]
    pub fn new(size: usize, streams: usize, messages: u64) -> Self {
        Self { size, streams, per_stream: messages.div_ceil(streams as u64) }
    }

    /// All messages of all streams.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.per_stream * self.streams as u64
    }

    /// All bytes of all messages.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.messages() * self.size as u64
    }

    /// A message to send again and again.
    #[must_use]
    pub fn message(&self) -> Bytes {
        Bytes::from(vec![0x5a; self.size])
    }
}

/// A size as people write it: `64 B`, `1 KiB`.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= MIB && bytes.is_multiple_of(MIB) => write!(f, "{} MiB", bytes / MIB),
            bytes if bytes >= KIB && bytes.is_multiple_of(KIB) => write!(f, "{} KiB", bytes / KIB),
            bytes => write!(f, "{bytes} B"),
        }
    }
}
