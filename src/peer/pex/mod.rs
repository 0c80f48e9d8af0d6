//! Peer exchange: nodes tell each other where nodes are.
//!
//! [`PexMessage`] is what travels on channel `0x00`, [`AddressBook`] what is known of other nodes, [`PexReactor`] the reactor
//! that asks, answers, and dials (`p2p/pex @ v0.38`).
//!
//! # Limits
//!
//! | what | limit |
//! | --- | --- |
//! | a message | [`MAX_MESSAGE`] bytes |
//! | addresses in an answer | [`MAX_ADDRESSES`] |
//! | requests of one peer | two, then one each [`PexConfig::min_request_interval`] |
//! | answers | one for each request of ours |
//! | addresses in the book | [`BookConfig::max_new`], [`BookConfig::max_tried`], and shares of the first for each source and each network |
//!
//! A peer beyond a limit is stopped and not dialled for a day, as in Go. Other than in Go, a node is not banned because somebody
//! else was where it should be.

mod book;
mod message;
mod reactor;
mod routable;

pub use book::{AddressBook, BookConfig, BookRefusal, KnownAddress};
pub use message::{MAX_ADDRESSES, MAX_MESSAGE, PexDecodeError, PexMessage};
pub use reactor::{CHANNEL, PexConfig, PexReactor};
pub use routable::is_routable;
