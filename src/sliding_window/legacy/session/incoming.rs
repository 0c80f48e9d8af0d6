//! What has arrived and was not taken.

use alloc::collections::VecDeque;
use core::task::Poll;

use bytes::{Buf, Bytes};

use super::Echo;
use crate::sliding_window::legacy::in_window;
use crate::sliding_window::receiver::Asap;

/// A message that has arrived, and what its acknowledgement repeats.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) payload: Bytes,
    pub(super) echo: Echo,
}

/// What became of a data packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It was here before and is not taken, or waits behind a gap.
    Duplicate,
    /// It is before the window or behind it: the answer tells where that is.
    Outside,
    /// More bytes than there is room for.
    Refused,
}

/// Messages in order from the first that was not taken, and those behind a gap.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    window: u64,
    max_bytes: usize,
    consumed: u64,
    ready: VecDeque<Arrived>,
    /// From the first that is missing on.
    later: VecDeque<Option<Arrived>>,
    held_bytes: usize,
    asap_limit: usize,
    asap: VecDeque<Asap>,
    asap_dropped: u64,
}

impl Incoming {
    /// `max_bytes` is what an honest peer can have us hold: what it was granted, and one message beyond.
    pub(super) const fn new(window: u64, max_bytes: usize) -> Self {
        Self {
            window,
            max_bytes,
            consumed: 0,
            ready: VecDeque::new(),
            later: VecDeque::new(),
            held_bytes: 0,
            asap_limit: 0,
            asap: VecDeque::new(),
            asap_dropped: 0,
        }
    }

    /// How many our user has taken.
    pub(super) const fn consumed(&self) -> u64 {
        self.consumed
    }

    pub(super) fn next_expected(&self) -> u64 {
        self.consumed.saturating_add(self.ready.len() as u64)
    }

    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub(super) fn is_readable(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether something waits behind a gap.
    pub(super) fn has_gap(&self) -> bool {
        !self.later.is_empty()
    }

    /// Takes the data packet of a number. The caller has seen that its checksum is right.
    pub(super) fn on_data(&mut self, number: i64, payload: &[u8], echo: Echo) -> Arrival {
        let (first, last) = (self.next_expected(), self.consumed.saturating_add(self.window).saturating_sub(1));
        let signed = |number| i64::try_from(number).unwrap_or(i64::MAX);
        if !in_window(number, signed(first), signed(last)) {
            return Arrival::Outside;
        }
        let number = number.unsigned_abs();
        let Ok(place) = usize::try_from(number.saturating_sub(first)) else { return Arrival::Outside };
        if let Some(Some(held)) = self.later.get_mut(place) {
            // As the original: the acknowledgement repeats the time of the newest transmission.
            held.echo = echo;
            return Arrival::Duplicate;
        }
        if self.held_bytes.saturating_add(payload.len()) > self.max_bytes {
            return Arrival::Refused;
        }
        self.held_bytes = self.held_bytes.saturating_add(payload.len());
        let payload = Bytes::copy_from_slice(payload);
        self.copy(number, &payload);
        while self.later.len() <= place {
            self.later.push_back(None);
        }
        if let Some(slot) = self.later.get_mut(place) {
            *slot = Some(Arrived { payload, echo });
        }
        while let Some(arrived) = self.later.front_mut().and_then(Option::take) {
            self.later.pop_front();
            self.ready.push_back(arrived);
        }
        Arrival::New
    }

    /// Takes the next message.
    pub(super) fn take(&mut self) -> Option<Arrived> {
        let arrived = self.ready.pop_front()?;
        self.held_bytes = self.held_bytes.saturating_sub(arrived.payload.len());
        self.consumed = self.consumed.saturating_add(1);
        Some(arrived)
    }

    /// Reads bytes without boundaries; also gives what the acknowledgement of the last message repeats that was read to its
    /// end, and how many those were.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> (Poll<usize>, Option<Echo>, u64) {
        let (mut filled, mut last, mut taken) = (0_usize, None, 0_u64);
        while let Some(front) = self.ready.front_mut() {
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            let len = rest.len().min(front.payload.len());
            if let (Some(to), Some(from)) = (rest.get_mut(..len), front.payload.get(..len)) {
                to.copy_from_slice(from);
            }
            front.payload.advance(len);
            filled = filled.saturating_add(len);
            self.held_bytes = self.held_bytes.saturating_sub(len);
            if !front.payload.is_empty() {
                break;
            }
            last = self.take().map(|arrived| arrived.echo);
            taken = taken.saturating_add(1);
        }
        let nothing = filled == 0 && !buffer.is_empty();
        (if nothing { Poll::Pending } else { Poll::Ready(filled) }, last, taken)
    }

    fn copy(&mut self, segment: u64, payload: &Bytes) {
        if self.asap_limit > 0 {
            self.asap.push_back(Asap { segment, payload: payload.clone(), first: true, last: true });
            self.limit_asap();
        }
    }

    fn limit_asap(&mut self) {
        while self.asap.len() > self.asap_limit {
            self.asap.pop_front();
            self.asap_dropped = self.asap_dropped.saturating_add(1);
        }
    }

    pub(super) fn register_asap(&mut self, limit: usize) {
        self.asap_limit = limit;
        self.limit_asap();
    }

    pub(super) fn next_asap(&mut self) -> Option<Asap> {
        self.asap.pop_front()
    }

    pub(super) const fn asap_dropped(&self) -> u64 {
        self.asap_dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming() -> Incoming {
        Incoming::new(4, 100)
    }

    fn arrive(incoming: &mut Incoming, number: i64) -> Arrival {
        incoming.on_data(number, &[7; 10], Echo::default())
    }

    #[test]
    fn what_is_outside_of_the_window_is_told_so() {
        let mut incoming = incoming();
        let arrivals = [-1, i64::MIN, 4, i64::MAX, 3, 3, 0, 0].map(|number| arrive(&mut incoming, number));
        use Arrival::{Duplicate, New, Outside};
        assert_eq!(arrivals, [Outside, Outside, Outside, Outside, New, Duplicate, New, Outside]);
        assert_eq!((incoming.next_expected(), incoming.has_gap(), incoming.held_bytes()), (1, true, 20));
        assert!(incoming.take().is_some() && incoming.take().is_none());
        assert_eq!(arrive(&mut incoming, 4), New, "the window goes on with what is taken");
    }

    #[test]
    fn bytes_have_a_limit() {
        let mut incoming = Incoming::new(4, 25);
        let arrivals = [1, 0, 2].map(|number| arrive(&mut incoming, number));
        assert_eq!(arrivals, [Arrival::New, Arrival::New, Arrival::Refused]);
        assert!(incoming.take().is_some());
        assert_eq!(arrive(&mut incoming, 2), Arrival::New);
    }

    #[test]
    fn reading_passes_boundaries_and_is_pending_when_nothing_is_there() {
        let mut incoming = incoming();
        let mut buffer = [0; 8];
        assert_eq!(incoming.read(&mut buffer).0, Poll::Pending);
        for (number, payload) in (0..).zip([&b"abcde"[..], b"", b"fghij"]) {
            assert_eq!(incoming.on_data(number, payload, Echo::default()), Arrival::New);
        }
        let (read, echo, taken) = incoming.read(&mut buffer);
        assert_eq!((read, &buffer, echo.is_some(), taken), (Poll::Ready(8), b"abcdefgh", true, 2));
        assert_eq!((incoming.consumed(), incoming.held_bytes()), (2, 2));
        assert_eq!((incoming.read(&mut buffer).0, &buffer[..2]), (Poll::Ready(2), &b"ij"[..]));
        assert_eq!((incoming.consumed(), incoming.held_bytes()), (3, 0));
    }

    #[test]
    fn copies_give_way_to_newer_ones() {
        let mut incoming = incoming();
        incoming.register_asap(2);
        for number in [3, 1, 2, 2] {
            arrive(&mut incoming, number);
        }
        assert_eq!([(); 3].map(|()| incoming.next_asap().map(|copy| copy.segment)), [Some(1), Some(2), None]);
        assert_eq!(incoming.asap_dropped(), 1);
    }
}
