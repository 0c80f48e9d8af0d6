//! The last bytes of a connection that was closed after flush.

use core::task::{Context, Poll};
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant as TokioInstant;

use super::transport::Transport;
use crate::adapter::clock::Clock;
use crate::adapter::timer::Timer;
use crate::adapter::{Closed, LINGER};
use crate::connection::CloseReason;
use crate::time::{Duration, Instant};

/// Writes what the machine has given, closes our side, and waits a moment for the peer to close its own.
///
/// What the peer sends meanwhile is thrown away; see [`LINGER`] for why it is read at all.
#[derive(Debug)]
pub(super) struct Finish<S> {
    transport: Transport<S>,
    stage: Stage,
    deadline: Option<Instant>,
    /// Without a deadline: how long the stream may take nothing. The machine's timeouts are over.
    patience: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Writing,
    ShuttingDown,
    Lingering,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Finish<S> {
    pub(super) fn new(
        transport: Transport<S>,
        now: Instant,
        deadline: Option<Instant>,
        pong_timeout: Option<Duration>,
    ) -> Self {
        let patience = if deadline.is_none() { pong_timeout } else { None };
        let deadline = deadline.or(patience.map(|patience| now + patience));
        Self { transport, stage: Stage::Writing, deadline, patience }
    }

    pub(super) fn poll(
        &mut self,
        clock: &Clock<TokioInstant>,
        timer: &mut Timer,
        context: &mut Context<'_>,
    ) -> Poll<Closed> {
        loop {
            let stage = self.stage;
            let now = clock.now();
            let result = match stage {
                Stage::Writing => self.poll_writing(now, context),
                Stage::ShuttingDown => self.poll_shutting_down(now, context),
                Stage::Lingering => self.transport.poll_discard(context).map(|()| Ok(())),
            };
            if let Poll::Ready(result) = result {
                return Poll::Ready(outcome(result));
            }
            if self.stage != stage {
                continue;
            }
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                let late = || io::Error::new(io::ErrorKind::TimedOut, "the last bytes were not taken in time");
                return Poll::Ready(outcome(if stage == Stage::Lingering { Ok(()) } else { Err(late()) }));
            }
            let moment = self.deadline.and_then(|deadline| clock.moment(deadline));
            if timer.poll(moment, context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Reads too: a peer that can not write may not read either.
    fn poll_writing(&mut self, now: Instant, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.transport.poll_write(context) {
            if let Some(patience) = self.patience {
                self.deadline = Some(now + patience);
            }
        }
        if let Some(error) = self.transport.failure.take() {
            return Poll::Ready(Err(error));
        }
        if self.transport.is_drained() && self.transport.poll_flush(context).is_ready() {
            self.stage = Stage::ShuttingDown;
        } else {
            _ = self.transport.poll_discard(context);
        }
        Poll::Pending
    }

    fn poll_shutting_down(&mut self, now: Instant, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.transport.poll_shutdown(context) {
            Poll::Pending => _ = self.transport.poll_discard(context),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                self.stage = Stage::Lingering;
                let linger = now + LINGER;
                self.deadline = Some(self.deadline.map_or(linger, |deadline| deadline.min(linger)));
            }
        }
        Poll::Pending
    }
}

/// Bytes that were not written make it no flush.
fn outcome(result: io::Result<()>) -> Closed {
    match result {
        Ok(()) => Closed::new(CloseReason::Flushed, None),
        Err(error) => Closed::new(CloseReason::TransportFailed, Some(error)),
    }
}
