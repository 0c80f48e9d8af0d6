//! BLAKE2b-512 of files.

use std::fmt;
use std::io::{self, Read};

use blake2::digest::Digest;

/// How many bytes a checksum has.
pub(crate) const CHECKSUM_LEN: usize = 64;

/// A checksum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checksum(pub(crate) [u8; CHECKSUM_LEN]);

/// The checksum of bytes that come in pieces.
#[derive(Clone, Default)]
pub(crate) struct Hasher(blake2::Blake2b512);

impl Checksum {
    /// In place of one that is not known.
    pub(crate) const fn none() -> Self {
        Self([0; CHECKSUM_LEN])
    }
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of what came so far.
    pub(crate) fn checksum(&self) -> Checksum {
        Checksum(self.0.clone().finalize().into())
    }

    /// Adds what is read, to the end or up to `most` bytes, and tells how many that were. `each` is told of every piece.
    pub(crate) fn read(&mut self, from: impl Read, most: u64, each: impl Fn(u64)) -> io::Result<u64> {
        let mut from = from.take(most);
        let mut buffer = vec![0; 256 << 10];
        let mut total = 0;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count?,
            };
            self.update(&buffer[..count]);
            total += count as u64;
            each(count as u64);
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
