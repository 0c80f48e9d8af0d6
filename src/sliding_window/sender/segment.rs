//! What one data packet carries, and how it is written.

use super::Sender;
use super::messages::Message;
use crate::sliding_window::packet::{Data, Piece, PieceFlags, Writer};

/// A segment from its making until it and all before it are acknowledged.
///
/// It says which part of which messages it carries; the bytes stay with the messages. Lengths are those of a datagram.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segment {
    /// The place of the first message among all that were given a segment.
    pub(super) first: u64,
    /// Where its part of the first message begins.
    pub(super) offset: usize,
    /// Messages of which it carries something. All but the first are whole.
    pub(super) count: u32,
    /// Which fragment of the first message it is.
    pub(super) index: u32,
    /// Bytes of the first message.
    pub(super) first_len: u32,
    /// The most bytes that it takes in a packet, header of the frame included.
    pub(super) frame_len: u32,
    pub(super) transmissions: u32,
    /// Transmissions that are neither acknowledged nor lost.
    pub(super) outstanding: u32,
    /// Whether the first message ends in it.
    pub(super) ends: bool,
    /// Whether all that we send ends with it.
    pub(super) fin: bool,
    pub(super) acked: bool,
    /// Whether it waits among the lost.
    pub(super) waits: bool,
}

impl Segment {
    /// Whether the piece of its first message is the last one.
    #[inline]
    pub(super) const fn is_single(&self) -> bool {
        self.count <= 1 && !self.fin
    }
}

/// Flags of a message's piece.
#[inline(always)]
fn flags(message: &Message, first: bool, last: bool) -> PieceFlags {
    let flags = PieceFlags::from_bits(u8::from(first) | (u8::from(last) << 1));
    flags.with(message.flags(last))
}

/// Writes a head and bytes to the front of `free`, and gives what is left of it.
#[inline(always)]
pub(super) fn put<'a, const N: usize>(free: &'a mut [u8], head: [u8; N], bytes: &[u8]) -> Option<&'a mut [u8]> {
    let (place, rest) = free.split_first_chunk_mut()?;
    *place = head;
    let (room, rest) = rest.split_at_mut_checked(bytes.len())?;
    room.copy_from_slice(bytes);
    Some(rest)
}

/// Writes a message that is whole, or what begins one of those that are in order. `is_last` says whether it is the last of its segment.
#[inline(always)]
fn put_plain<'a>(free: &'a mut [u8], flags: PieceFlags, bytes: &[u8], is_last: bool) -> Option<&'a mut [u8]> {
    if is_last {
        return put(free, [flags.bits()], bytes);
    }
    let flags = flags.with(PieceFlags::HAS_LENGTH);
    match bytes.len() {
        len @ ..64 => put(free, [flags.bits(), len as u8], bytes),
        len @ 64..16_384 => {
            let [high, low] = (len as u16 | 0x4000).to_be_bytes();
            put(free, [flags.bits(), high, low], bytes)
        }
        _ => put_rare(free, flags, 0, bytes),
    }
}

/// Writes a whole message.
#[inline(always)]
pub(super) fn put_whole<'a>(free: &'a mut [u8], message: &Message, is_last: bool) -> Option<&'a mut [u8]> {
    put_plain(free, flags(message, true, true), &message.payload, is_last)
}

/// Writes any piece.
#[cold]
fn put_rare<'a>(free: &'a mut [u8], flags: PieceFlags, index: u32, bytes: &[u8]) -> Option<&'a mut [u8]> {
    let mut writer = Writer::new(free);
    Piece::begin(&mut writer, flags, u64::from(index), bytes.len() as u64);
    writer.put_slice(bytes);
    let len = writer.finish()?;
    free.get_mut(len..)
}

/// Writes the place of a piece whose message has expired.
#[cold]
fn put_skipped(free: &mut [u8], flags: PieceFlags, index: u32, len: usize) -> Option<&mut [u8]> {
    let mut writer = Writer::new(free);
    let flags = flags.with(PieceFlags::SKIPPED).with(PieceFlags::HAS_LENGTH);
    Piece::begin(&mut writer, flags, u64::from(index), len as u64);
    let len = writer.finish()?;
    free.get_mut(len..)
}

impl Sender {
    /// Writes the frame of a segment that was sent before to the front of `free`, and gives its length; `short` is its number as it
    /// stands on the wire. It takes no more bytes than it did.
    pub(crate) fn encode(&self, segment: u64, short: u32, free: &mut [u8]) -> usize {
        let Some(segment) = self.segment(segment) else { return 0 };
        let mut writer = Writer::new(free);
        Data::begin(&mut writer, short);
        let pieces = writer.free();
        let room = pieces.len();
        let left = self.put_pieces(segment, pieces).map(|rest| rest.len());
        writer.written(left.map_or(usize::MAX, |left| room.saturating_sub(left)));
        writer.finish().unwrap_or_default()
    }

    fn put_pieces<'a>(&self, segment: &Segment, mut free: &'a mut [u8]) -> Option<&'a mut [u8]> {
        if segment.count > 0 {
            free = self.put_first(segment, free)?;
        }
        let mut left = segment.count.saturating_sub(1);
        for message in self.messages.range(segment.first.wrapping_add(1), left) {
            left = left.wrapping_sub(1);
            free = if message.expired {
                // It is complete: all of it was sent.
                put_skipped(free, flags(message, true, true), 0, message.sent)?
            } else {
                put_whole(free, message, left == 0 && !segment.fin)?
            };
        }
        if segment.fin { put(free, [PieceFlags::FIN.bits()], &[]) } else { Some(free) }
    }

    /// Writes the piece of the first message of a segment: the only one that may be a fragment.
    pub(super) fn put_first<'a>(&self, segment: &Segment, free: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let message = self.messages.get(segment.first)?;
        let flags = flags(message, segment.offset == 0, segment.ends);
        let (index, len) = (segment.index, segment.first_len as usize);
        if message.expired {
            return put_skipped(free, flags, index, len);
        }
        let bytes = message.payload.get(segment.offset..segment.offset.saturating_add(len))?;
        match (flags.has_index(), segment.is_single()) {
            (false, is_last) => put_plain(free, flags, bytes, is_last),
            (true, true) => put_rare(free, flags, index, bytes),
            (true, false) => put_rare(free, flags.with(PieceFlags::HAS_LENGTH), index, bytes),
        }
    }
}
