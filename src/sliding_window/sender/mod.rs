//! The sending half: messages wait, become segments within the peer's credit, and are kept until they are acknowledged.
//!
//! # Memory
//! At most `buffer_bytes` of messages (they are the caller's `Bytes`, not copied), and records: twice what
//! `buffer_messages` messages, `window_segments` segments and `max_receipts` receipts take, at about 100 bytes each. The factor
//! is that of buffers which double.

mod error;
mod fill;
mod make;
mod messages;
mod options;
mod outcome;
mod segment;
mod stream;

pub use error::{SendError, SendRefusal};
pub use options::{Class, Expires, MessageId, SendOptions};

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use self::messages::{Message, Messages};
use self::segment::Segment;
use super::packet::Credit;
use super::ring::Ring;
use crate::time::Instant;

/// The limits of a [`Sender`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderConfig {
    /// The largest message in bytes. The peer's limit, once it is known: see [`Sender::set_max_message`].
    pub(crate) max_message: usize,
    /// Bytes of messages that were accepted and not acknowledged.
    pub(crate) buffer_bytes: usize,
    /// Messages that were accepted and not acknowledged.
    pub(crate) buffer_messages: usize,
    /// Segments from the oldest that is not acknowledged on, whatever the peer grants.
    pub(crate) window_segments: usize,
    /// The most bytes of a data frame, its header included.
    pub(crate) max_frame: usize,
    /// Messages whose receipt has not come.
    pub(crate) max_receipts: usize,
}

/// What keeps new segments from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// The peer has granted no more bytes.
    Bytes,
    /// The peer has granted no more messages.
    Messages,
    /// The peer has granted no more segments.
    Segments,
    /// Too many segments are not acknowledged: our own limit.
    Window,
}

/// Counters of a [`Sender`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SendCounters {
    /// Messages that were accepted.
    pub(crate) accepted: u64,
    /// Messages of which every part was acknowledged; expired ones too.
    pub(crate) acknowledged: u64,
    /// Messages that expired.
    pub(crate) expired: u64,
    /// Segments that were sent again.
    pub(crate) resent: u64,
}

/// Where the end of all that we send is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Wanted,
    Sent,
    Acked,
}

/// A receipt that is wanted.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    id: MessageId,
    /// How many messages were sent before it.
    place: u64,
    /// Whether it expired: then there is none.
    expired: bool,
}

/// The sending half of a session.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    config: SenderConfig,
    /// Bytes of a stream that do not fill a message yet; the newest of all that was accepted.
    tail: BytesMut,
    messages: Messages,
    /// The place of the message of which only a part was given a segment.
    open: Option<u64>,
    /// Fragments of it.
    fragments: u32,
    /// Messages of which a part was given a segment: what the peer counts.
    sent_messages: u64,
    /// From the oldest that is not acknowledged on.
    segments: Ring<Segment>,
    /// The number of the first of them.
    base: u64,
    /// Segments to send again, the first first.
    lost: VecDeque<u64>,
    /// What the peer has granted.
    credit: Credit,
    /// Bytes that were given a segment.
    used_bytes: u64,
    blocked: Option<Blocked>,
    end: End,
    next_id: u64,
    buffered_bytes: usize,
    /// The size of the smallest message that was refused for want of room since room was told.
    refused: Option<usize>,
    /// Messages whose receipt is wanted.
    receipts: VecDeque<Receipt>,
    /// Receipts that are wanted for messages that no segment has carried yet.
    queued_receipts: usize,
    expired: VecDeque<MessageId>,
    counters: SendCounters,
}

impl Sender {
    /// A sender that may send nothing before [`Sender::on_credit`].
    pub(crate) fn new(config: SenderConfig) -> Self {
        Self {
            config,
            tail: BytesMut::new(),
            messages: Messages::default(),
            open: None,
            fragments: 0,
            sent_messages: 0,
            segments: Ring::new(),
            base: 0,
            lost: VecDeque::new(),
            credit: Credit::default(),
            used_bytes: 0,
            blocked: None,
            end: End::Open,
            next_id: 0,
            buffered_bytes: 0,
            refused: None,
            receipts: VecDeque::new(),
            queued_receipts: 0,
            expired: VecDeque::new(),
            counters: SendCounters::default(),
        }
    }

    /// Accepts a message.
    ///
    /// # Errors
    /// [`SendError`] gives the message back.
    #[inline]
    pub(crate) fn try_send(&mut self, payload: Bytes, options: &SendOptions) -> Result<MessageId, SendError> {
        match self.refusal(payload.len(), options) {
            None => {
                if !self.tail.is_empty() {
                    self.freeze_tail();
                }
                // Within the limit of the buffer.
                self.buffered_bytes = self.buffered_bytes.wrapping_add(payload.len());
                Ok(self.accept(payload, options))
            }
            Some(refusal) => Err(self.refuse(payload, refusal)),
        }
    }

    #[inline]
    pub(crate) fn refusal(&self, len: usize, options: &SendOptions) -> Option<SendRefusal> {
        let messages = self.buffered_messages();
        let bytes = self.buffered_bytes;
        if self.end != End::Open {
            Some(SendRefusal::Finished)
        } else if len > self.config.max_message {
            Some(SendRefusal::TooLarge { limit: self.config.max_message })
        } else if messages >= self.config.buffer_messages || len > self.config.buffer_bytes.saturating_sub(bytes) {
            Some(SendRefusal::Full { messages, bytes })
        } else if options.receipt && self.waiting_receipts() >= self.config.max_receipts {
            Some(SendRefusal::TooManyReceipts { waiting: self.waiting_receipts() })
        } else {
            None
        }
    }

    #[cold]
    fn refuse(&mut self, message: Bytes, refusal: SendRefusal) -> SendError {
        if matches!(refusal, SendRefusal::Full { .. }) {
            self.note_refused(message.len());
        }
        SendError { refusal, message }
    }

    /// Queues a message whose bytes are counted already.
    #[inline]
    fn accept(&mut self, payload: Bytes, options: &SendOptions) -> MessageId {
        let id = MessageId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.counters.accepted = self.counters.accepted.wrapping_add(1);
        if options.receipt {
            self.queued_receipts = self.queued_receipts.wrapping_add(1);
        }
        self.messages.push(Message::new(id, payload, options));
        id
    }

    /// Ends what is sent: after all that was accepted the peer is told that nothing comes any more.
    pub(crate) fn finish(&mut self) {
        if self.end == End::Open {
            self.freeze_tail();
            self.end = End::Wanted;
        }
    }

    /// Whether [`Sender::finish`] was called.
    pub(crate) fn is_finishing(&self) -> bool {
        self.end != End::Open
    }

    /// Whether everything, the end included, was acknowledged.
    pub(crate) fn is_finished(&self) -> bool {
        self.end == End::Acked && self.segments.is_empty()
    }

    /// Sets the largest message: that of the peer. `false` when a larger one was accepted before.
    pub(crate) fn set_max_message(&mut self, limit: usize) -> bool {
        self.config.max_message = limit;
        self.messages.iter_waiting().all(|message| message.payload.len() <= limit)
    }

    /// Sets the most bytes of a data frame for the segments to come.
    pub(crate) fn set_max_frame(&mut self, max_frame: usize) {
        self.config.max_frame = max_frame;
    }

    /// Whether [`Sender::next`] may have something to send.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.lost.is_empty() || (self.blocked.is_none() && self.has_unsent())
    }

    /// Whether something waits that no segment has carried yet.
    #[inline]
    pub(crate) fn has_unsent(&self) -> bool {
        self.messages.len_waiting() > 0 || self.open.is_some() || !self.tail.is_empty() || self.end == End::Wanted
    }

    /// What keeps new segments from being made; `None` when nothing does, or there is nothing to send.
    pub(crate) fn blocked_by(&self) -> Option<Blocked> {
        self.blocked
    }

    /// Segments that are not acknowledged.
    pub(crate) fn unacked_segments(&self) -> usize {
        self.segments.len()
    }

    /// The number that the next new segment gets.
    pub(crate) fn next_segment(&self) -> u64 {
        self.base.wrapping_add(self.segments.len() as u64)
    }

    /// Messages that were accepted and not acknowledged. One that was acknowledged out of turn counts until those before it are.
    #[inline]
    pub(crate) fn buffered_messages(&self) -> usize {
        self.messages.len()
    }

    /// Bytes of messages that were accepted and not acknowledged.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.buffered_bytes
    }

    /// Whether there is room again after a message was refused for want of it; told once.
    pub(crate) fn take_writable(&mut self) -> bool {
        // A message of more than half the buffer must fit too, or it would be refused again at once, and so for ever.
        let writable = self.refused.is_some_and(|len| {
            self.buffered_bytes <= (self.config.buffer_bytes / 2).min(self.config.buffer_bytes.saturating_sub(len))
                && self.buffered_messages() <= self.config.buffer_messages / 2
        });
        if writable {
            self.refused = None;
        }
        writable
    }

    /// Notes that something of this size was refused for want of room.
    fn note_refused(&mut self, len: usize) {
        self.refused = Some(self.refused.map_or(len, |smallest| smallest.min(len)));
    }

    /// A mark behind everything that was accepted so far.
    pub(crate) fn mark(&mut self) -> u64 {
        self.freeze_tail();
        self.next_id
    }

    /// Whether everything before the mark was acknowledged, or has expired.
    pub(crate) fn is_flushed(&self, mark: u64) -> bool {
        self.messages.first_id().is_none_or(|id| id.0 >= mark)
    }

    /// When the next message expires that was not sent yet, or not all of it.
    #[inline]
    pub(crate) fn expiry_deadline(&self) -> Option<Instant> {
        let waiting = self.messages.next_deadline();
        let Some(place) = self.open else { return waiting };
        let open = self.messages.get(place).filter(|message| !message.expired);
        let open = open.and_then(Message::deadline);
        waiting.into_iter().chain(open).min()
    }

    /// The next message that expired.
    pub(crate) fn poll_expired(&mut self) -> Option<MessageId> {
        self.expired.pop_front()
    }

    /// Messages whose receipt is wanted and has not come.
    pub(crate) fn waiting_receipts(&self) -> usize {
        self.receipts.len().saturating_add(self.queued_receipts)
    }

    /// Counters.
    pub(crate) fn counters(&self) -> SendCounters {
        self.counters
    }

    /// What the peer has granted.
    pub(crate) fn credit(&self) -> Credit {
        self.credit
    }

    #[inline]
    fn segment(&self, number: u64) -> Option<&Segment> {
        self.segments.get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    #[inline]
    fn segment_mut(&mut self, number: u64) -> Option<&mut Segment> {
        self.segments.get_mut(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }
}

#[cfg(test)]
mod tests;
