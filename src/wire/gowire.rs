//! go-wire: Tendermint up to v0.18.
//!
//! No framing: a byte says what the packet is. A ping is `01`, a pong `02`; `03` is followed by a struct without tags:
//!
//! ```text
//! channel: byte   end: byte   payload length: go-wire's signed number   payload
//! ```

use super::varint::{read_gowire, short_gowire};
use super::{Codec, DecodeError, DecodeRule, Decoded, Header, MAX_PAYLOAD, MessagePacket, Packet};

const PING: u8 = 1;
const PONG: u8 = 2;
const MESSAGE: u8 = 3;

/// Where the payload's length stands in a message packet.
const LENGTH_AT: usize = 3;

/// The most bytes that stand before a payload: a length has a size byte and eight more.
const LONGEST_HEAD: usize = LENGTH_AT + 9;

/// The codec of Tendermint up to v0.18.
///
/// It takes and refuses exactly what `p2p/connection.go @ v0.10.0` with go-wire does: lengths with leading zeros, and as
/// the end of a message only `01` (any other byte says that more follows). [`GoWire::strict`] refuses what no sender writes.
///
/// Its limit counts the bytes of the struct, that is all but the first of a packet ([`Codec::limited_len`]). A limit of 0,
/// which to go-wire is none, lets no message pass.
///
/// ```
/// use mconn::wire::{Codec, GoWire, Packet};
///
/// let mut codec = GoWire::new();
/// let decoded = codec.decode(b"\x03\x20\x01\x01\x02hi and more", 1034)?.expect("a whole packet");
/// assert_eq!(decoded.wire_len, 7);
/// let Packet::Message(message) = decoded.packet else { panic!("a message") };
/// assert_eq!((message.channel, message.end, message.payload), (0x20, true, &b"hi"[..]));
/// # Ok::<(), mconn::wire::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GoWire {
    strict: bool,
}

impl GoWire {
    /// Takes what Go takes.
    #[must_use]
    pub const fn new() -> Self {
        Self { strict: false }
    }

    /// Takes only what an encoder writes: of the packets that [`GoWire::new`] takes, those that come out the same when they
    /// are encoded again.
    ///
    /// (With a payload of at most [`MAX_PAYLOAD`] bytes, which is as long as the codecs write them; longer ones are taken
    /// in the same form.)
    #[must_use]
    pub const fn strict() -> Self {
        Self { strict: true }
    }

    /// Reads the message packet at the start of `bytes`.
    #[inline]
    fn message<'a>(&self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        let Some(&[_, channel, end]) = bytes.first_chunk::<LENGTH_AT>() else { return Ok(None) };
        if self.strict && end > 1 {
            return Err(DecodeError::new(DecodeRule::UnusualValue { field: 2, value: u64::from(end) }, 2));
        }
        let Some((length, length_len)) = self.length(bytes)? else { return Ok(None) };

        // What Go's reader counted before the payload: the struct so far, without the packet's first byte.
        let before = length_len.saturating_add(LENGTH_AT).saturating_sub(1) as u64;
        // No overflow: `length` has 63 bits.
        let limited = length.saturating_add(before);
        if limited > limit as u64 {
            return Err(at_length(DecodeRule::TooLarge { length: limited, limit: limit as u64 }));
        }
        // Within the limit, which is a `usize`.
        let wire_len = (limited as usize).saturating_add(1);
        let Some(payload) = bytes.get(LENGTH_AT.saturating_add(length_len)..wire_len) else { return Ok(None) };
        let message = MessagePacket { channel: i32::from(channel), end: end == 1, payload };
        Ok(Some(Decoded { packet: Packet::Message(message), wire_len }))
    }

    /// Reads the length of the payload, and how many bytes that length takes.
    #[inline]
    fn length(&self, bytes: &[u8]) -> Result<Option<(u64, usize)>, DecodeError> {
        let bytes = bytes.get(LENGTH_AT..).unwrap_or_default();
        let Some((length, length_len)) = read_gowire(bytes).map_err(at_length)? else { return Ok(None) };
        let Ok(length) = u64::try_from(length) else { return Err(at_length(DecodeRule::NegativeLength)) };
        if self.strict && !is_shortest(bytes, length_len) {
            return Err(at_length(DecodeRule::NotMinimal));
        }
        Ok(Some((length, length_len)))
    }
}

/// Whether the number of `len` bytes at the start of `bytes` has no leading zeros and no sign.
#[inline]
fn is_shortest(bytes: &[u8], len: usize) -> bool {
    let head = bytes.first().copied().unwrap_or_default();
    matches!(head, 0..=8) && (len == 1 || bytes.get(1) != Some(&0))
}

/// An error at the length of the payload.
#[inline]
const fn at_length(rule: DecodeRule) -> DecodeError {
    DecodeError::new(rule, LENGTH_AT)
}

impl Codec for GoWire {
    #[inline]
    fn ping(&self) -> &'static [u8] {
        &[PING]
    }

    #[inline]
    fn pong(&self) -> &'static [u8] {
        &[PONG]
    }

    #[inline]
    fn message_header(&self, channel: u8, end: bool, payload_len: usize) -> Header {
        // At most 21 bits.
        let (number, len) = short_gowire(payload_len.min(MAX_PAYLOAD) as u32);
        let bits = u64::from(MESSAGE) | (u64::from(channel) << 8) | (u64::from(end) << 16) | (u64::from(number) << 24);
        Header::from_le_bits(u128::from(bits), len.wrapping_add(LENGTH_AT as u32))
    }

    fn packet_limit(&self, payload_size: usize) -> usize {
        // `maxMsgPacketTotalSize` of `p2p/connection.go @ v0.10.0`: the overhead is estimated, and not exact.
        payload_size.saturating_add(10)
    }

    #[inline]
    fn limited_len(&self, _channel: u8, _end: bool, payload_len: usize) -> usize {
        let significant_bits = usize::BITS.saturating_sub(payload_len.leading_zeros());
        // Channel, end, and the size byte of the length.
        payload_len.saturating_add(significant_bits.div_ceil(8) as usize).saturating_add(3)
    }

    /// The limit and the packet's first byte; but what stands before a payload is read before it is refused.
    fn max_wire_len(&self, limit: usize) -> usize {
        limit.saturating_add(1).max(LONGEST_HEAD)
    }

    #[inline]
    fn decode<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        match bytes.first() {
            None => Ok(None),
            Some(&MESSAGE) => self.message(bytes, limit),
            Some(&PING) => Ok(Some(Decoded { packet: Packet::Ping, wire_len: 1 })),
            Some(&PONG) => Ok(Some(Decoded { packet: Packet::Pong, wire_len: 1 })),
            Some(&other) => Err(DecodeError::new(DecodeRule::UnknownType { packet_type: u32::from(other) }, 0)),
        }
    }
}

#[cfg(test)]
mod tests;
