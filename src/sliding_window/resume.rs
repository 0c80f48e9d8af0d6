//! Going on after a cut: what is kept of a session, and what the handshake tells of it.
//!
//! The original meant this with its `SynAckAck` (the next expected sequence and the list of missing ones), but never sent one
//! (`tcp.go` of go-sliding-window @ 7d8aad3).

use super::receiver::Receiver;
use super::sender::Sender;

/// What is left of a session that was cut: messages on their way in both directions, and where they stand.
///
/// It belongs to one peer: each side of the old session has its own, and a new session joins them
/// ([`SlidingWindow::connect_resumed`](super::SlidingWindow::connect_resumed) and
/// [`listen_resumed`](super::SlidingWindow::listen_resumed)).
#[derive(Clone, Debug)]
pub struct Resumable {
    pub(crate) name: Name,
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

/// Our tag and the peer's in a session.
pub(crate) type Tags = (u64, u64);

/// By what both ends know the session that was cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    /// The tags of the latest session.
    tags: Tags,
    /// Those of the session before. Who calls knows first that a resumed session is open: if that is cut before the peer has
    /// shown that it knows too, the peer may still wait for the session before.
    before: Option<Tags>,
    /// The size of the datagrams that it was cut into.
    pub(crate) max_datagram: usize,
}

impl Name {
    /// Of a session that is open, whatever it goes on with.
    pub(crate) const fn new(tags: Tags, before: Option<Tags>, max_datagram: usize) -> Self {
        Self { tags, before, max_datagram }
    }

    /// The peer has shown that it knows the latest session.
    pub(crate) const fn settle(&mut self) {
        self.before = None;
    }

    /// What to call for in an attempt, counted from 1: one after the other, if there are two.
    pub(crate) const fn called(&self, attempt: u32) -> Tags {
        match self.before {
            Some(before) if attempt & 1 == 0 => before,
            _ => self.tags,
        }
    }

    /// Whether it is known by these tags.
    pub(crate) fn is(&self, tags: Tags) -> bool {
        self.tags == tags || self.before == Some(tags)
    }
}
