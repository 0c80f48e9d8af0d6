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

    /// Puts bytes into a place for a buffer, where there is none.
    #[inline(always)]
    pub(super) fn fill(&mut self, place: &mut Vec<u8>, bytes: &[u8]) {
        if let Some(free) = self.free.pop() {
            *place = free;
        }
        if place.capacity() < bytes.len() {
            self.grow(place, bytes.len());
        }
        place.extend_from_slice(bytes);
    }

    #[cold]
    fn grow(&mut self, place: &mut Vec<u8>, len: usize) {
        let before = place.capacity();
        place.reserve_exact(len.max(self.least));
        self.capacity = self.capacity.saturating_sub(before).saturating_add(place.capacity());
    }

    /// Whether there is more than is kept.
    #[inline]
    const fn is_over(&self) -> bool {
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
        let filled = |pool: &mut Pool, bytes: &[u8]| {
            let mut place = Vec::new();
            pool.fill(&mut place, bytes);
            place
        };
        let mut pool = Pool::new(10_000, 1200);
        let buffers: Vec<_> = (0..20).map(|_| filled(&mut pool, b"abc")).collect();
        assert_eq!((buffers[0].as_slice(), buffers[0].capacity(), pool.capacity), (&b"abc"[..], 1200, 24_000));
        for buffer in buffers {
            pool.put(buffer);
        }
        assert!(pool.capacity <= 10_000 + 1200, "{}", pool.capacity);
        let large = filled(&mut pool, &[1; 3000]);
        assert_eq!(large.capacity(), 3000);
        let kept = pool.capacity;
        pool.put(large);
        assert_eq!(filled(&mut pool, b"x").capacity(), if kept > 10_000 { 1200 } else { 3000 });
    }
}
