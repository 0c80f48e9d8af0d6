//! How a subscription is doing.

use alloc::sync::Arc;
use core::fmt;
use std::sync::Mutex;

use tokio::sync::broadcast;

use super::PendingLimits;
use crate::adapter::lock::lock;

/// What happens to the connection of a client, besides its datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NatsEvent {
    /// The connection to the server is cut; the client goes on trying. Datagrams are lost meanwhile.
    Disconnected,
    /// The connection is there again. The peers of all sessions are asked at once whether they are there.
    Reconnected,
    /// The subscription was full, and dropped what came.
    SlowConsumer {
        /// Datagrams dropped since the start.
        dropped: u64,
    },
}

/// One look at a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Datagrams that came to the sessions.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Datagrams dropped because the subscription was full.
    pub dropped: u64,
    /// Datagrams that the client dropped before, because the driver was not run for too long. Known only of a client of our own
    /// ([`Link::connect`](super::Link::connect)), and of all its subscriptions together.
    pub dropped_by_client: u64,
    /// Datagrams that wait.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// The most that ever waited.
    pub max_queued: usize,
    /// The most bytes that ever waited.
    pub max_queued_bytes: usize,
    /// How much may wait.
    pub limits: PendingLimits,
    /// Datagrams that were not sent because the connection was cut, or the server did not take them.
    pub unsent: u64,
    /// How often the connection was there again.
    pub reconnects: u64,
}

/// What the transport and those who look share.
pub(super) struct Shared {
    report: Mutex<Report>,
    events: broadcast::Sender<NatsEvent>,
}

impl Shared {
    pub(super) fn new(limits: PendingLimits) -> Arc<Self> {
        let report = Mutex::new(Report { limits, ..Report::default() });
        Arc::new(Self { report, events: broadcast::Sender::new(64) })
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Report)) {
        change(&mut lock(&self.report));
    }

    pub(super) fn tell(&self, event: NatsEvent) {
        // Nobody need listen.
        _ = self.events.send(event);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("report", &self.report).finish_non_exhaustive()
    }
}

/// How a subscription is doing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub(super) shared: Arc<Shared>,
    pub(super) client: async_nats::Client,
    pub(super) dropped_by_client: Option<Arc<core::sync::atomic::AtomicU64>>,
}

impl Subscription {
    /// How it is doing now.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = *lock(&self.shared.report);
        if let Some(dropped) = &self.dropped_by_client {
            report.dropped_by_client = dropped.load(core::sync::atomic::Ordering::Relaxed);
        }
        report
    }

    /// What happens from now on. Who looks too rarely misses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<NatsEvent> {
        self.shared.events.subscribe()
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &async_nats::Client {
        &self.client
    }
}
