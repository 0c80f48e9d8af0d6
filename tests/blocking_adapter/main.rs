//! The adapter for plain threads, over loopback TCP and over a pipe in memory.
//!
//! Nothing here expects anything to be fast: times are upper bounds, far away, after which a test gives up.

#![cfg(feature = "blocking")]

mod endings;
mod go_cases;
mod limits;
mod support;
mod traffic;
