//! Messages that no segment has carried yet.

use alloc::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use super::options::{Class, Expires, MessageId, SendOptions};
use crate::time::Instant;

/// A message from its acceptance until it is acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) payload: Bytes,
    /// Its size, also after an expired payload was given back.
    pub(super) len: usize,
    /// Bytes of it that were given a segment.
    pub(super) sent: usize,
    pub(super) expires: Expires,
    pub(super) id: MessageId,
    /// Segments with a part of it that are not acknowledged.
    pub(super) unacked: u32,
    /// Segments that were made with a part of it.
    pub(super) fragments: u32,
    pub(super) unordered: bool,
    pub(super) receipt: bool,
    pub(super) expired: bool,
    /// Whether its end was given a segment.
    pub(super) complete: bool,
}

impl Message {
    pub(super) fn new(id: MessageId, payload: Bytes, options: &SendOptions) -> Self {
        Self {
            len: payload.len(),
            payload,
            sent: 0,
            expires: options.expires,
            id,
            unacked: 0,
            fragments: 0,
            unordered: options.class == Class::Unordered,
            receipt: options.receipt,
            expired: false,
            complete: false,
        }
    }

    /// Whether nothing of it is to be sent or acknowledged any more.
    #[inline]
    pub(super) const fn is_finished(&self) -> bool {
        self.unacked == 0 && self.complete
    }

    /// Whether a part of it that was sent `transmissions` times is not worth sending now.
    #[inline]
    pub(super) fn expires_now(&self, now: Instant, transmissions: u32) -> bool {
        match self.expires {
            Expires::Never => false,
            Expires::At(deadline) => now >= deadline,
            Expires::Transmissions(most) => transmissions >= most.max(1),
        }
    }
}

/// The messages, with those that expire found by their time.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// By id. Those that expired in between stay as they are, without their payload, until they come to the front or are too many.
    messages: VecDeque<Message>,
    deadlines: BTreeSet<(Instant, MessageId)>,
    /// How many of the messages have expired.
    dead: usize,
}

impl Queue {
    /// Messages that have not expired.
    pub(super) fn len(&self) -> usize {
        self.messages.len().saturating_sub(self.dead)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The oldest message that has not expired.
    pub(super) fn first_id(&self) -> Option<MessageId> {
        self.messages.front().map(|message| message.id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| !message.expired)
    }

    pub(super) fn push(&mut self, message: Message) {
        if let Expires::At(deadline) = message.expires {
            self.deadlines.insert((deadline, message.id));
        }
        self.messages.push_back(message);
    }

    /// The front. What has expired is to be taken out first.
    #[inline]
    pub(super) fn front(&self) -> Option<&Message> {
        self.messages.front()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        if let Expires::At(deadline) = message.expires {
            self.deadlines.remove(&(deadline, message.id));
        }
        if self.dead > 0 {
            self.bury();
        }
        Some(message)
    }

    /// Marks what has expired at `now`, the earliest deadline first, and gives it to `sink`.
    pub(super) fn expire(&mut self, now: Instant, sink: &mut impl FnMut(&Message)) {
        while let Some(&(deadline, id)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            if let Ok(index) = self.messages.binary_search_by_key(&id, |message| message.id)
                && let Some(message) = self.messages.get_mut(index)
            {
                message.payload = Bytes::new();
                message.expired = true;
                self.dead = self.dead.saturating_add(1);
                sink(message);
            }
        }
        self.bury();
    }

    /// Takes the expired ones from the front, and all of them when they are the greater part: so they cost nothing in the long run.
    fn bury(&mut self) {
        while self.messages.front().is_some_and(|message| message.expired) {
            self.messages.pop_front();
            self.dead = self.dead.saturating_sub(1);
        }
        if self.dead > self.messages.len() / 2 {
            self.messages.retain(|message| !message.expired);
            self.dead = 0;
        }
    }
}
