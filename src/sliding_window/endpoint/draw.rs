//! Tags and seeds of sessions, drawn from one key.

use core::hash::Hasher;

use siphasher::sip::SipHasher24;

/// Gives numbers that nobody without the key can guess: SipHash over a counter.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    hasher: SipHasher24,
    drawn: u64,
}

impl Draw {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        Self { hasher: SipHasher24::new_with_key(key), drawn: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let mut hasher = self.hasher;
        // Cookies hash other numbers of bytes under the same key.
        hasher.write_u64(self.drawn);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_draws_the_same_and_another_draws_others() {
        let draw = |key| {
            let mut draw = Draw::new(&[key; 16]);
            std::array::from_fn::<_, 100, _>(|_| draw.next())
        };
        let drawn = draw(1);
        assert_eq!(drawn, draw(1));
        let others = draw(2);
        assert!(drawn.iter().all(|number| !others.contains(number)));
        let distinct: std::collections::BTreeSet<_> = drawn.into_iter().collect();
        assert_eq!(distinct.len(), 100);
    }
}
