//! What the peer may send.

use super::Receiver;
use crate::sliding_window::packet::Credit;

impl Receiver {
    /// What is free now, all told since the beginning. To be sent; from then on the peer may use it.
    pub(crate) fn credit(&mut self) -> Credit {
        self.granted = self.target();
        self.receipt_due = false;
        self.granted
    }

    /// What the peer was told at most.
    pub(crate) fn granted(&self) -> Credit {
        self.granted
    }

    /// Whether the peer should be told what is free.
    ///
    /// That is so when half a window has become free, when a receipt is due, and when the peer may be waiting: it can hardly send
    /// anything, and nothing is here whose taking would make more free. So neither small windows are told nor can both sides wait.
    #[inline]
    pub(crate) fn credit_due(&self) -> bool {
        let (target, granted) = (self.target(), self.granted);
        let bytes = target.max_bytes.saturating_sub(granted.max_bytes);
        let messages = target.max_messages.saturating_sub(granted.max_messages);
        let segments = target.max_segment.saturating_sub(granted.max_segment);
        if self.receipt_due
            || bytes.saturating_mul(2) >= self.config.window_bytes.max(1)
            || messages.saturating_mul(2) >= self.config.window_messages.max(1)
            || segments.saturating_mul(2) >= self.config.window_segments.max(1)
        {
            return true;
        }
        if (bytes | messages | segments) == 0 || self.is_readable() {
            return false;
        }
        let bytes_left = granted.max_bytes.saturating_sub(self.received_bytes);
        let messages_left = granted.max_messages.saturating_sub(self.received_messages);
        let seen = self.base.saturating_add(self.slots.len() as u64);
        (bytes > 0 && bytes_left < self.config.max_segment as u64)
            || (messages > 0 && messages_left == 0)
            || (segments > 0 && seen >= granted.max_segment)
    }

    #[inline]
    pub(super) fn target(&self) -> Credit {
        Credit {
            max_bytes: self.consumed_bytes.saturating_add(self.config.window_bytes),
            max_messages: self.consumed_messages.saturating_add(self.config.window_messages),
            max_segment: self.base.saturating_add(self.config.window_segments),
            consumed: self.consumed_messages,
        }
    }
}
