//! Bytes into a buffer of fixed size.

use super::varint::{MAX_VARINT, varint_len};

/// Writes into a buffer that the caller lends, front to back.
///
/// What does not fit is not written, nor is anything after it; [`Writer::finish`] tells. Encoders ask for
/// [`Writer::remaining`] first, so that it does not come to that.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
    overflowed: bool,
}

impl<'a> Writer<'a> {
    /// A writer that begins at the start of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0, overflowed: false }
    }

    /// Bytes that were written.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes for which there is room.
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> usize {
        if self.overflowed { 0 } else { self.buffer.len().saturating_sub(self.len) }
    }

    /// Whether something did not fit.
    pub(crate) const fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Forgets what was written after the first `len` bytes, and that something did not fit.
    pub fn rewind(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.overflowed = false;
    }

    /// Appends bytes.
    #[inline]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        match self.buffer.get_mut(self.len..end) {
            Some(room) if !self.overflowed => {
                room.copy_from_slice(bytes);
                self.len = end;
            }
            _ => self.overflowed = true,
        }
    }

    /// What is free, to be written to directly; [`Writer::written`] says how much was.
    #[inline]
    #[must_use]
    pub fn free(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.len..).filter(|_| !self.overflowed).unwrap_or_default()
    }

    /// The first `len` bytes of what was free were written.
    #[inline]
    pub fn written(&mut self, len: usize) {
        let end = self.len.saturating_add(len);
        if end <= self.buffer.len() && !self.overflowed {
            self.len = end;
        } else {
            self.overflowed = true;
        }
    }

    /// Appends one byte.
    #[inline]
    pub fn put_u8(&mut self, byte: u8) {
        self.put_slice(&[byte]);
    }

    /// Appends a number of 32 bits, the lowest byte first.
    #[inline]
    pub fn put_u32(&mut self, number: u32) {
        self.put_slice(&number.to_le_bytes());
    }

    /// Appends a number of 64 bits, the lowest byte first.
    #[inline]
    pub fn put_u64(&mut self, number: u64) {
        self.put_slice(&number.to_le_bytes());
    }

    /// Appends a number as short as QUIC can write it; more than [`MAX_VARINT`] becomes that.
    #[inline]
    pub fn put_varint(&mut self, value: u64) {
        match varint_len(value) {
            1 => self.put_u8(value as u8),
            2 => self.put_slice(&(value as u16 | 0x4000).to_be_bytes()),
            4 => self.put_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
            _ => self.put_slice(&(value.min(MAX_VARINT) | 0xc000_0000_0000_0000).to_be_bytes()),
        }
    }

    /// How many bytes were written; `None` when something did not fit.
    #[inline]
    #[must_use]
    pub const fn finish(self) -> Option<usize> {
        if self.overflowed { None } else { Some(self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_front_to_back() {
        let mut buffer = [0xff; 16];
        let mut writer = Writer::new(&mut buffer);
        assert!(writer.is_empty());
        writer.put_u8(1);
        writer.put_u32(0x0403_0201);
        writer.put_u64(9);
        writer.put_slice(b"ab");
        assert_eq!((writer.len(), writer.remaining(), writer.is_empty()), (15, 1, false));
        writer.rewind(14);
        writer.rewind(20);
        assert_eq!(writer.finish(), Some(14));
        assert_eq!(buffer, [1, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', 0xff]);
    }

    #[test]
    fn what_does_not_fit_ends_it() {
        let mut buffer = [0; 4];
        let mut writer = Writer::new(&mut buffer);
        writer.put_slice(b"a");
        writer.free()[..2].copy_from_slice(b"bc");
        writer.written(2);
        writer.written(2);
        assert!(writer.free().is_empty());
        assert_eq!((writer.len(), writer.remaining()), (3, 0));
        writer.put_u8(9);
        assert_eq!(writer.finish(), None);
        assert_eq!(&buffer, b"abc\0");
    }
}
