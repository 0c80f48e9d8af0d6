//! Messages that are complete and wait to be taken: bounded, so that a slow user stops the reading.

use alloc::collections::VecDeque;

use bytes::Bytes;

use super::event::Event;

#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    messages: VecDeque<(u8, Bytes)>,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
}

impl Inbox {
    pub(crate) const fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self { messages: VecDeque::new(), bytes: 0, max_messages, max_bytes }
    }

    /// Whether no message may be added; one that is added before that may exceed the bytes.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= self.max_messages || self.bytes >= self.max_bytes
    }

    #[inline]
    pub(crate) fn push(&mut self, channel: u8, payload: Bytes) {
        self.bytes = self.bytes.saturating_add(payload.len());
        self.messages.push_back((channel, payload));
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        let (channel, payload) = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(payload.len());
        Some(Event::Message { channel, payload })
    }

    /// Exchanges all messages for `empty`, which has none and whose memory is used from then on. Returns their bytes.
    pub(crate) fn swap(&mut self, empty: &mut VecDeque<(u8, Bytes)>) -> usize {
        core::mem::swap(&mut self.messages, empty);
        core::mem::take(&mut self.bytes)
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
