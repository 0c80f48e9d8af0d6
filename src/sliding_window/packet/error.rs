//! Why bytes are no packet.

use thiserror::Error;

/// Why a datagram could not be read. Nothing of it counts then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PacketError {
    /// The bytes end in the middle of something.
    #[error("the packet is cut off")]
    Truncated,
    /// The first byte is not that of a packet of this version.
    #[error("the first byte is {byte:#04x}, which is no packet of this version")]
    NotAPacket {
        /// The byte.
        byte: u8,
    },
    /// A packet of the handshake without a check.
    #[error("a packet of the handshake has no check")]
    Unchecked,
    /// The check is that of other bytes: the datagram was damaged on its way.
    #[error("the check is {found:#010x}, of the bytes it would be {computed:#010x}")]
    Damaged {
        /// The check in the packet.
        found: u32,
        /// The check of the bytes.
        computed: u32,
    },
    /// A packet with no frame in it.
    #[error("the packet carries nothing")]
    Empty,
    /// A frame of an unknown type.
    #[error("no frame has the type {byte:#04x}")]
    UnknownFrame {
        /// The first byte of the frame.
        byte: u8,
    },
    /// An acknowledgement with more ranges than there may be.
    #[error("an acknowledgement of {count} ranges; at most {MAX_ACK_RANGES} are allowed", MAX_ACK_RANGES = super::MAX_ACK_RANGES)]
    TooManyRanges {
        /// The ranges that it announces.
        count: u64,
    },
    /// A data frame without a piece.
    #[error("a data frame carries no piece")]
    NoPiece,
    /// The flags of a piece do not go together.
    #[error("a piece has the flags {flags:#04x}, which do not go together")]
    PieceFlags {
        /// The flags.
        flags: u8,
    },
    /// A piece stands where it can not: only the last fragment of a message shares its segment, and it comes first.
    #[error("a piece with the flags {flags:#04x} stands in the wrong place of its segment")]
    PieceOrder {
        /// The flags.
        flags: u8,
    },
    /// A fragment that is not the last one of its message carries no byte.
    #[error("a fragment carries nothing, and more follow")]
    EmptyFragment,
    /// The first fragment of an unordered message is not number 0, or another one is.
    #[error("fragment {index} of an unordered message has the flags {flags:#04x}")]
    FragmentIndex {
        /// The number.
        index: u64,
        /// The flags.
        flags: u8,
    },
    /// What an offer to resume says is missing can not be.
    #[error("the list of missing segments contradicts itself")]
    Holes,
    /// Bytes after the end of a packet of the handshake that are not zero.
    #[error("the padding is not zero")]
    Padding,
    /// A cookie that is longer than cookies are.
    #[error("a cookie of {len} bytes; at most {MAX_COOKIE} are allowed", MAX_COOKIE = super::MAX_COOKIE)]
    LongCookie {
        /// Its length in bytes.
        len: usize,
    },
}
