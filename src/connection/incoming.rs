//! The receiving side of a channel: packets become messages.

use alloc::vec::Vec;

use bytes::Bytes;

use super::config::ChannelConfig;
use super::error::CloseReason;
use crate::time::Instant;

/// Buffers up to this size are kept for the next message, and messages up to it are copied out of them into memory of
/// exactly their size. A larger buffer becomes the message itself.
const REUSED: usize = 64 << 10;

/// The message that is arriving on one channel.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    channel: u8,
    /// Whether a first packet was there and the last one not.
    in_progress: bool,
    partial: Vec<u8>,
    /// The capacity that `partial` had in the pool, if it came from there. It counts as the pool's as long as it is in use:
    /// else a peer could fill the pool, put a byte into each of its buffers, and fill it again.
    lent: usize,
    /// When the first packet came.
    started: Instant,
    /// Bytes to reserve when a message of more than one packet begins.
    reserve: usize,
    capacity: usize,
}

impl Incoming {
    pub(crate) const fn new(config: &ChannelConfig) -> Self {
        Self {
            channel: config.id,
            in_progress: false,
            partial: Vec::new(),
            lent: 0,
            started: Instant::ZERO,
            reserve: config.recv_buffer_capacity,
            capacity: config.recv_message_capacity,
        }
    }

    /// When the message began whose last packet is missing; `None` when there is none.
    pub(crate) fn started(&self) -> Option<Instant> {
        self.in_progress.then_some(self.started)
    }

    /// Makes the message younger by the time during which we did not read.
    pub(crate) fn postpone(&mut self, by: core::time::Duration) {
        self.started += by;
    }

    pub(crate) const fn partial_bytes(&self) -> usize {
        self.partial.len()
    }

    /// Forgets an incomplete message and its memory.
    pub(crate) fn clear(&mut self) {
        self.in_progress = false;
        self.partial = Vec::new();
        self.lent = 0;
    }

    /// The size of the message with `more` bytes, if that is allowed. Checked before anything is copied.
    fn grown(&self, more: usize) -> Result<usize, CloseReason> {
        let needed = self.partial.len().saturating_add(more);
        if needed > self.capacity {
            return Err(CloseReason::MessageTooLarge { channel: self.channel, needed, capacity: self.capacity });
        }
        Ok(needed)
    }
}

/// What the channels of one connection share: the budget for incomplete messages, and buffers for the next ones.
#[derive(Clone, Debug)]
pub(crate) struct Reassembly {
    partial_bytes: usize,
    partial_messages: usize,
    max_partial_bytes: usize,
    pool: Vec<Vec<u8>>,
    /// Capacity of the buffers in the pool, and of those that were lent to a channel.
    pool_bytes: usize,
    max_pool_bytes: usize,
}

impl Reassembly {
    pub(crate) const fn new(max_partial_bytes: usize, max_pool_bytes: usize) -> Self {
        Self {
            partial_bytes: 0,
            partial_messages: 0,
            max_partial_bytes,
            pool: Vec::new(),
            pool_bytes: 0,
            max_pool_bytes,
        }
    }

    /// Channels on which a message is not complete.
    pub(crate) const fn partial_messages(&self) -> usize {
        self.partial_messages
    }

    /// Bytes of all incomplete messages.
    pub(crate) const fn partial_bytes(&self) -> usize {
        self.partial_bytes
    }

    /// Bytes of the buffers that are kept or lent.
    pub(crate) const fn pool_bytes(&self) -> usize {
        self.pool_bytes
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.max_partial_bytes, self.max_pool_bytes);
    }

    /// A packet after which more follows.
    pub(crate) fn more(&mut self, channel: &mut Incoming, payload: &[u8], now: Instant) -> Result<(), CloseReason> {
        let needed = channel.grown(payload.len())?;
        let total = self.partial_bytes.saturating_add(payload.len());
        if total > self.max_partial_bytes {
            let limit = self.max_partial_bytes;
            return Err(CloseReason::PartialBytes { channel: channel.channel, needed: total, limit });
        }
        if !channel.in_progress {
            channel.in_progress = true;
            channel.started = now;
            self.partial_messages = self.partial_messages.saturating_add(1);
        }
        if needed > channel.partial.capacity() {
            self.make_room(channel, needed);
        }
        channel.partial.extend_from_slice(payload);
        self.partial_bytes = total;
        Ok(())
    }

    /// The last packet of a message: gives the message, in memory of its own and of exactly its size.
    pub(crate) fn last(&mut self, channel: &mut Incoming, payload: &[u8]) -> Result<Bytes, CloseReason> {
        let needed = channel.grown(payload.len())?;
        if !channel.in_progress {
            return Ok(Bytes::copy_from_slice(payload));
        }
        channel.in_progress = false;
        self.partial_messages = self.partial_messages.saturating_sub(1);
        self.partial_bytes = self.partial_bytes.saturating_sub(channel.partial.len());
        let mut buffer = core::mem::take(&mut channel.partial);
        self.pool_bytes = self.pool_bytes.saturating_sub(core::mem::take(&mut channel.lent));
        if needed <= REUSED {
            let mut message = Vec::with_capacity(needed);
            message.extend_from_slice(&buffer);
            message.extend_from_slice(payload);
            self.keep(buffer);
            return Ok(message.into());
        }
        buffer.reserve_exact(payload.len());
        buffer.extend_from_slice(payload);
        buffer.shrink_to_fit();
        Ok(buffer.into())
    }

    /// Grows the buffer of a channel to at least `needed` bytes: twice what it was, but no more than the message may have.
    fn make_room(&mut self, channel: &mut Incoming, needed: usize) {
        if channel.partial.capacity() == 0
            && let Some(buffer) = self.pool.pop()
        {
            channel.lent = buffer.capacity();
            channel.partial = buffer;
            if needed <= channel.lent {
                return;
            }
        }
        let doubled = channel.partial.capacity().saturating_mul(2);
        let wanted = doubled.max(channel.reserve).min(channel.capacity).max(needed);
        // Where memory for the wish is not to be had, that for the bytes which are there may be.
        let _ = channel.partial.try_reserve_exact(wanted.saturating_sub(channel.partial.len()));
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        let total = self.pool_bytes.saturating_add(buffer.capacity());
        if buffer.capacity() == 0 || buffer.capacity() > REUSED || total > self.max_pool_bytes {
            return;
        }
        buffer.clear();
        self.pool_bytes = total;
        self.pool.push(buffer);
    }
}
