//! Reliable delivery over packets that may be lost, doubled, reordered or damaged, as a pure state machine.

mod close;
mod config;
pub mod congestion;
pub mod endpoint;
mod error;
mod event;
mod fault;
mod handshake;
mod keepalive;
mod native;
mod number;
pub mod packet;
mod receiver;
mod recovery;
mod resume;
mod seed;
mod sender;
mod session;
mod status;
mod unacked;

pub use crate::machine::Fault;
pub use config::{
    Config, Delivery, HandshakeConfig, InitialNumbers, PacketFormat, ReceiveConfig, SendConfig, UnackedLimit,
};
pub use error::{CloseReason, ConfigError};
pub use event::{Event, FlushMark, Input, Timer};
pub use fault::PeerFault;
pub use receiver::Asap;
pub use recovery::{AckConfig, RecoveryConfig, RecoveryCounters, RecoveryStatus};
pub use resume::Resumable;
pub use sender::{Class, Expires, MessageId, SendError, SendOptions, SendRefusal};
pub use session::SlidingWindow;
pub use status::{Counters, ReceiveStatus, SendStatus, Status};

#[cfg(test)]
mod joined;
