//! What can go wrong, and whose fault it is.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::machine::Fault;
use crate::wire::DecodeError;

/// The direction of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From us to the peer.
    Send,
    /// From the peer to us.
    Receive,
}

impl core::fmt::Display for Direction {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Send => "send",
            Self::Receive => "receive",
        })
    }
}

/// A configuration that can not work. The constructor's caller is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two channels have the same id.
    #[error("channel {channel:#04x} is configured twice")]
    DuplicateChannel {
        /// The id.
        channel: u8,
    },
    /// A channel has priority 0, with which it would never be chosen.
    #[error("channel {channel:#04x} has priority 0; priorities start at 1")]
    ZeroPriority {
        /// The channel.
        channel: u8,
    },
    /// A limit that must be at least 1 is 0.
    #[error("{name} is 0; it must be at least 1")]
    ZeroLimit {
        /// The name of the field.
        name: &'static str,
    },
    /// The payload of a packet is outside of what can be sent or read.
    #[error("{direction} payload size {size} is not within 1..={max}")]
    PayloadSize {
        /// Which of the two sizes.
        direction: Direction,
        /// What was configured, in bytes.
        size: usize,
        /// The largest that is possible, in bytes.
        max: usize,
    },
    /// Within the packet limit of the peer, no packet of this channel could carry a byte.
    #[error("packets of {size} payload bytes are too small for channel {channel:#04x}")]
    PayloadDoesNotFit {
        /// The channel.
        channel: u8,
        /// The configured send payload size in bytes.
        size: usize,
    },
    /// The peer would be dropped for a late pong while the next ping is already out.
    #[error("the pong timeout {pong_timeout:?} is not below the ping interval {ping_interval:?}")]
    PongTimeout {
        /// What was configured.
        pong_timeout: Duration,
        /// What was configured.
        ping_interval: Duration,
    },
    /// The budget for incomplete messages is smaller than one message may be: raise it, lower the capacity, or leave the budget
    /// `None`, which follows the channels.
    #[error(
        "max_partial_bytes {limit} is below the message capacity {capacity} of channel {channel:#04x}; `None` follows the channels"
    )]
    PartialBudget {
        /// The configured budget in bytes.
        limit: usize,
        /// The channel.
        channel: u8,
        /// Its `recv_message_capacity` in bytes.
        capacity: usize,
    },
    /// A limiter could never let a packet of this size pass.
    #[error("the {direction} limiter lets at most {largest} bytes pass at once; a packet can have {packet}")]
    LimiterTooSmall {
        /// Which limiter.
        direction: Direction,
        /// The largest packet that it lets pass, in bytes.
        largest: u64,
        /// The largest packet that can come, in bytes.
        packet: u64,
    },
}

/// A message that was not accepted for sending; it comes back, and nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("message of {} bytes on channel {channel:#04x}: {refusal}", message.len())]
#[non_exhaustive]
pub struct SendError {
    /// Why.
    pub refusal: SendRefusal,
    /// The channel it was meant for.
    pub channel: u8,
    /// The message.
    pub message: Bytes,
}

impl SendError {
    /// For a machine of your own that does not accept a message.
    #[must_use]
    pub const fn new(refusal: SendRefusal, channel: u8, message: Bytes) -> Self {
        Self { refusal, channel, message }
    }
}

/// Why a message was not accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendRefusal {
    /// The connection has no such channel.
    #[error("the connection has no such channel")]
    UnknownChannel,
    /// The other side has said that it does not have this channel.
    #[error("the peer has not announced this channel")]
    NotAnnounced,
    /// The queue of the channel is full; try again after output was pulled.
    #[error("the queue is full: {queued} of {capacity} messages, {queued_bytes} of {capacity_bytes} bytes")]
    Full {
        /// Messages that wait, without the one being cut.
        queued: usize,
        /// The channel's `send_queue_capacity`.
        capacity: usize,
        /// Bytes that wait, with what is left of the one being cut.
        queued_bytes: usize,
        /// The channel's `send_queue_bytes`.
        capacity_bytes: usize,
    },
    /// The message is larger than the channel's `max_send_message`.
    #[error("it is over the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection closes after what was accepted before.
    #[error("the connection is closing")]
    Closing,
    /// The connection has ended.
    #[error("the connection is closed")]
    Closed,
}

/// Why a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// We closed it; what waited to be sent was dropped.
    #[error("closed by us")]
    Local,
    /// We closed it after the last accepted message was handed to the transport.
    #[error("closed by us after flush")]
    Flushed,
    /// We closed it after flush, but the deadline came first.
    #[error("closed by us; the deadline came with {unsent_messages} messages ({unsent_bytes} bytes) unsent")]
    FlushDeadline {
        /// Messages that were not handed to the transport completely.
        unsent_messages: usize,
        /// Their bytes.
        unsent_bytes: usize,
    },
    /// The peer closed its side.
    #[error("closed by the peer{}", what_was_cut(*unread_bytes, *partial_messages))]
    PeerClosed {
        /// Bytes of a packet that was not complete; 0 at the end of a packet.
        unread_bytes: usize,
        /// Channels on which a message was not complete.
        partial_messages: usize,
    },
    /// The transport failed.
    #[error("the transport failed")]
    TransportFailed,
    /// The bytes of the peer are no packet.
    #[error("the peer sent no packet at byte {position} of the stream: {error}")]
    Decode {
        /// Which rule was broken, and where in the packet.
        error: DecodeError,
        /// Where the packet began, in bytes since the start of the connection.
        position: u64,
    },
    /// A packet for a channel that the connection does not have.
    #[error("the peer sent on unknown channel {channel}")]
    UnknownChannel {
        /// The number as it was read; a channel id is 0 to 255.
        channel: i32,
    },
    /// A message larger than its channel's `recv_message_capacity`.
    #[error("a message on channel {channel:#04x} needs {needed} bytes; its capacity is {capacity}")]
    MessageTooLarge {
        /// The channel.
        channel: u8,
        /// The size with the packet that was refused, in bytes.
        needed: usize,
        /// The limit in bytes.
        capacity: usize,
    },
    /// Incomplete messages of all channels together exceed [`MConnConfig::partial_limit`](super::MConnConfig::partial_limit).
    #[error("incomplete messages need {needed} bytes with one on channel {channel:#04x}; the limit is {limit}")]
    PartialBytes {
        /// The channel whose packet went over the limit.
        channel: u8,
        /// What all would need, in bytes.
        needed: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The peer has shown no life after a ping.
    #[error("no sign of life within {timeout:?} after a ping")]
    PongTimeout {
        /// The configured timeout.
        timeout: Duration,
    },
    /// The transport took no byte of ours, not even a ping, and the peer has shown no life.
    #[error("the transport took no output, and the peer showed no life, for {timeout:?}")]
    TransmitStalled {
        /// The configured pong timeout.
        timeout: Duration,
    },
    /// Too many pings in one interval.
    #[error("{pings} pings within {interval:?}; the limit is {limit}")]
    PingFlood {
        /// Pings that were counted.
        pings: u32,
        /// The limit.
        limit: u32,
        /// The interval.
        interval: Duration,
    },
    /// Too many packets in a row that carried nothing.
    #[error("{packets} packets in a row without progress, the last on channel {channel:?}; the limit is {limit}")]
    NoProgress {
        /// Packets that were counted.
        packets: u32,
        /// The limit.
        limit: u32,
        /// The channel of the last one; `None` for a pong that nobody asked for.
        channel: Option<u8>,
    },
    /// A message was not completed in time.
    #[error("a message on channel {channel:#04x} was not complete after {timeout:?}")]
    MessageTimeout {
        /// The channel.
        channel: u8,
        /// The configured timeout.
        timeout: Duration,
    },
}

/// How the end of the peer's bytes cut what it was sending, for a person to read.
fn what_was_cut(unread_bytes: usize, partial_messages: usize) -> String {
    match (unread_bytes, partial_messages) {
        (0, 0) => String::new(),
        (0, messages) => format!(" with {messages} messages incomplete"),
        (bytes, messages) => format!(" inside a packet ({bytes} bytes unread) with {messages} messages incomplete"),
    }
}

impl CloseReason {
    /// Who caused the end.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Local | Self::Flushed | Self::FlushDeadline { .. } => Fault::Ours,
            Self::PeerClosed { .. }
            | Self::TransportFailed
            | Self::PongTimeout { .. }
            | Self::TransmitStalled { .. } => Fault::Network,
            Self::Decode { .. }
            | Self::UnknownChannel { .. }
            | Self::MessageTooLarge { .. }
            | Self::PartialBytes { .. }
            | Self::PingFlood { .. }
            | Self::NoProgress { .. }
            | Self::MessageTimeout { .. } => Fault::Peer,
        }
    }
}
