//! How both peers configure their connection.

use std::time::Duration;

use mconn::connection::{ChannelConfig, MConnConfig, PingPolicy};
use mconn::rate::TokenBucket;
use mconn::wire::{Amino, AnyCodec, GoWire, Proto3};

use crate::arguments::{Arguments, Wire};

/// The channel of the file.
pub(crate) const FILE: ChannelInfo = ChannelInfo { id: 0x40, priority: 1, name: "file" };
/// The channel of the urgent messages.
pub(crate) const URGENT: ChannelInfo = ChannelInfo { id: 0x22, priority: 10, name: "urgent" };
/// Both, in the order in which they are reported.
pub(crate) const CHANNELS: [ChannelInfo; 2] = [URGENT, FILE];

/// The size of a message of the file, and of an urgent one.
pub(crate) const FILE_MESSAGE: usize = 64 << 10;
/// The size of an urgent message.
pub(crate) const URGENT_MESSAGE: usize = 100;
/// The time between two urgent messages.
pub(crate) const URGENT_INTERVAL: Duration = Duration::from_millis(10);
/// How long the last bytes may take when the connection closes.
pub(crate) const LAST_FLUSH: Duration = Duration::from_secs(5);

/// A channel as this program uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChannelInfo {
    pub(crate) id: u8,
    pub(crate) priority: u32,
    pub(crate) name: &'static str,
}

/// The configuration of a peer that sends no faster than `--send-rate`, or receives.
pub(crate) fn connection(arguments: &Arguments) -> MConnConfig {
    let codec: AnyCodec = match arguments.wire {
        Wire::Proto3 => Proto3::new().into(),
        Wire::Amino => Amino::new().into(),
        Wire::Gowire => GoWire::new().into(),
    };
    let mut config = MConnConfig::default().codec(codec).channels([
        // A short queue: a message that waits there is late already.
        ChannelConfig::new(FILE.id, FILE.priority).send_queue_capacity(4),
        ChannelConfig::new(URGENT.id, URGENT.priority),
    ]);
    // What waits to be read keeps what is urgent waiting behind it.
    config.inbox_bytes = 256 << 10;
    // More often than nodes do, so that there is something to see.
    config.ping = PingPolicy::Every(Duration::from_millis(1000));
    config.pong_timeout = Some(Duration::from_millis(900));
    if let Some(rate) = arguments.send_rate.0 {
        // What ten milliseconds bring: timers are not much finer than one.
        let burst = (rate / 100).max(64 << 10);
        config.send_limiter = Box::new(TokenBucket::new(rate, burst));
    }
    config
}
