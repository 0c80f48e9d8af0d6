//! The messages, from their acceptance until they are acknowledged.

use alloc::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use super::options::{Class, Expires, MessageId, SendOptions};
use crate::sliding_window::packet::PieceFlags;
use crate::time::Instant;

/// A message from its acceptance until it is acknowledged: one line of a processor's cache.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Its bytes; none any more when they will not be sent again.
    pub(super) payload: Bytes,
    pub(super) id: MessageId,
    /// Bytes of it that were given a segment.
    pub(super) sent: usize,
    /// When it expires in nanoseconds, or after how many transmissions; never is more than can be counted.
    limit: u64,
    /// Segments with a part of it that are not acknowledged.
    pub(super) unacked: u32,
    /// Bits of [`TIMED`], [`RECEIPT`] and [`UNORDERED`].
    wishes: u8,
    pub(super) expired: bool,
    /// Whether its end was given a segment, or none will be.
    pub(super) complete: bool,
}

/// `limit` is a time.
const TIMED: u8 = 1;
/// The receipt is wanted. As it stands on the wire.
const RECEIPT: u8 = PieceFlags::RECEIPT.bits();
/// It may overtake. As it stands on the wire.
const UNORDERED: u8 = PieceFlags::UNORDERED.bits();

impl Message {
    #[inline]
    pub(super) fn new(id: MessageId, payload: Bytes, options: &SendOptions) -> Self {
        let (limit, timed) = match options.expires {
            Expires::Never => (u64::MAX, 0),
            Expires::At(deadline) => (deadline.as_nanos(), TIMED),
            Expires::Transmissions(most) => (u64::from(most.max(1)), 0),
        };
        let receipt = if options.receipt { RECEIPT } else { 0 };
        let unordered = if options.class == Class::Unordered { UNORDERED } else { 0 };
        Self {
            payload,
            id,
            sent: 0,
            limit,
            unacked: 0,
            wishes: timed | receipt | unordered,
            expired: false,
            complete: false,
        }
    }

    /// Whether nothing of it is to be sent or acknowledged any more.
    #[inline]
    pub(super) const fn is_finished(&self) -> bool {
        self.unacked == 0 && self.complete
    }

    /// What the flags of its pieces tell of it; of a receipt only the last piece does.
    #[inline]
    pub(super) const fn flags(&self, last: bool) -> PieceFlags {
        PieceFlags::from_bits(self.wishes & if last { UNORDERED | RECEIPT } else { UNORDERED })
    }

    #[inline]
    pub(super) const fn receipt(&self) -> bool {
        self.wishes & RECEIPT != 0
    }

    #[inline]
    pub(super) const fn unordered(&self) -> bool {
        self.wishes & UNORDERED != 0
    }

    #[inline]
    pub(super) const fn timed(&self) -> bool {
        self.wishes & TIMED != 0
    }

    /// Whether it is to be noted when it is given a segment.
    #[inline]
    pub(super) const fn has_wishes(&self) -> bool {
        self.wishes & (TIMED | RECEIPT) != 0
    }

    /// When it expires, if by time.
    #[inline]
    pub(super) const fn deadline(&self) -> Option<Instant> {
        if self.timed() { Some(Instant::from_nanos(self.limit)) } else { None }
    }

    /// Whether a part of it that was sent `transmissions` times is not worth sending now.
    #[inline]
    pub(super) const fn expires_now(&self, now: Instant, transmissions: u32) -> bool {
        (if self.timed() { now.as_nanos() } else { transmissions as u64 }) >= self.limit
    }

    /// Gives its payload up, and says how many bytes that are.
    pub(super) fn release(&mut self) -> usize {
        core::mem::take(&mut self.payload).len()
    }
}

/// The messages by their place: those of which a part was given a segment, then the others.
///
/// Messages that expire among the others stay, without their payload, until they come first or are the greater part.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    all: VecDeque<Message>,
    /// The place of the first of them.
    base: u64,
    /// How many were given a segment, or expired before and were passed over.
    launched: usize,
    /// How many of the others have expired.
    dead: usize,
    deadlines: BTreeSet<(Instant, MessageId)>,
}

impl Messages {
    /// Messages that were not given a segment and have not expired.
    #[inline]
    pub(super) fn len_waiting(&self) -> usize {
        // The two are parts of the first.
        self.all.len().wrapping_sub(self.launched).wrapping_sub(self.dead)
    }

    /// All that have not expired before they were sent.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.all.len().wrapping_sub(self.dead)
    }

    /// The place of the first message that was not given a segment.
    #[inline]
    pub(super) fn next_place(&self) -> u64 {
        self.base.wrapping_add(self.launched as u64)
    }

    /// The oldest message.
    pub(super) fn first_id(&self) -> Option<MessageId> {
        self.all.front().map(|message| message.id)
    }

    /// Whether one of those that wait expires at some time.
    #[inline]
    pub(super) fn has_deadlines(&self) -> bool {
        !self.deadlines.is_empty()
    }

    /// When the next one expires that was not given a segment.
    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The messages that wait.
    pub(super) fn iter_waiting(&self) -> impl Iterator<Item = &Message> {
        self.all.range(self.launched.min(self.all.len())..).filter(|message| !message.expired)
    }

    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        if message.timed() {
            self.note_deadline(message.limit, message.id);
        }
        self.all.push_back(message);
    }

    #[cold]
    fn note_deadline(&mut self, nanos: u64, id: MessageId) {
        self.deadlines.insert((Instant::from_nanos(nanos), id));
    }

    /// The index of a place.
    #[inline]
    fn index(&self, place: u64) -> usize {
        usize::try_from(place.saturating_sub(self.base)).unwrap_or(usize::MAX)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: u64) -> Option<&mut Message> {
        self.all.get_mut(self.index(place))
    }

    #[inline]
    pub(super) fn get(&self, place: u64) -> Option<&Message> {
        self.all.get(self.index(place))
    }

    /// So many messages from a place on.
    #[inline]
    pub(super) fn range(&self, place: u64, count: u32) -> impl ExactSizeIterator<Item = &Message> {
        let start = self.index(place).min(self.all.len());
        let end = start.saturating_add(count as usize).min(self.all.len());
        self.all.range(start..end)
    }

    /// The message to be given a segment after so many others; `None` also when it has expired: see [`Messages::pass_dead`].
    #[inline]
    pub(super) fn waiting(&self, after: usize) -> Option<&Message> {
        self.all.get(self.launched.wrapping_add(after)).filter(|message| !message.expired)
    }

    #[inline]
    pub(super) fn waiting_mut(&mut self, after: usize) -> Option<&mut Message> {
        self.all.get_mut(self.launched.wrapping_add(after))
    }

    /// So many of the first of those that wait are given a segment.
    #[inline]
    pub(super) fn launch(&mut self, count: usize) {
        self.launched = self.launched.wrapping_add(count);
    }

    /// So many of the first of those that wait do not expire any more before they are sent.
    pub(super) fn forget_deadlines(&mut self, count: usize) {
        for message in self.all.iter().skip(self.launched).take(count).filter(|message| message.timed()) {
            self.deadlines.remove(&(Instant::from_nanos(message.limit), message.id));
        }
    }

    /// A segment with a part of so many messages from a place on was acknowledged. Gives the number of bytes that this frees, and that of
    /// messages that are done.
    #[inline]
    pub(super) fn acknowledge(&mut self, place: u64, count: u32) -> (usize, u64) {
        let (mut bytes, mut done) = (0_usize, 0_u32);
        // The usual ones: at the front, and done with.
        if place == self.base {
            while done < count
                && let Some(message) = self.all.front_mut()
                && message.unacked == 1
                && message.complete
            {
                bytes = bytes.wrapping_add(message.payload.len());
                done = done.wrapping_add(1);
                self.all.pop_front();
            }
            self.base = self.base.wrapping_add(u64::from(done));
            // They were given a segment, or passed over.
            self.launched = self.launched.wrapping_sub(done as usize);
        }
        if done == count {
            return (bytes, u64::from(done));
        }
        let (more, others) = self.acknowledge_within(place.wrapping_add(u64::from(done)), count.wrapping_sub(done));
        (bytes.wrapping_add(more), u64::from(done).wrapping_add(others))
    }

    /// The same for messages that do not come first, or are not done with.
    #[inline(never)]
    fn acknowledge_within(&mut self, place: u64, count: u32) -> (usize, u64) {
        let (mut bytes, mut done) = (0_usize, 0_u64);
        let start = self.index(place);
        let end = start.saturating_add(count as usize).min(self.all.len());
        for message in self.all.range_mut(start.min(end)..end) {
            message.unacked = message.unacked.wrapping_sub(1);
            if message.is_finished() {
                done = done.wrapping_add(1);
                bytes = bytes.wrapping_add(message.release());
            }
        }
        (bytes, done)
    }

    #[inline]
    fn pop_first(&mut self) {
        self.all.pop_front();
        self.base = self.base.wrapping_add(1);
        // It was given a segment, or passed over.
        self.launched = self.launched.wrapping_sub(1);
    }

    /// Forgets the finished ones at the front of all.
    #[inline]
    pub(super) fn trim(&mut self) {
        self.pass_dead();
        while self.launched > 0 && self.all.front().is_some_and(Message::is_finished) {
            self.pop_first();
        }
    }

    /// Passes over the expired ones at the front of those that wait.
    #[inline]
    pub(super) fn pass_dead(&mut self) {
        if self.dead > 0 {
            self.pass_some_dead();
        }
    }

    #[cold]
    fn pass_some_dead(&mut self) {
        while self.dead > 0 && self.all.get(self.launched).is_some_and(|message| message.expired) {
            self.dead = self.dead.saturating_sub(1);
            self.launched = self.launched.saturating_add(1);
        }
        while self.launched > 0 && self.all.front().is_some_and(Message::is_finished) {
            self.pop_first();
        }
    }

    /// Marks what has expired at `now` of those that wait, the earliest deadline first, and gives it to `sink`.
    pub(super) fn expire(&mut self, now: Instant, sink: &mut impl FnMut(&Message, usize)) {
        while let Some(&(deadline, id)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            let found = self.all.binary_search_by_key(&id, |message| message.id);
            if let Some(message) = found.ok().and_then(|index| self.all.get_mut(index)) {
                let bytes = message.release();
                (message.expired, message.complete) = (true, true);
                self.dead = self.dead.saturating_add(1);
                sink(message, bytes);
            }
        }
        self.trim();
        if self.dead > self.len_waiting() {
            self.bury();
        }
    }

    /// Takes the expired ones out from between those that wait: so they never are the greater part, and cost nothing in the long run.
    fn bury(&mut self) {
        let mut kept = self.launched;
        for index in self.launched..self.all.len() {
            if self.all.get(index).is_some_and(|message| !message.expired) {
                self.all.swap(index, kept);
                kept = kept.saturating_add(1);
            }
        }
        self.all.truncate(kept);
        self.dead = 0;
    }
}
