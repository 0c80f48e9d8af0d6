//! The oracle of delivery: what was accepted at one side, against what arrives at the other.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Side, Violation};
use crate::time::Instant;

/// What one side sends to the other, per channel. A side is a [`Side`] of a pair, or whatever names the receiver.
///
/// It knows the messages that were accepted and have not been delivered. Each delivery must be the oldest of its channel: that
/// is all of "nothing lost, doubled, reordered, changed or invented".
///
/// ```
/// use bytes::Bytes;
/// use mconn::sim::{Ledger, Side};
/// use mconn::time::Instant;
///
/// let mut ledger = Ledger::new(Side::B);
/// ledger.accepted(7, Bytes::from("one"));
/// ledger.accepted(7, Bytes::from("two"));
/// assert!(ledger.delivered(Instant::ZERO, 7, b"one").is_ok());
/// assert!(ledger.delivered(Instant::ZERO, 7, b"one").is_err()); // doubled
/// assert_eq!(ledger.missing().unwrap().to_string(), "B got 1 of 2 messages on channel 0x07");
/// ```
#[derive(Clone, Debug)]
pub struct Ledger<P = Side> {
    receiver: P,
    channels: Vec<Account>,
}

/// One channel of a [`Ledger`].
#[derive(Clone, Debug)]
pub struct Account {
    channel: u8,
    waiting: VecDeque<Bytes>,
    delivered: u64,
    delivered_bytes: u64,
}

impl Account {
    /// The channel.
    #[must_use]
    pub const fn channel(&self) -> u8 {
        self.channel
    }

    /// Messages that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.delivered.saturating_add(self.waiting.len() as u64)
    }

    /// Messages that were delivered.
    #[must_use]
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Their bytes.
    #[must_use]
    pub const fn delivered_bytes(&self) -> u64 {
        self.delivered_bytes
    }
}

impl<P: Copy> Ledger<P> {
    /// A ledger of what `receiver` should get.
    #[must_use]
    pub const fn new(receiver: P) -> Self {
        Self { receiver, channels: Vec::new() }
    }

    /// The channels on which anything was accepted or delivered, in the order in which they were used first.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.channels
    }

    fn account(&self, channel: u8) -> Option<usize> {
        self.channels.iter().position(|account| account.channel == channel)
    }

    /// The sender accepted a message.
    pub fn accepted(&mut self, channel: u8, message: Bytes) {
        match self.account(channel).and_then(|position| self.channels.get_mut(position)) {
            Some(account) => account.waiting.push_back(message),
            None => {
                let waiting = VecDeque::from([message]);
                self.channels.push(Account { channel, waiting, delivered: 0, delivered_bytes: 0 });
            }
        }
    }

    /// The receiver got a message.
    ///
    /// # Errors
    /// [`Violation::Delivery`] when it is not the oldest one accepted on this channel and not delivered.
    pub fn delivered(&mut self, at: Instant, channel: u8, payload: &[u8]) -> Result<(), Violation<P>> {
        let side = self.receiver;
        let Some(account) = self.account(channel).and_then(|position| self.channels.get_mut(position)) else {
            let what = format!("{} bytes on a channel on which nothing was sent", payload.len()).into();
            return Err(Violation::Delivery { at, side, channel, index: 0, what });
        };
        let index = account.delivered;
        let what = match account.waiting.front() {
            Some(expected) if expected == payload => {
                account.waiting.pop_front();
                account.delivered = account.delivered.saturating_add(1);
                account.delivered_bytes = account.delivered_bytes.saturating_add(payload.len() as u64);
                return Ok(());
            }
            Some(expected) => mismatch(expected, payload, account.waiting.iter().position(|later| later == payload)),
            None => format!("{} bytes, and nothing more was sent", payload.len()),
        };
        Err(Violation::Delivery { at, side, channel, index, what: what.into() })
    }

    /// Whether this message was accepted on the channel and not delivered.
    #[must_use]
    pub fn is_waiting(&self, channel: u8, message: &[u8]) -> bool {
        let account = self.channels.iter().find(|account| account.channel == channel);
        account.is_some_and(|account| account.waiting.iter().any(|waiting| waiting == message))
    }

    /// Whether all that was accepted has been delivered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.channels.iter().all(|account| account.waiting.is_empty())
    }

    /// [`Violation::Missing`] for the first channel on which something has not been delivered.
    #[must_use]
    pub fn missing(&self) -> Option<Violation<P>> {
        let account = self.channels.iter().find(|account| !account.waiting.is_empty())?;
        Some(Violation::Missing {
            side: self.receiver,
            channel: account.channel,
            accepted: account.accepted(),
            delivered: account.delivered,
        })
    }
}

fn mismatch(expected: &[u8], got: &[u8], later: Option<usize>) -> alloc::string::String {
    if let Some(skipped) = later {
        return format!("it is the one {skipped} later");
    }
    let differ = expected.iter().zip(got).position(|(one, two)| one != two);
    match differ {
        Some(byte) => format!("{} bytes for {}, the first difference at byte {byte}", got.len(), expected.len()),
        None => format!("{} bytes for {}, the same as far as they go", got.len(), expected.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    const NOW: Instant = Instant::ZERO;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(Side::A);
        for message in ["one", "two", "three"] {
            ledger.accepted(1, Bytes::from(message));
        }
        ledger.accepted(2, Bytes::new());
        ledger
    }

    fn wrong(ledger: &mut Ledger, channel: u8, payload: &str) -> String {
        ledger.delivered(NOW, channel, payload.as_bytes()).expect_err("it is wrong").to_string()
    }

    #[test]
    fn what_comes_in_order_is_right() {
        let mut ledger = ledger();
        assert!(!ledger.is_settled());
        for (channel, message) in [(1, "one"), (2, ""), (1, "two"), (1, "three")] {
            ledger.delivered(NOW, channel, message.as_bytes()).expect("it is the next");
        }
        assert!(ledger.is_settled());
        assert_eq!(ledger.missing(), None);
        let account = &ledger.accounts()[0];
        assert_eq!(
            (account.channel(), account.accepted(), account.delivered(), account.delivered_bytes()),
            (1, 3, 3, 11)
        );
    }

    #[test]
    fn all_else_is_wrong_and_says_how() {
        assert!(wrong(&mut ledger(), 1, "two").ends_with("it is the one 1 later"));
        assert!(wrong(&mut ledger(), 1, "one!").ends_with("4 bytes for 3, the same as far as they go"));
        assert!(wrong(&mut ledger(), 1, "onE").ends_with("3 bytes for 3, the first difference at byte 2"));
        assert!(wrong(&mut ledger(), 3, "one").ends_with("3 bytes on a channel on which nothing was sent"));
        let mut drained = ledger();
        drained.delivered(NOW, 2, b"").expect("it is the next");
        assert!(wrong(&mut drained, 2, "").ends_with("0 bytes, and nothing more was sent"));
        assert_eq!(drained.missing().expect("three").to_string(), "A got 0 of 3 messages on channel 0x01");
    }
}
