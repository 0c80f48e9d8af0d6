//! The switch.

mod backoff;
mod connection_id;
mod limits;
mod refusal;
mod table;

pub use backoff::Backoff;
pub use connection_id::ConnectionId;
pub use limits::PeerLimits;
pub use refusal::{AcceptRefusal, DialRefusal, PeerRefusal};
