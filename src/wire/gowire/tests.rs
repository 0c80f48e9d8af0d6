use super::*;
use std::vec;
use std::vec::Vec;

/// A message packet whose payload, of `payload_len` bytes, is announced by `length`.
fn message(end: u8, length: &[u8], payload_len: usize) -> Vec<u8> {
    [&[0x03, 0x01, end], length, &vec![0x5a; payload_len]].concat()
}

fn wire_len(codec: &mut GoWire, bytes: &[u8], limit: usize) -> Result<Option<usize>, DecodeError> {
    codec.decode(bytes, limit).map(|decoded| decoded.map(|decoded| decoded.wire_len))
}

fn error(rule: DecodeRule, offset: usize) -> Result<Option<usize>, DecodeError> {
    Err(DecodeError::new(rule, offset))
}

#[test]
fn errors_say_where() {
    let decode = |bytes: &[u8]| wire_len(&mut GoWire::new(), bytes, 1034);
    assert_eq!(decode(&[0x00]), error(DecodeRule::UnknownType { packet_type: 0 }, 0));
    assert_eq!(decode(&[0x47, 0x45]), error(DecodeRule::UnknownType { packet_type: 0x47 }, 0));
    assert_eq!(decode(&message(1, &[0x09], 0)), error(DecodeRule::VarintOverflow, 3));
    assert_eq!(decode(&message(1, &[0xf0], 0)), error(DecodeRule::NegativeZero, 3));
    assert_eq!(decode(&message(1, &[0xf1, 0x01], 0)), error(DecodeRule::NegativeLength, 3));
    let too_large = DecodeRule::TooLarge { length: 1035, limit: 1034 };
    assert_eq!(decode(&message(1, &[0x02, 0x04, 0x06], 0)), error(too_large, 3));
    let largest = [0x08, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let too_large = DecodeRule::TooLarge { length: (1 << 63) + 10, limit: 1034 };
    assert_eq!(decode(&message(1, &largest, 0)), error(too_large, 3));
}

#[test]
fn strict_errors_say_where() {
    for (packet, rule, offset) in [
        (message(2, &[0x00], 0), DecodeRule::UnusualValue { field: 2, value: 2 }, 2),
        (message(0xff, &[0x01, 0x01], 1), DecodeRule::UnusualValue { field: 2, value: 255 }, 2),
        (message(1, &[0x01, 0x00], 0), DecodeRule::NotMinimal, 3),
        (message(1, &[0x02, 0x00, 0x05], 5), DecodeRule::NotMinimal, 3),
        (message(1, &[0xf1, 0x00], 0), DecodeRule::NotMinimal, 3),
        (message(1, &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1), DecodeRule::NotMinimal, 3),
        (message(0, &[0x08, 0, 0, 0, 0, 0, 0, 0, 1], 1), DecodeRule::NotMinimal, 3),
    ] {
        assert_eq!(wire_len(&mut GoWire::strict(), &packet, 1034), error(rule, offset), "{packet:02x?}");
        assert_eq!(wire_len(&mut GoWire::new(), &packet, 1034), Ok(Some(packet.len())), "{packet:02x?}");
    }
    for packet in [message(0, &[0x00], 0), message(1, &[0x01, 0x05], 5), message(1, &[0x02, 0x01, 0x00], 256)] {
        assert_eq!(wire_len(&mut GoWire::strict(), &packet, 1034), Ok(Some(packet.len())), "{packet:02x?}");
    }
    let eight = message(1, &[0x08, 1, 0, 0, 0, 0, 0, 0, 0], 0);
    let too_large = DecodeRule::TooLarge { length: (1 << 56) + 11, limit: 1034 };
    assert_eq!(
        wire_len(&mut GoWire::strict(), &eight, 1034),
        error(too_large, 3),
        "eight bytes can be the shortest form"
    );
}

/// Errors come with the byte that makes them, and not before.
#[test]
fn nothing_is_said_of_a_start() {
    let mut codec = GoWire::new();
    for start in [&[][..], &[3], &[3, 1], &[3, 1, 1], &[3, 1, 1, 2], &[3, 1, 1, 2, 4], &[3, 1, 1, 2, 4, 5]] {
        assert_eq!(codec.decode(start, 1034), Ok(None), "{start:02x?}");
    }
    assert!(codec.decode(&[3, 1, 1, 2, 4, 6], 1034).is_err(), "before anything of the payload is there");
    assert_eq!(GoWire::strict().decode(&[3, 1], 1034), Ok(None));
    assert!(GoWire::strict().decode(&[3, 1, 2], 1034).is_err());
}

#[test]
fn the_limit_counts_the_struct() {
    let codec = GoWire::default();
    assert_eq!(codec.limited_len(0, false, 0), 3);
    assert_eq!(codec.limited_len(200, true, 255), 259);
    assert_eq!(codec.limited_len(200, true, 256), 261);
    assert_eq!(codec.limited_len(1, true, 1029), 1034);
    assert_eq!(codec.limited_len(1, true, usize::MAX), usize::MAX);
    assert_eq!(codec.max_wire_len(1034), 1035);
    assert_eq!(codec.max_wire_len(usize::MAX), usize::MAX);
    for (length, payload_len) in [(&[0x02, 0x04, 0x05][..], 1029), (&[0x08, 0, 0, 0, 0, 0, 0, 3, 0xff], 1023)] {
        let packet = message(1, length, payload_len);
        assert_eq!(packet.len(), codec.max_wire_len(1034));
        assert_eq!(wire_len(&mut GoWire::new(), &packet, 1034), Ok(Some(1035)));
        assert!(wire_len(&mut GoWire::new(), &packet, 1033).is_err());
    }
}

#[test]
fn a_payload_over_the_largest_is_taken_as_that() {
    let codec = GoWire::new();
    let longest = codec.message_header(1, true, MAX_PAYLOAD);
    assert_eq!(longest.as_slice(), [0x03, 0x01, 0x01, 0x03, 0x10, 0x00, 0x00]);
    assert_eq!(codec.message_header(1, true, MAX_PAYLOAD + 1), longest);
}
