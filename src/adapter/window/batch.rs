//! Datagrams on their way out.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::PeerAddress;

/// Datagrams for one peer, one behind the other.
#[derive(Debug)]
pub struct Batch {
    pub(super) to: PeerAddress,
    pub(super) buffer: Vec<u8>,
    start: usize,
    lengths: VecDeque<usize>,
}

impl Batch {
    /// Room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { to: PeerAddress::OtherEnd, buffer: alloc::vec![0; bytes], start: 0, lengths: VecDeque::new() }
    }

    /// To whom they go.
    #[must_use]
    pub const fn to(&self) -> &PeerAddress {
        &self.to
    }

    /// Whether all were taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// How many are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// The next one.
    #[must_use]
    pub fn first(&self) -> Option<&[u8]> {
        self.buffer.get(self.start..)?.get(..*self.lengths.front()?)
    }

    /// The next ones that go in one call with segmentation offload: at most `most`, all of the length of the first except for a
    /// shorter last one. Gives their bytes, that length, and how many they are.
    #[must_use]
    pub fn first_run(&self, most: usize) -> Option<(&[u8], usize, usize)> {
        let segment = *self.lengths.front()?;
        let (mut bytes, mut count): (usize, usize) = (0, 0);
        for len in self.lengths.iter().take(most.max(1)) {
            if *len > segment {
                break;
            }
            (bytes, count) = (bytes.saturating_add(*len), count.saturating_add(1));
            if *len < segment {
                break;
            }
        }
        Some((self.buffer.get(self.start..)?.get(..bytes)?, segment, count))
    }

    /// Notes that the next `count` were taken.
    pub fn advance(&mut self, count: usize) {
        for len in self.lengths.drain(..count.min(self.lengths.len())) {
            self.start = self.start.saturating_add(len);
        }
    }

    /// The buffer, to be filled anew.
    pub(super) fn refill(&mut self, to: PeerAddress, lengths: &mut Vec<usize>) {
        (self.to, self.start) = (to, 0);
        self.lengths.clear();
        self.lengths.extend(lengths.drain(..));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(lengths: &[usize]) -> Batch {
        let mut batch = Batch::with_room(100);
        batch.buffer = (0..100).collect();
        batch.refill(PeerAddress::OtherEnd, &mut lengths.to_vec());
        batch
    }

    #[test]
    fn a_run_ends_with_the_first_that_is_shorter_and_before_the_first_that_is_longer() {
        let mut batch = batch(&[5, 5, 3, 5, 9, 9]);
        assert_eq!(batch.first_run(64), Some((&(0..13).collect::<Vec<u8>>()[..], 5, 3)));
        assert_eq!(batch.first_run(2), Some((&(0..10).collect::<Vec<u8>>()[..], 5, 2)));
        batch.advance(3);
        assert_eq!(batch.first_run(64), Some((&[13, 14, 15, 16, 17][..], 5, 1)));
        batch.advance(1);
        assert_eq!((batch.first().unwrap()[0], batch.len()), (18, 2));
        batch.advance(7);
        assert!(batch.is_empty() && batch.first().is_none() && batch.first_run(64).is_none());
    }
}
