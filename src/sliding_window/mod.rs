//! Messages and streams, complete and in order, over packets that may be lost, doubled, reordered or damaged.

// The session that puts the parts together is still to come.
#![allow(dead_code, unused_imports)]

pub(crate) mod fault;
pub(crate) mod number;
pub mod packet;
pub(crate) mod receiver;
pub(crate) mod sender;

pub use fault::PeerFault;
pub use receiver::Asap;
pub use sender::{Class, Expires, MessageId, SendError, SendOptions, SendRefusal};

#[cfg(test)]
mod joined;
