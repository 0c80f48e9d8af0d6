//! What holds for every codec, whatever the bytes.

mod support;

use mconn::wire::{Amino, AnyCodec, Codec, DecodeError, Decoded, GoWire, MAX_PAYLOAD, Packet, Proto3};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Owned, Read, encode, read};

/// The limit of all streams here.
const LIMIT: usize = 200;

/// Lengths of payloads: most of them short, some over the limit.
fn payload_len() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..20_usize, 2 => 100..140_usize, 1 => 180..210_usize]
}

/// A packet as an encoder writes it.
fn written(codec: impl Codec + 'static) -> impl Strategy<Value = Vec<u8>> {
    let channel = prop_oneof![Just(0_u8), Just(1), Just(0x7f), Just(0x80), any::<u8>()];
    prop_oneof![
        1 => Just(codec.ping().to_vec()),
        1 => Just(codec.pong().to_vec()),
        8 => (channel, any::<bool>(), payload_len(), any::<u8>()).prop_map(move |(channel, end, len, fill)| {
            [codec.message_header(channel, end, len).as_slice(), &vec![fill; len]].concat()
        }),
    ]
}

/// LEB128 with `padding` bytes more than needed.
fn leb128(mut value: u64, padding: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
        if value == 0 {
            break;
        }
    }
    bytes.extend(vec![0x80; padding]);
    *bytes.last_mut().unwrap() &= 0x7f;
    bytes
}

/// How many bytes a number has more than it needs: seldom any.
fn padding() -> impl Strategy<Value = usize> {
    prop_oneof![9 => Just(0_usize), 1 => 0..4_usize]
}

/// A field with a number: its tag, its value.
fn number_field(number: u64) -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![Just(0_u64), Just(1), 0..300_u64, any::<u64>()];
    (value, padding(), padding()).prop_map(move |(value, tag_padding, value_padding)| {
        [leb128(number << 3, tag_padding), leb128(value, value_padding)].concat()
    })
}

/// A field with the bytes `content`.
fn bytes_field(number: u64, content: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (content, padding(), padding()).prop_map(move |(content, tag_padding, len_padding)| {
        [leb128(number << 3 | 2, tag_padding), leb128(content.len() as u64, len_padding), content].concat()
    })
}

/// A field that is not known, or a group.
fn unknown_field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        number_field(4),
        bytes_field(5, vec(any::<u8>(), 0..4)),
        Just(vec![0x23, 0x08, 0x01, 0x24]),
        Just(vec![0x25, 1, 2, 3, 4]),
        Just(vec![0x21, 1, 2, 3, 4, 5, 6, 7, 8]),
    ]
}

/// A packet that the Go decoder takes, of any form.
fn proto3_of_any_form() -> impl Strategy<Value = Vec<u8>> {
    let payload = payload_len().prop_map(|len| vec![0x10; len]);
    let field = prop_oneof![
        4 => number_field(1),
        4 => number_field(2),
        4 => bytes_field(3, payload),
        1 => unknown_field(),
    ];
    let message = vec(field, 0..4).prop_map(|fields| fields.concat());
    let empty = prop_oneof![4 => Just(Vec::new()), 1 => unknown_field()].boxed();
    let arm = prop_oneof![
        1 => bytes_field(1, empty.clone()),
        1 => bytes_field(2, empty),
        8 => bytes_field(3, message),
        1 => unknown_field(),
    ];
    (prop_oneof![4 => vec(arm.clone(), 1), 1 => vec(arm, 0..3)], padding()).prop_map(|(arms, prefix_padding)| {
        let body = arms.concat();
        [leb128(body.len() as u64, prefix_padding), body].concat()
    })
}

/// A go-wire message packet with any end and any length.
fn gowire_of_any_form() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![Just(0_u8), Just(1), any::<u8>()];
    (any::<u8>(), end, payload_len(), 0..10_usize, any::<bool>()).prop_map(|(channel, end, len, size, negative)| {
        let magnitude: Vec<u8> = len.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
        let size = if size < 7 { magnitude.len() } else { size };
        let padding = vec![0; size.saturating_sub(magnitude.len())];
        let sign = if negative && size > 6 { 0xf0 } else { 0 };
        [&[0x03, channel, end, sign | size as u8], &padding[..], &magnitude, &vec![0x5a; len]].concat()
    })
}

/// An Amino packet of any form: most that go-amino takes, and some that it does not.
fn amino_of_any_form() -> impl Strategy<Value = Vec<u8>> {
    let packet_type = prop_oneof![
        2 => Just(vec![0x15, 0xc3, 0xd2, 0x89]),
        9 => Just(vec![0xb0, 0x5b, 0x4f, 0x2c]),
        1 => Just(vec![0x00, 0xf1, 0xbb, 0x97, 0xb0, 0x5b, 0x4f, 0x2c]),
        1 => Just(vec![0x00, 0x88, 0x7a, 0x12, 0x8a, 0x79, 0x7f, 0xe2]),
    ];
    let some = |field: BoxedStrategy<Vec<u8>>| prop_oneof![1 => Just(Vec::new()), 2 => field];
    let payload = payload_len().prop_map(|len| vec![0x10; len]);
    let message = (
        some(number_field(1).boxed()),
        some(number_field(2).boxed()),
        some(bytes_field(3, payload).boxed()),
        prop_oneof![4 => Just(Vec::new()), 1 => unknown_field()],
    );
    (packet_type, message, padding()).prop_map(|(packet_type, (channel, end, payload, unknown), prefix_padding)| {
        let body = [packet_type, channel, end, payload, unknown].concat();
        [leb128(body.len() as u64, prefix_padding), body].concat()
    })
}

/// Some packets, a few of them with a byte changed, removed or put in.
fn stream(packet: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let change = prop_oneof![
        9 => Just(None),
        1 => (0..3_u8, 0..16_usize, any::<u8>()).prop_map(Some),
    ];
    let packet = (packet, change).prop_map(|(mut packet, change)| {
        if let Some((kind, index, byte)) = change
            && index < packet.len()
        {
            match kind {
                0 => packet[index] = byte,
                1 => drop(packet.remove(index)),
                _ => packet.insert(index, byte),
            }
        }
        packet
    });
    vec(packet, 1..6)
}

fn proto3_stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    stream(prop_oneof![written(Proto3::new()), proto3_of_any_form(), vec(any::<u8>(), 0..20)])
}

fn amino_stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    stream(prop_oneof![written(Amino::new()), amino_of_any_form(), vec(any::<u8>(), 0..20)])
}

fn gowire_stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    stream(prop_oneof![written(GoWire::new()), gowire_of_any_form(), vec(any::<u8>(), 0..20)])
}

/// However a stream is cut, the packets and the error are the same.
fn cuts_do_not_matter<C: Codec>(codec: &C, stream: &[u8]) -> Result<(), TestCaseError> {
    let whole = read(&mut codec.clone(), LIMIT, [stream]);
    for cut in 0..=stream.len() {
        let (head, tail) = stream.split_at(cut);
        prop_assert_eq!(&read(&mut codec.clone(), LIMIT, [head, tail]), &whole, "cut at {}", cut);
    }
    prop_assert_eq!(&read(&mut codec.clone(), LIMIT, stream.chunks(1)), &whole, "byte by byte");
    Ok(())
}

/// A decoder that has read other packets answers what a fresh one does; and what it answers is within bounds.
fn the_past_does_not_matter<C: Codec>(codec: &C, stream: &[Vec<u8>], limits: &[usize]) -> Result<(), TestCaseError> {
    let mut used = codec.clone();
    let behind = [0x10; 16];
    for (packet, &limit) in stream.iter().chain(stream).zip(limits.iter().cycle()) {
        let more = [&packet[..], &behind].concat();
        let less = &packet[..packet.len().saturating_sub(1)];
        for bytes in [&more, packet, less] {
            let fresh = codec.clone().decode(bytes, limit);
            prop_assert_eq!(used.decode(bytes, limit), fresh);
            match fresh {
                Ok(Some(Decoded { wire_len, .. })) => {
                    prop_assert!(wire_len <= bytes.len() && wire_len <= codec.max_wire_len(limit));
                }
                Ok(None) => prop_assert!(bytes.len() < codec.max_wire_len(limit), "a buffer holds any packet"),
                Err(DecodeError { offset, .. }) => prop_assert!(offset <= bytes.len()),
            }
        }
    }
    Ok(())
}

/// Strict takes a packet if, and only if, it is taken at all and comes out the same when it is encoded again.
fn strict_is_canonical<C: Codec>(loose: &C, strict: &C, bytes: &[u8]) -> Result<(), TestCaseError> {
    let (mut loose, mut strict) = (loose.clone(), strict.clone());
    let taken = loose.decode(bytes, LIMIT);
    let strictly = strict.decode(bytes, LIMIT);
    match taken {
        Ok(Some(Decoded { packet, wire_len })) => {
            let writable = !matches!(packet, Packet::Message(message) if !(0..=255).contains(&message.channel));
            let canonical = writable && encode(&loose, &packet.into()) == bytes[..wire_len];
            prop_assert_eq!(strictly.is_ok(), canonical, "{:?}", strictly);
            prop_assert!(!canonical || strictly == taken, "{:?}", strictly);
        }
        // The start of a packet can be refused already.
        Ok(None) => prop_assert!(matches!(strictly, Ok(None) | Err(_))),
        Err(_) => prop_assert!(strictly.is_err()),
    }
    Ok(())
}

/// Limits, most of them one that lets packets pass.
fn limits() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![4 => Just(LIMIT), 1 => 0..LIMIT, 1 => 100..140_usize], 3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn proto3_however_cut(stream in proto3_stream()) {
        cuts_do_not_matter(&Proto3::new(), &stream.concat())?;
        cuts_do_not_matter(&Proto3::strict(), &stream.concat())?;
    }

    #[test]
    fn amino_however_cut(stream in amino_stream()) {
        cuts_do_not_matter(&Amino::new(), &stream.concat())?;
        cuts_do_not_matter(&Amino::strict(), &stream.concat())?;
    }

    #[test]
    fn gowire_however_cut(stream in gowire_stream()) {
        cuts_do_not_matter(&GoWire::new(), &stream.concat())?;
        cuts_do_not_matter(&GoWire::strict(), &stream.concat())?;
    }

    #[test]
    fn proto3_whatever_was_before(stream in proto3_stream(), limits in limits()) {
        the_past_does_not_matter(&Proto3::new(), &stream, &limits)?;
        the_past_does_not_matter(&Proto3::strict(), &stream, &limits)?;
        the_past_does_not_matter(&AnyCodec::from(Proto3::new()), &stream, &limits)?;
    }

    #[test]
    fn amino_whatever_was_before(stream in amino_stream(), limits in limits()) {
        the_past_does_not_matter(&Amino::new(), &stream, &limits)?;
        the_past_does_not_matter(&Amino::strict(), &stream, &limits)?;
        the_past_does_not_matter(&AnyCodec::from(Amino::new()), &stream, &limits)?;
    }

    #[test]
    fn gowire_whatever_was_before(stream in gowire_stream(), limits in limits()) {
        the_past_does_not_matter(&GoWire::new(), &stream, &limits)?;
        the_past_does_not_matter(&GoWire::strict(), &stream, &limits)?;
        the_past_does_not_matter(&AnyCodec::from(GoWire::new()), &stream, &limits)?;
    }

    #[test]
    fn proto3_strict_is_canonical(stream in proto3_stream()) {
        for packet in &stream {
            strict_is_canonical(&Proto3::new(), &Proto3::strict(), packet)?;
        }
        strict_is_canonical(&Proto3::new(), &Proto3::strict(), &stream.concat())?;
    }

    #[test]
    fn amino_strict_is_canonical(stream in amino_stream()) {
        for packet in &stream {
            strict_is_canonical(&Amino::new(), &Amino::strict(), packet)?;
        }
        strict_is_canonical(&Amino::new(), &Amino::strict(), &stream.concat())?;
    }

    #[test]
    fn gowire_strict_is_canonical(stream in gowire_stream()) {
        for packet in &stream {
            strict_is_canonical(&GoWire::new(), &GoWire::strict(), packet)?;
        }
        strict_is_canonical(&GoWire::new(), &GoWire::strict(), &stream.concat())?;
    }
}

/// What is written is read back, by the loose and by the strict codec, with a limit that is just enough.
fn comes_back<C: Codec>(codecs: [C; 2]) {
    for codec in codecs {
        for packet in [Owned::Ping, Owned::Pong] {
            let expected = Read { packets: vec![packet.clone()], ..Read::default() };
            assert_eq!(read(&mut codec.clone(), LIMIT, [&encode(&codec, &packet)[..]]), expected);
        }
        for len in [0, 1, 127, 128, 1023, 1024, 1025, 2048, 16_384] {
            let payload: Vec<u8> = (0..len).map(|index| index as u8).collect();
            for (channel, end) in (0..=255).flat_map(|channel| [(channel, false), (channel, true)]) {
                let packet = Owned::Message { channel: channel.into(), end, payload: payload.clone() };
                let wire = encode(&codec, &packet);
                let limit = codec.limited_len(channel, end, len);
                let mut codec = codec.clone();
                assert_eq!(codec.decode(&wire[..wire.len() - 1], limit), Ok(None));
                let decoded = codec.decode(&wire, limit).unwrap().unwrap();
                assert_eq!((Owned::from(decoded.packet), decoded.wire_len), (packet, wire.len()));
                assert!(codec.decode(&wire, limit - 1).is_err());
                assert!(wire.len() <= codec.max_wire_len(limit));
            }
        }
        let longest = Owned::Message { channel: 255, end: true, payload: vec![1; MAX_PAYLOAD] };
        let expected = Read { packets: vec![longest.clone()], ..Read::default() };
        let limit = codec.limited_len(255, true, MAX_PAYLOAD);
        assert_eq!(read(&mut codec.clone(), limit, [&encode(&codec, &longest)[..]]), expected);
    }
}

#[test]
fn proto3_comes_back() {
    comes_back([Proto3::new(), Proto3::strict()]);
    comes_back([AnyCodec::from(Proto3::new()), Proto3::strict().into()]);
}

#[test]
fn amino_comes_back() {
    comes_back([Amino::new(), Amino::strict()]);
    comes_back([AnyCodec::from(Amino::new()), Amino::strict().into()]);
}

#[test]
fn gowire_comes_back() {
    comes_back([GoWire::new(), GoWire::strict()]);
    comes_back([AnyCodec::from(GoWire::new()), GoWire::strict().into()]);
}
