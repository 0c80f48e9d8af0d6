//! What all connections have in common, whatever lies around their packets.

use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::error::{CloseReason, SendError, SendRefusal};
use super::event::{Event, Input};
use super::state::MConnState;
use super::status::Status;
use crate::machine::Machine;
use crate::time::Instant;
use crate::wire::Codec;

/// A connection over one byte stream, whatever lies around its packets: what a driver needs to know of its machine.
///
/// [`MConnState`] is one: packets as they are.
#[cfg_attr(feature = "peer", doc = "[`Peer`](crate::peer::Peer) is the other: packets in sealed frames.\n")]
/// A loop that is written for this trait, as [that of the crate](crate#the-loop-that-drives-a-machine) is, drives either, and
/// also a machine of your own that wraps one. Inputs and events are the same for all; only why they end may differ.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use mconn::connection::{ChannelConfig, Event, Input, MConnConfig, MConnState, StreamMachine};
/// use mconn::time::Instant;
///
/// /// One message from one machine to another, whatever kinds they are.
/// fn exchange(mut from: impl StreamMachine, mut to: impl StreamMachine) -> Option<Bytes> {
///     let (now, mut wire) = (Instant::ZERO, BytesMut::new());
///     from.try_send(1, Bytes::from("hello")).unwrap();
///     from.transmit_into(now, &mut wire, 2_000);
///     to.handle(now, Input::Received { buf: &mut wire, end: false });
///     match to.poll_event()? {
///         Event::Message { payload, .. } => Some(payload),
///         _ => None,
///     }
/// }
///
/// let config = MConnConfig::default().channel(ChannelConfig::new(1, 1));
/// let state = MConnState::new(config, Instant::ZERO)?;
/// assert_eq!(exchange(state.clone(), state).unwrap(), "hello");
/// # Ok::<(), mconn::connection::ConfigError>(())
/// ```
pub trait StreamMachine:
    for<'a> Machine<Input<'a> = Input<'a>, Transmit: Buf, Event = Event<<Self as StreamMachine>::Ending>, Timer: fmt::Debug>
{
    /// Why the machine has ended.
    type Ending: Clone + fmt::Debug + fmt::Display;

    /// Queues a message. Whole messages of one channel arrive in the order in which they were accepted.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; nothing has changed.
    fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError>;

    /// Why a message of `len` bytes would not be accepted on this channel now.
    ///
    /// # Errors
    /// The reason for which [`StreamMachine::try_send`] would give the message back.
    fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal>;

    /// Appends output to `out`, at most `max` bytes. Returns how many.
    fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize;

    /// How many bytes the machine would take now, those included that wait in the driver's buffer.
    fn recv_budget(&mut self, now: Instant) -> usize;

    /// Whether the machine would consume what it is given now.
    #[must_use]
    fn wants_read(&self) -> bool;

    /// Whether pulling output would give some now, as far as can be known without asking the limiter.
    #[must_use]
    fn wants_write(&self) -> bool;

    /// Whether the machine has ended; its last events may still wait to be taken.
    #[must_use]
    fn has_ended(&self) -> bool;

    /// Whether this is the end after an orderly flush: what was pulled must still reach the peer.
    #[must_use]
    fn is_flushed(ending: &Self::Ending) -> bool;

    /// How the connection is doing at `now`. Looking changes nothing.
    #[must_use]
    fn status(&self, now: Instant) -> Status;

    /// Changes the limit on what is sent, in bytes of packets per second; `None` lifts it.
    fn set_send_rate(&mut self, now: Instant, rate: Option<u64>);

    /// Changes the limit on what is received, in bytes of packets per second; `None` lifts it.
    fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>);
}

/// Implements [`StreamMachine`] for a machine that has methods of the same names. They are its own as well, so that who has
/// one machine in mind needs no trait.
macro_rules! impl_stream_machine {
    ($machine:ident, $ending:ty, $is_flushed:expr) => {
        impl<C: Codec> StreamMachine for $machine<C> {
            type Ending = $ending;

            fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError> {
                Self::try_send(self, channel, message)
            }

            fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal> {
                Self::may_send(self, channel, len)
            }

            fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
                Self::transmit_into(self, now, out, max)
            }

            fn recv_budget(&mut self, now: Instant) -> usize {
                Self::recv_budget(self, now)
            }

            fn wants_read(&self) -> bool {
                Self::wants_read(self)
            }

            fn wants_write(&self) -> bool {
                Self::wants_write(self)
            }

            fn has_ended(&self) -> bool {
                Self::has_ended(self)
            }

            fn is_flushed(ending: &$ending) -> bool {
                $is_flushed(ending)
            }

            fn status(&self, now: Instant) -> Status {
                Self::status(self, now)
            }

            fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
                Self::set_send_rate(self, now, rate);
            }

            fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
                Self::set_recv_rate(self, now, rate);
            }
        }
    };
}

#[cfg(feature = "peer")]
pub(crate) use impl_stream_machine;

impl_stream_machine!(MConnState, CloseReason, |ending: &CloseReason| *ending == CloseReason::Flushed);
