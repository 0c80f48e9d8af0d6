//! What goes into the machine and what comes out.

use bytes::{Bytes, BytesMut};

use super::error::CloseReason;
use crate::time::Instant;
use crate::timer::TimerName;

/// What can happen to a connection from outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// The transport has delivered bytes.
    ///
    /// The machine consumes whole packets from the front of `buf` and leaves the rest there: an incomplete packet, or what
    /// it can not take now. The driver appends what comes next behind it.
    Received {
        /// All bytes that were received and not consumed yet.
        buf: &'a mut BytesMut,
        /// Whether nothing can come after these bytes: the peer has closed its side.
        end: bool,
    },
    /// Close now: what waits to be sent is dropped.
    Close,
    /// Refuse new messages, send what waits, then close. Reading, pings and limits go on.
    CloseAfterFlush {
        /// When to give up and close at once.
        deadline: Option<Instant>,
    },
    /// The transport can carry no more bytes: a read or a write failed.
    TransportFailed,
}

/// What a connection tells its user. `Ending` is why it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<Ending = CloseReason> {
    /// A complete message of the peer. It owns its bytes and pins nothing else.
    Message {
        /// The channel it came on.
        channel: u8,
        /// Its bytes; possibly none.
        payload: Bytes,
    },
    /// The connection has ended. This is the last event.
    Closed(Ending),
}

/// The name of a deadline of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// A ping is due.
    Ping,
    /// The peer has shown no life for too long after a ping.
    PongTimeout,
    /// While the inbox is full: time for a pong to the ping that we can not see.
    PausedPong,
    /// Throttled output may leave.
    Flush,
    /// The send limiter allows output again.
    SendRate,
    /// The receive limiter allows input again.
    RecvRate,
    /// A message of the peer has been incomplete for too long.
    MessageTimeout,
    /// Closing after flush takes too long.
    CloseDeadline,
}

impl TimerName for Timer {
    const ALL: &'static [Self] = &[
        Self::Ping,
        Self::PongTimeout,
        Self::PausedPong,
        Self::Flush,
        Self::SendRate,
        Self::RecvRate,
        Self::MessageTimeout,
        Self::CloseDeadline,
    ];

    fn slot(self) -> usize {
        self as usize
    }
}

/// The deadlines of one connection.
pub(crate) type Timers = crate::timer::TimerTable<Timer, 8>;
