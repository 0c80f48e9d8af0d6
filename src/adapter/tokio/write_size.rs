//! How much output to make before it is written.

use crate::adapter::{FIRST_WRITE, LARGEST_WRITE, LEAST_WRITE};

/// The size of a batch of output: no more than what the stream takes without a pause.
///
/// What is in a batch can not be overtaken any more. So whatever does not fit into a full socket makes urgent messages wait
/// longer than the socket does.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteSize {
    /// Bytes that the stream took since it last took nothing.
    taken: usize,
    least: usize,
    size: usize,
}

impl WriteSize {
    /// For packets of at most so many bytes.
    pub(super) fn new(largest_packet: usize) -> Self {
        let least = LEAST_WRITE.max(largest_packet);
        Self { taken: 0, least, size: FIRST_WRITE.max(least) }
    }

    pub(super) const fn get(&self) -> usize {
        self.size
    }

    /// The stream has taken `bytes`.
    #[inline]
    pub(super) const fn took(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(bytes);
    }

    /// A batch of `bytes` was taken to its end.
    #[inline]
    pub(super) fn finished(&mut self, bytes: usize) {
        // Packets are whole, so a full batch ends a little below its size.
        if bytes >= self.size.saturating_sub(self.size >> 3) && self.taken >= self.size {
            self.size = self.size.saturating_mul(2).min(LARGEST_WRITE.max(self.least));
        }
    }

    /// The stream takes nothing more just now.
    pub(super) fn stalled(&mut self) {
        if self.taken > 0 {
            self.size = self.taken.clamp(self.least, LARGEST_WRITE.max(self.least));
            self.taken = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_the_stream_takes_everything() {
        let mut size = WriteSize::new(1044);
        let mut sizes = std::vec![size.get() >> 10];
        for _ in 0..7 {
            let batch = size.get() - 40;
            size.took(batch);
            size.finished(batch);
            sizes.push(size.get() >> 10);
        }
        assert_eq!(sizes, [16, 16, 32, 64, 128, 256, 256, 256]);
    }

    #[test]
    fn output_that_was_all_there_is_changes_nothing() {
        let mut size = WriteSize::new(1044);
        for _ in 0..1000 {
            size.took(200);
            size.finished(200);
        }
        assert_eq!(size.get(), FIRST_WRITE);
    }

    #[test]
    fn it_is_what_the_stream_takes_between_two_pauses() {
        let mut size = WriteSize::new(1044);
        size.took(10_000);
        size.stalled();
        assert_eq!(size.get(), 10_000);
        size.stalled(); // asked again, it still takes nothing
        assert_eq!(size.get(), 10_000);
        size.took(7_000);
        size.finished(17_000);
        size.took(2_000);
        size.stalled();
        assert_eq!(size.get(), 9_000);
        size.took(1);
        size.stalled();
        assert_eq!(size.get(), LEAST_WRITE);
    }

    #[test]
    fn a_packet_always_fits() {
        let mut size = WriteSize::new(1 << 20);
        size.took(5000);
        size.stalled();
        assert_eq!(size.get(), 1 << 20);
        size.took(2 << 20);
        size.finished(1 << 20);
        assert_eq!(size.get(), 1 << 20);
    }
}
