//! Sending on one channel.

use alloc::collections::VecDeque;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use bytes::Bytes;
use futures_sink::Sink;

use super::shared::{Handle, Shared};
use crate::connection::{SendError, SendRefusal};
use crate::wire::{AnyCodec, Codec};

/// Sends on one channel of a connection; made by [`Connection::sender`](super::Connection::sender), cheap to clone.
///
/// "Sent" means queued, neither written nor delivered, as with [`MConnState::try_send`](crate::connection::MConnState::try_send).
/// Messages of one sender arrive in the order in which they were accepted.
///
/// Who waits is served in the order of arrival, per channel; [`try_send`](Sender::try_send) does not stand in that line.
/// A send that is dropped before it is done has sent nothing and leaves its place to the next. A send that was polled once
/// and is then neither polled nor dropped keeps all behind it waiting.
///
/// As a [`Sink`], a sender keeps at most one message of its own while the queue is full; flushing it means that this one was
/// accepted too. That message is lost when the sender is dropped before.
#[derive(Debug)]
pub struct Sender<C: Codec = AnyCodec> {
    handle: Handle<C>,
    channel: u8,
    /// The message that the sink has taken and the queue has not.
    slot: Option<Bytes>,
    /// The place in the line of that message.
    ticket: Option<u64>,
}

impl<C: Codec> Sender<C> {
    pub(super) const fn new(handle: Handle<C>, channel: u8) -> Self {
        Self { handle, channel, slot: None, ticket: None }
    }

    /// The id of the channel.
    #[must_use]
    pub const fn channel(&self) -> u8 {
        self.channel
    }

    /// Queues a message if there is room for it now.
    ///
    /// # Errors
    /// [`SendError`] says why not, and gives the message back.
    #[inline]
    pub fn try_send(&self, message: Bytes) -> Result<(), SendError> {
        self.handle.try_send(self.channel, message)
    }

    /// Queues a message, once there is room for it. Cancel-safe: dropped before it is done, it has sent nothing.
    ///
    /// # Errors
    /// [`SendError`] when the message can never be sent, at once when the connection ends; it gives the message back.
    pub async fn send(&self, message: Bytes) -> Result<(), SendError> {
        let mut place = Place::new(&self.handle, self.channel);
        let mut message = message;
        poll_fn(|context| place.poll(&mut message, context)).await
    }

    /// Queues a message, if there is room for it in time. Go waits
    /// [`DEFAULT_SEND_TIMEOUT`](crate::adapter::DEFAULT_SEND_TIMEOUT). Cancel-safe as [`send`](Sender::send) is.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; its refusal is [`SendRefusal::Full`] when the time is over.
    pub async fn send_timeout(&self, message: Bytes, timeout: Duration) -> Result<(), SendError> {
        let mut place = Place::new(&self.handle, self.channel);
        let mut message = message;
        match ::tokio::time::timeout(timeout, poll_fn(|context| place.poll(&mut message, context))).await {
            Ok(result) => result,
            Err(_) => {
                drop(place);
                self.try_send(message)
            }
        }
    }

    /// Queues all of `messages`, front first, taking out each that was accepted. Many small messages at once cost a fraction
    /// of as many single sends. Cancel-safe: what was not accepted is still in `messages`.
    ///
    /// # Errors
    /// Why the message that is now in front can not be sent.
    pub async fn send_many(&self, messages: &mut VecDeque<Bytes>) -> Result<(), SendRefusal> {
        let mut place = Place::new(&self.handle, self.channel);
        poll_fn(|context| self.handle.poll_send_many(self.channel, messages, &mut place.ticket, context)).await
    }

    /// Hands the message of the sink to the queue, when there is room.
    fn poll_slot(&mut self, context: &Context<'_>) -> Poll<Result<(), SendError>> {
        let Some(message) = &mut self.slot else { return Poll::Ready(Ok(())) };
        let result = ready!(self.handle.poll_send(self.channel, message, &mut self.ticket, context));
        self.slot = None;
        Poll::Ready(result)
    }
}

impl<C: Codec> Clone for Sender<C> {
    /// Another sender on the same channel. The message that a sink keeps stays with the original.
    fn clone(&self) -> Self {
        Self::new(self.handle.clone(), self.channel)
    }
}

impl<C: Codec> Drop for Sender<C> {
    fn drop(&mut self) {
        self.handle.leave_line(self.channel, &mut self.ticket);
    }
}

impl<C: Codec> Sink<Bytes> for Sender<C> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().poll_slot(context)
    }

    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<(), SendError> {
        let this = self.get_mut();
        if let Some(kept) = &this.slot {
            // Only a caller who was not told "ready" gets here.
            let refusal =
                SendRefusal::Full { queued: 1, capacity: 1, queued_bytes: kept.len(), capacity_bytes: kept.len() };
            return Err(SendError { refusal, channel: this.channel, message });
        }
        match this.try_send(message) {
            Err(SendError { refusal: SendRefusal::Full { .. }, message, .. }) => {
                this.slot = Some(message);
                Ok(())
            }
            other => other,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().poll_slot(context)
    }

    /// Flushes. The connection stays open: it belongs to all channels.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(context)
    }
}

/// A place in the line of a channel, given up when dropped.
struct Place<'a, C: Codec> {
    shared: &'a Shared<C>,
    channel: u8,
    ticket: Option<u64>,
}

impl<'a, C: Codec> Place<'a, C> {
    const fn new(shared: &'a Shared<C>, channel: u8) -> Self {
        Self { shared, channel, ticket: None }
    }

    fn poll(&mut self, message: &mut Bytes, context: &Context<'_>) -> Poll<Result<(), SendError>> {
        self.shared.poll_send(self.channel, message, &mut self.ticket, context)
    }
}

impl<C: Codec> Drop for Place<'_, C> {
    fn drop(&mut self) {
        self.shared.leave_line(self.channel, &mut self.ticket);
    }
}
