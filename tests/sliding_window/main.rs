//! The sliding window as its users see it.

mod support;

mod attackers;
mod basics;
mod closing;
mod config;
mod credit;
mod defects;
mod delivery;
mod endpoint;
mod farewells;
mod handshake;
mod model;
mod original_tests;
mod resume;
mod time;
