//! Peers.

pub mod pex;
pub mod reactor;
pub mod switch;
