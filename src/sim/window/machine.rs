//! The session that an endpoint drives, or one that a test has broken.

use core::task::Poll;

use bytes::{Bytes, BytesMut};

use crate::machine::Machine;
use crate::sliding_window::{
    Class, Event, FlushMark, Input, MessageId, SendError, SendOptions, SendRefusal, SlidingWindow, Status, Timer,
};
use crate::time::Instant;

/// What a [`WindowEndpoint`](super::WindowEndpoint) drives: a [`SlidingWindow`], or something around one.
///
/// All methods but two are those of the session inside. Who wants to see whether the oracles find a fault replaces one of them
/// with one that has it.
pub trait WindowMachine {
    /// The session inside.
    fn session(&self) -> &SlidingWindow;
    /// The same, to change it.
    fn session_mut(&mut self) -> &mut SlidingWindow;

    /// See [`Machine::handle`].
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        Machine::handle(self.session_mut(), now, input);
    }
    /// See [`Machine::handle_timeout`].
    fn handle_timeout(&mut self, now: Instant) {
        Machine::handle_timeout(self.session_mut(), now);
    }
    /// See [`Machine::poll_event`].
    fn poll_event(&mut self, _now: Instant) -> Option<Event> {
        Machine::poll_event(self.session_mut())
    }
    /// See [`Machine::poll_timeout`].
    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        Machine::poll_timeout(self.session())
    }
    /// Appends the next datagram to `into`, which is empty; whether there was one. See [`SlidingWindow::transmit_into`].
    fn transmit(&mut self, now: Instant, into: &mut BytesMut) -> bool {
        let session = self.session_mut();
        into.resize(session.max_datagram(), 0);
        let len = session.transmit_into(now, into);
        into.truncate(len);
        len > 0
    }
    /// See [`SlidingWindow::try_send`].
    ///
    /// # Errors
    /// Those of the session.
    fn try_send(&mut self, now: Instant, message: Bytes, options: &SendOptions) -> Result<MessageId, SendError> {
        self.session_mut().try_send(now, message, options)
    }
    /// See [`SlidingWindow::write`].
    ///
    /// # Errors
    /// Those of the session.
    fn write(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, SendRefusal> {
        self.session_mut().write(now, bytes)
    }
    /// See [`SlidingWindow::receive`].
    fn receive(&mut self, now: Instant) -> Option<(Class, Bytes)> {
        self.session_mut().receive(now)
    }
    /// See [`SlidingWindow::receive_with`].
    fn receive_with<R>(&mut self, now: Instant, take: impl FnOnce(Class, &[u8]) -> R) -> Option<R> {
        self.session_mut().receive_with(now, take)
    }
    /// See [`SlidingWindow::read`].
    fn read(&mut self, now: Instant, buffer: &mut [u8]) -> Poll<usize> {
        self.session_mut().read(now, buffer)
    }
    /// See [`SlidingWindow::flush`].
    fn flush(&mut self, now: Instant) -> FlushMark {
        self.session_mut().flush(now)
    }
    /// See [`SlidingWindow::finish`].
    fn finish(&mut self, now: Instant) {
        self.session_mut().finish(now);
    }
    /// See [`SlidingWindow::status`].
    fn status(&self, now: Instant) -> Status {
        self.session().status(now)
    }
}

impl WindowMachine for SlidingWindow {
    fn session(&self) -> &SlidingWindow {
        self
    }
    fn session_mut(&mut self) -> &mut SlidingWindow {
        self
    }
}
