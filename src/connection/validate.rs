//! Which configurations can work.

use super::config::{ChannelConfig, MConnConfig};
use super::error::{ConfigError, Direction};
use crate::rate::Limiter;
use crate::wire::{Codec, Header, MAX_PAYLOAD};

impl<C: Codec> MConnConfig<C> {
    /// Checks the configuration as [`MConnState::new`](super::MConnState::new) does.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_sizes()?;
        self.validate_keepalive()?;
        for (position, channel) in self.channels.iter().enumerate() {
            if self.channels.iter().take(position).any(|earlier| earlier.id == channel.id) {
                return Err(ConfigError::DuplicateChannel { channel: channel.id });
            }
            self.validate_channel(channel)?;
        }
        check_limiter(Direction::Send, self.send_limiter.as_ref(), self.max_sent_packet())?;
        check_limiter(Direction::Receive, self.recv_limiter.as_ref(), self.max_received_packet())
    }

    /// The most bytes of a message packet of ours on the wire.
    pub(crate) fn max_sent_packet(&self) -> u64 {
        self.send_payload_size.saturating_add(Header::CAPACITY) as u64
    }

    /// The most bytes of a packet of the peer on the wire.
    pub(crate) fn max_received_packet(&self) -> u64 {
        self.codec.max_wire_len(self.codec.packet_limit(self.recv_payload_size)) as u64
    }

    fn validate_sizes(&self) -> Result<(), ConfigError> {
        for (direction, size) in
            [(Direction::Send, self.send_payload_size), (Direction::Receive, self.recv_payload_size)]
        {
            if size == 0 || size > MAX_PAYLOAD {
                return Err(ConfigError::PayloadSize { direction, size, max: MAX_PAYLOAD });
            }
        }
        for (name, zero) in [
            ("inbox_messages", self.inbox_messages == 0),
            ("inbox_bytes", self.inbox_bytes == 0),
            ("packets_per_batch", self.packets_per_batch == 0),
        ] {
            if zero {
                return Err(ConfigError::ZeroLimit { name });
            }
        }
        Ok(())
    }

    fn validate_keepalive(&self) -> Result<(), ConfigError> {
        for (name, duration) in [
            ("ping interval", self.ping.interval()),
            ("pong_timeout", self.pong_timeout),
            ("message_timeout", self.message_timeout),
        ] {
            if duration.is_some_and(|duration| duration.is_zero()) {
                return Err(ConfigError::ZeroLimit { name });
            }
        }
        match (self.ping.interval(), self.pong_timeout) {
            (Some(ping_interval), Some(pong_timeout)) if pong_timeout >= ping_interval => {
                Err(ConfigError::PongTimeout { pong_timeout, ping_interval })
            }
            _ => Ok(()),
        }
    }

    fn validate_channel(&self, channel: &ChannelConfig) -> Result<(), ConfigError> {
        if channel.priority == 0 {
            return Err(ConfigError::ZeroPriority { channel: channel.id });
        }
        for (name, value) in [
            ("send_queue_capacity", channel.send_queue_capacity),
            ("send_queue_bytes", channel.send_queue_bytes),
            ("recv_message_capacity", channel.recv_message_capacity),
        ] {
            if value == 0 {
                return Err(ConfigError::ZeroLimit { name });
            }
        }
        match self.max_partial_bytes {
            Some(limit) if limit < channel.recv_message_capacity => {
                Err(ConfigError::PartialBudget { limit, channel: channel.id, capacity: channel.recv_message_capacity })
            }
            _ => Ok(()),
        }
    }
}

/// Checks that `limiter` can let a packet of `packet` bytes pass.
pub(crate) fn check_limiter(direction: Direction, limiter: &dyn Limiter, packet: u64) -> Result<(), ConfigError> {
    match limiter.largest_packet() {
        Some(largest) if largest < packet => Err(ConfigError::LimiterTooSmall { direction, largest, packet }),
        _ => Ok(()),
    }
}
