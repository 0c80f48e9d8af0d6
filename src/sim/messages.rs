//! The oracle of delivery for messages that promise less than order: unordered, and expiring.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;

use super::ledger::Ledger;
use super::{Side, Violation};
use crate::time::Instant;

/// What is promised to the messages of a channel. Each promises that nothing is doubled, changed, cut short or invented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Promise {
    /// All arrive, in order.
    #[default]
    Ordered,
    /// All arrive, in any order.
    Unordered,
    /// Some may be missing; those that arrive are in order.
    Expiring,
    /// Some may be missing; those that arrive are in any order.
    ExpiringUnordered,
    /// All bytes arrive, in order; where one message ends and the next begins is not seen.
    Stream,
}

impl Promise {
    /// Whether messages may be missing.
    #[must_use]
    pub const fn may_miss(self) -> bool {
        matches!(self, Self::Expiring | Self::ExpiringUnordered)
    }
}

/// What one place sends to another, per channel, each with its own [`Promise`].
///
/// It is a [`Ledger`] for the ordered channels, and the same for the others.
///
/// ```
/// use bytes::Bytes;
/// use mconn::sim::{MessageLedger, Promise, Side};
/// use mconn::time::Instant;
///
/// let mut ledger = MessageLedger::new(Side::B);
/// ledger.promise(1, Promise::Expiring);
/// for message in ["one", "two", "three"] {
///     ledger.accepted(1, Bytes::from(message));
/// }
/// assert!(ledger.delivered(Instant::ZERO, 1, b"two").is_ok()); // the first has expired
/// assert!(ledger.delivered(Instant::ZERO, 1, b"one").is_err()); // and must not come later
/// assert_eq!(ledger.missing(), None); // the third may be missing
/// assert_eq!(ledger.outstanding(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct MessageLedger<P = Side> {
    receiver: P,
    ordered: Ledger<P>,
    loose: Vec<Loose>,
}

/// A channel that is not ordered.
#[derive(Clone, Debug)]
struct Loose {
    channel: u8,
    promise: Promise,
    waiting: VecDeque<Bytes>,
    delivered: u64,
    delivered_bytes: u64,
    /// Those that were passed over, and may not come any more.
    skipped: u64,
}

impl Loose {
    /// Takes the bytes that were delivered off those that wait.
    fn settle_stream(&mut self, mut payload: &[u8]) -> Result<(), alloc::string::String> {
        self.delivered = self.delivered.saturating_add(1);
        self.delivered_bytes = self.delivered_bytes.saturating_add(payload.len() as u64);
        while !payload.is_empty() {
            let Some(front) = self.waiting.front_mut() else {
                return Err(format!("{} bytes after the last of the stream", payload.len()));
            };
            let len = front.len().min(payload.len());
            let (now, later) = payload.split_at(len);
            if front.split_to(len) != now {
                return Err(format!("{len} bytes that differ from those of the stream"));
            }
            payload = later;
            if front.is_empty() {
                self.waiting.pop_front();
            }
        }
        Ok(())
    }

    /// Takes the message that was delivered out of those that wait.
    fn settle(&mut self, payload: &[u8]) -> Result<(), alloc::string::String> {
        if self.promise == Promise::Stream {
            return self.settle_stream(payload);
        }
        let Some(position) = self.waiting.iter().position(|message| message == payload) else {
            let (len, waiting) = (payload.len(), self.waiting.len());
            return Err(format!("{len} bytes that are none of the {waiting} messages that can come"));
        };
        if self.promise == Promise::Expiring {
            self.waiting.drain(..position);
            self.waiting.pop_front();
            self.skipped = self.skipped.saturating_add(position as u64);
        } else {
            self.waiting.remove(position);
        }
        self.delivered = self.delivered.saturating_add(1);
        self.delivered_bytes = self.delivered_bytes.saturating_add(payload.len() as u64);
        Ok(())
    }
}

impl<P: Copy> MessageLedger<P> {
    /// A ledger of what `receiver` should get. Every channel is ordered.
    #[must_use]
    pub const fn new(receiver: P) -> Self {
        Self { receiver, ordered: Ledger::new(receiver), loose: Vec::new() }
    }

    /// Sets what is promised to the messages of a channel, before the first one.
    pub fn promise(&mut self, channel: u8, promise: Promise) {
        self.loose.retain(|loose| loose.channel != channel);
        if promise != Promise::Ordered {
            let waiting = VecDeque::new();
            self.loose.push(Loose { channel, promise, waiting, delivered: 0, delivered_bytes: 0, skipped: 0 });
        }
    }

    /// The sender accepted a message.
    pub fn accepted(&mut self, channel: u8, message: Bytes) {
        match self.loose.iter_mut().find(|loose| loose.channel == channel) {
            Some(loose) => loose.waiting.push_back(message),
            None => self.ordered.accepted(channel, message),
        }
    }

    /// The receiver got a message.
    ///
    /// # Errors
    /// [`Violation::Delivery`] when the promise of the channel is broken.
    pub fn delivered(&mut self, at: Instant, channel: u8, payload: &[u8]) -> Result<(), Violation<P>> {
        let Some(loose) = self.loose.iter_mut().find(|loose| loose.channel == channel) else {
            return self.ordered.delivered(at, channel, payload);
        };
        let index = loose.delivered;
        loose.settle(payload).map_err(|what| Violation::Delivery {
            at,
            side: self.receiver,
            channel,
            index,
            what: what.into(),
        })
    }

    /// Whether all that must be delivered has been.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.missing().is_none()
    }

    /// [`Violation::Missing`] for the first channel on which something that must be delivered has not been.
    #[must_use]
    pub fn missing(&self) -> Option<Violation<P>> {
        let missing = |loose: &&Loose| !loose.promise.may_miss() && !loose.waiting.is_empty();
        let loose = self.loose.iter().find(missing).map(|loose| Violation::Missing {
            side: self.receiver,
            channel: loose.channel,
            accepted: loose.delivered.saturating_add(loose.waiting.len() as u64),
            delivered: loose.delivered,
        });
        self.ordered.missing().or(loose)
    }

    /// Whether this message was accepted on the channel, and can still come.
    #[must_use]
    pub fn is_waiting(&self, channel: u8, message: &[u8]) -> bool {
        match self.loose.iter().find(|loose| loose.channel == channel) {
            Some(loose) => loose.waiting.iter().any(|waiting| waiting == message),
            None => self.ordered.is_waiting(channel, message),
        }
    }

    /// Messages that were accepted, and can still come.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        let ordered = self.ordered.accounts().iter().map(|one| one.accepted().saturating_sub(one.delivered()));
        let loose = self.loose.iter().map(|loose| loose.waiting.len() as u64);
        ordered.chain(loose).sum()
    }

    /// Messages that were delivered, and their bytes.
    #[must_use]
    pub fn total(&self) -> (u64, u64) {
        let ordered = self.ordered.accounts().iter().map(|one| (one.delivered(), one.delivered_bytes()));
        let loose = self.loose.iter().map(|one| (one.delivered, one.delivered_bytes));
        ordered.chain(loose).fold((0, 0), |sum, one| (sum.0.saturating_add(one.0), sum.1.saturating_add(one.1)))
    }

    /// Messages of an expiring channel that were passed over.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.loose.iter().map(|loose| loose.skipped).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const PROMISES: [Promise; 4] =
        [Promise::Ordered, Promise::Unordered, Promise::Expiring, Promise::ExpiringUnordered];

    fn ledger(promise: Promise) -> MessageLedger {
        let mut ledger = MessageLedger::new(Side::A);
        ledger.promise(7, promise);
        for message in ["one", "two", "two", "three"] {
            ledger.accepted(7, Bytes::from(message));
        }
        ledger
    }

    /// How many of these deliveries are right, up to the first that is wrong.
    fn right(promise: Promise, messages: &[&str]) -> usize {
        let mut ledger = ledger(promise);
        let wrong = |message: &&str| ledger.delivered(Instant::ZERO, 7, message.as_bytes()).is_err();
        messages.iter().position(wrong).unwrap_or(messages.len())
    }

    #[test]
    fn each_promise_allows_its_own() {
        let cases: [(&[&str], [usize; 4]); 7] = [
            (&["one", "two", "two", "three"], [4, 4, 4, 4]),
            (&["three", "two", "one", "two"], [0, 4, 1, 4]),
            (&["two", "three"], [0, 2, 2, 2]),
            (&["one", "one"], [1, 1, 1, 1]),
            (&["one", "two", "two", "two"], [3, 3, 3, 3]),
            (&["onE"], [0, 0, 0, 0]),
            (&["one", "tw"], [1, 1, 1, 1]),
        ];
        for (messages, expected) in cases {
            assert_eq!(PROMISES.map(|promise| right(promise, messages)), expected, "{messages:?}");
        }
    }

    #[test]
    fn only_what_does_not_expire_is_missed() {
        assert_eq!(PROMISES.map(|promise| ledger(promise).is_settled()), [false, false, true, true]);
        for promise in PROMISES {
            let mut ledger = ledger(promise);
            ledger.delivered(Instant::ZERO, 7, b"one").expect("the first");
            assert_eq!((ledger.outstanding(), ledger.total()), (3, (1, 3)));
            let missing = ledger.missing().map(|violation| violation.to_string());
            let expected = (!promise.may_miss()).then_some("A got 1 of 4 messages on channel 0x07");
            assert_eq!(missing.as_deref(), expected);
        }
    }

    #[test]
    fn each_channel_has_its_own_promise_the_last_one() {
        let mut ledger = MessageLedger::new(Side::A);
        ledger.promise(1, Promise::Expiring);
        ledger.promise(2, Promise::Unordered);
        ledger.promise(1, Promise::Unordered);
        ledger.promise(2, Promise::Ordered);
        for channel in [1, 2] {
            ledger.accepted(channel, Bytes::from("one"));
            ledger.accepted(channel, Bytes::from("two"));
        }
        assert!(ledger.delivered(Instant::ZERO, 2, b"two").is_err(), "it is ordered again");
        for message in ["two", "one"] {
            ledger.delivered(Instant::ZERO, 1, message.as_bytes()).expect("in any order");
        }
        assert_eq!((ledger.outstanding(), ledger.total()), (2, (2, 6)));
    }

    #[test]
    fn a_stream_has_no_boundaries() {
        let right = |pieces: &[&str]| {
            let mut ledger = ledger(Promise::Stream);
            let wrong = |piece: &&str| ledger.delivered(Instant::ZERO, 7, piece.as_bytes()).is_err();
            let right = pieces.iter().position(wrong).unwrap_or(pieces.len());
            (right, ledger.is_settled())
        };
        assert_eq!(right(&["onetwotwothree"]), (1, true));
        assert_eq!(right(&["o", "netw", "", "otwo", "th", "ree"]), (6, true));
        assert_eq!(right(&["one", "two"]), (2, false));
        assert_eq!(right(&["one", "twoth"]), (1, false));
        assert_eq!(right(&["onetwotwothree", "!"]), (1, true));
    }

    #[test]
    fn what_can_still_come_is_known() {
        for promise in PROMISES {
            let mut ledger = ledger(promise);
            assert!(ledger.is_waiting(7, b"one") && !ledger.is_waiting(7, b"four") && !ledger.is_waiting(8, b"one"));
            ledger.delivered(Instant::ZERO, 7, b"one").expect("it is the first");
            assert!(!ledger.is_waiting(7, b"one"));
        }
    }

    #[test]
    fn what_expired_is_counted() {
        let mut ledger = ledger(Promise::Expiring);
        ledger.delivered(Instant::ZERO, 7, b"three").expect("it is one of them");
        assert_eq!((ledger.skipped(), ledger.outstanding()), (3, 0));
        let error = ledger.delivered(Instant::ZERO, 7, b"two").expect_err("too late").to_string();
        assert!(
            error.ends_with("message 1 on channel 0x07: 3 bytes that are none of the 0 messages that can come"),
            "{error}"
        );
    }
}
