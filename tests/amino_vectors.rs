//! What go-amino wrote, and what it made of what others might write.
//!
//! The rows come from `tests/vectors/generate/amino`.

mod support;

use mconn::wire::{Amino, Codec, DecodeRule, Packet};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{Owned, bytes, encode, number, read, text, vectors};

/// The rules that stand for a class of go-amino's errors, which tell less apart in some places and more in others.
fn is_in_class(rule: DecodeRule, class: &str) -> bool {
    use DecodeRule::*;
    match class {
        "over_limit" => matches!(rule, TooLarge { .. } | LengthOutOfRange { .. } | PrefixOverflow),
        // To go-amino a length that overflows is zero, and a packet without bytes is one without a type.
        "short_type" => matches!(rule, Truncated | EmptyPacket | PrefixOverflow),
        "unknown_type" => matches!(rule, UnknownType { .. }),
        // A tag that can not be read is to go-amino a field number zero, if it is among the known fields.
        "field_order" => matches!(rule, RepeatedField { .. } | IllegalTag { .. } | Truncated | VarintOverflow),
        "field_number" => matches!(rule, IllegalTag { .. }),
        "wrong_type" => matches!(rule, WrongWireType { .. }),
        "illegal_type" => matches!(rule, IllegalWireType { .. }),
        "byte_overflow" => matches!(rule, UnusualValue { .. }),
        "varint_overflow" => matches!(rule, VarintOverflow),
        "negative_length" => matches!(rule, NegativeLength),
        // Ten bytes that do not end a number, and nothing behind them: go-amino says that bytes are missing.
        "truncated" => matches!(rule, Truncated | VarintOverflow),
        _ => panic!("no class {class}"),
    }
}

/// Whether `packet` is the one of a row.
fn is_packet(packet: &Owned, row: &Value) -> bool {
    match packet {
        Owned::Ping => text(row, "kind") == "ping",
        Owned::Pong => text(row, "kind") == "pong",
        Owned::Message { channel, end, payload } => {
            let same_payload = if row.get("data_hex").is_some() {
                *payload == bytes(row, "data_hex")
            } else {
                payload.len() == number(row, "len") && Sha256::digest(payload).as_slice() == bytes(row, "sha256")
            };
            let same_head =
                usize::try_from(*channel).unwrap() == number(row, "channel") && *end == (number(row, "eof") == 1);
            text(row, "kind") == "msg" && same_head && same_payload
        }
    }
}

#[test]
fn takes_and_refuses_what_go_amino_does() {
    for row in vectors("amino_decode_cases") {
        let wire = bytes(&row, "hex");
        let result = read(&mut Amino::new(), number(&row, "limit"), [&wire[..]]);
        let expected = row["packets"].as_array().unwrap();
        assert_eq!(result.packets.len(), expected.len(), "{row}");
        assert!(result.packets.iter().zip(expected).all(|(packet, row)| is_packet(packet, row)), "{row}: {result:?}");
        assert_eq!(wire.len() - result.left, number(&row, "consumed"), "{row}");
        match (text(&row, "verdict").split_once(':'), result.error) {
            (Some(("error", class)), Some(error)) => {
                assert!(is_in_class(error.rule, class), "{row}: {error:?}");
                assert!(error.offset <= result.left, "{row}: {error:?}");
            }
            (None, None) => assert_eq!(text(&row, "verdict") == "ok", result.left == 0, "{row}"),
            _ => panic!("{row}: {result:?}"),
        }
    }
}

#[test]
fn splits_make_no_difference() {
    for row in vectors("amino_decode_cases") {
        let (wire, limit) = (bytes(&row, "hex"), number(&row, "limit"));
        for mut codec in [Amino::new(), Amino::strict()] {
            let whole = read(&mut codec.clone(), limit, [&wire[..]]);
            let by_byte = read(&mut codec, limit, wire.chunks(1));
            assert_eq!((&by_byte.packets, by_byte.error), (&whole.packets, whole.error), "{row}");
        }
    }
}

#[test]
fn strict_takes_what_comes_out_the_same() {
    let mut taken = 0;
    for row in vectors("amino_decode_cases") {
        let (wire, limit) = (bytes(&row, "hex"), number(&row, "limit"));
        let (mut codec, mut strict, mut rest) = (Amino::new(), Amino::strict(), &wire[..]);
        while !rest.is_empty() {
            let Ok(answer) = codec.decode(rest, limit) else {
                assert!(strict.decode(rest, limit).is_err(), "{row}");
                break;
            };
            let Some(decoded) = answer else {
                assert!(matches!(strict.decode(rest, limit), Ok(None) | Err(_)), "{row}");
                break;
            };
            let (packet, after) = rest.split_at(decoded.wire_len);
            if encode(&codec, &decoded.packet.into()) != packet {
                assert!(strict.decode(rest, limit).is_err(), "{row}");
                break;
            }
            assert_eq!(strict.decode(rest, limit), Ok(Some(decoded)), "{row}");
            taken += 1;
            rest = after;
        }
    }
    assert!(taken > 100);
}

#[test]
fn the_packets_of_go_amino_are_written_and_read() {
    for row in vectors("amino_packets") {
        let wire = bytes(&row, "hex");
        let payload = wire[wire.len() - number(&row, "payload_len")..].to_vec();
        let channel = i32::try_from(number(&row, "channel")).unwrap();
        let packet = Owned::Message { channel, end: row["eof"].as_bool().unwrap(), payload };
        assert_eq!(encode(&Amino::new(), &packet), wire, "{row}");
        for mut codec in [Amino::new(), Amino::strict()] {
            let result = read(&mut codec, wire.len(), [&wire[..]]);
            assert_eq!((result.packets, result.error, result.left), (vec![packet.clone()], None, 0), "{row}");
        }
    }
}

#[test]
fn headers_are_those_of_go_amino() {
    for row in vectors("amino_encode_cases") {
        let (mut codec, expected, wire_len) = (Amino::strict(), bytes(&row, "header_hex"), number(&row, "wire_len"));
        match text(&row, "kind") {
            "ping" => assert_eq!(codec.ping(), expected),
            "pong" => assert_eq!(codec.pong(), expected),
            _ => {
                let (channel, end) = (u8::try_from(number(&row, "channel")).unwrap(), row["eof"].as_bool().unwrap());
                let payload_len = number(&row, "payload_len");
                let header = codec.message_header(channel, end, payload_len);
                assert_eq!(header.as_slice(), expected, "{row}");
                assert_eq!(codec.limited_len(channel, end, payload_len), wire_len, "{row}");

                let wire = [&expected[..], &vec![0xa5; payload_len]].concat();
                assert!(codec.decode(&wire, wire_len - 1).is_err(), "{row}");
                let decoded = codec.decode(&wire, wire_len).unwrap().unwrap();
                let Packet::Message(message) = decoded.packet else { panic!("{row}") };
                assert_eq!((message.channel, message.end), (i32::from(channel), end), "{row}");
                assert_eq!((message.payload, decoded.wire_len), (&wire[expected.len()..], wire_len), "{row}");
            }
        }
    }
}

#[test]
fn limits_are_those_of_tendermint() {
    for row in vectors("amino_max_packet_size") {
        let limit = Amino::new().packet_limit(number(&row, "max_packet_msg_payload_size"));
        assert_eq!(limit, number(&row, "max_packet_msg_size"), "{row}");
        assert_eq!(Amino::new().max_wire_len(limit), limit);
    }
}
