//! The datagrams that are on their way, by arrival.

use alloc::collections::{BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Ordering;

use bytes::BytesMut;

use crate::time::Instant;

/// Buffers that are kept for the next datagrams.
const MAX_SPARE: usize = 256;

/// A datagram on its way.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Parcel {
    arrives: Instant,
    /// The order in which parcels were put on their way: of those that arrive at one moment the first comes first.
    order: u64,
    /// The number that the link gave to the datagram; copies share it.
    pub(in crate::sim) number: u64,
    pub(in crate::sim) bytes: BytesMut,
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    /// Reversed, as the largest is at the top of a heap.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.arrives, other.order).cmp(&(self.arrives, self.order))
    }
}

/// What is on its way. Nearly all parcels arrive behind the last one, so those stand in a row; only the others need a heap.
#[derive(Clone, Debug, Default)]
pub(super) struct Flight {
    row: VecDeque<Parcel>,
    others: BinaryHeap<Parcel>,
    next_order: u64,
    spare: Vec<BytesMut>,
}

impl Flight {
    /// A buffer with a copy of `datagram`.
    pub(super) fn copy(&mut self, datagram: &[u8]) -> BytesMut {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(datagram);
        bytes
    }

    pub(super) fn recycle(&mut self, bytes: BytesMut) {
        if self.spare.len() < MAX_SPARE {
            self.spare.push(bytes);
        }
    }

    pub(super) fn insert(&mut self, arrives: Instant, number: u64, bytes: BytesMut) {
        let order = self.next_order;
        self.next_order = order.wrapping_add(1);
        let parcel = Parcel { arrives, order, number, bytes };
        if self.row.back().is_none_or(|last| last.arrives <= arrives) {
            self.row.push_back(parcel);
        } else {
            self.others.push(parcel);
        }
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        match (self.row.front(), self.others.peek()) {
            (Some(one), Some(two)) => Some(one.arrives.min(two.arrives)),
            (Some(one), None) | (None, Some(one)) => Some(one.arrives),
            (None, None) => None,
        }
    }

    /// The next parcel that has arrived.
    pub(super) fn take(&mut self, now: Instant) -> Option<Parcel> {
        if self.next_at().is_none_or(|next| next > now) {
            return None;
        }
        match (self.row.front(), self.others.peek()) {
            // The greater one is the earlier one.
            (Some(one), Some(two)) if two > one => self.others.pop(),
            (None, _) => self.others.pop(),
            _ => self.row.pop_front(),
        }
    }

    #[cfg(test)]
    pub(super) fn spare(&self) -> usize {
        self.spare.len()
    }

    pub(super) fn len(&self) -> usize {
        self.row.len().saturating_add(self.others.len())
    }
}
