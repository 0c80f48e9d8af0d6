//! The handle of a session.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::{Context, Poll};
use std::io;

use bytes::Bytes;

use super::desk::{Desk, Receipted};
use super::machines::{Key, Machines};
use super::receipt::Receipt;
use super::shared::{Core, Shared};
use super::{Closed, PeerAddress};
use crate::machine::Machine;
use crate::sliding_window::{Class, Input, MessageId, SendError, SendOptions, SendRefusal, SlidingWindow, Status};
use crate::time::Instant;

/// A message of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How it was delivered.
    pub class: Class,
    /// Its bytes; possibly none.
    pub payload: Bytes,
}

/// A session: sends, receives, ends, tells how it is doing. Cheap to clone; all clones are the same session.
///
/// All futures of it may be dropped at any time: nothing is lost and nothing is doubled. When the last handle is dropped, our
/// side finishes after what was accepted, and what the peer still sends is thrown away; for at most the configured
/// `close_timeout`.
#[derive(Clone, Debug)]
pub struct Session {
    owner: Arc<Owner>,
}

/// The share of all clones of a handle.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) shared: Arc<Shared>,
    pub(super) key: Key,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.act(|core, now, _| {
            core.handles = core.handles.saturating_sub(1);
            core.abandon(now, self.key);
        });
    }
}

impl Owner {
    /// Does something with the session's desk, which stands as long as an owner lives.
    fn at_desk<R>(&self, action: impl FnOnce(&mut Machines, &mut Desk, Instant) -> R) -> Option<R> {
        self.shared.act(|core, now, _| {
            let desk = core.desks.get_mut(&self.key)?;
            let result = action(&mut core.machines, desk, now);
            if desk.has_senders() {
                core.waiting.insert(self.key);
            }
            Some(result)
        })
    }

    /// Waits until `look` finds what it looks for, or the session has ended.
    pub(super) fn poll_watch<R>(
        &self,
        context: &Context<'_>,
        look: impl FnOnce(&Desk) -> Option<R>,
    ) -> Poll<Result<R, Closed>> {
        let watched = self.at_desk(|_, desk, _| match (look(desk), &desk.closed) {
            (Some(found), _) => Poll::Ready(Ok(found)),
            (None, Some(closed)) => Poll::Ready(Err(closed.clone())),
            (None, None) => {
                desk.watchers.add(context.waker());
                Poll::Pending
            }
        });
        watched.unwrap_or(Poll::Pending)
    }
}

impl Session {
    /// The handle of a session whose desk stands already, or is set up now.
    pub(super) fn new(shared: &Arc<Shared>, core: &mut Core, key: Key) -> Self {
        core.handles = core.handles.saturating_add(1);
        core.desks.entry(key).or_default();
        Self { owner: Arc::new(Owner { shared: Arc::clone(shared), key }) }
    }

    #[cfg(feature = "memory")]
    pub(super) fn owner(&self) -> &Arc<Owner> {
        &self.owner
    }

    /// Lends the machine, for everything that the handle does not have: [`SlidingWindow::register_asap`], say. `None` when the
    /// session has ended.
    ///
    /// Other callers and the driver wait meanwhile. Its events, its datagrams and its time are the driver's: take none of them.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut SlidingWindow, Instant) -> R) -> Option<R> {
        self.owner.shared.with(self.owner.key, use_it)
    }

    /// The time now by the clock of the session; for [`Expires::At`](crate::sliding_window::Expires).
    #[must_use]
    pub fn now(&self) -> Instant {
        self.owner.shared.now()
    }

    /// Waits until the session is open.
    ///
    /// # Errors
    /// Why it will not be.
    pub async fn connected(&self) -> Result<(), Closed> {
        poll_fn(|context| self.owner.poll_watch(context, |desk| desk.connected.then_some(()))).await
    }

    /// Accepts a message if there is room for it and nobody waits for room already.
    ///
    /// # Errors
    /// [`SendError`] gives the message back.
    pub fn try_send(&self, message: Bytes, options: &SendOptions) -> Result<MessageId, SendError> {
        let order = Order { options, keep_receipt: false };
        match self.poll_try_send(&mut Some(message), &order, &mut None, None) {
            Poll::Ready(result) => result,
            // Only who has a context waits.
            Poll::Pending => Err(SendError { refusal: FULL, message: Bytes::new() }),
        }
    }

    /// Sends a message, as soon as there is room for it. Who waits is served in the order of arrival.
    ///
    /// It is accepted when this returns, not delivered: see [`Session::flush`] and [`Session::send_with_receipt`]. Dropped before that,
    /// nothing was sent.
    ///
    /// # Errors
    /// [`SendError`] gives the message back.
    pub async fn send(&self, message: Bytes, options: &SendOptions) -> Result<MessageId, SendError> {
        self.send_order(message, &Order { options, keep_receipt: false }).await
    }

    /// Sends a message, and gives a future that waits until the peer's *application* has taken it.
    ///
    /// # Errors
    /// [`SendError`] gives the message back.
    pub async fn send_with_receipt(&self, message: Bytes, options: &SendOptions) -> Result<Receipt, SendError> {
        let options = &options.with_receipt();
        let id = self.send_order(message, &Order { options, keep_receipt: true }).await?;
        Ok(Receipt::new(Arc::clone(&self.owner), id))
    }

    async fn send_order(&self, message: Bytes, order: &Order<'_>) -> Result<MessageId, SendError> {
        let mut place = Place { owner: &self.owner, ticket: None };
        let mut message = Some(message);
        poll_fn(|context| self.poll_try_send(&mut message, order, &mut place.ticket, Some(context))).await
    }

    fn poll_try_send(
        &self,
        message: &mut Option<Bytes>,
        order: &Order<'_>,
        ticket: &mut Option<u64>,
        context: Option<&Context<'_>>,
    ) -> Poll<Result<MessageId, SendError>> {
        let key = self.owner.key;
        let payload = message.take().unwrap_or_default();
        let len = payload.len();
        let sent = self.owner.at_desk(|machines, desk, now| {
            let refused = match machines.session(key).map(|session| session.may_send(len)) {
                None => SendError { refusal: SendRefusal::Closed, message: payload },
                Some(Ok(())) if !desk.line.is_turn(*ticket) => SendError { refusal: FULL, message: payload },
                Some(_) => match machines.with(now, key, |session| session.try_send(now, payload, order.options)) {
                    None => SendError { refusal: SendRefusal::Closed, message: Bytes::new() },
                    Some(Err(refused)) => refused,
                    Some(Ok(id)) => {
                        if order.keep_receipt {
                            desk.receipts.insert(id, Receipted::Waiting(None));
                        }
                        desk.line.leave(ticket);
                        return Ok(id);
                    }
                },
            };
            match (refused.refusal, context) {
                (SendRefusal::Full { .. }, Some(context)) => desk.line.wait(ticket, len, false, context.waker()),
                (SendRefusal::TooManyReceipts { .. }, Some(context)) => {
                    desk.line.wait(ticket, len, true, context.waker());
                }
                _ => desk.line.leave(ticket),
            }
            Err(refused)
        });
        match sent {
            Some(Err(refused)) if ticket.is_some() => {
                *message = Some(refused.message);
                Poll::Pending
            }
            Some(result) => Poll::Ready(result),
            None => Poll::Ready(Err(SendError { refusal: SendRefusal::Closed, message: Bytes::new() })),
        }
    }

    /// The next message of the peer; `None` when no more comes: the peer has finished, or the session has ended, which
    /// [`Session::closed`] tells.
    pub async fn recv(&self) -> Option<Message> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// The next message of the peer, if one is there.
    #[must_use]
    pub fn try_recv(&self) -> Option<Message> {
        let (class, payload) = self.owner.shared.take(self.owner.key, |session, now| session.receive(now))?;
        Some(Message { class, payload })
    }

    pub(super) fn poll_recv(&self, context: &Context<'_>) -> Poll<Option<Message>> {
        if let Some(message) = self.try_recv() {
            return Poll::Ready(Some(message));
        }
        let key = self.owner.key;
        let received = self.owner.at_desk(|machines, desk, now| {
            // Between the two looks something may have come.
            match machines.with(now, key, |session| session.receive(now)).flatten() {
                Some((class, payload)) => Poll::Ready(Some(Message { class, payload })),
                None if desk.peer_finished || desk.closed.is_some() => Poll::Ready(None),
                None => {
                    desk.readers.add(context.waker());
                    Poll::Pending
                }
            }
        });
        received.unwrap_or(Poll::Ready(None))
    }

    /// Reads as a stream; 0 bytes at the end.
    pub(crate) fn poll_read(&self, context: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let key = self.owner.key;
        let read = self.owner.at_desk(|machines, desk, now| {
            match machines.with(now, key, |session| session.read(now, buffer)) {
                Some(Poll::Ready(len)) => Poll::Ready(Ok(len)),
                _ => match &desk.closed {
                    Some(closed) => Poll::Ready(closed.clone().orderly_or_err().map(|()| 0).map_err(io::Error::from)),
                    None => {
                        desk.readers.add(context.waker());
                        Poll::Pending
                    }
                },
            }
        });
        read.unwrap_or(Poll::Ready(Ok(0)))
    }

    /// Writes to a stream as much as there is room for.
    pub(crate) fn poll_write(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let key = self.owner.key;
        let written = self.owner.at_desk(|machines, desk, now| {
            match machines.with(now, key, |session| session.write(now, bytes)) {
                Some(Ok(len)) => Poll::Ready(Ok(len)),
                Some(Err(SendRefusal::Full { .. })) => {
                    desk.writers.add(context.waker());
                    Poll::Pending
                }
                Some(Err(refusal)) => Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, refusal))),
                None => Poll::Ready(Err(match &desk.closed {
                    Some(closed) => closed.clone().into(),
                    None => io::ErrorKind::BrokenPipe.into(),
                })),
            }
        });
        written.unwrap_or_else(|| Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())))
    }

    /// Waits until everything that was accepted so far is acknowledged by the peer, or has expired.
    ///
    /// # Errors
    /// The session has ended before.
    pub async fn flush(&self) -> Result<(), Closed> {
        let Some(mark) = self.with(|session, now| session.flush(now)) else {
            return self.closed().await.orderly_or_err();
        };
        poll_fn(|context| self.owner.poll_watch(context, |desk| (desk.flushed >= Some(mark)).then_some(())))
            .await
            .or_else(Closed::orderly_or_err)
    }

    /// Finishes our side after what was accepted; the peer may go on sending, if it is configured with `half_close`.
    pub fn finish(&self) {
        self.with(SlidingWindow::finish);
    }

    /// Finishes our side after what was accepted, takes what the peer still sends, then ends the session;
    /// [`Session::closed`] tells when.
    ///
    /// Go on receiving meanwhile: the end is behind what was not taken.
    pub fn close(&self) {
        self.with(|session, now| session.handle(now, Input::Close));
    }

    /// Ends the session now; the peer is told, and told again if it goes on. What waits either way is dropped. At most 255 bytes of
    /// `text` are sent.
    pub fn abort(&self, code: u64, text: &str) {
        self.with(|session, now| session.handle(now, Input::Abort { code, text }));
    }

    /// Waits until the session has ended, and tells why; as often as it is asked.
    ///
    /// What has arrived comes before the end: it must be taken first.
    pub async fn closed(&self) -> Closed {
        poll_fn(|context| match self.owner.poll_watch(context, |_| None::<core::convert::Infallible>) {
            Poll::Ready(Err(closed)) => Poll::Ready(closed),
            Poll::Ready(Ok(never)) => match never {},
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Why the session has ended; `None` while it has not.
    #[must_use]
    pub fn close_reason(&self) -> Option<Closed> {
        self.owner.shared.lock().desks.get(&self.owner.key)?.closed.clone()
    }

    /// How the session is doing; `None` when it has ended. Looking changes nothing.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let now = self.now();
        let core = self.owner.shared.lock();
        core.machines.session(self.owner.key).map(|session| session.status(now))
    }

    /// Where the peer is, as far as it is known.
    #[must_use]
    pub fn peer(&self) -> Option<PeerAddress> {
        self.owner.shared.lock().machines.address(self.owner.key).cloned()
    }
}

impl Closed {
    /// An orderly end is a flush too: everything was delivered.
    pub(super) fn orderly_or_err(self) -> Result<(), Self> {
        if self.is_orderly() { Ok(()) } else { Err(self) }
    }
}

/// What a full queue says when the message would be behind others.
const FULL: SendRefusal = SendRefusal::Full { messages: 0, bytes: 0 };

/// How a message is sent.
struct Order<'a> {
    options: &'a SendOptions,
    /// Somebody waits for the receipt.
    keep_receipt: bool,
}

/// A place in the line, given up when the future is dropped.
struct Place<'a> {
    owner: &'a Owner,
    ticket: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.owner.at_desk(|_, desk, _| desk.line.leave(&mut self.ticket));
        }
    }
}
