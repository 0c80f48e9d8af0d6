//! The switch.

mod connection_id;
mod limits;
mod refusal;
mod table;

pub use connection_id::ConnectionId;
pub use limits::PeerLimits;
pub use refusal::{AcceptRefusal, DialRefusal, PeerRefusal};
