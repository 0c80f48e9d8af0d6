//! One packet on its way out.

use bytes::{Buf, Bytes};

use crate::wire::Header;

/// One encoded packet: a header, and a slice of the message that shares the message's memory.
///
/// It is a [`Buf`]; its bytes are the header's and then the payload's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a frame that is not written leaves a hole in the stream"]
pub struct Frame {
    header: Header,
    /// Header bytes that were taken already.
    taken: usize,
    payload: Bytes,
}

impl Frame {
    pub(crate) const fn new(header: Header, payload: Bytes) -> Self {
        Self { header, taken: 0, payload }
    }

    /// A packet without a payload.
    pub(crate) fn control(bytes: &'static [u8]) -> Self {
        Self::new(Header::new(), Bytes::from_static(bytes))
    }

    fn header_rest(&self) -> &[u8] {
        self.header.as_slice().get(self.taken..).unwrap_or_default()
    }
}

impl Buf for Frame {
    fn remaining(&self) -> usize {
        self.header_rest().len().saturating_add(self.payload.len())
    }

    fn chunk(&self) -> &[u8] {
        let header = self.header_rest();
        if header.is_empty() { &self.payload } else { header }
    }

    fn advance(&mut self, count: usize) {
        let from_header = count.min(self.header_rest().len());
        self.taken = self.taken.saturating_add(from_header);
        self.payload.advance(count.saturating_sub(from_header).min(self.payload.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_bytes_are_the_header_and_then_the_payload_however_they_are_taken() {
        let header = Header::from_le_bits(0x0201, 2);
        for first in 0..=5 {
            let mut frame = Frame::new(header, Bytes::from_static(&[3, 4, 5]));
            assert_eq!(frame.remaining(), 5);
            let mut bytes = frame.copy_to_bytes(first).to_vec();
            assert_eq!(frame.remaining(), 5 - first);
            bytes.extend_from_slice(&frame.copy_to_bytes(5 - first));
            assert_eq!(bytes, [1, 2, 3, 4, 5]);
            assert!(!frame.has_remaining());
        }
        assert_eq!(Frame::control(&[9]).chunk(), [9]);
    }
}
