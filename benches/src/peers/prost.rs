//! `prost`: the packets as their Protocol Buffers schema says, by derive, without a code generator.

use std::hint::black_box;

use bytes::Bytes;
use prost::Message;

use crate::contender::{Contender, InMemory};
use crate::load::{KIB, MIB};

/// The name in the table.
pub const NAME: &str = "prost";

/// Packets that stand ready to be encoded: 1 MiB of payload if they are full.
const PREPARED: usize = 1024;

/// `PacketPing`, `PacketPong`.
#[derive(Clone, PartialEq, Message)]
pub struct Empty {}

/// `PacketMsg`; the data are refcounted, which suits `prost` best.
#[derive(Clone, PartialEq, Message)]
pub struct PacketMsg {
    /// The channel's number.
    #[prost(int32, tag = "1")]
    pub channel_id: i32,
    /// Whether the message ends here.
    #[prost(bool, tag = "2")]
    pub eof: bool,
    /// The piece of the message.
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
}

/// `Packet`.
#[derive(Clone, PartialEq, Message)]
pub struct Packet {
    /// Its only field.
    #[prost(oneof = "Sum", tags = "1, 2, 3")]
    pub sum: Option<Sum>,
}

/// What a packet can be.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Sum {
    /// Asks for a pong.
    #[prost(message, tag = "1")]
    Ping(Empty),
    /// Answers a ping.
    #[prost(message, tag = "2")]
    Pong(Empty),
    /// A piece of a message.
    #[prost(message, tag = "3")]
    Msg(PacketMsg),
}

/// A packet of a message.
#[must_use]
pub fn packet(channel_id: i32, eof: bool, data: Bytes) -> Packet {
    Packet { sum: Some(Sum::Msg(PacketMsg { channel_id, eof, data })) }
}

/// Encodes packets of `size` bytes each into a buffer of 64 KiB. They stand ready: building them is not counted.
#[must_use]
pub fn encoder(size: usize, end: bool) -> Box<dyn Contender> {
    let source = Bytes::from(vec![0x5a_u8; MIB]);
    let packets: Vec<Packet> =
        (0..PREPARED).map(|index| packet(0x21, end, source.slice(index * size..(index + 1) * size))).collect();
    let mut target = Vec::with_capacity(64 * KIB);
    InMemory::boxed(NAME, move |operations| {
        for packet in packets.iter().cycle().take(operations as usize) {
            if target.len() + size + 32 > 64 * KIB {
                black_box(&mut target).clear();
            }
            packet.encode_length_delimited(&mut target).expect("a Vec grows");
        }
        black_box(&mut target);
    })
}

/// Decodes packets of `size` bytes each from 1 MiB of them.
#[must_use]
pub fn decoder(size: usize, end: bool) -> Box<dyn Contender> {
    let stream = Bytes::from(stream_of_packets(size, end, MIB));
    let mut rest = Bytes::new();
    InMemory::boxed(NAME, move |operations| {
        for _ in 0..operations {
            if rest.is_empty() {
                rest = stream.clone();
            }
            let packet = Packet::decode_length_delimited(&mut rest).expect("a packet that was just encoded");
            black_box(&packet);
        }
    })
}

/// As many packets as fit into about `bytes` bytes, encoded one after the other.
#[must_use]
pub fn stream_of_packets(size: usize, end: bool, bytes: usize) -> Vec<u8> {
    let packet = packet(0x21, end, Bytes::from(vec![0x5a; size]));
    let mut stream = Vec::with_capacity(bytes + size + 32);
    while stream.len() < bytes {
        packet.encode_length_delimited(&mut stream).expect("a Vec grows");
    }
    stream
}
