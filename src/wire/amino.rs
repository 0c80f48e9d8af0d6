//! Amino: Tendermint v0.22 to v0.33.
//!
//! A packet is the length of what follows as LEB128, four bytes of a hash of the packet's name, and, for a message, the
//! fields that are not zero:
//!
//! ```text
//! ping  04 15c3d289
//! pong  04 8a797fe2
//! msg   len b05b4f2c [08 channel] [10 end] [1a len payload]
//! ```
//!
//! What a receiver does with other bytes was found by running go-amino v0.14.1, with the packets registered as in
//! `p2p/conn/connection.go @ v0.33.9`; the rows are in `tests/vectors/amino_decode_cases.jsonl`:
//!
//! * Length: up to ten bytes, also more than needed. More than 64 bits are refused at the tenth byte, zero at once. The
//!   limit is one of the *whole* packet: the length's own bytes, as many as there are, are counted.
//! * But for its length, a packet is judged when it is there completely.
//! * Type: the four bytes, or eight: `00`, three disambiguation bytes, and the four. All others are refused.
//! * Field numbers ascend, those of unknown fields too. One that stands twice or out of order, 0, and one of more than 29
//!   bits are refused.
//! * A known field with another wire type is refused. An unknown one is passed over, in pings and pongs too, if its wire
//!   type is 0, 1, 2 or 5; there are no groups.
//! * Numbers have up to ten bytes, also more than needed, and up to 64 bits. Channel and end are bytes: over 255 they are
//!   refused.
//! * A zero and a payload of no bytes may be written. The end may be any byte; the message ends if it is 1, and all
//!   others say that more follows.
//! * A length that is below zero, or more than is left of the packet, is refused.
//!
//! go-amino v0.12.0 gives the same rows, and v0.10.1, the oldest here (Tendermint v0.22), has the same code in these places.
//! Tendermint v0.19 to v0.21, with go-amino v0.9, wrote other bytes, which this codec does not speak: the wire type in the
//! last bits of the type, and a byte `04` behind the last field.

use super::fields::{BYTES, Tag, VARINT};
use super::predict::Predictions;
use super::proto3::delimited_overhead;
use super::varint::{MAX_UVARINT_LEN, read_uvarint, short_uvarint, uvarint_len};
use super::{Codec, DecodeError, DecodeRule, Decoded, Header, MAX_PAYLOAD, MessagePacket, Packet};
use header::{channel_field, payload_field, shifted};
use reader::Reader;

mod header;
mod reader;

const PING: [u8; 4] = [0x15, 0xc3, 0xd2, 0x89];
const PONG: [u8; 4] = [0x8a, 0x79, 0x7f, 0xe2];
const MESSAGE: [u8; 4] = [0xb0, 0x5b, 0x4f, 0x2c];

/// A zero and the disambiguation bytes, which go-amino writes only where two names of one interface have the same four bytes.
const LONG_PING: [u8; 4] = [0x00, 0xe3, 0x7e, 0x84];
const LONG_PONG: [u8; 4] = [0x00, 0x88, 0x7a, 0x12];
const LONG_MESSAGE: [u8; 4] = [0x00, 0xf1, 0xbb, 0x97];

const CHANNEL: i32 = 1;
const END: i32 = 2;
const PAYLOAD: i32 = 3;

/// What `maxPacketMsgSize` of `p2p/conn/connection.go @ v0.33` adds to the size of a full packet.
const SPARE: usize = 10;

/// The codec of Tendermint v0.22 to v0.33.
///
/// It takes and refuses exactly what the Go nodes do; [`Amino::strict`] refuses what no sender writes.
///
/// ```
/// use mconn::wire::{Amino, Codec, Packet};
///
/// let mut codec = Amino::new();
/// let limit = codec.packet_limit(1024);
/// assert_eq!(limit, 1047);
/// let decoded = codec.decode(b"\x0a\xb0\x5b\x4f\x2c\x08\x20\x1a\x02hi and more", limit)?.expect("a whole packet");
/// assert_eq!(decoded.wire_len, 11);
/// let Packet::Message(message) = decoded.packet else { panic!("a message") };
/// assert_eq!((message.channel, message.end, message.payload), (0x20, false, &b"hi"[..]));
/// # Ok::<(), mconn::wire::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Amino {
    strict: bool,
    predictions: Predictions<6, 7>,
}

impl Amino {
    /// Takes what go-amino takes.
    #[must_use]
    pub const fn new() -> Self {
        Self { strict: false, predictions: Predictions::new() }
    }

    /// Takes only what an encoder writes: of the packets that [`Amino::new`] takes, those that come out the same when they
    /// are encoded again.
    ///
    /// (With a payload of at most [`MAX_PAYLOAD`] bytes, which is as long as the codecs write them; longer ones are taken
    /// in the same form.)
    #[must_use]
    pub const fn strict() -> Self {
        Self { strict: true, predictions: Predictions::new() }
    }

    /// Parses the packet at the start of `bytes`.
    fn parse<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        let Some(frame) = self.frame(bytes, limit)? else { return Ok(None) };
        let Some(body) = bytes.get(frame.prefix_len..frame.wire_len) else { return Ok(None) };
        let (packet, end) = self.packet(Reader::new(body, frame.prefix_len, self.strict))?;
        let decoded = Decoded { packet, wire_len: frame.wire_len };
        self.predictions.learn(bytes, &decoded, end, frame.wire_len);
        Ok(Some(decoded))
    }

    /// Reads the length prefix, and nothing behind it (`UnmarshalBinaryLengthPrefixedReader` of `amino.go @ v0.14.1`).
    #[inline]
    fn frame(&self, bytes: &[u8], limit: usize) -> Result<Option<Frame>, DecodeError> {
        let at_start = |rule| DecodeError::new(rule, 0);
        let Some((length, prefix_len)) = read_uvarint(bytes).map_err(at_start)? else { return Ok(None) };
        if self.strict && prefix_len != uvarint_len(length) as usize {
            return Err(at_start(DecodeRule::NotMinimal));
        }
        let whole = length.saturating_add(prefix_len as u64);
        if whole > i64::MAX as u64 {
            return Err(at_start(DecodeRule::LengthOutOfRange { length }));
        }
        if whole > limit as u64 {
            return Err(at_start(DecodeRule::TooLarge { length: whole, limit: limit as u64 }));
        }
        if length == 0 {
            return Err(at_start(DecodeRule::EmptyPacket));
        }
        // Within the limit, which is a `usize`.
        Ok(Some(Frame { prefix_len, wire_len: whole as usize }))
    }

    /// Reads what stands behind the length, and, for a message, where its payload ends.
    #[inline]
    fn packet<'a>(&self, mut reader: Reader<'a>) -> Result<(Packet<'a>, usize), DecodeError> {
        match self.packet_type(&mut reader)? {
            MESSAGE => self.message(reader).map(|(message, end)| (Packet::Message(message), end)),
            PING => self.empty(reader).map(|()| (Packet::Ping, 0)),
            _ => self.empty(reader).map(|()| (Packet::Pong, 0)),
        }
    }

    /// Reads the type: one of [`PING`], [`PONG`] and [`MESSAGE`].
    #[inline]
    fn packet_type(&self, reader: &mut Reader<'_>) -> Result<[u8; 4], DecodeError> {
        let start = reader.offset();
        let first = reader.four()?;
        if matches!(first, PING | PONG | MESSAGE) {
            return Ok(first);
        }
        let unknown = DecodeRule::UnknownType { packet_type: u32::from_be_bytes(first) };
        if first[0] != 0 {
            return Err(DecodeError::new(unknown, start));
        }
        match (first, reader.four()?) {
            (LONG_PING, PING) | (LONG_PONG, PONG) | (LONG_MESSAGE, MESSAGE) if self.strict => {
                Err(DecodeError::new(DecodeRule::LongType, start))
            }
            (LONG_PING, PING) => Ok(PING),
            (LONG_PONG, PONG) => Ok(PONG),
            (LONG_MESSAGE, MESSAGE) => Ok(MESSAGE),
            _ => Err(DecodeError::new(unknown, start)),
        }
    }

    /// Reads the fields of a `PacketMsg`, and where its payload ends; without a payload, where the fields end.
    #[inline]
    fn message<'a>(&self, mut reader: Reader<'a>) -> Result<(MessagePacket<'a>, usize), DecodeError> {
        let mut message = MessagePacket { channel: 0, end: false, payload: &[] };
        let mut payload_end = None;
        let mut last = 0;
        while let Some(tag) = reader.tag(last)? {
            last = tag.number;
            match tag.number {
                CHANNEL => message.channel = i32::from(self.byte(&mut reader, tag, u8::MAX)?),
                END => message.end = self.byte(&mut reader, tag, 1)? == 1,
                PAYLOAD => {
                    tag.must_be(BYTES)?;
                    message.payload = reader.bytes()?;
                    self.check_default(tag, message.payload.is_empty())?;
                    payload_end = Some(reader.offset());
                }
                _ => self.unknown(&mut reader, tag)?,
            }
        }
        Ok((message, payload_end.unwrap_or(reader.offset())))
    }

    /// Reads the fields of a `PacketPing` or `PacketPong`, which have none.
    #[inline]
    fn empty(&self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        let mut last = 0;
        while let Some(tag) = reader.tag(last)? {
            last = tag.number;
            self.unknown(&mut reader, tag)?;
        }
        Ok(())
    }

    /// Reads the value of a field that is a byte; if strict, one that is not 0 and at most `largest`.
    #[inline]
    fn byte(&self, reader: &mut Reader<'_>, tag: Tag, largest: u8) -> Result<u8, DecodeError> {
        tag.must_be(VARINT)?;
        let value = reader.number()?;
        self.check_default(tag, value == 0)?;
        match u8::try_from(value) {
            Ok(byte) if byte <= largest || !self.strict => Ok(byte),
            _ => Err(tag.error(DecodeRule::UnusualValue { field: tag.field(), value })),
        }
    }

    /// If strict, refuses a field that stands there in vain.
    #[inline]
    fn check_default(&self, tag: Tag, is_default: bool) -> Result<(), DecodeError> {
        if self.strict && is_default {
            return Err(tag.error(DecodeRule::DefaultWritten { field: tag.field() }));
        }
        Ok(())
    }

    /// Passes over a field that is not known.
    #[cold]
    fn unknown(&self, reader: &mut Reader<'_>, tag: Tag) -> Result<(), DecodeError> {
        if self.strict {
            return Err(tag.error(DecodeRule::UnknownField { field: tag.field() }));
        }
        reader.skip(tag)
    }
}

impl Default for Amino {
    fn default() -> Self {
        Self::new()
    }
}

/// What a length prefix says.
struct Frame {
    prefix_len: usize,
    wire_len: usize,
}

impl Codec for Amino {
    #[inline]
    fn ping(&self) -> &'static [u8] {
        b"\x04\x15\xc3\xd2\x89"
    }

    #[inline]
    fn pong(&self) -> &'static [u8] {
        b"\x04\x8a\x79\x7f\xe2"
    }

    #[inline]
    fn message_header(&self, channel: u8, end: bool, payload_len: usize) -> Header {
        // At most 21 bits, and so is the length below: 13 bytes more.
        let payload_len = payload_len.min(MAX_PAYLOAD) as u32;
        let (channel_field, channel_len) = channel_field(channel);
        let (end_field, end_len) = if end { (0x01_10, 2) } else { (0, 0) };
        let (payload_field, payload_field_len) = payload_field(payload_len);
        let fields_len = channel_len.wrapping_add(end_len);

        let body_len = fields_len.wrapping_add(payload_field_len).wrapping_add(payload_len).wrapping_add(4);
        let (number, number_len) = short_uvarint(body_len);

        // At most 3 bytes of length and 4 of type, then 3 + 2, then 1 + 3: 16.
        let prefix = u64::from(number) | shifted(u32::from_le_bytes(MESSAGE), number_len);
        let prefix_len = number_len.wrapping_add(4);
        let fields = u64::from(channel_field) | shifted(end_field, channel_len);
        let fields = u128::from(fields) | u128::from(payload_field).wrapping_shl(fields_len.wrapping_mul(8));
        let bits = u128::from(prefix) | fields.wrapping_shl(prefix_len.wrapping_mul(8));
        Header::from_le_bits(bits, prefix_len.wrapping_add(fields_len).wrapping_add(payload_field_len))
    }

    /// That of Tendermint v0.22 to v0.33: the size on the wire of a final packet on channel 1, and ten bytes to spare.
    fn packet_limit(&self, payload_size: usize) -> usize {
        self.limited_len(1, true, payload_size).saturating_add(SPARE)
    }

    /// The size on the wire, the length prefix counted.
    #[inline]
    fn limited_len(&self, channel: u8, end: bool, payload_len: usize) -> usize {
        let channel_len = channel_field(channel).1 as usize;
        let end_len = if end { 2 } else { 0 };
        let payload_field_len = if payload_len == 0 { 0 } else { delimited_overhead(payload_len) };
        let body_len = payload_len
            .saturating_add(payload_field_len)
            .saturating_add(channel_len)
            .saturating_add(end_len)
            .saturating_add(MESSAGE.len());
        body_len.saturating_add(uvarint_len(body_len as u64) as usize)
    }

    /// The limit itself; but a length alone may take ten bytes before it is refused.
    fn max_wire_len(&self, limit: usize) -> usize {
        limit.max(MAX_UVARINT_LEN)
    }

    #[inline]
    fn decode<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        match self.predictions.recall(bytes, limit) {
            Some(decoded) => Ok(Some(decoded)),
            None => self.parse(bytes, limit),
        }
    }
}

#[cfg(test)]
mod tests;
