//! What the callers of one session wait for.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::task::Waker;

use super::Closed;
use crate::sliding_window::{FlushMark, MessageId};

/// What the callers of one session wait for, and what they were told.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) connected: bool,
    pub(super) peer_finished: bool,
    pub(super) closed: Option<Closed>,
    pub(super) flushed: Option<FlushMark>,
    /// Nobody has a handle any more: what comes is thrown away.
    pub(super) orphan: bool,
    pub(super) line: Line,
    /// Who writes a stream.
    pub(super) writers: Wakers,
    pub(super) readers: Wakers,
    /// Who waits for the session to open, to be flushed, or to end.
    pub(super) watchers: Wakers,
    pub(super) receipts: BTreeMap<MessageId, Receipted>,
}

/// What became of a message whose receipt somebody waits for.
#[derive(Debug)]
pub(super) enum Receipted {
    Waiting(Option<Waker>),
    Taken,
    Expired,
}

impl Desk {
    /// Whether anybody waits for room.
    pub(super) fn has_senders(&self) -> bool {
        !self.line.is_empty() || !self.writers.is_empty()
    }

    /// Everybody: the session has ended.
    pub(super) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        self.line.wake_all(wakers);
        for list in [&mut self.writers, &mut self.readers, &mut self.watchers] {
            list.wake(wakers);
        }
        for receipt in self.receipts.values_mut() {
            if let Receipted::Waiting(waker) = receipt {
                wakers.extend(waker.take());
            }
        }
    }

    pub(super) fn on_receipt(&mut self, id: MessageId, outcome: Receipted, wakers: &mut Vec<Waker>) {
        self.line.wake_for_receipt(wakers);
        if let Some(receipt) = self.receipts.get_mut(&id)
            && let Receipted::Waiting(waker) = core::mem::replace(receipt, outcome)
        {
            wakers.extend(waker);
        }
    }
}

/// Tasks to be woken all at once.
#[derive(Debug, Default)]
pub(super) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(super) fn add(&mut self, waker: &Waker) {
        if !self.0.iter().any(|known| known.will_wake(waker)) {
            self.0.push(waker.clone());
        }
    }

    pub(super) fn wake(&mut self, wakers: &mut Vec<Waker>) {
        wakers.append(&mut self.0);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tasks that wait for room in the queue of messages: first come, first served.
///
/// Only the first is woken, and it keeps its place until it has sent its message or is dropped. So nobody is overtaken, and no
/// herd is woken.
#[derive(Debug, Default)]
pub(super) struct Line {
    queue: VecDeque<Waiter>,
    last_ticket: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    len: usize,
    /// It is not room that it lacks: too many messages wait for a receipt.
    for_receipt: bool,
    /// `None` after it was woken, until it is polled.
    waker: Option<Waker>,
}

impl Line {
    pub(super) fn is_turn(&self, ticket: Option<u64>) -> bool {
        self.queue.front().is_none_or(|first| ticket == Some(first.ticket))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes a place, or keeps the one that `ticket` stands for.
    pub(super) fn wait(&mut self, ticket: &mut Option<u64>, len: usize, for_receipt: bool, waker: &Waker) {
        let place = ticket.and_then(|ticket| self.queue.iter_mut().find(|waiter| waiter.ticket == ticket));
        match place {
            Some(waiter) => (waiter.for_receipt, waiter.waker) = (for_receipt, Some(waker.clone())),
            None => {
                self.last_ticket = self.last_ticket.wrapping_add(1);
                *ticket = Some(self.last_ticket);
                let waker = Some(waker.clone());
                self.queue.push_back(Waiter { ticket: self.last_ticket, len, for_receipt, waker });
            }
        }
    }

    pub(super) fn leave(&mut self, ticket: &mut Option<u64>) {
        let Some(ticket) = ticket.take() else { return };
        self.queue.retain(|waiter| waiter.ticket != ticket);
    }

    /// The size of the message of the first, when it waits for room and was not woken.
    pub(super) fn first_size(&self) -> Option<usize> {
        let first = self.queue.front()?;
        (!first.for_receipt && first.waker.is_some()).then_some(first.len)
    }

    pub(super) fn wake_first(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.queue.front_mut().and_then(|first| first.waker.take()));
    }

    fn wake_for_receipt(&mut self, wakers: &mut Vec<Waker>) {
        if self.queue.front().is_some_and(|first| first.for_receipt) {
            self.wake_first(wakers);
        }
    }

    fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.queue.iter_mut().filter_map(|waiter| waiter.waker.take()));
    }
}
