//! Reliable delivery over packets that may be lost, doubled, reordered or damaged, as a pure state machine.

mod close;
mod config;
pub mod congestion;
mod error;
mod event;
mod handshake;
mod keepalive;
#[allow(dead_code, reason = "the session that uses it is built beside it")]
pub(crate) mod number;
pub mod packet;
#[cfg_attr(not(test), allow(dead_code, reason = "the session that drives it is built beside it"))]
pub(crate) mod recovery;
mod seed;
mod unacked;

pub use crate::machine::Fault;
pub use config::{
    Config, Delivery, HandshakeConfig, InitialNumbers, PacketFormat, ReceiveConfig, SendConfig, UnackedLimit,
};
pub use error::{CloseReason, ConfigError, PeerFault, SendError, SendRefusal};
pub use event::{Class, Event, Expiry, FlushMark, Input, MessageId, SendOptions, Timer};
pub use recovery::{AckConfig, RecoveryConfig, RecoveryStatus};
