//! The switch.

mod backoff;
mod builder;
mod config;
mod connection;
mod connection_id;
mod context;
mod core;
mod event;
mod limits;
mod reason;
mod redial;
mod refusal;
mod run;
mod state;
mod table;

pub use backoff::Backoff;
pub use builder::{DuplicateChannel, SwitchBuilder, SwitchError};
pub use config::{PeerFilter, SwitchConfig};
pub use connection_id::ConnectionId;
pub use context::{Broadcast, Context};
pub use event::{Command, Event};
pub use limits::PeerLimits;
pub use reason::EndReason;
pub use refusal::{AcceptRefusal, DialRefusal, PeerRefusal};
pub use state::Switch;
