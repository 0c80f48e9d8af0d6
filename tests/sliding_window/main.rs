//! The sliding window as its users see it.

mod support;

mod attackers;
mod basics;
mod closing;
mod credit;
mod delivery;
mod endpoint;
mod handshake;
mod resume;
mod time;
