//! How much output to make before it is written.

use core::time::Duration;

use crate::adapter::{FIRST_WRITE, LARGEST_WRITE, LEAST_WRITE};

/// The size of a batch of output: as much as the transport takes in about half a millisecond.
///
/// What is in a batch can not be overtaken any more, and a write of a thread says when it was taken but not how much fits
/// at once. So time is the measure: a fast transport gets batches that make system calls rare, and on a slow one an urgent
/// message waits for little more than what the socket holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteSize {
    /// Bytes of full batches that were written of late, and how many nanoseconds that took.
    bytes: u128,
    nanos: u128,
    least: usize,
    size: usize,
}

/// How long a batch should take.
const BATCH_TIME: Duration = Duration::from_micros(500);
/// Older writes count less: what is remembered is worth about this much time.
const MEMORY: Duration = Duration::from_millis(4);

impl WriteSize {
    /// For packets of at most so many bytes.
    pub(super) fn new(largest_packet: usize) -> Self {
        let least = LEAST_WRITE.max(largest_packet);
        Self { bytes: 0, nanos: 0, least, size: FIRST_WRITE.max(least) }
    }

    pub(super) const fn get(&self) -> usize {
        self.size
    }

    /// A batch of `bytes` was made and written in `time`.
    pub(super) fn wrote(&mut self, bytes: usize, time: Duration) {
        // Packets are whole, so a full batch ends a little below its size. What was not full says nothing: it was not the
        // transport that was waited for.
        if bytes < self.size.saturating_sub(self.size >> 3) {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes as u128);
        self.nanos = self.nanos.saturating_add(time.as_nanos());
        let wanted = self.bytes.saturating_mul(BATCH_TIME.as_nanos()).checked_div(self.nanos).unwrap_or(u128::MAX);
        let most = self.size.saturating_mul(2).min(LARGEST_WRITE);
        self.size = usize::try_from(wanted).unwrap_or(usize::MAX).min(most).max(self.least);
        while self.nanos > MEMORY.as_nanos() {
            self.bytes >>= 1;
            self.nanos >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes full batches to a transport of so many bytes in a microsecond.
    fn after(batches: usize, bytes_per_micro: u64, size: &mut WriteSize) -> usize {
        for _ in 0..batches {
            let bytes = size.get() - 100;
            size.wrote(bytes, Duration::from_nanos(bytes as u64 * 1000 / bytes_per_micro));
        }
        size.get()
    }

    #[test]
    fn a_batch_is_what_the_transport_takes_in_half_a_millisecond() {
        let mut size = WriteSize::new(1044);
        assert_eq!(after(10, 1000, &mut size), LARGEST_WRITE);
        let slow = after(20, 20, &mut size);
        assert!((9_000..=11_000).contains(&slow), "{slow}");
        assert_eq!(after(20, 1, &mut size), LEAST_WRITE);
        assert_eq!(after(200, 1000, &mut size), LARGEST_WRITE);
    }

    #[test]
    fn writes_that_do_not_wait_in_between_do_not_hide_those_that_do() {
        // A socket that takes eight batches at once, and then none for so long that it is 8 bytes in a microsecond.
        let mut size = WriteSize::new(1044);
        for _ in 0..50 {
            let mut bytes = 0;
            for _ in 0..8 {
                bytes += size.get();
                size.wrote(size.get(), Duration::from_micros(5));
            }
            bytes += size.get();
            size.wrote(size.get(), Duration::from_micros(bytes as u64 / 8));
        }
        assert!(size.get() <= 8 << 10, "{size:?}");
    }

    #[test]
    fn output_that_was_all_there_is_changes_nothing() {
        let mut size = WriteSize::new(1044);
        for _ in 0..100 {
            size.wrote(200, Duration::from_millis(1));
        }
        assert_eq!(size.get(), FIRST_WRITE);
    }

    #[test]
    fn a_packet_always_fits() {
        let mut size = WriteSize::new(1 << 20);
        assert_eq!(size.get(), 1 << 20);
        assert_eq!(after(20, 1, &mut size), 1 << 20);
        assert_eq!(after(20, 1000, &mut size), 1 << 20);
    }
}
