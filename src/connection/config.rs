//! How a connection behaves, and what its channels are.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::scheduler::{LeastRecentlySent, Scheduler};
use crate::rate::{Limiter, Unlimited};
use crate::wire::AnyCodec;

/// One channel: an id, a priority, and its limits.
///
/// The defaults of the limits are Go's where Go has them (`p2p/conn/connection.go @ v0.38`), except that a queue holds 64
/// messages instead of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelConfig {
    /// The id on the wire.
    pub id: u8,
    /// The weight: a channel of priority 10 gets twice the bytes of one of priority 5 while both have messages waiting.
    pub priority: u32,
    /// Messages that may wait, not counting the one being cut into packets.
    pub send_queue_capacity: usize,
    /// Bytes that may wait, with those of the message being cut. One message alone may be larger.
    pub send_queue_bytes: usize,
    /// The largest message that may be sent, in bytes.
    pub max_send_message: usize,
    /// Bytes reserved when a message of more than one packet begins to arrive.
    pub recv_buffer_capacity: usize,
    /// The largest message that is accepted, in bytes.
    pub recv_message_capacity: usize,
}

/// Go's default for the largest message on a channel: 21 MiB.
pub(crate) const DEFAULT_MESSAGE_CAPACITY: usize = 22_020_096;

/// Room for incomplete messages beside the largest one, unless told otherwise.
const PARTIAL_BESIDE: usize = (64 << 20) - DEFAULT_MESSAGE_CAPACITY;

impl ChannelConfig {
    /// A channel with the default limits.
    #[must_use]
    pub const fn new(id: u8, priority: u32) -> Self {
        Self {
            id,
            priority,
            send_queue_capacity: 64,
            send_queue_bytes: DEFAULT_MESSAGE_CAPACITY,
            max_send_message: DEFAULT_MESSAGE_CAPACITY,
            recv_buffer_capacity: 4096,
            recv_message_capacity: DEFAULT_MESSAGE_CAPACITY,
        }
    }

    /// Sets how many messages may wait, not counting the one being cut into packets.
    #[must_use]
    pub const fn send_queue_capacity(mut self, messages: usize) -> Self {
        self.send_queue_capacity = messages;
        self
    }

    /// Sets how many bytes may wait.
    #[must_use]
    pub const fn send_queue_bytes(mut self, bytes: usize) -> Self {
        self.send_queue_bytes = bytes;
        self
    }

    /// Sets the largest message that may be sent: the capacity that the peer is known to have.
    #[must_use]
    pub const fn max_send_message(mut self, bytes: usize) -> Self {
        self.max_send_message = bytes;
        self
    }

    /// Sets the bytes reserved when a message of more than one packet begins to arrive.
    #[must_use]
    pub const fn recv_buffer_capacity(mut self, bytes: usize) -> Self {
        self.recv_buffer_capacity = bytes;
        self
    }

    /// Sets the largest message that is accepted.
    #[must_use]
    pub const fn recv_message_capacity(mut self, bytes: usize) -> Self {
        self.recv_message_capacity = bytes;
        self
    }
}

/// When to ping the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PingPolicy {
    /// Never.
    Never,
    /// Each interval, whatever happens (Tendermint since v0.16).
    Every(Duration),
    /// When nothing was received for an interval (Tendermint v0.10, and the published specification).
    AfterSilence(Duration),
}

impl PingPolicy {
    /// The interval, when there is one.
    #[must_use]
    pub const fn interval(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Every(interval) | Self::AfterSilence(interval) => Some(interval),
        }
    }
}

/// What counts as a sign of life after a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Liveness {
    /// Any complete packet: a peer that is busy sending a large message is alive.
    AnyPacket,
    /// A pong alone, as in the Go code.
    PongOnly,
}

/// When output may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlushPolicy {
    /// As soon as the transport can take it.
    Immediate,
    /// A while after the first waiting message, or when enough has gathered. Pings and pongs never wait, and take along
    /// what has gathered.
    Throttled {
        /// How long the first message waits at most.
        interval: Duration,
        /// How many message bytes end the wait.
        bytes: usize,
    },
}

/// How a connection behaves.
///
/// [`MConnConfig::default`] speaks today's wire without rate limits and with our safer rules; the profiles
/// [`cometbft`](MConnConfig::cometbft), [`tendermint_v0_33`](MConnConfig::tendermint_v0_33) and
/// [`tendermint_v0_10`](MConnConfig::tendermint_v0_10) behave as those nodes do. All fields are public; set what you need.
///
/// ```
/// use mconn::connection::{ChannelConfig, MConnConfig};
/// let mut config = MConnConfig::cometbft().channel(ChannelConfig::new(0x30, 5));
/// config.send_payload_size = 1400;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MConnConfig<C = AnyCodec> {
    /// How packets are written as bytes.
    pub codec: C,
    /// The channels, in the order of registration (which breaks ties between equal priorities).
    pub channels: Vec<ChannelConfig>,
    /// Payload bytes of a full packet that we send. It must not exceed what the peer expects.
    pub send_payload_size: usize,
    /// Payload bytes of a full packet that we expect; the limit on received packets follows from it as in Go.
    pub recv_payload_size: usize,
    /// When to ping.
    pub ping: PingPolicy,
    /// How long to wait for a sign of life after a ping; `None` waits for ever.
    pub pong_timeout: Option<Duration>,
    /// What counts as a sign of life.
    pub liveness: Liveness,
    /// Whether to send a pong each third of the pong timeout while the inbox is full and pings can not be seen.
    pub pong_while_paused: bool,
    /// When output may leave.
    pub flush: FlushPolicy,
    /// The limit on what is sent.
    pub send_limiter: Box<dyn Limiter>,
    /// The limit on what is received.
    pub recv_limiter: Box<dyn Limiter>,
    /// Packets that are sent before the send limiter is asked again.
    pub packets_per_batch: u32,
    /// Which channel goes next.
    pub scheduler: Box<dyn Scheduler>,
    /// Messages that may wait to be taken before reading stops.
    pub inbox_messages: usize,
    /// Bytes of messages that may wait to be taken before reading stops. One message may exceed it.
    pub inbox_bytes: usize,
    /// Bytes of incomplete messages of all channels together, at least the largest message capacity. `None` follows the
    /// channels: see [`MConnConfig::partial_limit`].
    pub max_partial_bytes: Option<usize>,
    /// Bytes that may be reserved, on all channels together, for messages that have only begun to arrive, going by the size
    /// of the last message on their channel. More than this grows with what arrives.
    pub recv_ahead_bytes: usize,
    /// Bytes of messages handed out whose memory is used again for the next ones, once nobody has them any more. Of use for
    /// messages of 32 KiB and more: for shorter ones it is not done. Given back when a ping interval passes without such; 0 for
    /// never. To take such a message apart without a copy (`Vec::from`, `try_into_mut`) is possible with 0 alone.
    pub recycle_bytes: usize,
    /// Pings accepted in one ping interval (in 60 s when we do not ping). Those that gathered while we did not read are not
    /// held against the peer.
    pub max_pings_per_interval: u32,
    /// Packets in a row, in one ping interval (in 60 s when we do not ping), that may carry nothing: empty pieces of messages,
    /// and pongs that nobody asked for.
    pub max_packets_without_progress: u32,
    /// How long a message may take from its first packet to its last; `None` for any time.
    pub message_timeout: Option<Duration>,
}

impl Default for MConnConfig {
    fn default() -> Self {
        Self::with_codec(AnyCodec::default())
    }
}

impl<C> MConnConfig<C> {
    /// The default behaviour with a given codec.
    #[must_use]
    pub fn with_codec(codec: C) -> Self {
        Self {
            codec,
            channels: Vec::new(),
            send_payload_size: 1024,
            recv_payload_size: 1024,
            ping: PingPolicy::Every(Duration::from_secs(60)),
            pong_timeout: Some(Duration::from_secs(45)),
            liveness: Liveness::AnyPacket,
            pong_while_paused: true,
            flush: FlushPolicy::Immediate,
            send_limiter: Box::new(Unlimited::new()),
            recv_limiter: Box::new(Unlimited::new()),
            packets_per_batch: 10,
            scheduler: Box::new(LeastRecentlySent::new()),
            inbox_messages: 4096,
            inbox_bytes: 1 << 20,
            max_partial_bytes: None,
            recv_ahead_bytes: 32 << 20,
            recycle_bytes: 4 << 20,
            max_pings_per_interval: 1000,
            max_packets_without_progress: 1000,
            message_timeout: None,
        }
    }

    /// Bytes of incomplete messages that are held at most: `max_partial_bytes`, or what follows from the channels.
    ///
    /// That is the largest message capacity of a channel, and 43 MiB for the messages that come beside it: 64 MiB with the
    /// default capacities. It is never more than all capacities together.
    ///
    /// ```
    /// use mconn::connection::{ChannelConfig, MConnConfig};
    /// let block_sync = ChannelConfig::new(0x40, 5).recv_message_capacity(104_857_605);
    /// let config = MConnConfig::cometbft().channel(ChannelConfig::new(0x20, 6)).channel(block_sync);
    /// assert_eq!(config.partial_limit(), 104_857_605 + 22_020_096);
    /// ```
    #[must_use]
    pub fn partial_limit(&self) -> usize {
        let capacities = || self.channels.iter().map(|channel| channel.recv_message_capacity);
        let followed = || {
            let largest = capacities().max().unwrap_or(0);
            largest.saturating_add(PARTIAL_BESIDE).min(capacities().fold(0, usize::saturating_add))
        };
        self.max_partial_bytes.unwrap_or_else(followed)
    }

    /// The time in which packets that cost us more than the peer are counted.
    pub(crate) fn counting_interval(&self) -> Duration {
        self.ping.interval().unwrap_or(Duration::from_secs(60))
    }

    /// Adds a channel.
    #[must_use]
    pub fn channel(mut self, channel: ChannelConfig) -> Self {
        self.channels.push(channel);
        self
    }

    /// Adds channels.
    #[must_use]
    pub fn channels(mut self, channels: impl IntoIterator<Item = ChannelConfig>) -> Self {
        self.channels.extend(channels);
        self
    }

    /// The same behaviour with another codec.
    #[must_use]
    pub fn codec<D>(self, codec: D) -> MConnConfig<D> {
        MConnConfig {
            codec,
            channels: self.channels,
            send_payload_size: self.send_payload_size,
            recv_payload_size: self.recv_payload_size,
            ping: self.ping,
            pong_timeout: self.pong_timeout,
            liveness: self.liveness,
            pong_while_paused: self.pong_while_paused,
            flush: self.flush,
            send_limiter: self.send_limiter,
            recv_limiter: self.recv_limiter,
            packets_per_batch: self.packets_per_batch,
            scheduler: self.scheduler,
            inbox_messages: self.inbox_messages,
            inbox_bytes: self.inbox_bytes,
            max_partial_bytes: self.max_partial_bytes,
            recv_ahead_bytes: self.recv_ahead_bytes,
            recycle_bytes: self.recycle_bytes,
            max_pings_per_interval: self.max_pings_per_interval,
            max_packets_without_progress: self.max_packets_without_progress,
            message_timeout: self.message_timeout,
        }
    }
}
