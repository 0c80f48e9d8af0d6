//! The numbers of the wires: LEB128 (Protocol Buffers, Amino) and go-wire's own.

use super::DecodeRule;

/// The most bytes that a LEB128 number of 64 bits takes.
pub(crate) const MAX_UVARINT_LEN: usize = 10;

/// How many bytes `value` takes as LEB128, written as short as can be: 1 to 10.
#[inline]
pub(crate) const fn uvarint_len(value: u64) -> u32 {
    // One byte per begun seven bits; zero takes one as well. 64 bits are the most, so that nothing can overflow.
    u64::BITS.wrapping_sub((value | 1).leading_zeros()).div_ceil(7)
}

/// `value`, of at most 21 bits, as LEB128: the bytes, the first lowest, and how many they are (1 to 3).
///
/// All numbers in a packet of at most 2 MiB are that short.
#[inline]
pub(crate) const fn short_uvarint(value: u32) -> (u32, u32) {
    debug_assert!(value < 1 << 21);
    if value < 0x80 {
        (value, 1)
    } else if value < 0x4000 {
        (two_byte_uvarint(value), 2)
    } else {
        (two_byte_uvarint(value & 0x3fff) | 0x8000 | ((value >> 14) << 16), 3)
    }
}

/// `value`, of at most 14 bits, as LEB128 of two bytes, the first lowest.
#[inline]
pub(crate) const fn two_byte_uvarint(value: u32) -> u32 {
    // The seven bits from the eighth on move up by one, which is to add them once more.
    value.wrapping_add(value & 0x3f80) | 0x80
}

/// The LEB128 number at the start of `bytes`, and how many bytes it takes; `None` when its end is not there yet.
///
/// Takes what Go's `binary.ReadUvarint` takes: up to ten bytes, also more than needed; the tenth is 0 or 1.
///
/// # Errors
/// [`DecodeRule::PrefixOverflow`] as soon as the number can only overflow: at the tenth byte.
#[inline]
pub(crate) fn read_uvarint(bytes: &[u8]) -> Result<Option<(u64, usize)>, DecodeRule> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(MAX_UVARINT_LEN).enumerate() {
        meter::count();
        let len = index.saturating_add(1);
        if len == MAX_UVARINT_LEN && byte > 1 {
            return Err(DecodeRule::PrefixOverflow);
        }
        value |= low_bits(byte, index);
        if byte < 0x80 {
            return Ok(Some((value, len)));
        }
    }
    Ok(None)
}

/// The seven bits of `byte` where they belong in a number of which it is byte number `index`. What does not fit into 64
/// bits is dropped.
#[inline]
pub(crate) const fn low_bits(byte: u8, index: usize) -> u64 {
    // `index` is below 10, so that the shift is below 64.
    ((byte & 0x7f) as u64).wrapping_shl((index as u32).wrapping_mul(7))
}

/// The go-wire number of `value`: the bytes, the first lowest, and how many they are (1 to 4).
#[inline]
pub(crate) const fn short_gowire(value: u32) -> (u32, u32) {
    debug_assert!(value < 1 << 24);
    let size = u32::BITS.wrapping_sub(value.leading_zeros()).div_ceil(8);
    // Big-endian: the magnitude's first byte goes to bit 8, right behind the size byte. The shift is 32 for zero, whose
    // size is zero too.
    let magnitude = match value.swap_bytes().checked_shr(u32::BITS.wrapping_sub(size.wrapping_mul(8))) {
        Some(bytes) => bytes,
        None => 0,
    };
    (size | (magnitude << 8), size.wrapping_add(1))
}

/// The signed go-wire number at the start of `bytes`, and how many bytes it takes; `None` when its end is not there yet.
///
/// A size byte, then that many bytes of magnitude, big-endian; `f` in the size's upper half negates
/// (`go-wire/int.go @ 5f88da3d`). Leading zeros are taken. Eight bytes of magnitude are taken as a signed number *before*
/// they are negated, so that `f8 ff ff ff ff ff ff ff ff` is 1.
///
/// # Errors
/// [`DecodeRule::VarintOverflow`] for sizes over 8, [`DecodeRule::NegativeZero`] for `f0`; both at the size byte.
#[inline]
pub(crate) fn read_gowire(bytes: &[u8]) -> Result<Option<(i64, usize)>, DecodeRule> {
    let Some((&head, rest)) = bytes.split_first() else { return Ok(None) };
    let negative = head >= 0xf0;
    let size = if negative { head & 0x0f } else { head };
    if size > 8 {
        return Err(DecodeRule::VarintOverflow);
    }
    if head == 0xf0 {
        return Err(DecodeRule::NegativeZero);
    }
    let Some(magnitude) = rest.get(..usize::from(size)) else { return Ok(None) };
    let value = magnitude.iter().fold(0_i64, |value, &byte| value.wrapping_shl(8) | i64::from(byte));
    Ok(Some((if negative { value.wrapping_neg() } else { value }, usize::from(size).saturating_add(1))))
}

/// Counts, in tests, the bytes of numbers that were looked at: the decoders' work.
pub(crate) mod meter {
    #[cfg(test)]
    std::thread_local! {
        static BYTES: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
    }

    /// One more byte was looked at.
    #[inline]
    pub(crate) fn count() {
        #[cfg(test)]
        BYTES.set(BYTES.get() + 1);
    }

    /// The bytes that this thread looked at since it last asked.
    #[cfg(test)]
    pub(crate) fn take() -> u64 {
        BYTES.take()
    }
}

#[cfg(test)]
mod tests;
