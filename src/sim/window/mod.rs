//! Sessions of the sliding window in worlds: their users, their faults, and the oracles that watch them.

mod attack;
mod conduct;
mod draw;
mod draw_config;
mod endpoint;
mod hub;
mod judge;
mod machine;
mod scenario;
mod user;
mod watch;

pub use attack::Forgery;
pub use conduct::{Conduct, Farewell, Kind, Letter, Lifetime, Reading};
pub use endpoint::WindowEndpoint;
pub use hub::WindowHub;
pub use machine::WindowMachine;
pub use scenario::{Attack, End, Fault, Restart, WindowHost, WindowOutcome, WindowScenario, WindowWorld, window_label};
pub use user::Tally;
