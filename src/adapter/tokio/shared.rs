//! What the driver and the handles of one connection share.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant as TokioInstant;

use super::Addresses;
use super::mailboxes::Mailboxes;
use super::waiters::Waiters;
use crate::adapter::carried::Carried;
use crate::adapter::clock::Clock;
use crate::adapter::lock::lock;
use crate::adapter::waker::remember;
use crate::adapter::{Closed, DEFAULT_SEND_TIMEOUT};
use crate::connection::{ConfigError, Input, MConnConfig, SendError, SendRefusal};
use crate::time::Instant;
use crate::wire::Codec;

/// One connection. The lock is held for as long as encoding or decoding a batch takes, and never across an await.
#[derive(Debug)]
pub(super) struct Shared<C> {
    pub(super) clock: Clock<TokioInstant>,
    pub(super) channels: Vec<u8>,
    pub(super) addresses: Addresses,
    core: Mutex<Core<C>>,
    /// Handles that exist.
    handles: AtomicUsize,
    closed: OnceLock<Closed>,
    closed_is_set: Notify,
}

/// What stands behind the lock.
#[derive(Debug)]
pub(super) struct Core<C> {
    pub(super) machine: Carried<C>,
    pub(super) mailboxes: Mailboxes,
    pub(super) waiters: Waiters,
    pub(super) driver: Nap,
    /// When a flush that was asked for must be over, the last bytes written.
    pub(super) flush_deadline: Option<Instant>,
    /// Whether to close now, even if the last bytes of a flush are not written.
    told_to_close: bool,
}

/// How to wake the driver, and what for. The socket and the timer wake it on their own.
#[derive(Debug, Default)]
pub(super) struct Nap {
    pub(super) waker: Option<Waker>,
    /// It has nothing to write: new output is news. Otherwise it comes back when the socket takes more.
    pub(super) wants_output: bool,
    /// It does not read because nobody takes what was read.
    pub(super) wants_room: bool,
}

impl Nap {
    /// The waker, to be called once the lock is released.
    pub(super) fn wake(&mut self) -> Option<Waker> {
        self.wants_output = false;
        self.wants_room = false;
        self.waker.take()
    }
}

impl<C: Codec> Core<C> {
    /// Sends a message if it is its turn and there is room. Otherwise takes a place in the line, for which `ticket` stands.
    fn poll_send(
        &mut self,
        channel: u8,
        message: &mut Bytes,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let len = message.len();
        let result = if self.waiters.is_turn(channel, *ticket) {
            self.machine.try_send(channel, core::mem::take(message))
        } else {
            // Behind others; but what can never be sent need not wait.
            match self.machine.may_send(channel, len) {
                Ok(()) | Err(SendRefusal::Full { .. }) => {
                    self.waiters.wait(channel, ticket, len, context.waker());
                    return Poll::Pending;
                }
                Err(refusal) => Err(SendError { refusal, channel, message: core::mem::take(message) }),
            }
        };
        match result {
            Err(SendError { refusal: SendRefusal::Full { .. }, message: returned, .. }) => {
                *message = returned;
                self.waiters.wait(channel, ticket, len, context.waker());
                Poll::Pending
            }
            other => {
                self.waiters.leave(channel, ticket);
                Poll::Ready(other)
            }
        }
    }

    /// Sends from the front of `messages` as long as there is room, if nobody waits on this channel: while the lock is held
    /// that does not change, so it is asked once and not for each message. What stops it is found out by the next
    /// [`Core::poll_send`].
    fn send_run(&mut self, channel: u8, messages: &mut VecDeque<Bytes>) {
        if !self.waiters.is_turn(channel, None) {
            return;
        }
        while let Some(message) = messages.pop_front() {
            if let Err(error) = self.machine.try_send(channel, message) {
                messages.push_front(error.message);
                return;
            }
        }
    }

    /// The driver, when it sleeps for lack of output and there is some now.
    #[inline]
    fn wake_for_output(&mut self) -> Option<Waker> {
        if self.driver.wants_output && self.machine.wants_write() { self.driver.wake() } else { None }
    }

    /// Closes now.
    pub(super) fn close(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        self.told_to_close = true;
        self.machine.handle(now, Input::Close);
        self.waiters.all(wakers);
        wakers.extend(self.driver.wake());
    }

    /// Refuses new messages, sends what was accepted, then closes.
    pub(super) fn close_after_flush(&mut self, now: Instant, deadline: Option<Instant>, wakers: &mut Vec<Waker>) {
        self.flush_deadline = deadline;
        self.machine.handle(now, Input::CloseAfterFlush { deadline });
        self.waiters.all(wakers);
        wakers.extend(self.driver.wake());
    }

    /// Moves messages to their readers, and wakes the driver when that makes enough room to read on.
    pub(super) fn fill_mailboxes(&mut self, wakers: &mut Vec<Waker>) {
        self.mailboxes.fill(&mut self.machine, wakers);
        let news = self.mailboxes.ended().is_some()
            || (self.driver.wants_room && self.mailboxes.took_enough() && self.machine.wants_read());
        if news {
            wakers.extend(self.driver.wake());
        }
    }
}

impl<C: Codec> Shared<C> {
    /// For the machine that `make` makes of a configuration.
    pub(super) fn new(
        config: MConnConfig<C>,
        addresses: Addresses,
        make: impl FnOnce(MConnConfig<C>, Instant) -> Result<Carried<C>, ConfigError>,
    ) -> Result<Arc<Self>, ConfigError> {
        let clock = Clock::start();
        let channels = config.channels.iter().map(|channel| channel.id).collect();
        let mailboxes = Mailboxes::new(&config);
        let core = Core {
            machine: make(config, clock.now())?,
            mailboxes,
            waiters: Waiters::default(),
            driver: Nap::default(),
            flush_deadline: None,
            told_to_close: false,
        };
        Ok(Arc::new(Self {
            clock,
            channels,
            addresses,
            core: Mutex::new(core),
            handles: AtomicUsize::new(0),
            closed: OnceLock::new(),
            closed_is_set: Notify::new(),
        }))
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Core<C>> {
        lock(&self.core)
    }

    /// Queues a message, if there is room.
    #[inline]
    pub(super) fn try_send(&self, channel: u8, message: Bytes) -> Result<(), SendError> {
        let mut core = self.lock();
        core.machine.try_send(channel, message)?;
        let driver = core.wake_for_output();
        drop(core);
        wake(driver);
        Ok(())
    }

    /// See [`Core::poll_send`].
    pub(super) fn poll_send(
        &self,
        channel: u8,
        message: &mut Bytes,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let mut core = self.lock();
        let waited = ticket.is_some();
        let result = core.poll_send(channel, message, ticket, context);
        let driver = core.wake_for_output();
        let next = if waited && result.is_ready() { core.next_in_line(channel) } else { None };
        drop(core);
        wake(driver);
        wake(next);
        result
    }

    /// Sends messages from the front of `messages` as [`Core::poll_send`] does, all under one lock as far as there is room.
    pub(super) fn poll_send_many(
        &self,
        channel: u8,
        messages: &mut VecDeque<Bytes>,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendRefusal>> {
        let mut core = self.lock();
        let waited = ticket.is_some();
        let result = loop {
            let Some(message) = messages.front_mut() else { break Poll::Ready(Ok(())) };
            match core.poll_send(channel, message, ticket, context) {
                Poll::Pending => break Poll::Pending,
                Poll::Ready(Ok(())) => {
                    messages.pop_front();
                    core.send_run(channel, messages);
                }
                Poll::Ready(Err(error)) => {
                    *message = error.message;
                    break Poll::Ready(Err(error.refusal));
                }
            }
        };
        let driver = core.wake_for_output();
        let next = if waited { core.next_in_line(channel) } else { None };
        drop(core);
        wake(driver);
        wake(next);
        result
    }

    /// Gives up a place in the line.
    pub(super) fn leave_line(&self, channel: u8, ticket: &mut Option<u64>) {
        if ticket.is_none() {
            return;
        }
        let mut core = self.lock();
        core.waiters.leave(channel, ticket);
        let next = core.next_in_line(channel);
        drop(core);
        wake(next);
    }

    /// Does something that the driver must look at.
    pub(super) fn tell_driver<T>(&self, action: impl FnOnce(&mut Core<C>, Instant) -> T) -> T {
        let now = self.clock.now();
        let mut core = self.lock();
        let result = action(&mut core, now);
        let driver = core.driver.wake();
        drop(core);
        wake(driver);
        result
    }

    /// Does something after which somebody may have to be woken.
    pub(super) fn with_wakers<T>(&self, action: impl FnOnce(&mut Core<C>, Instant, &mut Vec<Waker>) -> T) -> T {
        let now = self.clock.now();
        let mut wakers = Vec::new();
        let result = action(&mut self.lock(), now, &mut wakers);
        wake(wakers);
        result
    }

    /// Whether to give up the last bytes of a flush. The driver, which asks, is woken when that changes.
    pub(super) fn is_told_to_close(&self, context: &Context<'_>) -> bool {
        let mut core = self.lock();
        remember(&mut core.driver.waker, context.waker());
        core.told_to_close
    }

    pub(super) fn closed(&self) -> Option<&Closed> {
        self.closed.get()
    }

    /// The connection has ended and the transport is let go. The first reason stays.
    pub(super) fn set_closed(&self, closed: Closed) -> Closed {
        let closed = self.closed.get_or_init(|| closed).clone();
        self.closed_is_set.notify_waiters();
        closed
    }

    pub(super) async fn wait_until_closed(&self) -> Closed {
        loop {
            let notified = self.closed_is_set.notified();
            let mut notified = core::pin::pin!(notified);
            // Listen first and look then, or the news could come in between.
            notified.as_mut().enable();
            if let Some(closed) = self.closed() {
                return closed.clone();
            }
            notified.await;
        }
    }
}

impl<C: Codec> Core<C> {
    fn next_in_line(&mut self, channel: u8) -> Option<Waker> {
        self.waiters.first_with_room(&self.machine, channel)
    }
}

/// Wakes, with no lock held: who is woken will want it.
pub(super) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

/// A counted share in a connection. When the last one is gone nobody can do anything with the connection any more, so it
/// closes after flush.
#[derive(Debug)]
pub(super) struct Handle<C: Codec>(Arc<Shared<C>>);

/// How long the flush after the loss of the last handle may take.
pub(super) const LAST_FLUSH: Duration = DEFAULT_SEND_TIMEOUT;

impl<C: Codec> Handle<C> {
    pub(super) fn new(shared: &Arc<Shared<C>>) -> Self {
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl<C: Codec> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl<C: Codec> core::ops::Deref for Handle<C> {
    type Target = Shared<C>;
    fn deref(&self) -> &Shared<C> {
        &self.0
    }
}

impl<C: Codec> Drop for Handle<C> {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        self.0.with_wakers(|core, now, wakers| {
            // A flush that was asked for goes on as it was asked for.
            if core.machine.may_send(0, 0) != Err(SendRefusal::Closing) {
                core.close_after_flush(now, Some(now + LAST_FLUSH), wakers);
            }
        });
    }
}
