//! Which rule of the msgpack wire was broken, and where.

use thiserror::Error;

/// What kind of msgpack value a byte begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing at all: `c0`.
    Nil,
    /// True or false.
    Boolean,
    /// A number in one of the signed forms, the one-byte forms among them.
    Integer,
    /// A number in one of the unsigned forms, `cc` to `cf`. The original's decoder takes none of them.
    Unsigned,
    /// A floating-point number.
    Float,
    /// A text.
    String,
    /// Bytes.
    Binary,
    /// A list of values.
    Array,
    /// Pairs of values.
    Map,
    /// An application's own type.
    Extension,
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Nil => "nil",
            Self::Boolean => "a boolean",
            Self::Integer => "a signed integer",
            Self::Unsigned => "an unsigned integer",
            Self::Float => "a floating-point number",
            Self::String => "a string",
            Self::Binary => "binary data",
            Self::Array => "an array",
            Self::Map => "a map",
            Self::Extension => "an extension",
        })
    }
}

/// Bytes of the peer that are not what they have to be.
///
/// ```
/// use mconn::sliding_window::legacy::{DecodeRule, Kind, Packet};
///
/// let error = Packet::decode(b"\x81\xa6SeqNum\xcc\xff").unwrap_err();
/// assert_eq!(error.rule, DecodeRule::WrongKind { expected: Kind::Integer, found: Kind::Unsigned });
/// assert_eq!(error.to_string(), "byte 8: an unsigned integer where a signed integer has to be");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: {rule}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The rule that was broken.
    pub rule: DecodeRule,
    /// Where the value that breaks it begins, in bytes from the first byte of the map.
    pub offset: usize,
}

impl DecodeError {
    pub(super) const fn new(rule: DecodeRule, offset: usize) -> Self {
        Self { rule, offset }
    }
}

/// The rules of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeRule {
    /// The bytes end before the value does.
    #[error("the bytes end inside a value")]
    Truncated,
    /// A value of another kind. The original's decoder converts nothing.
    #[error("{found} where {expected} has to be")]
    WrongKind {
        /// What has to stand there.
        expected: Kind,
        /// What stands there.
        found: Kind,
    },
    /// The byte `c1`, which msgpack leaves without a meaning.
    #[error("the byte c1 begins no value")]
    NoKind,
    /// An extension that is not the original's time: 12 bytes of type 5 in the form `c7`.
    #[error("an extension that is not a time of 12 bytes and type 5")]
    NotATime,
    /// A key without a character. The original panics, or gives up when it reads a file.
    #[error("an empty key")]
    EmptyKey,
    /// In a header of a file that is read apart from its data: the data are not the last entry, or there are none.
    #[error("the data are not the last entry of the file")]
    DataNotLast,
    /// In a header of a file that is read apart from its data: it says two different sizes.
    #[error("the file has {stated} bytes by its header, and {data} by its data")]
    SizeMismatch {
        /// The size that the header states, in bytes.
        stated: i64,
        /// The length of the data, in bytes.
        data: u32,
    },
    /// In a header of a file that is read apart from its data: it does not end within the limit.
    #[error("the header is longer than the limit of {limit} bytes")]
    HeaderTooLong {
        /// The limit of the caller, in bytes.
        limit: usize,
    },
}

/// A value that the wire has no form for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A text, data or a list with more than `u32::MAX` bytes or entries. The original writes a wrong length.
    #[error("{key} is longer than a length of 32 bits can say")]
    TooLong {
        /// The key of the value.
        key: &'static str,
    },
}
