//! Reliable delivery over packets that may be lost, doubled, reordered or damaged, as a pure state machine.

mod close;
mod config;
mod error;
mod event;
mod handshake;
mod keepalive;
mod seed;
mod unacked;

pub use crate::machine::Fault;
pub use config::{
    Config, Delivery, HandshakeConfig, InitialNumbers, PacketFormat, ReceiveConfig, SendConfig, UnackedLimit,
};
pub use error::{CloseReason, ConfigError, PeerFault, SendError, SendRefusal};
pub use event::{Class, Event, Expiry, FlushMark, Input, MessageId, SendOptions, Timer};
