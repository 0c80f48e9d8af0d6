//! The next packet often begins with the same bytes as the last one: then it is known without being parsed.

use super::{Decoded, MessagePacket, Packet};

/// How many bytes of a packet are compared at once.
const WINDOW: usize = 16;

/// What was parsed of the last message packet whose payload ran to its end.
///
/// # Why it may be used
///
/// The parsers read a packet from left to right and look at every byte at most once, at none of the chosen payload, and they
/// look at the number of bytes that there are only to see whether the packet is there. [`Prediction::learn`] is told of a
/// packet whose payload is its end. So all that the parser looked at are the `header_len` bytes before the payload, the
/// limit, and whether `wire_len` bytes are there. Where [`Prediction::recall`] finds the same header, a limit that the
/// packet is within, and enough bytes, the parser would read the same and answer the same, but for the content of the
/// payload, which it only lends. A header longer than the window, or one that does not end where the payload begins
/// (a payload with fields behind it), is not learnt.
///
/// That it does hold is a property test beside each codec: a decoder that has seen other packets before answers what a
/// fresh one does, for any bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prediction {
    /// The header, little-endian, zeros behind it.
    header: u128,
    /// Ones where the header is.
    mask: u128,
    header_len: usize,
    wire_len: usize,
    limited_len: usize,
    channel: i32,
    end: bool,
}

impl Prediction {
    /// Recalls nothing.
    pub(crate) const fn new() -> Self {
        // No slice has so many bytes: `recall` never finds them.
        let (header_len, wire_len, limited_len) = (0, usize::MAX, usize::MAX);
        Self { header: 0, mask: 0, header_len, wire_len, limited_len, channel: 0, end: false }
    }

    /// The packet at the start of `bytes`, if it begins like the learnt one and is there completely.
    #[inline]
    pub(crate) fn recall<'a>(&self, bytes: &'a [u8], limit: usize) -> Option<Decoded<'a>> {
        let window = u128::from_le_bytes(*bytes.first_chunk::<WINDOW>()?);
        if window & self.mask != self.header || self.limited_len > limit {
            return None;
        }
        let payload = bytes.get(self.header_len..self.wire_len)?;
        let packet = Packet::Message(MessagePacket { channel: self.channel, end: self.end, payload });
        Some(Decoded { packet, wire_len: self.wire_len })
    }

    /// Remembers the packet that was parsed at the start of `bytes`, where its size as compared with the limit was
    /// `limited_len`, if it is a message whose payload was the last thing that the parser came to, as `payload_last` says.
    #[inline]
    pub(crate) fn learn(&mut self, bytes: &[u8], decoded: &Decoded<'_>, limited_len: usize, payload_last: bool) {
        let Packet::Message(message) = decoded.packet else { return };
        let header_len = decoded.wire_len.saturating_sub(message.payload.len());
        let Some(window) = bytes.first_chunk::<WINDOW>() else { return };
        if !payload_last || header_len > WINDOW {
            return;
        }
        // At most 16 bytes, and at least 1: 0 to 120 bits are cut off.
        let mask = u128::MAX.wrapping_shr((WINDOW.saturating_sub(header_len) as u32).wrapping_mul(8));
        *self = Self {
            header: u128::from_le_bytes(*window) & mask,
            mask,
            header_len,
            wire_len: decoded.wire_len,
            limited_len,
            channel: message.channel,
            end: message.end,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> Packet<'_> {
        Packet::Message(MessagePacket { channel: 7, end: true, payload })
    }

    /// A packet of 4 bytes header and 14 bytes payload, and something behind it.
    const BYTES: [u8; 20] = *b"HEADpayload fourteen";

    fn learnt() -> Prediction {
        let mut prediction = Prediction::new();
        let decoded = Decoded { packet: message(&BYTES[4..18]), wire_len: 18 };
        prediction.learn(&BYTES, &decoded, 17, true);
        prediction
    }

    #[test]
    fn nothing_learnt_nothing_recalled() {
        assert_eq!(Prediction::new().recall(&BYTES, usize::MAX), None);
        assert_eq!(Prediction::new().recall(&[0; 64], usize::MAX), None);
    }

    #[test]
    fn the_same_header_is_recalled_with_the_new_payload() {
        let other = *b"HEADanother fourteen";
        let expected = Decoded { packet: message(&other[4..18]), wire_len: 18 };
        assert_eq!(learnt().recall(&other, 17), Some(expected));
        assert_eq!(learnt().recall(&other[..18], 17), Some(expected), "it is there completely");
    }

    #[test]
    fn another_header_a_lower_limit_or_a_missing_byte_is_not() {
        for index in 0..4 {
            let mut other = BYTES;
            other[index] ^= 1;
            assert_eq!(learnt().recall(&other, 17), None);
        }
        assert_eq!(learnt().recall(&BYTES, 16), None);
        assert_eq!(learnt().recall(&BYTES[..17], 17), None);
        assert_eq!(learnt().recall(&BYTES[..15], 17), None);
    }

    #[test]
    fn only_messages_with_the_payload_last_and_a_short_header_are_learnt() {
        let mut prediction = Prediction::new();
        prediction.learn(&BYTES, &Decoded { packet: Packet::Ping, wire_len: 18 }, 17, true);
        assert_eq!(prediction.recall(&BYTES, 17), None);
        prediction.learn(&BYTES, &Decoded { packet: message(&BYTES[4..18]), wire_len: 18 }, 17, false);
        assert_eq!(prediction.recall(&BYTES, 17), None);
        prediction.learn(&BYTES[..15], &Decoded { packet: message(&BYTES[4..15]), wire_len: 15 }, 14, true);
        assert_eq!(prediction.recall(&BYTES, 17), None, "too few bytes to compare");
        prediction.learn(&BYTES, &Decoded { packet: message(&BYTES[17..20]), wire_len: 20 }, 19, true);
        assert_eq!(prediction.recall(&BYTES, 19), None, "a header of 17 bytes");
        let longest = Decoded { packet: message(&BYTES[16..20]), wire_len: 20 };
        prediction.learn(&BYTES, &longest, 19, true);
        assert_eq!(prediction.recall(&BYTES, 19), Some(longest), "a header of 16 bytes");
        let mut other = BYTES;
        other[15] ^= 0x80;
        assert_eq!(prediction.recall(&other, 19), None);
    }
}
