//! What an honest peer does not do.

use thiserror::Error;

use super::packet::PacketError;

/// A rule that the peer has broken in a packet that carried our tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerFault {
    /// A packet of this session that can not be read.
    #[error("a packet can not be read: {0}")]
    Packet(#[from] PacketError),
    /// A packet with a number before the first one.
    #[error("a packet has a number before its first")]
    PacketBelowFirst,
    /// Ranges of an acknowledgement that are out of order or go below the first packet.
    #[error("an acknowledgement contradicts itself")]
    AckRanges,
    /// An acknowledgement of a packet that was never sent: an attempt to make us send faster than the path allows.
    #[error("it acknowledged packet {packet}, which was never sent")]
    AcknowledgedUnsent {
        /// The number of the packet, counted from 0.
        packet: u64,
    },
    /// More bytes of messages than were granted.
    #[error("{sent} bytes were sent, {granted} were granted")]
    ByteCredit {
        /// Bytes of all that was received, in any order.
        sent: u64,
        /// Bytes that were granted.
        granted: u64,
    },
    /// More messages than were granted.
    #[error("{sent} messages were sent, {granted} were granted")]
    MessageCredit {
        /// Messages whose beginning was received, in any order.
        sent: u64,
        /// Messages that were granted.
        granted: u64,
    },
    /// A message that is larger than the receiver takes.
    #[error("a message of at least {size} bytes; at most {limit} are taken")]
    MessageTooLarge {
        /// Bytes of it that have come.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Fragments that do not form a message.
    #[error("the fragment in segment {segment} does not go together with those before it")]
    FragmentOrder {
        /// The segment, counted from 0.
        segment: u64,
    },
    /// Something after the end of all that the peer sends.
    #[error("segment {segment} comes after the end")]
    AfterEnd {
        /// The segment, counted from 0.
        segment: u64,
    },
    /// Says that messages were consumed which were never sent.
    #[error("{consumed} messages were consumed, only {sent} were sent")]
    ConsumedUnsent {
        /// Messages that it says it has consumed.
        consumed: u64,
        /// Messages that were sent.
        sent: u64,
    },
    /// Says that segments were received which were never sent.
    #[error("it expects segment {expected}, only {sent} were sent")]
    ReceivedUnsent {
        /// The segment, counted from 0.
        expected: u64,
        /// Segments that were sent.
        sent: u64,
    },
}
