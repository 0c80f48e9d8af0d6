//! One seed after another, and what to say of one that fails.

use super::{Address, DatagramEndpoint, Failure, World};
use crate::sim::Violation;
use alloc::string::String;

/// Runs the world of a seed, without a trace; when a promise is broken, once more with one, for the report.
///
/// `build` makes the world, with a trace or without; `judge` runs it and says what else must hold at its end; `again` is the
/// command that runs a seed again. The world comes back as it is at the end, for whoever counts.
///
/// # Errors
/// What was broken, the line that replays it, and the end of the trace.
///
/// ```
/// use mconn::sim::{Address, DatagramEndpoint, Habits, Violation, World, WorldConfig, run_seed};
/// # use bytes::BytesMut;
/// # use mconn::time::Instant;
/// # #[derive(Debug)]
/// # struct Idle;
/// # impl DatagramEndpoint for Idle {
/// #     fn handle_datagram(&mut self, _: Instant, _: Address, _: &mut BytesMut) {}
/// #     fn handle_timeout(&mut self, _: Instant) {}
/// #     fn poll_transmit(&mut self, _: Instant, _: &mut BytesMut) -> Option<Address> { None }
/// #     fn poll_timeout(&self) -> Option<Instant> { None }
/// #     fn is_over(&self) -> bool { false }
/// # }
/// let build = |seed, trace| {
///     let mut world = World::new(seed, WorldConfig::default().trace(trace));
///     world.add(Idle, Habits::exact()); // one that never ends
///     world
/// };
/// let failure = run_seed(7, build, World::run, |seed| format!("my-soak --seed {seed}")).unwrap_err();
/// assert_eq!(failure.to_string(), "seed 7: 0ns: nobody wakes any more; A: ; again: my-soak --seed 7\n");
/// ```
pub fn run_seed<E: DatagramEndpoint>(
    seed: u64,
    build: impl Fn(u64, bool) -> World<E>,
    judge: impl Fn(&mut World<E>) -> Result<(), Violation<Address>>,
    again: impl Fn(u64) -> String,
) -> Result<World<E>, Failure> {
    let mut world = build(seed, false);
    let Err(violation) = judge(&mut world) else { return Ok(world) };
    let mut traced = build(seed, true);
    // The same seed gives the same run; where it does not, the first violation is still true.
    let violation = judge(&mut traced).err().unwrap_or(violation);
    Err(traced.failure(violation, again(seed)))
}
