//! What every fuzz target asserts. The targets in `fuzz/` and the replay of their corpora in `cargo test` share this file.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod codec;
mod connection;
mod legacy;
#[cfg(feature = "legacy")]
mod legacy_session;
pub(crate) mod native_packet;
mod pair;
#[cfg(feature = "peer")]
mod peer;
#[cfg(feature = "peer")]
mod pex;
#[cfg(feature = "secret")]
mod secret;
#[cfg(feature = "peer")]
mod switch;
mod window;

use mconn::wire::{Amino, GoWire, Proto3};

/// Any bytes into the decoder of today's wire.
pub(crate) fn decode_proto3(data: &[u8]) {
    codec::check(&Proto3::new(), &Proto3::strict(), data);
}

/// Any bytes into the decoder of Amino.
pub(crate) fn decode_amino(data: &[u8]) {
    codec::check(&Amino::new(), &Amino::strict(), data);
}

/// Any bytes into the decoder of go-wire.
pub(crate) fn decode_gowire(data: &[u8]) {
    codec::check(&GoWire::new(), &GoWire::strict(), data);
}

/// Any bytes into the decoders of go-sliding-window's wire.
pub(crate) fn decode_legacy_packet(data: &[u8]) {
    legacy::check(data);
}

/// Any bytes into a connection, checked against another chunking of the same bytes.
pub(crate) fn connection_bytes(data: &[u8]) {
    connection::check(data);
}

/// Any sequence of operations on a pair of connections: nothing is lost, doubled, reordered or invented.
pub(crate) fn pair_operations(data: &[u8]) {
    pair::check(data);
}

/// Any bytes into the decoder of the sliding window's native packet.
pub(crate) fn decode_native_packet(data: &[u8]) {
    native_packet::check(data);
}

/// Packets, true and forged, into a session of the sliding window.
pub(crate) fn window_packets(data: &[u8]) {
    window::check_packets(data);
}

/// Any sequence of operations on a pair of sessions over a bad network: nothing is lost, doubled, reordered or invented.
pub(crate) fn window_operations(data: &[u8]) {
    window::check_operations(data);
}

/// A handshake of SecretConnection with a hostile peer.
#[cfg(feature = "secret")]
pub(crate) fn secret_handshake(data: &[u8]) {
    secret::check_handshake(data);
}

/// Sealed frames, good and bad: nothing comes out that was not sealed.
#[cfg(feature = "secret")]
pub(crate) fn secret_frames(data: &[u8]) {
    secret::check_frames(data);
}

/// Any bytes as a NodeInfo.
#[cfg(feature = "peer")]
pub(crate) fn node_info(data: &[u8]) {
    peer::check_node_info(data);
}

/// A stream of a hostile peer with a node key: the upgrade, and the peer that may come of it.
#[cfg(feature = "peer")]
pub(crate) fn peer_upgrade(data: &[u8]) {
    peer::check_upgrade(data);
}

/// Any bytes as a message of peer exchange, and any operations on an address book.
#[cfg(feature = "peer")]
pub(crate) fn pex(data: &[u8]) {
    pex::check(data);
}

/// Any operations on three switches: reactors see each peer come and go in order, and nothing is left.
#[cfg(feature = "peer")]
pub(crate) fn switch_operations(data: &[u8]) {
    switch::check(data);
}

/// Packets into a session that speaks go-sliding-window's format.
#[cfg(feature = "legacy")]
pub(crate) fn legacy_session(data: &[u8]) {
    legacy_session::check(data);
}

/// What a target does with an input: it panics when something is wrong.
pub(crate) type Check = fn(&[u8]);

/// The targets by name.
pub(crate) const TARGETS: &[(&str, Check)] = &[
    ("decode_proto3", decode_proto3),
    ("decode_amino", decode_amino),
    ("decode_gowire", decode_gowire),
    ("decode_legacy_packet", decode_legacy_packet),
    ("connection_bytes", connection_bytes),
    ("pair_operations", pair_operations),
    ("decode_native_packet", decode_native_packet),
    ("window_packets", window_packets),
    ("window_operations", window_operations),
    #[cfg(feature = "legacy")]
    ("legacy_session", legacy_session),
    #[cfg(feature = "secret")]
    ("secret_handshake", secret_handshake),
    #[cfg(feature = "secret")]
    ("secret_frames", secret_frames),
    #[cfg(feature = "peer")]
    ("node_info", node_info),
    #[cfg(feature = "peer")]
    ("peer_upgrade", peer_upgrade),
    #[cfg(feature = "peer")]
    ("pex", pex),
    #[cfg(feature = "peer")]
    ("switch_operations", switch_operations),
];
