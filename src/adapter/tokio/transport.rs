//! The stream, and the bytes between it and the machine.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::io;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::write_size::WriteSize;
use crate::adapter::read_size::ReadSize;

/// A stream that is read in large pieces and written in large batches.
#[derive(Debug)]
pub(super) struct Transport<S> {
    stream: S,
    /// Bytes that were read and not consumed yet.
    pub(super) inbound: BytesMut,
    read_size: ReadSize,
    /// Whether the peer has closed its side.
    pub(super) end: bool,
    can_read: bool,
    outbound: BytesMut,
    /// How many bytes of `outbound` were written.
    written: usize,
    write_size: WriteSize,
    can_write: bool,
    /// Whether bytes were written since the last flush.
    unflushed: bool,
    /// The first error.
    pub(super) failure: Option<io::Error>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport<S> {
    /// For packets of ours of at most so many bytes.
    pub(super) fn new(stream: S, largest_packet: usize) -> Self {
        Self {
            stream,
            inbound: BytesMut::new(),
            read_size: ReadSize::new(),
            end: false,
            can_read: true,
            outbound: BytesMut::new(),
            written: 0,
            write_size: WriteSize::new(largest_packet),
            can_write: true,
            unflushed: false,
            failure: None,
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
    }

    /// Whether all output was written, so that the next batch can be made.
    pub(super) fn is_drained(&self) -> bool {
        self.outbound.is_empty()
    }

    /// Where to put the next batch of output, and how large it may be; `None` while the last one is not written.
    pub(super) fn next_batch(&mut self) -> Option<(&mut BytesMut, usize)> {
        (self.can_write && self.is_drained()).then_some((&mut self.outbound, self.write_size.get()))
    }

    /// Writes what the stream takes. Returns whether it took any; errors go to `failure`.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.written;
        while self.can_write && !self.is_drained() {
            let rest = self.outbound.get(self.written..).unwrap_or_default();
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Pending => {
                    self.write_size.stalled();
                    return self.written > before;
                }
                Poll::Ready(Ok(0)) => self.fail_write(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.unflushed = true;
                    self.written = self.written.saturating_add(count);
                    self.write_size.took(count);
                    if self.written >= self.outbound.len() {
                        self.write_size.finished(self.written);
                        self.written = 0;
                        self.outbound.clear();
                        _ = self.poll_flush(context);
                        return true;
                    }
                }
                Poll::Ready(Err(error)) => self.fail_write(error),
            }
        }
        if self.unflushed {
            _ = self.poll_flush(context);
        }
        false
    }

    /// Pushes on what the stream itself buffers.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.unflushed && self.can_write {
            match Pin::new(&mut self.stream).poll_flush(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.fail_write(error),
            }
        }
        self.unflushed = false;
        Poll::Ready(())
    }

    fn fail_write(&mut self, error: io::Error) {
        self.fail(error);
        self.can_write = false;
        self.written = 0;
        self.outbound.clear();
    }

    pub(super) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    /// Reads at most `max` bytes, and no more than is good for one system call. Returns whether anything happened: bytes
    /// came, or the end, or an error.
    pub(super) fn poll_read(&mut self, max: usize, context: &mut Context<'_>) -> bool {
        let size = self.read_size.get();
        // A packet that does not fit into one read needs more than one.
        let room = size.saturating_sub(self.inbound.len()).max(size >> 2).min(max);
        if !self.can_read || room == 0 {
            return false;
        }
        self.inbound.reserve(room);
        let mut buffer = (&mut self.inbound).limit(room);
        match pin!(self.stream.read_buf(&mut buffer)).poll(context) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => {
                self.end = true;
                self.can_read = false;
            }
            Poll::Ready(Ok(count)) => self.read_size.read(count),
            Poll::Ready(Err(error)) => {
                self.fail(error);
                self.can_read = false;
            }
        }
        true
    }

    /// Whether so much waits to be consumed that it is better not to read on.
    pub(super) fn has_plenty(&self) -> bool {
        self.inbound.len() >= self.read_size.get() >> 1
    }

    /// Reads and throws away. Ready at the end of the stream, or when it fails.
    pub(super) fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // A peer that sends faster than this reads must not keep the task for itself.
        for _ in 0..16 {
            self.inbound.clear();
            if !self.poll_read(usize::MAX, context) {
                return if self.can_read { Poll::Pending } else { Poll::Ready(()) };
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets go of the stream.
    pub(super) fn close(self) -> Option<io::Error> {
        self.failure
    }

    /// The stream, and what was read and not consumed.
    #[cfg(feature = "peer")]
    pub(super) fn into_parts(self) -> (S, BytesMut) {
        (self.stream, self.inbound)
    }

    /// Lets go of buffers that nobody needs just now.
    pub(super) fn release_idle_buffers(&mut self) {
        if self.inbound.is_empty() {
            self.inbound = BytesMut::new();
        }
        if self.outbound.is_empty() {
            self.outbound = BytesMut::new();
        }
    }
}
