//! Sending on one channel.

use alloc::collections::VecDeque;
use core::time::Duration;

use bytes::Bytes;

use super::connection::Connection;
use crate::connection::{SendError, SendRefusal};
use crate::wire::{AnyCodec, Codec};

/// Sends on one channel of a connection; made by [`Connection::sender`], cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender<C: Codec = AnyCodec> {
    connection: Connection<C>,
    channel: u8,
}

impl<C: Codec> Sender<C> {
    pub(super) const fn new(connection: Connection<C>, channel: u8) -> Self {
        Self { connection, channel }
    }

    /// The id of the channel.
    #[must_use]
    pub const fn channel(&self) -> u8 {
        self.channel
    }

    /// See [`Connection::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(&self, message: Bytes) -> Result<(), SendError> {
        self.connection.send(self.channel, message)
    }

    /// See [`Connection::send_timeout`].
    ///
    /// # Errors
    /// As there.
    pub fn send_timeout(&self, message: Bytes, timeout: Duration) -> Result<(), SendError> {
        self.connection.send_timeout(self.channel, message, timeout)
    }

    /// See [`Connection::try_send`].
    ///
    /// # Errors
    /// As there.
    pub fn try_send(&self, message: Bytes) -> Result<(), SendError> {
        self.connection.try_send(self.channel, message)
    }

    /// See [`Connection::send_many`].
    ///
    /// # Errors
    /// As there.
    pub fn send_many(&self, messages: &mut VecDeque<Bytes>) -> Result<(), SendRefusal> {
        self.connection.send_many(self.channel, messages)
    }

    /// See [`Connection::can_send`].
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.connection.can_send(self.channel)
    }
}
