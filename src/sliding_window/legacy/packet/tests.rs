use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::super::error::{DecodeRule, Kind};
use super::*;

/// Any packet, with texts and data around the lengths where the form of a length changes.
fn packets() -> impl Strategy<Value = Packet<Vec<u8>>> {
    let bytes = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::sample::select(&[31_usize, 32, 255, 256, 65_535, 65_536][..])
                .prop_map(|length| alloc::vec![7; length]),
        ]
    };
    let integer = || prop_oneof![any::<i64>(), any::<i32>().prop_map(i64::from), any::<i8>().prop_map(i64::from)];
    let time = || (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds));
    let texts = (bytes(), bytes(), bytes(), bytes(), bytes(), bytes());
    (texts, [time(), time(), time()], prop::collection::vec(integer(), 12)).prop_map(|(texts, times, numbers)| Packet {
        from: texts.0,
        dest: texts.1,
        from_nonce: texts.2,
        dest_nonce: texts.3,
        data: texts.4,
        checksum: texts.5,
        arrived_at: times[0],
        data_sent_at: times[1],
        ack_replied_at: times[2],
        sequence: numbers[0],
        sequence_retry: numbers[1],
        ack: numbers[2],
        ack_retry: numbers[3],
        event: TcpEvent::from(numbers[4]),
        available_bytes: numbers[5],
        available_messages: numbers[6],
        rtt_estimate: numbers[7],
        rtt_deviation: numbers[8],
        rtt_samples: numbers[9],
        cumulative_bytes: numbers[10],
        data_offset: numbers[11],
    })
}

fn encode<B: AsRef<[u8]>>(packet: &Packet<B>) -> Bytes {
    let mut wire = BytesMut::new();
    packet.encode(&mut wire).unwrap();
    wire.freeze()
}

/// A packet in which no two entries are alike.
fn distinct() -> Packet<&'static [u8]> {
    Packet {
        from: b"from",
        dest: b"dest",
        from_nonce: b"from nonce",
        dest_nonce: b"dest nonce",
        arrived_at: Timestamp::new(1, 101),
        data_sent_at: Timestamp::new(2, 102),
        sequence: 3,
        sequence_retry: 400,
        ack: 50_000,
        ack_retry: 6_000_000_000,
        ack_replied_at: Timestamp::new(7, 107),
        event: TcpEvent::Data,
        available_bytes: -9,
        available_messages: -1000,
        rtt_estimate: -110_000,
        rtt_deviation: -12_000_000_000,
        rtt_samples: 13,
        cumulative_bytes: 14,
        data: b"data",
        data_offset: 16,
        checksum: b"checksum",
    }
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(packet in packets(), rest in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut wire = encode(&packet).to_vec();
        prop_assert_eq!(wire.len(), packet.encoded_len());
        wire.extend_from_slice(&rest);
        let (lent, left) = Packet::decode(&wire).unwrap();
        prop_assert_eq!((lent.map(<[u8]>::to_vec), left), (packet.clone(), &rest[..]));
        let wire = Bytes::from(wire);
        let (owned, left) = Packet::decode_bytes(&wire).unwrap();
        prop_assert_eq!((owned, left), (packet.map(Bytes::from), Bytes::from(rest)));
    }

    #[test]
    fn entries_may_stand_in_any_order(packet in packets(), order in Just((0..21_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let fields = packet.fields();
        let shuffled: [_; 21] = core::array::from_fn(|place| fields[order[place]]);
        let mut wire = BytesMut::new();
        fields::put(&shuffled, &mut wire);
        let (decoded, _) = Packet::decode(&wire).unwrap();
        prop_assert_eq!(encode(&decoded), encode(&packet));
    }

    #[test]
    fn no_bytes_panic_and_what_is_taken_is_a_packet(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..4_u8) {
        let wire = [&[0x80 | count][..], &bytes].concat();
        if let Ok((packet, rest)) = Packet::decode(&wire) {
            prop_assert!(wire.ends_with(rest));
            let again = encode(&packet);
            prop_assert_eq!(Packet::decode(&again), Ok((packet, &[][..])));
        }
    }

    #[test]
    fn damage_never_panics(place in 0..400_usize, byte: u8) {
        let mut wire = encode(&distinct()).to_vec();
        let place = place % wire.len();
        wire[place] = byte;
        let _taken_or_not = Packet::decode(&wire);
    }
}

#[test]
fn every_entry_is_written_and_read_in_its_own_place() {
    let wire = encode(&distinct());
    assert_eq!(Packet::decode(&wire), Ok((distinct(), &[][..])));
    assert_eq!(distinct().encoded_len(), wire.len());
    // Without an entry, its value alone is missing.
    let packet = distinct();
    for (missing, (key, _)) in packet.fields().iter().enumerate() {
        let mut renamed = packet.fields();
        renamed[missing].0 = "Unknown";
        let mut wire = BytesMut::new();
        fields::put(&renamed, &mut wire);
        let (decoded, _) = Packet::decode(&wire).unwrap();
        let differences: Vec<_> = decoded
            .fields()
            .iter()
            .zip(Packet::<&[u8]>::default().fields())
            .zip(packet.fields())
            .filter(|((decoded, zero), _)| encoded(decoded) == encoded(zero))
            .map(|(_, (key, _))| key)
            .collect();
        assert_eq!(differences, [*key]);
    }
}

/// An entry on the wire.
fn encoded(field: &fields::Field<'_>) -> Vec<u8> {
    let mut wire = BytesMut::new();
    fields::put_field(field, &mut wire);
    wire.to_vec()
}

#[test]
fn truncation_is_an_error_everywhere() {
    let wire = encode(&distinct());
    for length in 0..wire.len() {
        assert_eq!(Packet::decode(&wire[..length]).unwrap_err().rule, DecodeRule::Truncated, "{length}");
        assert_eq!(Packet::decode_bytes(&wire.slice(..length)).unwrap_err().rule, DecodeRule::Truncated);
    }
}

#[test]
fn a_wrong_kind_is_an_error_for_every_entry() {
    let packet = distinct();
    for (key, value) in packet.fields() {
        let expected = match value {
            fields::Value::Text(_) => Kind::String,
            fields::Value::Time(_) => Kind::Extension,
            fields::Value::Integer(_) => Kind::Integer,
            fields::Value::Binary(_) => Kind::Binary,
        };
        let length = u8::try_from(key.len()).unwrap();
        let wire = [&[0x81, 0xa0 | length], key.as_bytes(), &[0xc0]].concat();
        let error = Packet::decode(&wire).unwrap_err();
        assert_eq!(error.rule, DecodeRule::WrongKind { expected, found: Kind::Nil });
        assert_eq!(error.offset, wire.len() - 1);
    }
}

#[test]
fn the_last_of_two_entries_holds() {
    let (packet, _) = Packet::decode(b"\x83\xa4From\xa1A\xa6SeqNum\x01\xa4From\xa1B").unwrap();
    assert_eq!((packet.from, packet.sequence), (&b"B"[..], 1));
}

#[test]
fn keys_differ_by_every_letter() {
    for key in [&b"from"[..], b"Fro", b"Fromm", b"FromRttm"] {
        let length = u8::try_from(key.len()).unwrap();
        let wire = [&[0x81, 0xa0 | length], key, &[0xc0]].concat();
        assert_eq!(Packet::decode(&wire), Ok((Packet::default(), &[][..])), "{key:?} is unknown");
    }
}

/// The original panics on it: one such message ends the process.
#[test]
fn an_empty_key_is_an_error() {
    for wire in [&b"\x81\xa0\x01"[..], b"\x81\xd9\0\x01", b"\x81\xda\0\0\x01", b"\x81\xdb\0\0\0\0\x01"] {
        assert_eq!(Packet::decode(wire).unwrap_err().rule, DecodeRule::EmptyKey);
    }
}

#[test]
fn the_parts_of_decoded_bytes_are_shared() {
    let wire = encode(&distinct());
    let (packet, _) = Packet::decode_bytes(&wire).unwrap();
    let inside = wire.as_ptr_range();
    for part in [&packet.from, &packet.data, &packet.checksum, &packet.dest_nonce] {
        assert!(inside.contains(&part.as_ptr()));
    }
}

#[cfg(feature = "legacy")]
#[test]
fn the_checksum_covers_the_data_alone() {
    let mut packet = distinct();
    assert!(!packet.checksum_matches());
    let checksum = packet.expected_checksum().unwrap();
    assert_eq!(checksum, super::super::checksum(b"data"));
    packet.checksum = &checksum;
    assert!(packet.checksum_matches());
    packet.sequence += 1;
    assert!(packet.checksum_matches(), "the original protects no header");
    packet.data = b"Data";
    assert!(!packet.checksum_matches());
    packet.data = b"";
    assert!(packet.checksum_matches(), "without data the original takes any checksum");
    assert_eq!(packet.expected_checksum(), None);
}
