//! The machine that a driver carries: a connection as it is, or behind sealed frames.

#[cfg(feature = "peer")]
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use std::io;

use bytes::{Bytes, BytesMut};

use crate::connection::{Event, Input, MConnState, SendError, SendRefusal, Status, Timer};
use crate::machine::Machine;
#[cfg(feature = "peer")]
use crate::peer::{self, Peer, PeerClosed};
use crate::time::Instant;
use crate::wire::Codec;

/// Two machines with the same face. A driver need not know which of them it has.
///
/// Which one it is shows when the program runs and not in a type parameter (for which
/// [`StreamMachine`](crate::connection::StreamMachine) would do): handles of plain and of sealed connections are of one type.
#[derive(Debug)]
#[cfg_attr(
    feature = "peer",
    expect(
        clippy::large_enum_variant,
        reason = "it lives on the heap already, once per connection; plain ones need no more"
    )
)]
pub(super) enum Carried<C> {
    /// Packets on the stream.
    Plain(MConnState<C>),
    /// Packets in sealed frames; and why the frames have ended, when that is no reason of a connection.
    #[cfg(feature = "peer")]
    Sealed(Box<Peer<C>>, Option<PeerClosed>),
}

/// The same call of either machine.
macro_rules! either {
    ($carried:expr, $machine:ident => $call:expr) => {
        match $carried {
            Carried::Plain($machine) => $call,
            #[cfg(feature = "peer")]
            Carried::Sealed($machine, _) => $call,
        }
    };
}

impl<C: Codec> Carried<C> {
    #[inline]
    pub(super) fn handle(&mut self, now: Instant, input: Input<'_>) {
        either!(self, machine => machine.handle(now, input));
    }

    #[inline]
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        either!(self, machine => machine.handle_timeout(now));
    }

    /// The next event. What ended the frames is [told apart](Carried::failure): for a connection it is its transport that
    /// failed.
    #[inline]
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        match self {
            Self::Plain(machine) => machine.poll_event(),
            #[cfg(feature = "peer")]
            Self::Sealed(peer, failure) => match peer.poll_event()? {
                peer::Event::Message { channel, payload } => Some(Event::Message { channel, payload }),
                peer::Event::Closed(PeerClosed::Connection(reason)) => Some(Event::Closed(reason)),
                peer::Event::Closed(reason) => {
                    *failure = Some(reason);
                    Some(Event::Closed(crate::connection::CloseReason::TransportFailed))
                }
            },
        }
    }

    /// Why the frames have ended, once that was told.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "peer")]
            Self::Sealed(_, failure) => failure.take().map(|why| io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }

    #[inline]
    pub(super) fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        either!(self, machine => machine.poll_timeout())
    }

    #[inline]
    pub(super) fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        either!(self, machine => machine.transmit_into(now, out, max))
    }

    #[inline]
    pub(super) fn recv_budget(&mut self, now: Instant) -> usize {
        either!(self, machine => machine.recv_budget(now))
    }

    #[inline]
    pub(super) fn wants_read(&self) -> bool {
        either!(self, machine => machine.wants_read())
    }

    #[inline]
    pub(super) fn wants_write(&self) -> bool {
        either!(self, machine => machine.wants_write())
    }

    /// Whether to feed the machine although the driver may have nothing to feed: it holds bytes that it has room for now.
    #[inline]
    pub(super) fn has_unread(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "peer")]
            Self::Sealed(peer, _) => peer.has_unread(),
        }
    }

    #[inline]
    pub(super) fn swap_messages(
        &mut self,
        empty: &mut VecDeque<(u8, Bytes)>,
        max_messages: usize,
        max_bytes: usize,
    ) -> Option<usize> {
        either!(self, machine => machine.swap_messages(empty, max_messages, max_bytes))
    }

    #[inline]
    pub(super) fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError> {
        either!(self, machine => machine.try_send(channel, message))
    }

    #[inline]
    pub(super) fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal> {
        either!(self, machine => machine.may_send(channel, len))
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        either!(self, machine => machine.status(now))
    }

    pub(super) fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        either!(self, machine => machine.set_send_rate(now, rate));
    }

    pub(super) fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        either!(self, machine => machine.set_recv_rate(now, rate));
    }
}
