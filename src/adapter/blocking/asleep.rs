//! Who sleeps, and what for.

use alloc::vec::Vec;

use crate::connection::MConnConfig;
use crate::time::Instant;

/// Who sleeps. Whoever wakes a sleeper takes the mark away, so that nobody is woken twice: each time costs a system call.
#[derive(Debug, Default)]
pub(super) struct Asleep {
    /// The writer, and until when.
    pub(super) writer: Option<Instant>,
    pub(super) reader: bool,
    /// What the receiver took since the reader went to sleep.
    pub(super) room: Room,
    pub(super) receiver: bool,
    /// Senders that wait for room, per channel in the order of the configuration.
    pub(super) senders: Vec<Waiting>,
    pub(super) senders_total: usize,
}

/// Room in the inbox. A reader that sleeps because it was full is woken when half of it is free, not for each message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    half_messages: usize,
    half_bytes: usize,
    messages: usize,
    bytes: usize,
}

impl Room {
    pub(super) const fn of_inbox(messages: usize, bytes: usize) -> Self {
        Self { half_messages: messages >> 1, half_bytes: bytes >> 1, messages: 0, bytes: 0 }
    }

    pub(super) const fn begin(&mut self) {
        (self.messages, self.bytes) = (0, 0);
    }

    #[inline]
    pub(super) const fn took(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) const fn is_enough(&self) -> bool {
        self.messages >= self.half_messages || self.bytes >= self.half_bytes
    }
}

/// Senders that wait for room on one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) channel: u8,
    pub(super) count: usize,
    /// They are woken when no more bytes than this are queued.
    pub(super) low_bytes: usize,
}

impl Asleep {
    pub(super) fn nobody<D>(config: &MConnConfig<D>) -> Self {
        let senders = config.channels.iter().map(|channel| Waiting {
            channel: channel.id,
            count: 0,
            low_bytes: channel.send_queue_bytes >> 1,
        });
        let room = Room::of_inbox(config.inbox_messages, config.inbox_bytes);
        Self { senders: senders.collect(), room, ..Self::default() }
    }

    pub(super) fn sender_sleeps(&mut self, position: usize) {
        self.senders_total = self.senders_total.saturating_add(1);
        if let Some(waiting) = self.senders.get_mut(position) {
            waiting.count = waiting.count.saturating_add(1);
        }
    }

    pub(super) fn sender_woke(&mut self, position: usize) {
        self.senders_total = self.senders_total.saturating_sub(1);
        if let Some(waiting) = self.senders.get_mut(position) {
            waiting.count = waiting.count.saturating_sub(1);
        }
    }
}
