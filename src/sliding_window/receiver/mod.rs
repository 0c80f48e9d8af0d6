//! The receiving half: segments wait in slots until those before them are there, and messages until the application takes them.
//!
//! # Memory
//! Whatever the peer sends, all told at most:
//!
//! * slots: `2 * window_segments * 80` bytes (the factor 2, here and below, is that of buffers which double);
//! * what they hold: `2 * window_bytes + window_segments * (min(max_segment, 2048) + 24)`. Buffers are used again, those of large segments for
//!   small ones too; hence twice;
//! * a message of several segments that is put together, and one of the unordered: `2 * max_message`;
//! * records of unordered messages: `2 * window_messages * 24`, and about 100 for each segment of those that take several;
//! * the tap, if it is open: `limit` copies of messages or segments.

mod advance;
mod arrive;
mod deliver;
mod grant;
mod pool;
mod tap;
mod unordered;

pub(crate) use arrive::Arrival;
pub use tap::Asap;

use alloc::vec::Vec;

use self::advance::{Assembly, Ready};
use self::arrive::{Fragment, Open};
use self::grant::Renewal;
use self::pool::Pool;
use self::tap::Tap;
use self::unordered::Unordered;
use super::packet::Credit;
use super::ring::Ring;

/// The limits of a [`Receiver`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiverConfig {
    /// Bytes of messages that may be here and not taken; at least `max_message`.
    pub(crate) window_bytes: u64,
    /// Messages that may be here and not taken; at least 1.
    pub(crate) window_messages: u64,
    /// Segments that may be here and not passed on; at least 1, at most `u32::MAX`.
    pub(crate) window_segments: u64,
    /// The largest message in bytes.
    pub(crate) max_message: usize,
    /// The most bytes of a segment that the peer can send; with less credit than this left it may wait for more.
    pub(crate) max_segment: usize,
}

/// One segment, or room for it.
#[derive(Clone, Debug, Default)]
struct Slot {
    held: bool,
    /// Whether all that the peer sends ends with it.
    fin: bool,
    /// Its pieces, as they stood in the packet.
    buffer: Vec<u8>,
    /// The fragment that it carries. There is at most one: at the beginning.
    fragment: Option<Fragment>,
}

/// Counters of a [`Receiver`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReceiveCounters {
    /// Segments that were new.
    pub(crate) segments: u64,
    /// Segments that were there already.
    pub(crate) duplicates: u64,
    /// Segments beyond what was granted.
    pub(crate) refused: u64,
    /// Messages that the application has taken.
    pub(crate) taken: u64,
    /// Messages that the sender gave up: they had expired.
    pub(crate) dropped: u64,
}

/// The receiving half of a session.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    config: ReceiverConfig,
    /// From the segment at which the cursor stands on.
    slots: Ring<Slot>,
    /// The number of the segment at which the cursor stands: all before it was passed on.
    base: u64,
    /// Where in its buffer the next piece begins.
    offset: usize,
    /// The first segment that is missing.
    expected: u64,
    /// The message that continues there.
    open: Option<Open>,
    /// Whether the end lies before `expected`.
    ended: bool,
    /// What the cursor has found for the application.
    ready: Ready,
    assembly: Assembly,
    unordered: Unordered,
    /// Bytes that [`Receiver::read`] has taken of the next message.
    read_offset: usize,
    /// Whether that is one out of turn.
    reading_unordered: bool,
    finished: bool,
    pool: Pool,
    tap: Tap,
    /// What the peer was told at most, and what of it must change before it is told anew.
    granted: Credit,
    renewal: Renewal,
    /// Bytes and messages of all segments that were received.
    received_bytes: u64,
    received_messages: u64,
    /// Bytes and messages that the cursor has passed.
    consumed_bytes: u64,
    consumed_messages: u64,
    /// Whether the peer waits for a receipt that it was not told.
    receipt_due: bool,
    /// Whether something has come or was taken since that was asked.
    touched: bool,
    counters: ReceiveCounters,
}

impl Receiver {
    /// A receiver that has received nothing.
    pub(crate) fn new(config: ReceiverConfig) -> Self {
        let mut receiver = Self {
            config,
            slots: Ring::new(),
            base: 0,
            offset: 0,
            expected: 0,
            open: None,
            ended: false,
            ready: Ready::Nothing,
            assembly: Assembly::default(),
            unordered: Unordered::default(),
            read_offset: 0,
            reading_unordered: false,
            finished: false,
            pool: Pool::new(config.window_bytes, config.max_segment),
            tap: Tap::default(),
            granted: Credit::default(),
            renewal: Renewal::default(),
            received_bytes: 0,
            received_messages: 0,
            consumed_bytes: 0,
            consumed_messages: 0,
            receipt_due: false,
            touched: true,
            counters: ReceiveCounters::default(),
        };
        // What the handshake tells.
        receiver.credit();
        receiver
    }

    /// The first segment that is missing. Numbers on the wire are widened with it.
    #[inline]
    pub(crate) fn next_expected(&self) -> u64 {
        self.expected
    }

    /// The holes from [`Receiver::next_expected`] on: how many segments are missing, and how many follow that are here.
    pub(crate) fn holes(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let start = usize::try_from(self.expected.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let mut held = self.slots.iter().skip(start).map(|slot| slot.held).peekable();
        core::iter::from_fn(move || {
            let (mut missing, mut received) = (0_u64, 0_u64);
            while held.next_if(|held| !held).is_some() {
                missing = missing.saturating_add(1);
            }
            while held.next_if(|held| *held).is_some() {
                received = received.saturating_add(1);
            }
            (missing > 0 && received > 0).then_some((missing, received))
        })
    }

    /// Whether everything that the peer ever sends was taken.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the end was received with everything before it; the application may not have taken all.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Counters.
    pub(crate) fn counters(&self) -> ReceiveCounters {
        self.counters
    }

    /// Bytes of messages that are here and were not passed on.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.received_bytes.saturating_sub(self.consumed_bytes)
    }

    /// Whether something has come or was taken since this was asked last: else nothing has changed about our credit.
    #[inline]
    pub(crate) const fn take_touched(&mut self) -> bool {
        core::mem::replace(&mut self.touched, false)
    }

    /// The slot of a segment, if there is one.
    #[inline]
    fn slot(&self, segment: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(segment.checked_sub(self.base)?).ok()?)
    }

    #[inline]
    fn slot_mut(&mut self, segment: u64) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(segment.checked_sub(self.base)?).ok()?)
    }
}

#[cfg(test)]
mod tests;
