//! What the peer may send.

use super::Receiver;
use crate::sliding_window::packet::Credit;

/// At which numbers the peer is told anew what is free.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Renewal {
    /// Half a window is free: consumed bytes and messages, segments passed.
    bytes: u64,
    messages: u64,
    segments: u64,
    /// What was consumed when it was told.
    told: (u64, u64, u64),
    /// From so many received bytes on the peer can hardly send anything.
    tight: u64,
}

impl Receiver {
    /// What is free now, all told since the beginning. To be sent; from then on the peer may use it.
    pub(crate) fn credit(&mut self) -> Credit {
        let config = &self.config;
        self.granted = Credit {
            max_bytes: self.consumed_bytes.saturating_add(config.window_bytes),
            max_messages: self.consumed_messages.saturating_add(config.window_messages),
            max_segment: self.base.saturating_add(config.window_segments),
            consumed: self.consumed_messages,
        };
        self.renewal = Renewal {
            bytes: self.consumed_bytes.saturating_add(config.window_bytes.div_ceil(2).max(1)),
            messages: self.consumed_messages.saturating_add(config.window_messages.div_ceil(2).max(1)),
            segments: self.base.saturating_add(config.window_segments.div_ceil(2).max(1)),
            told: (self.consumed_bytes, self.consumed_messages, self.base),
            tight: self.granted.max_bytes.saturating_sub(config.max_segment as u64),
        };
        (self.receipt_due, self.touched) = (false, true);
        self.granted
    }

    /// What the peer was told at most.
    pub(crate) fn granted(&self) -> Credit {
        self.granted
    }

    /// Whether the peer waits for a receipt that it was not told.
    pub(crate) const fn receipt_due(&self) -> bool {
        self.receipt_due
    }

    /// Whether the peer should be told what is free.
    ///
    /// That is so when half a window has become free, when a receipt is due, and when the peer may be waiting: it can hardly send
    /// anything, and nothing is here whose taking would make more free. So neither small windows are told nor can both sides wait.
    pub(crate) fn credit_due(&self) -> bool {
        let renewal = &self.renewal;
        self.receipt_due
            || self.consumed_bytes >= renewal.bytes
            || self.consumed_messages >= renewal.messages
            || self.base >= renewal.segments
            || (!self.is_readable() && self.peer_may_wait())
    }

    /// How far the peer has come, one less while the segment at which the cursor stands is missing: that one is sent again anyway.
    fn ahead(&self) -> u64 {
        let missing = self.slots.front().is_some_and(|slot| !slot.held);
        self.base.saturating_add(self.slots.len() as u64).saturating_sub(u64::from(missing))
    }

    fn peer_may_wait(&self) -> bool {
        let (bytes, messages, segments) = self.renewal.told;
        (self.received_bytes > self.renewal.tight && self.consumed_bytes > bytes)
            || (self.received_messages >= self.granted.max_messages && self.consumed_messages > messages)
            || (self.ahead() >= self.granted.max_segment && self.base > segments)
    }
}
