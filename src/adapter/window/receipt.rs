//! Waiting until the peer's application has taken a message.

use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::Closed;
use super::desk::Receipted;
use super::session::Owner;
use crate::sliding_window::MessageId;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The peer's *application* has taken it.
    Taken,
    /// It expired before the peer had all of it.
    Expired,
}

/// Waits until the peer's application has taken a message; or until it is known that it will not, with an error when the session
/// has ended before. May be dropped at any time.
#[derive(Debug)]
#[must_use = "it does nothing unless it is awaited"]
pub struct Receipt {
    owner: Arc<Owner>,
    id: MessageId,
}

impl Receipt {
    pub(super) const fn new(owner: Arc<Owner>, id: MessageId) -> Self {
        Self { owner, id }
    }

    /// The message.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        self.id
    }
}

impl Future for Receipt {
    type Output = Result<Fate, Closed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.owner.shared.act(|core, _, _| {
            let Some(desk) = core.desks.get_mut(&self.owner.key) else { return Poll::Pending };
            match desk.receipts.get_mut(&self.id) {
                Some(Receipted::Taken) => Poll::Ready(Ok(Fate::Taken)),
                Some(Receipted::Expired) => Poll::Ready(Ok(Fate::Expired)),
                Some(Receipted::Waiting(waker)) => match &desk.closed {
                    Some(closed) => Poll::Ready(Err(closed.clone())),
                    None => {
                        *waker = Some(context.waker().clone());
                        Poll::Pending
                    }
                },
                None => Poll::Pending,
            }
        })
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(desk) = self.owner.shared.lock().desks.get_mut(&self.owner.key) {
            desk.receipts.remove(&self.id);
        }
    }
}
