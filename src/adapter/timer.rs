//! One timer for all deadlines of a connection.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use ::tokio::time::{Instant, Sleep, sleep_until};

/// Wakes the driver at a deadline, or a little earlier: whoever is woken compares the clock.
///
/// Deadlines move all the time, mostly away. The timer of the runtime is only touched when one comes closer or has passed.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether `deadline` may have been reached; otherwise the task is woken then. `None` is never reached.
    pub(crate) fn poll(&mut self, deadline: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.is_elapsed() || deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }
}
