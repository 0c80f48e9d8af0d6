//! The 21 entries of a packet, in the original's order.

use bytes::{BufMut, BytesMut};

use super::super::error::{DecodeError, EncodeError};
use super::super::msgpack::{self, Reader};
use super::super::state_table::TcpEvent;
use super::super::timestamp::Timestamp;
use super::Packet;

/// How many entries a packet has.
const COUNT: u8 = 21;
/// A map of that many entries, in the form that the original's generator chose.
const HEADER: [u8; 3] = [0xde, 0, COUNT];

/// An entry: its key and its value.
pub(super) type Field<'a> = (&'static str, Value<'a>);
/// All entries.
pub(super) type Fields<'a> = [Field<'a>; COUNT as usize];

/// A value of one of the four kinds that a packet has.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a [u8]),
    Time(Timestamp),
    Integer(i64),
    Binary(&'a [u8]),
}

use Value::{Binary, Integer, Text, Time};

impl<B: AsRef<[u8]>> Packet<B> {
    pub(super) fn fields(&self) -> Fields<'_> {
        [
            ("From", Text(self.from.as_ref())),
            ("Dest", Text(self.dest.as_ref())),
            ("FromSessNonce", Text(self.from_nonce.as_ref())),
            ("DestSessNonce", Text(self.dest_nonce.as_ref())),
            ("ArrivedAtDestTm", Time(self.arrived_at)),
            ("DataSendTm", Time(self.data_sent_at)),
            ("SeqNum", Integer(self.sequence)),
            ("SeqRetry", Integer(self.sequence_retry)),
            ("AckNum", Integer(self.ack)),
            ("AckRetry", Integer(self.ack_retry)),
            ("AckReplyTm", Time(self.ack_replied_at)),
            ("TcpEvent", Integer(self.event.value())),
            ("AvailReaderBytesCap", Integer(self.available_bytes)),
            ("AvailReaderMsgCap", Integer(self.available_messages)),
            ("FromRttEstNsec", Integer(self.rtt_estimate)),
            ("FromRttSdNsec", Integer(self.rtt_deviation)),
            ("FromRttN", Integer(self.rtt_samples)),
            ("CumulBytesTransmitted", Integer(self.cumulative_bytes)),
            ("Data", Binary(self.data.as_ref())),
            ("DataOffset", Integer(self.data_offset)),
            ("Blake2bChecksum", Binary(self.checksum.as_ref())),
        ]
    }
}

impl<'a> Packet<&'a [u8]> {
    /// Reads the value of the entry `key`; passes over it when no such entry is known.
    pub(super) fn read_field(&mut self, key: &[u8], reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        match key {
            b"From" => self.from = reader.string()?,
            b"Dest" => self.dest = reader.string()?,
            b"FromSessNonce" => self.from_nonce = reader.string()?,
            b"DestSessNonce" => self.dest_nonce = reader.string()?,
            b"ArrivedAtDestTm" => self.arrived_at = reader.time()?,
            b"DataSendTm" => self.data_sent_at = reader.time()?,
            b"SeqNum" => self.sequence = reader.integer()?,
            b"SeqRetry" => self.sequence_retry = reader.integer()?,
            b"AckNum" => self.ack = reader.integer()?,
            b"AckRetry" => self.ack_retry = reader.integer()?,
            b"AckReplyTm" => self.ack_replied_at = reader.time()?,
            b"TcpEvent" => self.event = TcpEvent::from(reader.integer()?),
            b"AvailReaderBytesCap" => self.available_bytes = reader.integer()?,
            b"AvailReaderMsgCap" => self.available_messages = reader.integer()?,
            b"FromRttEstNsec" => self.rtt_estimate = reader.integer()?,
            b"FromRttSdNsec" => self.rtt_deviation = reader.integer()?,
            b"FromRttN" => self.rtt_samples = reader.integer()?,
            b"CumulBytesTransmitted" => self.cumulative_bytes = reader.integer()?,
            b"Data" => self.data = reader.binary()?,
            b"DataOffset" => self.data_offset = reader.integer()?,
            b"Blake2bChecksum" => self.checksum = reader.binary()?,
            _ => reader.skip()?,
        }
        Ok(())
    }
}

/// # Errors
/// When a value is longer than its length can say.
pub(super) fn check(fields: &Fields<'_>) -> Result<(), EncodeError> {
    let too_long = fields.iter().find(|(_, value)| match value {
        Text(bytes) | Binary(bytes) => u32::try_from(bytes.len()).is_err(),
        Time(_) | Integer(_) => false,
    });
    too_long.map_or(Ok(()), |&(key, _)| Err(EncodeError::TooLong { key }))
}

pub(super) fn encoded_len(fields: &Fields<'_>) -> usize {
    fields.iter().fold(HEADER.len(), |sum, &(key, value)| {
        let value = match value {
            Text(text) => msgpack::string_len(text.len()),
            Time(_) => msgpack::TIME_LEN,
            Integer(number) => msgpack::integer_len(number),
            Binary(bytes) => msgpack::binary_header_len(bytes.len()).saturating_add(bytes.len()),
        };
        sum.saturating_add(msgpack::string_len(key.len())).saturating_add(value)
    })
}

/// Appends the entries, which [`check`] has passed.
pub(super) fn put(fields: &Fields<'_>, out: &mut BytesMut) {
    out.put_slice(&HEADER);
    for field in fields {
        put_field(field, out);
    }
}

pub(super) fn put_field(&(key, value): &Field<'_>, out: &mut BytesMut) {
    msgpack::put_string(out, key.as_bytes());
    match value {
        Text(text) => msgpack::put_string(out, text),
        Time(time) => msgpack::put_time(out, time),
        Integer(number) => msgpack::put_integer(out, number),
        Binary(bytes) => msgpack::put_binary(out, bytes),
    }
}
