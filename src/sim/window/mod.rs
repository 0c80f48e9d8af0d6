//! Sessions of the sliding window in worlds: their users, their faults, and the oracles that watch them.

mod attack;
mod conduct;
mod draw;
mod draw_config;
mod endpoint;
mod host;
mod hub;
mod judge;
mod label;
mod machine;
mod outcome;
mod scenario;
mod tally;
mod user;
mod watch;

pub use attack::Forgery;
pub use conduct::{Conduct, Farewell, Kind, Letter, Lifetime, Reading};
pub use endpoint::WindowEndpoint;
pub use host::{WindowHost, WindowWorld};
pub use hub::WindowHub;
pub use label::window_label;
pub use machine::WindowMachine;
pub use outcome::WindowOutcome;
pub use scenario::{Attack, End, Fault, Restart, WindowScenario};
pub use tally::Tally;
