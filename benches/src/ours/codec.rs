//! The codec alone: one packet to bytes, and back.

use std::hint::black_box;

use bytes::Bytes;
use mconn::wire::{Codec, Header, Packet, Proto3};

use crate::contender::{Contender, InMemory};
use crate::load::{KIB, MIB};
use crate::peers::prost::stream_of_packets;

/// The name of the encoder in the table.
pub const ENCODE: &str = "mconn";
/// The name of the decoder that lends payloads.
pub const LEND: &str = "mconn, lent";
/// The name of the decoder whose payloads are copied into memory of their own.
pub const OWN: &str = "mconn, owned";

const CHANNEL: u8 = 0x21;
const TARGET: usize = 64 * KIB;

/// Encodes packets of `size` bytes each from a 1 MiB source into a buffer of 64 KiB.
#[must_use]
pub fn encoder(size: usize, end: bool) -> Box<dyn Contender> {
    let source = vec![0x5a_u8; MIB];
    let mut target = vec![0_u8; TARGET];
    let codec = Proto3::new();
    InMemory::boxed(ENCODE, move |operations| {
        let (mut left, mut at) = (operations, 0);
        while left > 0 {
            for payload in source.chunks_exact(size).take(left as usize) {
                // The compiler must not compute the header once for all.
                let header = codec.message_header(black_box(CHANNEL), end, payload.len());
                if at + Header::CAPACITY + payload.len() > TARGET {
                    black_box(&mut target);
                    at = 0;
                }
                at += encode(&mut target[at..], &header, payload);
                left -= 1;
            }
        }
        black_box(&mut target);
    })
}

/// The header as one store of fixed size, the payload over its tail.
fn encode(target: &mut [u8], header: &Header, payload: &[u8]) -> usize {
    let (head, _) = target.split_first_chunk_mut().expect("room for a header");
    *head = *header.padded();
    let len = header.len() + payload.len();
    target[header.len()..len].copy_from_slice(payload);
    len
}

/// Decodes packets of `size` bytes each from 1 MiB of them, and looks at the lent payload.
#[must_use]
pub fn lender(size: usize, end: bool) -> Box<dyn Contender> {
    decoder(LEND, size, end, |payload| {
        black_box(payload);
    })
}

/// The same, with a copy of each payload in memory of its own.
#[must_use]
pub fn owner(size: usize, end: bool) -> Box<dyn Contender> {
    decoder(OWN, size, end, |payload| {
        black_box(Bytes::copy_from_slice(payload));
    })
}

fn decoder(name: &'static str, size: usize, end: bool, mut take: impl FnMut(&[u8]) + 'static) -> Box<dyn Contender> {
    let stream = stream_of_packets(size, end, MIB);
    let mut codec = Proto3::new();
    let limit = codec.packet_limit(KIB);
    let mut at = 0;
    InMemory::boxed(name, move |operations| {
        for _ in 0..operations {
            if at == stream.len() {
                at = 0;
            }
            let decoded = codec.decode(&stream[at..], limit).expect("a valid packet").expect("a whole packet");
            let Packet::Message(message) = decoded.packet else { panic!("a packet of a message") };
            take(message.payload);
            at += decoded.wire_len;
        }
    })
}
