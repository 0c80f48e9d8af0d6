//! Tasks that wait for room in the queue of a channel: first come, first served.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::task::Waker;

use crate::adapter::carried::Carried;
use crate::adapter::waker::remember;
use crate::connection::SendRefusal;
use crate::wire::Codec;

/// Who waits, per channel in the order of arrival.
///
/// Only the first of a channel is woken, and it keeps its place until it has sent its message or is dropped; whoever leaves
/// the first place wakes the next one if there is room for it too. So nobody is overtaken, and no herd is woken.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// Channels on which somebody ever waited.
    channels: Vec<(u8, VecDeque<Waiter>)>,
    last_ticket: u64,
    waiting: usize,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    /// The size of the message in bytes.
    len: usize,
    /// `None` after it was woken, until it is polled.
    waker: Option<Waker>,
}

impl Waiters {
    fn queue(&mut self, channel: u8) -> Option<&mut VecDeque<Waiter>> {
        self.channels.iter_mut().find(|(id, _)| *id == channel).map(|(_, queue)| queue)
    }

    /// Whether a message may go now: nobody waits on this channel, or the owner of `ticket` is the first who does.
    #[inline]
    pub(super) fn is_turn(&mut self, channel: u8, ticket: Option<u64>) -> bool {
        if self.waiting == 0 {
            return true;
        }
        let Some(first) = self.queue(channel).and_then(|queue| queue.front()) else { return true };
        ticket == Some(first.ticket)
    }

    /// Takes a place, or keeps the one that `ticket` stands for.
    pub(super) fn wait(&mut self, channel: u8, ticket: &mut Option<u64>, len: usize, waker: &Waker) {
        if self.queue(channel).is_none() {
            self.channels.push((channel, VecDeque::new()));
        }
        let new_ticket = self.last_ticket.wrapping_add(1);
        let Some(queue) = self.queue(channel) else { return };
        let place = ticket.and_then(|ticket| queue.iter_mut().find(|waiter| waiter.ticket == ticket));
        if let Some(waiter) = place {
            waiter.len = len;
            remember(&mut waiter.waker, waker);
            return;
        }
        queue.push_back(Waiter { ticket: new_ticket, len, waker: Some(waker.clone()) });
        *ticket = Some(new_ticket);
        self.last_ticket = new_ticket;
        self.waiting = self.waiting.saturating_add(1);
    }

    /// Gives up the place of `ticket`. The next in line is to be woken, by [`Waiters::first_with_room`].
    pub(super) fn leave(&mut self, channel: u8, ticket: &mut Option<u64>) {
        let Some(ticket) = ticket.take() else { return };
        let Some(queue) = self.queue(channel) else { return };
        let Some(position) = queue.iter().position(|waiter| waiter.ticket == ticket) else { return };
        queue.remove(position);
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// The first in line of `channel`, when polling it would not be in vain.
    #[inline]
    pub(super) fn first_with_room<C: Codec>(&mut self, machine: &Carried<C>, channel: u8) -> Option<Waker> {
        if self.waiting == 0 {
            return None;
        }
        first_with_room(self.queue(channel)?, machine, channel)
    }

    /// The first in line of each channel for which room has come.
    pub(super) fn all_with_room<C: Codec>(&mut self, machine: &Carried<C>, wakers: &mut Vec<Waker>) {
        if self.waiting > 0 {
            wakers.extend(
                self.channels.iter_mut().filter_map(|(channel, queue)| first_with_room(queue, machine, *channel)),
            );
        }
    }

    /// Everybody: the connection takes no more messages.
    pub(super) fn all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.channels.iter_mut().flat_map(|(_, queue)| queue).filter_map(|waiter| waiter.waker.take()));
    }
}

fn first_with_room<C: Codec>(queue: &mut VecDeque<Waiter>, machine: &Carried<C>, channel: u8) -> Option<Waker> {
    let first = queue.front_mut()?;
    let full = matches!(machine.may_send(channel, first.len), Err(SendRefusal::Full { .. }));
    if full { None } else { first.waker.take() }
}
