//! The next packet often begins with the same bytes as the last one: then it is known without being parsed.

use super::{Decoded, MessagePacket, Packet};

/// How many bytes of a packet are compared at once.
pub(crate) const WINDOW: usize = 16;

/// Any 16 bytes in a row of these are a mask.
const ONES: [u8; 2 * WINDOW] = {
    let mut bytes = [0; 2 * WINDOW];
    bytes.split_at_mut(WINDOW).0.copy_from_slice(&[0xff; WINDOW]);
    bytes
};

/// What is known of a message packet from its header, where the payload runs to its end.
///
/// # Why it may be used in place of parsing
///
/// The parsers read a packet from left to right, look at every byte at most once and at none of the chosen payload, and
/// look at the number of bytes that there are only to see whether the packet is there. [`Prediction::learn`] keeps a packet
/// only if its payload is its end. So all that the parser looked at are the `header_len` bytes before the payload, the
/// limit, and whether `wire_len` bytes are there. Where [`Prediction::recall`] finds the same header, a limit that the
/// packet is within, and enough bytes, the parser would read the same and answer the same, but for the content of the
/// payload, which it only lends. A header longer than the window, or one that does not end where the payload begins
/// (a payload with fields behind it), is not learnt.
///
/// That it does hold is a property test: a decoder that has seen other packets before answers what a fresh one does, for
/// any bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prediction {
    /// The first bytes of the packet: the header, and more.
    window: [u8; WINDOW],
    /// Ones where the header is.
    mask: [u8; WINDOW],
    header_len: usize,
    wire_len: usize,
    /// The packet's length as it is compared with a limit.
    limited_len: usize,
    channel: i32,
    end: bool,
}

impl Prediction {
    /// Nothing is known.
    pub(crate) const fn new() -> Self {
        // No slice has so many bytes: `recall` never finds them.
        let (wire_len, limited_len) = (usize::MAX, usize::MAX);
        Self { window: [0; WINDOW], mask: [0; WINDOW], header_len: 0, wire_len, limited_len, channel: 0, end: false }
    }

    /// What was read from the first `header_len` bytes of `window`: the length of the packet, and as it is compared with a
    /// limit, and the channel and end of `message`, whose payload is not looked at. `None` if the header is longer than the
    /// window.
    #[inline]
    pub(crate) fn of_window(
        window: &[u8; WINDOW],
        header_len: usize,
        wire_len: usize,
        limited_len: usize,
        message: MessagePacket<'_>,
    ) -> Option<Self> {
        // Window and mask are copied in one piece each, and loaded so when they are compared: loading what was just stored
        // in two halves would stall.
        let mask = *ONES.get(WINDOW.wrapping_sub(header_len)..)?.first_chunk::<WINDOW>()?;
        let MessagePacket { channel, end, .. } = message;
        Some(Self { window: *window, mask, header_len, wire_len, limited_len, channel, end })
    }

    /// The packet at the start of `bytes`, if it begins with the header, is within `limit`, and is there completely.
    #[inline]
    pub(crate) fn recall<'a>(&self, bytes: &'a [u8], limit: usize) -> Option<Decoded<'a>> {
        let window = bytes.first_chunk::<WINDOW>()?;
        let difference = u128::from_le_bytes(*window) ^ u128::from_le_bytes(self.window);
        if difference & u128::from_le_bytes(self.mask) == 0 { self.lend(bytes, limit) } else { None }
    }

    /// The packet at the start of `bytes`, which begin with the header, if it is within `limit` and is there completely.
    #[inline]
    pub(crate) fn lend<'a>(&self, bytes: &'a [u8], limit: usize) -> Option<Decoded<'a>> {
        if self.limited_len > limit {
            return None;
        }
        let payload = bytes.get(self.header_len..self.wire_len)?;
        let packet = Packet::Message(MessagePacket { channel: self.channel, end: self.end, payload });
        Some(Decoded { packet, wire_len: self.wire_len })
    }

    /// Keeps what was parsed at the start of `bytes`, a packet whose length as it is compared with a limit is `limited_len`,
    /// if it is a message, its payload ends where the packet ends (at `payload_end`), and its header is in the window.
    pub(crate) fn learn(&mut self, bytes: &[u8], decoded: &Decoded<'_>, payload_end: usize, limited_len: usize) {
        let Packet::Message(message) = decoded.packet else { return };
        let Some(window) = bytes.first_chunk::<WINDOW>() else { return };
        let header_len = decoded.wire_len.saturating_sub(message.payload.len());
        if payload_end == decoded.wire_len
            && let Some(prediction) = Self::of_window(window, header_len, decoded.wire_len, limited_len, message)
        {
            *self = prediction;
        }
    }
}

/// The last packets' predictions, in slots, so that the packets of interleaved channels do not drive out each other's.
///
/// The slot follows from the bytes at `A` and `B`: with the two usual lengths of the prefix, one of them is the channel, and
/// the other the same for all packets of one length. A poor choice of slot costs time and nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predictions<const A: usize, const B: usize>([Prediction; SLOTS]);

const SLOTS: usize = 4;

impl<const A: usize, const B: usize> Predictions<A, B> {
    /// Nothing is known.
    pub(crate) const fn new() -> Self {
        Self([Prediction::new(); SLOTS])
    }

    #[inline]
    fn slot(window: &[u8; WINDOW]) -> usize {
        let byte = |index| window.get(index).map_or(0, |byte| usize::from(*byte));
        (byte(A) ^ byte(B)) % SLOTS
    }

    /// As [`Prediction::recall`], of the slot that `bytes` have.
    #[inline]
    pub(crate) fn recall<'a>(&self, bytes: &'a [u8], limit: usize) -> Option<Decoded<'a>> {
        self.0.get(Self::slot(bytes.first_chunk()?))?.recall(bytes, limit)
    }

    /// Keeps a prediction made of `window`.
    #[inline]
    pub(crate) fn keep(&mut self, window: &[u8; WINDOW], prediction: Prediction) {
        if let Some(slot) = self.0.get_mut(Self::slot(window)) {
            *slot = prediction;
        }
    }

    /// As [`Prediction::learn`], in the slot that `bytes` have.
    pub(crate) fn learn(&mut self, bytes: &[u8], decoded: &Decoded<'_>, payload_end: usize, limited_len: usize) {
        if let Some(slot) = bytes.first_chunk().and_then(|window| self.0.get_mut(Self::slot(window))) {
            slot.learn(bytes, decoded, payload_end, limited_len);
        }
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
        prediction.learn(&BYTES, &decoded, 18, 17);
        prediction
    }

    #[test]
    fn the_packets_of_interleaved_channels_do_not_drive_each_other_out() {
        let mut predictions = Predictions::<4, 6>::new();
        let packet = |channel: u8| [b"HEAD", [channel].as_slice(), b"E", b"payload fourteen"].concat();
        for channel in 0..4 {
            let bytes = packet(channel);
            let decoded = Decoded { packet: message(&bytes[6..]), wire_len: bytes.len() };
            predictions.learn(&bytes, &decoded, bytes.len(), bytes.len());
        }
        for channel in 0..4 {
            assert!(predictions.recall(&packet(channel), 100).is_some(), "channel {channel}");
        }
        // The next one takes the slot of one of them, and only that.
        assert_eq!(predictions.recall(&packet(4), 100), None);
        let bytes = packet(4);
        let window: &[u8; WINDOW] = bytes.first_chunk().unwrap();
        let header = MessagePacket { channel: 7, end: true, payload: &[] };
        predictions.keep(window, Prediction::of_window(window, 6, bytes.len(), bytes.len(), header).unwrap());
        assert!(predictions.recall(&bytes, 100).is_some());
        assert_eq!((0..4).filter(|channel| predictions.recall(&packet(*channel), 100).is_some()).count(), 3);
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
        prediction.learn(&BYTES, &Decoded { packet: Packet::Ping, wire_len: 18 }, 18, 17);
        assert_eq!(prediction.recall(&BYTES, 17), None);
        prediction.learn(&BYTES, &Decoded { packet: message(&BYTES[4..18]), wire_len: 18 }, 17, 17);
        assert_eq!(prediction.recall(&BYTES, 17), None);
        prediction.learn(&BYTES[..15], &Decoded { packet: message(&BYTES[4..15]), wire_len: 15 }, 15, 14);
        assert_eq!(prediction.recall(&BYTES, 17), None, "too few bytes to compare");
        prediction.learn(&BYTES, &Decoded { packet: message(&BYTES[17..20]), wire_len: 20 }, 20, 19);
        assert_eq!(prediction.recall(&BYTES, 19), None, "a header of 17 bytes");
        let longest = Decoded { packet: message(&BYTES[16..20]), wire_len: 20 };
        prediction.learn(&BYTES, &longest, 20, 19);
        assert_eq!(prediction.recall(&BYTES, 19), Some(longest), "a header of 16 bytes");
        let mut other = BYTES;
        other[15] ^= 0x80;
        assert_eq!(prediction.recall(&other, 19), None);
    }
}
