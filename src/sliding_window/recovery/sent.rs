//! The packets that were sent: a queue in the order of their numbers.

use super::delivery::Snapshot;
use crate::sliding_window::ring::Ring;
use crate::time::Instant;

/// What became of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    #[default]
    InFlight,
    Acked,
    /// Declared lost; it stays for a while, since it may arrive after all.
    Lost,
}

/// A packet that was sent and wants an acknowledgement.
#[derive(Clone, Debug, Default)]
pub(super) struct SentPacket<C> {
    pub(super) number: u64,
    pub(super) sent_at: Instant,
    pub(super) snapshot: Snapshot,
    pub(super) bytes: u32,
    /// When acknowledged: so many packets, from this one downwards, are acknowledged too. At least 1.
    pub(super) run: u32,
    pub(super) fate: Fate,
    pub(super) content: C,
}

/// The packets that want an acknowledgement, oldest first.
///
/// Packets that want none are not here, so numbers may be missing; a look-up takes one step when none is, and else a binary
/// search among as many places as numbers are missing.
#[derive(Clone, Debug)]
pub(super) struct SentPackets<C> {
    packets: Ring<SentPacket<C>>,
    /// Position of the first packet over which the search for losses has not gone.
    pub(super) searched: usize,
    bytes_in_flight: u64,
    packets_in_flight: u64,
    capacity: usize,
}

/// Places beyond the limit for packets that may leave although the limit is reached: probes. They double their distance, so
/// no session lives to use so many.
const RESERVE: usize = 64;

impl<C: Copy + Default> SentPackets<C> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { packets: Ring::new(), searched: 0, bytes_in_flight: 0, packets_in_flight: 0, capacity }
    }

    pub(super) const fn bytes_in_flight(&self) -> u64 {
        self.bytes_in_flight
    }

    pub(super) const fn packets_in_flight(&self) -> u64 {
        self.packets_in_flight
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether no further packet has a place, not even in that of the oldest lost one.
    pub(super) fn is_full(&self) -> bool {
        self.packets.len() >= self.capacity && self.packets.front().is_some_and(|front| front.fate == Fate::InFlight)
    }

    /// Adds a packet in flight. Returns `false` when there is no place; then it is as if it had never wanted an
    /// acknowledgement.
    #[inline]
    pub(super) fn push(&mut self, packet: SentPacket<C>) -> bool {
        if self.packets.len() >= self.capacity {
            self.trim(|| Instant::MAX);
            if self.packets.len() >= self.capacity.saturating_add(RESERVE) {
                return false;
            }
        }
        self.bytes_in_flight = self.bytes_in_flight.saturating_add(u64::from(packet.bytes));
        self.packets_in_flight = self.packets_in_flight.saturating_add(1);
        self.packets.push(packet);
        true
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut SentPacket<C>> {
        self.packets.get_mut(position)
    }

    #[inline]
    pub(super) fn get(&self, position: usize) -> Option<&SentPacket<C>> {
        self.packets.get(position)
    }

    /// The oldest packet.
    #[inline]
    pub(super) fn front(&self) -> Option<&SentPacket<C>> {
        self.packets.front()
    }

    /// Takes the oldest packet out, and tells whether the search for losses has gone over it. It has arrived: what was in
    /// flight is told to [`landed`](Self::landed).
    #[inline]
    pub(super) fn pop(&mut self) -> bool {
        let searched = self.searched > 0;
        self.searched = self.searched.saturating_sub(1);
        self.packets.pop();
        searched
    }

    /// The first packet over which the search for losses has not gone.
    #[inline]
    pub(super) fn searched_next(&mut self) -> Option<&mut SentPacket<C>> {
        self.packets.get_mut(self.searched)
    }

    /// So many packets with so many bytes are no longer in flight: each was acknowledged or lost.
    #[inline]
    pub(super) fn landed(&mut self, packets: u64, bytes: u64) {
        self.packets_in_flight = self.packets_in_flight.saturating_sub(packets);
        self.bytes_in_flight = self.bytes_in_flight.saturating_sub(bytes);
    }

    /// How many packets have a number less than `number`.
    pub(super) fn position(&self, number: u64) -> usize {
        let (Some(front), Some(back)) = (self.packets.front(), self.packets.back()) else { return 0 };
        if number <= front.number {
            return 0;
        }
        let len = self.packets.len();
        if number > back.number {
            return len;
        }
        // Numbers rise by at least one from place to place: so it is at most so far from the front, and from the back.
        let last = len.saturating_sub(1);
        let from_front = usize::try_from(number.saturating_sub(front.number)).unwrap_or(usize::MAX);
        let from_back = usize::try_from(back.number.saturating_sub(number)).unwrap_or(usize::MAX);
        let (mut low, mut high) = (last.saturating_sub(from_back), last.min(from_front));
        while low < high {
            let middle = low.midpoint(high);
            if self.packets.get(middle).is_some_and(|packet| packet.number < number) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low
    }

    /// Forgets, from the front, acknowledged packets and those lost ones that left before what `lost_before` gives. What the
    /// search for losses has not seen stays.
    #[inline]
    pub(super) fn trim(&mut self, lost_before: impl Fn() -> Instant) {
        while self.searched > 0
            && let Some(front) = self.packets.front()
            && (front.fate == Fate::Acked || (front.fate == Fate::Lost && front.sent_at < lost_before()))
        {
            self.packets.pop();
            self.searched = self.searched.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u64) -> SentPacket<()> {
        SentPacket {
            number,
            sent_at: Instant::from_nanos(number),
            snapshot: Snapshot::default(),
            bytes: 10,
            run: 1,
            fate: Fate::InFlight,
            content: (),
        }
    }

    #[test]
    fn positions_are_found_with_and_without_missing_numbers() {
        for numbers in [&[][..], &[5], &[5, 6, 7, 8], &[5, 9, 10, 11, 30, 31], &[0, u64::MAX - 1]] {
            let mut packets = SentPackets::new(100);
            for number in numbers {
                assert!(packets.push(packet(*number)));
            }
            for number in (0..40).chain([u64::MAX - 1, u64::MAX]) {
                let expected = numbers.iter().filter(|known| **known < number).count();
                assert_eq!(packets.position(number), expected, "{number} in {numbers:?}");
            }
        }
    }

    #[test]
    fn a_full_queue_forgets_lost_packets_but_never_one_in_flight() {
        let mut packets = SentPackets::new(3);
        for number in 0..3 {
            assert!(!packets.is_full());
            assert!(packets.push(packet(number)));
        }
        assert!(packets.is_full());
        packets.get_mut(0).unwrap().fate = Fate::Lost;
        packets.get_mut(1).unwrap().fate = Fate::Acked;
        packets.landed(2, 20);
        packets.searched = 2;
        assert!(!packets.is_full());
        assert!(packets.push(packet(3)));
        assert_eq!((packets.len(), packets.bytes_in_flight(), packets.packets_in_flight()), (2, 20, 2));
        for number in 4..200 {
            packets.push(packet(number));
        }
        assert_eq!(packets.len(), 3 + RESERVE);
        assert!(!packets.push(packet(200)));
        assert_eq!(packets.packets_in_flight(), 3 + RESERVE as u64);
    }

    #[test]
    fn lost_packets_stay_for_a_while() {
        let mut packets = SentPackets::new(10);
        for number in 0..4 {
            packets.push(packet(number));
        }
        packets.get_mut(0).unwrap().fate = Fate::Lost;
        packets.get_mut(1).unwrap().fate = Fate::Acked;
        packets.landed(2, 20);
        packets.trim(|| Instant::MAX); // not searched yet
        assert_eq!(packets.len(), 4);
        packets.searched = 2;
        packets.trim(|| Instant::ZERO);
        assert_eq!(packets.len(), 4);
        packets.trim(|| Instant::from_nanos(1));
        assert_eq!((packets.len(), packets.searched), (2, 0));
    }
}
