//! Packets to bytes and back, for the three wire eras; nothing else.
//!
//! | era | spoken by | codec |
//! | --- | --- | --- |
//! | Protocol Buffers | Tendermint v0.34 to CometBFT today | [`Proto3`] |
//! | Amino | Tendermint v0.22 to v0.33 | [`Amino`] |
//! | go-wire | Tendermint up to v0.18 | [`GoWire`] |
//!
//! A codec is a pure function of the bytes: it lends the payload and copies nothing. All of them stand behind one trait,
//! [`Codec`]; [`AnyCodec`] chooses at run time.

mod amino;
mod any;
mod error;
pub(crate) mod fields;
mod gowire;
mod header;
mod predict;
mod proto3;
pub(crate) mod varint;

pub use amino::Amino;
pub use any::AnyCodec;
pub use error::{DecodeError, DecodeRule};
pub use gowire::GoWire;
pub use header::Header;
pub use proto3::Proto3;

use core::fmt;

/// One packet, its payload lent from the buffer that it was decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
    /// A piece of a message.
    Message(MessagePacket<'a>),
}

/// A piece of a message on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePacket<'a> {
    /// The channel number as it was read. The wire has room for numbers that no channel has (less than 0, more than 255).
    pub channel: i32,
    /// Whether the message ends with this packet.
    pub end: bool,
    /// The bytes of the message that this packet carries.
    pub payload: &'a [u8],
}

/// A packet and the number of bytes that it took on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The packet.
    pub packet: Packet<'a>,
    /// Its size on the wire in bytes, all prefixes included; at least 1.
    pub wire_len: usize,
}

/// How packets are written as bytes, and read.
///
/// In every era the payload stands last in its packet, so that encoding is a short [`Header`] and a copy.
pub trait Codec: Clone + fmt::Debug + Send {
    /// The bytes of a ping.
    fn ping(&self) -> &'static [u8];

    /// The bytes of a pong.
    fn pong(&self) -> &'static [u8];

    /// Everything of a message packet that stands before its payload of `payload_len` bytes.
    ///
    /// `payload_len` is at most [`MAX_PAYLOAD`]; a larger one is taken as that.
    fn message_header(&self, channel: u8, end: bool, payload_len: usize) -> Header;

    /// The limit, in the units of [`Codec::limited_len`], of a receiver whose packets carry up to `payload_size` bytes.
    fn packet_limit(&self, payload_size: usize) -> usize;

    /// The size of a message packet as a receiver compares it with its limit (which is not the size on the wire).
    fn limited_len(&self, channel: u8, end: bool, payload_len: usize) -> usize;

    /// The most bytes that a packet within `limit` can take on the wire, prefixes included, also when these are written
    /// longer than needed. A buffer of this size always holds a whole packet.
    fn max_wire_len(&self, limit: usize) -> usize;

    /// Reads the packet at the start of `bytes`; `None` when it is not there completely.
    ///
    /// `bytes` are all those that were not consumed yet. The work on an incomplete packet is bounded by a constant, so that
    /// bytes may come one by one. The limit is checked as soon as the packet's length is there. The answer does not
    /// depend on what was decoded before.
    ///
    /// # Errors
    /// The first rule of the wire that the bytes break, and where. What follows can not be understood any more.
    fn decode<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Result<Option<Decoded<'a>>, DecodeError>;
}

/// The largest payload of one packet that the codecs write: 1 MiB. (Nodes use 1024 bytes.)
pub const MAX_PAYLOAD: usize = 1 << 20;
