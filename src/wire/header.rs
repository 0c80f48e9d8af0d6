//! The bytes before a payload.

use core::fmt;

/// The bytes of a message packet that stand before its payload.
///
/// A writer with room to spare stores [`Header::padded`] in one piece and lets the payload overwrite what is too much:
///
/// ```
/// use mconn::wire::{Codec, Header, Proto3};
///
/// let header = Proto3::new().message_header(0x20, true, 5);
/// let mut room = [0; 64];
/// let (start, _) = room.split_at_mut(Header::CAPACITY);
/// start.copy_from_slice(header.padded());
/// room[header.len()..header.len() + 5].copy_from_slice(b"hello");
/// assert_eq!(&room[..header.len() + 5], b"\x0d\x1a\x0b\x08\x20\x10\x01\x1a\x05hello");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Header {
    /// No header of any era is longer. The longest are those of Amino: 3 bytes total length, 4 prefix, 3 channel, 2 end,
    /// 4 payload length (with a payload of [`MAX_PAYLOAD`](super::MAX_PAYLOAD) bytes).
    pub const CAPACITY: usize = 16;

    /// A header without bytes.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// A header of the `len` lowest bytes of `bits`, the lowest first; all bits above must be zero.
    #[inline]
    pub(crate) const fn from_le_bits(bits: u128, len: u32) -> Self {
        debug_assert!(len <= 16 && (len == 16 || bits.wrapping_shr(len.wrapping_mul(8)) == 0));
        // `len` is at most 16: the conversion keeps it.
        Self { bytes: bits.to_le_bytes(), len: len as u8 }
    }

    /// The bytes in the order of the wire.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// All [`Header::CAPACITY`] bytes, those after [`Header::len`] zero: one store of fixed size writes them fastest.
    #[must_use]
    #[inline]
    pub const fn padded(&self) -> &[u8; Self::CAPACITY] {
        &self.bytes
    }

    /// How many bytes the header has.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for Header {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({:02x?})", self.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn an_empty_header_has_no_bytes() {
        assert_eq!(Header::new().as_slice(), b"");
        assert!(Header::new().is_empty());
        assert_eq!(Header::default(), Header::new());
    }

    #[test]
    fn bits_become_bytes_lowest_first() {
        let header = Header::from_le_bits(0x03_02_01, 4);
        assert_eq!(header.as_slice(), [1, 2, 3, 0]);
        assert_eq!(header.len(), 4);
        assert!(!header.is_empty());
        assert_eq!(header.padded()[..5], [1, 2, 3, 0, 0]);
        assert_eq!(format!("{header:?}"), "Header([01, 02, 03, 00])");
        assert_eq!(Header::from_le_bits(u128::MAX, 16).as_slice(), [0xff; 16]);
    }
}
