//! How many bytes to move in one system call.

/// The size of a read or a batch of output: 64 KiB, and up to 256 KiB while the transport moves that much at once.
///
/// Small batches cost system calls (reads of 4 KiB reach about half of the speed of 64 KiB ones); large ones, beyond what
/// the transport takes at once, only make urgent messages wait behind bytes that are encoded already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSize(usize);

impl BatchSize {
    pub(crate) const MIN: usize = 64 << 10;
    pub(crate) const MAX: usize = 256 << 10;

    pub(crate) const fn new() -> Self {
        Self(Self::MIN)
    }

    pub(crate) const fn get(self) -> usize {
        self.0
    }

    /// The transport has moved `bytes` at once.
    #[inline]
    pub(crate) fn moved(&mut self, bytes: usize) {
        // Packets are whole, so a full batch of output ends a little below its size.
        if bytes >= self.0.saturating_sub(self.0 >> 3) {
            self.0 = self.0.saturating_mul(2).min(Self::MAX);
        } else if bytes < self.0 >> 1 {
            self.0 = (self.0 >> 1).max(Self::MIN);
        }
    }

    /// The transport took less than it was given.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "a write of a thread does not stop halfway"))]
    pub(crate) fn stalled(&mut self) {
        self.0 = Self::MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_batches_are_full_and_shrinks_when_they_are_not() {
        let mut size = BatchSize::new();
        let mut sizes = std::vec![size.get() >> 10];
        for moved in [BatchSize::MIN, 120 << 10, BatchSize::MAX, BatchSize::MAX, 130 << 10, 100, 100, 100] {
            size.moved(moved);
            sizes.push(size.get() >> 10);
        }
        assert_eq!(sizes, [64, 128, 256, 256, 256, 256, 128, 64, 64]);
        size.moved(BatchSize::MIN);
        size.stalled();
        assert_eq!(size.get(), BatchSize::MIN);
    }
}
