//! The future that moves the bytes of one connection.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite};

use super::finish::Finish;
use super::shared::{Core, Shared, wake};
use super::transport::Transport;
use crate::adapter::Closed;
use crate::adapter::timer::Timer;
use crate::adapter::waker::remember;
use crate::connection::{CloseReason, Input};
use crate::time::{Duration, Instant};
use crate::wire::{AnyCodec, Codec};

/// Rounds in one poll. Each moves at most 256 KiB either way; then other tasks get their turn, and a reader its messages
/// while they are in the cache.
const ROUNDS: usize = 2;

/// Carries the bytes of one connection between the stream and the machine, until it ends. Spawn it.
///
/// It resolves to why the connection has ended. Dropping it ends the connection at once.
#[derive(Debug)]
#[must_use = "a connection does nothing unless its driver is spawned or polled"]
pub struct Driver<S, C: Codec = AnyCodec> {
    shared: Arc<Shared<C>>,
    state: State<S>,
    timer: Timer,
    wakers: Vec<Waker>,
    pong_timeout: Option<Duration>,
    /// Whether a deadline has passed and the stream was looked at since.
    overdue: bool,
}

#[derive(Debug)]
enum State<S> {
    Running(Transport<S>),
    Finishing(Finish<S>),
    Done,
}

/// What one round under the lock has found out.
enum Plan {
    /// The machine has ended.
    Ended(CloseReason, Option<Instant>),
    /// What to do with the stream.
    Go {
        /// Whether there is a reason for another round already.
        again: bool,
        /// How many bytes may be read.
        budget: usize,
        deadline: Option<Instant>,
    },
}

impl<S, C> Driver<S, C>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    pub(super) fn new(transport: Transport<S>, shared: Arc<Shared<C>>, pong_timeout: Option<Duration>) -> Self {
        let state = State::Running(transport);
        Self { shared, state, timer: Timer::default(), wakers: Vec::new(), pong_timeout, overdue: false }
    }

    /// One turn of the loop that drives a machine. Ready when there is a reason for another one at once.
    fn poll_round(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let State::Running(transport) = &mut self.state else { return Poll::Ready(()) };
        let now = self.shared.clock.now();
        let mut core = self.shared.lock();
        let plan = advance(&mut core, transport, now, &mut self.overdue, context, &mut self.wakers);
        drop(core);
        wake(self.wakers.drain(..));
        let (again, budget, deadline) = match plan {
            Plan::Go { again, budget, deadline } => (again, budget, deadline),
            Plan::Ended(reason, flush_deadline) => {
                self.end(reason, now, flush_deadline);
                return Poll::Ready(());
            }
        };
        let wrote = transport.poll_write(context);
        let read = budget > 0 && transport.poll_read(budget, context);
        // A stream that can not be written any more may still hold what the peer said last; when nothing more comes, it ends.
        let failed = transport.failure.is_some();
        if failed && !read && !again {
            self.shared.lock().machine.handle(now, Input::TransportFailed);
        }
        if again || wrote || read || failed || self.overdue {
            return Poll::Ready(());
        }
        let moment = deadline.and_then(|deadline| self.shared.clock.moment(deadline));
        let woken = self.timer.poll(moment, context);
        if woken.is_ready() {
            transport.release_idle_buffers();
        }
        woken
    }

    /// The machine has ended: writes the rest if that is wanted, or lets go of the stream.
    fn end(&mut self, reason: CloseReason, now: Instant, flush_deadline: Option<Instant>) {
        let State::Running(transport) = mem::replace(&mut self.state, State::Done) else { return };
        if reason == CloseReason::Flushed {
            self.state = State::Finishing(Finish::new(transport, now, flush_deadline, self.pong_timeout));
        } else {
            let failure = self.shared.lock().machine.failure().or(transport.close());
            self.shared.set_closed(Closed::new(reason, failure));
        }
    }
}

/// Tells the machine what has happened, and takes what it has to give.
fn advance<S, C>(
    core: &mut Core<C>,
    transport: &mut Transport<S>,
    now: Instant,
    overdue: &mut bool,
    context: &Context<'_>,
    wakers: &mut Vec<Waker>,
) -> Plan
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    let before = transport.inbound.len();
    if before > 0 || transport.end || core.machine.has_unread() {
        core.machine.handle(now, Input::Received { buf: &mut transport.inbound, end: transport.end });
    }
    let paused = !core.machine.wants_read();
    // A process that was held up has missed a deadline, and so it seems has a peer whose pong waits in the socket. So what the
    // peer sent is read first, and deadlines are looked at in the round after.
    let due = core.machine.poll_timeout().is_some_and(|(deadline, _)| deadline <= now);
    if due && *overdue {
        core.machine.handle_timeout(now);
    }
    *overdue = due && !*overdue;
    core.mailboxes.fill(&mut core.machine, wakers);
    if let Some(reason) = core.mailboxes.ended() {
        core.waiters.all(wakers);
        return Plan::Ended(reason.clone(), core.flush_deadline);
    }
    if let Some((outbound, size)) = transport.next_batch()
        && core.machine.transmit_into(now, outbound, size) > 0
    {
        core.waiters.all_with_room(&core.machine, wakers);
        // The last byte of a flush ends the machine. Nobody else would tell of that: it has no deadline any more, and the stream
        // may take nothing.
        core.mailboxes.fill(&mut core.machine, wakers);
        if let Some(reason) = core.mailboxes.ended() {
            core.waiters.all(wakers);
            return Plan::Ended(reason.clone(), core.flush_deadline);
        }
    }
    let left = transport.inbound.len();
    let fed = left < before;
    let budget = core.machine.recv_budget(now).saturating_sub(left);
    core.driver.wants_output = transport.is_drained();
    core.driver.wants_room = !core.machine.wants_read();
    if core.driver.wants_room {
        core.mailboxes.watch();
    }
    remember(&mut core.driver.waker, context.waker());
    Plan::Go {
        // What is left in the buffer is fed again before anything is waited for.
        again: (left > 0 && (fed || (paused && core.machine.wants_read()))) || core.machine.has_unread(),
        budget: if fed && transport.has_plenty() { 0 } else { budget },
        deadline: core.machine.poll_timeout().map(|(deadline, _)| deadline),
    }
}

impl<S, C> Future for Driver<S, C>
where
    S: AsyncRead + AsyncWrite + Unpin,
    C: Codec,
{
    type Output = Closed;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Closed> {
        let this = self.get_mut();
        for _ in 0..ROUNDS {
            match &mut this.state {
                State::Running(_) => {
                    if this.poll_round(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                State::Finishing(_) if this.shared.is_told_to_close(context) => {
                    this.state = State::Done;
                    return Poll::Ready(this.shared.set_closed(Closed::new(CloseReason::Local, None)));
                }
                State::Finishing(finish) => {
                    let Poll::Ready(closed) = finish.poll(&this.shared.clock, &mut this.timer, context) else {
                        return Poll::Pending;
                    };
                    this.state = State::Done;
                    return Poll::Ready(this.shared.set_closed(closed));
                }
                State::Done => {
                    return match this.shared.closed() {
                        Some(closed) => Poll::Ready(closed.clone()),
                        None => Poll::Pending,
                    };
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S, C: Codec> Drop for Driver<S, C> {
    fn drop(&mut self) {
        if matches!(mem::replace(&mut self.state, State::Done), State::Done) {
            return;
        }
        let ended = self.shared.with_wakers(|core, now, wakers| {
            core.machine.handle(now, Input::Close);
            core.fill_mailboxes(wakers);
            core.waiters.all(wakers);
            core.mailboxes.ended().cloned()
        });
        // The last bytes were not written, so it was no flush.
        let reason = ended.filter(|reason| *reason != CloseReason::Flushed).unwrap_or(CloseReason::Local);
        self.shared.set_closed(Closed::new(reason, None));
    }
}
