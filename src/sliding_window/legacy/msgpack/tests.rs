use alloc::vec;
use alloc::vec::Vec;

use bytes::BytesMut;

use super::super::error::{DecodeError, DecodeRule, Kind};
use super::super::timestamp::Timestamp;
use super::*;

fn written(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::new();
    write(&mut out);
    out.to_vec()
}

/// The rule that reading `bytes` breaks.
fn rule<'a, T: core::fmt::Debug>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> DecodeRule {
    read(&mut Reader::new(bytes)).unwrap_err().rule
}

fn wrong(expected: Kind, found: Kind) -> DecodeRule {
    DecodeRule::WrongKind { expected, found }
}

/// The first byte of every kind of value, and a whole value of it.
fn every_kind() -> Vec<(Kind, Vec<u8>)> {
    vec![
        (Kind::Nil, vec![0xc0]),
        (Kind::Boolean, vec![0xc2]),
        (Kind::Boolean, vec![0xc3]),
        (Kind::Integer, vec![0x00]),
        (Kind::Integer, vec![0x7f]),
        (Kind::Integer, vec![0xe0]),
        (Kind::Integer, vec![0xff]),
        (Kind::Integer, vec![0xd0, 1]),
        (Kind::Integer, vec![0xd1, 1, 2]),
        (Kind::Integer, vec![0xd2, 1, 2, 3, 4]),
        (Kind::Integer, vec![0xd3, 1, 2, 3, 4, 5, 6, 7, 8]),
        (Kind::Unsigned, vec![0xcc, 1]),
        (Kind::Unsigned, vec![0xcd, 1, 2]),
        (Kind::Unsigned, vec![0xce, 1, 2, 3, 4]),
        (Kind::Unsigned, vec![0xcf, 1, 2, 3, 4, 5, 6, 7, 8]),
        (Kind::Float, vec![0xca, 1, 2, 3, 4]),
        (Kind::Float, vec![0xcb, 1, 2, 3, 4, 5, 6, 7, 8]),
        (Kind::String, vec![0xa1, b'x']),
        (Kind::String, [vec![0xbf], vec![b'x'; 31]].concat()),
        (Kind::String, vec![0xd9, 1, b'x']),
        (Kind::String, vec![0xda, 0, 1, b'x']),
        (Kind::String, vec![0xdb, 0, 0, 0, 1, b'x']),
        (Kind::Binary, vec![0xc4, 1, b'x']),
        (Kind::Binary, vec![0xc5, 0, 1, b'x']),
        (Kind::Binary, vec![0xc6, 0, 0, 0, 1, b'x']),
        (Kind::Array, vec![0x90]),
        (Kind::Array, [vec![0x9f], vec![1; 15]].concat()),
        (Kind::Array, vec![0xdc, 0, 2, 0xc0, 0x90]),
        (Kind::Array, vec![0xdd, 0, 0, 0, 2, 0xc0, 0x91, 0xa1, b'x']),
        (Kind::Map, vec![0x80]),
        (Kind::Map, [vec![0x8f], vec![1; 30]].concat()),
        (Kind::Map, vec![0xde, 0, 1, 0xc0, 0x81, 0x90, 0x80]),
        (Kind::Map, vec![0xdf, 0, 0, 0, 1, 0xc0, 0xc0]),
        (Kind::Extension, vec![0xc7, 2, 9, 1, 2]),
        (Kind::Extension, vec![0xc8, 0, 2, 9, 1, 2]),
        (Kind::Extension, vec![0xc9, 0, 0, 0, 2, 9, 1, 2]),
        (Kind::Extension, vec![0xd4, 9, 1]),
        (Kind::Extension, vec![0xd5, 9, 1, 2]),
        (Kind::Extension, [vec![0xd6, 9], vec![1; 4]].concat()),
        (Kind::Extension, [vec![0xd7, 9], vec![1; 8]].concat()),
        (Kind::Extension, [vec![0xd8, 9], vec![1; 16]].concat()),
    ]
}

#[test]
fn integers_take_the_shortest_signed_form() {
    let cases: [(i64, &[u8]); 16] = [
        (0, &[0x00]),
        (127, &[0x7f]),
        (128, &[0xd1, 0x00, 0x80]),
        (32_767, &[0xd1, 0x7f, 0xff]),
        (32_768, &[0xd2, 0x00, 0x00, 0x80, 0x00]),
        (2_147_483_647, &[0xd2, 0x7f, 0xff, 0xff, 0xff]),
        (2_147_483_648, &[0xd3, 0, 0, 0, 0, 0x80, 0, 0, 0]),
        (i64::MAX, &[0xd3, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        (-1, &[0xff]),
        (-32, &[0xe0]),
        (-33, &[0xd0, 0xdf]),
        (-128, &[0xd0, 0x80]),
        (-129, &[0xd1, 0xff, 0x7f]),
        (-32_769, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
        (-2_147_483_649, &[0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
        (i64::MIN, &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (value, bytes) in cases {
        assert_eq!(written(|out| put_integer(out, value)), bytes, "{value}");
        assert_eq!(integer_len(value), bytes.len(), "{value}");
        assert_eq!(Reader::new(bytes).integer(), Ok(value));
    }
}

#[test]
fn integers_are_read_in_wider_forms_too() {
    for bytes in [&[0xd0, 5][..], &[0xd1, 0, 5], &[0xd2, 0, 0, 0, 5], &[0xd3, 0, 0, 0, 0, 0, 0, 0, 5]] {
        assert_eq!(Reader::new(bytes).integer(), Ok(5));
    }
}

#[test]
fn texts_and_data_take_the_shortest_length() {
    let heads: [(usize, &[u8], &[u8]); 8] = [
        (0, &[0xa0], &[0xc4, 0]),
        (31, &[0xbf], &[0xc4, 31]),
        (32, &[0xd9, 32], &[0xc4, 32]),
        (255, &[0xd9, 255], &[0xc4, 255]),
        (256, &[0xda, 1, 0], &[0xc5, 1, 0]),
        (65_535, &[0xda, 255, 255], &[0xc5, 255, 255]),
        (65_536, &[0xdb, 0, 1, 0, 0], &[0xc6, 0, 1, 0, 0]),
        (70_000, &[0xdb, 0, 1, 0x11, 0x70], &[0xc6, 0, 1, 0x11, 0x70]),
    ];
    for (length, string, binary) in heads {
        let content = vec![b'x'; length];
        let wire = written(|out| put_string(out, &content));
        assert_eq!(wire, [string, &content].concat());
        assert_eq!(string_len(length), wire.len());
        assert_eq!(Reader::new(&wire).string(), Ok(&content[..]));
        let wire = written(|out| put_binary(out, &content));
        assert_eq!(wire, [binary, &content].concat());
        assert_eq!(binary_header_len(length), binary.len());
        assert_eq!(Reader::new(&wire).binary(), Ok(&content[..]));
        let mut reader = Reader::new(&wire);
        assert_eq!(reader.binary_header(), Ok(u32::try_from(length).unwrap()));
        assert_eq!(reader.rest(), content);
        for form in [KeyForm::Packet, KeyForm::Stream] {
            let wire = written(|out| put_string(out, &content));
            let read = Reader::new(&wire).key(form).map_err(|error| error.rule);
            assert_eq!(read, if length == 0 { Err(DecodeRule::EmptyKey) } else { Ok(&content[..]) });
        }
    }
}

#[test]
fn binary_keys_belong_to_streams() {
    for key in [&[0xc4, 2, b'a', b'b'][..], &[0xc5, 0, 2, b'a', b'b'], &[0xc6, 0, 0, 0, 2, b'a', b'b']] {
        assert_eq!(rule(key, |reader| reader.key(KeyForm::Packet).map(drop)), wrong(Kind::String, Kind::Binary));
        assert_eq!(Reader::new(key).key(KeyForm::Stream), Ok(&b"ab"[..]));
    }
    assert_eq!(rule(&[0xc4, 0], |reader| reader.key(KeyForm::Stream).map(drop)), DecodeRule::EmptyKey);
}

#[test]
fn headers_of_maps_and_arrays() {
    for (bytes, count) in [(&[0x80][..], 0), (&[0x8f], 15), (&[0xde, 1, 2], 0x0102), (&[0xdf, 1, 2, 3, 4], 0x0102_0304)]
    {
        assert_eq!(Reader::new(bytes).map_header(), Ok(count));
    }
    for (bytes, count) in [(&[0x90][..], 0), (&[0x9f], 15), (&[0xdc, 1, 2], 0x0102), (&[0xdd, 1, 2, 3, 4], 0x0102_0304)]
    {
        assert_eq!(Reader::new(bytes).array_header(), Ok(count));
    }
    for (count, bytes) in
        [(15, &[0x9f][..]), (16, &[0xdc, 0, 16]), (0xffff, &[0xdc, 0xff, 0xff]), (0x1_0000, &[0xdd, 0, 1, 0, 0])]
    {
        assert_eq!(written(|out| put_array_header(out, count)), bytes);
    }
}

#[test]
fn times_are_extensions_of_type_five() {
    let time = Timestamp::new(1_490_313_600, 123_456_789);
    let wire = written(|out| put_time(out, time));
    assert_eq!(wire, *b"\xc7\x0c\x05\0\0\0\0\x58\xd4\x61\x80\x07\x5b\xcd\x15");
    assert_eq!(wire.len(), TIME_LEN);
    assert_eq!(Reader::new(&wire).time(), Ok(time));
    for (place, byte) in [(0, 0xd8), (0, 0xc8), (1, 11), (1, 13), (2, 6), (2, 0xff)] {
        let mut wire = [wire.clone(), vec![0; 8]].concat();
        wire[place] = byte;
        assert_eq!(rule(&wire, Reader::time), DecodeRule::NotATime, "{place} {byte}");
    }
    let mut wire = wire;
    wire[11..].copy_from_slice(&(-1_i32).to_be_bytes());
    assert_eq!(Reader::new(&wire).time(), Ok(Timestamp::new(1_490_313_599, 999_999_999)));
}

#[test]
fn nothing_is_converted() {
    type Read = fn(&mut Reader<'_>) -> Result<(), DecodeError>;
    let reads: [(Kind, Read); 8] = [
        (Kind::Integer, |reader| reader.integer().map(drop)),
        (Kind::String, |reader| reader.string().map(drop)),
        (Kind::Binary, |reader| reader.binary().map(drop)),
        (Kind::Binary, |reader| reader.binary_header().map(drop)),
        (Kind::Map, |reader| reader.map_header().map(drop)),
        (Kind::Array, |reader| reader.array_header().map(drop)),
        (Kind::String, |reader| reader.key(KeyForm::Packet).map(drop)),
        (Kind::Extension, |reader| reader.time().map(drop)),
    ];
    for (expected, read) in reads {
        for (found, bytes) in every_kind() {
            let result = read(&mut Reader::new(&bytes)).map_err(|error| (error.rule, error.offset));
            match (expected == found, expected) {
                (true, Kind::Extension) => assert!(result.is_err(), "no time: {bytes:x?}"),
                (true, _) => assert_eq!(result, Ok(()), "{bytes:x?}"),
                (false, _) => assert_eq!(result, Err((wrong(expected, found), 0)), "{bytes:x?}"),
            }
        }
        assert_eq!(rule(&[0xc1], read), DecodeRule::NoKind);
        assert_eq!(rule(&[], read), DecodeRule::Truncated);
    }
}

#[test]
fn any_value_is_passed_over_whole_and_none_in_part() {
    for (_, bytes) in every_kind() {
        let followed = [&bytes[..], b"rest"].concat();
        let mut reader = Reader::new(&followed);
        assert_eq!(reader.skip(), Ok(()), "{bytes:x?}");
        assert_eq!((reader.rest(), reader.offset()), (&b"rest"[..], bytes.len()), "{bytes:x?}");
        for length in 0..bytes.len() {
            assert_eq!(rule(&bytes[..length], Reader::skip), DecodeRule::Truncated, "{bytes:x?}");
        }
    }
    assert_eq!(rule(&[0x91, 0xc1], Reader::skip), DecodeRule::NoKind);
}

#[test]
fn nesting_and_lies_about_lengths_cost_nothing() {
    let deep = [vec![0x91; 1_000_000], vec![0xc0]].concat();
    assert_eq!(Reader::new(&deep).skip(), Ok(()));
    // Each claims more than four thousand million pairs.
    let wide = [0xdf, 0xff, 0xff, 0xff, 0xff].repeat(1000);
    assert_eq!(rule(&wide, Reader::skip), DecodeRule::Truncated);
}

#[test]
fn an_error_tells_where_the_value_began() {
    let mut reader = Reader::new(b"\x01\xa3abc\xcc\x01");
    assert_eq!(reader.integer(), Ok(1));
    assert_eq!(reader.string(), Ok(&b"abc"[..]));
    assert_eq!(reader.integer(), Err(DecodeError::new(wrong(Kind::Integer, Kind::Unsigned), 5)));
    let mut reader = Reader::new(b"\x92\x01\xa3ab");
    assert_eq!(reader.skip(), Err(DecodeError::new(DecodeRule::Truncated, 2)));
}
