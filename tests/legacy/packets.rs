//! Packets to bytes and back, and what the original's decoder makes of odd bytes.

use bytes::{Bytes, BytesMut};
use mconn::sliding_window::legacy::{DecodeRule, Kind, Packet, SynAckAck, TcpEvent};

use super::support::{bytes, number, text};
use super::{check_encoding, integer, packet, rows};

#[test]
fn every_packet_is_written_and_read_as_the_original_does() {
    for row in rows("packet", 48) {
        let packet = if row["fields"].is_object() {
            packet(&row["fields"])
        } else {
            assert!(text(&row, "note").starts_with("From is n chars"));
            Packet { from: (b'a'..=b'z').cycle().take(number(&row, "n")).collect(), ..Packet::default() }
        };
        let mut wire = BytesMut::new();
        packet.encode(&mut wire).unwrap();
        check_encoding(&row, &wire);
        assert_eq!(packet.encoded_len(), wire.len());
        let (decoded, rest) = Packet::decode(&wire).unwrap();
        assert_eq!((decoded.map(<[u8]>::to_vec), rest.len()), (packet, 0), "{row}");
    }
}

/// What the original says of the rule.
fn message(rule: DecodeRule) -> String {
    let name = |kind| match kind {
        Kind::Integer => "int",
        Kind::Unsigned => "uint",
        Kind::Float => "float64",
        Kind::String => "str",
        Kind::Binary => "bin",
        Kind::Array => "array",
        Kind::Map => "map",
        other => panic!("not in the data: {other}"),
    };
    match rule {
        DecodeRule::Truncated => "msgp: too few bytes left to read object".into(),
        DecodeRule::NotATime => "msgp: error decoding extension: wanted type 5; got type 6".into(),
        DecodeRule::WrongKind { expected, found } => {
            format!("msgp: attempted to decode type {:?} with method for {:?}", name(found), name(expected))
        }
        other => panic!("not in the data: {other}"),
    }
}

#[test]
fn the_decoder_takes_and_refuses_what_the_original_does() {
    let mut refused = 0;
    for row in rows("packet_decode", 16) {
        let wire = Bytes::from(bytes(&row, "hex"));
        let (lent, shared) = (Packet::decode(&wire), Packet::decode_bytes(&wire));
        if let Some(error) = row["error"].as_str() {
            let rule = lent.unwrap_err().rule;
            assert_eq!(shared.unwrap_err().rule, rule);
            refused += 1;
            if text(&row, "name") == "key-as-bin" {
                // Go means to take such a key, looks for it in the wrong place, and finds nothing there.
                assert_eq!(rule, DecodeRule::WrongKind { expected: Kind::String, found: Kind::Binary });
            } else {
                assert_eq!(message(rule), error, "{row}");
            }
        } else {
            let expected = packet(&row["fields"]);
            let (lent, rest) = lent.unwrap();
            assert_eq!((lent.map(<[u8]>::to_vec), rest.len()), (expected.clone(), number(&row, "left")), "{row}");
            assert_eq!(shared.unwrap(), (expected.map(Bytes::from), Bytes::copy_from_slice(rest)));
        }
    }
    assert_eq!(refused, 10);
}

#[test]
fn the_data_of_the_handshake_are_written_and_read_as_the_original_does() {
    for row in rows("synackack", 3) {
        let value = SynAckAck {
            event: TcpEvent::from(integer(&row, "TcpEvent")),
            session_nonce: Bytes::copy_from_slice(text(&row, "SessionNonce").as_bytes()),
            next_expected: integer(&row, "NextExpected"),
            nack_list: row["NackList"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|number| number.as_i64().unwrap())
                .collect(),
        };
        let mut wire = BytesMut::new();
        value.encode(&mut wire).unwrap();
        assert_eq!(wire, bytes(&row, "hex"), "{row}");
        assert_eq!(SynAckAck::decode_bytes(&wire.freeze()), Ok((value, Bytes::new())));
    }
}
