//! The sliding window as its users see it.

mod support;

mod basics;
mod closing;
mod handshake;
