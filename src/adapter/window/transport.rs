//! What carries datagrams.

use core::task::{Context, Poll};
use std::io;

use super::{Batch, PeerAddress};

/// Something that carries datagrams, perhaps not all of them, and not in order.
///
/// It is polled by a driver. What it can not send it may drop: that is what the window is for. An error ends all
/// sessions, so it is for a transport that can carry nothing more.
pub trait Transport {
    /// Takes what has come, at least one datagram and not many more than a hundred, and hands each to `deliver`. Pending when
    /// nothing is there; then the task is woken when something is.
    ///
    /// # Errors
    /// Nothing can come any more.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        deliver: &mut dyn FnMut(&PeerAddress, &[u8]),
    ) -> Poll<io::Result<()>>;

    /// Sends the datagrams of the batch, and [takes](Batch::advance) those that were sent or dropped. Pending when some are
    /// left; then the task is woken when more can go.
    ///
    /// # Errors
    /// Nothing can be sent any more.
    fn poll_send(&mut self, context: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>>;

    /// Whether the path was cut and is whole again since this was asked last: then all peers are asked at once whether they are
    /// there.
    fn is_restored(&mut self) -> bool {
        false
    }
}
