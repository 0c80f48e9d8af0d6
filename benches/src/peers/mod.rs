//! The limits and the peers, one file each.

pub mod async_peer;
pub mod datagram;
pub mod go;
pub mod h2;
pub mod length_delimited;
pub mod memcpy;
pub mod nats_server;
pub mod prost;
pub mod raw_nats;
pub mod raw_tcp;
pub mod raw_udp;
pub mod sealed;
pub mod tokio_yamux;
pub mod yamux;
