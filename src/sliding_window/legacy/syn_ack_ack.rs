//! What the original meant to carry in its handshake.

use alloc::vec::Vec;

use bytes::{BufMut, Bytes, BytesMut};

use super::error::{DecodeError, EncodeError};
use super::msgpack::{self, KeyForm, Reader};
use super::state_table::TcpEvent;

/// Data for the packets of a handshake. The original has a codec for it and never sends it.
///
/// Source: `SynAckAck` in `swp.go`, `swp_gen.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SynAckAck {
    /// `TcpEvent`: which packet of the handshake this belongs to.
    pub event: TcpEvent,
    /// `SessionNonce`: the sender's session nonce.
    pub session_nonce: Bytes,
    /// `NextExpected`: the first sequence number that the sender does not have.
    pub next_expected: i64,
    /// `NackList`: later sequence numbers that it does not have either.
    pub nack_list: Vec<i64>,
}

/// A map of four entries.
const HEADER: u8 = 0x84;

impl SynAckAck {
    /// Appends the value to `out`, byte for byte as the original does.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if the nonce or the list is longer than 32 bits can say; `out` is unchanged.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let too_long = |key| EncodeError::TooLong { key };
        u32::try_from(self.session_nonce.len()).map_err(|_| too_long("SessionNonce"))?;
        let nacks = u32::try_from(self.nack_list.len()).map_err(|_| too_long("NackList"))?;
        out.put_u8(HEADER);
        msgpack::put_string(out, b"TcpEvent");
        msgpack::put_integer(out, self.event.value());
        msgpack::put_string(out, b"SessionNonce");
        msgpack::put_string(out, &self.session_nonce);
        msgpack::put_string(out, b"NextExpected");
        msgpack::put_integer(out, self.next_expected);
        msgpack::put_string(out, b"NackList");
        msgpack::put_array_header(out, nacks);
        for &number in &self.nack_list {
            msgpack::put_integer(out, number);
        }
        Ok(())
    }

    /// The value at the start of `bytes`, and the bytes after it. The nonce shares `bytes`; the list grows with the numbers
    /// that are there, whatever length it states.
    ///
    /// # Errors
    /// [`DecodeError`] tells which rule was broken, and where.
    pub fn decode_bytes(bytes: &Bytes) -> Result<(Self, Bytes), DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut value = Self::default();
        for _ in 0..reader.map_header()? {
            match reader.key(KeyForm::Packet)? {
                b"TcpEvent" => value.event = TcpEvent::from(reader.integer()?),
                b"SessionNonce" => value.session_nonce = bytes.slice_ref(reader.string()?),
                b"NextExpected" => value.next_expected = reader.integer()?,
                b"NackList" => {
                    value.nack_list.clear();
                    for _ in 0..reader.array_header()? {
                        value.nack_list.push(reader.integer()?);
                    }
                }
                _ => reader.skip()?,
            }
        }
        Ok((value, bytes.slice_ref(reader.rest())))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::error::DecodeRule;
    use super::*;

    fn example(nack_list: Vec<i64>) -> SynAckAck {
        SynAckAck { event: TcpEvent::SynAck, session_nonce: Bytes::from_static(b"nonce"), next_expected: -7, nack_list }
    }

    #[test]
    fn lists_of_every_form_of_length_come_back() {
        for length in [0_usize, 1, 15, 16, 0xffff, 0x1_0000] {
            let value = example((0..length).map(|number| i64::try_from(number).unwrap() * 1000).collect());
            let mut wire = BytesMut::new();
            value.encode(&mut wire).unwrap();
            wire.put_slice(b"rest");
            let decoded = SynAckAck::decode_bytes(&wire.freeze()).unwrap();
            assert_eq!(decoded, (value, Bytes::from_static(b"rest")));
        }
    }

    #[test]
    fn the_form_of_the_length_is_the_shortest() {
        let lead = |length| {
            let mut wire = BytesMut::new();
            example(vec![0; length]).encode(&mut wire).unwrap();
            let empty = 1 + 9 + 1 + 13 + 6 + 13 + 1 + 9;
            (wire[empty], wire.len() - empty - length)
        };
        assert_eq!(lead(0), (0x90, 1));
        assert_eq!(lead(15), (0x9f, 1));
        assert_eq!(lead(16), (0xdc, 3));
        assert_eq!(lead(0xffff), (0xdc, 3));
        assert_eq!(lead(0x1_0000), (0xdd, 5));
    }

    #[test]
    fn a_length_that_lies_is_an_error_and_costs_no_memory() {
        let wire = Bytes::from_static(b"\x81\xa8NackList\xdd\xff\xff\xff\xff\x01\x02");
        let error = SynAckAck::decode_bytes(&wire).unwrap_err();
        assert_eq!(error, DecodeError::new(DecodeRule::Truncated, wire.len()));
    }

    #[test]
    fn unknown_entries_are_skipped_and_the_last_of_two_holds() {
        let wire =
            Bytes::from_static(b"\x84\xa8NackList\x91\x01\xa1x\x81\x92\x01\xc0\xc3\xa8NackList\x92\x02\x03\xa1y\x01");
        let (value, rest) = SynAckAck::decode_bytes(&wire).unwrap();
        assert_eq!((value.nack_list, rest.len()), (vec![2, 3], 0));
    }

    #[test]
    fn truncation_is_an_error_everywhere() {
        let mut wire = BytesMut::new();
        example(vec![1, 2, 300]).encode(&mut wire).unwrap();
        let wire = wire.freeze();
        for length in 0..wire.len() {
            assert_eq!(SynAckAck::decode_bytes(&wire.slice(..length)).unwrap_err().rule, DecodeRule::Truncated);
        }
    }
}
