//! The future that carries datagrams, on tokio.

use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use tokio::time::Instant as TokioInstant;

use super::Transport;
use super::engine::{Engine, Next};
use super::shared::Shared;
use crate::adapter::clock::Clock;
use crate::adapter::timer::Timer;

/// Carries datagrams between a transport and the sessions, until all have ended and no more can come. Spawn it.
///
/// It resolves to an error when the transport has failed; then all sessions have ended with
/// [`TransportFailed`](crate::sliding_window::CloseReason::TransportFailed). Dropping it ends them in the same way.
#[derive(Debug)]
#[must_use = "sessions do nothing unless their driver is spawned or polled"]
pub struct Driver<T: Transport> {
    engine: Engine<T>,
    timer: Timer,
    /// The same clock as that of the sessions, in the time of the runtime.
    clock: Clock<TokioInstant>,
}

impl<T: Transport> Driver<T> {
    pub(super) fn new(shared: Arc<Shared>, clock: Clock<TokioInstant>, transport: T, max_datagram: usize) -> Self {
        Self { engine: Engine::new(shared, transport, max_datagram), timer: Timer::default(), clock }
    }
}

impl<T: Transport + Unpin> Future for Driver<T> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.engine.turn(context) {
            Next::Done(result) => return Poll::Ready(result),
            Next::Again => context.waker().wake_by_ref(),
            Next::Wait(deadline) => {
                let moment = deadline.and_then(|deadline| this.clock.moment(deadline));
                if this.timer.poll(moment, context).is_ready() {
                    context.waker().wake_by_ref();
                }
            }
        }
        Poll::Pending
    }
}

impl<T: Transport> Drop for Driver<T> {
    fn drop(&mut self) {
        self.engine.finish(None);
    }
}
