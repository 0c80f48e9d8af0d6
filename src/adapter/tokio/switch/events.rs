//! What a switch tells the program.

use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::peer::switch::Event;

/// The events of a switch, from the moment at which [`Node::events`](super::Node::events) was called.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<Event>,
    missed: u64,
}

impl Events {
    pub(super) const fn new(receiver: Receiver<Event>) -> Self {
        Self { receiver, missed: 0 }
    }

    /// The next event; `None` when the switch has stopped and all were taken. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(missed)) => self.missed = self.missed.saturating_add(missed),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// How many events were thrown away because they were not taken in time.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}
