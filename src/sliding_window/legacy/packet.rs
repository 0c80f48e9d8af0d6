//! The packet of the original, byte for byte.

mod fields;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};

use super::error::{DecodeError, EncodeError};
use super::msgpack::{KeyForm, Reader};
use super::state_table::TcpEvent;
use super::timestamp::Timestamp;

/// One packet of the original: what one NATS message or one datagram holds.
///
/// `B` is what holds the texts and the data: `&[u8]`, lent from the bytes that were decoded, or [`Bytes`]. Texts are Go's:
/// any bytes, UTF-8 or not. A packet of which nothing is set is [`Packet::default`].
///
/// The original's `FromTcpState` is missing because it never was on the wire: its generated code is older than that field.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use mconn::sliding_window::legacy::{Packet, TcpEvent};
///
/// let packet = Packet {
///     from: Bytes::from_static(b"A"),
///     dest: Bytes::from_static(b"B"),
///     event: TcpEvent::Data,
///     data: Bytes::from_static(b"hello"),
///     ..Packet::default()
/// };
/// let mut wire = BytesMut::new();
/// packet.encode(&mut wire)?;
/// assert_eq!(wire.len(), packet.encoded_len());
/// assert_eq!(&wire[..5], b"\xde\x00\x15\xa4F"); // a map of 21 entries, of which the first is "From"
///
/// let wire = wire.freeze();
/// let (decoded, rest) = Packet::decode_bytes(&wire)?; // the texts and the data are parts of `wire`
/// assert_eq!((decoded, rest.len()), (packet, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: `Packet` in `swp.go`, `swp_gen.go`.
// Every field is public and no more can come: the wire is frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Packet<B = Bytes> {
    /// `From`: the inbox of the sender.
    pub from: B,
    /// `Dest`: the inbox of the receiver.
    pub dest: B,
    /// `FromSessNonce`: the sender's session nonce; 30 letters and digits.
    pub from_nonce: B,
    /// `DestSessNonce`: the receiver's session nonce, empty as long as the sender does not know it.
    pub dest_nonce: B,
    /// `ArrivedAtDestTm`: never set on the wire; the original fills it in on arrival.
    pub arrived_at: Timestamp,
    /// `DataSendTm`: when this transmission left; an acknowledgement copies it from what it answers.
    pub data_sent_at: Timestamp,
    /// `SeqNum`: the number of the data packet from 0, or one of the [`control`](super::control) numbers.
    pub sequence: i64,
    /// `SeqRetry`: which transmission of the data packet this is, from 0, or the control number once more.
    pub sequence_retry: i64,
    /// `AckNum`: the last data packet that the sender's application has consumed. All up to it are acknowledged, by a packet
    /// of any kind.
    pub ack: i64,
    /// `AckRetry`: [`Packet::sequence_retry`] of the packet that is answered.
    pub ack_retry: i64,
    /// `AckReplyTm`: when the acknowledgement left.
    pub ack_replied_at: Timestamp,
    /// `TcpEvent`: what the packet is.
    pub event: TcpEvent,
    /// `AvailReaderBytesCap`: how many bytes more the sender's receiving side takes.
    pub available_bytes: i64,
    /// `AvailReaderMsgCap`: how many messages more the sender's receiving side takes.
    pub available_messages: i64,
    /// `FromRttEstNsec`: the sender's estimate of the round-trip time, in nanoseconds.
    pub rtt_estimate: i64,
    /// `FromRttSdNsec`: the standard deviation of its samples, in nanoseconds.
    pub rtt_deviation: i64,
    /// `FromRttN`: how many samples those are.
    pub rtt_samples: i64,
    /// `CumulBytesTransmitted`: bytes of data that the sender has sent in this session, those of this packet included; each
    /// packet counts once.
    pub cumulative_bytes: i64,
    /// `Data`: what the application sent.
    pub data: B,
    /// `DataOffset`: how much of the data has been read; 0 on the wire.
    pub data_offset: i64,
    /// `Blake2bChecksum`: BLAKE2b-512 of the data; empty if they are.
    pub checksum: B,
}

impl<'a> Packet<&'a [u8]> {
    /// The packet at the start of `bytes`, and the bytes after it. Nothing is copied or allocated.
    ///
    /// Takes what the original takes and refuses what it refuses or panics on: entries in any order, unknown and repeated ones (the
    /// last holds) and missing ones (zero) are taken; nothing is converted.
    ///
    /// # Errors
    /// [`DecodeError`] tells which rule was broken, and where. An incomplete packet is an error too: each packet has a
    /// message of its own.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut packet = Self::default();
        for _ in 0..reader.map_header()? {
            let key = reader.key(KeyForm::Packet)?;
            packet.read_field(key, &mut reader)?;
        }
        Ok((packet, reader.rest()))
    }
}

impl Packet<Bytes> {
    /// The packet at the start of `bytes`, and the bytes after it. The texts and the data share `bytes`.
    ///
    /// # Errors
    /// As [`Packet::decode`].
    pub fn decode_bytes(bytes: &Bytes) -> Result<(Self, Bytes), DecodeError> {
        let (packet, rest) = Packet::decode(bytes)?;
        Ok((packet.map(|part| bytes.slice_ref(part)), bytes.slice_ref(rest)))
    }
}

impl<B> Packet<B> {
    /// The same packet with its texts and its data held in another way.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use mconn::sliding_window::legacy::Packet;
    /// let (lent, _) = Packet::decode(b"\x81\xa4From\xa1A")?;
    /// let owned = lent.map(Bytes::copy_from_slice);
    /// assert_eq!(owned.from, "A");
    /// # Ok::<(), mconn::sliding_window::legacy::DecodeError>(())
    /// ```
    #[must_use]
    pub fn map<C>(self, mut change: impl FnMut(B) -> C) -> Packet<C> {
        Packet {
            from: change(self.from),
            dest: change(self.dest),
            from_nonce: change(self.from_nonce),
            dest_nonce: change(self.dest_nonce),
            arrived_at: self.arrived_at,
            data_sent_at: self.data_sent_at,
            sequence: self.sequence,
            sequence_retry: self.sequence_retry,
            ack: self.ack,
            ack_retry: self.ack_retry,
            ack_replied_at: self.ack_replied_at,
            event: self.event,
            available_bytes: self.available_bytes,
            available_messages: self.available_messages,
            rtt_estimate: self.rtt_estimate,
            rtt_deviation: self.rtt_deviation,
            rtt_samples: self.rtt_samples,
            cumulative_bytes: self.cumulative_bytes,
            data: change(self.data),
            data_offset: self.data_offset,
            checksum: change(self.checksum),
        }
    }
}

impl<B: AsRef<[u8]>> Packet<B> {
    /// Appends the packet to `out`, byte for byte as the original does.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if a text or the data have more than `u32::MAX` bytes; `out` is unchanged.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let fields = self.fields();
        fields::check(&fields)?;
        out.reserve(fields::encoded_len(&fields));
        fields::put(&fields, out);
        Ok(())
    }

    /// How many bytes [`Packet::encode`] appends; 315 and more.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        fields::encoded_len(&self.fields())
    }
}

/// BLAKE2b-512 of the data.
#[cfg(feature = "legacy")]
#[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
impl<B: AsRef<[u8]>> Packet<B> {
    /// The checksum that the packet has to carry: that of its data; none if there are no data.
    #[must_use]
    pub fn expected_checksum(&self) -> Option<[u8; super::CHECKSUM_LEN]> {
        let data = self.data.as_ref();
        (!data.is_empty()).then(|| super::checksum(data))
    }

    /// Whether the original would take the packet by its checksum: without data it takes any.
    #[must_use]
    pub fn checksum_matches(&self) -> bool {
        self.expected_checksum().is_none_or(|expected| self.checksum.as_ref() == expected)
    }
}
