//! Receiving, from all channels or from one.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::mailboxes::{COMMON, Message};
use super::shared::Handle;
use crate::wire::{AnyCodec, Codec};

/// What was taken out of a mailbox at once, and where that is.
#[derive(Debug)]
struct Reader<C: Codec> {
    handle: Handle<C>,
    mailbox: usize,
    batch: VecDeque<Message>,
    /// Batches that were there at once, one after the other.
    in_a_row: u8,
}

/// Batches after which a reader that never has to wait lets the rest of its task have a turn.
const BATCHES_IN_A_ROW: u8 = 32;

impl<C: Codec> Reader<C> {
    const fn new(handle: Handle<C>, mailbox: usize) -> Self {
        Self { handle, mailbox, batch: VecDeque::new(), in_a_row: 0 }
    }

    #[inline]
    fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<Message>> {
        if let Some(message) = self.batch.pop_front() {
            return Poll::Ready(Some(message));
        }
        if ready!(self.poll_batch(context)).is_none() {
            return Poll::Ready(None);
        }
        Poll::Ready(self.batch.pop_front())
    }

    /// Takes all that is in the mailbox, which makes room for more.
    fn poll_batch(&mut self, context: &Context<'_>) -> Poll<Option<()>> {
        if self.in_a_row >= BATCHES_IN_A_ROW {
            self.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (mailbox, batch) = (self.mailbox, &mut self.batch);
        let result = self.handle.with_wakers(|core, _, wakers| {
            let result = core.mailboxes.poll_swap(mailbox, batch, context);
            if let Poll::Ready(Some(())) = result {
                core.fill_mailboxes(wakers);
            }
            result
        });
        self.in_a_row = if result.is_ready() { self.in_a_row.saturating_add(1) } else { 0 };
        result
    }

    async fn recv_many(&mut self, messages: &mut Vec<Message>, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        if self.batch.is_empty() && poll_fn(|context| self.poll_batch(context)).await.is_none() {
            return 0;
        }
        let count = self.batch.len().min(limit);
        messages.extend(self.batch.drain(..count));
        count
    }
}

/// The messages of the peer, from all channels that have no [`ChannelMessages`] of their own.
///
/// A [`Stream`] of channel and message, in the order of arrival. It ends when the connection has ended and everything that
/// came before was read; [`Connection::closed`](super::Connection::closed) tells why.
///
/// What waits is bounded in messages and bytes: `inbox_messages` and `inbox_bytes` of the configuration, and as much again
/// (but no more than 4,096 messages or 512 KiB) in each of the two steps in which it is handed over. When nobody reads,
/// nothing is read from the peer either, and nothing is lost.
///
/// When it is dropped, what comes on its channels is thrown away from then on.
#[derive(Debug)]
pub struct Messages<C: Codec = AnyCodec> {
    reader: Reader<C>,
}

impl<C: Codec> Messages<C> {
    pub(super) const fn new(handle: Handle<C>) -> Self {
        Self { reader: Reader::new(handle, COMMON) }
    }

    /// Waits for the next message: its channel and its bytes; `None` after the end of the connection. Cancel-safe.
    pub async fn recv(&mut self) -> Option<(u8, Bytes)> {
        poll_fn(|context| self.reader.poll_next(context)).await
    }

    /// Waits for messages and appends those that are there, at most `limit`. Returns how many; 0 after the end of the
    /// connection. Cancel-safe.
    pub async fn recv_many(&mut self, messages: &mut Vec<(u8, Bytes)>, limit: usize) -> usize {
        self.reader.recv_many(messages, limit).await
    }

    /// Takes one channel out: its messages come there from now on, those that nobody has read yet first.
    ///
    /// `None` when the connection has no such channel, or when it was taken before.
    ///
    /// All channels share one byte stream. So whoever takes a channel and does not read it stops the others too, once its
    /// bounds (those of the inbox, and at most 512 KiB) are reached.
    pub fn take_channel(&mut self, channel: u8) -> Option<ChannelMessages<C>> {
        if !self.reader.handle.channels.contains(&channel) {
            return None;
        }
        let batch = &mut self.reader.batch;
        let mailbox = self.reader.handle.with_wakers(|core, _, wakers| {
            let mailbox = core.mailboxes.open(channel, batch);
            core.fill_mailboxes(wakers);
            mailbox
        })?;
        let reader = Reader::new(self.reader.handle.clone(), mailbox);
        Some(ChannelMessages { reader, channel })
    }
}

impl<C: Codec> Stream for Messages<C> {
    type Item = (u8, Bytes);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<(u8, Bytes)>> {
        self.get_mut().reader.poll_next(context)
    }
}

impl<C: Codec> Drop for Messages<C> {
    fn drop(&mut self) {
        self.reader.handle.with_wakers(|core, _, wakers| {
            core.mailboxes.abandon();
            core.fill_mailboxes(wakers);
        });
    }
}

/// The messages of the peer on one channel; made by [`Messages::take_channel`].
///
/// A [`Stream`] that ends as [`Messages`] does. When it is dropped, what it has not read and what comes later goes to
/// [`Messages`], or is thrown away if that was dropped.
#[derive(Debug)]
pub struct ChannelMessages<C: Codec = AnyCodec> {
    reader: Reader<C>,
    channel: u8,
}

impl<C: Codec> ChannelMessages<C> {
    /// The id of the channel.
    #[must_use]
    pub const fn channel(&self) -> u8 {
        self.channel
    }

    /// Waits for the next message; `None` after the end of the connection. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.reader.poll_next(context)).await.map(|(_, message)| message)
    }
}

impl<C: Codec> Stream for ChannelMessages<C> {
    type Item = Bytes;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.get_mut().reader.poll_next(context).map(|next| next.map(|(_, message)| message))
    }
}

impl<C: Codec> Drop for ChannelMessages<C> {
    fn drop(&mut self) {
        let (channel, mailbox, batch) = (self.channel, self.reader.mailbox, &mut self.reader.batch);
        self.reader.handle.with_wakers(|core, _, wakers| {
            core.mailboxes.give_back(channel, mailbox, batch, wakers);
            core.fill_mailboxes(wakers);
        });
    }
}
