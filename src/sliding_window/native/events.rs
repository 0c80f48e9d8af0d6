//! What the user is told, in what order.

use alloc::collections::VecDeque;

use super::{Life, Native};
use crate::sliding_window::config::Delivery;
use crate::sliding_window::event::Event;

impl Native {
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
                if self.receiver.is_readable() {
                    let told = core::mem::replace(&mut self.told.readable, true);
                    // The end waits until what has arrived was read.
                    return (!told).then_some(Event::Readable);
                }
            }
        }
        if !self.discards && self.receiver.is_finished() && !core::mem::replace(&mut self.told.peer_finished, true) {
            if !self.config.half_close {
                self.finish(self.now);
            }
            return Some(Event::PeerFinished);
        }
        self.closed()
    }

    /// What the sender has to tell.
    fn next_notice(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if let Some(id) = self.sender.poll_expired() {
            return Some(Event::Expired(id));
        }
        if let Some(mark) = self.flushes.front().copied()
            && self.sender.is_flushed(mark.0)
        {
            self.flushes.pop_front();
            return Some(Event::Flushed(mark));
        }
        self.sender.take_writable().then_some(Event::Writable)
    }

    fn closed(&mut self) -> Option<Event> {
        let Life::Ended(reason) = &self.life else { return None };
        let reason = reason.clone();
        self.life = Life::Closed(reason.clone());
        self.events = VecDeque::new();
        self.flushes = VecDeque::new();
        Some(Event::Closed(reason))
    }

    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.life, Life::Closed(_))
    }
}
