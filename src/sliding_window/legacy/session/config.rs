//! What a session of the original needs to know besides what every session does.

use alloc::string::String;

use crate::sliding_window::config::Config;
use crate::sliding_window::error::ConfigError;
use crate::sliding_window::legacy::{Packet, TcpEvent, Timestamp};
use crate::time::Duration;

/// How long an acknowledgement is waited for before the oldest packet is sent again.
///
/// Either is doubled with each timeout until an acknowledgement brings progress; the original never waits longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LegacyTimeout {
    /// RFC 6298: the smoothed round-trip time and four times its variation.
    #[default]
    Rfc6298,
    /// The original's: [`RttEstimator`](super::super::RttEstimator) and [`deadline`](super::super::deadline), with the zero
    /// deviations mended that made it send without a pause.
    Original,
}

/// What [`PacketFormat::Legacy`](crate::sliding_window::PacketFormat::Legacy) needs to know besides what every session does.
///
/// | the original's `SessionConfig` | here |
/// | --- | --- |
/// | `LocalInbox`, `DestInbox` | [`inbox`](Self::inbox), [`peer_inbox`](Self::peer_inbox) |
/// | the nonce, which it draws | [`nonce`](Self::nonce), which is an argument |
/// | `Clk` | [`clock`](Self::clock): what the clock on the wall shows at [`Instant::ZERO`](crate::time::Instant::ZERO) |
/// | `Timeout` | [`min_timeout`](Self::min_timeout): the original looks at its packets every half of it |
/// | `WindowMsgCount`, `WindowByteSz` | [`ReceiveConfig::window`](crate::sliding_window::ReceiveConfig) and `max_bytes`; our sender has limits of its own |
/// | `KeepAliveInterval` | [`Config::keepalive`] |
/// | `NumFailedKeepAlivesBeforeClosing` | [`Config::idle_timeout`]: so many intervals |
/// | `TermCfg` | [`Config::unacked_limit`] |
///
/// ```
/// use mconn::sliding_window::legacy::{LegacyConfig, Timestamp};
/// use mconn::sliding_window::{Config, SlidingWindow};
/// use mconn::time::Instant;
///
/// let nonce = "DRWeYWrQjEpw5VNaYjwHo1hlU3WO3U"; // draw it anew for each session
/// let legacy = LegacyConfig::new("A", "B", nonce, Timestamp::new(1_490_000_000, 0));
/// let session = SlidingWindow::connect(Config::legacy(legacy), Instant::ZERO)?;
/// # Ok::<(), mconn::sliding_window::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LegacyConfig {
    /// Our inbox: a NATS subject or any name, at most 255 bytes.
    pub inbox: String,
    /// The inbox of the peer. Empty on a side that listens: the first that calls.
    pub peer_inbox: String,
    /// Our session nonce: 30 letters and digits, drawn anew for each session from a good random source.
    pub nonce: String,
    /// What the clock on the wall shows at the start of the driver's time.
    pub clock: Timestamp,
    /// How long an acknowledgement is waited for.
    pub timeout: LegacyTimeout,
    /// It is waited for at least so long.
    pub min_timeout: Duration,
    /// It is waited for at most so long, however often it was doubled.
    pub max_timeout: Duration,
    /// How many messages the peer's own window has. `None` learns it from what the peer tells.
    ///
    /// The original loses packets when it may send more than that ("ring overwrite"), so it is never allowed more; as long as the
    /// number is not known, it is allowed one.
    pub peer_window: Option<u32>,
    /// How often the end is told without an answer before the peer is taken to be gone.
    pub fin_attempts: u32,
}

impl LegacyConfig {
    /// The length of a nonce.
    pub const NONCE_LEN: usize = 30;
    /// The most bytes in the name of an inbox.
    pub const MAX_INBOX: usize = 255;

    /// The defaults, with the names of both inboxes, our nonce, and what the clock shows at the start of the driver's time.
    #[must_use]
    pub fn new(
        inbox: impl Into<String>,
        peer_inbox: impl Into<String>,
        nonce: impl Into<String>,
        clock: Timestamp,
    ) -> Self {
        Self {
            inbox: inbox.into(),
            peer_inbox: peer_inbox.into(),
            nonce: nonce.into(),
            clock,
            timeout: LegacyTimeout::default(),
            min_timeout: Duration::from_millis(100),
            max_timeout: Duration::from_secs(10),
            peer_window: None,
            fin_attempts: 5,
        }
    }

    /// The most bytes that a packet has besides its data.
    pub(crate) fn overhead(&self) -> usize {
        let widest = i64::MIN;
        let peer = if self.peer_inbox.is_empty() { Self::MAX_INBOX } else { self.peer_inbox.len() };
        let names = self.inbox.len().saturating_add(peer).saturating_add(Self::NONCE_LEN.saturating_mul(2));
        let packet: Packet<&[u8]> = Packet {
            sequence: widest,
            sequence_retry: widest,
            ack: widest,
            ack_retry: widest,
            event: TcpEvent::Data,
            available_bytes: widest,
            available_messages: widest,
            cumulative_bytes: widest,
            checksum: &[0; 64],
            ..Packet::default()
        };
        // The lengths of four names and of the data take up to 2 + 2 + 2 + 2 and 5 bytes where nothing takes 1 and 2.
        packet.encoded_len().saturating_add(names).saturating_add(8)
    }

    pub(crate) fn validate(&self, config: &Config) -> Result<(), ConfigError> {
        if self.nonce.len() != Self::NONCE_LEN || !self.nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ConfigError::Nonce);
        }
        if config.half_close {
            return Err(ConfigError::Unsupported { what: "half_close" });
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (least, day) = (self.overhead().saturating_add(1) as u64, 86_400_000);
        let ranges = [
            ("inbox", self.inbox.len() as u64, 1, Self::MAX_INBOX as u64),
            ("peer_inbox", self.peer_inbox.len() as u64, 0, Self::MAX_INBOX as u64),
            ("max_datagram", config.max_datagram as u64, least, Config::MAX_DATAGRAM as u64),
            ("min_timeout", millis(self.min_timeout), 1, day),
            ("max_timeout", millis(self.max_timeout), millis(self.min_timeout), day),
            ("peer_window", self.peer_window.map_or(1, u64::from), 1, 1 << 20),
            ("fin_attempts", u64::from(self.fin_attempts), 1, 1 << 10),
        ];
        for (name, value, min, max) in ranges {
            if value < min || value > max {
                return Err(ConfigError::OutOfRange { name, value, min, max });
            }
        }
        Ok(())
    }
}
