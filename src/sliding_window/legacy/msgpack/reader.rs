//! Reading.

use super::super::error::{DecodeError, DecodeRule, Kind};
use super::super::timestamp::Timestamp;
use super::TIME_PREFIX;

/// Which keys a map may have. None is empty: on an empty one the original's decoder of packets panics, and its decoder of
/// streams gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// As the original reads a packet: strings. It means to take binary keys as well, but looks for them in the wrong place
    /// and finds nothing (`ReadMapKeyZC`).
    Packet,
    /// As the original reads a file from a stream: strings and binary data (`ReadMapKeyPtr`).
    Stream,
}

/// Reads values from the front of bytes that it borrows. Never allocates; a length is believed only when as many bytes are
/// there.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    total: usize,
}

type Rule<T> = Result<T, DecodeRule>;

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, total: bytes.len() }
    }

    /// What has not been read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have been read.
    pub(crate) const fn offset(&self) -> usize {
        self.total.saturating_sub(self.rest.len())
    }

    /// The number of pairs of a map; the pairs follow.
    pub(crate) fn map_header(&mut self) -> Result<u32, DecodeError> {
        self.at_start(|reader| match reader.lead()? {
            lead @ 0x80..=0x8f => Ok(u32::from(lead & 0x0f)),
            0xde => reader.length16(),
            0xdf => reader.length32(),
            lead => Err(wrong_kind(Kind::Map, lead)),
        })
    }

    /// The number of values of an array; the values follow.
    pub(crate) fn array_header(&mut self) -> Result<u32, DecodeError> {
        self.at_start(|reader| match reader.lead()? {
            lead @ 0x90..=0x9f => Ok(u32::from(lead & 0x0f)),
            0xdc => reader.length16(),
            0xdd => reader.length32(),
            lead => Err(wrong_kind(Kind::Array, lead)),
        })
    }

    /// A key of a map.
    pub(crate) fn key(&mut self, form: KeyForm) -> Result<&'a [u8], DecodeError> {
        self.at_start(|reader| {
            let length = match (reader.lead()?, form) {
                (0xc4, KeyForm::Stream) => reader.length8()?,
                (0xc5, KeyForm::Stream) => reader.length16()?,
                (0xc6, KeyForm::Stream) => reader.length32()?,
                (lead, _) => reader.string_length(lead)?,
            };
            if length == 0 { Err(DecodeRule::EmptyKey) } else { reader.bytes(length) }
        })
    }

    /// A text. Go does not ask for UTF-8, so neither does this.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        self.at_start(|reader| {
            let lead = reader.lead()?;
            let length = reader.string_length(lead)?;
            reader.bytes(length)
        })
    }

    /// Bytes.
    pub(crate) fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        self.at_start(|reader| {
            let length = reader.binary_length()?;
            reader.bytes(length)
        })
    }

    /// The length of bytes that follow.
    pub(crate) fn binary_header(&mut self) -> Result<u32, DecodeError> {
        self.at_start(Self::binary_length)
    }

    /// A number in any of the signed forms, also one longer than need be.
    pub(crate) fn integer(&mut self) -> Result<i64, DecodeError> {
        self.at_start(|reader| match reader.lead()? {
            lead @ (0x00..=0x7f | 0xe0..=0xff) => Ok(i64::from(i8::from_be_bytes([lead]))),
            0xd0 => Ok(i64::from(i8::from_be_bytes(reader.array()?))),
            0xd1 => Ok(i64::from(i16::from_be_bytes(reader.array()?))),
            0xd2 => Ok(i64::from(i32::from_be_bytes(reader.array()?))),
            0xd3 => Ok(i64::from_be_bytes(reader.array()?)),
            lead => Err(wrong_kind(Kind::Integer, lead)),
        })
    }

    /// A time. The nanoseconds are brought within a second, as Go does.
    pub(crate) fn time(&mut self) -> Result<Timestamp, DecodeError> {
        self.at_start(|reader| {
            let lead = reader.peek()?;
            if kind(lead).ok_or(DecodeRule::NoKind)? != Kind::Extension {
                return Err(wrong_kind(Kind::Extension, lead));
            }
            if reader.array()? != TIME_PREFIX {
                return Err(DecodeRule::NotATime);
            }
            let seconds = i64::from_be_bytes(reader.array()?);
            Ok(Timestamp::new(seconds, i32::from_be_bytes(reader.array()?)))
        })
    }

    /// Passes over one value of any kind, with all that is in it.
    ///
    /// Values inside values are counted, not descended into: nesting costs no stack. Every value has a byte at least, so the
    /// work is bounded by the bytes that are there, whatever the lengths say.
    pub(crate) fn skip(&mut self) -> Result<(), DecodeError> {
        let mut values: u64 = 1;
        while let Some(others) = values.checked_sub(1) {
            let inside = self.at_start(Self::skip_one)?;
            values = others.saturating_add(inside);
        }
        Ok(())
    }

    /// Passes over one value, without those inside it, whose number it gives.
    fn skip_one(&mut self) -> Rule<u64> {
        let (length, inside) = match self.lead()? {
            lead @ 0x80..=0x8f => (0, pairs(u32::from(lead & 0x0f))),
            lead @ 0x90..=0x9f => (0, u64::from(lead & 0x0f)),
            lead @ 0xa0..=0xbf => (u32::from(lead & 0x1f), 0),
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
            0xc1 => return Err(DecodeRule::NoKind),
            0xc4 | 0xd9 => (self.length8()?, 0),
            0xc5 | 0xda => (self.length16()?, 0),
            0xc6 | 0xdb => (self.length32()?, 0),
            // The type of an extension is one byte.
            0xc7 => (self.length8()?.saturating_add(1), 0),
            0xc8 => (self.length16()?.saturating_add(1), 0),
            0xc9 => {
                let length = self.length32()?;
                self.array::<1>()?;
                (length, 0)
            }
            0xcc | 0xd0 => (1, 0),
            // `d4` to `d8`: the type and 1, 2, 4, 8 or 16 bytes.
            0xcd | 0xd1 | 0xd4 => (2, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            0xd5 => (3, 0),
            0xd6 => (5, 0),
            0xd7 => (9, 0),
            0xd8 => (17, 0),
            0xdc => (0, u64::from(self.length16()?)),
            0xdd => (0, u64::from(self.length32()?)),
            0xde => (0, pairs(self.length16()?)),
            0xdf => (0, pairs(self.length32()?)),
        };
        self.bytes(length)?;
        Ok(inside)
    }

    /// Runs `read`; a broken rule is told with the place where it began.
    fn at_start<T>(&mut self, read: impl FnOnce(&mut Self) -> Rule<T>) -> Result<T, DecodeError> {
        let start = self.offset();
        read(self).map_err(|rule| DecodeError::new(rule, start))
    }

    fn string_length(&mut self, lead: u8) -> Rule<u32> {
        match lead {
            0xa0..=0xbf => Ok(u32::from(lead & 0x1f)),
            0xd9 => self.length8(),
            0xda => self.length16(),
            0xdb => self.length32(),
            _ => Err(wrong_kind(Kind::String, lead)),
        }
    }

    fn binary_length(&mut self) -> Rule<u32> {
        match self.lead()? {
            0xc4 => self.length8(),
            0xc5 => self.length16(),
            0xc6 => self.length32(),
            lead => Err(wrong_kind(Kind::Binary, lead)),
        }
    }

    fn length8(&mut self) -> Rule<u32> {
        self.lead().map(u32::from)
    }

    fn length16(&mut self) -> Rule<u32> {
        Ok(u32::from(u16::from_be_bytes(self.array()?)))
    }

    fn length32(&mut self) -> Rule<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn bytes(&mut self, length: u32) -> Rule<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| DecodeRule::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(DecodeRule::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Rule<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeRule::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn peek(&self) -> Rule<u8> {
        self.rest.first().copied().ok_or(DecodeRule::Truncated)
    }

    fn lead(&mut self) -> Rule<u8> {
        let [lead] = self.array()?;
        Ok(lead)
    }
}

/// The number of values in so many pairs.
fn pairs(number: u32) -> u64 {
    u64::from(number).saturating_mul(2)
}

fn wrong_kind(expected: Kind, lead: u8) -> DecodeRule {
    kind(lead).map_or(DecodeRule::NoKind, |found| DecodeRule::WrongKind { expected, found })
}

/// What `lead` begins; `None` for the one byte that begins nothing.
const fn kind(lead: u8) -> Option<Kind> {
    Some(match lead {
        0x00..=0x7f | 0xd0..=0xd3 | 0xe0..=0xff => Kind::Integer,
        0x80..=0x8f | 0xde | 0xdf => Kind::Map,
        0x90..=0x9f | 0xdc | 0xdd => Kind::Array,
        0xa0..=0xbf | 0xd9..=0xdb => Kind::String,
        0xc0 => Kind::Nil,
        0xc1 => return None,
        0xc2 | 0xc3 => Kind::Boolean,
        0xc4..=0xc6 => Kind::Binary,
        0xc7..=0xc9 | 0xd4..=0xd8 => Kind::Extension,
        0xca | 0xcb => Kind::Float,
        0xcc..=0xcf => Kind::Unsigned,
    })
}
