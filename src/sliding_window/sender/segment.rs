//! What one data packet carries, and how it is written.

use super::Sender;
use super::queue::Message;
use crate::sliding_window::packet::{Data, Piece, PieceFlags, Writer};

/// A segment from its making until it and all before it are acknowledged.
///
/// It says which part of which messages it carries; the bytes stay with the messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// The place of the first message among all that were given a segment.
    pub(super) first: u64,
    /// Messages of which it carries something. All but the first are whole.
    pub(super) count: u32,
    /// Which fragment of the first message it is.
    pub(super) index: u32,
    /// Where its part of the first message begins.
    pub(super) offset: usize,
    /// Bytes of the first message.
    pub(super) first_len: usize,
    /// Whether the first message ends in it.
    pub(super) ends: bool,
    /// Whether all that we send ends with it.
    pub(super) fin: bool,
    /// The most bytes that it takes in a packet, header of the frame included.
    pub(super) frame_len: usize,
    pub(super) transmissions: u32,
    /// Transmissions that are neither acknowledged nor lost.
    pub(super) outstanding: u32,
    pub(super) acked: bool,
    /// Whether it waits among the lost.
    pub(super) waits: bool,
}

impl Segment {
    pub(super) const fn new(first: u64) -> Self {
        Self {
            first,
            count: 0,
            index: 0,
            offset: 0,
            first_len: 0,
            ends: true,
            fin: false,
            frame_len: 0,
            transmissions: 0,
            outstanding: 0,
            acked: false,
            waits: false,
        }
    }
}

/// Flags of a message's piece.
#[inline]
fn flags(message: &Message, first: bool, last: bool) -> PieceFlags {
    let mut bits = u8::from(first) | (u8::from(last) << 1);
    if message.unordered {
        bits |= PieceFlags::UNORDERED.bits();
    }
    if message.receipt && last {
        bits |= PieceFlags::RECEIPT.bits();
    }
    PieceFlags::from_bits(bits)
}

/// Writes one piece. `is_last` says whether it is the last one of its segment.
#[inline]
fn write_piece(writer: &mut Writer<'_>, flags: PieceFlags, index: u32, bytes: &[u8], is_last: bool) {
    let flags = if is_last { flags } else { flags.with(PieceFlags::HAS_LENGTH) };
    Piece::begin(writer, flags, u64::from(index), bytes.len() as u64);
    writer.put_slice(bytes);
}

/// Writes the place of a piece whose message has expired.
#[cold]
fn write_skipped(writer: &mut Writer<'_>, flags: PieceFlags, index: u32, len: usize) {
    let flags = flags.with(PieceFlags::SKIPPED).with(PieceFlags::HAS_LENGTH);
    Piece::begin(writer, flags, u64::from(index), len as u64);
}

impl Sender {
    /// Writes the frame of a segment that [`Sender::next`] or [`Sender::probe_segment`] has given; `short` is its number as it stands on
    /// the wire. It takes no more bytes than the room that was given.
    pub(crate) fn encode(&self, segment: u64, short: u32, writer: &mut Writer<'_>) {
        let Some(segment) = self.segment(segment) else { return };
        Data::begin(writer, short);
        let start = segment.first.saturating_sub(self.flight_base) as usize;
        let end = start.saturating_add(segment.count as usize);
        let messages = self.flight.len();
        let mut messages = self.flight.range(start.min(messages)..end.min(messages));
        if let Some(message) = messages.next() {
            let flags = flags(message, segment.offset == 0, segment.ends);
            let (index, len) = (segment.index, segment.first_len);
            if message.expired {
                write_skipped(writer, flags, index, len);
            } else {
                let bytes = message.payload.get(segment.offset..segment.offset.saturating_add(len));
                write_piece(writer, flags, index, bytes.unwrap_or_default(), messages.len() == 0 && !segment.fin);
            }
        }
        while let Some(message) = messages.next() {
            let flags = flags(message, true, true);
            if message.expired {
                write_skipped(writer, flags, 0, message.len);
            } else {
                write_piece(writer, flags, 0, &message.payload, messages.len() == 0 && !segment.fin);
            }
        }
        if segment.fin {
            writer.put_u8(PieceFlags::FIN.bits());
        }
    }
}
