//! What the driver and all handles share.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::{Poll, Waker};
use std::io;
use std::sync::{Mutex, MutexGuard};

use super::Closed;
use super::desk::{Desk, Receipted, Wakers};
use super::machines::{Key, Machines};
use crate::adapter::clock::Clock;
use crate::adapter::lock::lock;
use crate::machine::Machine;
use crate::sliding_window::{CloseReason, Event, Input, SendRefusal, SlidingWindow};
use crate::time::Instant;

/// The clock, and all else behind one lock. It is held for as long as one call of the machine takes, and never across an await.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) clock: Clock<std::time::Instant>,
    core: Mutex<Core>,
}

/// What stands behind the lock.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) machines: Machines,
    pub(super) desks: BTreeMap<Key, Desk>,
    /// Sessions on which senders wait for room.
    pub(super) waiting: BTreeSet<Key>,
    /// Sessions that others opened and nobody has taken yet.
    pub(super) incoming: VecDeque<Key>,
    pub(super) acceptors: Wakers,
    /// Whether anybody may still open or accept a session.
    pub(super) owned: bool,
    /// Handles of sessions that exist.
    pub(super) handles: usize,
    pub(super) driver: Nap,
    pub(super) failure: Option<Arc<io::Error>>,
}

/// How to wake the driver, and what for.
#[derive(Debug, Default)]
pub(super) struct Nap {
    pub(super) waker: Option<Waker>,
    /// When it wakes by itself.
    pub(super) until: Option<Instant>,
    /// It waits for the transport to take more: new output is no news.
    pub(super) is_blocked: bool,
    /// It is no more.
    pub(super) is_gone: bool,
}

impl Shared {
    pub(super) fn new(clock: Clock<std::time::Instant>, machines: Machines, owned: bool) -> Arc<Self> {
        let core = Core {
            machines,
            desks: BTreeMap::new(),
            waiting: BTreeSet::new(),
            incoming: VecDeque::new(),
            acceptors: Wakers::default(),
            owned,
            handles: 0,
            driver: Nap::default(),
            failure: None,
        };
        Arc::new(Self { clock, core: Mutex::new(core) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Does something, and what follows from it.
    pub(super) fn act<R>(&self, action: impl FnOnce(&mut Core, Instant, &mut Vec<Waker>) -> R) -> R {
        let now = self.now();
        let mut wakers = Vec::new();
        let mut core = self.lock();
        let result = action(&mut core, now, &mut wakers);
        core.settle(now, &mut wakers);
        core.rouse_driver(&mut wakers);
        drop(core);
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// Takes something that has arrived out of a session; `None` when nothing is there, or the session has ended.
    ///
    /// The driver need not look at its transport after every message. It is woken when there is something to tell the peer, and
    /// when nothing is left: then, too, for what the pacer holds back.
    pub(super) fn take<R>(
        &self,
        key: Key,
        take_it: impl FnOnce(&mut SlidingWindow, Instant) -> Option<R>,
    ) -> Option<R> {
        let now = self.now();
        let mut wakers = Vec::new();
        let mut core = self.lock();
        let taken = core.machines.with(now, key, |session| take_it(session, now)).flatten();
        core.settle(now, &mut wakers);
        if taken.is_none() || core.machines.session(key).is_none_or(SlidingWindow::wants_write) {
            core.rouse_driver(&mut wakers);
        }
        drop(core);
        wakers.into_iter().for_each(Waker::wake);
        taken
    }

    /// Lends a session; `None` when it has ended.
    pub(super) fn with<R>(&self, key: Key, use_it: impl FnOnce(&mut SlidingWindow, Instant) -> R) -> Option<R> {
        self.act(|core, now, _| core.machines.with(now, key, |session| use_it(session, now)))
    }
}

impl Core {
    /// Tells everybody what has happened.
    pub(super) fn settle(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        while let Some((key, event)) = self.machines.poll_event() {
            self.on_event(now, key, event, wakers);
        }
        self.wake_senders(wakers);
    }

    fn on_event(&mut self, now: Instant, key: Key, event: Event, wakers: &mut Vec<Waker>) {
        let Some(desk) = self.desks.get_mut(&key) else {
            // The first word of a session that somebody else has opened.
            if event == Event::Connected {
                self.on_incoming(now, key, wakers);
            }
            return;
        };
        match event {
            Event::Connected => {
                desk.connected = true;
                desk.watchers.wake(wakers);
            }
            Event::Readable if desk.orphan => {
                self.machines.with(now, key, |session| while session.receive_with(now, |_, _| ()).is_some() {});
            }
            Event::Readable => desk.readers.wake(wakers),
            Event::Receipt(id) => desk.on_receipt(id, Receipted::Taken, wakers),
            Event::Expired(id) => desk.on_receipt(id, Receipted::Expired, wakers),
            Event::Flushed(mark) => {
                desk.flushed = desk.flushed.max(Some(mark));
                desk.watchers.wake(wakers);
            }
            Event::PeerFinished => {
                desk.peer_finished = true;
                desk.readers.wake(wakers);
            }
            Event::Closed(reason) => self.on_closed(key, reason, wakers),
            // Room is looked at in `wake_senders`; messages do not come as events.
            Event::Writable | Event::Message { .. } => {}
        }
    }

    fn on_incoming(&mut self, now: Instant, key: Key, wakers: &mut Vec<Waker>) {
        if !self.owned {
            let text = "nobody accepts it";
            self.machines.with(now, key, |session| session.handle(now, Input::Abort { code: 0, text }));
            return;
        }
        self.desks.insert(key, Desk { connected: true, ..Desk::default() });
        self.incoming.push_back(key);
        self.acceptors.wake(wakers);
    }

    fn on_closed(&mut self, key: Key, reason: CloseReason, wakers: &mut Vec<Waker>) {
        self.waiting.remove(&key);
        let Some(desk) = self.desks.get_mut(&key) else { return };
        let io = self.failure.clone().filter(|_| reason == CloseReason::TransportFailed);
        desk.closed = Some(Closed { reason, io });
        desk.wake_all(wakers);
        if desk.orphan {
            self.desks.remove(&key);
        }
    }

    /// Wakes those for whom there is room now.
    fn wake_senders(&mut self, wakers: &mut Vec<Waker>) {
        let (machines, desks) = (&self.machines, &mut self.desks);
        self.waiting.retain(|key| {
            let (Some(desk), Some(session)) = (desks.get_mut(key), machines.session(*key)) else { return false };
            let has_room = |len| !matches!(session.may_send(len), Err(SendRefusal::Full { .. }));
            if desk.line.first_size().is_some_and(has_room) {
                desk.line.wake_first(wakers);
            }
            if !desk.writers.is_empty() && has_room(1) {
                desk.writers.wake(wakers);
            }
            desk.has_senders()
        });
    }

    /// Wakes the driver when it has something to do.
    fn rouse_driver(&mut self, wakers: &mut Vec<Waker>) {
        if self.driver.waker.is_none() {
            return;
        }
        let has_output = !self.driver.is_blocked && self.machines.wants_write();
        let sooner = || self.machines.deadline().is_some_and(|at| self.driver.until.is_none_or(|until| at < until));
        if has_output || sooner() || self.is_over() {
            wakers.extend(self.driver.waker.take());
        }
    }

    /// Whether the driver has nothing to do any more.
    pub(super) fn is_over(&self) -> bool {
        self.machines.is_over(self.owned || self.handles > 0)
    }

    /// The transport carries nothing more.
    pub(super) fn fail(&mut self, now: Instant, error: Option<Arc<io::Error>>, wakers: &mut Vec<Waker>) {
        self.failure = error;
        self.driver.is_gone = true;
        self.owned = false;
        self.machines.transport_failed(now);
        self.settle(now, wakers);
        self.acceptors.wake(wakers);
    }

    /// Nobody opens or accepts a session any more. Those that wait to be accepted end.
    pub(super) fn disown(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        self.owned = false;
        for key in core::mem::take(&mut self.incoming) {
            let text = "nobody accepts it";
            self.machines.with(now, key, |session| session.handle(now, Input::Abort { code: 0, text }));
            self.abandon(now, key);
        }
        self.acceptors.wake(wakers);
    }

    /// Takes the next session that somebody else has opened.
    pub(super) fn poll_accept(&mut self, waker: &Waker) -> Poll<Option<Key>> {
        if let Some(key) = self.incoming.pop_front() {
            return Poll::Ready(Some(key));
        }
        if !self.owned || self.driver.is_gone || self.machines.is_closing() {
            return Poll::Ready(None);
        }
        self.acceptors.add(waker);
        Poll::Pending
    }

    /// A handle of a session is no more: our side finishes, and what still comes is thrown away.
    pub(super) fn abandon(&mut self, now: Instant, key: Key) {
        let Some(desk) = self.desks.get_mut(&key) else { return };
        if desk.closed.is_some() {
            self.desks.remove(&key);
            return;
        }
        desk.orphan = true;
        self.machines.with(now, key, |session| {
            session.handle(now, Input::Close);
            while session.receive_with(now, |_, _| ()).is_some() {}
        });
    }
}
