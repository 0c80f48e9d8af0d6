//! Who lives in a world of sessions.

use alloc::boxed::Box;
use alloc::string::String;

use bytes::BytesMut;

use super::endpoint::WindowEndpoint;
use super::hub::WindowHub;
use super::machine::WindowMachine;
use crate::sim::world::{DatagramEndpoint, Desk, World};
use crate::sim::{Address, Violation};
use crate::sliding_window::SlidingWindow;
use crate::time::Instant;

/// Who lives in a world of sessions.
#[derive(Debug)]
pub enum WindowHost<M = SlidingWindow> {
    /// One session.
    One(Box<WindowEndpoint<M>>),
    /// Many.
    Hub(Box<WindowHub>),
}

impl<M: WindowMachine> WindowHost<M> {
    /// The one session, if it is one.
    #[must_use]
    pub fn one(&self) -> Option<&WindowEndpoint<M>> {
        match self {
            Self::One(endpoint) => Some(endpoint),
            Self::Hub(_) => None,
        }
    }

    fn as_endpoint(&mut self) -> &mut dyn DatagramEndpoint {
        match self {
            Self::One(endpoint) => &mut **endpoint,
            Self::Hub(hub) => &mut **hub,
        }
    }
}

impl<M: WindowMachine> DatagramEndpoint for WindowHost<M> {
    fn handle_datagram(&mut self, now: Instant, from: Address, datagram: &mut BytesMut) {
        self.as_endpoint().handle_datagram(now, from, datagram);
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.as_endpoint().handle_timeout(now);
    }
    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
        self.as_endpoint().poll_transmit(now, into)
    }
    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::One(endpoint) => endpoint.poll_timeout(),
            Self::Hub(hub) => hub.poll_timeout(),
        }
    }
    fn act(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        self.as_endpoint().act(now, desk)
    }
    fn is_over(&self) -> bool {
        match self {
            Self::One(endpoint) => endpoint.is_over(),
            Self::Hub(hub) => hub.is_over(),
        }
    }
    fn describe(&self) -> String {
        match self {
            Self::One(endpoint) => endpoint.describe(),
            Self::Hub(hub) => hub.describe(),
        }
    }
}

/// The world of a scenario.
pub type WindowWorld<M = SlidingWindow> = World<WindowHost<M>>;
