//! The codecs against what the Go programs wrote and what they made of what they were given (`tests/vectors/`).

mod support;

use mconn::wire::{Codec, DecodeRule, GoWire, Proto3};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{Owned, Read, Receiver, Refusal, bytes, encode, number, read, text, vectors};

/// The packet that a row of `*_packets` describes. The payload is found at the end of its bytes.
fn described(row: &Value, wire: &[u8]) -> Owned {
    match text(row, "kind") {
        "ping" => Owned::Ping,
        "pong" => Owned::Pong,
        _ => {
            let payload = wire[wire.len() - number(row, "payload_len")..].to_vec();
            let channel = i32::try_from(number(row, "channel")).unwrap();
            for (index, &byte) in payload.iter().enumerate() {
                assert_eq!(usize::from(byte), (31 * index + number(row, "channel")) % 256, "the pattern of the data");
            }
            Owned::Message { channel, end: row["eof"].as_bool().unwrap(), payload }
        }
    }
}

/// Every row of `*_packets` is what is written, and is read as what it describes.
fn packets<C: Codec>(name: &str, codecs: [C; 2], limited_len: impl Fn(&Value) -> usize) {
    for row in vectors(name) {
        for mut codec in codecs.clone() {
            let wire = bytes(&row, "hex");
            let packet = described(&row, &wire);
            assert_eq!(encode(&codec, &packet), wire, "{row}");
            let expected = Read { packets: vec![packet.clone()], ..Read::default() };
            if let Owned::Message { channel, end, payload } = packet {
                let limit = limited_len(&row);
                assert_eq!(codec.limited_len(u8::try_from(channel).unwrap(), end, payload.len()), limit, "{row}");
                assert_eq!(number(&row, "wire_len"), wire.len());
                assert!(codec.max_wire_len(limit) >= wire.len());
                assert_eq!(read(&mut codec, limit, [&wire[..]]), expected, "{row}");
                assert!(read(&mut codec, limit - 1, [&wire[..]]).error.is_some(), "{row}");
            } else {
                assert_eq!(read(&mut codec, 1034, [&wire[..]]), expected, "{row}");
            }
        }
    }
}

#[test]
fn proto3_packets() {
    packets("proto_packets", [Proto3::new(), Proto3::strict()], |row| number(row, "packet_len"));
}

#[test]
fn gowire_packets() {
    packets("gowire_packets", [GoWire::new(), GoWire::strict()], |row| number(row, "wire_len") - 1);
}

#[test]
fn proto3_packet_limits() {
    for row in vectors("proto_max_packet_size") {
        let payload_size = number(&row, "max_packet_msg_payload_size");
        assert_eq!(Proto3::new().packet_limit(payload_size), number(&row, "max_packet_msg_size"), "{row}");
    }
}

#[test]
fn gowire_packet_limits() {
    // `maxMsgPacketTotalSize` is the payload size plus 10.
    assert_eq!(GoWire::new().packet_limit(1024), 1034);
    assert_eq!(GoWire::new().packet_limit(0), 10);
    assert_eq!(GoWire::new().packet_limit(usize::MAX), usize::MAX);
}

/// The class under which the data name a broken rule of today's wire.
fn proto3_class(rule: DecodeRule) -> &'static str {
    match rule {
        DecodeRule::PrefixOverflow => "prefix_varint_overflow",
        DecodeRule::LengthOutOfRange { .. } => "length_out_of_range",
        DecodeRule::TooLarge { .. } => "too_large",
        DecodeRule::EmptyPacket => "empty_packet",
        DecodeRule::Truncated => "unexpected_eof",
        DecodeRule::VarintOverflow => "inner_varint_overflow",
        DecodeRule::NegativeLength => "negative_length",
        DecodeRule::IllegalTag { .. } => "illegal_tag",
        DecodeRule::WrongWireType { .. } => "wrong_wire_type",
        DecodeRule::IllegalWireType { .. } => "illegal_wire_type",
        DecodeRule::EndGroup => "end_group",
        other => panic!("not a rule of this wire: {other:?}"),
    }
}

/// The class under which the data name a broken rule of the oldest wire.
fn gowire_class(rule: DecodeRule) -> &'static str {
    match rule {
        DecodeRule::TooLarge { .. } => "overflow",
        DecodeRule::VarintOverflow => "varint_overflow",
        DecodeRule::NegativeLength => "invalid_length",
        DecodeRule::NegativeZero => "negative_zero",
        DecodeRule::UnknownType { .. } => "unknown_type",
        other => panic!("not a rule of this wire: {other:?}"),
    }
}

/// An era as the decode cases see it.
struct Era<C> {
    codec: C,
    class: fn(DecodeRule) -> &'static str,
    too_large: &'static str,
}

impl<C: Codec> Era<C> {
    /// What a connection makes of the bytes that `codec` read: the verdict as the data write it, messages and pings.
    fn judge(&self, read: &Read) -> (String, Receiver) {
        let mut receiver = Receiver::of_decode_cases();
        for packet in &read.packets {
            match receiver.take(packet) {
                Ok(()) => {}
                Err(Refusal::UnknownChannel) => return ("error:unknown_channel".into(), receiver),
                Err(Refusal::MessageTooLarge) => return (format!("error:{}", self.too_large), receiver),
            }
        }
        let verdict = match read.error {
            Some(error) => format!("error:{}", (self.class)(error.rule)),
            None if read.left == 0 => "ok".into(),
            None => "incomplete".into(),
        };
        (verdict, receiver)
    }

    /// Checks all rows of a file of decode cases, each also cut in two at every place.
    fn decode_cases(&self, name: &str) {
        let sentinel = Owned::Message { channel: 0x55, end: true, payload: b"sentinel".to_vec() };
        let sentinel = encode(&self.codec, &sentinel);
        for row in vectors(name) {
            let input = bytes(&row, "hex");
            let whole = read(&mut self.codec.clone(), 1034, [&input[..]]);
            for cut in 0..=input.len() {
                let (head, tail) = input.split_at(cut);
                assert_eq!(read(&mut self.codec.clone(), 1034, [head, tail]), whole, "cut at {cut}: {row}");
            }
            let (verdict, receiver) = self.judge(&whole);
            assert_eq!(verdict, text(&row, "verdict"), "{row}");
            same_messages(&receiver.messages, &row);
            // An error right behind a ping ends the Go connection before its pong is written.
            let answers = receiver.pings > 0 && whole.error.is_none();
            assert_eq!(answers, !text(&row, "replies_hex").is_empty(), "{row}");
            self.then_sentinel(&row, &[input, sentinel.clone()].concat(), receiver.messages.len());
        }
    }

    /// Checks what becomes of a row's input when a message follows it.
    fn then_sentinel(&self, row: &Value, input: &[u8], messages_before: usize) {
        let (verdict, receiver) = self.judge(&read(&mut self.codec.clone(), 1034, [input]));
        let expected = match &row["then_sentinel"] {
            then if then["state"] == "ok" => "ok".into(),
            then if then["state"] == "waiting" => "incomplete".into(),
            then => format!("error:{}", text(then, "class")),
        };
        assert_eq!(verdict, expected, "then a sentinel: {row}");
        if expected == "ok" {
            let (channel, message) = receiver.messages.last().unwrap();
            assert!((*channel, &message[..]) == (0x55, b"sentinel"), "{row}");
            assert_eq!(receiver.messages.len(), messages_before + 1, "{row}");
        }
    }
}

/// Checks that the messages are those of the row.
fn same_messages(messages: &[(i32, Vec<u8>)], row: &Value) {
    let expected = row["messages"].as_array().unwrap();
    assert_eq!(messages.len(), expected.len(), "{row}");
    for ((channel, message), expected) in messages.iter().zip(expected) {
        assert_eq!(i64::from(*channel), expected["ch"].as_i64().unwrap(), "{row}");
        assert_eq!(message.len(), number(expected, "len"), "{row}");
        match expected["hex"].as_str() {
            Some(hex) => assert_eq!(hex::encode(message), hex, "{row}"),
            None => assert_eq!(hex::encode(Sha256::digest(message)), text(expected, "sha256"), "{row}"),
        }
    }
}

#[test]
fn proto3_decode_cases() {
    Era { codec: Proto3::new(), class: proto3_class, too_large: "message_too_large" }
        .decode_cases("proto_decode_cases");
}

#[test]
fn gowire_decode_cases() {
    Era { codec: GoWire::new(), class: gowire_class, too_large: "overflow" }.decode_cases("gowire_decode_cases");
}

/// `body` as a packet, the length in front.
fn with_prefix(body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut length = body.len();
    while length >= 0x80 {
        wire.push(length as u8 | 0x80);
        length >>= 7;
    }
    wire.push(length as u8);
    [wire, body.to_vec()].concat()
}

/// Every row of the mutations: the same content or the same class of error; and strict takes exactly those that are
/// written so.
#[test]
fn proto3_mutations() {
    for row in vectors("proto_mutations") {
        let wire = with_prefix(&bytes(&row, "hex"));
        let whole = read(&mut Proto3::new(), 2000, [&wire[..]]);
        let expected = match text(&row, "r") {
            "ping" => Ok(Owned::Ping),
            "pong" => Ok(Owned::Pong),
            "msg" => Ok(Owned::Message {
                channel: i32::try_from(row["ch"].as_i64().unwrap()).unwrap(),
                end: row["eof"].as_bool().unwrap(),
                payload: bytes(&row, "data"),
            }),
            "none" => Err("error:empty_packet".to_owned()),
            error => Err(error.to_owned()),
        };
        let strict = read(&mut Proto3::strict(), 2000, [&wire[..]]);
        match expected {
            Ok(packet) => {
                assert_eq!(whole, Read { packets: vec![packet.clone()], ..Read::default() }, "{row}");
                let sendable = !matches!(packet, Owned::Message { channel, .. } if !(0..=255).contains(&channel));
                let canonical = sendable && encode(&Proto3::new(), &packet) == wire;
                assert_eq!(strict.error.is_none(), canonical, "{row}: {strict:?}");
                assert!(!canonical || strict == whole, "{row}: {strict:?}");
            }
            Err(class) => {
                assert_eq!(whole.packets, [], "{row}");
                let error = whole.error.unwrap();
                assert_eq!(format!("error:{}", proto3_class(error.rule)), class, "{row}");
                assert!(error.offset <= wire.len(), "{row}");
                assert!(strict.error.is_some(), "{row}");
            }
        }
    }
}
