//! The receiving side of a channel: packets become messages.

use alloc::vec::Vec;

use bytes::Bytes;

use super::config::ChannelConfig;
use super::error::CloseReason;
use super::recycle::Recycler;
use crate::time::Instant;

/// The message that is arriving on one channel.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    channel: u8,
    /// Whether a first packet was there and the last one not.
    in_progress: bool,
    partial: Vec<u8>,
    /// The size of the last message of more than one packet: messages of one channel are often alike.
    last_size: usize,
    /// What was reserved of the connection's budget for this message, going by the last one.
    ahead: usize,
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
            last_size: 0,
            ahead: 0,
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
        self.ahead = 0;
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

/// What the channels of one connection share: the budgets for incomplete messages, and the memory of those handed out.
#[derive(Clone, Debug)]
pub(crate) struct Reassembly {
    partial_bytes: usize,
    partial_messages: usize,
    max_partial_bytes: usize,
    /// Bytes that are reserved for messages whose packets have not come, going by the channel's last message.
    ahead_bytes: usize,
    max_ahead_bytes: usize,
    recycler: Recycler,
}

impl Reassembly {
    pub(crate) const fn new(max_partial_bytes: usize, max_ahead_bytes: usize, recycler: Recycler) -> Self {
        Self { partial_bytes: 0, partial_messages: 0, max_partial_bytes, ahead_bytes: 0, max_ahead_bytes, recycler }
    }

    /// Channels on which a message is not complete.
    pub(crate) const fn partial_messages(&self) -> usize {
        self.partial_messages
    }

    /// Bytes of all incomplete messages.
    pub(crate) const fn partial_bytes(&self) -> usize {
        self.partial_bytes
    }

    /// Bytes that are reserved going by the last messages.
    pub(crate) const fn ahead_bytes(&self) -> usize {
        self.ahead_bytes
    }

    /// Bytes of messages that were handed out, and whose memory may be used again.
    pub(crate) const fn recycled_bytes(&self) -> usize {
        self.recycler.bytes()
    }

    /// A while has passed: what was of no use in it goes.
    pub(crate) fn rest(&mut self) {
        self.recycler.rest();
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.max_partial_bytes, self.max_ahead_bytes, Recycler::new(0));
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
        self.ahead_bytes = self.ahead_bytes.saturating_sub(core::mem::take(&mut channel.ahead));
        channel.last_size = needed;
        let mut message = core::mem::take(&mut channel.partial);
        message.reserve_exact(payload.len());
        message.extend_from_slice(payload);
        // Nothing is pinned beside the message itself; a message as long as the last one has nothing to give back.
        message.shrink_to_fit();
        let message = message.into();
        self.recycler.hand_out(&message);
        Ok(message)
    }

    /// Grows the buffer of a channel to at least `needed` bytes: at first to what the last message took, as far as the budget
    /// for that allows, and then to twice what it was; but no more than the message may have.
    fn make_room(&mut self, channel: &mut Incoming, needed: usize) {
        let wanted = match channel.partial.capacity() {
            0 => self.begin(channel),
            capacity => capacity.saturating_mul(2),
        };
        let wanted = wanted.min(channel.capacity).max(needed);
        // Where memory for the wish is not to be had, that for the bytes which are there may be.
        let _ = channel.partial.try_reserve_exact(wanted.saturating_sub(channel.partial.len()));
    }

    /// Gives a message that begins the memory of an earlier one, if there is such; says what it is to have.
    fn begin(&mut self, channel: &mut Incoming) -> usize {
        let expected = self.expected_size(channel);
        if let Some(buffer) = self.recycler.take(expected) {
            channel.partial = buffer;
        }
        expected
    }

    /// What to reserve for a message that begins: what the last one of its channel took, as far as the budget for that allows.
    fn expected_size(&mut self, channel: &mut Incoming) -> usize {
        let expected = channel.last_size;
        if expected == 0 {
            return channel.reserve;
        }
        if expected <= channel.reserve {
            return expected;
        }
        if expected > self.max_ahead_bytes.saturating_sub(self.ahead_bytes) {
            return channel.reserve;
        }
        self.ahead_bytes = self.ahead_bytes.saturating_add(expected);
        channel.ahead = expected;
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn channel(reserve: usize, capacity: usize) -> Incoming {
        Incoming::new(&ChannelConfig::new(7, 1).recv_buffer_capacity(reserve).recv_message_capacity(capacity))
    }

    fn more(shared: &mut Reassembly, channel: &mut Incoming, bytes: usize) -> usize {
        shared.more(channel, &vec![0; bytes], Instant::ZERO).unwrap();
        channel.partial.capacity()
    }

    fn whole(shared: &mut Reassembly, channel: &mut Incoming, bytes: usize) {
        more(shared, channel, bytes);
        assert_eq!(shared.last(channel, b"").unwrap().len(), bytes);
    }

    #[test]
    fn a_first_message_begins_with_the_reserve_and_doubles_up_to_its_capacity() {
        let (mut shared, mut channel) = (Reassembly::new(100_000, 0, Recycler::new(0)), channel(100, 350));
        assert_eq!(more(&mut shared, &mut channel, 0), 0, "nothing is reserved for nothing");
        assert_eq!(more(&mut shared, &mut channel, 1), 100);
        assert_eq!(more(&mut shared, &mut channel, 99), 100, "it fits exactly");
        assert_eq!(more(&mut shared, &mut channel, 1), 200);
        assert_eq!(more(&mut shared, &mut channel, 100), 350, "no more than a message may have");
        assert_eq!(more(&mut shared, &mut channel, 149), 350);
        assert!(shared.more(&mut channel, b"x", Instant::ZERO).is_err());
        assert_eq!((shared.partial_bytes(), channel.partial_bytes(), shared.partial_messages()), (350, 350, 1));
    }

    #[test]
    fn a_packet_of_more_than_the_double_gets_what_it_needs() {
        let (mut shared, mut channel) = (Reassembly::new(100_000, 0, Recycler::new(0)), channel(10, 10_000));
        assert_eq!(more(&mut shared, &mut channel, 1000), 1000);
        assert_eq!(more(&mut shared, &mut channel, 3000), 4000);
    }

    #[test]
    fn the_next_message_begins_with_the_size_of_the_last() {
        let (mut shared, mut channel) = (Reassembly::new(100_000, 1000, Recycler::new(0)), channel(100, 10_000));
        for (last, reserved, ahead) in [(60, 60, 0), (100, 100, 0), (101, 101, 101), (1000, 1000, 1000), (1001, 100, 0)]
        {
            whole(&mut shared, &mut channel, last);
            assert_eq!(shared.ahead_bytes(), 0);
            assert_eq!(more(&mut shared, &mut channel, 1), reserved);
            assert_eq!(shared.ahead_bytes(), ahead);
            // A message of one packet in between is no measure; this one is.
            shared.last(&mut channel, b"").unwrap();
            assert_eq!((shared.ahead_bytes(), channel.ahead), (0, 0));
        }
    }

    #[test]
    fn what_is_reserved_ahead_is_shared() {
        let mut shared = Reassembly::new(100_000, 1000, Recycler::new(0));
        let mut channels = [(); 3].map(|()| channel(10, 10_000));
        for channel in &mut channels {
            whole(&mut shared, channel, 500);
        }
        let reserved = channels.each_mut().map(|channel| more(&mut shared, channel, 1));
        assert_eq!(reserved, [500, 500, 10]);
        assert_eq!(shared.ahead_bytes(), 1000);
        shared.last(&mut channels[0], b"").unwrap();
        assert_eq!(shared.ahead_bytes(), 500);
        shared.clear();
        channels[1].clear();
        assert_eq!((shared.ahead_bytes(), shared.partial_bytes(), shared.partial_messages()), (0, 0, 0));
        assert_eq!((channels[1].partial_bytes(), channels[1].started()), (0, None));
    }

    #[test]
    fn a_message_of_one_packet_is_no_measure_for_the_next() {
        let (mut shared, mut channel) = (Reassembly::new(100_000, 1000, Recycler::new(0)), channel(100, 10_000));
        shared.last(&mut channel, &[0; 700]).unwrap();
        assert_eq!(more(&mut shared, &mut channel, 1), 100);
    }

    /// A wish for more memory than there can be is not granted, and does no harm.
    #[test]
    fn a_reserve_beyond_all_memory_is_given_up() {
        let (mut shared, mut channel) =
            (Reassembly::new(usize::MAX, 0, Recycler::new(0)), channel(usize::MAX, usize::MAX));
        assert!(more(&mut shared, &mut channel, 5) < 1000);
        assert_eq!(shared.last(&mut channel, b"x").unwrap().len(), 6);
    }
}
