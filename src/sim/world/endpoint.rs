//! What a world needs of those who live in it.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use bytes::BytesMut;

use super::desk::Desk;
use crate::sim::Violation;
use crate::time::Instant;

/// Where an endpoint of a world is reached.
///
/// ```
/// use mconn::sim::Address;
/// assert_eq!(Address::new(1).to_string(), "B");
/// assert_eq!(Address::new(26).to_string(), "N26");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(u32);

impl Address {
    /// The address of the endpoint that was added as this one, from 0.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// Its index, from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u8::try_from(self.0) {
            Ok(index @ 0..=25) => write!(f, "{}", char::from(b'A'.saturating_add(index))),
            _ => write!(f, "N{}", self.0),
        }
    }
}

/// A machine that lives on datagrams, and the user behind it: what a [`World`](super::World) can drive.
///
/// After each datagram and each wake the world asks the user to act ([`DatagramEndpoint::act`]), and then takes what the
/// machine wants to send, until neither has anything to do.
pub trait DatagramEndpoint {
    /// A datagram came. It may be changed in place, and also taken: what is left is thrown away.
    fn handle_datagram(&mut self, now: Instant, from: Address, datagram: &mut BytesMut);

    /// Tells the time. Harmless at any moment.
    fn handle_timeout(&mut self, now: Instant);

    /// Appends the next datagram to `into`, which is empty, and says where it goes.
    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address>;

    /// The next deadline. One in the past stands for now.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The user takes and sends messages, and tells the [`Desk`] of both; here also are the oracles of its own.
    ///
    /// # Errors
    /// The promise that was broken.
    fn act(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        let _ = (now, desk);
        Ok(())
    }

    /// Whether it has ended, delivered or with an error. A run ends when all have.
    fn is_over(&self) -> bool;

    /// Its state in a few words, for a run that stands still.
    fn describe(&self) -> String {
        String::new()
    }
}

impl<E: DatagramEndpoint + ?Sized> DatagramEndpoint for Box<E> {
    fn handle_datagram(&mut self, now: Instant, from: Address, datagram: &mut BytesMut) {
        (**self).handle_datagram(now, from, datagram);
    }
    fn handle_timeout(&mut self, now: Instant) {
        (**self).handle_timeout(now);
    }
    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
        (**self).poll_transmit(now, into)
    }
    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }
    fn act(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        (**self).act(now, desk)
    }
    fn is_over(&self) -> bool {
        (**self).is_over()
    }
    fn describe(&self) -> String {
        (**self).describe()
    }
}
