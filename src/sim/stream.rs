//! What a simulation needs of a machine that lives on a byte stream.

use alloc::borrow::Cow;
use alloc::format;
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::memory::Memory;
use crate::connection::{CloseReason, Event, Input, MConnState, SendError, SendRefusal, Status};
use crate::machine::Machine;
use crate::time::Instant;
use crate::wire::Codec;

/// A [`Machine`] that carries messages on channels over one byte stream: what a [`Pair`](super::Pair) can drive.
///
/// [`MConnState`] is one. A machine that wraps it, and speaks the same to its user, needs these few lines too.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use mconn::connection::{ChannelConfig, MConnConfig, MConnState};
/// use mconn::machine::Machine;
/// use mconn::sim::{Report, StreamMachine};
/// use mconn::time::Instant;
///
/// /// One message from one machine to another, whatever kinds they are.
/// fn exchange(mut from: impl StreamMachine, mut to: impl StreamMachine) -> Bytes {
///     let (now, mut wire) = (Instant::ZERO, BytesMut::new());
///     from.send(now, 1, Bytes::from("hello")).unwrap();
///     from.transmit(now, &mut wire, 1_000);
///     to.receive(now, &mut wire, false);
///     match to.poll_event().map(|event| to.report(event)) {
///         Some(Report::Message { payload, .. }) => payload,
///         other => panic!("{other:?}"),
///     }
/// }
///
/// let config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
/// let state = MConnState::new(config, Instant::ZERO)?;
/// assert_eq!(exchange(state.clone(), state), "hello");
/// # Ok::<(), mconn::connection::ConfigError>(())
/// ```
pub trait StreamMachine: Machine<Transmit: Buf, Timer: fmt::Debug> {
    /// Why the machine ended.
    type Ending: Clone + fmt::Debug + fmt::Display;

    /// Bytes came; see [`Input::Received`].
    fn receive(&mut self, now: Instant, buf: &mut BytesMut, end: bool);

    /// The transport failed.
    fn transport_failed(&mut self, now: Instant);

    /// Close at once.
    fn close(&mut self, now: Instant);

    /// Close after what was accepted has left.
    fn close_after_flush(&mut self, now: Instant, deadline: Option<Instant>);

    /// Queues a message.
    ///
    /// # Errors
    /// [`Refused`] gives the message back.
    fn send(&mut self, now: Instant, channel: u8, message: Bytes) -> Result<(), Refused>;

    /// Appends output to `out`, at most `max` bytes. Returns how many.
    fn transmit(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize;

    /// How many bytes the machine would take, those that wait in the driver's buffer included.
    fn recv_budget(&mut self, now: Instant) -> usize;

    /// Whether pulling output would give some.
    fn wants_write(&self) -> bool;

    /// Whether the machine has ended, also while its last event has not been taken.
    ///
    /// A user that sleeps does not take the last event for a long time. The driver lets the peer know meanwhile.
    fn has_ended(&self) -> bool;

    /// Says what an event means.
    fn report(&self, event: Self::Event) -> Report<Self::Ending>;

    /// Whether this is the end after an orderly flush: what was pulled must still reach the peer.
    fn is_flushed(ending: &Self::Ending) -> bool;

    /// What the machine holds now.
    fn memory(&self, now: Instant) -> Memory;

    /// Changes the limit on sending, in bytes per second. Does nothing by default.
    fn set_send_rate(&mut self, _now: Instant, _rate: Option<u64>) {}

    /// Changes the limit on receiving, in bytes per second. Does nothing by default.
    fn set_recv_rate(&mut self, _now: Instant, _rate: Option<u64>) {}
}

/// What an event of a [`StreamMachine`] means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report<Ending> {
    /// A message of the peer.
    Message {
        /// The channel it came on.
        channel: u8,
        /// Its bytes.
        payload: Bytes,
    },
    /// The machine has ended; the last event.
    Closed(Ending),
    /// Something else, in words.
    Other(Cow<'static, str>),
}

/// A message that a [`StreamMachine`] did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The message.
    pub message: Bytes,
    /// Why; `None` when the queue is full, so that it may be taken later.
    pub why: Option<Cow<'static, str>>,
}

/// A refusal that is over when there is room, or one with its reason.
pub(super) fn refused(error: SendError) -> Refused {
    let why = match error.refusal {
        SendRefusal::Full { .. } => None,
        other => Some(format!("{other}").into()),
    };
    Refused { message: error.message, why }
}

/// What a connection holds.
pub(super) fn memory_of(status: &Status) -> Memory {
    Memory {
        inbox_messages: status.inbox_messages,
        inbox_bytes: status.inbox_bytes,
        partial_bytes: status.partial_bytes,
        ahead_bytes: status.ahead_bytes,
        recycled_bytes: status.recycled_bytes,
        send_messages: status.channels.iter().map(|channel| channel.send_queue_size).sum(),
        send_bytes: status.channels.iter().map(|channel| channel.send_queue_bytes).sum(),
    }
}

impl<C: Codec> StreamMachine for MConnState<C> {
    type Ending = CloseReason;

    fn receive(&mut self, now: Instant, buf: &mut BytesMut, end: bool) {
        self.handle(now, Input::Received { buf, end });
    }

    fn transport_failed(&mut self, now: Instant) {
        self.handle(now, Input::TransportFailed);
    }

    fn close(&mut self, now: Instant) {
        self.handle(now, Input::Close);
    }

    fn close_after_flush(&mut self, now: Instant, deadline: Option<Instant>) {
        self.handle(now, Input::CloseAfterFlush { deadline });
    }

    fn send(&mut self, _now: Instant, channel: u8, message: Bytes) -> Result<(), Refused> {
        self.try_send(channel, message).map_err(refused)
    }

    fn transmit(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        self.transmit_into(now, out, max)
    }

    fn recv_budget(&mut self, now: Instant) -> usize {
        Self::recv_budget(self, now)
    }

    fn wants_write(&self) -> bool {
        Self::wants_write(self)
    }

    fn has_ended(&self) -> bool {
        Self::has_ended(self)
    }

    fn report(&self, event: Event) -> Report<CloseReason> {
        match event {
            Event::Message { channel, payload } => Report::Message { channel, payload },
            Event::Closed(reason) => Report::Closed(reason),
        }
    }

    fn is_flushed(ending: &CloseReason) -> bool {
        *ending == CloseReason::Flushed
    }

    fn memory(&self, now: Instant) -> Memory {
        memory_of(&self.status(now))
    }

    fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        Self::set_send_rate(self, now, rate);
    }

    fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        Self::set_recv_rate(self, now, rate);
    }
}
