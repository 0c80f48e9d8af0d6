//! How much a subscription may hold.

use crate::sliding_window::Config;
use crate::sliding_window::endpoint::EndpointConfig;

/// How much a subscription may hold before it drops what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingLimits {
    /// Messages.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl Default for PendingLimits {
    /// 65,536 messages, as `async-nats` has it, and 64 MiB, as the client in Go has it.
    fn default() -> Self {
        Self { messages: 65_536, bytes: 64 << 20 }
    }
}

/// What a datagram has at most besides the bytes of a message: of ours the header, and an acknowledgement and credit that go with
/// it; of the original's about 460 bytes.
const OVERHEAD: usize = 512;

impl PendingLimits {
    /// Messages that are kept free for packets without data, as in the original (`ReservedMsgCap` of go-sliding-window).
    pub const RESERVED_MESSAGES: usize = 32;
    /// Bytes that are kept free for packets without data, as in the original (`ReservedByteCap` of go-sliding-window).
    pub const RESERVED_BYTES: usize = 65_536;

    /// So many messages and bytes.
    #[must_use]
    pub const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes }
    }

    /// What is left for data.
    const fn for_data(self) -> (usize, usize) {
        (self.messages.saturating_sub(Self::RESERVED_MESSAGES), self.bytes.saturating_sub(Self::RESERVED_BYTES))
    }

    /// Lowers what the peer may send until it can not overflow the subscription. What leaves nothing is refused later, by the
    /// check of the configuration.
    pub(super) fn guard(self, config: &mut Config) {
        let (messages, bytes) = self.for_data();
        let receive = &mut config.receive;
        // Half of the bytes may go into what is around the data; each segment is one datagram.
        receive.window = receive.window.min(messages).min((bytes / 2) / OVERHEAD);
        let around = receive.window.saturating_mul(OVERHEAD);
        receive.max_bytes = receive.max_bytes.min(bytes.saturating_sub(around));
        receive.max_message = receive.max_message.min(receive.max_bytes);
    }

    /// The same for many sessions on one subscription: so many may be open that all together can not overflow it.
    pub(super) fn guard_all(self, config: &mut EndpointConfig) {
        self.guard(&mut config.session);
        let (messages, bytes) = self.for_data();
        let receive = config.session.receive;
        let each = receive.max_bytes.saturating_add(receive.window.saturating_mul(OVERHEAD));
        let most = messages.checked_div(receive.window).unwrap_or(0).min(bytes.checked_div(each).unwrap_or(0));
        config.max_sessions = config.max_sessions.min(most);
        config.max_half_open = config.max_half_open.min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_far_from_the_limits() {
        let mut config = Config::new(1, 0);
        PendingLimits::default().guard(&mut config);
        assert_eq!(config, Config::new(1, 0));
    }

    #[test]
    fn credit_stays_below_the_limits_by_what_is_reserved() {
        for (messages, bytes) in [(100, 1 << 20), (100_000, 1 << 20), (1000, 200_000), (64, 70_000)] {
            let limits = PendingLimits::new(messages, bytes);
            let mut config = Config::new(1, 0);
            limits.guard(&mut config);
            assert!(config.receive.window + 32 <= messages);
            assert!(config.receive.max_bytes + config.receive.window * OVERHEAD + 65_536 <= bytes);
            assert!(config.validate().is_ok(), "{limits:?}: {config:?}");
        }
        let mut config = Config::new(1, 0);
        PendingLimits::new(32, 1 << 20).guard(&mut config);
        assert!(config.validate().is_err());
    }

    #[test]
    fn many_sessions_share_the_limits() {
        let mut config = EndpointConfig::new([0; 16]);
        PendingLimits::default().guard_all(&mut config);
        assert_eq!(config.max_sessions, 10); // 64 MiB for 4 MiB and what is around them
        assert!(config.validate().is_ok());
    }
}
