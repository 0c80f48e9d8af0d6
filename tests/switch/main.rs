//! The switch from outside.
#![cfg(feature = "peer")]

mod dialling;
mod net;
mod peers;
mod pex;
