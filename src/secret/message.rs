//! The two messages of a handshake, to bytes and back.
//!
//! Both are protobuf messages behind a length (`protoio` of Go). They are read as the code generated for Go reads them:
//! unknown fields are passed over, of repeated ones the last counts. Other than in Go, the lengths of keys and signatures are
//! checked, and the messages are limited to what they can sensibly be, not to 1 MiB.

use super::error::{HandshakeError, Stage};
use crate::wire::DecodeError;
use crate::wire::fields::{BYTES, Fields};
use crate::wire::varint::{MAX_UVARINT_LEN, read_uvarint};

/// The most bytes of the message with the ephemeral key, without its length. All known nodes send 34.
pub(super) const MAX_KEY_MESSAGE: usize = 128;
/// The most bytes of the message with the authentication, without its length. All known nodes send 102.
pub(super) const MAX_AUTH_MESSAGE: usize = 256;
/// The most bytes of the first message on the wire.
pub(super) const MAX_KEY_WIRE: usize = MAX_KEY_MESSAGE + MAX_UVARINT_LEN;

/// The message with our ephemeral key.
pub(super) fn key_message(public: &[u8; 32]) -> [u8; 35] {
    // A length of 34; field 1, bytes, 32 of them.
    concat(&[&[0x22, 0x0a, 0x20], public])
}

/// The message with our node key and our signature.
pub(super) fn auth_message(node_key: &[u8; 32], signature: &[u8; 64]) -> [u8; 103] {
    // A length of 102; field 1, a message of 34 bytes with field 1, 32 bytes; field 2, 64 bytes.
    concat(&[&[0x66, 0x0a, 0x22, 0x0a, 0x20], node_key, &[0x12, 0x40], signature])
}

/// All parts in a row; they must have `N` bytes together.
fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    let bytes = parts.iter().copied().flatten();
    debug_assert_eq!(bytes.clone().count(), N);
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    all
}

/// A message without its length, and the bytes that both take.
#[derive(Clone, Copy, Debug)]
struct Delimited<'a> {
    body: &'a [u8],
    /// Where the body begins.
    offset: usize,
    wire_len: usize,
}

/// The message at the start of `bytes`; `None` when it is not there completely.
///
/// The limit is checked as soon as the length is there.
fn delimited(bytes: &[u8], limit: usize, stage: Stage) -> Result<Option<Delimited<'_>>, HandshakeError> {
    let decode = |rule| HandshakeError::Decode { stage, error: DecodeError::new(rule, 0) };
    let Some((length, offset)) = read_uvarint(bytes).map_err(decode)? else { return Ok(None) };
    let limit = limit as u64;
    if length > limit {
        return Err(HandshakeError::TooLong { stage, length, limit });
    }
    // Not more than the limit, so that it fits.
    let wire_len = offset.saturating_add(length as usize);
    Ok(bytes.get(offset..wire_len).map(|body| Delimited { body, offset, wire_len }))
}

/// Reads the peer's ephemeral key from the start of `bytes`: the key, and the bytes that the message took. `None` when it is
/// not there completely.
pub(super) fn read_key(bytes: &[u8]) -> Result<Option<([u8; 32], usize)>, HandshakeError> {
    let stage = Stage::EphemeralKey;
    let Some(message) = delimited(bytes, MAX_KEY_MESSAGE, stage)? else { return Ok(None) };
    let key = bytes_value(message).map_err(|error| HandshakeError::Decode { stage, error })?;
    let key = key.try_into().map_err(|_| HandshakeError::EphemeralKeyLength { length: key.len() })?;
    Ok(Some((key, message.wire_len)))
}

/// Field 1 of a message; empty when it is not there.
fn bytes_value(message: Delimited<'_>) -> Result<&[u8], DecodeError> {
    let mut fields = Fields::new(message.body, message.offset, false);
    let mut value: &[u8] = &[];
    while let Some(tag) = fields.tag()? {
        if tag.number == 1 {
            tag.must_be(BYTES)?;
            value = fields.bytes()?.0;
        } else {
            fields.skip(tag)?;
        }
    }
    Ok(value)
}

/// The peer's authentication, as it stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Authentication<'a> {
    /// The number of the key's type.
    key_type: Option<u32>,
    key: &'a [u8],
    signature: &'a [u8],
}

impl Authentication<'_> {
    /// The node key.
    pub(super) fn node_key(&self) -> Result<[u8; 32], HandshakeError> {
        if self.key_type != Some(ED25519) {
            return Err(HandshakeError::NodeKeyType { key_type: self.key_type });
        }
        self.key.try_into().map_err(|_| HandshakeError::NodeKeyLength { length: self.key.len() })
    }

    /// The signature.
    pub(super) fn signature(&self) -> Result<[u8; 64], HandshakeError> {
        self.signature.try_into().map_err(|_| HandshakeError::SignatureLength { length: self.signature.len() })
    }
}

/// Ed25519 among the types of keys.
const ED25519: u32 = 1;
/// The last known type of key: Ed25519, secp256k1, BLS12-381, secp256k1 of Ethereum (`crypto/v1/keys.proto @ v1.0`).
const LAST_KEY_TYPE: u32 = 4;

/// Reads the peer's authentication from the start of `bytes`: it, and the bytes that it took. `None` when it is not there
/// completely.
pub(super) fn read_auth(bytes: &[u8]) -> Result<Option<(Authentication<'_>, usize)>, HandshakeError> {
    let stage = Stage::Authentication;
    let Some(message) = delimited(bytes, MAX_AUTH_MESSAGE, stage)? else { return Ok(None) };
    let authentication = authentication(message).map_err(|error| HandshakeError::Decode { stage, error })?;
    Ok(Some((authentication, message.wire_len)))
}

fn authentication(message: Delimited<'_>) -> Result<Authentication<'_>, DecodeError> {
    let mut fields = Fields::new(message.body, message.offset, false);
    let mut authentication = Authentication::default();
    while let Some(tag) = fields.tag()? {
        match tag.number {
            1 => {
                tag.must_be(BYTES)?;
                let mut key = fields.message()?;
                while let Some(tag) = key.tag()? {
                    if tag.field() <= LAST_KEY_TYPE {
                        tag.must_be(BYTES)?;
                        authentication.key_type = Some(tag.field());
                        authentication.key = key.bytes()?.0;
                    } else {
                        key.skip(tag)?;
                    }
                }
            }
            2 => {
                tag.must_be(BYTES)?;
                authentication.signature = fields.bytes()?.0;
            }
            _ => fields.skip(tag)?,
        }
    }
    Ok(authentication)
}

#[cfg(test)]
mod tests;
