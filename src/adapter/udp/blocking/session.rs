//! The handle of a session, for threads.

use core::future::poll_fn;
use core::time::Duration;
use std::io;

use bytes::Bytes;

use super::wait::{wait, wait_for};
use crate::adapter::window::{self, Closed, Fate, Message};
use crate::sliding_window::{MessageId, SendError, SendOptions};

/// A session whose calls wait. Cheap to clone; all clones are the same session, also in [`Read`](io::Read) and
/// [`Write`](io::Write), which take it as a stream of bytes.
#[derive(Clone, Debug)]
pub struct Session {
    inner: window::Session,
}

impl Session {
    pub(super) const fn new(inner: window::Session) -> Self {
        Self { inner }
    }

    /// The handle with everything that does not wait: `try_send`, `try_recv`, `status`, `abort` and the rest.
    #[must_use]
    pub const fn handle(&self) -> &window::Session {
        &self.inner
    }

    /// Waits until the session is open.
    ///
    /// # Errors
    /// Why it will not be.
    pub fn connected(&self) -> Result<(), Closed> {
        wait(self.inner.connected())
    }

    /// Sends a message, as soon as there is room for it.
    ///
    /// # Errors
    /// [`SendError`] gives the message back.
    pub fn send(&self, message: Bytes, options: &SendOptions) -> Result<MessageId, SendError> {
        wait(self.inner.send(message, options))
    }

    /// Sends a message, and waits until the peer's *application* has taken it. `Err` when the session has ended before.
    ///
    /// # Errors
    /// The message was not accepted, or the session has ended: as an error of I/O.
    pub fn send_and_wait(&self, message: Bytes, options: &SendOptions) -> io::Result<Fate> {
        let refused = |error: SendError| io::Error::new(io::ErrorKind::BrokenPipe, error.refusal);
        let receipt = wait(self.inner.send_with_receipt(message, options)).map_err(refused)?;
        Ok(wait(receipt)?)
    }

    /// The next message of the peer; `None` when no more comes.
    #[must_use]
    pub fn recv(&self) -> Option<Message> {
        wait(self.inner.recv())
    }

    /// The same, but not for longer than `timeout`: `None` then too.
    #[must_use]
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Message> {
        wait_for(self.inner.recv(), timeout)?
    }

    /// The messages of the peer, until no more comes.
    pub fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        core::iter::from_fn(|| self.recv())
    }

    /// Waits until everything that was accepted so far is acknowledged by the peer, or has expired.
    ///
    /// # Errors
    /// The session has ended before.
    pub fn flush(&self) -> Result<(), Closed> {
        wait(self.inner.flush())
    }

    /// Finishes our side after what was accepted.
    pub fn finish(&self) {
        self.inner.finish();
    }

    /// Finishes our side after what was accepted, takes what the peer still sends, then ends the session.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Waits until the session has ended, and tells why. What has arrived must be taken first.
    #[must_use]
    pub fn closed(&self) -> Closed {
        wait(self.inner.closed())
    }

    /// The same, but not for longer than `timeout`.
    #[must_use]
    pub fn closed_timeout(&self, timeout: Duration) -> Option<Closed> {
        wait_for(self.inner.closed(), timeout)
    }
}

impl io::Read for Session {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(poll_fn(|context| self.inner.poll_read(context, buffer)))
    }
}

impl io::Write for Session {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wait(poll_fn(|context| self.inner.poll_write(context, bytes)))
    }

    /// Nothing to do: bytes leave at once. [`Session::flush`] waits until the peer has them.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
