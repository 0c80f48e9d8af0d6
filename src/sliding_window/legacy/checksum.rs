//! BLAKE2b-512, without a key: the original's checksum of data and of files.

use blake2::{Blake2b512, Digest};

/// How many bytes a checksum has.
pub const CHECKSUM_LEN: usize = 64;

/// The checksum of `data`. It finds accidents; it keeps nobody from changing data on purpose.
///
/// ```
/// let checksum = mconn::sliding_window::legacy::checksum(b"");
/// assert_eq!(checksum[..4], [0x78, 0x6a, 0x02, 0xf7]);
/// ```
///
/// Source: `Blake2bOfBytes` in `recv.go`.
#[must_use]
pub fn checksum(data: &[u8]) -> [u8; CHECKSUM_LEN] {
    Blake2b512::digest(data).into()
}

/// The checksum of data that come in pieces, such as a file that is larger than memory.
///
/// ```
/// use mconn::sliding_window::legacy::{Checksum, checksum};
///
/// let mut pieces = Checksum::new();
/// pieces.update(b"hello ");
/// pieces.update(b"world");
/// assert_eq!(pieces.finish(), checksum(b"hello world"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Checksum(Blake2b512);

impl Checksum {
    /// The checksum of no data yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The checksum of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; CHECKSUM_LEN] {
        self.0.finalize().into()
    }
}
