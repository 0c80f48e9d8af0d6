//! Received messages on their way from the machine to the tasks that read them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::adapter::carried::Carried;
use crate::adapter::waker::remember;
use crate::connection::{CloseReason, Event, MConnConfig, SendRefusal};
use crate::wire::Codec;

/// A message and the channel it came on.
pub(super) type Message = (u8, Bytes);

/// The mailbox of all channels that have none of their own.
pub(super) const COMMON: usize = 0;

/// Messages and bytes after which a mailbox is full, unless the inbox of the machine is smaller. This is what is handed to
/// a reader at once, so it need not be large: what does not fit waits in the inbox.
const MAILBOX_MESSAGES: usize = 4096;
const MAILBOX_BYTES: usize = 512 << 10;

/// One bounded queue per reader, filled in the order of arrival.
///
/// A message for a full mailbox waits, and all behind it do; then the inbox of the machine fills, and then nothing is read
/// from the peer. So a slow reader holds up all channels, as in the Go code, and loses nothing.
#[derive(Debug)]
pub(super) struct Mailboxes {
    boxes: Vec<Mailbox>,
    /// The mailbox of each channel; `None` while no channel has one of its own.
    of_channel: Option<Box<[u16; 256]>>,
    /// The message for a full mailbox.
    held: Option<Message>,
    max_messages: usize,
    max_bytes: usize,
    /// What was taken out of the inbox of the machine since [`Mailboxes::watch`].
    taken: Taken,
    /// How much of the inbox must be taken before it is worth reading again.
    enough: Taken,
    /// Why the machine has ended, once all of its messages are here.
    ended: Option<CloseReason>,
}

#[derive(Debug, Default)]
struct Mailbox {
    queue: VecDeque<Message>,
    bytes: usize,
    waker: Option<Waker>,
    /// Whether nobody will ever read it. Then what comes is thrown away.
    abandoned: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    messages: usize,
    bytes: usize,
    all: bool,
}

impl Mailbox {
    fn push(&mut self, message: Message, wakers: &mut Vec<Waker>) {
        self.bytes = self.bytes.saturating_add(message.1.len());
        self.queue.push_back(message);
        wakers.extend(self.waker.take());
    }
}

impl Mailboxes {
    pub(super) fn new<C>(config: &MConnConfig<C>) -> Self {
        Self {
            boxes: alloc::vec![Mailbox::default()],
            of_channel: None,
            held: None,
            max_messages: config.inbox_messages.min(MAILBOX_MESSAGES),
            max_bytes: config.inbox_bytes.min(MAILBOX_BYTES),
            taken: Taken::default(),
            enough: Taken { messages: config.inbox_messages >> 1, bytes: config.inbox_bytes >> 1, all: true },
            ended: None,
        }
    }

    /// Why the machine has ended, once all of its messages are here.
    pub(super) const fn ended(&self) -> Option<&CloseReason> {
        self.ended.as_ref()
    }

    #[inline]
    fn index_of(&self, channel: u8) -> usize {
        match &self.of_channel {
            None => COMMON,
            Some(table) => table.get(usize::from(channel)).map_or(COMMON, |index| usize::from(*index)),
        }
    }

    /// Moves what the machine has into the mailboxes, as far as these have room.
    pub(super) fn fill<C: Codec>(&mut self, machine: &mut Carried<C>, wakers: &mut Vec<Waker>) {
        // After the end nothing is added any more: what is left moves here, and the end can be told at once.
        let ended = machine.may_send(0, 0) == Err(SendRefusal::Closed);
        if !ended && self.fill_at_once(machine, wakers) {
            return;
        }
        while let Some(message) = self.next(machine, wakers) {
            let index = self.index_of(message.0);
            let (max_messages, max_bytes) = (self.max_messages, self.max_bytes);
            let Some(mailbox) = self.boxes.get_mut(index) else { continue };
            if mailbox.abandoned {
                continue;
            }
            let full = mailbox.queue.len() >= max_messages || mailbox.bytes >= max_bytes;
            if full && !ended {
                self.held = Some(message);
                return;
            }
            mailbox.push(message, wakers);
        }
    }

    /// The frequent case: a single reader. It gets all that waits in one piece when it has nothing, and comes back for the
    /// rest. Returns whether that is all there is to do.
    fn fill_at_once<C: Codec>(&mut self, machine: &mut Carried<C>, wakers: &mut Vec<Waker>) -> bool {
        if self.of_channel.is_some() || self.held.is_some() {
            return false;
        }
        let Some(common) = self.boxes.first_mut() else { return false };
        if common.abandoned {
            return false;
        }
        if !common.queue.is_empty() {
            return true;
        }
        let Some(bytes) = machine.swap_messages(&mut common.queue, self.max_messages, self.max_bytes) else {
            return false;
        };
        common.bytes = bytes;
        self.taken.all = true;
        if !common.queue.is_empty() {
            wakers.extend(common.waker.take());
        }
        true
    }

    /// The next message: the one for a mailbox that was full, or the machine's.
    fn next<C: Codec>(&mut self, machine: &mut Carried<C>, wakers: &mut Vec<Waker>) -> Option<Message> {
        if let Some(message) = self.held.take() {
            return Some(message);
        }
        match machine.poll_event() {
            Some(Event::Message { channel, payload }) => {
                self.taken.messages = self.taken.messages.saturating_add(1);
                self.taken.bytes = self.taken.bytes.saturating_add(payload.len());
                Some((channel, payload))
            }
            Some(Event::Closed(reason)) => {
                self.end(reason, wakers);
                None
            }
            None => {
                self.taken.all = true;
                None
            }
        }
    }

    fn end(&mut self, reason: CloseReason, wakers: &mut Vec<Waker>) {
        self.ended = Some(reason);
        wakers.extend(self.boxes.iter_mut().filter_map(|mailbox| mailbox.waker.take()));
    }

    /// From now on counts what is taken out of the inbox of the machine.
    pub(super) fn watch(&mut self) {
        self.taken = Taken::default();
    }

    /// Whether half of the inbox was taken since [`Mailboxes::watch`], or all of it.
    pub(super) const fn took_enough(&self) -> bool {
        self.taken.all || self.taken.messages >= self.enough.messages || self.taken.bytes >= self.enough.bytes
    }

    /// Swaps the mailbox with `batch`, which is empty; `None` after the end.
    pub(super) fn poll_swap(
        &mut self,
        index: usize,
        batch: &mut VecDeque<Message>,
        context: &Context<'_>,
    ) -> Poll<Option<()>> {
        let Some(mailbox) = self.boxes.get_mut(index) else { return Poll::Ready(None) };
        if !mailbox.queue.is_empty() {
            mem::swap(&mut mailbox.queue, batch);
            mailbox.bytes = 0;
            return Poll::Ready(Some(()));
        }
        if self.ended.is_some() {
            return Poll::Ready(None);
        }
        remember(&mut mailbox.waker, context.waker());
        Poll::Pending
    }

    /// Opens a mailbox for one channel and moves there what has come for it, also out of `batch`, which was taken from the
    /// common mailbox. `None` when the channel has one already.
    pub(super) fn open(&mut self, channel: u8, batch: &mut VecDeque<Message>) -> Option<usize> {
        if self.index_of(channel) != COMMON {
            return None;
        }
        let index = self.unused_box()?;
        let (common, own) = self.boxes.split_at_mut_checked(index)?;
        let (common, own) = (common.first_mut()?, own.first_mut()?);
        for queue in [batch, &mut common.queue] {
            for message in mem::take(queue) {
                if message.0 == channel {
                    own.bytes = own.bytes.saturating_add(message.1.len());
                    own.queue.push_back(message);
                } else {
                    queue.push_back(message);
                }
            }
        }
        common.bytes = common.queue.iter().map(|(_, payload)| payload.len()).sum();
        let table = self.of_channel.get_or_insert_with(|| Box::new([0; 256]));
        *table.get_mut(usize::from(channel))? = u16::try_from(index).ok()?;
        Some(index)
    }

    /// The index of a mailbox that no channel has; a new one if need be.
    fn unused_box(&mut self) -> Option<usize> {
        let used =
            |index: usize| self.of_channel.as_ref().is_some_and(|table| table.iter().any(|&i| usize::from(i) == index));
        let index = (1..self.boxes.len()).find(|&index| !used(index)).unwrap_or(self.boxes.len());
        if index == self.boxes.len() {
            self.boxes.push(Mailbox::default());
        }
        Some(index)
    }

    /// The reader of a channel of its own is gone. What it has not read, `batch` first, goes to the common mailbox, and so
    /// does what comes later.
    pub(super) fn give_back(
        &mut self,
        channel: u8,
        index: usize,
        batch: &mut VecDeque<Message>,
        wakers: &mut Vec<Waker>,
    ) {
        if let Some(entry) = self.of_channel.as_mut().and_then(|table| table.get_mut(usize::from(channel))) {
            *entry = 0;
        }
        let own = self.boxes.get_mut(index).map(mem::take).unwrap_or_default();
        let Some(common) = self.boxes.first_mut() else { return };
        if !common.abandoned {
            for message in batch.drain(..).chain(own.queue) {
                common.push(message, wakers);
            }
        }
    }

    /// The reader of the common mailbox is gone: throws away what is there and what comes.
    pub(super) fn abandon(&mut self) {
        if let Some(common) = self.boxes.first_mut() {
            *common = Mailbox { abandoned: true, ..Mailbox::default() };
        }
    }
}
