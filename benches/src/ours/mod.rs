//! `mconn` itself, as contenders.

pub mod blocking;
pub mod by_hand;
pub mod codec;
pub mod machine;
pub mod nats;
pub mod sealed;
pub mod tokio;
pub mod udp;
pub mod window;
mod window_messages;
