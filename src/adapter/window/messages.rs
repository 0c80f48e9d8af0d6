//! The messages of the peer as a stream.

use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::{Message, Session};

/// The messages of the peer as a stream, which ends when no more comes.
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Messages {
    session: Session,
    ended: bool,
}

impl Session {
    /// The messages of the peer as a stream.
    pub fn messages(&self) -> Messages {
        Messages { session: self.clone(), ended: false }
    }

    /// The session as a stream of bytes in both directions, without boundaries of messages.
    #[must_use]
    pub fn byte_stream(&self) -> super::ByteStream {
        super::ByteStream::new(self.clone())
    }
}

impl Stream for Messages {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let next = this.session.poll_recv(context);
        this.ended = matches!(next, Poll::Ready(None));
        next
    }
}

impl FusedStream for Messages {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}
