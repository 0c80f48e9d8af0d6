//! What the two sides tell each other before there is a session.

use super::error::PacketError;
use super::varint::read_varint;
use super::writer::Writer;

/// The most bytes of a cookie.
pub const MAX_COOKIE: usize = 64;
/// The most holes that an offer to resume lists. What is received beyond them is sent once more, which does no harm.
pub const MAX_HOLES: usize = 32;

const HAS_COOKIE: u8 = 1;
const HAS_RESUME: u8 = 2;

/// What one side says of itself in a `Syn` or a `SynAck`.
///
/// On the wire, after tag and check: the version (1 byte), the source tag (8), the initial packet and segment numbers
/// (4 each, all of them lowest byte first), the credit (bytes, messages, segments), the largest message, the largest datagram and the largest
/// delay of acknowledgements in microseconds as variable-length numbers, a byte of flags (1 cookie, 2 resume), the
/// cookie (length, bytes), the offer to resume, and zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The version of the protocol that this side speaks.
    pub version: u8,
    /// The tag that this side has chosen, and wants on every packet to it. Never 0.
    pub source: u64,
    /// What packet number 0 of this side is on the wire.
    pub initial_packet: u32,
    /// What segment number 0 of this side is on the wire.
    pub initial_segment: u32,
    /// Bytes of messages that the other side may send at first.
    pub max_bytes: u64,
    /// Messages that the other side may send at first.
    pub max_messages: u64,
    /// Segments that the other side may send at first.
    pub max_segment: u64,
    /// The largest message that this side takes, in bytes.
    pub max_message: u64,
    /// The largest datagram that this side takes, in bytes.
    pub max_datagram: u64,
    /// For how long this side may hold an acknowledgement back, in microseconds.
    pub max_ack_delay: u64,
    /// The cookie of a [`Retry`], given back.
    pub cookie: Option<&'a [u8]>,
    /// An offer to go on with a session that was cut.
    pub resume: Option<Resume<'a>>,
}

impl<'a> Hello<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, PacketError> {
        Self::fields(body).ok_or(PacketError::Truncated)?
    }

    /// `None` where the bytes end too early.
    fn fields(body: &'a [u8]) -> Option<Result<Self, PacketError>> {
        let (&version, rest) = body.split_first()?;
        let (source, rest) = rest.split_first_chunk()?;
        let (initial_packet, rest) = rest.split_first_chunk()?;
        let (initial_segment, rest) = rest.split_first_chunk()?;
        let (max_bytes, rest) = read_varint(rest)?;
        let (max_messages, rest) = read_varint(rest)?;
        let (max_segment, rest) = read_varint(rest)?;
        let (max_message, rest) = read_varint(rest)?;
        let (max_datagram, rest) = read_varint(rest)?;
        let (max_ack_delay, rest) = read_varint(rest)?;
        let (&flags, mut rest) = rest.split_first()?;
        let mut cookie = None;
        if flags & HAS_COOKIE != 0 {
            match read_cookie(rest)? {
                Ok((bytes, after)) => (cookie, rest) = (Some(bytes), after),
                Err(error) => return Some(Err(error)),
            }
        }
        let mut resume = None;
        if flags & HAS_RESUME != 0 {
            match Resume::read(rest)? {
                Ok((offer, after)) => (resume, rest) = (Some(offer), after),
                Err(error) => return Some(Err(error)),
            }
        }
        if flags & !(HAS_COOKIE | HAS_RESUME) != 0 || rest.iter().any(|&byte| byte != 0) {
            return Some(Err(PacketError::Padding));
        }
        Some(Ok(Self {
            version,
            source: u64::from_le_bytes(*source),
            initial_packet: u32::from_le_bytes(*initial_packet),
            initial_segment: u32::from_le_bytes(*initial_segment),
            max_bytes,
            max_messages,
            max_segment,
            max_message,
            max_datagram,
            max_ack_delay,
            cookie,
            resume,
        }))
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.put_u8(self.version);
        writer.put_u64(self.source);
        writer.put_u32(self.initial_packet);
        writer.put_u32(self.initial_segment);
        for number in [
            self.max_bytes,
            self.max_messages,
            self.max_segment,
            self.max_message,
            self.max_datagram,
            self.max_ack_delay,
        ] {
            writer.put_varint(number);
        }
        let cookie = if self.cookie.is_some() { HAS_COOKIE } else { 0 };
        let resume = if self.resume.is_some() { HAS_RESUME } else { 0 };
        writer.put_u8(cookie | resume);
        if let Some(cookie) = self.cookie {
            write_cookie(writer, cookie);
        }
        if let Some(resume) = &self.resume {
            resume.write(writer);
        }
    }
}

/// An offer to go on with a session that was cut: what arrived of it here.
///
/// On the wire: the two old tags (8 bytes each, that of the side that offers first), the number of the first missing
/// segment, the number of holes and for each the number of segments that are missing and then the number of those
/// that were received after them, as variable-length numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume<'a> {
    /// The tag that the offering side had in that session.
    pub ours: u64,
    /// The tag that the other side had.
    pub yours: u64,
    /// Every segment before this one was received. Counted from 0, as segments are inside.
    pub next_expected: u64,
    /// What is missing from there on.
    pub holes: Holes<'a>,
}

impl<'a> Resume<'a> {
    fn read(rest: &'a [u8]) -> Read<'a, Self> {
        let (ours, rest) = rest.split_first_chunk()?;
        let (yours, rest) = rest.split_first_chunk()?;
        let (next_expected, rest) = read_varint(rest)?;
        let (count, rest) = read_varint(rest)?;
        if count > MAX_HOLES as u64 {
            return Some(Err(PacketError::Holes));
        }
        let (mut after, mut end) = (rest, next_expected);
        for _ in 0..count {
            let (missing, more) = read_varint(after)?;
            let (received, more) = read_varint(more)?;
            after = more;
            end = end.saturating_add(missing).saturating_add(received);
            if missing == 0 || received == 0 || end > super::MAX_VARINT {
                return Some(Err(PacketError::Holes));
            }
        }
        let len = rest.len().saturating_sub(after.len());
        let holes = Holes { encoded: rest.get(..len)?, count };
        let (ours, yours) = (u64::from_le_bytes(*ours), u64::from_le_bytes(*yours));
        Some(Ok((Self { ours, yours, next_expected, holes }, after)))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.put_u64(self.ours);
        writer.put_u64(self.yours);
        writer.put_varint(self.next_expected);
        writer.put_varint(self.holes.count);
        writer.put_slice(self.holes.encoded);
    }

    /// The ranges of segments that were received after the first missing one, the lowest first: first number, and the
    /// number behind the last.
    pub fn received(&self) -> impl Iterator<Item = core::ops::Range<u64>> + use<'a> {
        let (mut rest, mut end) = (self.holes.encoded, self.next_expected);
        core::iter::from_fn(move || {
            let (missing, more) = read_varint(rest)?;
            let (received, more) = read_varint(more)?;
            let start = end.saturating_add(missing);
            (rest, end) = (more, start.saturating_add(received));
            Some(start..end)
        })
    }
}

/// Holes in a sequence of segments, as they stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holes<'a> {
    encoded: &'a [u8],
    count: u64,
}

impl<'a> Holes<'a> {
    /// No hole: nothing was received after the first missing segment.
    pub const NONE: Holes<'static> = Holes { encoded: &[], count: 0 };

    /// How many holes there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Writes holes into `buffer`: for each how many segments are missing, and how many follow that were received. Both are
    /// at least 1. As many are taken as fit, and at most [`MAX_HOLES`].
    pub fn encode(buffer: &'a mut [u8], holes: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut writer = Writer::new(buffer);
        let mut count = 0_u64;
        for (missing, received) in holes.into_iter().take(MAX_HOLES) {
            let len = super::varint_len(missing).saturating_add(super::varint_len(received));
            if missing == 0 || received == 0 || writer.remaining() < len {
                break;
            }
            writer.put_varint(missing);
            writer.put_varint(received);
            count = count.saturating_add(1);
        }
        let len = writer.finish().unwrap_or(0);
        Self { encoded: buffer.get(..len).unwrap_or_default(), count }
    }
}

/// Asks for the same `Syn` once more, with a cookie: the address is then known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry<'a> {
    /// What to give back; at most [`MAX_COOKIE`] bytes.
    pub cookie: &'a [u8],
}

impl<'a> Retry<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, PacketError> {
        let (cookie, rest) = read_cookie(body).ok_or(PacketError::Truncated)??;
        if rest.iter().any(|&byte| byte != 0) { Err(PacketError::Padding) } else { Ok(Self { cookie }) }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        write_cookie(writer, self.cookie);
    }
}

/// What was read and what follows it; `None` where the bytes end too early.
type Read<'a, T> = Option<Result<(T, &'a [u8]), PacketError>>;

fn read_cookie(bytes: &[u8]) -> Read<'_, &[u8]> {
    let (&len, rest) = bytes.split_first()?;
    let len = usize::from(len);
    if len > MAX_COOKIE {
        return Some(Err(PacketError::LongCookie { len }));
    }
    rest.split_at_checked(len).map(Ok)
}

fn write_cookie(writer: &mut Writer<'_>, cookie: &[u8]) {
    let cookie = cookie.get(..MAX_COOKIE).unwrap_or(cookie);
    writer.put_u8(cookie.len() as u8);
    writer.put_slice(cookie);
}
