//! The handle of a whole connection.

use core::net::SocketAddr;
use core::time::Duration;

use super::Sender;
use super::shared::Handle;
use crate::adapter::Closed;
use crate::connection::Status;
use crate::wire::{AnyCodec, Codec};

/// A connection: makes senders, closes, tells how it is doing. Cheap to clone.
///
/// The connection lives as long as one handle does: this one, a [`Sender`] or [`Messages`](super::Messages), or one of their
/// clones. When the last one is dropped, what was accepted is still sent, for at most
/// [`DEFAULT_SEND_TIMEOUT`](crate::adapter::DEFAULT_SEND_TIMEOUT), and then the connection closes.
#[derive(Clone, Debug)]
pub struct Connection<C: Codec = AnyCodec> {
    handle: Handle<C>,
}

impl<C: Codec> Connection<C> {
    pub(super) const fn new(handle: Handle<C>) -> Self {
        Self { handle }
    }

    /// A sender on one channel; `None` when the connection has no such channel.
    #[must_use]
    pub fn sender(&self, channel: u8) -> Option<Sender<C>> {
        self.handle.channels.contains(&channel).then(|| Sender::new(self.handle.clone(), channel))
    }

    /// Closes now. What waits to be sent is dropped; what was received before can still be read.
    pub fn close(&self) {
        self.handle.with_wakers(|core, now, wakers| core.close(now, wakers));
    }

    /// Refuses new messages, sends what was accepted, then closes; [`closed`](Connection::closed) tells when. Reading, pings
    /// and limits go on meanwhile.
    ///
    /// After `deadline` the rest is given up. Without one it takes as long as the peer takes to read, as long as the peer
    /// shows life.
    pub fn close_after_flush(&self, deadline: Option<Duration>) {
        self.handle.with_wakers(|core, now, wakers| {
            core.close_after_flush(now, deadline.map(|deadline| now + deadline), wakers);
        });
    }

    /// Waits until the connection has ended and the transport is let go. Tells why, as often as it is asked. Cancel-safe.
    ///
    /// It is the [`Driver`](super::Driver) that ends a connection: this waits for ever if it is neither run nor dropped.
    pub async fn closed(&self) -> Closed {
        self.handle.wait_until_closed().await
    }

    /// Why the connection has ended; `None` while it has not.
    #[must_use]
    pub fn close_reason(&self) -> Option<Closed> {
        self.handle.closed().cloned()
    }

    /// How the connection is doing. Looking changes nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        let now = self.handle.clock.now();
        self.handle.lock().machine.status(now)
    }

    /// Changes the limit on what is sent, in bytes per second; `None` lifts it.
    pub fn set_send_rate(&self, rate: Option<u64>) {
        self.handle.tell_driver(|core, now| core.machine.set_send_rate(now, rate));
    }

    /// Changes the limit on what is received, in bytes per second; `None` lifts it.
    pub fn set_recv_rate(&self, rate: Option<u64>) {
        self.handle.tell_driver(|core, now| core.machine.set_recv_rate(now, rate));
    }

    /// Our address, where the stream has one.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.handle.addresses.local
    }

    /// The address of the peer, where the stream has one.
    #[must_use]
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.handle.addresses.remote
    }
}
