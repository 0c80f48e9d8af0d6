//! The bytes before a payload.

use core::fmt;

/// The bytes of a message packet that stand before its payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Header {
    /// No header of any era is longer: 4 length + 4 prefix + 1 + 4 inner length + 3 channel + 2 end + 5 payload length.
    pub const CAPACITY: usize = 24;

    /// A header without bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// Appends a byte; one that does not fit is dropped, which no codec here lets happen.
    pub(crate) const fn push(&mut self, byte: u8) {
        if let Some((_, tail)) = self.bytes.split_at_mut_checked(self.len as usize)
            && let Some(slot) = tail.first_mut()
        {
            *slot = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    /// The bytes in the order of the wire.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// All [`Header::CAPACITY`] bytes, those after [`Header::len`] zero: one store of fixed size writes them fastest.
    #[must_use]
    pub const fn padded(&self) -> &[u8; Self::CAPACITY] {
        &self.bytes
    }

    /// How many bytes the header has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has none.
    #[must_use]
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
