//! A window that stays as it is.

use alloc::boxed::Box;

use super::{Acked, Congestion, Lost};

/// A window that stays as it is, whatever is lost, and no pacing.
///
/// For a broker's subject, or a link whose capacity is known and not shared: a loss is then no sign that others want more
/// room. On a shared path it takes what it can and gives nothing back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    bytes: u64,
    packets: u64,
}

impl Fixed {
    /// So many bytes and so many packets in flight; `u64::MAX` for one that does not count.
    #[must_use]
    pub const fn new(bytes: u64, packets: u64) -> Self {
        Self { bytes, packets }
    }
}

impl Congestion for Fixed {
    #[inline]
    fn window(&self) -> u64 {
        self.bytes
    }

    #[inline]
    fn window_packets(&self) -> u64 {
        self.packets
    }

    fn on_ack(&mut self, _ack: &Acked) {}

    fn on_loss(&mut self, _loss: &Lost) {}

    fn boxed_clone(&self) -> Box<dyn Congestion> {
        Box::new(*self)
    }
}
