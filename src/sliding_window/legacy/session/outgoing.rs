//! What waits to be sent, and what was sent and is not acknowledged.

use alloc::collections::VecDeque;

use bytes::Bytes;

use crate::sliding_window::legacy::{CHECKSUM_LEN, checksum};
use crate::time::Instant;

/// A message with its number.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) payload: Bytes,
    pub(super) receipt: bool,
    /// Bytes of all messages up to the end of this one.
    pub(super) cumulative: u64,
    /// Calculated when it is sent first.
    pub(super) checksum: Option<[u8; CHECKSUM_LEN]>,
    pub(super) sent_at: Instant,
    /// How often it was sent.
    pub(super) transmissions: u32,
}

/// What is sent after a timeout: from the oldest on, twice as many with each acknowledgement that brings progress. Without
/// selective acknowledgements nobody knows what has arrived behind a gap.
#[derive(Clone, Copy, Debug)]
struct Repair {
    /// What was sent before the timeout ends here.
    end: u64,
    /// What is sent again next.
    next: u64,
    /// How many may be out.
    quota: usize,
}

/// How much may be out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) messages: usize,
    pub(super) bytes: u64,
}

/// Messages from the oldest that is not acknowledged to the newest that was accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct Outgoing {
    slots: VecDeque<Slot>,
    /// The number of the first of them.
    base: u64,
    /// So many from the front were sent at least once.
    sent: usize,
    sent_bytes: u64,
    bytes: usize,
    cumulative: u64,
    receipts: usize,
    repair: Option<Repair>,
}

impl Outgoing {
    pub(super) fn push(&mut self, payload: Bytes, receipt: bool) -> u64 {
        self.bytes = self.bytes.saturating_add(payload.len());
        self.cumulative = self.cumulative.saturating_add(payload.len() as u64);
        self.receipts = self.receipts.saturating_add(usize::from(receipt));
        let number = self.end();
        let cumulative = self.cumulative;
        let slot = Slot { payload, receipt, cumulative, checksum: None, sent_at: Instant::ZERO, transmissions: 0 };
        self.slots.push_back(slot);
        number
    }

    /// The number of the next message.
    pub(super) fn end(&self) -> u64 {
        self.base.saturating_add(self.slots.len() as u64)
    }

    /// How many were acknowledged.
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// The number of the next message that was never sent.
    pub(super) const fn sent_end(&self) -> u64 {
        self.base.saturating_add(self.sent as u64)
    }

    pub(super) const fn in_flight(&self) -> (usize, u64) {
        (self.sent, self.sent_bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) const fn receipts(&self) -> usize {
        self.receipts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.slots.len() > self.sent
    }

    /// When the oldest that is not acknowledged was sent last.
    pub(super) fn oldest_sent_at(&self) -> Option<Instant> {
        self.slots.front().filter(|_| self.sent > 0).map(|slot| slot.sent_at)
    }

    /// What goes next: something again, or something new if there is room for it.
    pub(super) fn next(&self, room: Room) -> Option<u64> {
        let mut most = room.messages;
        if let Some(repair) = self.repair {
            if repair.next < repair.end {
                let out = repair.next.saturating_sub(self.base);
                return (out < repair.quota as u64).then_some(repair.next);
            }
            most = most.min(repair.quota);
        }
        // As the original: the last one may go beyond the bytes.
        let fits = self.sent == 0 || self.sent_bytes < room.bytes;
        (self.has_unsent() && self.sent < most && fits).then(|| self.sent_end())
    }

    /// Notes that a message is being sent, and lends it.
    pub(super) fn on_sent(&mut self, now: Instant, number: u64) -> Option<&Slot> {
        let place = usize::try_from(number.checked_sub(self.base)?).ok()?;
        if let Some(repair) = &mut self.repair
            && repair.next == number
        {
            repair.next = repair.next.saturating_add(1);
        }
        let slot = self.slots.get_mut(place)?;
        if place >= self.sent {
            self.sent = place.saturating_add(1);
            self.sent_bytes = self.sent_bytes.saturating_add(slot.payload.len() as u64);
        }
        slot.sent_at = now;
        slot.transmissions = slot.transmissions.saturating_add(1);
        if slot.checksum.is_none() && !slot.payload.is_empty() {
            slot.checksum = Some(checksum(&slot.payload));
        }
        Some(slot)
    }

    /// Lets go of all messages before `end`; tells of those for which a receipt was asked. Whether there were any.
    pub(super) fn on_acked(&mut self, end: u64, receipt: &mut impl FnMut(u64)) -> bool {
        let before = self.base;
        while self.base < end && self.sent > 0 {
            let Some(slot) = self.slots.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(slot.payload.len());
            self.sent_bytes = self.sent_bytes.saturating_sub(slot.payload.len() as u64);
            self.sent = self.sent.saturating_sub(1);
            if slot.receipt {
                self.receipts = self.receipts.saturating_sub(1);
                receipt(self.base);
            }
            self.base = self.base.saturating_add(1);
        }
        if let Some(repair) = &mut self.repair
            && self.base > before
        {
            repair.next = repair.next.max(self.base);
            repair.quota = repair.quota.saturating_mul(2);
        }
        self.repair = self.repair.filter(|repair| repair.end > self.base);
        self.base > before
    }

    /// The oldest was not acknowledged in time: begin again with it.
    pub(super) fn on_timeout(&mut self) {
        self.repair = Some(Repair { end: self.sent_end(), next: self.base, quota: 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { messages: 8, bytes: 100 };

    fn of(lens: &[usize]) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for len in lens {
            outgoing.push(alloc::vec![7; *len].into(), false);
        }
        outgoing
    }

    fn send_all(outgoing: &mut Outgoing, room: Room) -> alloc::vec::Vec<u64> {
        let mut sent = alloc::vec![];
        while let Some(number) = outgoing.next(room) {
            outgoing.on_sent(Instant::ZERO, number);
            sent.push(number);
        }
        sent
    }

    #[test]
    fn there_is_room_for_messages_and_for_bytes_and_always_for_one() {
        assert_eq!(send_all(&mut of(&[1; 10]), ROOM), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(send_all(&mut of(&[40, 60, 1]), ROOM), [0, 1]);
        assert_eq!(send_all(&mut of(&[99, 60, 1]), ROOM), [0, 1], "the last may go beyond");
        assert_eq!(send_all(&mut of(&[101, 1]), ROOM), [0]);
    }

    #[test]
    fn after_a_timeout_twice_as_many_go_with_each_progress() {
        let mut outgoing = of(&[1; 20]);
        assert_eq!(send_all(&mut outgoing, ROOM).len(), 8);
        outgoing.on_timeout();
        assert_eq!(send_all(&mut outgoing, ROOM), [0]);
        assert!(outgoing.on_acked(3, &mut |_| {}), "1 and 2 had arrived");
        assert_eq!(send_all(&mut outgoing, ROOM), [3, 4]);
        assert!(!outgoing.on_acked(3, &mut |_| {}));
        assert_eq!(send_all(&mut outgoing, ROOM), [0_u64; 0]);
        outgoing.on_acked(4, &mut |_| {});
        assert_eq!(send_all(&mut outgoing, ROOM), [5, 6, 7], "4 is out already");
        outgoing.on_acked(8, &mut |_| {});
        assert_eq!(send_all(&mut outgoing, ROOM), [8, 9, 10, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn what_was_not_sent_can_not_be_acknowledged() {
        let mut outgoing = of(&[1; 3]);
        outgoing.on_sent(Instant::ZERO, 0);
        outgoing.on_acked(3, &mut |_| {});
        assert_eq!((outgoing.base(), outgoing.len(), outgoing.bytes()), (1, 2, 2));
    }
}
