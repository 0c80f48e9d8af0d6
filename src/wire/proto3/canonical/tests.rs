use super::*;
use crate::wire::{Codec, Decoded, MAX_PAYLOAD, Packet, Proto3};
use std::vec;
use std::vec::Vec;

/// LEB128 as a loop.
fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// The header as one would write it down.
fn written(channel: u8, end: bool, payload_len: usize) -> Vec<u8> {
    let mut fields = Vec::new();
    if channel != 0 {
        fields.extend([vec![0x08], leb128(channel.into())].concat());
    }
    if end {
        fields.extend([0x10, 0x01]);
    }
    if payload_len != 0 {
        fields.extend([vec![0x1a], leb128(payload_len)].concat());
    }
    let message = [vec![0x1a], leb128(fields.len() + payload_len), fields].concat();
    [leb128(message.len() + payload_len), message].concat()
}

/// All lengths where something changes.
fn payload_lens() -> impl Iterator<Item = usize> {
    let powers = [7, 14, 20].into_iter().map(|shift| 1 << shift);
    powers.flat_map(|power: usize| power - 14..=power + 2).chain(0..4).filter(|&len| len <= MAX_PAYLOAD)
}

#[test]
fn headers_are_as_written_down() {
    for payload_len in payload_lens() {
        for channel in 0..=255 {
            for end in [false, true] {
                let header = header(channel, end, payload_len as u32);
                assert_eq!(header.as_slice(), written(channel, end, payload_len), "{channel} {end} {payload_len}");
            }
        }
    }
}

/// The longest header fits.
#[test]
fn no_header_is_longer_than_there_is_room() {
    assert_eq!(header(255, true, MAX_PAYLOAD as u32).len(), Header::CAPACITY);
}

/// What is recognised, with the bytes of the packet behind the window.
fn recalled<'a>(bytes: &'a [u8], limit: usize) -> Option<Decoded<'a>> {
    recognise(bytes.first_chunk().unwrap())?.recall(bytes, limit)
}

#[test]
fn short_and_medium_packets_are_recognised() {
    for payload_len in payload_lens().filter(|&len| len < 1 << 15) {
        for channel in [0, 1, 0x7f, 0x80, 0xff] {
            for end in [false, true] {
                let header = written(channel, end, payload_len);
                let packet = [header.clone(), vec![0x5a; payload_len]].concat();
                let bytes = [packet.clone(), vec![0xff; 16]].concat();
                let known = matches!(payload_len, 1..=118 | 128..=16_372);
                assert_eq!(recognise(bytes.first_chunk().unwrap()).is_some(), known, "{payload_len}");
                if !known {
                    continue;
                }
                let payload = &bytes[header.len()..packet.len()];
                let message = MessagePacket { channel: channel.into(), end, payload };
                let decoded = Decoded { packet: Packet::Message(message), wire_len: packet.len() };
                let limit = Proto3::new().limited_len(channel, end, payload_len);
                assert_eq!(recalled(&bytes, limit), Some(decoded));
                assert_eq!(recalled(&bytes, limit - 1), None);
                assert!(packet.len() <= 16 || recalled(&bytes[..packet.len() - 1], limit).is_none());
            }
        }
    }
}

/// Whatever byte of the header is changed, and to what: what is still recognised is what the parser reads, and is strictly
/// well-formed.
#[test]
fn what_is_recognised_is_what_is_parsed() {
    for payload_len in [1, 2, 117, 118, 119, 127, 128, 129, 1024] {
        for (channel, end) in [(0, false), (0, true), (5, false), (0x7f, true), (0x80, true), (0xff, false)] {
            let header = written(channel, end, payload_len);
            let mut bytes = [header.clone(), vec![0x10; payload_len + 300]].concat();
            for index in 0..header.len() {
                for value in 0..=255 {
                    bytes[index] = value;
                    if let Some(decoded) = recalled(&bytes, 2000) {
                        assert_eq!(Proto3::new().parse(&bytes, 2000), Ok(Some(decoded)));
                        assert_eq!(Proto3::strict().parse(&bytes, 2000), Ok(Some(decoded)));
                    }
                }
                bytes[index] = header[index];
            }
        }
    }
}
