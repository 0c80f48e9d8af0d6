//! Sessions of ours against sessions of go-sliding-window, live: over UDP, and over a NATS server where there is one.
//!
//! `cargo test --features legacy --test legacy_interop -- --ignored`; it takes Go.

mod go;
mod nats;
mod ours;
mod udp;
mod wire;
