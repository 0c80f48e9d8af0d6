//! What the driver, the connections and the handles of one switch share.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{Notify, broadcast};
use tokio::time::Instant as TokioInstant;

use super::Options;
use crate::adapter::clock::Clock;
use crate::adapter::lock::lock;
use crate::peer::PeerAddress;
use crate::peer::switch::{Command, ConnectionId, Event, Switch};
use crate::secret::NodeId;
use crate::time::Instant;

/// One switch. The lock is held while the switch handles one input, its reactors included, and never across an await.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock<TokioInstant>,
    pub(super) options: Options,
    pub(super) id: NodeId,
    core: Mutex<Core>,
    /// Some queue may have room now, or some peer is gone.
    pub(super) room: Notify,
    pub(super) stopped: Notify,
}

/// What stands behind the lock.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) switch: Switch,
    pub(super) wires: BTreeMap<ConnectionId, Wire>,
    /// Dials that the driver is to begin.
    pub(super) dials: VecDeque<(ConnectionId, PeerAddress)>,
    pub(super) driver: Option<Waker>,
    /// Until when the driver sleeps at most.
    pub(super) sleeps_until: Option<Instant>,
    pub(super) stop: Stop,
    /// `None` when the last event was told.
    pub(super) events: Option<broadcast::Sender<Event>>,
    /// Connections that were closed as soon as they were accepted.
    pub(super) refused: u64,
}

/// What the task of a connection is to do.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) waker: Option<Waker>,
    pub(super) feed: bool,
    pub(super) write: bool,
    /// And whether what was pulled must still be written.
    pub(super) hang_up: Option<bool>,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    No,
    /// What is queued leaves, until then at most.
    Draining(Instant),
    /// The switch has stopped. Last bytes may still be written, until then.
    Flushing(Instant),
    /// All must go.
    Now,
    /// The driver has ended.
    Done,
}

impl Shared {
    pub(super) fn new(switch: Switch, clock: Clock<TokioInstant>, options: Options) -> Arc<Self> {
        let id = switch.local().id();
        let core = Core {
            switch,
            wires: BTreeMap::new(),
            dials: VecDeque::new(),
            driver: None,
            sleeps_until: None,
            stop: Stop::No,
            events: Some(broadcast::channel(options.max_events.max(1)).0),
            refused: 0,
        };
        let (room, stopped) = (Notify::new(), Notify::new());
        Arc::new(Self { clock, options, id, core: Mutex::new(core), room, stopped })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    /// Does something with the switch, and then what the switch wants.
    pub(super) fn act<T>(&self, action: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let mut wakers = Vec::new();
        let mut core = self.lock();
        let now = self.clock.now();
        let result = action(&mut core, now);
        let ended = core.dispatch(now, &mut wakers);
        drop(core);
        wakers.into_iter().for_each(Waker::wake);
        if ended {
            self.room.notify_waiters();
        }
        result
    }
}

impl Core {
    /// Hands out what the switch wants. Who is to be woken is woken when the lock is released. Whether a connection has ended.
    fn dispatch(&mut self, now: Instant, wakers: &mut Vec<Waker>) -> bool {
        let mut ended = false;
        while let Some(command) = self.switch.poll_command() {
            match command {
                Command::Dial { connection, .. } if self.stop != Stop::No => {
                    self.switch.dial_failed(now, connection, "this node is stopping");
                }
                Command::Dial { connection, address } => {
                    self.wires.insert(connection, Wire::default());
                    self.dials.push_back((connection, address));
                }
                Command::HangUp { connection, flush } => {
                    ended = true;
                    self.tell(connection, wakers, |wire| wire.hang_up = Some(flush));
                }
                Command::Write { connection } => self.tell(connection, wakers, |wire| wire.write = true),
                Command::Feed { connection } => self.tell(connection, wakers, |wire| wire.feed = true),
            }
        }
        while let Some(event) = self.switch.poll_event() {
            if let Some(events) = &self.events {
                // It is no error that nobody listens.
                _ = events.send(event);
            }
        }
        let earlier = match (self.next_deadline(), self.sleeps_until) {
            (Some(next), Some(until)) => next < until,
            (next, _) => next.is_some(),
        };
        if earlier || !self.dials.is_empty() || (ended && self.stop != Stop::No) {
            wakers.extend(self.driver.take());
        }
        ended
    }

    fn tell(&mut self, connection: ConnectionId, wakers: &mut Vec<Waker>, change: impl FnOnce(&mut Wire)) {
        if let Some(wire) = self.wires.get_mut(&connection) {
            change(wire);
            wakers.extend(wire.waker.take());
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let stop = match self.stop {
            Stop::Draining(until) | Stop::Flushing(until) => Some(until),
            Stop::No | Stop::Now | Stop::Done => None,
        };
        [self.switch.poll_timeout(), stop].into_iter().flatten().min()
    }

    /// No persistent peers, and each peer closed when what is queued for it has left.
    pub(super) fn begin_to_drain(&mut self, now: Instant, until: Instant) {
        self.stop = Stop::Draining(until);
        let persistent: Vec<NodeId> = self.switch.persistent_peers().map(|address| address.id).collect();
        persistent.iter().for_each(|id| self.switch.remove_persistent_peer(id));
        self.switch.with(now, |context| {
            let peers: Vec<NodeId> = context.peers().map(crate::peer::Peer::id).collect();
            for id in peers {
                context.close_peer(&id, Some(until));
            }
        });
    }

    pub(super) fn wake_driver(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }
}
