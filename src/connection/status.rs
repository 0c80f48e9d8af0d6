//! What a connection can tell about itself.

use alloc::vec::Vec;
use core::time::Duration;

use super::state::{Channel, MConnState};
use crate::rate::RateStatus;
use crate::time::Instant;
use crate::wire::Codec;

/// Everything that a connection has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Bytes of whole packets that were consumed.
    pub bytes_received: u64,
    /// Bytes of packets that were given to the transport.
    pub bytes_sent: u64,
    /// Complete messages received.
    pub messages_received: u64,
    /// Messages given to the transport completely.
    pub messages_sent: u64,
    /// Message packets received.
    pub message_packets_received: u64,
    /// Message packets given to the transport.
    pub message_packets_sent: u64,
    /// Pings received.
    pub pings_received: u64,
    /// Pings given to the transport.
    pub pings_sent: u64,
    /// Pongs received, asked for or not.
    pub pongs_received: u64,
    /// Pongs given to the transport.
    pub pongs_sent: u64,
    /// Calls with a time before the latest one.
    pub clock_went_back: u64,
    /// Messages that were not sent completely when the connection ended.
    pub unsent_messages: usize,
    /// Their bytes that were not sent.
    pub unsent_bytes: usize,
}

// No 64-bit count of bytes or packets is ever reached: these add without a check.
impl Counters {
    #[inline]
    pub(super) fn message_packets_sent(&mut self, wire_bytes: usize, packets: usize, messages: u64) {
        self.bytes_sent = self.bytes_sent.wrapping_add(wire_bytes as u64);
        self.message_packets_sent = self.message_packets_sent.wrapping_add(packets as u64);
        self.messages_sent = self.messages_sent.wrapping_add(messages);
    }

    #[inline]
    pub(super) fn message_packet_received(&mut self, end: bool) {
        self.message_packets_received = self.message_packets_received.wrapping_add(1);
        self.messages_received = self.messages_received.wrapping_add(u64::from(end));
    }
}

/// One look at a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Time since the connection began.
    pub duration: Duration,
    /// The rate of sending.
    pub send: RateStatus,
    /// The rate of receiving.
    pub recv: RateStatus,
    /// The channels in the order of registration.
    pub channels: Vec<ChannelStatus>,
    /// Messages that wait to be taken.
    pub inbox_messages: usize,
    /// Their bytes.
    pub inbox_bytes: usize,
    /// Bytes of messages that are not complete.
    pub partial_bytes: usize,
    /// Bytes that are reserved for messages that have only begun to arrive.
    pub ahead_bytes: usize,
    /// Bytes of messages that were handed out, whose memory may be used again.
    pub recycled_bytes: usize,
    /// What was counted since the start.
    pub counters: Counters,
}

/// One look at a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStatus {
    /// The id.
    pub id: u8,
    /// The priority.
    pub priority: u32,
    /// Messages that may wait, not counting the one being cut into packets.
    pub send_queue_capacity: usize,
    /// Messages that were not sent completely, the one being cut included.
    pub send_queue_size: usize,
    /// Bytes that were accepted and not sent.
    pub send_queue_bytes: usize,
    /// Bytes on the wire of late, as the scheduler counts them.
    pub recently_sent: u64,
    /// Bytes of the message that is arriving.
    pub partial_bytes: usize,
}

impl<C: Codec> MConnState<C> {
    /// How the connection is doing at `now`. Looking changes nothing.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        let now = now.max(self.now);
        let channels = self.channels.iter().enumerate().map(|(position, channel)| self.look_at(position, channel, now));
        Status {
            duration: now - self.started,
            send: self.send_gate.limiter.status(now),
            recv: self.recv_limiter.status(now),
            channels: channels.collect(),
            inbox_messages: self.inbox.len(),
            inbox_bytes: self.inbox.bytes(),
            partial_bytes: self.reassembly.partial_bytes(),
            ahead_bytes: self.reassembly.ahead_bytes(),
            recycled_bytes: self.reassembly.recycled_bytes(),
            counters: self.counters,
        }
    }

    /// How one channel is doing at `now`; `None` when the connection has no such channel. O(1), unlike the whole status.
    #[must_use]
    pub fn channel_status(&self, now: Instant, channel: u8) -> Option<ChannelStatus> {
        let position = self.position(i32::from(channel))?;
        Some(self.look_at(position, self.channels.get(position)?, now.max(self.now)))
    }

    fn look_at(&self, position: usize, channel: &Channel, now: Instant) -> ChannelStatus {
        ChannelStatus {
            id: channel.id,
            priority: channel.priority,
            send_queue_capacity: channel.outgoing.capacity(),
            send_queue_size: channel.outgoing.messages(),
            send_queue_bytes: channel.outgoing.bytes(),
            recently_sent: self.scheduler.recently_sent(position, now),
            partial_bytes: channel.incoming.partial_bytes(),
        }
    }
}
