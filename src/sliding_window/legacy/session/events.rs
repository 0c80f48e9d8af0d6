//! What the user is told, in what order.

use super::Legacy;
use super::closing::Life;
use crate::sliding_window::config::Delivery;
use crate::sliding_window::event::Event;

impl Legacy {
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        if matches!(self.life, Life::Closed(_)) {
            return None;
        }
        if let Some(event) = self.next_notice() {
            return Some(event);
        }
        match self.config.delivery {
            _ if self.discards => {}
            Delivery::Events => {
                if let Some((class, payload)) = self.receive(self.now) {
                    return Some(Event::Message { class, payload });
                }
            }
            Delivery::Pull => {
                if self.incoming.is_readable() {
                    let told = core::mem::replace(&mut self.told.readable, true);
                    // The end waits until what has arrived was read.
                    return (!told).then_some(Event::Readable);
                }
            }
        }
        if !self.discards && self.peer_is_finished() && !core::mem::replace(&mut self.told.peer_finished, true) {
            return Some(Event::PeerFinished);
        }
        self.closed()
    }

    fn next_notice(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if let Some(mark) = self.flushes.front().copied()
            && self.outgoing.base() >= mark.0
        {
            self.flushes.pop_front();
            return Some(Event::Flushed(mark));
        }
        let writable = self.refused && self.is_open() && self.may_send(1).is_ok();
        if writable {
            self.refused = false;
        }
        writable.then_some(Event::Writable)
    }
}
