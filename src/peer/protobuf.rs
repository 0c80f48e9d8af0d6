//! Writing Protocol Buffers, as far as nodes need it before and beside the packets. Reading is `wire::fields`.

use alloc::vec::Vec;

use crate::wire::fields::{BYTES, VARINT};

/// A field of bytes: its tag, its length, and the bytes. Its number is at most 15, so that the tag is one byte.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    put_tag(out, number, BYTES);
    put_uvarint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A field of bytes, left out when there are none: that is the default.
pub(super) fn put_bytes_unless_empty(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_bytes(out, number, bytes);
    }
}

/// A field with a number, left out when that is 0: that is the default.
pub(super) fn put_number_unless_zero(out: &mut Vec<u8>, number: u8, value: u64) {
    if value != 0 {
        put_tag(out, number, VARINT);
        put_uvarint(out, value);
    }
}

fn put_tag(out: &mut Vec<u8>, number: u8, kind: u8) {
    debug_assert!(number < 16, "one byte");
    out.push((number << 3) | kind);
}

/// A number as LEB128.
pub(super) fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
