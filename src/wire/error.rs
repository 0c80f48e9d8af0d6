//! Which rule of the wire was broken, and where.

use thiserror::Error;

/// Bytes of the peer that are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {offset} of the packet: {rule}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The rule that was broken.
    pub rule: DecodeRule,
    /// Where, in bytes from the first byte of the packet (its length prefix, or its type byte).
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
    /// A packet longer than the receiver takes.
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
    /// A varint inside the packet is longer than 10 bytes.
    #[error("a varint has more than 10 bytes")]
    VarintOverflow,
    /// A length inside the packet is negative.
    #[error("a length is negative")]
    NegativeLength,
    /// A field number that can not be.
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
    /// Strict only: a field stands twice.
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
}
