//! Properties; the rows of go-amino are in `tests/amino_vectors.rs`.

use super::*;
use crate::wire::varint::meter;
use proptest::collection::vec;
use proptest::prelude::*;
use std::vec::Vec;

const LIMIT: usize = 1047;

/// The bytes of a packet that was decoded.
fn encode(packet: Packet<'_>) -> Vec<u8> {
    let codec = Amino::new();
    match packet {
        Packet::Ping => codec.ping().to_vec(),
        Packet::Pong => codec.pong().to_vec(),
        Packet::Message(message) => {
            let channel = u8::try_from(message.channel).unwrap();
            [codec.message_header(channel, message.end, message.payload.len()).as_slice(), message.payload].concat()
        }
    }
}

fn message(channel: u8, end: bool, payload: &[u8]) -> Vec<u8> {
    encode(Packet::Message(MessagePacket { channel: channel.into(), end, payload }))
}

/// Pieces that packets are made of, so that many of those made up are taken.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        any::<u8>().prop_map(|channel| std::vec![8, channel]),
        Just(std::vec![0x08, 0x80, 0x01]),
        Just(std::vec![0x10, 0x01]),
        Just(std::vec![0x10, 0x00]),
        Just(std::vec![0x10, 0x81, 0x00]),
        vec(any::<u8>(), 0..6).prop_map(|bytes| [&[0x1a, bytes.len() as u8], &bytes[..]].concat()),
        vec(any::<u8>(), 0..3).prop_map(|bytes| [&[0x22, bytes.len() as u8], &bytes[..]].concat()),
        vec(any::<u8>(), 1..3),
    ];
    let head = prop_oneof![
        8 => Just(MESSAGE.to_vec()),
        1 => Just([LONG_MESSAGE, MESSAGE].concat()),
        1 => Just(PING.to_vec()),
        1 => Just(PONG.to_vec()),
        1 => Just([LONG_PONG, PONG].concat())
    ];
    (head, vec(field, 0..4), prop_oneof![9 => Just(0_u8), 1 => 1..4_u8]).prop_map(|(head, fields, padding)| {
        let body = [head, fields.concat()].concat();
        let mut packet = std::vec![body.len() as u8];
        for _ in 0..padding {
            *packet.last_mut().unwrap() |= 0x80;
            packet.push(0);
        }
        [packet, body].concat()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(channel: u8, end: bool, payload in vec(any::<u8>(), 0..2000), behind in vec(any::<u8>(), 0..20)) {
        let wire = message(channel, end, &payload);
        prop_assert_eq!(Amino::new().limited_len(channel, end, payload.len()), wire.len());
        let bytes = [&wire[..], &behind].concat();
        for mut codec in [Amino::new(), Amino::strict()] {
            let packet = Packet::Message(MessagePacket { channel: channel.into(), end, payload: &payload });
            let expected = Decoded { packet, wire_len: wire.len() };
            prop_assert_eq!(codec.decode(&bytes, wire.len()), Ok(Some(expected)));
            // The second time it is recalled, and again only when it is there completely and within the limit.
            prop_assert_eq!(codec.decode(&bytes, wire.len()), Ok(Some(expected)));
            prop_assert_eq!(codec.decode(&wire[..wire.len() - 1], wire.len()), Ok(None));
            let rule = DecodeRule::TooLarge { length: wire.len() as u64, limit: wire.len() as u64 - 1 };
            prop_assert_eq!(codec.decode(&bytes, wire.len() - 1), Err(DecodeError::new(rule, 0)));
        }
    }

    #[test]
    fn strict_takes_exactly_what_comes_out_the_same(bytes in piece()) {
        let (answer, strict) = (Amino::new().decode(&bytes, LIMIT), Amino::strict().decode(&bytes, LIMIT));
        match answer {
            Ok(Some(decoded)) if encode(decoded.packet) == bytes[..decoded.wire_len] => prop_assert_eq!(strict, answer),
            Ok(None) => prop_assert!(strict == Ok(None) || strict.is_err()),
            _ => prop_assert!(strict.is_err()),
        }
    }

    #[test]
    fn what_was_decoded_before_makes_no_difference(packets in vec(piece(), 1..8), limits in vec(4..40_usize, 8)) {
        // Bytes behind each, so that even the shortest is long enough to be recalled.
        let packets: Vec<_> = packets.iter().map(|packet| [&packet[..], &[7; 16]].concat()).collect();
        for codec in [Amino::new(), Amino::strict()] {
            let mut used = codec.clone();
            for (bytes, &limit) in packets.iter().zip(&limits) {
                let _ = used.decode(bytes, LIMIT);
                for other in &packets {
                    prop_assert_eq!(used.clone().decode(other, limit), codec.clone().decode(other, limit));
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..64), limit: usize) {
        for mut codec in [Amino::new(), Amino::strict()] {
            if let Ok(Some(decoded)) = codec.decode(&bytes, limit) {
                prop_assert!((1..=bytes.len().min(limit)).contains(&decoded.wire_len));
            }
        }
    }
}

#[test]
fn an_incomplete_packet_costs_no_more_than_its_length() {
    let wire = message(7, true, &[0xff; 1024]);
    for mut codec in [Amino::new(), Amino::strict()] {
        codec.decode(&wire, LIMIT).unwrap().unwrap();
        meter::take();
        for len in 0..wire.len() {
            assert_eq!(codec.decode(&wire[..len], LIMIT), Ok(None));
            assert!(meter::take() <= 10);
        }
    }
}

#[test]
fn a_packet_costs_no_more_than_its_bytes() {
    // Unknown fields without end, each with a greater number than the one before.
    let mut body = PING.to_vec();
    for field in 16..16 + 300_u32 {
        let (number, len) = short_uvarint(field << 3);
        body.extend_from_slice(&number.to_le_bytes()[..len as usize]);
        body.push(1);
    }
    let (number, len) = short_uvarint(body.len() as u32);
    let wire = [&number.to_le_bytes()[..len as usize], &body].concat();
    meter::take();
    let decoded = Amino::new().decode(&wire, LIMIT).unwrap().unwrap();
    assert_eq!((decoded.packet, decoded.wire_len), (Packet::Ping, wire.len()));
    assert!(meter::take() <= wire.len() as u64);
}

#[test]
fn errors_say_which_rule_and_where() {
    use DecodeRule::*;
    let refusals: [(&[u8], DecodeRule, usize); 9] = [
        (b"\x04\xb0\x5b\x4f\x2d", UnknownType { packet_type: 0xb05b_4f2d }, 1),
        (b"\x08\x00\xf1\xbb\x97\xb0\x5b\x4f\x2d", UnknownType { packet_type: 0x00f1_bb97 }, 1),
        (b"\x08\xb0\x5b\x4f\x2c\x10\x01\x08\x01", RepeatedField { field: 1 }, 7),
        (b"\x07\xb0\x5b\x4f\x2c\x08\x80\x02", UnusualValue { field: 1, value: 256 }, 5),
        (b"\x06\xb0\x5b\x4f\x2c\x0a\x00", WrongWireType { field: 1, wire_type: 2 }, 5),
        (b"\x06\xb0\x5b\x4f\x2c\x23\x24", IllegalWireType { wire_type: 3 }, 5),
        (b"\x06\xb0\x5b\x4f\x2c\x1a\x01", Truncated, 6),
        (b"\x05\x15\xc3\xd2\x89\x00", IllegalTag { number: 0 }, 5),
        (b"\x00", EmptyPacket, 0),
    ];
    for (bytes, rule, offset) in refusals {
        assert_eq!(Amino::new().decode(bytes, LIMIT), Err(DecodeError::new(rule, offset)), "{bytes:02x?}");
    }
    let strict_refusals: [(&[u8], DecodeRule, usize); 6] = [
        (b"\x84\x00\x15\xc3\xd2\x89", NotMinimal, 0),
        (b"\x08\x00\xf1\xbb\x97\xb0\x5b\x4f\x2c", LongType, 1),
        (b"\x06\xb0\x5b\x4f\x2c\x08\x00", DefaultWritten { field: 1 }, 5),
        (b"\x06\xb0\x5b\x4f\x2c\x10\x02", UnusualValue { field: 2, value: 2 }, 5),
        (b"\x06\xb0\x5b\x4f\x2c\x20\x01", UnknownField { field: 4 }, 5),
        (b"\x07\xb0\x5b\x4f\x2c\x08\x81\x00", NotMinimal, 6),
    ];
    for (bytes, rule, offset) in strict_refusals {
        assert_eq!(Amino::strict().decode(bytes, LIMIT), Err(DecodeError::new(rule, offset)), "{bytes:02x?}");
        assert!(matches!(Amino::new().decode(bytes, LIMIT), Ok(Some(_))), "{bytes:02x?}");
    }
}

#[test]
fn lengths_beyond_a_slice_are_refused_without_limit() {
    let prefix = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let rule = DecodeRule::LengthOutOfRange { length: u64::MAX - 1 };
    assert_eq!(Amino::new().decode(prefix, usize::MAX), Err(DecodeError::new(rule, 0)));
}
