//! What go-sliding-window (glycerine, 2016 to 2017) puts on the wire and calculates, where it is right.
//!
//! Its packet is reproduced byte for byte, so that a session of ours can talk to a session of the original; its table of
//! states, its estimate of the round-trip time and its small helpers are there to be chosen and to be compared with. They are
//! plain values and functions: no machine, no time, no I/O. The checksum and the sessions need the feature `legacy`.
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
//! # A session with a peer of the original
//!
//! With the feature `legacy`, `PacketFormat::Legacy` makes a [`SlidingWindow`](super::SlidingWindow) speak these packets. Its face
//! and its events are the same; this is what the packets can not carry, and what becomes of it.
//!
//! | what is asked for | what happens |
//! | --- | --- |
//! | unordered delivery, expiry | [`SendRefusal::Unsupported`](super::SendRefusal::Unsupported) |
//! | a message larger than a datagram | [`SendRefusal::TooLarge`](super::SendRefusal::TooLarge); [`write`](super::SlidingWindow::write) cuts a stream as the original does |
//! | half-close | [`ConfigError::Unsupported`](super::ConfigError::Unsupported); [`finish`](super::SlidingWindow::finish) is [`Input::Close`](super::Input::Close), and a FIN of the peer finishes our side after what was accepted |
//! | abort with a reason | nothing is sent, as by the original's `Stop`: a FIN would say that all was well. The peer finds out by our silence |
//! | resumption, an [`endpoint`](super::endpoint) | [`ConfigError::Unsupported`](super::ConfigError::Unsupported); `into_resumable` is `None` |
//! | credit apart from acknowledgements | acknowledgements mean consumption, so the windows count from what is consumed |
//! | acknowledgements with gaps, probes, congestion control, pacing | a timeout that doubles; then one packet, and twice as many with each progress. `congestion`, `recovery` and `ack` are not looked at |
//! | a check of the header | none: what damages a header may damage the session. The data have theirs |
//! | at most three times as many bytes to a caller that is not proved | none: a SYN can not be larger. The SYNACK is repeated as often as the handshake is tried |
//!
//! Where the original's own behaviour is a defect or harms it, ours differs:
//!
//! | the original | here |
//! | --- | --- |
//! | acknowledges 0 from the start | -1 in every packet until number 0 was consumed; its 0 is believed only in an answer to data |
//! | a lost ESTABACK ends the responder | every repeated SYNACK is answered; whatever carries our nonce completes the handshake |
//! | tells its samples of the round-trip time, and blends | tells none, so that it can not divide by zero |
//! | charges what waits for the application twice, and is off by one | tells the whole window; not above the peer's own, and 1 as long as that is not known |
//! | sends its FIN at once and once | sends it when all is acknowledged, and repeats it: five times without an answer, and the peer is gone |
//! | ends with a FIN at once, whatever is missing | waits a second for what may be behind it, and for what is missing; then it is an error |
//! | answers everything when it is closed | answers a FIN, once in 100 ms, for a while |
//! | takes data before the handshake | does not; they are repeated |
//! | dies when nobody calls | listens for ever; a caller that does not go on is forgotten |
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
