//! The loop that carries datagrams between a transport and the machine, whatever it runs on.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::{Context, Poll, Waker};
use std::io;

use super::shared::{Core, Shared};
use super::{Batch, Transport};
use crate::adapter::waker::remember;
use crate::time::{Duration, Instant};

/// Bytes of a batch, unless one datagram is larger: what one call with segmentation offload takes.
const BATCH_BYTES: usize = 65_000;

/// Rounds in one turn. Then others get theirs.
const ROUNDS: usize = 16;

/// Who has just sent does not look again before this, unless something comes. Where the pacer lets a datagram go every few
/// microseconds, they go in batches then, and not in a call each. It is less than what the pacer saves up, a millisecond.
const BREATH: Duration = Duration::from_micros(500);

/// The loop, without a clock to sleep by.
#[derive(Debug)]
pub(crate) struct Engine<T> {
    shared: Arc<Shared>,
    transport: T,
    batch: Batch,
    lengths: Vec<usize>,
    wakers: Vec<Waker>,
    /// The moment for which output is asked: it stands still until something comes or all that was due then has gone. If it went on
    /// with the clock, the pacer would let go in each round what one datagram or two take to be sent.
    moment: Option<Instant>,
    /// Whether something was sent since the last wait.
    has_sent: bool,
    /// Whether a deadline has passed and the transport was looked at since.
    overdue: bool,
    /// The transport takes no more just now.
    is_blocked: bool,
    done: bool,
}

/// What comes after a turn.
pub(crate) enum Next {
    /// Another one, when others had theirs.
    Again,
    /// Nothing before this deadline, or before the task is woken.
    Wait(Option<Instant>),
    /// Nothing ever.
    Done(io::Result<()>),
}

impl<T: Transport> Engine<T> {
    pub(crate) fn new(shared: Arc<Shared>, transport: T, max_datagram: usize) -> Self {
        Self {
            shared,
            transport,
            batch: Batch::with_room(BATCH_BYTES.max(max_datagram)),
            lengths: Vec::new(),
            wakers: Vec::new(),
            moment: None,
            has_sent: false,
            overdue: false,
            is_blocked: false,
            done: false,
        }
    }

    #[cfg(feature = "udp-blocking")]
    pub(crate) fn now(&self) -> Instant {
        self.shared.now()
    }

    pub(crate) fn turn(&mut self, context: &mut Context<'_>) -> Next {
        if self.done {
            return Next::Wait(None);
        }
        for _ in 0..ROUNDS {
            match self.round(context) {
                Ok(Next::Again) => {}
                Ok(Next::Wait(deadline)) => return Next::Wait(deadline),
                Ok(Next::Done(result)) => {
                    self.finish(None);
                    return Next::Done(result);
                }
                Err(error) => return Next::Done(Err(self.fail(error))),
            }
        }
        self.moment = None;
        Next::Again
    }

    fn round(&mut self, context: &mut Context<'_>) -> io::Result<Next> {
        let (shared, clock) = (&self.shared, self.shared.now());
        let mut core = None;
        let received = self.transport.poll_receive(context, &mut |from, bytes| {
            core.get_or_insert_with(|| shared.lock()).machines.on_datagram(clock, from, bytes);
        });
        let mut core = core.unwrap_or_else(|| shared.lock());
        let is_quiet = received.is_pending();
        let now = self.moment.filter(|_| is_quiet).unwrap_or(clock);
        self.moment = Some(now);
        if let Poll::Ready(result) = received {
            result?;
        }
        // Who was held up has missed a deadline, and so it seems has a peer whose datagrams wait in the socket. So these are read
        // first.
        let due = core.machines.deadline().is_some_and(|deadline| deadline <= now);
        if due && (is_quiet || self.overdue) {
            core.machines.handle_timeout(now);
        }
        self.overdue = due && !is_quiet && !self.overdue;
        if self.transport.is_restored() {
            core.machines.probe(now);
        }
        core.settle(now, &mut self.wakers);
        if self.batch.is_empty() {
            core.machines.fill(now, &mut self.batch, &mut self.lengths, usize::MAX);
            core.settle(now, &mut self.wakers);
        }
        let deadline = core.machines.deadline();
        let is_over = core.is_over() && self.batch.is_empty() && !self.is_blocked;
        doze(&mut core, context, deadline);
        drop(core);
        self.wakers.drain(..).for_each(Waker::wake);
        if is_over {
            return Ok(Next::Done(Ok(())));
        }
        let sent = self.send(context)?;
        if !is_quiet || sent || self.overdue {
            self.has_sent |= sent;
            return Ok(Next::Again);
        }
        self.moment = None;
        let has_sent = core::mem::take(&mut self.has_sent);
        Ok(Next::Wait(deadline.map(|deadline| if has_sent { deadline.max(clock + BREATH) } else { deadline })))
    }

    /// Whether a batch has gone.
    fn send(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        if self.batch.is_empty() && !self.is_blocked {
            return Ok(false);
        }
        // A transport may have taken datagrams that it still has to send.
        let sent = self.transport.poll_send(context, &mut self.batch);
        self.is_blocked = sent.is_pending();
        if self.is_blocked {
            self.shared.lock().driver.is_blocked = true;
        }
        match sent {
            Poll::Ready(result) => result.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    fn fail(&mut self, error: io::Error) -> io::Error {
        let kept = io::Error::new(error.kind(), alloc::string::ToString::to_string(&error));
        self.finish(Some(error));
        kept
    }

    /// Ends all sessions.
    pub(crate) fn finish(&mut self, error: Option<io::Error>) {
        if !core::mem::replace(&mut self.done, true) {
            self.shared.act(|core, now, wakers| core.fail(now, error.map(Arc::new), wakers));
        }
    }
}

/// The driver may be woken from now on.
fn doze(core: &mut Core, context: &Context<'_>, deadline: Option<Instant>) {
    core.driver.is_blocked = false;
    core.driver.until = deadline;
    remember(&mut core.driver.waker, context.waker());
}
