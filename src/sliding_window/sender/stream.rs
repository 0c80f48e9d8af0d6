//! Bytes without boundaries.

use super::{End, SendOptions, Sender};

/// The most bytes of a stream that are collected into one message.
const STREAM_MESSAGE: usize = 16 * 1024;

impl Sender {
    /// Accepts bytes of a stream: as many from the front as there is room for. 0 means that there is none at present (or that the
    /// sender is finished, or `bytes` empty).
    ///
    /// They become ordered messages, of which the peer reads the bytes one after the other. What is written in small parts is
    /// collected until it is sent.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let mut accepted = 0_usize;
        let largest = self.config.max_message.min(STREAM_MESSAGE);
        while let Some(rest) = bytes.get(accepted..).filter(|rest| !rest.is_empty()) {
            let room = self.config.buffer_bytes.saturating_sub(self.buffered_bytes);
            let new_message = self.tail.is_empty();
            let full = new_message && self.buffered_messages() >= self.config.buffer_messages;
            if room == 0 || full || largest == 0 || self.end != End::Open {
                if self.end == End::Open {
                    self.note_refused(1);
                }
                break;
            }
            let take = rest.len().min(room).min(largest.saturating_sub(self.tail.len()));
            self.tail.extend_from_slice(rest.get(..take).unwrap_or_default());
            self.buffered_bytes = self.buffered_bytes.saturating_add(take);
            accepted = accepted.saturating_add(take);
            if self.tail.len() >= largest {
                self.freeze_tail();
            }
        }
        accepted
    }

    /// Makes a message of what was collected.
    #[cold]
    pub(super) fn freeze_tail(&mut self) {
        if !self.tail.is_empty() {
            let payload = self.tail.split().freeze();
            self.accept(payload, &SendOptions::ORDERED);
        }
    }
}
