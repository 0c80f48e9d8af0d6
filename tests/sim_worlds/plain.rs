//! An endpoint that does next to nothing.

use bytes::{Bytes, BytesMut};
use mconn::sim::{Address, DatagramEndpoint, Desk, Promise, Violation};
use mconn::time::Instant;

use crate::B;

/// One that sends a number of datagrams at the start, and keeps what it gets.
pub(crate) struct Plain {
    pub(crate) to: Vec<Address>,
    pub(crate) wake: Option<Instant>,
    pub(crate) got: Vec<(Instant, Address, u8)>,
    pub(crate) woken: Vec<Instant>,
    /// Sends two messages that may expire.
    pub(crate) messages: bool,
    /// Takes every datagram for the second of them.
    pub(crate) takes: bool,
}

impl Plain {
    pub(crate) fn new(to: &[Address]) -> Self {
        Self { to: to.into(), wake: None, got: vec![], woken: vec![], messages: false, takes: false }
    }
}

impl DatagramEndpoint for Plain {
    fn handle_datagram(&mut self, now: Instant, from: Address, datagram: &mut BytesMut) {
        self.got.push((now, from, datagram.split().freeze()[0]));
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.woken.push(now);
        self.wake = self.wake.filter(|wake| *wake > now);
    }
    fn poll_transmit(&mut self, _: Instant, into: &mut BytesMut) -> Option<Address> {
        let to = self.to.pop()?;
        into.extend_from_slice(&[self.to.len() as u8]);
        Some(to)
    }
    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
    fn act(&mut self, _: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        if self.messages {
            self.messages = false;
            desk.promise(B, 2, Promise::Expiring);
            desk.accepted(B, 2, Bytes::from("x"));
            desk.accepted(B, 2, Bytes::from("y"));
        }
        for (_, from, _) in self.got.drain(..self.got.len() * usize::from(self.takes)) {
            desk.delivered(from, 2, b"y")?;
        }
        Ok(())
    }
    fn is_over(&self) -> bool {
        self.wake.is_none()
    }
}
