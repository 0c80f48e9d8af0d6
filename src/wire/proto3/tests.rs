use super::*;
use crate::wire::varint::meter;
use std::vec;
use std::vec::Vec;

/// The default limit of a receiver.
const LIMIT: usize = 1034;

/// `hex`, spaces left out.
fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

fn loose(hex: &str) -> Result<Option<usize>, DecodeError> {
    Proto3::new().decode(&bytes(hex), LIMIT).map(|decoded| decoded.map(|decoded| decoded.wire_len))
}

fn strict(hex: &str) -> Result<Option<usize>, DecodeError> {
    Proto3::strict().decode(&bytes(hex), LIMIT).map(|decoded| decoded.map(|decoded| decoded.wire_len))
}

fn error(rule: DecodeRule, offset: usize) -> Result<Option<usize>, DecodeError> {
    Err(DecodeError::new(rule, offset))
}

#[test]
fn errors_say_where() {
    use DecodeRule::*;
    for (hex, rule, offset) in [
        ("00", EmptyPacket, 1),
        ("02 20 00", EmptyPacket, 1),
        ("8000", EmptyPacket, 2),
        ("8b 08", TooLarge { length: 1035, limit: 1034 }, 0),
        ("02 0b 0c", WrongWireType { field: 1, wire_type: 3 }, 1),
        ("02 10 00", WrongWireType { field: 2, wire_type: 0 }, 1),
        ("02 18 00", WrongWireType { field: 3, wire_type: 0 }, 1),
        ("04 1a 02 0a 00", WrongWireType { field: 1, wire_type: 2 }, 3),
        ("04 1a 02 12 00", WrongWireType { field: 2, wire_type: 2 }, 3),
        ("04 1a 02 18 00", WrongWireType { field: 3, wire_type: 0 }, 3),
        ("03 0a 00 00", IllegalTag { number: 0 }, 3),
        ("03 0a 01 0c", EndGroup, 3),
        ("05 0a 03 08 01 26", IllegalWireType { wire_type: 6 }, 5),
        ("06 1a 04 08 05 10 81", Truncated, 6),
        ("04 1a 05 08 05", Truncated, 2),
        ("06 1a 04 08 05 1a 01", Truncated, 6),
    ] {
        assert_eq!(loose(hex), error(rule, offset), "{hex}");
    }
}

#[test]
fn strict_errors_say_where() {
    use DecodeRule::*;
    for (hex, rule, offset) in [
        ("82 00 0a 00", NotMinimal, 0),
        ("03 8a 00 00", NotMinimal, 1),
        ("03 0a 80 00", NotMinimal, 2),
        ("04 0a 00 12 00", RepeatedField { field: 2 }, 3),
        ("04 0a 00 0a 00", RepeatedField { field: 1 }, 3),
        ("04 0a 00 20 00", RepeatedField { field: 4 }, 3),
        ("04 20 00 0a 00", UnknownField { field: 4 }, 1),
        ("04 0a 02 08 01", UnknownField { field: 1 }, 3),
        ("04 12 02 08 01", UnknownField { field: 1 }, 3),
        ("06 1a 04 08 05 23 24", UnknownField { field: 4 }, 5),
        ("06 1a 04 08 05 08 06", RepeatedField { field: 1 }, 5),
        ("06 1a 04 10 01 08 06", RepeatedField { field: 1 }, 5),
        ("09 1a 07 1a 01 aa 1a 02 bb cc", RepeatedField { field: 3 }, 6),
        ("04 1a 02 08 00", DefaultWritten { field: 1 }, 3),
        ("04 1a 02 10 00", DefaultWritten { field: 2 }, 3),
        ("04 1a 02 1a 00", DefaultWritten { field: 3 }, 3),
        ("04 1a 02 10 02", UnusualValue { field: 2, value: 2 }, 3),
        ("05 1a 03 08 80 02", UnusualValue { field: 1, value: 256 }, 3),
    ] {
        assert_eq!(strict(hex), error(rule, offset), "{hex}");
        assert_eq!(loose(hex), Ok(Some(bytes(hex).len())), "{hex}");
    }
}

#[test]
fn strict_takes_what_is_written() {
    for hex in [
        "02 0a 00",
        "02 12 00",
        "02 1a 00",
        "04 1a 02 08 01",
        "04 1a 02 10 01",
        "05 1a 03 08 ff 01",
        "09 1a 07 08 01 10 01 1a 01 aa",
    ] {
        assert_eq!(strict(hex), Ok(Some(bytes(hex).len())), "{hex}");
    }
}

#[test]
fn the_limit_is_on_the_packet_without_its_prefix_and_seen_before_its_body() {
    let mut codec = Proto3::new();
    assert_eq!(codec.decode(&bytes("8a08"), LIMIT), Ok(None));
    assert_eq!(codec.decode(&bytes("82 00 0a 00"), 2).unwrap().unwrap().wire_len, 4);
    let too_large = DecodeRule::TooLarge { length: 2, limit: 1 };
    assert_eq!(codec.decode(&bytes("02"), 1), Err(DecodeError::new(too_large, 0)));
}

#[test]
fn prefixes_out_of_range() {
    let decode = |prefix: &[u8]| Proto3::new().decode(prefix, usize::MAX).map(drop);
    let in_range = |low: u8| [&[low], &[0xff; 7][..], &[0x7f]].concat();
    let error = |length| Err(DecodeError::new(DecodeRule::LengthOutOfRange { length }, 0));
    // 2^63 - 1 less the nine bytes of the prefix.
    assert_eq!(decode(&in_range(0xf6)), Ok(()));
    assert_eq!(decode(&in_range(0xf7)), error((1 << 63) - 9));
    assert_eq!(decode(&in_range(0xff)), error((1 << 63) - 1));
    let overflow = DecodeError::new(DecodeRule::PrefixOverflow, 0);
    assert_eq!(decode(&[0xff; 9]), Ok(()));
    assert_eq!(decode(&[0xff; 10]), Err(overflow));
    assert_eq!(decode(&[&[0xff; 9], &[0x01][..]].concat()), error(u64::MAX));
}

#[test]
fn limits_of_sizes_that_no_packet_has() {
    let codec = Proto3::default();
    assert_eq!(codec.packet_limit(usize::MAX), usize::MAX);
    assert_eq!(codec.max_wire_len(1034), 1044);
    assert_eq!(codec.max_wire_len(usize::MAX), usize::MAX);
    assert_eq!(codec.limited_len(0, false, 0), 2);
    assert_eq!(codec.limited_len(0x7f, false, 0), 4);
    assert_eq!(codec.limited_len(0x80, true, 0), 7);
    assert_eq!(codec.limited_len(0x80, true, 1024), 1035);
    let longest = codec.message_header(1, true, MAX_PAYLOAD);
    assert_eq!(codec.message_header(1, true, MAX_PAYLOAD + 1), longest, "taken as the longest");
}

/// A packet that is not canonical is learnt by its header as well, and one whose payload is not its end is not.
#[test]
fn packets_are_predicted_only_if_the_payload_is_last() {
    let payload = "1a0c 000102030405060708090a0b";
    for (fields, behind, learnt) in [
        (["1001 0805", payload], "", true),
        ([payload, "1001 0805"], "", false),
        (["0805", payload], "2200", false),
        (["2200", payload], "", true),
        (["0805 1a01ff", payload], "", true),
        // The header has 16 bytes, and 17.
        (["0805 1001 0805 1000 228000", payload], "", true),
        (["0805 1001 0805 1000 22808000", payload], "", false),
        // Nothing is behind an empty payload, or a field.
        (["0805 1001 08858000 2200", ""], "", true),
        (["0805 1001 1a00 2200 2200", ""], "", false),
    ] {
        let fields = bytes(&fields.concat());
        let message = [&[0x1a, fields.len() as u8], &fields[..], &bytes(behind)].concat();
        let packet = [&[message.len() as u8], &message[..], &[0xee; 16]].concat();
        let mut codec = Proto3::new();
        let decoded = codec.decode(&packet, LIMIT).unwrap();
        assert_eq!(decoded.unwrap().wire_len, message.len() + 1);
        let recalled = codec.predictions.recall(&packet, LIMIT);
        assert_eq!(recalled, decoded.filter(|_| learnt), "{}", hex::encode(&packet));
        assert_eq!(codec.decode(&packet, LIMIT), Ok(decoded));
        assert_eq!(codec.predictions.recall(&packet, message.len() - 1), None, "over the limit");
    }
}

/// Canonical packets are learnt without being parsed: nothing is read number by number.
#[test]
fn canonical_packets_are_not_parsed() {
    let mut codec = Proto3::new();
    for channel in [1, 2] {
        let header = codec.message_header(channel, true, 100);
        let packet = [header.as_slice(), &[0; 100]].concat();
        meter::take();
        let decoded = codec.decode(&packet, LIMIT).unwrap();
        assert_eq!(meter::take(), 0);
        assert_eq!(codec.predictions.recall(&packet, LIMIT), decoded);
        assert!(decoded.is_some());
    }
}

/// 1 MB of packets byte by byte: each call looks at the prefix only, until the packet is there.
#[test]
fn the_work_on_an_incomplete_packet_is_bounded() {
    let mut codec = Proto3::new();
    let payload_lens = [0, 1, 50, 100, 125, 500, 1000, 1024];
    let stream: Vec<u8> = (0..)
        .flat_map(|index: usize| {
            let payload_len = payload_lens[index % payload_lens.len()];
            let header = codec.message_header(index as u8, false, payload_len);
            // Every third prefix is padded.
            let mut packet = header.as_slice().to_vec();
            if index.is_multiple_of(3) {
                let last = if packet[0] < 0x80 { 0 } else { 1 };
                packet[last] |= 0x80;
                packet.splice(last + 1..=last, [0x80, 0x80, 0x00]);
            }
            [packet, vec![0; payload_len]].concat()
        })
        .take(1_000_000)
        .collect();
    let (mut start, mut packets) = (0, 0);
    meter::take();
    for end in 1..=stream.len() {
        let decoded = codec.decode(&stream[start..end], LIMIT).unwrap();
        let looked_at = meter::take();
        match decoded {
            None => assert!(looked_at <= 5, "{looked_at} bytes of an incomplete packet"),
            Some(decoded) => {
                assert!(looked_at <= 16, "{looked_at} bytes of a header");
                start += decoded.wire_len;
                packets += 1;
            }
        }
    }
    assert!(packets > 2000, "{packets}");
}
