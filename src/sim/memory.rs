//! How much a machine holds, and how much it may.

use crate::connection::{ChannelConfig, MConnConfig, Status};

/// What a machine holds, or the most that it may hold.
///
/// ```
/// use mconn::connection::{ChannelConfig, MConnConfig, MConnState};
/// use mconn::sim::Memory;
/// use mconn::time::Instant;
///
/// let mut config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
/// config.inbox_messages = 3;
/// let most = Memory::limits(&config);
/// assert_eq!(most.inbox_messages, 3);
///
/// let state = MConnState::new(config, Instant::ZERO)?;
/// let mut held = Memory::held(&state.status(Instant::ZERO));
/// assert_eq!(held.excess(&most), None);
/// held.inbox_messages = 4;
/// assert_eq!(held.excess(&most), Some(("inbox_messages", 4, 3)));
/// # Ok::<(), mconn::connection::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Messages that wait to be taken.
    pub inbox_messages: usize,
    /// Their bytes.
    pub inbox_bytes: usize,
    /// Bytes of messages that are not complete.
    pub partial_bytes: usize,
    /// Bytes of buffers that are kept for the next messages.
    pub ahead_bytes: usize,
    /// Bytes of messages handed out whose memory may be used again.
    pub recycled_bytes: usize,
    /// Messages that were accepted and not sent.
    pub send_messages: usize,
    /// Their bytes that were not sent.
    pub send_bytes: usize,
}

impl Memory {
    /// The most that a connection with this configuration may hold.
    #[must_use]
    pub fn limits<C>(config: &MConnConfig<C>) -> Self {
        let largest = config.channels.iter().map(|channel| channel.recv_message_capacity).max().unwrap_or(0);
        let queued = |channel: &ChannelConfig| channel.send_queue_bytes.max(channel.max_send_message);
        Self {
            inbox_messages: config.inbox_messages,
            inbox_bytes: config.inbox_bytes.saturating_sub(1).saturating_add(largest),
            partial_bytes: config.partial_limit(),
            ahead_bytes: config.recv_ahead_bytes,
            recycled_bytes: config.recycle_bytes,
            // One more than may wait: the one being cut into packets.
            send_messages: config.channels.iter().map(|channel| channel.send_queue_capacity.saturating_add(1)).sum(),
            send_bytes: config.channels.iter().map(queued).fold(0, usize::saturating_add),
        }
    }

    /// What a connection holds that says this of itself.
    #[must_use]
    pub fn held(status: &Status) -> Self {
        Self {
            inbox_messages: status.inbox_messages,
            inbox_bytes: status.inbox_bytes,
            partial_bytes: status.partial_bytes,
            ahead_bytes: status.ahead_bytes,
            recycled_bytes: status.recycled_bytes,
            send_messages: status.channels.iter().map(|channel| channel.send_queue_size).sum(),
            send_bytes: status.channels.iter().map(|channel| channel.send_queue_bytes).sum(),
        }
    }

    /// The first thing of which more is held than `most` allows: its name, how much is held, and the limit.
    #[must_use]
    pub fn excess(&self, most: &Self) -> Option<(&'static str, usize, usize)> {
        [
            ("inbox_messages", self.inbox_messages, most.inbox_messages),
            ("inbox_bytes", self.inbox_bytes, most.inbox_bytes),
            ("partial_bytes", self.partial_bytes, most.partial_bytes),
            ("ahead_bytes", self.ahead_bytes, most.ahead_bytes),
            ("recycled_bytes", self.recycled_bytes, most.recycled_bytes),
            ("send_messages", self.send_messages, most.send_messages),
            ("send_bytes", self.send_bytes, most.send_bytes),
        ]
        .into_iter()
        .find(|(_, held, limit)| held > limit)
    }
}
