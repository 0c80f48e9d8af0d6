//! Buffers that are used again.

use alloc::vec::Vec;

/// The most bytes that a new buffer is given when less would do: segments of a usual datagram then fit without growing it.
const USUAL: usize = 2048;

/// Buffers for segments.
///
/// Their capacity is counted: what comes back when it is over the limit is freed, so that many small segments in buffers of
/// large ones can not make more of it than the limit and what is in use.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    free: Vec<Vec<u8>>,
    /// Bytes of all buffers, free and in use.
    capacity: usize,
    limit: usize,
    /// The least that a buffer is given.
    least: usize,
}

impl Pool {
    /// A pool that keeps buffers while all together have at most about `limit` bytes.
    pub(super) fn new(limit: u64, max_segment: usize) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { free: Vec::new(), capacity: 0, limit, least: max_segment.min(USUAL) }
    }

    /// Puts bytes into an empty buffer, which is exchanged when it is too small.
    #[inline]
    pub(super) fn refill(&mut self, buffer: &mut Vec<u8>, bytes: &[u8]) {
        if buffer.capacity() >= bytes.len() && buffer.is_empty() {
            buffer.extend_from_slice(bytes);
        } else {
            self.exchange(buffer, bytes);
        }
    }

    #[cold]
    fn exchange(&mut self, buffer: &mut Vec<u8>, bytes: &[u8]) {
        let old = core::mem::replace(buffer, self.filled(bytes));
        if old.capacity() > 0 {
            self.put(old);
        }
    }

    /// A buffer with these bytes.
    #[inline]
    pub(super) fn filled(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.free.pop().unwrap_or_default();
        if buffer.capacity() < bytes.len() {
            let before = buffer.capacity();
            buffer.reserve_exact(bytes.len().max(self.least));
            self.capacity = self.capacity.saturating_sub(before).saturating_add(buffer.capacity());
        }
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// Whether there is more than is kept.
    #[inline]
    pub(super) const fn is_over(&self) -> bool {
        self.capacity > self.limit
    }

    /// Takes a buffer back.
    #[inline]
    pub(super) fn put(&mut self, mut buffer: Vec<u8>) {
        if self.is_over() && self.free.len() >= 2 {
            self.capacity = self.capacity.saturating_sub(buffer.capacity());
            return;
        }
        buffer.clear();
        self.free.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_and_the_surplus_goes() {
        let mut pool = Pool::new(10_000, 1200);
        let buffers: Vec<_> = (0..20).map(|_| pool.filled(b"abc")).collect();
        assert_eq!((buffers[0].as_slice(), buffers[0].capacity(), pool.capacity), (&b"abc"[..], 1200, 24_000));
        for buffer in buffers {
            pool.put(buffer);
        }
        assert!(pool.capacity <= 10_000 + 1200, "{}", pool.capacity);
        let large = pool.filled(&[1; 3000]);
        assert_eq!(large.capacity(), 3000);
        let kept = pool.capacity;
        pool.put(large);
        assert_eq!(pool.filled(b"x").capacity(), if kept > 10_000 { 1200 } else { 3000 });
    }

    #[test]
    fn what_is_filled_again_is_counted_and_has_nothing_of_before() {
        let mut pool = Pool::new(10_000, 1200);
        let mut buffer = pool.filled(b"abc");
        pool.refill(&mut buffer, b"de");
        assert_eq!(buffer, b"de");
        buffer.clear();
        pool.refill(&mut buffer, &[1; 3000]);
        let capacity = buffer.capacity() + pool.free.iter().map(Vec::capacity).sum::<usize>();
        assert_eq!((buffer.len(), pool.capacity), (3000, capacity));
    }
}
