//! Bytes that were read and not consumed yet.

use alloc::vec::Vec;
use std::io::{self, Read};

use super::super::read_size::ReadSize;

/// A buffer that is written to by reads and consumed from the front. Its memory is initialised once and not again for each
/// read, which would cost as much as a copy of what is read.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    memory: Vec<u8>,
    start: usize,
    end: usize,
    size: ReadSize,
}

impl ReadBuffer {
    pub(super) const fn new() -> Self {
        Self { memory: Vec::new(), start: 0, end: 0, size: ReadSize::new() }
    }

    /// What was read and not consumed.
    pub(super) fn unread(&self) -> &[u8] {
        self.memory.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// Reads at most `max` bytes, once; 0 when there will be none.
    pub(super) fn read_from(&mut self, reader: &mut impl Read, max: usize) -> io::Result<usize> {
        self.make_room();
        let limit = self.end.saturating_add(max).min(self.memory.len());
        let bytes = reader.read(self.memory.get_mut(self.end..limit).unwrap_or_default())?;
        self.end = self.end.saturating_add(bytes).min(limit);
        self.size.read(bytes);
        Ok(bytes)
    }

    /// Moves what is left (a part of a packet) to the front, and makes room for one read behind it.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        let wanted = self.end.saturating_add(self.size.get());
        if wanted > self.memory.len() {
            self.memory.resize(wanted, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_whatever_is_consumed_between_reads() {
        let source: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        let mut reader = &source[..];
        let mut buffer = ReadBuffer::new();
        let mut seen = Vec::new();
        for step in 1.. {
            let bytes = buffer.read_from(&mut reader, step * 7).unwrap();
            let take = if bytes == 0 { buffer.unread().len() } else { buffer.unread().len() / 2 };
            seen.extend_from_slice(&buffer.unread()[..take]);
            buffer.consume(take);
            if bytes == 0 {
                break;
            }
        }
        assert_eq!(seen, source);
    }

    #[test]
    fn a_read_takes_no_more_than_allowed_and_no_more_than_a_batch() {
        let source = std::vec![0; 1 << 20];
        let mut reader = &source[..];
        let mut buffer = ReadBuffer::new();
        assert_eq!(buffer.read_from(&mut reader, 10).unwrap(), 10);
        assert_eq!(buffer.read_from(&mut reader, usize::MAX).unwrap(), ReadSize::MIN);
        assert_eq!(buffer.unread().len(), ReadSize::MIN + 10);
    }
}
