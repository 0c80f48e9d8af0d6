//! The messages between the two programs. Numbers stand with their highest byte first.
//!
//! | message | kind (1 byte) | then |
//! | --- | --- | --- |
//! | `Offer` | 1 | version (2), size (8), checksum (64), name (UTF-8, to the end) |
//! | `Have` | 2 | length (8), checksum (64) |
//! | `From` | 3 | offset (8) |
//! | `Data` | 4 | bytes, at least one |
//! | `Done` | 5 | nothing |
//! | `Failed` | 6 | a text for a person (UTF-8, to the end) |

use std::io::{self, Read};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::checksum::{CHECKSUM_LEN, Checksum};

/// The version of this protocol. Both sides must speak the same.
pub(crate) const VERSION: u16 = 1;

/// The most bytes of a file in a message: so many that the largest datagram of UDP holds it all.
pub(crate) const MAX_DATA: usize = 60 << 10;
/// The largest message: data and their kind.
pub(crate) const MAX_MESSAGE: usize = MAX_DATA + 1;

const OFFER: u8 = 1;
const HAVE: u8 = 2;
const FROM: u8 = 3;
const DATA: u8 = 4;
const DONE: u8 = 5;
const FAILED: u8 = 6;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The sender has a file.
    Offer(Offer),
    /// The receiver has so many of its bytes already, with this checksum.
    Have {
        /// How many.
        length: u64,
        /// Of these bytes.
        checksum: Checksum,
    },
    /// The data begin at this byte.
    From(u64),
    /// The next bytes of the file.
    Data(Bytes),
    /// The file is complete and lies on the disk.
    Done,
    /// The side that says this can not go on.
    Failed(String),
}

/// A file that is offered. The name is whatever the sender says: see [`FileName`](super::name::FileName).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) version: u16,
    pub(crate) size: u64,
    /// BLAKE2b-512 of all its bytes.
    pub(crate) checksum: Checksum,
    pub(crate) name: String,
}

/// A message that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("an empty message")]
    Empty,
    #[error("a message of the unknown kind {0}")]
    Kind(u8),
    #[error("a message of {len} bytes that can not be of kind {kind}")]
    Length { kind: u8, len: usize },
    #[error("a name that is no UTF-8")]
    Text,
}

impl Message {
    /// Data on the wire, read straight into their place; less than `most` bytes when there are no more.
    pub(crate) fn encode_data(from: impl Read, most: u64) -> io::Result<Bytes> {
        let most = most.min(MAX_DATA as u64);
        let mut out = Vec::with_capacity(MAX_MESSAGE);
        out.push(DATA);
        from.take(most).read_to_end(&mut out)?;
        Ok(out.into())
    }

    /// How many bytes of the file are in what [`Message::encode_data`] gave.
    pub(crate) const fn data_len(message: &Bytes) -> u64 {
        (message.len() as u64).saturating_sub(1)
    }

    /// The bytes on the wire.
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Offer(offer) => {
                out.put_u8(OFFER);
                out.put_u16(offer.version);
                out.put_u64(offer.size);
                out.put_slice(&offer.checksum.0);
                out.put_slice(offer.name.as_bytes());
            }
            Self::Have { length, checksum } => {
                out.put_u8(HAVE);
                out.put_u64(*length);
                out.put_slice(&checksum.0);
            }
            Self::From(offset) => {
                out.put_u8(FROM);
                out.put_u64(*offset);
            }
            Self::Data(bytes) => {
                out.put_u8(DATA);
                out.put_slice(bytes);
            }
            Self::Done => out.put_u8(DONE),
            Self::Failed(text) => {
                out.put_u8(FAILED);
                out.put_slice(text.as_bytes());
            }
        }
        out.freeze()
    }

    /// What the bytes mean. The version is read before the rest, so that a later one is told as such.
    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, Malformed> {
        let len = bytes.len();
        let kind = bytes.try_get_u8().map_err(|_| Malformed::Empty)?;
        let length = |_| Malformed::Length { kind, len };
        let message = match kind {
            OFFER => {
                let version = bytes.try_get_u16().map_err(length)?;
                if version != VERSION {
                    return Ok(Self::Offer(Offer {
                        version,
                        size: 0,
                        checksum: Checksum::none(),
                        name: String::new(),
                    }));
                }
                let size = bytes.try_get_u64().map_err(length)?;
                let checksum = checksum(&mut bytes).ok_or(Malformed::Length { kind, len })?;
                let name = String::from_utf8(bytes.split_off(0).into()).map_err(|_| Malformed::Text)?;
                Self::Offer(Offer { version, size, checksum, name })
            }
            HAVE => {
                let length = bytes.try_get_u64().map_err(length)?;
                Self::Have { length, checksum: checksum(&mut bytes).ok_or(Malformed::Length { kind, len })? }
            }
            FROM => Self::From(bytes.try_get_u64().map_err(length)?),
            DATA if !bytes.is_empty() => Self::Data(bytes.split_off(0)),
            DATA => return Err(Malformed::Length { kind, len }),
            DONE => Self::Done,
            FAILED => Self::Failed(String::from_utf8_lossy(&bytes.split_off(0)).into_owned()),
            kind => return Err(Malformed::Kind(kind)),
        };
        if bytes.is_empty() { Ok(message) } else { Err(Malformed::Length { kind, len }) }
    }

    /// What it is, for a person.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Offer(_) => "an offer",
            Self::Have { .. } => "the answer to an offer",
            Self::From(_) => "the beginning of the data",
            Self::Data(_) => "data",
            Self::Done => "the confirmation",
            Self::Failed(_) => "a failure",
        }
    }
}

fn checksum(bytes: &mut Bytes) -> Option<Checksum> {
    let mut checksum = [0; CHECKSUM_LEN];
    bytes.try_copy_to_slice(&mut checksum).ok()?;
    Some(Checksum(checksum))
}
