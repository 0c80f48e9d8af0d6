//! Which rule of the wire was broken, and where.

use thiserror::Error;

/// Bytes of the peer that are no packet.
///
/// ```
/// use mconn::wire::{Codec, DecodeRule, Proto3};
///
/// let error = Proto3::new().decode(b"\x8b\x08", 1034).unwrap_err();
/// assert_eq!(error.rule, DecodeRule::TooLarge { length: 1035, limit: 1034 });
/// assert_eq!(error.to_string(), "byte 0 of the packet: a packet of 1035 bytes is over the limit of 1034");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {offset} of the packet: {rule}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The rule that was broken.
    pub rule: DecodeRule,
    /// Where the tag, the number or the packet that breaks the rule begins, in bytes from the first byte of the packet (its
    /// length prefix, or its type byte).
    pub offset: usize,
}

impl DecodeError {
    /// An error at `offset` bytes from the start of the packet.
    #[must_use]
    pub const fn new(rule: DecodeRule, offset: usize) -> Self {
        Self { rule, offset }
    }
}

/// The rules of the three wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeRule {
    /// The varint of a length prefix has more than 64 bits.
    #[error("the length prefix overflows 64 bits")]
    PrefixOverflow,
    /// A length prefix beyond what a signed 64-bit length can be.
    #[error("the length prefix {length} is out of range")]
    LengthOutOfRange {
        /// The length as it was read.
        length: u64,
    },
    /// A packet longer than the receiver takes. Lengths are counted as
    /// [`Codec::limited_len`](super::Codec::limited_len) does.
    #[error("a packet of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length that the packet states.
        length: u64,
        /// The receiver's limit.
        limit: u64,
    },
    /// A packet that is neither ping nor pong nor message.
    #[error("the packet has no known content")]
    EmptyPacket,
    /// The packet ends inside a field.
    #[error("the packet ends inside a field")]
    Truncated,
    /// A number inside the packet has more than 10 bytes; in go-wire, a size of more than 8.
    #[error("a number has more bytes than a number can have")]
    VarintOverflow,
    /// A length inside the packet is negative, or, added to where it stands, is more than 2^63 - 1.
    #[error("a length is negative")]
    NegativeLength,
    /// A field number that can not be: zero or less, as a 32-bit number; in Amino, zero or over 2^29 - 1.
    #[error("illegal field number {number}")]
    IllegalTag {
        /// The field number as it was read.
        number: i32,
    },
    /// A field of the packet with a wire type other than its own.
    #[error("field {field} has wire type {wire_type}")]
    WrongWireType {
        /// The field's number.
        field: u32,
        /// The wire type as it was read.
        wire_type: u8,
    },
    /// A wire type that does not exist.
    #[error("wire type {wire_type} does not exist")]
    IllegalWireType {
        /// The wire type as it was read.
        wire_type: u8,
    },
    /// The end of a group that was not begun.
    #[error("a group ends that never began")]
    EndGroup,
    /// A type byte, or an Amino prefix, that names no packet.
    #[error("unknown packet type {packet_type:#x}")]
    UnknownType {
        /// The type byte, or the four prefix bytes as a big-endian number.
        packet_type: u32,
    },
    /// A go-wire length that is "minus zero".
    #[error("a length is negative zero")]
    NegativeZero,
    /// Strict, and Amino always: a field stands twice or out of order. Strict only: the packet has two contents.
    #[error("field {field} stands twice or out of order")]
    RepeatedField {
        /// The field's number.
        field: u32,
    },
    /// Strict only: a field that this version of the protocol does not have, a group among them.
    #[error("unknown field {field}")]
    UnknownField {
        /// The field's number.
        field: u32,
    },
    /// Strict only: a number that could be written in fewer bytes.
    #[error("a number is not written in its shortest form")]
    NotMinimal,
    /// Strict only: a field is written although it has its default value.
    #[error("field {field} is written although it has its default value")]
    DefaultWritten {
        /// The field's number.
        field: u32,
    },
    /// Strict only: an Amino packet type with its disambiguation bytes, which are needed only where two types have the same
    /// four bytes.
    #[error("the packet type is written with disambiguation bytes")]
    LongType,
    /// Strict only: a field has a value that no sender gives it: a channel over 255, an end that is neither 0 nor 1. In
    /// Amino always: a channel or an end over 255.
    #[error("field {field} has the value {value}, which no sender writes")]
    UnusualValue {
        /// The field's number; in go-wire, its place in the struct, from 1.
        field: u32,
        /// The value as it was read.
        value: u64,
    },
}
