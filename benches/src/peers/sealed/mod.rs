//! Peers and limits that carry bytes in sealed frames over TCP.

pub mod ceiling;
pub mod tendermint;
