//! What comes from the peer.

use super::{Receiver, Slot};
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::packet::{Piece, PieceFlags};
use crate::sliding_window::ring::Ring;

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was kept.
    New,
    /// It was here before.
    Duplicate,
    /// It is beyond what was granted, and was not kept. Not to be acknowledged.
    Refused,
}

/// The part of a message of several segments that one of them carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) unordered: bool,
    pub(super) first: bool,
    pub(super) last: bool,
    pub(super) skipped: bool,
    /// Which one it is, if unordered.
    pub(super) index: u64,
    /// Bytes of credit that it takes.
    pub(super) bytes: u64,
}

/// A message of which everything so far is here, and more must follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    unordered: bool,
    start: u64,
    bytes: u64,
}

/// What a segment carries, all told.
#[derive(Default)]
struct Summary {
    bytes: u64,
    messages: u64,
    fin: bool,
    /// Whether it has unordered pieces.
    unordered: bool,
    fragment: Option<Fragment>,
}

impl Summary {
    fn of(pieces: &[u8], max_message: usize) -> Result<Self, PeerFault> {
        let mut summary = Self::default();
        let (mut rest, mut first) = (pieces, true);
        while !rest.is_empty() {
            let (piece, after) = Piece::split(rest, first)?;
            let bytes = piece.credit();
            summary.bytes = summary.bytes.saturating_add(bytes);
            if bytes > max_message as u64 {
                return Err(PeerFault::MessageTooLarge { size: bytes, limit: max_message as u64 });
            }
            summary.messages = summary.messages.wrapping_add(u64::from(piece.flags.has(PieceFlags::FIRST)));
            summary.unordered |= piece.flags.has(PieceFlags::UNORDERED);
            if !piece.flags.is_whole() {
                summary.add_part(&piece);
            }
            (rest, first) = (after, false);
        }
        Ok(summary)
    }

    fn add_part(&mut self, piece: &Piece<'_>) {
        let flags = piece.flags;
        if flags.has(PieceFlags::FIN) {
            self.fin = true;
            return;
        }
        self.fragment = Some(Fragment {
            unordered: flags.has(PieceFlags::UNORDERED),
            first: flags.has(PieceFlags::FIRST),
            last: flags.has(PieceFlags::LAST),
            skipped: flags.has(PieceFlags::SKIPPED),
            index: piece.index,
            bytes: piece.credit(),
        });
    }
}

impl Receiver {
    /// Takes the pieces of a segment.
    ///
    /// # Errors
    /// [`PeerFault`] when an honest peer can not have sent this. Where the packet has no check it may have been damaged; up to
    /// [`PeerFault::MessageCredit`] nothing has changed.
    #[inline(always)]
    pub(crate) fn on_data(&mut self, segment: u64, pieces: &[u8]) -> Result<Arrival, PeerFault> {
        // The usual one: the first that is missing, none is here after it, and nothing goes on in it.
        let comes_next = segment == self.expected && segment.wrapping_sub(self.base) == self.slots.len() as u64;
        if comes_next
            && self.open.is_none()
            && !self.ended
            && !self.tap.is_open()
            && segment < self.granted.max_segment
            && let Some((bytes, messages)) = whole_messages(pieces, self.config.max_message)
            && self.charge(bytes, messages)
        {
            if let Some(slot) = self.slots.push_place() {
                self.pool.fill(&mut slot.buffer, pieces);
                (slot.held, slot.fin, slot.fragment) = (true, false, None);
            }
            self.counters.segments = self.counters.segments.wrapping_add(1);
            self.touched = true;
            self.expected = segment.wrapping_add(1);
            if self.ready.is_nothing() {
                self.advance();
            }
            return Ok(Arrival::New);
        }
        self.on_any_data(segment, pieces)
    }

    #[inline(never)]
    fn on_any_data(&mut self, segment: u64, pieces: &[u8]) -> Result<Arrival, PeerFault> {
        if self.is_held(segment) {
            self.counters.duplicates = self.counters.duplicates.saturating_add(1);
            return Ok(Arrival::Duplicate);
        }
        if segment >= self.granted.max_segment {
            self.counters.refused = self.counters.refused.saturating_add(1);
            return Ok(Arrival::Refused);
        }
        let summary = Summary::of(pieces, self.config.max_message)?;
        if !self.charge(summary.bytes, summary.messages) {
            return Err(self.overdrawn(&summary));
        }
        self.counters.segments = self.counters.segments.wrapping_add(1);
        self.touched = true;
        if self.tap.is_open() {
            self.copy_to_tap(segment, pieces);
        }
        let Summary { fin, fragment, .. } = summary;
        if let Some(slot) = place(&mut self.slots, segment.saturating_sub(self.base) as usize) {
            self.pool.fill(&mut slot.buffer, pieces);
            (slot.held, slot.fin, slot.fragment) = (true, fin, fragment);
        }
        if summary.unordered {
            self.on_unordered(segment)?;
        }
        if segment == self.expected {
            self.move_expected()?;
        }
        if self.ready.is_nothing() {
            self.advance();
        }
        Ok(Arrival::New)
    }

    /// Whether a segment was received.
    fn is_held(&self, segment: u64) -> bool {
        segment < self.base || self.slot(segment).is_some_and(|slot| slot.held)
    }

    /// Charges the peer's credit; `false`, and nothing has changed, when it has not so much.
    #[inline]
    fn charge(&mut self, bytes: u64, messages: u64) -> bool {
        let bytes = self.received_bytes.saturating_add(bytes);
        let messages = self.received_messages.saturating_add(messages);
        let has = bytes <= self.granted.max_bytes && messages <= self.granted.max_messages;
        if has {
            (self.received_bytes, self.received_messages) = (bytes, messages);
        }
        has
    }

    #[cold]
    fn overdrawn(&self, summary: &Summary) -> PeerFault {
        let (bytes, granted) = (self.received_bytes.saturating_add(summary.bytes), self.granted.max_bytes);
        if bytes > granted {
            return PeerFault::ByteCredit { sent: bytes, granted };
        }
        let sent = self.received_messages.saturating_add(summary.messages);
        PeerFault::MessageCredit { sent, granted: self.granted.max_messages }
    }

    #[cold]
    fn copy_to_tap(&mut self, segment: u64, pieces: &[u8]) {
        let (mut rest, mut first) = (pieces, true);
        while let Ok((piece, after)) = Piece::split(rest, first) {
            self.tap.add(segment, &piece);
            (rest, first) = (after, false);
        }
    }

    /// Goes on to the first segment that is missing, and checks that fragments form messages.
    fn move_expected(&mut self) -> Result<(), PeerFault> {
        while let Some(slot) = self.slot(self.expected)
            && slot.held
        {
            let segment = self.expected;
            if self.ended {
                return Err(PeerFault::AfterEnd { segment });
            }
            let fin = slot.fin;
            if slot.fragment.is_some() || self.open.is_some() {
                self.open = follow(self.open, slot.fragment, segment, self.config.max_message)?;
                if fin && self.open.is_some() {
                    return Err(PeerFault::FragmentOrder { segment });
                }
            }
            self.ended = fin;
            self.expected = self.expected.wrapping_add(1);
        }
        Ok(())
    }
}

/// Bytes and messages of pieces that are all whole messages, each in its place in the order, and none too large.
#[inline]
fn whole_messages(pieces: &[u8], max_message: usize) -> Option<(u64, u64)> {
    let (mut rest, mut bytes, mut messages) = (pieces, 0_u64, 0_u64);
    while !rest.is_empty() {
        let (_, payload, after) = Piece::split_whole(rest)?;
        if payload.len() > max_message {
            return None;
        }
        // They lie in one datagram.
        (bytes, messages) = (bytes.wrapping_add(payload.len() as u64), messages.wrapping_add(1));
        rest = after;
    }
    Some((bytes, messages))
}

/// The slot at an index; those before it that are missing get theirs. It is within the window.
fn place(slots: &mut Ring<Slot>, index: usize) -> Option<&mut Slot> {
    while slots.len() <= index {
        slots.push_place();
    }
    slots.get_mut(index)
}

/// What is open after a segment with this fragment.
fn follow(
    open: Option<Open>,
    fragment: Option<Fragment>,
    segment: u64,
    max_message: usize,
) -> Result<Option<Open>, PeerFault> {
    let wrong = PeerFault::FragmentOrder { segment };
    let fragment = fragment.ok_or(wrong)?;
    let Some(open) = open else {
        let Fragment { unordered, bytes, .. } = fragment;
        return if fragment.first { Ok(Some(Open { unordered, start: segment, bytes })) } else { Err(wrong) };
    };
    let in_place = !fragment.unordered || segment.checked_sub(fragment.index) == Some(open.start);
    if fragment.first || fragment.unordered != open.unordered || !in_place {
        return Err(wrong);
    }
    let size = open.bytes.saturating_add(fragment.bytes);
    if size > max_message as u64 {
        return Err(PeerFault::MessageTooLarge { size, limit: max_message as u64 });
    }
    Ok((!fragment.last).then_some(Open { bytes: size, ..open }))
}
