//! What a segment consists of.

use super::error::PacketError;
use super::varint::{read_varint, varint_len};
use super::writer::Writer;

/// What a piece is, as the bits of one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PieceFlags(u8);

impl PieceFlags {
    /// A message begins with it.
    pub const FIRST: Self = Self(1);
    /// A message ends with it.
    pub const LAST: Self = Self(2);
    /// A message of one piece, in its place in the order.
    pub const WHOLE: Self = Self(3);
    /// It may be delivered before what was sent earlier.
    pub const UNORDERED: Self = Self(4);
    /// The message has expired: the bytes are not there, only their number, and the message is to be dropped.
    pub const SKIPPED: Self = Self(8);
    /// No message: the end of all that this side sends.
    pub const FIN: Self = Self(16);
    /// A length stands before the bytes; without it they go to the end of the datagram.
    pub const HAS_LENGTH: Self = Self(32);
    /// The sender wants to know when the application has taken the message that ends here.
    pub const RECEIPT: Self = Self(64);
    const UNKNOWN: Self = Self(128);

    /// Whether all bits of `other` are set.
    #[inline]
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These bits and those of `other`.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The byte on the wire.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The flags of a byte on the wire, whatever it is.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether the piece is a whole message.
    #[inline]
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.has(Self::WHOLE)
    }

    /// Whether the number of the fragment is written: where one is part of an unordered message.
    #[inline]
    #[must_use]
    pub const fn has_index(self) -> bool {
        self.has(Self::UNORDERED) && !self.is_whole()
    }
}

/// A message, a fragment of one, or the end; its bytes are lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What it is.
    pub flags: PieceFlags,
    /// For a fragment of an unordered message: which one, from 0. Its message begins so many segments earlier.
    pub index: u64,
    /// The bytes; none in a skipped piece.
    pub payload: &'a [u8],
    /// In a skipped piece: how many bytes are not there. They have taken credit when they were sent first.
    pub skipped: u64,
}

impl<'a> Piece<'a> {
    /// Bytes of credit that the piece takes.
    #[inline]
    #[must_use]
    pub const fn credit(&self) -> u64 {
        (self.payload.len() as u64).saturating_add(self.skipped)
    }

    /// Bytes that a piece of `length` bytes takes besides them.
    #[inline]
    #[must_use]
    pub const fn overhead(flags: PieceFlags, index: u64, length: usize) -> usize {
        let index = if flags.has_index() { varint_len(index) } else { 0 };
        let length = if flags.has(PieceFlags::HAS_LENGTH) { varint_len(length as u64) } else { 0 };
        length.saturating_add(index).saturating_add(1)
    }

    /// Writes what stands before the payload: flags, number of the fragment, length.
    #[inline]
    pub fn begin(writer: &mut Writer<'_>, flags: PieceFlags, index: u64, length: u64) {
        if flags.has_index() {
            writer.put_u8(flags.bits());
            writer.put_varint(index);
            if flags.has(PieceFlags::HAS_LENGTH) {
                writer.put_varint(length);
            }
        } else if !flags.has(PieceFlags::HAS_LENGTH) {
            writer.put_u8(flags.bits());
        } else if length < 1 << 6 {
            writer.put_slice(&[flags.bits(), length as u8]);
        } else if length < 1 << 14 {
            let [high, low] = (length as u16).to_be_bytes();
            writer.put_slice(&[flags.bits(), high | 0x40, low]);
        } else {
            writer.put_u8(flags.bits());
            writer.put_varint(length);
        }
    }

    /// Writes the piece; `false`, and nothing is written, when there is no room.
    pub fn write(&self, writer: &mut Writer<'_>) -> bool {
        let start = writer.len();
        Self::begin(writer, self.flags, self.index, self.credit());
        writer.put_slice(self.payload);
        let fits = !writer.overflowed();
        if !fits {
            writer.rewind(start);
        }
        fits
    }

    /// The piece at the start of `bytes`, and what follows it. `first` says whether it is the first one of its segment.
    ///
    /// # Errors
    /// When it is not one that stands there.
    #[inline]
    pub fn split(bytes: &'a [u8], first: bool) -> Result<(Self, &'a [u8]), PacketError> {
        if let Some((flags, payload, rest)) = Self::split_whole(bytes) {
            return Ok((Self { flags, index: 0, payload, skipped: 0 }, rest));
        }
        Self::split_any(bytes, first)
    }

    /// Flags and bytes of the piece at the start of `bytes`, and what follows it, when it is of the most common kind: a whole
    /// message, in its place in the order. `None` for all others, and for one that is cut off.
    #[inline]
    #[must_use]
    pub fn split_whole(bytes: &'a [u8]) -> Option<(PieceFlags, &'a [u8], &'a [u8])> {
        let (&bits, rest) = bytes.split_first()?;
        if bits & !(PieceFlags::HAS_LENGTH.0 | PieceFlags::RECEIPT.0) != PieceFlags::WHOLE.0 {
            return None;
        }
        let flags = PieceFlags(bits);
        if !flags.has(PieceFlags::HAS_LENGTH) {
            return Some((flags, rest, &[]));
        }
        let (length, rest) = read_varint(rest)?;
        let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some((flags, payload, rest))
    }

    fn split_any(bytes: &'a [u8], first: bool) -> Result<(Self, &'a [u8]), PacketError> {
        let (&bits, mut rest) = bytes.split_first().ok_or(PacketError::Truncated)?;
        let flags = PieceFlags(bits);
        let wrong = PacketError::PieceFlags { flags: bits };
        if flags.has(PieceFlags::FIN) {
            // The end is nothing but the end.
            let last = rest.is_empty();
            return match flags {
                PieceFlags::FIN if last => Ok((Self { flags, index: 0, payload: &[], skipped: 0 }, &[])),
                PieceFlags::FIN => Err(PacketError::PieceOrder { flags: bits }),
                _ => Err(wrong),
            };
        }
        let skips = flags.has(PieceFlags::SKIPPED);
        if flags.has(PieceFlags::UNKNOWN) || (skips && !flags.has(PieceFlags::HAS_LENGTH)) {
            return Err(wrong);
        }
        let mut index = 0;
        if flags.has_index() {
            (index, rest) = read_varint(rest).ok_or(PacketError::Truncated)?;
            if (index == 0) != flags.has(PieceFlags::FIRST) {
                return Err(PacketError::FragmentIndex { index, flags: bits });
            }
        }
        let (mut payload, mut skipped) = (rest, 0);
        rest = &[];
        if flags.has(PieceFlags::HAS_LENGTH) {
            let (length, after) = read_varint(payload).ok_or(PacketError::Truncated)?;
            if skips {
                (payload, skipped, rest) = (&[], length, after);
            } else {
                let length = usize::try_from(length).map_err(|_| PacketError::Truncated)?;
                (payload, rest) = after.split_at_checked(length).ok_or(PacketError::Truncated)?;
            }
        }
        let alone = first && rest.is_empty();
        if (!flags.has(PieceFlags::FIRST) && !first) || (!flags.has(PieceFlags::LAST) && !alone) {
            return Err(PacketError::PieceOrder { flags: bits });
        }
        let piece = Self { flags, index, payload, skipped };
        if piece.credit() == 0 && !flags.has(PieceFlags::LAST) {
            return Err(PacketError::EmptyFragment);
        }
        Ok((piece, rest))
    }
}

/// The pieces of a segment, front to back. After an error nothing comes any more.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    rest: &'a [u8],
    first: bool,
}

impl<'a> Pieces<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, first: true }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, PacketError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match Piece::split(self.rest, self.first) {
            Ok((piece, rest)) => {
                (self.rest, self.first) = (rest, false);
                Some(Ok(piece))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}
