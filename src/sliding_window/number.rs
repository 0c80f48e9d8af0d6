//! Numbers that are long inside and short on the wire.
//!
//! Segments and packets are counted from 0 in 64 bits, so that inside nothing ever wraps. On the wire stand the low 32 bits
//! of the number and of an initial value that the handshake has told. Who starts near the end of the 32 bits wraps at once;
//! that is how tests get there.

/// How one kind of number of one direction stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbering {
    initial: u32,
}

impl Numbering {
    /// Numbers whose 0 is written as `initial`.
    pub(crate) const fn new(initial: u32) -> Self {
        Self { initial }
    }

    /// What number 0 is on the wire.
    pub(crate) const fn initial(self) -> u32 {
        self.initial
    }

    /// The short form.
    #[inline]
    pub(crate) const fn shorten(self, number: u64) -> u32 {
        self.initial.wrapping_add(number as u32)
    }

    /// The number nearest to `expected` that has this short form; `None` when that would be less than 0.
    ///
    /// Right as long as the true number is within 2^31 of `expected`, which every window keeps.
    #[inline]
    pub(crate) const fn widen(self, short: u32, expected: u64) -> Option<u64> {
        let distance = short.wrapping_sub(self.shorten(expected)) as i32;
        expected.checked_add_signed(distance as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wire_wraps_and_the_number_does_not() {
        let numbering = Numbering::new(u32::MAX - 1);
        let wire: std::vec::Vec<u32> = (0..4).map(|number| numbering.shorten(number)).collect();
        assert_eq!(wire, [u32::MAX - 1, u32::MAX, 0, 1]);
        for number in 0..4 {
            assert_eq!(numbering.widen(numbering.shorten(number), 2), Some(number));
        }
        assert_eq!(numbering.initial(), u32::MAX - 1);
    }

    #[test]
    fn below_zero_and_beyond_the_last_there_is_nothing() {
        let numbering = Numbering::new(7);
        assert_eq!(numbering.widen(6, 0), None);
        assert_eq!(numbering.widen(7, 0), Some(0));
        assert_eq!(numbering.widen(numbering.shorten(u64::MAX).wrapping_add(1), u64::MAX), None);
    }

    proptest! {
        #[test]
        fn whatever_is_near_enough_is_found(initial: u32, expected: u64, distance in -0x8000_0000..=0x7fff_ffff_i64) {
            let numbering = Numbering::new(initial);
            if let Some(number) = expected.checked_add_signed(distance) {
                prop_assert_eq!(numbering.widen(numbering.shorten(number), expected), Some(number));
            }
        }
    }
}
