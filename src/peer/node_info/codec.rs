//! A NodeInfo as bytes, and back.

use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use super::{MAX_NODE_INFO, NodeInfo};
use crate::peer::protobuf::{put_bytes, put_bytes_unless_empty, put_number_unless_zero, put_uvarint};
use crate::wire::DecodeError;
use crate::wire::fields::{BYTES, Fields, Tag, VARINT};
use crate::wire::varint::read_uvarint;

/// Bytes of a peer that are no NodeInfo.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeInfoDecodeError {
    /// It is longer than it may be.
    #[error("a NodeInfo of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// What was announced, in bytes without the length itself.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A rule of the wire is broken.
    #[error("not a NodeInfo: {0}")]
    Decode(#[from] DecodeError),
    /// A text is not UTF-8. The Go program takes one before the `://` of a listen address, and nowhere else.
    #[error("field {field} of the NodeInfo is not UTF-8")]
    NotUtf8 {
        /// The number of the field.
        field: u32,
    },
    /// It ends before its length says, or bytes follow it.
    #[error("a NodeInfo of {wire_len} bytes; {found} are there")]
    Length {
        /// What it takes, its length included; 0 when not even that is complete.
        wire_len: usize,
        /// How many bytes there are.
        found: usize,
    },
}

impl NodeInfo {
    /// The bytes on the wire: a length, then the message (`DefaultNodeInfo` of `proto/tendermint/p2p/types.proto @ v0.38`).
    ///
    /// Byte for byte those of Go, which writes the two messages inside it even when they are empty.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut protocol = Vec::new();
        put_number_unless_zero(&mut protocol, 1, self.protocol.p2p);
        put_number_unless_zero(&mut protocol, 2, self.protocol.block);
        put_number_unless_zero(&mut protocol, 3, self.protocol.app);

        let mut other = Vec::new();
        put_bytes_unless_empty(&mut other, 1, self.tx_index.as_bytes());
        put_bytes_unless_empty(&mut other, 2, self.rpc_address.as_bytes());

        let mut message = Vec::new();
        put_bytes(&mut message, 1, &protocol);
        put_bytes_unless_empty(&mut message, 2, self.node_id.as_bytes());
        put_bytes_unless_empty(&mut message, 3, self.listen_addr.as_bytes());
        put_bytes_unless_empty(&mut message, 4, self.network.as_bytes());
        put_bytes_unless_empty(&mut message, 5, self.version.as_bytes());
        put_bytes_unless_empty(&mut message, 6, &self.channels);
        put_bytes_unless_empty(&mut message, 7, self.moniker.as_bytes());
        put_bytes(&mut message, 8, &other);

        let mut wire = Vec::new();
        put_uvarint(&mut wire, message.len() as u64);
        wire.extend_from_slice(&message);
        wire
    }

    /// Reads the bytes on the wire: one NodeInfo, and nothing behind it.
    ///
    /// As the code generated for Go reads it: unknown fields are passed over, of repeated ones the last counts, and messages
    /// inside it that are repeated are merged. Other than Go it takes no text that is not UTF-8. What it says is not
    /// looked at; [`NodeInfo::validate`] does that.
    ///
    /// # Errors
    /// What is not as it should be.
    pub fn decode(wire: &[u8]) -> Result<Self, NodeInfoDecodeError> {
        let found = wire.len();
        match Received::read(wire)? {
            Received::Whole { info, wire_len } if wire_len == found => Ok(*info),
            Received::Whole { wire_len, .. } => Err(NodeInfoDecodeError::Length { wire_len, found }),
            Received::Part { wire_len } => Err(NodeInfoDecodeError::Length { wire_len: wire_len.unwrap_or(0), found }),
        }
    }
}

/// What stands at the start of bytes that were received.
#[derive(Debug)]
pub(in crate::peer) enum Received {
    /// A NodeInfo, and the bytes that it takes with its length.
    Whole { info: alloc::boxed::Box<NodeInfo>, wire_len: usize },
    /// A part of one, and the bytes that the whole takes, when its length is there.
    Part { wire_len: Option<usize> },
}

impl Received {
    /// Looks at the start of `bytes`. The limit is checked as soon as the length is there.
    pub(in crate::peer) fn read(bytes: &[u8]) -> Result<Self, NodeInfoDecodeError> {
        let Some((length, offset)) = read_uvarint(bytes).map_err(|rule| DecodeError::new(rule, 0))? else {
            return Ok(Self::Part { wire_len: None });
        };
        if length > MAX_NODE_INFO as u64 {
            return Err(NodeInfoDecodeError::TooLong { length, limit: MAX_NODE_INFO as u64 });
        }
        // Not more than the limit, so that it fits.
        let wire_len = offset.saturating_add(length as usize);
        match bytes.get(offset..wire_len) {
            Some(message) => {
                let info = alloc::boxed::Box::new(read_message(message, offset)?);
                Ok(Self::Whole { info, wire_len })
            }
            None => Ok(Self::Part { wire_len: Some(wire_len) }),
        }
    }
}

fn read_message(message: &[u8], offset: usize) -> Result<NodeInfo, NodeInfoDecodeError> {
    let mut fields = Fields::new(message, offset, false);
    let mut info = NodeInfo::default();
    while let Some(tag) = fields.tag()? {
        match tag.number {
            1 => read_protocol(&mut fields, tag, &mut info)?,
            2 => info.node_id = text(&mut fields, tag)?,
            3 => info.listen_addr = text(&mut fields, tag)?,
            4 => info.network = text(&mut fields, tag)?,
            5 => info.version = text(&mut fields, tag)?,
            6 => info.channels = bytes(&mut fields, tag)?.into(),
            7 => info.moniker = text(&mut fields, tag)?,
            8 => read_other(&mut fields, tag, &mut info)?,
            _ => fields.skip(tag)?,
        }
    }
    Ok(info)
}

fn read_protocol(fields: &mut Fields<'_>, tag: Tag, info: &mut NodeInfo) -> Result<(), DecodeError> {
    tag.must_be(BYTES)?;
    let mut inner = fields.message()?;
    while let Some(tag) = inner.tag()? {
        let version = match tag.number {
            1 => &mut info.protocol.p2p,
            2 => &mut info.protocol.block,
            3 => &mut info.protocol.app,
            _ => {
                inner.skip(tag)?;
                continue;
            }
        };
        tag.must_be(VARINT)?;
        *version = inner.varint()?;
    }
    Ok(())
}

fn read_other(fields: &mut Fields<'_>, tag: Tag, info: &mut NodeInfo) -> Result<(), NodeInfoDecodeError> {
    tag.must_be(BYTES)?;
    let mut inner = fields.message()?;
    while let Some(tag) = inner.tag()? {
        match tag.number {
            1 => info.tx_index = text(&mut inner, tag)?,
            2 => info.rpc_address = text(&mut inner, tag)?,
            _ => inner.skip(tag)?,
        }
    }
    Ok(())
}

fn bytes<'a>(fields: &mut Fields<'a>, tag: Tag) -> Result<&'a [u8], DecodeError> {
    tag.must_be(BYTES)?;
    Ok(fields.bytes()?.0)
}

fn text(fields: &mut Fields<'_>, tag: Tag) -> Result<String, NodeInfoDecodeError> {
    let bytes = bytes(fields, tag)?;
    let text = core::str::from_utf8(bytes).map_err(|_| NodeInfoDecodeError::NotUtf8 { field: tag.field() })?;
    Ok(text.into())
}
