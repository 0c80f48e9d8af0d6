//! Walks over the fields of a packet as go-amino does (`binary-decode.go` and `decoder.go @ v0.14.1`).

use crate::wire::fields::{BYTES, Tag, VARINT};
use crate::wire::varint::{read_uvarint, uvarint_len};
use crate::wire::{DecodeError, DecodeRule};

const FIXED64: u8 = 1;
const FIXED32: u8 = 5;

/// Field numbers have at most 29 bits.
const MAX_FIELD: u64 = (1 << 29) - 1;

/// What is still to be read of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Where the packet ends, in bytes from its start.
    end: usize,
    /// Whether numbers must be written as short as can be.
    strict: bool,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which begin `offset` bytes after the start of the packet.
    #[inline]
    pub(super) const fn new(bytes: &'a [u8], offset: usize, strict: bool) -> Self {
        Self { rest: bytes, end: offset.saturating_add(bytes.len()), strict }
    }

    /// Where the next byte stands, in bytes from the start of the packet.
    #[inline]
    pub(super) const fn offset(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    /// Four bytes of a type.
    ///
    /// # Errors
    /// [`DecodeRule::Truncated`].
    #[inline]
    pub(super) fn four(&mut self) -> Result<[u8; 4], DecodeError> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or(self.error(DecodeRule::Truncated))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The next field's tag, whose number must be greater than `last`; `None` at the end of the packet.
    ///
    /// # Errors
    /// A field number that is zero, too great, or not greater than `last`, or those of [`Reader::number`].
    #[inline]
    pub(super) fn tag(&mut self, last: i32) -> Result<Option<Tag>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let offset = self.offset();
        let key = self.number()?;
        let number = key >> 3;
        let tag = Tag { number: i32::try_from(number).unwrap_or(i32::MAX), wire_type: (key & 7) as u8, offset };
        if number == 0 || number > MAX_FIELD {
            return Err(tag.error(DecodeRule::IllegalTag { number: tag.number }));
        }
        if tag.number <= last {
            return Err(tag.error(DecodeRule::RepeatedField { field: tag.field() }));
        }
        Ok(Some(tag))
    }

    /// The next number.
    ///
    /// # Errors
    /// [`DecodeRule::Truncated`], [`DecodeRule::VarintOverflow`] over 64 bits, or, if strict, [`DecodeRule::NotMinimal`].
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, DecodeError> {
        let (value, len) = match read_uvarint(self.rest) {
            Ok(Some(number)) => number,
            Ok(None) => return Err(self.error(DecodeRule::Truncated)),
            Err(_) => return Err(self.error(DecodeRule::VarintOverflow)),
        };
        if self.strict && len != uvarint_len(value) as usize {
            return Err(self.error(DecodeRule::NotMinimal));
        }
        self.rest = self.rest.get(len..).unwrap_or_default();
        Ok(value)
    }

    /// A length, and as many bytes.
    ///
    /// # Errors
    /// Those of [`Reader::number`], a length below zero, or more bytes than there are.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = *self;
        let length = self.number()?;
        if length > i64::MAX as u64 {
            return Err(start.error(DecodeRule::NegativeLength));
        }
        match usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length)) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(start.error(DecodeRule::Truncated)),
        }
    }

    /// Passes over the value of a field that is not known. There are no groups (`consumeAny`).
    ///
    /// # Errors
    /// A wire type that does not exist, or a value that does not end within the packet.
    pub(super) fn skip(&mut self, tag: Tag) -> Result<(), DecodeError> {
        match tag.wire_type {
            VARINT => self.number().map(drop),
            BYTES => self.bytes().map(drop),
            FIXED64 => self.skip_bytes(8),
            FIXED32 => self.skip_bytes(4),
            wire_type => Err(tag.error(DecodeRule::IllegalWireType { wire_type })),
        }
    }

    /// Passes over a value of fixed size.
    fn skip_bytes(&mut self, count: usize) -> Result<(), DecodeError> {
        self.rest = self.rest.get(count..).ok_or(self.error(DecodeRule::Truncated))?;
        Ok(())
    }

    /// An error at the next byte.
    const fn error(&self, rule: DecodeRule) -> DecodeError {
        DecodeError::new(rule, self.offset())
    }
}
