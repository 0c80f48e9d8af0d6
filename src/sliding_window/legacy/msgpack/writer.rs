//! Writing, always in the form that the original's generated code chooses.

use bytes::{BufMut, BytesMut};

use super::super::timestamp::Timestamp;
use super::TIME_PREFIX;

/// A number in the shortest signed form.
pub(crate) fn put_integer(out: &mut BytesMut, value: i64) {
    if let Ok(byte @ -32..) = i8::try_from(value) {
        out.put_i8(byte);
    } else if let Ok(byte) = i8::try_from(value) {
        out.put_u8(0xd0);
        out.put_i8(byte);
    } else if let Ok(number) = i16::try_from(value) {
        out.put_u8(0xd1);
        out.put_i16(number);
    } else if let Ok(number) = i32::try_from(value) {
        out.put_u8(0xd2);
        out.put_i32(number);
    } else {
        out.put_u8(0xd3);
        out.put_i64(value);
    }
}

/// How many bytes [`put_integer`] writes.
pub(crate) fn integer_len(value: i64) -> usize {
    match (i8::try_from(value), i16::try_from(value), i32::try_from(value)) {
        (Ok(-32..), ..) => 1,
        (Ok(_), ..) => 2,
        (_, Ok(_), _) => 3,
        (_, _, Ok(_)) => 5,
        _ => 9,
    }
}

/// A text. The caller has seen to it that its length fits in 32 bits.
pub(crate) fn put_string(out: &mut BytesMut, text: &[u8]) {
    let length = length32(text.len());
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=31), _) => out.put_u8(0xa0 | length),
        (Ok(length), _) => out.put_slice(&[0xd9, length]),
        (_, Ok(length)) => {
            out.put_u8(0xda);
            out.put_u16(length);
        }
        _ => {
            out.put_u8(0xdb);
            out.put_u32(length);
        }
    }
    out.put_slice(text);
}

/// How many bytes [`put_string`] writes for a text of so many bytes.
pub(crate) const fn string_len(length: usize) -> usize {
    let header: usize = match length {
        0..=31 => 1,
        32..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    };
    header.saturating_add(length)
}

/// What precedes so many bytes of binary data.
pub(crate) fn put_binary_header(out: &mut BytesMut, length: u32) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) => out.put_slice(&[0xc4, length]),
        (_, Ok(length)) => {
            out.put_u8(0xc5);
            out.put_u16(length);
        }
        _ => {
            out.put_u8(0xc6);
            out.put_u32(length);
        }
    }
}

/// Binary data. The caller has seen to it that their length fits in 32 bits.
pub(crate) fn put_binary(out: &mut BytesMut, bytes: &[u8]) {
    put_binary_header(out, length32(bytes.len()));
    out.put_slice(bytes);
}

/// How many bytes [`put_binary_header`] writes.
pub(crate) const fn binary_header_len(length: usize) -> usize {
    match length {
        0..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

/// What precedes so many values of an array.
pub(crate) fn put_array_header(out: &mut BytesMut, length: u32) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=15), _) => out.put_u8(0x90 | length),
        (_, Ok(length)) => {
            out.put_u8(0xdc);
            out.put_u16(length);
        }
        _ => {
            out.put_u8(0xdd);
            out.put_u32(length);
        }
    }
}

/// A time.
pub(crate) fn put_time(out: &mut BytesMut, time: Timestamp) {
    out.put_slice(&TIME_PREFIX);
    out.put_i64(time.seconds());
    out.put_i32(time.nanoseconds());
}

/// A length that is known to fit.
fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
