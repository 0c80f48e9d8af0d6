//! A queue whose places are used again as they are.

use alloc::vec::Vec;
use core::mem;

/// A queue that is written in place: what leaves at the front stays where it is until the place is used again.
///
/// So a record goes in without being moved, and a buffer in it is kept. When the queue is empty it begins again with its
/// first place: a short queue stays within a few lines of a processor's cache, however much passes through it.
#[derive(Clone, Debug)]
pub(super) struct Ring<T> {
    /// None, or a power of two.
    places: Vec<T>,
    head: usize,
    len: usize,
}

/// The places of the first growth.
const LEAST: usize = 8;

impl<T: Default> Ring<T> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), head: 0, len: 0 }
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the place with this index lies.
    #[inline]
    const fn at(&self, index: usize) -> usize {
        self.head.wrapping_add(index) & self.places.len().wrapping_sub(1)
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        if index < self.len { self.places.get(self.at(index)) } else { None }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let at = self.at(index);
        if index < self.len { self.places.get_mut(at) } else { None }
    }

    #[inline]
    pub(super) fn front(&self) -> Option<&T> {
        if self.len > 0 { self.places.get(self.head) } else { None }
    }

    #[inline]
    pub(super) fn front_mut(&mut self) -> Option<&mut T> {
        if self.len > 0 { self.places.get_mut(self.head) } else { None }
    }

    #[inline]
    pub(super) fn back(&self) -> Option<&T> {
        self.get(self.len.wrapping_sub(1))
    }

    /// Adds a place at the back, and gives it with what was left in it.
    #[inline(always)]
    pub(super) fn push_place(&mut self) -> Option<&mut T> {
        if self.len == self.places.len() {
            self.grow();
        }
        let at = self.at(self.len);
        self.len = self.len.wrapping_add(1);
        // There always is one.
        self.places.get_mut(at)
    }

    /// Adds a record at the back.
    #[inline(always)]
    pub(super) fn push(&mut self, record: T) {
        if let Some(place) = self.push_place() {
            *place = record;
        }
    }

    /// Takes the front away; its place keeps what it holds.
    #[inline]
    pub(super) fn pop(&mut self) {
        match self.len {
            0 => {}
            1 => (self.head, self.len) = (0, 0),
            len => (self.head, self.len) = (self.at(1), len.wrapping_sub(1)),
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mut old = mem::take(&mut self.places);
        old.rotate_left(self.head);
        self.head = 0;
        let wanted = old.len().saturating_mul(2).max(LEAST);
        old.reserve_exact(wanted.saturating_sub(old.len()));
        old.resize_with(wanted, T::default);
        self.places = old;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).map_while(|index| self.get(index))
    }
}

impl<T: Default> Default for Ring<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_keeps_what_was_left_in_it() {
        let mut ring: Ring<Vec<u8>> = Ring::new();
        ring.push_place().unwrap().extend_from_slice(b"abc");
        let first = ring.front().unwrap().as_ptr();
        ring.pop();
        let again = ring.push_place().unwrap();
        assert_eq!((again.as_slice(), again.as_ptr()), (&b"abc"[..], first));
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let mut ring: Ring<u8> = Ring::default();
        ring.pop();
        assert_eq!((ring.len(), ring.is_empty(), ring.get(0), ring.front(), ring.back()), (0, true, None, None, None));
        assert_eq!(ring.front_mut(), None);
        assert_eq!(ring.get_mut(usize::MAX), None);
    }

    proptest! {
        #[test]
        fn it_is_a_queue(pushes in prop::collection::vec(prop::option::weighted(0.6, any::<u8>()), 0..200)) {
            let (mut ring, mut queue) = (Ring::new(), VecDeque::new());
            for push in pushes {
                match push {
                    Some(value) => {
                        ring.push(value);
                        queue.push_back(value);
                    }
                    None => {
                        ring.pop();
                        queue.pop_front();
                    }
                }
                prop_assert!(ring.iter().eq(queue.iter()));
                prop_assert_eq!((ring.len(), ring.front(), ring.back()), (queue.len(), queue.front(), queue.back()));
                prop_assert_eq!(ring.get(3), queue.get(3));
                prop_assert_eq!(ring.get_mut(2), queue.get_mut(2));
                prop_assert!(ring.places.is_empty() || ring.places.len().is_power_of_two());
            }
        }
    }
}
