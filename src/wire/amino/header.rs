//! The fields before a payload, as numbers whose lowest byte stands first on the wire.

use crate::wire::varint::short_uvarint;

/// The field of the channel, lowest byte first, and how many bytes it has: 0, 2 or 3.
#[inline]
pub(super) const fn channel_field(channel: u8) -> (u32, u32) {
    match channel {
        0 => (0, 0),
        // From 0x80 on the number's first byte is the channel itself, whose highest bit says that more follows: a 1.
        _ => {
            let two_bytes = (channel >> 7) as u32;
            (0x08 | ((channel as u32) << 8) | (two_bytes << 16), 2_u32.wrapping_add(two_bytes))
        }
    }
}

/// The tag and the length of a payload, lowest byte first, and how many bytes these are: 0, or 2 to 4.
#[inline]
pub(super) const fn payload_field(payload_len: u32) -> (u32, u32) {
    match payload_len {
        0 => (0, 0),
        _ => {
            let (number, len) = short_uvarint(payload_len);
            (0x1a | (number << 8), len.wrapping_add(1))
        }
    }
}

/// `bits`, `len` bytes (at most 4) further up.
#[inline]
pub(super) const fn shifted(bits: u32, len: u32) -> u64 {
    (bits as u64).wrapping_shl(len.wrapping_mul(8))
}
