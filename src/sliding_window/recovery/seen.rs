//! Which packets have arrived already.

/// The newest 2,048 packet numbers are known one by one.
const WORDS: usize = 32;
/// `WORDS` is a power of two.
const MASK: u64 = (WORDS as u64).wrapping_sub(1);

/// A window of bits that moves with the newest number.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    bits: [u64; WORDS],
    /// The newest word that is held.
    newest_word: u64,
}

/// Whether a number had arrived before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// It had not.
    New,
    /// It had.
    Duplicate,
    /// It is so old that nothing is known of it: it is best dropped, since the peer has sent it again.
    TooOld,
}

impl Default for Seen {
    fn default() -> Self {
        Self { bits: [0; WORDS], newest_word: 0 }
    }
}

impl Seen {
    /// A number arrived.
    #[inline]
    pub(super) fn insert(&mut self, number: u64) -> Receipt {
        let word = number >> 6;
        if word > self.newest_word {
            self.move_to(word);
        }
        if self.newest_word.saturating_sub(word) >= WORDS as u64 {
            return Receipt::TooOld;
        }
        let bit = 1_u64 << (number & 63);
        match self.slot(word) {
            Some(bits) if *bits & bit == 0 => {
                *bits |= bit;
                Receipt::New
            }
            _ => Receipt::Duplicate,
        }
    }

    #[cold]
    fn move_to(&mut self, word: u64) {
        if word.saturating_sub(self.newest_word) >= WORDS as u64 {
            self.bits = [0; WORDS];
        } else {
            let mut passed = self.newest_word;
            while passed < word {
                passed = passed.saturating_add(1);
                if let Some(bits) = self.slot(passed) {
                    *bits = 0;
                }
            }
        }
        self.newest_word = word;
    }

    #[inline]
    fn slot(&mut self, word: u64) -> Option<&mut u64> {
        self.bits.get_mut((word & MASK) as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_number_is_new_once() {
        let mut seen = Seen::default();
        for number in [0, 5, 63, 64, 2_047, 1_000] {
            assert_eq!(seen.insert(number), Receipt::New, "{number}");
            assert_eq!(seen.insert(number), Receipt::Duplicate, "{number}");
        }
        assert_eq!(seen.insert(2_048), Receipt::New);
        assert_eq!(seen.insert(5), Receipt::TooOld);
        assert_eq!(seen.insert(64), Receipt::Duplicate);
        assert_eq!(seen.insert(u64::MAX), Receipt::New);
        assert_eq!(seen.insert(2_047), Receipt::TooOld);
        assert_eq!(seen.insert(u64::MAX - 1), Receipt::New);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_set(steps in prop::collection::vec((0_u64..3_000, 0_u64..2_600), 1..200)) {
            let (mut seen, mut set, mut newest) = (Seen::default(), BTreeSet::new(), 0_u64);
            for (ahead, behind) in steps {
                let number = (newest + ahead).saturating_sub(behind);
                newest = newest.max(number);
                let expected = if newest / 64 - number / 64 >= 32 {
                    Receipt::TooOld
                } else if set.insert(number) {
                    Receipt::New
                } else {
                    Receipt::Duplicate
                };
                prop_assert_eq!(seen.insert(number), expected);
            }
        }
    }
}
