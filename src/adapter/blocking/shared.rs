//! What both threads and all handles of a connection share: the lock, the clock, and the places to sleep.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::super::Closed;
use super::super::clock::Clock;
use super::super::lock::lock;
use super::state::{Core, Wake};
use crate::time::Instant;
use crate::wire::Codec;

/// Ends the transport, or its sending side.
pub(super) type ShutdownFn = Box<dyn Fn(Shutdown) -> io::Result<()> + Send + Sync>;

pub(super) struct Shared<C: Codec> {
    core: Mutex<Core<C>>,
    pub(super) clock: Clock<std::time::Instant>,
    writer: Condvar,
    reader: Condvar,
    receiver: Condvar,
    /// Senders, per channel in the order of the configuration.
    senders: Box<[Condvar]>,
    closed: Condvar,
    /// `None` once both threads have ended: a socket must not stay open because a handle is kept.
    shutdown: Mutex<Option<ShutdownFn>>,
    pub(super) addresses: Addresses,
}

/// The addresses of a TCP stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addresses {
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: Option<SocketAddr>,
}

impl<C: Codec> Shared<C> {
    pub(super) fn new(
        core: Core<C>,
        clock: Clock<std::time::Instant>,
        shutdown: ShutdownFn,
        addresses: Addresses,
    ) -> Self {
        let senders = core.asleep.senders.iter().map(|_| Condvar::new()).collect();
        Self {
            core: Mutex::new(core),
            clock,
            writer: Condvar::new(),
            reader: Condvar::new(),
            receiver: Condvar::new(),
            senders,
            closed: Condvar::new(),
            shutdown: Mutex::new(Some(shutdown)),
            addresses,
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Core<C>> {
        lock(&self.core)
    }

    /// Lets the lock go, and does what follows from what was changed.
    #[inline]
    pub(super) fn unlock(&self, mut core: MutexGuard<'_, Core<C>>) {
        let wake = core.settle();
        drop(core);
        self.wake(wake);
    }

    /// Does what follows from what was changed. Comes before every sleep.
    pub(super) fn settle(&self, core: &mut Core<C>) {
        let wake = core.settle();
        self.wake(wake);
    }

    #[inline]
    fn wake(&self, wake: Wake) {
        if wake.everybody {
            return self.wake_everybody(wake.shut_down);
        }
        if wake.writer {
            self.writer.notify_one();
        }
        if wake.reader {
            self.reader.notify_one();
        }
        if wake.receiver {
            self.receiver.notify_one();
        }
    }

    #[cold]
    fn wake_everybody(&self, shut_down: bool) {
        if shut_down {
            self.shut_down(Shutdown::Both);
        }
        for place in [&self.writer, &self.reader, &self.receiver, &self.closed].into_iter().chain(&self.senders) {
            place.notify_all();
        }
    }

    /// Wakes the reader to look again.
    pub(super) fn wake_reader(&self, core: &mut Core<C>) {
        if core::mem::take(&mut core.asleep.reader) {
            self.reader.notify_one();
        }
    }

    /// Ends the transport, or its sending side. Where that fails, it has ended by itself.
    pub(super) fn shut_down(&self, how: Shutdown) {
        if let Some(shutdown) = lock(&self.shutdown).as_ref() {
            let _ = shutdown(how);
        }
    }

    /// A thread ends. With the last one, the connection is closed.
    pub(super) fn thread_ends(&self, is_writer: bool) {
        let mut core = self.lock();
        let is_last = core.thread_ends(self.clock.now(), is_writer);
        self.unlock(core);
        if is_last {
            lock(&self.shutdown).take();
        }
    }

    /// Wakes the senders on those channels that have room again.
    ///
    /// Not at the first free place but at half of the capacity, so that a sender fills many places at once.
    #[inline]
    pub(super) fn wake_senders(&self, core: &mut Core<C>, now: Instant) {
        if core.asleep.senders_total == 0 {
            return;
        }
        for (waiting, place) in core.asleep.senders.iter().zip(&self.senders) {
            if waiting.count == 0 {
                continue;
            }
            let Some(status) = core.machine.channel_status(now, waiting.channel) else { continue };
            let few = status.send_queue_size <= (status.send_queue_capacity >> 1).saturating_add(1);
            if few && status.send_queue_bytes <= waiting.low_bytes {
                place.notify_all();
            }
        }
    }

    /// Wakes all senders to look again.
    pub(super) fn wake_all_senders(&self) {
        self.senders.iter().for_each(Condvar::notify_all);
    }

    /// Sleeps until there may be room on a channel, or until `timeout` is over.
    pub(super) fn sleep_for_room<'a>(
        &self,
        mut core: MutexGuard<'a, Core<C>>,
        channel: u8,
        timeout: Option<Duration>,
    ) -> MutexGuard<'a, Core<C>> {
        let Some(position) = core.asleep.senders.iter().position(|waiting| waiting.channel == channel) else {
            return core;
        };
        let Some(place) = self.senders.get(position) else { return core };
        core.asleep.sender_sleeps(position);
        core = sleep(core, place, timeout);
        core.asleep.sender_woke(position);
        core
    }

    /// Sleeps until the machine has output or a deadline.
    pub(super) fn sleep_for_output<'a>(
        &self,
        mut core: MutexGuard<'a, Core<C>>,
        now: Instant,
    ) -> MutexGuard<'a, Core<C>> {
        let deadline = core.next_deadline();
        core.asleep.writer = Some(deadline.unwrap_or(Instant::MAX));
        core = sleep(core, &self.writer, deadline.map(|deadline| deadline - now));
        core.asleep.writer = None;
        core
    }

    /// Sleeps until the machine takes input again, or until its next deadline: the writer, which keeps the deadlines
    /// otherwise, may be held up by the transport, and reading never depends on writing.
    pub(super) fn sleep_for_budget<'a>(
        &self,
        mut core: MutexGuard<'a, Core<C>>,
        now: Instant,
    ) -> MutexGuard<'a, Core<C>> {
        let deadline = core.next_deadline();
        core.asleep.reader = true;
        core.asleep.room.begin();
        core = sleep(core, &self.reader, deadline.map(|deadline| deadline - now));
        core.asleep.reader = false;
        core
    }

    /// Sleeps until a message has come, or until `timeout` is over.
    pub(super) fn sleep_for_message<'a>(
        &self,
        mut core: MutexGuard<'a, Core<C>>,
        timeout: Option<Duration>,
    ) -> MutexGuard<'a, Core<C>> {
        core.asleep.receiver = true;
        core = sleep(core, &self.receiver, timeout);
        core.asleep.receiver = false;
        core
    }

    /// The writer sleeps until the reader has ended, or the flush was aborted, or `timeout` is over.
    pub(super) fn sleep_for_end<'a>(
        &self,
        core: MutexGuard<'a, Core<C>>,
        timeout: Duration,
    ) -> MutexGuard<'a, Core<C>> {
        sleep(core, &self.writer, Some(timeout))
    }

    /// Waits until both threads have ended; `None` when `timeout` is over before.
    pub(super) fn wait_closed(&self, timeout: Option<Duration>) -> Option<Closed> {
        let until = timeout.map(|timeout| self.clock.now() + timeout);
        let mut core = self.lock();
        loop {
            if let Some(closed) = &core.closed {
                return Some(closed.clone());
            }
            let left = until.map(|until| until - self.clock.now());
            if left == Some(Duration::ZERO) {
                return None;
            }
            core = sleep(core, &self.closed, left);
        }
    }
}

/// Sleeps at `place`, possibly for a shorter time than asked for.
fn sleep<'a, T>(core: MutexGuard<'a, T>, place: &Condvar, timeout: Option<Duration>) -> MutexGuard<'a, T> {
    match timeout {
        Some(timeout) => place.wait_timeout(core, timeout).unwrap_or_else(PoisonError::into_inner).0,
        None => place.wait(core).unwrap_or_else(PoisonError::into_inner),
    }
}

impl<C: Codec> fmt::Debug for Shared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
