//! Message packets in the one form that every encoder writes, written and read without detours.
//!
//! ```text
//! packet length   1a   message length   [08 channel]   [10 01]   [1a payload length   payload]
//! ```
//!
//! Fields are left out where they have their default value, and numbers are as short as can be.

use crate::wire::predict::{Prediction, WINDOW};
use crate::wire::varint::{short_uvarint, two_byte_uvarint};
use crate::wire::{Header, MessagePacket};

const CHANNEL_TAG: u8 = 0x08;
const END_TAG: u8 = 0x10;
const PAYLOAD_TAG: u8 = 0x1a;
const MESSAGE_TAG: u8 = 0x1a;

/// Payloads with which all lengths take one byte: the packet has up to 9 bytes more, and 127 at most.
const SHORT: core::ops::RangeInclusive<u32> = 1..=118;

/// Payloads with which all lengths take two bytes: the packet has up to 11 bytes more, and 16383 at most.
const MEDIUM: core::ops::RangeInclusive<u32> = 128..=16_372;

/// The header of a message packet. `payload_len` is at most [`MAX_PAYLOAD`](crate::wire::MAX_PAYLOAD).
#[inline(always)]
pub(super) fn header(channel: u8, end: bool, payload_len: u32) -> Header {
    let fields = Fields::new(channel, end);
    // Bits and length stay apart until here, so that they stay in registers.
    let (bits, len) = if SHORT.contains(&payload_len) {
        (short_bits(fields, payload_len), fields.len.wrapping_add(5))
    } else if MEDIUM.contains(&payload_len) {
        (medium_bits(fields, payload_len), fields.len.wrapping_add(8))
    } else {
        (long_bits(fields, payload_len), long_len(fields, payload_len))
    };
    Header::from_le_bits(bits, len)
}

/// The fields before the payload's.
#[derive(Clone, Copy, Debug)]
struct Fields {
    /// Their bytes, the first lowest.
    bits: u64,
    /// How many bytes these are: at most 5.
    len: u32,
}

impl Fields {
    #[inline]
    const fn new(channel: u8, end: bool) -> Self {
        // From 0x80 on the first of the channel's two bytes is the channel itself, whose highest bit says that more follows,
        // and the second is a 1.
        let high = (channel >> 7) as u32;
        let (channel_bits, channel_len) = match channel {
            0 => (0, 0),
            _ => (CHANNEL_TAG as u32 | ((channel as u32) << 8) | (high << 16), 2_u32.wrapping_add(high)),
        };
        let (end_bits, end_len) = if end { (END_TAG as u64 | (1 << 8), 2_u32) } else { (0, 0) };
        Self {
            bits: channel_bits as u64 | end_bits.wrapping_shl(channel_len.wrapping_mul(8)),
            len: channel_len.wrapping_add(end_len),
        }
    }

    /// The fields and `bits` behind them, which together have at most 8 bytes.
    #[inline]
    const fn followed_by(self, bits: u64) -> u64 {
        self.bits | bits.wrapping_shl(self.len.wrapping_mul(8))
    }
}

/// The header when the payload's length is in [`SHORT`], the first byte lowest.
#[inline]
const fn short_bits(fields: Fields, payload_len: u32) -> u128 {
    let packet_len = payload_len.wrapping_add(fields.len).wrapping_add(4);
    let fields_bits = fields.followed_by(short_payload(payload_len));
    short_prefixes(packet_len) as u128 | ((fields_bits as u128) << 24)
}

/// The header when the payload's length is in [`MEDIUM`].
#[inline]
const fn medium_bits(fields: Fields, payload_len: u32) -> u128 {
    let packet_len = payload_len.wrapping_add(fields.len).wrapping_add(6);
    let fields_bits = fields.followed_by(medium_payload(payload_len));
    medium_prefixes(packet_len) as u128 | ((fields_bits as u128) << 40)
}

/// The 3 bytes before the fields of a packet of `packet_len` bytes, where the lengths take one byte.
#[inline]
const fn short_prefixes(packet_len: u32) -> u64 {
    let message_len = packet_len.wrapping_sub(2);
    (packet_len | ((MESSAGE_TAG as u32) << 8) | (message_len << 16)) as u64
}

/// The 5 bytes before the fields of a packet of `packet_len` bytes, where the lengths take two bytes.
#[inline]
const fn medium_prefixes(packet_len: u32) -> u64 {
    let message_len = packet_len.wrapping_sub(3);
    let packet_len = two_byte_uvarint(packet_len) | ((MESSAGE_TAG as u32) << 16);
    packet_len as u64 | ((two_byte_uvarint(message_len) as u64) << 24)
}

/// The 2 bytes before a payload whose length is in [`SHORT`].
#[inline]
const fn short_payload(payload_len: u32) -> u64 {
    (PAYLOAD_TAG as u32 | (payload_len << 8)) as u64
}

/// The 3 bytes before a payload whose length is in [`MEDIUM`].
#[inline]
const fn medium_payload(payload_len: u32) -> u64 {
    (PAYLOAD_TAG as u32 | (two_byte_uvarint(payload_len) << 8)) as u64
}

/// The header for a payload of any length. At most 3 + 1 + 3 bytes of prefixes, then 3 + 2, then 1 + 3: 16.
#[cold]
const fn long_bits(fields: Fields, payload_len: u32) -> u128 {
    let message_len = long_message_len(fields, payload_len);
    let bits = if payload_len == 0 { 0 } else { before(PAYLOAD_TAG as u128, 1, number_before(payload_len, 0)) };
    let bits = before(fields.bits as u128, fields.len, bits);
    number_before(delimited_len(message_len), before(MESSAGE_TAG as u128, 1, number_before(message_len, bits)))
}

/// How many bytes [`long_bits`] gives.
#[cold]
const fn long_len(fields: Fields, payload_len: u32) -> u32 {
    let packet_len = delimited_len(long_message_len(fields, payload_len));
    packet_len.wrapping_add(short_uvarint(packet_len).1).wrapping_sub(payload_len)
}

/// The size of the fields with the payload's, which is left out when there is none.
const fn long_message_len(fields: Fields, payload_len: u32) -> u32 {
    fields.len.wrapping_add(if payload_len == 0 { 0 } else { delimited_len(payload_len) })
}

/// The size of a field of `len` bytes with its tag and its length.
const fn delimited_len(len: u32) -> u32 {
    len.wrapping_add(short_uvarint(len).1).wrapping_add(1)
}

/// `number`, and `bits` behind it.
const fn number_before(number: u32, bits: u128) -> u128 {
    let (number, len) = short_uvarint(number);
    before(number as u128, len, bits)
}

/// `first`, of `len` bytes, and `bits` behind it.
const fn before(first: u128, len: u32, bits: u128) -> u128 {
    first | bits.wrapping_shl(len.wrapping_mul(8))
}

/// What the bytes of `window` say of the message packet that they begin, if its header is what
/// [`header`] writes and all its lengths take one byte, or all two. Otherwise nothing is said of it.
///
/// The packet's length, the channel and the end are guessed from single bits and bytes; then the header that these make is
/// compared. So whatever is guessed, a header that is recognised is the canonical one.
#[inline]
pub(super) fn recognise(window: &[u8; WINDOW]) -> Option<Prediction> {
    let all = u128::from_le_bytes(*window);
    let low = all as u64;
    let wide = low & 0x80 != 0;
    let (prefix_len, packet_len, prefixes, prefixes_len) = if wide {
        let packet_len = (low & 0x7f | (low >> 1) & 0x3f80) as u32;
        (2, packet_len, medium_prefixes(packet_len), 5)
    } else {
        let packet_len = (low & 0x7f) as u32;
        (1, packet_len, short_prefixes(packet_len), 3)
    };
    if differ(low, prefixes, prefixes_len) {
        return None;
    }

    let bits = all.wrapping_shr(prefixes_len.wrapping_mul(8)) as u64;
    let channel = if bits as u8 == CHANNEL_TAG { (bits >> 8) as u8 } else { 0 };
    let channel_len = Fields::new(channel, false).len;
    let end = bits.wrapping_shr(channel_len.wrapping_mul(8)) as u8 == END_TAG;
    let fields = Fields::new(channel, end);
    // What a packet is longer than its fields and its payload, and the bytes before that.
    let (lengths, payload_field_len) = if wide { (6, 3) } else { (4, 2) };
    let payload_len = packet_len.wrapping_sub(fields.len).wrapping_sub(lengths);
    let (payload_field, in_range) = if wide {
        (medium_payload(payload_len), MEDIUM.contains(&payload_len))
    } else {
        (short_payload(payload_len), SHORT.contains(&payload_len))
    };
    let fields_len = fields.len.wrapping_add(payload_field_len);
    if !in_range || differ(bits, fields.followed_by(payload_field), fields_len) {
        return None;
    }
    let message = MessagePacket { channel: i32::from(channel), end, payload: &[] };
    let header_len = prefixes_len.wrapping_add(fields_len) as usize;
    let wire_len = packet_len.wrapping_add(prefix_len) as usize;
    Prediction::of_window(window, header_len, wire_len, packet_len as usize, message)
}

/// Whether the lowest `len` bytes (1 to 8) are not the same.
#[inline]
const fn differ(left: u64, right: u64, len: u32) -> bool {
    (left ^ right).wrapping_shl(u64::BITS.wrapping_sub(len.wrapping_mul(8))) != 0
}

#[cfg(test)]
mod tests;
