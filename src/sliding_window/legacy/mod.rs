//! What go-sliding-window (glycerine, 2016 to 2017) puts on the wire and calculates, where it is right.
//!
//! Its packet is reproduced byte for byte, so that a session of ours can talk to a session of the original; its table of
//! states, its estimate of the round-trip time and its small helpers are there to be chosen and to be compared with. All of it
//! is plain values and functions: no machine, no time, no I/O. The checksum needs the feature `legacy`.
//!
//! | what | where |
//! | --- | --- |
//! | the packet | [`Packet`], [`Timestamp`], [`control`] |
//! | the handshake's unused data | [`SynAckAck`] |
//! | a file | [`BigFile`], [`BigFileHeader`] |
#![cfg_attr(feature = "legacy", doc = "| BLAKE2b-512 | [`checksum`](fn@checksum), [`Checksum`] |")]
//! | the table of states | [`state_table`] |
//! | round-trip time and deadline | [`RttEstimator`], [`deadline`] |
//! | the limit of unacknowledged packets | [`UnackedLimit`], [`EventRing`] |
//! | the window | [`in_window`] |
//!
//! Facts are those of commit `7d8aad3`, with `tinylib/msgp` of the end of 2016.
//!
#![doc = include_str!("names.md")]

mod big_file;
#[cfg(feature = "legacy")]
mod checksum;
pub mod control;
mod error;
mod event_ring;
mod msgpack;
mod packet;
mod rtt;
#[cfg(feature = "legacy")]
mod session;
pub mod state_table;
mod syn_ack_ack;
mod timestamp;
mod unacked_limit;
mod window;

pub use big_file::{BigFile, BigFileHeader, CorruptFile};
#[cfg(feature = "legacy")]
#[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
pub use checksum::{CHECKSUM_LEN, Checksum, checksum};
pub use error::{DecodeError, DecodeRule, EncodeError, Kind};
pub use event_ring::EventRing;
pub use packet::Packet;
pub use rtt::{RttEstimator, RttSummary, deadline};
#[cfg(feature = "legacy")]
pub(super) use session::Legacy;
#[cfg(feature = "legacy")]
#[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
pub use session::config::{LegacyConfig, LegacyTimeout};
pub use state_table::{TcpAction, TcpEvent, TcpState};
pub use syn_ack_ack::SynAckAck;
pub use timestamp::Timestamp;
pub use unacked_limit::{TermConfig, Terminated, UnackedLimit};
pub use window::in_window;
