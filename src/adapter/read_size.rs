//! How many bytes to read at once.

/// The size of a read: 64 KiB, and up to 256 KiB while the transport has that much at once.
///
/// Reads of 4 KiB reach about half of the speed of 64 KiB ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadSize(usize);

impl ReadSize {
    pub(crate) const MIN: usize = 64 << 10;
    pub(crate) const MAX: usize = 256 << 10;

    pub(crate) const fn new() -> Self {
        Self(Self::MIN)
    }

    pub(crate) const fn get(self) -> usize {
        self.0
    }

    /// A read gave `bytes`.
    #[inline]
    pub(crate) fn read(&mut self, bytes: usize) {
        if bytes >= self.0.saturating_sub(self.0 >> 3) {
            self.0 = self.0.saturating_mul(2).min(Self::MAX);
        } else if bytes < self.0 >> 1 {
            self.0 = (self.0 >> 1).max(Self::MIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_reads_are_full_and_shrinks_when_they_are_not() {
        let mut size = ReadSize::new();
        let mut sizes = std::vec![size.get() >> 10];
        for bytes in [ReadSize::MIN, 120 << 10, ReadSize::MAX, ReadSize::MAX, 130 << 10, 100, 100, 100] {
            size.read(bytes);
            sizes.push(size.get() >> 10);
        }
        assert_eq!(sizes, [64, 128, 256, 256, 256, 256, 128, 64, 64]);
    }
}
