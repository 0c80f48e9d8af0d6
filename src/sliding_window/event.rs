//! What goes into the machine and what comes out.

use alloc::string::String;

use bytes::Bytes;

use super::error::CloseReason;
use super::sender::{Class, MessageId};

/// What can happen to a session from outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The transport has delivered a datagram.
    Datagram(&'a [u8]),
    /// Finish our side after what was accepted, take what the peer still sends, then end.
    Close,
    /// End now: what waits is dropped, and the peer is told once. That may be lost: see [`Farewell`](super::Farewell).
    Abort {
        /// A number for the peer's program; less than 2^60, and a larger one becomes the largest.
        code: u64,
        /// A text for a person; at most 255 bytes of it are sent, or what the smallest datagrams have room for.
        text: &'a str,
    },
    /// The transport can carry nothing more.
    TransportFailed,
}

/// What a session tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer has answered: the session is open both ways.
    Connected,
    /// A complete message of the peer ([`Delivery::Events`](super::Delivery::Events)). It owns its bytes.
    Message {
        /// How it was delivered.
        class: Class,
        /// Its bytes; possibly none.
        payload: Bytes,
    },
    /// Something can be read ([`Delivery::Pull`](super::Delivery::Pull)). It comes once; read until nothing is left.
    Readable,
    /// The peer's *application* has taken this message, for which a receipt was asked.
    Receipt(MessageId),
    /// Everything that was accepted before this mark is acknowledged by the peer (or has expired).
    Flushed(FlushMark),
    /// The queue has room again after a refusal.
    Writable,
    /// This message expired before the peer had all of it; the peer does not deliver it.
    Expired(MessageId),
    /// The peer has finished its side: nothing comes after what was delivered.
    PeerFinished,
    /// The session has ended. This is the last event.
    Closed(CloseReason),
}

/// A place in the queue of what was accepted: everything before it, nothing after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlushMark(pub(crate) u64);

impl FlushMark {
    /// Messages that were accepted before the mark.
    #[must_use]
    pub const fn messages(self) -> u64 {
        self.0
    }
}

/// The name of a deadline of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// A step of the handshake was not answered.
    Handshake,
    /// A packet is taken for lost, or the peer is asked whether it is there.
    Recovery,
    /// An acknowledgement can not wait any longer.
    Ack,
    /// The pacer lets the next packet go.
    Pace,
    /// Nothing was heard or said for long: time to ask.
    Keepalive,
    /// The peer has been silent for too long.
    Idle,
    /// The peer has given no credit for too long.
    ZeroWindow,
    /// A message is no longer worth sending.
    Expiry,
    /// Closing takes too long.
    Close,
    /// The peer's last packets need no more answers.
    Linger,
}

/// What was told once and is not told again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// That something can be read, and not all of it was read since.
    pub(crate) readable: bool,
    pub(crate) peer_finished: bool,
}

impl Told {
    /// All there was has been read: what comes next is told again.
    pub(crate) const fn read_all(&mut self) {
        self.readable = false;
    }
}

/// The reason that an abort carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AbortReason {
    pub(crate) code: u64,
    pub(crate) text: String,
}

impl AbortReason {
    /// The most bytes of text in an abort.
    pub(crate) const MAX_TEXT: usize = 255;

    /// Cuts the text to what can be sent, at a boundary of characters.
    pub(crate) fn new(code: u64, text: &str) -> Self {
        Self { code, text: String::from(within(text, Self::MAX_TEXT)) }
    }

    /// As much of the text as so many bytes hold.
    pub(crate) fn text_within(&self, most: usize) -> &str {
        within(&self.text, most)
    }
}

/// The beginning of a text, of at most so many bytes.
fn within(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}
