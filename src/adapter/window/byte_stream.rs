//! A session as a stream of bytes.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Session;
use crate::sliding_window::{FlushMark, SlidingWindow};

/// A session as a stream of bytes in both directions: what was written is read in any other portions.
///
/// Bytes that were written leave at once, so `flush` has nothing to do. `shutdown` finishes our side and waits until the peer has
/// acknowledged everything. Dropping it is dropping a handle of the [`Session`].
#[derive(Debug)]
pub struct ByteStream {
    session: Session,
    /// Everything before this was written when our side was finished.
    finished: Option<FlushMark>,
}

impl ByteStream {
    pub(super) const fn new(session: Session) -> Self {
        Self { session, finished: None }
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let unfilled = buffer.initialize_unfilled();
        let read = self.session.poll_read(context, unfilled);
        read.map_ok(|len| buffer.advance(len))
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.session.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.finished.is_none() {
            this.finished = this.session.with(SlidingWindow::flush);
            this.session.finish();
        }
        let mark = this.finished;
        let flushed = this.session.owner().poll_watch(context, |desk| (desk.flushed >= mark).then_some(()));
        flushed.map(|result| result.or_else(super::Closed::orderly_or_err).map_err(io::Error::from))
    }
}
