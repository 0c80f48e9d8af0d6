//! Peers.

mod address;
pub mod pex;
pub mod reactor;
mod sequence;
pub mod switch;
pub use address::{AddressError, Host, HostPort, PeerAddress, split_id};
