//! How a session behaves.

use core::time::Duration;

use super::congestion::Algorithm;
use super::error::ConfigError;
use super::legacy::{self, TermConfig};
use super::recovery::{AckConfig, RecoveryConfig};

/// Which packets a session speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketFormat {
    /// Ours: a session tag on every packet, at most 24 bytes of header for data.
    Native {
        /// Whether every packet carries a CRC32C over all of it (4 bytes). Handshake packets always do.
        check: bool,
    },
    /// The original's, to talk to a session of go-sliding-window: see [`legacy`](super::legacy) for what it can do.
    #[cfg(feature = "legacy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
    Legacy(super::legacy::LegacyConfig),
}

impl PacketFormat {
    /// Whether every packet of ours carries a CRC32C.
    pub(super) const fn is_checked(&self) -> bool {
        matches!(self, Self::Native { check: true })
    }

    pub(super) const fn is_native(&self) -> bool {
        matches!(self, Self::Native { .. })
    }
}

/// How messages reach the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// As [`Event::Message`](super::Event::Message).
    #[default]
    Events,
    /// [`Event::Readable`](super::Event::Readable) says that something is there; the user takes it with
    /// [`receive_with`](super::SlidingWindow::receive_with) or [`read`](super::SlidingWindow::read).
    Pull,
}

/// How the handshake is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeConfig {
    /// How long the first attempt waits for an answer; each further one waits twice as long.
    pub first_timeout: Duration,
    /// The longest that an attempt waits.
    pub max_timeout: Duration,
    /// How often it is tried.
    pub attempts: u32,
}

impl Default for HandshakeConfig {
    /// Eight attempts, the first of half a second, none above eight seconds: about 40 seconds in all.
    fn default() -> Self {
        Self { first_timeout: Duration::from_millis(500), max_timeout: Duration::from_secs(8), attempts: 8 }
    }
}

/// What may wait for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendConfig {
    /// Messages that were accepted and are not acknowledged.
    pub max_messages: usize,
    /// Their bytes.
    pub max_bytes: usize,
    /// The largest message.
    pub max_message: usize,
    /// Messages whose receipt was asked for and has not come.
    pub max_receipts: usize,
    /// Segments that are sent and not acknowledged: the own window, whatever the peer allows.
    pub window: usize,
}

impl Default for SendConfig {
    /// 4,096 messages, 4 MiB, messages of up to 4 MiB, 4,096 receipts, 4,096 segments.
    fn default() -> Self {
        Self { max_messages: 4096, max_bytes: 4 << 20, max_message: 4 << 20, max_receipts: 4096, window: 4096 }
    }
}

/// What the peer may make us hold: the credit that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiveConfig {
    /// Messages that have begun to arrive and are not taken by the user.
    pub max_messages: usize,
    /// Their bytes. It must hold the largest message.
    pub max_bytes: usize,
    /// The largest message.
    pub max_message: usize,
    /// Segments from the oldest that is missing or not taken to the newest.
    pub window: usize,
}

impl Default for ReceiveConfig {
    /// 4,096 messages, 4 MiB, messages of up to 4 MiB, 4,096 segments.
    fn default() -> Self {
        Self { max_messages: 4096, max_bytes: 4 << 20, max_message: 4 << 20, window: 4096 }
    }
}

/// How many packets may go unacknowledged before the session ends: the original's `TermConfig`, at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnackedLimit {
    /// Packets that were taken for lost, or probed for.
    pub packets: u32,
    /// Within this time.
    pub window: Duration,
}

impl UnackedLimit {
    /// Ends the session when so many packets were not acknowledged in time within `window`.
    #[must_use]
    pub const fn new(packets: u32, window: Duration) -> Self {
        Self { packets, window }
    }

    /// What counts against a limit; without one it counts for ever.
    pub(super) fn watch(limit: Option<Self>) -> legacy::UnackedLimit {
        legacy::UnackedLimit::new(limit.map_or(TermConfig::default(), |limit| TermConfig {
            window: limit.window,
            unacked_limit: limit.packets as usize,
        }))
    }
}

/// The numbers on the wire of our first packet and our first segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitialNumbers {
    /// Of the first packet.
    pub packet: u32,
    /// Of the first segment.
    pub segment: u32,
}

impl InitialNumbers {
    /// Both numbers.
    #[must_use]
    pub const fn new(packet: u32, segment: u32) -> Self {
        Self { packet, segment }
    }
}

/// How a session behaves.
///
/// All fields are public; set what you need. Two must be given: the tag and the seed, because nothing here draws random
/// numbers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Which packets are spoken. Both ends must agree.
    pub format: PacketFormat,
    /// Our session tag, which the peer puts on every packet to us. Draw it from a good random source, anew for each session:
    /// who does not know it can not disturb the session. Never 0. A listener that was called and heard no more of the caller
    /// goes on with another one, from the seed.
    pub tag: u64,
    /// Where jitter comes from.
    pub seed: u64,
    /// Where our numbers begin on the wire; `None` draws them from the seed.
    pub initial_numbers: Option<InitialNumbers>,
    /// The largest datagram that we send or take, in bytes; 1,232 unless set, which every path of the internet carries, and into
    /// which a message of 1,200 bytes fits. The smaller one of both ends holds.
    pub max_datagram: usize,
    /// How the handshake is tried.
    pub handshake: HandshakeConfig,
    /// What may wait for sending.
    pub send: SendConfig,
    /// What the peer may make us hold.
    pub receive: ReceiveConfig,
    /// How messages reach the user.
    pub delivery: Delivery,
    /// How much may be in the network at once.
    pub congestion: Algorithm,
    /// How losses are found. The size of a datagram and the peer's delay are filled in from the handshake.
    pub recovery: RecoveryConfig,
    /// When we acknowledge.
    pub ack: AckConfig,
    /// After so much silence both ways the peer is asked whether it is there; `None` never asks.
    pub keepalive: Option<Duration>,
    /// After so long without a word of the peer the session ends; `None` waits for ever. It does not run while nobody is
    /// connected.
    pub idle_timeout: Option<Duration>,
    /// Probe timeouts in a row without an acknowledgement before the session ends.
    pub max_probes: u32,
    /// How many packets may go unacknowledged; `None` sets no limit.
    pub unacked_limit: Option<UnackedLimit>,
    /// How long the peer may give no credit while we have something to send; `None` waits for ever.
    pub zero_window_timeout: Option<Duration>,
    /// How long [`Input::Close`](super::Input::Close) waits until everything is delivered and the peer has finished.
    pub close_timeout: Duration,
    /// How long a session that lacks nothing any more waits for the word that the peer lacks nothing either, and answers if it
    /// asks again; at most four times this. The word comes within a round trip unless it is lost. While a receipt of ours is on
    /// its way it waits for that too, if need be for `close_timeout`. After an abort: how long the transport may take to accept the
    /// packet that tells of it, and then how long a peer that goes on is told again ([`Farewell`](super::Farewell)).
    pub linger: Duration,
    /// Whether our side stays open when the peer has finished its own. When `false`, our side then finishes by itself after
    /// what was accepted.
    pub half_close: bool,
}

impl Config {
    /// The least size of a datagram: every path carries so much.
    pub const MIN_DATAGRAM: usize = 256;
    /// The largest size of a datagram.
    pub const MAX_DATAGRAM: usize = 1 << 20;

    /// The defaults, with a tag and a seed that nobody can guess.
    #[must_use]
    pub fn new(tag: u64, seed: u64) -> Self {
        Self {
            format: PacketFormat::Native { check: true },
            tag,
            seed,
            initial_numbers: None,
            max_datagram: 1232,
            handshake: HandshakeConfig::default(),
            send: SendConfig::default(),
            receive: ReceiveConfig::default(),
            delivery: Delivery::Events,
            congestion: Algorithm::Cubic,
            recovery: RecoveryConfig::default(),
            ack: AckConfig::default(),
            keepalive: Some(Duration::from_secs(10)),
            idle_timeout: Some(Duration::from_secs(30)),
            max_probes: 16,
            unacked_limit: None,
            zero_window_timeout: Some(Duration::from_secs(600)),
            close_timeout: Duration::from_secs(60),
            linger: Duration::from_secs(5),
            half_close: false,
        }
    }

    /// The defaults to talk to a session of the original: its keepalives of half a second, its patience of fifty of them, and
    /// datagrams as large as UDP takes them.
    #[cfg(feature = "legacy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
    #[must_use]
    pub fn legacy(legacy: super::legacy::LegacyConfig) -> Self {
        Self {
            format: PacketFormat::Legacy(legacy),
            max_datagram: 65_507,
            keepalive: Some(Duration::from_millis(500)),
            idle_timeout: Some(Duration::from_secs(25)),
            // Neither is on the wire.
            ..Self::new(0, 0)
        }
    }

    /// Checks the configuration as the constructors do.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.tag == 0 && self.format.is_native() {
            return Err(ConfigError::ZeroTag);
        }
        self.validate_ranges()?;
        #[cfg(feature = "legacy")]
        if let PacketFormat::Legacy(legacy) = &self.format {
            legacy.validate(self)?;
        }
        for (name, zero) in [
            ("handshake.first_timeout", self.handshake.first_timeout.is_zero()),
            ("handshake.max_timeout", self.handshake.max_timeout.is_zero()),
            ("keepalive", self.keepalive.is_some_and(|interval| interval.is_zero())),
            ("idle_timeout", self.idle_timeout.is_some_and(|timeout| timeout.is_zero())),
            ("unacked_limit.window", self.unacked_limit.is_some_and(|limit| limit.window.is_zero())),
            ("zero_window_timeout", self.zero_window_timeout.is_some_and(|timeout| timeout.is_zero())),
        ] {
            if zero {
                return Err(ConfigError::ZeroLimit { name });
            }
        }
        match (self.keepalive, self.idle_timeout) {
            (Some(keepalive), Some(idle_timeout)) if keepalive >= idle_timeout => {
                Err(ConfigError::KeepaliveNotBelowIdleTimeout { keepalive, idle_timeout })
            }
            _ => Ok(()),
        }
    }

    fn validate_ranges(&self) -> Result<(), ConfigError> {
        const MANY: u64 = 1 << 20;
        const LARGE: u64 = 1 << 40;
        let largest = self.receive.max_message as u64;
        let ranges = [
            ("max_datagram", self.max_datagram as u64, Self::MIN_DATAGRAM as u64, Self::MAX_DATAGRAM as u64),
            ("handshake.attempts", u64::from(self.handshake.attempts), 1, MANY),
            ("send.max_messages", self.send.max_messages as u64, 1, MANY),
            ("send.max_message", self.send.max_message as u64, 1, LARGE),
            ("send.max_bytes", self.send.max_bytes as u64, (self.send.max_message as u64).max(1), LARGE),
            ("send.window", self.send.window as u64, 1, MANY),
            ("receive.max_messages", self.receive.max_messages as u64, 1, MANY),
            ("receive.max_message", largest, 1, LARGE),
            ("receive.max_bytes", self.receive.max_bytes as u64, largest.max(1), LARGE),
            ("receive.window", self.receive.window as u64, 1, MANY),
            ("max_probes", u64::from(self.max_probes), 1, MANY),
            ("unacked_limit.packets", self.unacked_limit.map_or(1, |limit| u64::from(limit.packets)), 1, MANY),
        ];
        for (name, value, min, max) in ranges {
            if value < min || value > max {
                return Err(ConfigError::OutOfRange { name, value, min, max });
            }
        }
        Ok(())
    }
}
