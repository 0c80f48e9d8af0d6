//! A small reliable protocol, stop and wait, and the faults that it can have.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};
use mconn::sim::{Address, DatagramEndpoint, Desk, Fnv, Label, Violation};
use mconn::time::{Duration, Instant};

/// What a [`Toy`] does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Acknowledges the third message and does not deliver it.
    Loses,
    /// Delivers what comes again.
    Doubles,
    /// Delivers the third message after the fourth.
    Reorders,
    /// Does not look at the checksum.
    Trusts,
    /// Delivers the third message without its last byte.
    Truncates,
    /// Delivers what nobody sent.
    Invents,
    /// Its deadline lies always in the past.
    Spins,
    /// Sends without end.
    Babbles,
    /// Never sends again what was lost.
    Forgets,
    /// Never ends, and wakes for ever.
    Lives,
    /// Holds more than it may.
    Hoards,
    /// Sends to an address at which nobody is.
    Strays,
    /// Has a deadline after the end.
    Undead,
}

const RETRY: Duration = Duration::from_millis(300);
const ATTEMPTS: u32 = 80;
const CHANNEL: u8 = 1;
const HEADER: usize = 13;

/// What travels: kind, number, checksum over all but itself, payload.
pub(crate) fn encode(into: &mut BytesMut, kind: u8, number: u32, payload: &[u8]) {
    into.put_u8(kind);
    into.put_u32(number);
    into.put_u64(checksum(kind, number, payload));
    into.put_slice(payload);
}

fn checksum(kind: u8, number: u32, payload: &[u8]) -> u64 {
    let mut hash = Fnv::new();
    hash.update(&[kind]);
    hash.update(&number.to_be_bytes());
    hash.update(payload);
    hash.finish()
}

fn decode(datagram: &[u8], trust: bool) -> Option<(u8, u32, &[u8])> {
    let (header, payload) = datagram.split_at_checked(HEADER)?;
    let (kind, number) = (header[0], u32::from_be_bytes(header[1..5].try_into().ok()?));
    let sum = u64::from_be_bytes(header[5..].try_into().ok()?);
    (trust || sum == checksum(kind, number, payload)).then_some((kind, number, payload))
}

/// The classifier of this protocol.
pub(crate) fn label(datagram: &[u8]) -> Option<Label> {
    let (kind, number, _) = decode(datagram, true)?;
    Some(Label::new(if kind == b'd' { "data" } else { "ack" }, u64::from(number)))
}

/// How a toy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All that it had to send was acknowledged, and all that it was to get has come.
    Done,
    /// The peer did not answer.
    GaveUp,
}

/// Both a sender and a receiver, with one peer.
#[derive(Clone, Debug)]
pub(crate) struct Toy {
    pub(crate) fault: Fault,
    pub(crate) peer: Address,
    outbox: VecDeque<Bytes>,
    /// The number of the message that is being sent, how often it was, and when it is sent again.
    number: u32,
    attempts: u32,
    retry_at: Option<Instant>,
    accepted: bool,
    expected: u32,
    awaited: u32,
    /// What the user has not taken.
    inbox: VecDeque<Bytes>,
    held_back: Option<Bytes>,
    acks: VecDeque<(Address, u32)>,
    /// After the last message the acknowledgement of it may be lost: answer for a while.
    last_heard: Option<Instant>,
    linger: Duration,
    pub(crate) end: Option<End>,
}

impl Toy {
    /// Sends these messages, and awaits so many.
    pub(crate) fn new(peer: Address, messages: Vec<Bytes>, awaited: u32, fault: Fault) -> Self {
        Self {
            fault,
            peer,
            outbox: messages.into(),
            number: 0,
            attempts: 0,
            retry_at: None,
            accepted: false,
            expected: 0,
            awaited,
            inbox: VecDeque::new(),
            held_back: None,
            acks: VecDeque::new(),
            last_heard: None,
            linger: RETRY * ATTEMPTS,
            end: None,
        }
    }

    fn received(&mut self, from: Address, number: u32, payload: &[u8]) {
        if number > self.expected {
            return; // from before: nobody sends ahead
        }
        self.acks.push_back((from, number));
        let fresh = number == self.expected;
        self.expected += u32::from(fresh);
        let third = fresh && number == 2;
        let message = Bytes::copy_from_slice(payload);
        match self.fault {
            Fault::Loses if third => {}
            Fault::Truncates if third => self.inbox.push_back(message.slice(..message.len() - 1)),
            Fault::Reorders if third => self.held_back = Some(message),
            Fault::Invents if third => self.inbox.extend([message, Bytes::from("invented")]),
            _ if fresh || self.fault == Fault::Doubles => {
                self.inbox.push_back(message);
                self.inbox.extend(self.held_back.take());
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let linger = self.last_heard.map(|heard| heard + self.linger);
        [self.retry_at, linger].into_iter().flatten().min()
    }

    fn finish(&mut self, now: Instant) {
        if self.fault == Fault::Lives {
            self.last_heard = Some(now);
        }
        if self.end.is_some() {
            return;
        }
        let silent = self.last_heard.is_some_and(|heard| heard + self.linger <= now);
        if self.attempts > ATTEMPTS {
            self.end = Some(End::GaveUp);
        } else if silent {
            let done = self.outbox.is_empty() && self.expected >= self.awaited;
            self.end = Some(if done { End::Done } else { End::GaveUp });
        }
        if self.end.is_some() && self.fault != Fault::Undead {
            (self.retry_at, self.last_heard) = (None, None);
        }
    }
}

impl DatagramEndpoint for Toy {
    fn handle_datagram(&mut self, now: Instant, from: Address, datagram: &mut BytesMut) {
        let Some((kind, number, payload)) = decode(datagram, self.fault == Fault::Trusts) else { return };
        if self.end.is_none() {
            self.last_heard = Some(now.max(self.last_heard.unwrap_or(now)));
        }
        if kind == b'd' {
            self.received(from, number, payload);
        } else if number == self.number && self.attempts > 0 {
            self.outbox.pop_front();
            self.number += 1;
            (self.attempts, self.retry_at, self.accepted) = (0, None, false);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.last_heard.get_or_insert(now);
        if self.end.is_some() {
            self.last_heard = None;
        }
        self.finish(now);
    }

    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
        if let Some((from, number)) = self.acks.pop_front() {
            encode(into, b'a', number, &[]);
            return Some(from);
        }
        if self.fault == Fault::Babbles {
            encode(into, b'a', 0, &[]);
            return Some(self.peer);
        }
        let message = self.outbox.front().filter(|_| self.end.is_none() && self.accepted)?;
        if self.retry_at.is_some_and(|at| at > now) || (self.fault == Fault::Forgets && self.attempts > 0) {
            return None;
        }
        self.attempts += 1;
        self.retry_at = if self.fault == Fault::Forgets { None } else { Some(now + RETRY) };
        encode(into, b'd', self.number, message);
        Some(if self.fault == Fault::Strays { Address::new(77) } else { self.peer })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.fault {
            Fault::Spins => Some(Instant::ZERO),
            Fault::Forgets => None,
            _ => self.deadline(),
        }
    }

    fn act(&mut self, _: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        if let Some(message) = self.outbox.front().filter(|_| !self.accepted) {
            desk.accepted(self.peer, CHANNEL, message.clone());
            self.accepted = true;
        }
        while let Some(message) = self.inbox.pop_front() {
            desk.delivered(self.peer, CHANNEL, &message)?;
        }
        let held = self.acks.len() + usize::from(self.fault == Fault::Hoards) * 1_000;
        desk.limit("acknowledgements", held, 100)?;
        if let Some(end) = self.end {
            desk.rule(self.deadline().is_none(), "a deadline after the end")?;
            desk.note(|| format!("ended: {end:?}"));
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.end.is_some()
    }

    fn describe(&self) -> String {
        format!("{} to send, {} of {} got", self.outbox.len(), self.expected, self.awaited)
    }
}
