//! The part of msgpack that the original's generated code reads and writes.
//!
//! `rmp`, the one well-kept crate for this layer, does not fit: it writes a positive number in an unsigned form from 128 on,
//! where the original writes a signed one, it reads any form of a number, where the original reads signed ones alone, and it
//! can neither skip a value of unknown kind nor stop at the original's time. Of the crate only a table of the lead bytes
//! would be used, so the few forms are written out here.
//!
//! Source: `tinylib/msgp` of the end of 2016: `read_bytes.go`, `write_bytes.go`, `elsize.go`.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use reader::{KeyForm, Reader};
pub(super) use writer::{
    binary_header_len, integer_len, put_array_header, put_binary, put_binary_header, put_integer, put_string, put_time,
    string_len,
};

/// How many bytes a time takes.
pub(super) const TIME_LEN: usize = 15;
/// The lead byte, the length and the type of a time: an extension of 12 bytes and type 5, which is not the type that the
/// msgpack standard later gave to times.
const TIME_PREFIX: [u8; 3] = [0xc7, 12, 5];
