//! The handle of an endpoint.

use alloc::sync::Arc;
use core::future::poll_fn;

use super::shared::Shared;
use super::{Closed, PeerAddress, Session};
use crate::sliding_window::endpoint::EndpointCounters;
use crate::sliding_window::{CloseReason, Status};

/// Opens and accepts sessions over one transport. Cheap to clone.
///
/// When the last clone is dropped nobody is accepted any more; sessions that were opened or accepted go on.
#[derive(Clone, Debug)]
pub struct Hub {
    owner: Arc<Owner>,
}

#[derive(Debug)]
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.act(|core, now, wakers| core.disown(now, wakers));
    }
}

impl Hub {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { owner: Arc::new(Owner(shared)) }
    }

    /// Begins to call somebody. Messages are accepted at once; they wait until the session is open.
    ///
    /// # Errors
    /// The driver is no more, or the endpoint is closed.
    pub fn call(&self, to: impl Into<PeerAddress>) -> Result<Session, Closed> {
        let shared = &self.owner.0;
        shared.act(|core, now, _| {
            let failed = Closed { reason: CloseReason::TransportFailed, io: core.failure.clone() };
            if core.driver.is_gone {
                return Err(failed);
            }
            match core.machines.connect(now, to.into()) {
                Some(Ok(key)) => Ok(Session::new(shared, core, key)),
                _ => Err(failed),
            }
        })
    }

    /// Calls somebody, and waits until the session is open. Dropped before that, the call is given up.
    ///
    /// # Errors
    /// Why it will not be.
    pub async fn connect(&self, to: impl Into<PeerAddress>) -> Result<Session, Closed> {
        let session = self.call(to)?;
        session.connected().await?;
        Ok(session)
    }

    /// The next session that somebody else has opened; `None` when no more can come. May be dropped at any time.
    pub async fn accept(&self) -> Option<Session> {
        let shared = &self.owner.0;
        poll_fn(|context| {
            shared.act(|core, _, _| {
                let next = core.poll_accept(context.waker());
                next.map(|key| key.map(|key| Session::new(shared, core, key)))
            })
        })
        .await
    }

    /// Finishes all sessions, each after what was accepted, and accepts no more.
    pub fn close(&self) {
        self.owner.0.act(|core, now, wakers| {
            core.machines.close(now);
            core.acceptors.wake(wakers);
        });
    }

    /// What was counted since the start, besides what the sessions count.
    #[must_use]
    pub fn counters(&self) -> EndpointCounters {
        self.owner.0.lock().machines.counters()
    }

    /// How each session is doing, those of others that nobody has taken yet included.
    #[must_use]
    pub fn statuses(&self) -> alloc::vec::Vec<Status> {
        let now = self.owner.0.now();
        self.owner.0.lock().machines.statuses(now)
    }
}
