//! What every packet begins with.

use super::check;
use super::error::PacketError;
use super::frame::{Data, Frames};
use super::handshake::{Hello, Retry};
use super::writer::Writer;

/// The version, in the high half of the first byte.
const VERSION: u8 = 0x50;
/// The bit of the first byte that says that the packet has a check.
const CHECKED: u8 = 0x08;
const SYN: u8 = 0;
const SYN_ACK: u8 = 1;
const RETRY: u8 = 2;
const FRAMES: u8 = 3;

/// Where the check stands in a packet of the handshake, which has no number.
const HANDSHAKE_CHECK: usize = 9;

/// One datagram, read; it lends from the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// Asks for a session. The destination tag is 0.
    Syn(Hello<'a>),
    /// Answers a [`Packet::Syn`].
    SynAck {
        /// The source tag of the packet that it answers.
        destination: u64,
        /// What the answering side says of itself.
        hello: Hello<'a>,
    },
    /// Asks for the same `Syn` once more, with a cookie.
    Retry {
        /// The source tag of the packet that it answers.
        destination: u64,
        /// The cookie.
        retry: Retry<'a>,
    },
    /// Everything after the handshake.
    Frames(FramesPacket<'a>),
}

/// A packet of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramesPacket<'a> {
    /// The tag that the receiver has chosen.
    pub destination: u64,
    /// The low 32 bits of the packet's number, with the initial one of the handshake added.
    pub number: u32,
    /// Whether a check stood in the packet (and was right).
    pub checked: bool,
    frames: &'a [u8],
}

impl<'a> FramesPacket<'a> {
    /// The frames, front to back.
    #[inline]
    #[must_use]
    pub const fn frames(&self) -> Frames<'a> {
        Frames::new(self.frames)
    }

    /// Reads the header of a packet of frames and nothing else: whether it has a check, but not whether that is right (which
    /// [`FramesPacket::is_intact`] tells). `None` for all other datagrams.
    #[inline]
    pub(crate) fn peek(datagram: &'a [u8]) -> Option<Self> {
        Self::header(datagram).filter(|packet| !packet.frames.is_empty())
    }

    /// `None` when it is cut off in the header, or no packet of frames.
    #[inline]
    fn header(datagram: &'a [u8]) -> Option<Self> {
        let (&[kind, a, b, c, d, e, f, g, h, n, o, p, q], mut frames) = datagram.split_first_chunk()?;
        let checked = kind & CHECKED != 0;
        if kind | CHECKED != VERSION | CHECKED | FRAMES {
            return None;
        }
        if checked {
            frames = frames.get(4..)?;
        }
        let destination = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let number = u32::from_le_bytes([n, o, p, q]);
        Some(Self { destination, number, checked, frames })
    }

    /// Whether the check of the datagram in which it stands is right, or there is none.
    #[inline]
    pub(crate) fn is_intact(&self, datagram: &[u8]) -> bool {
        self.verify(datagram).is_ok()
    }

    #[inline]
    fn verify(&self, datagram: &[u8]) -> Result<(), PacketError> {
        if !self.checked {
            return Ok(());
        }
        let rest = datagram.get(check::MAX_OFFSET..).ok_or(PacketError::Truncated)?;
        compare(datagram, check::MAX_OFFSET, rest).map(drop)
    }

    /// The segment, if that is all that it carries.
    #[inline]
    pub(crate) fn only_data(&self) -> Option<Data<'a>> {
        Data::at(self.frames)
    }

    /// Size of the header in bytes.
    #[must_use]
    pub const fn header_len(checked: bool) -> usize {
        if checked { check::MAX_OFFSET + 4 } else { check::MAX_OFFSET }
    }

    /// Begins a packet; frames follow, and then [`seal`].
    #[inline]
    pub fn begin(writer: &mut Writer<'_>, destination: u64, number: u32, checked: bool) {
        let [a, b, c, d, e, f, g, h] = destination.to_le_bytes();
        let [n, o, p, q] = number.to_le_bytes();
        if checked {
            writer.put_slice(&[VERSION | CHECKED | FRAMES, a, b, c, d, e, f, g, h, n, o, p, q, 0, 0, 0, 0]);
        } else {
            writer.put_slice(&[VERSION | FRAMES, a, b, c, d, e, f, g, h, n, o, p, q]);
        }
    }
}

/// The destination tag of a datagram, without a look at the rest; `None` when it is too short or of no known version.
///
/// It tells which session a datagram is for before any work is done on it; a `Syn` is for none and has 0.
#[must_use]
pub fn destination(datagram: &[u8]) -> Option<u64> {
    let (&kind, rest) = datagram.split_first()?;
    if kind & 0xf0 != VERSION {
        return None;
    }
    rest.split_first_chunk().map(|(tag, _)| u64::from_le_bytes(*tag))
}

/// Reads a datagram. The check, if there is one, is compared first; the frames are read as they are iterated.
///
/// # Errors
/// The first thing that is wrong. A datagram with an error has no meaning at all and is to be dropped.
#[inline]
pub fn decode(datagram: &[u8]) -> Result<Packet<'_>, PacketError> {
    let (&kind, rest) = datagram.split_first().ok_or(PacketError::Truncated)?;
    let (tag, rest) = rest.split_first_chunk().ok_or(PacketError::Truncated)?;
    if kind | CHECKED != VERSION | CHECKED | FRAMES {
        return handshake(datagram, kind, u64::from_le_bytes(*tag), rest);
    }
    let packet = FramesPacket::header(datagram).ok_or(PacketError::Truncated)?;
    packet.verify(datagram)?;
    if packet.frames.is_empty() { Err(PacketError::Empty) } else { Ok(Packet::Frames(packet)) }
}

fn handshake<'a>(datagram: &'a [u8], kind: u8, destination: u64, rest: &'a [u8]) -> Result<Packet<'a>, PacketError> {
    let bare = kind & !CHECKED;
    if bare != VERSION | SYN && bare != VERSION | SYN_ACK && bare != VERSION | RETRY {
        return Err(PacketError::NotAPacket { byte: kind });
    }
    if kind & CHECKED == 0 {
        return Err(PacketError::Unchecked);
    }
    let body = compare(datagram, HANDSHAKE_CHECK, rest)?;
    match bare & 0x0f {
        SYN => Hello::read(body).map(Packet::Syn),
        SYN_ACK => Hello::read(body).map(|hello| Packet::SynAck { destination, hello }),
        _ => Retry::read(body).map(|retry| Packet::Retry { destination, retry }),
    }
}

/// Compares the check, with which `rest` begins, and gives what follows it.
fn compare<'a>(datagram: &[u8], at: usize, rest: &'a [u8]) -> Result<&'a [u8], PacketError> {
    let (found, after) = rest.split_first_chunk().ok_or(PacketError::Truncated)?;
    let found = u32::from_le_bytes(*found);
    let computed = check::of(datagram, at).ok_or(PacketError::Truncated)?;
    if found == computed { Ok(after) } else { Err(PacketError::Damaged { found, computed }) }
}

/// Completes a packet: writes the check of `datagram` into it, if it is one that has a check.
#[inline]
pub fn seal(datagram: &mut [u8]) {
    if datagram.first().is_some_and(|kind| kind & CHECKED != 0) {
        write_check(datagram);
    }
}

fn write_check(datagram: &mut [u8]) {
    let frames = datagram.first().is_some_and(|kind| kind & 0x07 == FRAMES);
    let at = if frames { check::MAX_OFFSET } else { HANDSHAKE_CHECK };
    if let Some(check) = check::of(datagram, at)
        && let Some(field) = datagram.get_mut(at..at.saturating_add(4))
    {
        field.copy_from_slice(&check.to_le_bytes());
    }
}

/// Writes a whole `Syn`, padded with zeros to `pad_to` bytes; `None` when the buffer is too small.
///
/// An unvalidated address gets no more than three times the bytes that it has sent: padding makes room for the answer.
#[must_use]
pub fn encode_syn(buffer: &mut [u8], hello: &Hello<'_>, pad_to: usize) -> Option<usize> {
    whole(buffer, SYN, 0, pad_to, |writer| hello.write(writer))
}

/// Writes a whole `SynAck` to the side that has chosen the tag `destination`; `None` when the buffer is too small.
#[must_use]
pub fn encode_syn_ack(buffer: &mut [u8], destination: u64, hello: &Hello<'_>) -> Option<usize> {
    whole(buffer, SYN_ACK, destination, 0, |writer| hello.write(writer))
}

/// Writes a whole `Retry` to the side that has chosen the tag `destination`; `None` when the buffer is too small.
#[must_use]
pub fn encode_retry(buffer: &mut [u8], destination: u64, retry: &Retry<'_>) -> Option<usize> {
    whole(buffer, RETRY, destination, 0, |writer| retry.write(writer))
}

fn whole(
    buffer: &mut [u8],
    kind: u8,
    destination: u64,
    pad_to: usize,
    body: impl FnOnce(&mut Writer<'_>),
) -> Option<usize> {
    let mut writer = Writer::new(buffer);
    writer.put_u8(VERSION | CHECKED | kind);
    writer.put_u64(destination);
    writer.put_u32(0);
    body(&mut writer);
    while writer.len() < pad_to && writer.remaining() > 0 {
        writer.put_u8(0);
    }
    let len = writer.finish()?;
    seal(buffer.get_mut(..len)?);
    Some(len)
}
