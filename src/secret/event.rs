//! What goes into a handshake and what comes out.

use bytes::BytesMut;

use super::connection::SecretConnection;
use super::error::HandshakeError;

/// What can happen to a handshake from outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// The transport has delivered bytes.
    ///
    /// The handshake consumes its own messages from the front of `buf`, whole ones, and leaves the rest there: an incomplete
    /// one, or the first frames that follow. The driver appends what comes next behind it.
    Received {
        /// All bytes that were received and not consumed yet.
        buf: &'a mut BytesMut,
        /// Whether nothing can come after these bytes: the peer has closed its side.
        end: bool,
    },
    /// Give up.
    Close,
    /// The transport can carry no more bytes: a read or a write failed.
    TransportFailed,
}

/// How a handshake ends. There is one event, the last one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer has proven who it is, and all output of the handshake was taken.
    Established(SecretConnection),
    /// The handshake has failed.
    Closed(HandshakeError),
}

/// The name of a deadline of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// The handshake has to be done.
    Handshake,
}
