//! The handles that send, close and look.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread::JoinHandle;

use bytes::Bytes;

use super::super::lock::lock;
use super::super::{Closed, DEFAULT_SEND_TIMEOUT};
use super::sender::Sender;
use super::shared::Shared;
use crate::connection::{SendError, SendRefusal, Status};
use crate::time::Instant;
use crate::wire::{AnyCodec, Codec};

/// A connection on two threads: sends, closes, and tells how it is doing. Cheap to clone.
///
/// The connection lives as long as one handle does: this one, a [`Sender`] or [`Messages`](super::Messages), or one of their
/// clones. When the last one is dropped, what was accepted is still sent, for at most [`DEFAULT_SEND_TIMEOUT`], and then the
/// connection closes.
#[derive(Clone, Debug)]
pub struct Connection<C: Codec = AnyCodec> {
    owner: Arc<Owner<C>>,
}

/// What all handles of a connection own together. With the last one the connection ends.
#[derive(Debug)]
pub(super) struct Owner<C: Codec> {
    pub(super) shared: Arc<Shared<C>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<C: Codec> Owner<C> {
    pub(super) const fn new(shared: Arc<Shared<C>>) -> Self {
        Self { shared, threads: Mutex::new(Vec::new()) }
    }

    pub(super) fn add_thread(&self, thread: JoinHandle<()>) {
        lock(&self.threads).push(thread);
    }
}

impl<C: Codec> Drop for Owner<C> {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        let mut core = self.shared.lock();
        // A flush that has a deadline keeps it.
        if core.flush_deadline.is_none() {
            core.close_after_flush(now, Some(now + DEFAULT_SEND_TIMEOUT));
        }
        self.shared.unlock(core);
    }
}

impl<C: Codec> Connection<C> {
    pub(super) const fn new(owner: Arc<Owner<C>>) -> Self {
        Self { owner }
    }

    /// Queues a message on `channel`; waits while its queue is full.
    ///
    /// "Sent" means queued: neither written nor delivered. Messages of one channel arrive in the order in which they were
    /// queued.
    ///
    /// # Errors
    /// [`SendError`] gives the message back: the connection is closing or closed, there is no such channel, or the message
    /// is too large for it. A connection that ends ends the waiting too.
    pub fn send(&self, channel: u8, message: Bytes) -> Result<(), SendError> {
        self.send_until(channel, message, None)
    }

    /// As [`Connection::send`], but waits no longer than `timeout`. Go waits for [`DEFAULT_SEND_TIMEOUT`].
    ///
    /// # Errors
    /// As [`Connection::send`]; and with [`SendRefusal::Full`] when there was no room in time.
    pub fn send_timeout(&self, channel: u8, message: Bytes, timeout: Duration) -> Result<(), SendError> {
        let until = self.owner.shared.clock.now() + timeout;
        self.send_until(channel, message, Some(until))
    }

    /// As [`Connection::send`], but does not wait.
    ///
    /// # Errors
    /// As [`Connection::send`]; and with [`SendRefusal::Full`] when there is no room.
    pub fn try_send(&self, channel: u8, message: Bytes) -> Result<(), SendError> {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        let sent = core.machine.try_send(channel, message);
        shared.unlock(core);
        sent
    }

    /// Queues all of `messages` on `channel`, front first, taking out each that was accepted; waits while the queue is full.
    /// Many small messages at once cost a fraction of as many single sends.
    ///
    /// # Errors
    /// Why the message that is now in front can not be sent.
    pub fn send_many(&self, channel: u8, messages: &mut VecDeque<Bytes>) -> Result<(), SendRefusal> {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        while let Some(message) = messages.pop_front() {
            let Err(error) = core.machine.try_send(channel, message) else { continue };
            messages.push_front(error.message);
            if !matches!(error.refusal, SendRefusal::Full { .. }) {
                shared.unlock(core);
                return Err(error.refusal);
            }
            shared.settle(&mut core);
            core = shared.sleep_for_room(core, channel, None);
        }
        shared.unlock(core);
        Ok(())
    }

    fn send_until(&self, channel: u8, mut message: Bytes, until: Option<Instant>) -> Result<(), SendError> {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        loop {
            let error = match core.machine.try_send(channel, message) {
                Ok(()) => {
                    shared.unlock(core);
                    return Ok(());
                }
                Err(error) => error,
            };
            let left = until.map(|until| until - shared.clock.now());
            if !matches!(error.refusal, SendRefusal::Full { .. }) || left == Some(Duration::ZERO) {
                return Err(error);
            }
            message = error.message;
            core = shared.sleep_for_room(core, channel, left);
        }
    }

    /// Whether a message of one byte would be accepted on this channel now.
    #[must_use]
    pub fn can_send(&self, channel: u8) -> bool {
        self.owner.shared.lock().machine.can_send(channel)
    }

    /// A sender on one channel; `None` when the connection has no such channel.
    #[must_use]
    pub fn sender(&self, channel: u8) -> Option<Sender<C>> {
        let shared = &self.owner.shared;
        let known = shared.lock().machine.channel_status(Instant::ZERO, channel).is_some();
        known.then(|| Sender::new(self.clone(), channel))
    }

    /// Closes at once: what waits to be sent is dropped, and the transport is shut down.
    pub fn close(&self) {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        core.abort(shared.clock.now());
        shared.unlock(core);
    }

    /// Accepts nothing more, writes what was accepted, ends the sending side, and closes when the peer has closed its side
    /// too.
    ///
    /// All of this within `deadline`; what is not done by then is dropped. Without one, writing may take as long as the
    /// peer lives, and its end is awaited for a second.
    pub fn close_after_flush(&self, deadline: Option<Duration>) {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        let now = shared.clock.now();
        let deadline = deadline.map(|deadline| now + deadline);
        core.close_after_flush(now, deadline);
        shared.unlock(core);
        // Who waits for room waits in vain.
        shared.wake_all_senders();
    }

    /// Whether the connection has ended. Its threads may still write the last bytes of a flush, and messages may still wait
    /// to be taken.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.owner.shared.lock().has_ended()
    }

    /// Waits until the connection has ended and both threads are gone; tells why it ended.
    ///
    /// This waits for an end, it does not cause one.
    #[must_use]
    pub fn join(&self) -> Closed {
        loop {
            if let Some(closed) = self.owner.shared.wait_closed(None) {
                for thread in lock(&self.owner.threads).drain(..) {
                    // A panic of the thread has ended the connection, which is how it is reported.
                    let _ = thread.join();
                }
                return closed;
            }
        }
    }

    /// As [`Connection::join`], but waits no longer than `timeout`, and not for the last instructions of the threads.
    #[must_use]
    pub fn wait_closed(&self, timeout: Duration) -> Option<Closed> {
        self.owner.shared.wait_closed(Some(timeout))
    }

    /// How the connection is doing. Looking changes nothing.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &self.owner.shared;
        shared.lock().machine.status(shared.clock.now())
    }

    /// Changes the limit on what is sent, in bytes per second; `None` lifts it. See
    /// [`MConnState::set_send_rate`](crate::connection::MConnState::set_send_rate).
    pub fn set_send_rate(&self, rate: Option<u64>) {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        core.machine.set_send_rate(shared.clock.now(), rate);
        shared.unlock(core);
    }

    /// Changes the limit on what is received, in bytes per second; `None` lifts it. See
    /// [`MConnState::set_recv_rate`](crate::connection::MConnState::set_recv_rate).
    pub fn set_recv_rate(&self, rate: Option<u64>) {
        let shared = &self.owner.shared;
        let mut core = shared.lock();
        core.machine.set_recv_rate(shared.clock.now(), rate);
        shared.wake_reader(&mut core);
        shared.unlock(core);
    }

    /// Our address, where the transport is a TCP stream.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.owner.shared.addresses.local
    }

    /// The address of the peer, where the transport is a TCP stream.
    #[must_use]
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.owner.shared.addresses.remote
    }
}
