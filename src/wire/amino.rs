//! Amino: Tendermint v0.19 to v0.33.

use super::{Codec, DecodeError, Decoded, Header};

/// The codec of Tendermint v0.19 to v0.33.
#[derive(Clone, Debug, Default)]
pub struct Amino {}

impl Codec for Amino {
    fn ping(&self) -> &'static [u8] {
        b"\x04\x15\xc3\xd2\x89"
    }

    fn pong(&self) -> &'static [u8] {
        b"\x04\x8a\x79\x7f\xe2"
    }

    fn message_header(&self, _channel: u8, _end: bool, _payload_len: usize) -> Header {
        Header::new()
    }

    fn packet_limit(&self, payload_size: usize) -> usize {
        payload_size
    }

    fn limited_len(&self, _channel: u8, _end: bool, payload_len: usize) -> usize {
        payload_len
    }

    fn max_wire_len(&self, limit: usize) -> usize {
        limit
    }

    fn decode<'a>(&mut self, _bytes: &'a [u8], _limit: usize) -> Result<Option<Decoded<'a>>, DecodeError> {
        Ok(None)
    }
}
