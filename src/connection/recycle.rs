//! The memory of large messages, used again once their receivers are done with them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

/// The shortest message whose memory is worth keeping. The general allocator serves what is shorter well; what is longer it gives
/// back to the system and takes anew, page fault by page fault.
const MIN_BYTES: usize = 32 << 10;

/// Messages that are looked at in search of one whose receiver is done. The oldest come first, and mostly they are.
const LOOKS: usize = 4;

/// Second handles to messages that were handed out. When ours is the last one, the memory is free.
#[derive(Clone, Debug)]
pub(crate) struct Recycler {
    /// Oldest first. None has more memory than its length.
    handed_out: VecDeque<Bytes>,
    bytes: usize,
    max_bytes: usize,
    /// Whether it was of use since the last rest.
    used: bool,
}

impl Recycler {
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { handed_out: VecDeque::new(), bytes: 0, max_bytes, used: false }
    }

    /// Bytes of the messages that are held, be they in use elsewhere or not.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds on to a message that is handed out now, whose memory is as long as itself.
    #[inline]
    pub(crate) fn hand_out(&mut self, message: &Bytes) {
        let len = message.len();
        if len < MIN_BYTES || len > self.max_bytes.saturating_sub(self.bytes) {
            return;
        }
        self.bytes = self.bytes.saturating_add(len);
        self.handed_out.push_back(message.clone());
    }

    /// An empty buffer for a message of probably `len` bytes, if one of that size is free.
    pub(crate) fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        if len < MIN_BYTES {
            return None;
        }
        for _ in 0..LOOKS.min(self.handed_out.len()) {
            let mut message = self.handed_out.pop_front()?;
            let (is_free, fits) = (message.is_unique(), message.len() >= len && message.len() / 2 <= len);
            if is_free {
                self.bytes = self.bytes.saturating_sub(message.len());
                if fits {
                    self.used = true;
                    // With nothing in it nothing is copied.
                    message.truncate(0);
                    return Some(message.into());
                }
            } else {
                self.handed_out.push_back(message);
            }
        }
        None
    }

    /// Lets go of everything if it was of no use since the last rest.
    pub(crate) fn rest(&mut self) {
        if !core::mem::take(&mut self.used) {
            *self = Self::new(self.max_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    const LEN: usize = MIN_BYTES;

    fn hand_out(recycler: &mut Recycler, len: usize) -> Bytes {
        let message = Bytes::from(vec![7; len]);
        recycler.hand_out(&message);
        message
    }

    #[test]
    fn memory_comes_back_when_its_receiver_is_done() {
        let mut recycler = Recycler::new(10 * LEN);
        let message = hand_out(&mut recycler, LEN);
        let place = message.as_ptr();
        assert_eq!((recycler.take(LEN), recycler.bytes()), (None, LEN), "the receiver has it still");
        let slice = message.slice(1..2);
        drop(message);
        assert_eq!(recycler.take(LEN), None, "or a part of it");
        drop(slice);
        let buffer = recycler.take(LEN).unwrap();
        assert_eq!((buffer.as_ptr(), buffer.len(), buffer.capacity(), recycler.bytes()), (place, 0, LEN, 0));
        assert_eq!(recycler.take(LEN), None, "once");
    }

    #[test]
    fn only_what_is_large_and_within_the_limit_is_held() {
        let mut recycler = Recycler::new(2 * LEN + 5);
        hand_out(&mut recycler, LEN - 1);
        assert_eq!(recycler.bytes(), 0);
        for held in [LEN, 2 * LEN, 2 * LEN] {
            hand_out(&mut recycler, LEN);
            assert_eq!(recycler.bytes(), held);
        }
        let mut none = Recycler::new(0);
        hand_out(&mut none, LEN);
        assert_eq!((none.bytes(), none.take(LEN)), (0, None));
    }

    #[test]
    fn what_is_free_and_of_another_size_goes() {
        for (held, wanted) in [(LEN, LEN + 1), (3 * LEN, LEN)] {
            let mut recycler = Recycler::new(10 * LEN);
            hand_out(&mut recycler, held);
            assert_eq!((recycler.take(wanted), recycler.bytes()), (None, 0), "{held} for {wanted}");
        }
        let mut recycler = Recycler::new(10 * LEN);
        hand_out(&mut recycler, 2 * LEN);
        assert_eq!(recycler.take(LEN).unwrap().capacity(), 2 * LEN);
    }

    #[test]
    fn a_message_that_is_kept_long_does_not_stand_in_the_way() {
        let mut recycler = Recycler::new(10 * LEN);
        let kept = hand_out(&mut recycler, LEN);
        hand_out(&mut recycler, LEN);
        assert!(recycler.take(LEN).is_some());
        assert_eq!(recycler.take(LEN), None);
        drop(kept);
        assert!(recycler.take(LEN).is_some());
    }

    #[test]
    fn it_rests_when_it_was_of_no_use() {
        let mut recycler = Recycler::new(10 * LEN);
        hand_out(&mut recycler, LEN);
        hand_out(&mut recycler, LEN);
        assert!(recycler.take(LEN).is_some());
        recycler.rest();
        assert_eq!(recycler.bytes(), LEN);
        recycler.rest();
        assert_eq!((recycler.bytes(), recycler.handed_out.capacity()), (0, 0));
        hand_out(&mut recycler, LEN);
        assert_eq!(recycler.bytes(), LEN, "and works on");
    }
}
