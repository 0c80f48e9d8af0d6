//! The sending side of a channel: a queue of messages, and the cutting of one into packets.

use alloc::collections::VecDeque;

use bytes::Bytes;

use super::config::ChannelConfig;
use super::error::{ConfigError, SendRefusal};
use crate::wire::{Codec, Header};

/// What waits to be sent on one channel.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The message being cut; meaningful while `cutting`.
    current: Bytes,
    /// How many bytes of it were sent.
    offset: usize,
    /// Whether `current` is a message. An empty message is one too: Go confuses the two and loses it.
    cutting: bool,
    waiting: VecDeque<Bytes>,
    /// Bytes that were accepted and not sent.
    bytes: usize,
    packet: PacketSizes,
    /// The header of the last packet, and the length and end that it is for: twice the length, and one more at the end.
    header: Header,
    header_for: u32,
    capacity: usize,
    capacity_bytes: usize,
    max_message: usize,
}

/// The largest payloads of a channel's packets within the limit that the peer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketSizes {
    /// Of a packet after which more follows.
    more: u32,
    /// Of the last packet of a message. The mark of the end takes bytes, so this can be less than `more`; in the Go code it
    /// is not, and the peer drops the connection (channel ids of two varint bytes).
    last: u32,
}

impl PacketSizes {
    /// Sizes for a channel, with packets of up to `payload_size` bytes and the limit that the peer computes from the same.
    pub(crate) fn new<C: Codec>(codec: &C, channel: u8, payload_size: usize) -> Result<Self, ConfigError> {
        let limit = codec.packet_limit(payload_size);
        // The limit allows for a header; a channel id of two bytes exceeds it by little, so this search is short.
        let largest = |end| (0..=payload_size).rev().find(|&len| codec.limited_len(channel, end, len) <= limit);
        match (largest(false), largest(true)) {
            // At most `MAX_PAYLOAD`, as the configuration was checked.
            (Some(more), Some(last)) if more > 0 => Ok(Self { more: more as u32, last: last as u32 }),
            _ => Err(ConfigError::PayloadDoesNotFit { channel, size: payload_size }),
        }
    }

    /// The next packet of a message of which `rest` bytes are left: its payload, and whether it is the last.
    const fn cut(self, rest: usize) -> (usize, bool) {
        let (more, last) = (self.more as usize, self.last as usize);
        if rest <= last {
            (rest, true)
        } else if rest > more {
            (more, false)
        } else if last > 0 {
            // It would fit into one packet but for the mark of the end: 1023 + 1 bytes instead of 1024.
            (last, false)
        } else {
            (rest, false)
        }
    }
}

impl Outgoing {
    pub(crate) const fn new(config: &ChannelConfig, packet: PacketSizes) -> Self {
        Self {
            current: Bytes::new(),
            offset: 0,
            cutting: false,
            waiting: VecDeque::new(),
            bytes: 0,
            packet,
            header: Header::new(),
            header_for: u32::MAX,
            capacity: config.send_queue_capacity,
            capacity_bytes: config.send_queue_bytes,
            max_message: config.max_send_message,
        }
    }

    /// Whether a message of `len` bytes would be accepted now.
    #[inline]
    pub(crate) fn check(&self, len: usize) -> Result<(), SendRefusal> {
        if len > self.max_message {
            return Err(SendRefusal::TooLarge { limit: self.max_message });
        }
        let room = self.waiting.len() < self.capacity;
        // One message alone may be larger than the bound, or it could never be sent.
        if room && (self.is_idle() || self.bytes.saturating_add(len) <= self.capacity_bytes) {
            return Ok(());
        }
        Err(SendRefusal::Full {
            queued: self.waiting.len(),
            capacity: self.capacity,
            queued_bytes: self.bytes,
            capacity_bytes: self.capacity_bytes,
        })
    }

    /// Accepts a message that [`Outgoing::check`] allowed. Returns whether the channel was idle before.
    #[inline]
    pub(crate) fn push(&mut self, message: Bytes) -> bool {
        self.bytes = self.bytes.saturating_add(message.len());
        if self.cutting {
            self.waiting.push_back(message);
            return false;
        }
        self.load(message);
        true
    }

    #[inline]
    fn load(&mut self, message: Bytes) {
        self.current = message;
        self.offset = 0;
        self.cutting = true;
    }

    /// Whether nothing waits.
    #[inline]
    pub(crate) const fn is_idle(&self) -> bool {
        !self.cutting
    }

    /// The next packet: the length of its payload, and whether it ends its message.
    #[inline]
    pub(crate) fn next_packet(&self) -> (usize, bool) {
        self.packet.cut(self.current.len().saturating_sub(self.offset))
    }

    /// The payload of the next packet, of the length that [`Outgoing::next_packet`] gave, and the message that it is part of.
    #[inline]
    pub(crate) fn payload(&self, len: usize) -> (&[u8], &Bytes) {
        let payload = self.current.get(self.offset..self.offset.saturating_add(len)).unwrap_or_default();
        (payload, &self.current)
    }

    /// The header of the next packet. Packets of one channel mostly have the same, so the last one is kept.
    #[inline]
    pub(crate) fn header<C: Codec>(&mut self, codec: &C, channel: u8, len: usize, end: bool) -> Header {
        // A payload has at most 2^20 bytes.
        let wanted = ((len as u32) << 1) | u32::from(end);
        if self.header_for != wanted {
            self.header = codec.message_header(channel, end, len);
            self.header_for = wanted;
        }
        self.header
    }

    /// The next packet was taken. Returns whether more follows on this channel.
    #[inline]
    pub(crate) fn taken(&mut self, len: usize, end: bool) -> bool {
        self.offset = self.offset.saturating_add(len);
        self.bytes = self.bytes.saturating_sub(len);
        if end {
            self.cutting = false;
            // The memory of a sent message is not kept until the next one.
            self.current = Bytes::new();
            if let Some(message) = self.waiting.pop_front() {
                self.load(message);
            }
        }
        self.cutting
    }

    /// Messages that were not sent completely.
    pub(crate) fn messages(&self) -> usize {
        self.waiting.len().saturating_add(usize::from(self.cutting))
    }

    /// Bytes that were accepted and not sent.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Drops all that waits.
    pub(crate) fn clear(&mut self) {
        self.current = Bytes::new();
        self.cutting = false;
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}
