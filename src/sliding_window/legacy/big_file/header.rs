//! What precedes the data of a file, for files that do not fit in memory.

use bytes::{BufMut, Bytes, BytesMut};

use super::super::error::{DecodeError, DecodeRule, EncodeError};
use super::super::msgpack::{self, KeyForm, Reader};
use super::super::timestamp::Timestamp;

/// A map of five entries.
const HEADER: u8 = 0x85;

/// How many bytes the header, the five keys and the time take, and nothing else.
pub(super) const KEYS_LEN: usize = 1 + 9 + 12 + 8 + 9 + msgpack::TIME_LEN + 5;

/// A file of the original without its data, which follow it in the stream, [`size`](Self::size) bytes.
///
/// The checksum stands before the data, so a sender reads the file twice; a receiver sums up what passes and compares at the
/// end. Neither needs more memory than a piece of the file.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use mconn::sliding_window::legacy::{BigFileHeader, Timestamp};
///
/// let header = BigFileHeader {
///     path: Bytes::from_static(b"large.bin"),
///     size: u32::MAX,
///     checksum: Bytes::from_static(&[7; 64]),
///     sent_at: Timestamp::ZERO,
/// };
/// let mut wire = BytesMut::new();
/// header.encode(&mut wire)?;
/// let length = wire.len();
/// wire.extend_from_slice(b"the first bytes of the file");
///
/// assert_eq!(BigFileHeader::decode(&wire[..50], 4096)?, None); // more bytes are needed
/// assert_eq!(BigFileHeader::decode(&wire, 4096)?, Some((header, length)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BigFileHeader {
    /// `Filepath`: where the sender had the file. Bytes of the peer: never a path to write to.
    pub path: Bytes,
    /// `SizeInBytes`, and the length of the data: the size of the file, in bytes. The wire has no form for more than this
    /// type can hold.
    pub size: u32,
    /// `Blake2b`: BLAKE2b-512 of the data, 64 bytes.
    pub checksum: Bytes,
    /// `SendTime`: when it was sent.
    pub sent_at: Timestamp,
}

impl BigFileHeader {
    /// Appends all that precedes the data to `out`, byte for byte as the original does.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if the path or the checksum has more than `u32::MAX` bytes; `out` is unchanged.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let size = usize::try_from(self.size).map_err(|_| EncodeError::TooLong { key: "Data" })?;
        put(&self.path, i64::from(self.size), &self.checksum, self.sent_at, size, out)
    }

    /// What precedes the data of the file at the start of `bytes`, and its length in bytes; `None` when it is not all there.
    ///
    /// A header of more than `limit` bytes is refused, so a caller never has to hold more than that. The parts are copied:
    /// the header does not keep `bytes` alive. The last entry has to be the data, as it is in all that the original sends.
    ///
    /// # Errors
    /// [`DecodeError`] tells which rule was broken, and where.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Option<(Self, usize)>, DecodeError> {
        let seen = bytes.get(..limit).unwrap_or(bytes);
        match read(seen) {
            Err(error) if error.rule == DecodeRule::Truncated => {
                if seen.len() < limit {
                    return Ok(None);
                }
                Err(DecodeError::new(DecodeRule::HeaderTooLong { limit }, limit))
            }
            other => other.map(Some),
        }
    }
}

fn read(bytes: &[u8]) -> Result<(BigFileHeader, usize), DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut header = BigFileHeader::default();
    let mut stated = 0;
    let mut entries = reader.map_header()?;
    while let Some(others) = entries.checked_sub(1) {
        entries = others;
        let start = reader.offset();
        match reader.key(KeyForm::Stream)? {
            b"Filepath" => header.path = Bytes::copy_from_slice(reader.string()?),
            b"SizeInBytes" => stated = reader.integer()?,
            b"Blake2b" => header.checksum = Bytes::copy_from_slice(reader.binary()?),
            b"SendTime" => header.sent_at = reader.time()?,
            b"Data" if entries > 0 => return Err(DecodeError::new(DecodeRule::DataNotLast, start)),
            b"Data" => {
                let data = reader.binary_header()?;
                if stated != i64::from(data) {
                    return Err(DecodeError::new(DecodeRule::SizeMismatch { stated, data }, start));
                }
                header.size = data;
                return Ok((header, reader.offset()));
            }
            _ => reader.skip()?,
        }
    }
    Err(DecodeError::new(DecodeRule::DataNotLast, reader.offset()))
}

/// Appends all of a file but the data, of which there are `data_len` bytes.
pub(super) fn put(
    path: &[u8],
    size: i64,
    checksum: &[u8],
    sent_at: Timestamp,
    data_len: usize,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let length = |length: usize, key| u32::try_from(length).map_err(|_| EncodeError::TooLong { key });
    length(path.len(), "Filepath")?;
    length(checksum.len(), "Blake2b")?;
    let data_len = length(data_len, "Data")?;
    out.put_u8(HEADER);
    msgpack::put_string(out, b"Filepath");
    msgpack::put_string(out, path);
    msgpack::put_string(out, b"SizeInBytes");
    msgpack::put_integer(out, size);
    msgpack::put_string(out, b"Blake2b");
    msgpack::put_binary(out, checksum);
    msgpack::put_string(out, b"SendTime");
    msgpack::put_time(out, sent_at);
    msgpack::put_string(out, b"Data");
    msgpack::put_binary_header(out, data_len);
    Ok(())
}
