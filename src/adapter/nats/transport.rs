//! Datagrams as messages of a broker.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll};
use std::io;

use async_nats::connection::State;
use async_nats::{Client, Message, Subject, Subscriber};
use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::report::{NatsEvent, Shared};
use super::{Inbox, PendingLimits};
use crate::adapter::window::{Batch, PeerAddress, Transport};
use crate::time::Duration;

/// Messages that are taken from the client at once.
const MOST_TAKEN: usize = 1024;
/// Datagrams that are handed on at once.
const MOST_DELIVERED: usize = 128;
/// How often to look whether the connection is there again, while it is not.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many datagrams of a batch went, and how many did not.
type Publishing = Pin<Box<dyn Future<Output = (u64, bool)> + Send>>;

/// An inbox at a NATS server as a transport.
pub struct NatsTransport {
    client: Client,
    subscriber: Subscriber,
    own: Subject,
    /// The peer, when there is only one: who else publishes here is it too, as far as its packets prove it.
    peer: Option<PeerAddress>,
    limits: PendingLimits,
    shared: Arc<Shared>,
    queue: VecDeque<Message>,
    queued_bytes: usize,
    publishing: Option<Publishing>,
    /// Subjects that were translated last, either way.
    from: Option<(Subject, PeerAddress)>,
    to: Option<(Arc<str>, Subject)>,
    connects: u64,
    is_cut: bool,
    is_restored: bool,
    look: Interval,
}

impl NatsTransport {
    pub(super) fn new(client: Client, subscriber: Subscriber, inbox: Inbox, shared: Arc<Shared>) -> Self {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            connects: client.statistics().connects.load(Ordering::Relaxed),
            client,
            subscriber,
            own: Subject::from(inbox.subject),
            peer: inbox.peer.map(|peer| PeerAddress::Subject(peer.into())),
            limits: inbox.limits,
            shared,
            queue: VecDeque::new(),
            queued_bytes: 0,
            publishing: None,
            from: None,
            to: None,
            is_cut: false,
            is_restored: false,
            look,
        }
    }

    /// Notes what has become of the connection to the server.
    fn watch_connection(&mut self, context: &mut Context<'_>) {
        let connects = self.client.statistics().connects.load(Ordering::Relaxed);
        let is_cut = self.client.connection_state() != State::Connected;
        let was_cut = is_cut || connects != self.connects;
        if was_cut && !self.is_cut {
            self.shared.tell(NatsEvent::Disconnected);
        }
        self.is_cut |= was_cut;
        if self.is_cut && !is_cut {
            (self.is_cut, self.is_restored) = (false, true);
            self.shared.change(|report| report.reconnects = report.reconnects.saturating_add(1));
            self.shared.tell(NatsEvent::Reconnected);
        }
        self.connects = connects;
        if self.is_cut {
            // Nobody tells when it is there again.
            while self.look.poll_tick(context).is_ready() {}
        }
    }

    /// Takes what the client has, up to the limits. Whether the subscription has ended.
    fn take(&mut self, context: &mut Context<'_>) -> bool {
        let mut dropped: u64 = 0;
        let mut ended = false;
        for count in 0..MOST_TAKEN {
            match Pin::new(&mut self.subscriber).poll_next(context) {
                Poll::Pending => break,
                Poll::Ready(None) => {
                    ended = true;
                    break;
                }
                Poll::Ready(Some(message)) => {
                    let bytes = self.queued_bytes.saturating_add(message.payload.len());
                    if self.queue.len() >= self.limits.messages || bytes > self.limits.bytes {
                        dropped = dropped.saturating_add(1);
                    } else {
                        self.queued_bytes = bytes;
                        self.queue.push_back(message);
                    }
                }
            }
            if count.saturating_add(1) == MOST_TAKEN {
                context.waker().wake_by_ref();
            }
        }
        self.note_queue(dropped);
        ended
    }

    fn note_queue(&self, newly_dropped: u64) {
        let (queued, bytes) = (self.queue.len(), self.queued_bytes);
        let mut dropped = 0;
        self.shared.change(|report| {
            (report.queued, report.queued_bytes) = (queued, bytes);
            report.max_queued = report.max_queued.max(queued);
            report.max_queued_bytes = report.max_queued_bytes.max(bytes);
            report.dropped = report.dropped.saturating_add(newly_dropped);
            dropped = report.dropped;
        });
        if newly_dropped > 0 {
            self.shared.tell(NatsEvent::SlowConsumer { dropped });
        }
    }

    /// From whom a message is.
    fn sender(&mut self, message: &Message) -> Option<PeerAddress> {
        if self.peer.is_some() {
            return self.peer.clone();
        }
        let reply = message.reply.as_ref()?;
        match &self.from {
            Some((known, address)) if known == reply => Some(address.clone()),
            _ => {
                let address = PeerAddress::Subject(reply.as_str().into());
                self.from = Some((reply.clone(), address.clone()));
                Some(address)
            }
        }
    }

    fn subject(&mut self, subject: &Arc<str>) -> Subject {
        match &self.to {
            Some((known, translated)) if known == subject => translated.clone(),
            _ => {
                let translated = Subject::from(String::from(&**subject));
                self.to = Some((Arc::clone(subject), translated.clone()));
                translated
            }
        }
    }

    /// Gives a whole batch to the client. It waits where the client has no room.
    fn publish(&mut self, batch: &mut Batch) -> Option<Publishing> {
        let PeerAddress::Subject(to) = batch.to().clone() else {
            batch.advance(usize::MAX);
            return None;
        };
        let to = self.subject(&to);
        let mut datagrams = Vec::with_capacity(batch.len());
        while let Some(datagram) = batch.first() {
            datagrams.push(Bytes::copy_from_slice(datagram));
            batch.advance(1);
        }
        if self.is_cut {
            // What the client would keep until it is connected again is old by then.
            let unsent = datagrams.len() as u64;
            self.shared.change(|report| report.unsent = report.unsent.saturating_add(unsent));
            return None;
        }
        let (client, own) = (self.client.clone(), self.own.clone());
        Some(Box::pin(async move {
            let (mut unsent, mut is_closed): (u64, bool) = (0, false);
            for datagram in datagrams {
                if let Err(error) = client.publish_with_reply(to.clone(), own.clone(), datagram).await {
                    unsent = unsent.saturating_add(1);
                    is_closed |= error.kind() == async_nats::client::PublishErrorKind::Send;
                }
            }
            (unsent, is_closed)
        }))
    }
}

impl Transport for NatsTransport {
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        deliver: &mut dyn FnMut(&PeerAddress, &[u8]),
    ) -> Poll<io::Result<()>> {
        self.watch_connection(context);
        let ended = self.take(context);
        let (mut delivered, mut bytes): (u64, u64) = (0, 0);
        for _ in 0..MOST_DELIVERED {
            let Some(message) = self.queue.pop_front() else { break };
            self.queued_bytes = self.queued_bytes.saturating_sub(message.payload.len());
            delivered = delivered.saturating_add(1);
            bytes = bytes.saturating_add(message.payload.len() as u64);
            // Without a reply subject nobody could be answered.
            if let Some(from) = self.sender(&message) {
                deliver(&from, &message.payload);
            }
        }
        if delivered > 0 {
            self.shared.change(|report| {
                report.delivered = report.delivered.saturating_add(delivered);
                report.delivered_bytes = report.delivered_bytes.saturating_add(bytes);
            });
            self.note_queue(0);
            return Poll::Ready(Ok(()));
        }
        if ended {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::NotConnected, "the subscription has ended")));
        }
        Poll::Pending
    }

    fn poll_send(&mut self, context: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        loop {
            if let Some(publishing) = &mut self.publishing {
                let Poll::Ready((unsent, is_closed)) = publishing.as_mut().poll(context) else { return Poll::Pending };
                self.publishing = None;
                self.shared.change(|report| report.unsent = report.unsent.saturating_add(unsent));
                if is_closed {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::NotConnected, "the client is closed")));
                }
            }
            if batch.is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.publishing = self.publish(batch);
        }
    }

    fn is_restored(&mut self) -> bool {
        core::mem::take(&mut self.is_restored)
    }
}

impl fmt::Debug for NatsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsTransport")
            .field("own", &self.own)
            .field("peer", &self.peer)
            .field("is_cut", &self.is_cut)
            .finish_non_exhaustive()
    }
}
