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
    /// Our tag and the peer's in the session that was cut.
    pub(crate) tags: (u64, u64),
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
    pub(crate) max_datagram: usize,
}
