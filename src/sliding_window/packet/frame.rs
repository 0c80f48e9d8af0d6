//! What a packet carries.

use core::ops::RangeInclusive;

use super::error::PacketError;
use super::piece::Pieces;
use super::varint::{read_varint, varint_len};
use super::writer::Writer;

const ACK: u8 = 1;
const CREDIT: u8 = 2;
const PING: u8 = 3;
const ABORT: u8 = 4;
const DATA: u8 = 5;

/// The most ranges of one acknowledgement.
pub const MAX_ACK_RANGES: usize = 32;
/// The most bytes that the words of an [`Frame::Abort`] may have.
pub const MAX_ABORT_TEXT: usize = 255;
/// The most bytes that a credit frame takes.
pub const MAX_CREDIT_LEN: usize = 33;
/// Bytes of a data frame before its pieces.
pub const DATA_HEADER_LEN: usize = 5;

/// One frame; it lends from the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// Packets that were received.
    Ack(Ack<'a>),
    /// What the receiver of this frame may send, and what became of what it has sent.
    Credit(Credit),
    /// Asks for an acknowledgement, and for nothing else.
    Ping,
    /// The sender has ended the session.
    Abort {
        /// Why, as a number.
        code: u64,
        /// Why, in words: what was said as UTF-8, or anything that the peer wrote instead.
        text: &'a [u8],
    },
    /// A segment of messages. Always the last frame of its packet.
    Data(Data<'a>),
}

/// A segment as it stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The low 32 bits of its number, with the initial one of the handshake added.
    pub segment: u32,
    /// Its pieces, as bytes; at least one byte.
    pub pieces: &'a [u8],
}

impl<'a> Data<'a> {
    /// Its pieces, front to back.
    #[must_use]
    pub const fn iter(&self) -> Pieces<'a> {
        Pieces::new(self.pieces)
    }

    /// The segment whose frame begins here: nothing comes after it. `None` when another frame begins, or no piece follows.
    #[inline]
    pub(super) fn at(frames: &'a [u8]) -> Option<Self> {
        let (&[kind, a, b, c, d], pieces) = frames.split_first_chunk()?;
        (kind == DATA && !pieces.is_empty()).then_some(Self { segment: u32::from_le_bytes([a, b, c, d]), pieces })
    }

    /// Begins the frame of a segment; pieces follow to the end of the datagram.
    #[inline]
    pub fn begin(writer: &mut Writer<'_>, segment: u32) {
        let [a, b, c, d] = segment.to_le_bytes();
        writer.put_slice(&[DATA, a, b, c, d]);
    }
}

/// How much the other side may send, all told since the session began; numbers only ever grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Bytes of messages.
    pub max_bytes: u64,
    /// Messages.
    pub max_messages: u64,
    /// Segments: all below this number, counted from 0.
    pub max_segment: u64,
    /// So many messages, in the order in which they began, the application has taken or will never get.
    pub consumed: u64,
}

impl Credit {
    /// Writes it as a frame; `false`, and nothing is written, when there is no room.
    #[inline]
    pub fn write(&self, writer: &mut Writer<'_>) -> bool {
        if writer.remaining() < self.frame_len() {
            return false;
        }
        writer.put_u8(CREDIT);
        for number in [self.max_bytes, self.max_messages, self.max_segment, self.consumed] {
            writer.put_varint(number);
        }
        true
    }

    fn frame_len(&self) -> usize {
        let numbers = [self.max_bytes, self.max_messages, self.max_segment, self.consumed];
        numbers.iter().fold(1, |len: usize, &number| len.saturating_add(varint_len(number)))
    }

    fn read(rest: &[u8]) -> Option<(Self, &[u8])> {
        let (max_bytes, rest) = read_varint(rest)?;
        let (max_messages, rest) = read_varint(rest)?;
        let (max_segment, rest) = read_varint(rest)?;
        let (consumed, rest) = read_varint(rest)?;
        Some((Self { max_bytes, max_messages, max_segment, consumed }, rest))
    }
}

/// Which packets were received, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The low 32 bits of the largest number, with the initial one of the handshake added.
    pub largest: u32,
    /// For how long the largest was known when this was written, in microseconds.
    pub delay: u64,
    first: u64,
    /// Gap and length in turn, each less one (the gap less two), as in RFC 9000 section 19.3.1.
    rest: &'a [u8],
    count: u64,
    /// How far below the largest number the smallest one lies.
    span: u64,
}

impl<'a> Ack<'a> {
    /// The ranges, the newest first, when the largest packet is number `largest`; `None` when they would go below 0.
    #[must_use]
    pub fn ranges(&self, largest: u64) -> Option<AckRanges<'a>> {
        if self.span > largest {
            return None;
        }
        Some(AckRanges { next: Some(largest), len: self.first, rest: self.rest })
    }

    /// Writes an acknowledgement of `ranges`, the newest first and apart from each other by at least one number, of which the
    /// largest is `largest` on the wire. As many ranges as fit are written, and at most [`MAX_ACK_RANGES`];
    /// `false`, and nothing is written, when there is room for none, or no range.
    pub fn write(
        writer: &mut Writer<'_>,
        largest: u32,
        delay: u64,
        ranges: impl IntoIterator<Item = RangeInclusive<u64>, IntoIter: Clone>,
    ) -> bool {
        let mut ranges = ranges.into_iter();
        let Some(first) = ranges.next() else { return false };
        let first_len = first.end().saturating_sub(*first.start());
        // The number of further ranges is below 64 and takes one byte.
        let len = varint_len(delay).saturating_add(varint_len(first_len)).saturating_add(6);
        if writer.remaining() < len {
            return false;
        }
        let (mut room, mut count, mut below) = (writer.remaining().saturating_sub(len), 0_u64, *first.start());
        let mut ends = ranges.clone();
        while count < MAX_ACK_RANGES.saturating_sub(1) as u64 {
            let Some(range) = ends.next() else { break };
            let (gap, len) = gap_and_len(below, &range);
            let Some(left) = room.checked_sub(varint_len(gap).saturating_add(varint_len(len))) else { break };
            (room, count, below) = (left, count.saturating_add(1), *range.start());
        }
        writer.put_u8(ACK);
        writer.put_u32(largest);
        writer.put_varint(delay);
        writer.put_varint(count);
        writer.put_varint(first_len);
        let mut below = *first.start();
        for range in ranges.take(count as usize) {
            let (gap, len) = gap_and_len(below, &range);
            writer.put_varint(gap);
            writer.put_varint(len);
            below = *range.start();
        }
        true
    }

    fn read(rest: &'a [u8]) -> Option<Result<(Self, &'a [u8]), PacketError>> {
        let (largest, rest) = rest.split_first_chunk()?;
        let (delay, rest) = read_varint(rest)?;
        let (count, rest) = read_varint(rest)?;
        if count >= MAX_ACK_RANGES as u64 {
            return Some(Err(PacketError::TooManyRanges { count: count.saturating_add(1) }));
        }
        let (first, rest) = read_varint(rest)?;
        let (mut after, mut span) = (rest, first);
        for _ in 0..count {
            let (gap, more) = read_varint(after)?;
            let (len, more) = read_varint(more)?;
            // 64 numbers below 2^62 and 2 each fit; with more than 2^62 there are no such packets anyway.
            span = span.saturating_add(gap).saturating_add(len).saturating_add(2);
            after = more;
        }
        let rest = rest.get(..rest.len().saturating_sub(after.len()))?;
        Some(Ok((Self { largest: u32::from_le_bytes(*largest), delay, first, rest, count, span }, after)))
    }
}

fn gap_and_len(below: u64, range: &RangeInclusive<u64>) -> (u64, u64) {
    let gap = below.saturating_sub(*range.end()).saturating_sub(2);
    (gap, range.end().saturating_sub(*range.start()))
}

/// The ranges of an [`Ack`], the newest first.
#[derive(Clone, Debug)]
pub struct AckRanges<'a> {
    /// The end of the range that comes next.
    next: Option<u64>,
    /// Its length less one.
    len: u64,
    rest: &'a [u8],
}

impl Iterator for AckRanges<'_> {
    type Item = RangeInclusive<u64>;

    fn next(&mut self) -> Option<RangeInclusive<u64>> {
        let end = self.next.take()?;
        let start = end.saturating_sub(self.len);
        if let Some((gap, rest)) = read_varint(self.rest)
            && let Some((len, rest)) = read_varint(rest)
        {
            self.next = start.checked_sub(gap.saturating_add(2));
            (self.len, self.rest) = (len, rest);
        }
        Some(start..=end)
    }
}

impl<'a> Frame<'a> {
    /// Writes the frame; `false`, and nothing is written, when there is no room. An acknowledgement is written as it was read.
    pub fn write(&self, writer: &mut Writer<'_>) -> bool {
        let start = writer.len();
        match *self {
            Self::Ack(ack) => {
                writer.put_u8(ACK);
                writer.put_u32(ack.largest);
                writer.put_varint(ack.delay);
                writer.put_varint(ack.count);
                writer.put_varint(ack.first);
                writer.put_slice(ack.rest);
            }
            Self::Credit(credit) => return credit.write(writer),
            Self::Ping => writer.put_u8(PING),
            Self::Abort { code, text } => {
                let text = text.get(..MAX_ABORT_TEXT).unwrap_or(text);
                writer.put_u8(ABORT);
                writer.put_varint(code);
                writer.put_u8(text.len() as u8);
                writer.put_slice(text);
            }
            Self::Data(data) => {
                Data::begin(writer, data.segment);
                writer.put_slice(data.pieces);
            }
        }
        let fits = !writer.overflowed();
        if !fits {
            writer.rewind(start);
        }
        fits
    }
}

/// The frames of a packet, front to back. After an error nothing comes any more.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The frame at the start of `rest` and what follows; `None` when it is cut off.
    #[inline]
    fn read(rest: &'a [u8]) -> Option<Result<(Frame<'a>, &'a [u8]), PacketError>> {
        let (&kind, rest) = rest.split_first()?;
        if kind == DATA {
            let (segment, pieces) = rest.split_first_chunk()?;
            if pieces.is_empty() {
                return Some(Err(PacketError::NoPiece));
            }
            return Some(Ok((Frame::Data(Data { segment: u32::from_le_bytes(*segment), pieces }), &[])));
        }
        Some(match kind {
            ACK => Ack::read(rest)?.map(|(ack, rest)| (Frame::Ack(ack), rest)),
            CREDIT => Credit::read(rest).map(|(credit, rest)| Ok((Frame::Credit(credit), rest)))?,
            PING => Ok((Frame::Ping, rest)),
            ABORT => {
                let (code, rest) = read_varint(rest)?;
                let (&len, rest) = rest.split_first()?;
                let (text, rest) = rest.split_at_checked(usize::from(len))?;
                Ok((Frame::Abort { code, text }, rest))
            }
            byte => Err(PacketError::UnknownFrame { byte }),
        })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, PacketError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match Self::read(self.rest).unwrap_or(Err(PacketError::Truncated)) {
            Ok((frame, rest)) => {
                self.rest = rest;
                Some(Ok(frame))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}
