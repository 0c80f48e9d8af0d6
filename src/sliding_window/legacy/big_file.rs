//! A file with its name, size and checksum, as the original sends it through a session.

mod header;
#[cfg(test)]
mod tests;

pub use header::BigFileHeader;

use bytes::{Bytes, BytesMut};

use super::error::{DecodeError, EncodeError};
use super::msgpack::{self, KeyForm, Reader};
use super::timestamp::Timestamp;

/// A whole file of the original, in memory. For a file of any size see [`BigFileHeader`].
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use mconn::sliding_window::legacy::{BigFile, Timestamp};
///
/// let file = BigFile {
///     path: Bytes::from_static(b"notes.txt"),
///     size: 5,
///     checksum: Bytes::new(), // the original refuses a file without one
///     sent_at: Timestamp::new(1_490_313_600, 0),
///     data: Bytes::from_static(b"hello"),
/// };
/// let mut wire = BytesMut::new();
/// file.encode(&mut wire)?;
/// let (decoded, rest) = BigFile::decode_bytes(&wire.freeze())?;
/// assert_eq!((decoded, rest.len()), (file, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: `BigFile` in `swp.go`, `swp_gen.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BigFile {
    /// `Filepath`: where the sender had the file. Bytes of the peer: never a path to write to.
    pub path: Bytes,
    /// `SizeInBytes`: the size of the file, in bytes.
    pub size: i64,
    /// `Blake2b`: BLAKE2b-512 of the data, 64 bytes.
    pub checksum: Bytes,
    /// `SendTime`: when it was sent.
    pub sent_at: Timestamp,
    /// `Data`: the content.
    pub data: Bytes,
}

/// What is wrong with a file that was decoded. The original gives the file away nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptFile {
    /// The size is not that of the data.
    #[error("the file has {data} bytes, and not {stated} as it says")]
    Size {
        /// The size that the file states, in bytes.
        stated: i64,
        /// The length of the data, in bytes.
        data: usize,
    },
    /// There is no checksum.
    #[error("the file has no checksum")]
    NoChecksum,
    /// The checksum is not that of the data.
    #[error("the checksum of the file is not that of its data")]
    Checksum,
}

impl BigFile {
    /// Appends the file to `out`, byte for byte as the original does.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if a part has more than `u32::MAX` bytes: such a file has no form on this wire. `out` is
    /// unchanged.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        header::put(&self.path, self.size, &self.checksum, self.sent_at, self.data.len(), out)?;
        out.extend_from_slice(&self.data);
        Ok(())
    }

    /// How many bytes [`BigFile::encode`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let texts = msgpack::string_len(self.path.len()).saturating_add(self.checksum.len());
        let headers = msgpack::binary_header_len(self.checksum.len())
            .saturating_add(msgpack::binary_header_len(self.data.len()))
            .saturating_add(msgpack::integer_len(self.size));
        header::KEYS_LEN.saturating_add(texts).saturating_add(headers).saturating_add(self.data.len())
    }

    /// The file at the start of `bytes`, and the bytes after it. Its parts share `bytes`. Entries may stand in any order.
    ///
    /// # Errors
    /// [`DecodeError`] tells which rule was broken, and where. Whether the data are whole is for `BigFile::check` to say.
    pub fn decode_bytes(bytes: &Bytes) -> Result<(Self, Bytes), DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut file = Self::default();
        for _ in 0..reader.map_header()? {
            match reader.key(KeyForm::Stream)? {
                b"Filepath" => file.path = bytes.slice_ref(reader.string()?),
                b"SizeInBytes" => file.size = reader.integer()?,
                b"Blake2b" => file.checksum = bytes.slice_ref(reader.binary()?),
                b"SendTime" => file.sent_at = reader.time()?,
                b"Data" => file.data = bytes.slice_ref(reader.binary()?),
                _ => reader.skip()?,
            }
        }
        Ok((file, bytes.slice_ref(reader.rest())))
    }
}

#[cfg(feature = "legacy")]
#[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
impl BigFile {
    /// A file with the size and the checksum of `data`.
    #[must_use]
    pub fn new(path: Bytes, sent_at: Timestamp, data: Bytes) -> Self {
        let checksum = Bytes::copy_from_slice(&super::checksum(&data));
        Self { path, size: i64::try_from(data.len()).unwrap_or(i64::MAX), checksum, sent_at, data }
    }

    /// Whether the file is whole, by the tests of the original in its order.
    ///
    /// # Errors
    /// The first test that fails.
    pub fn check(&self) -> Result<(), CorruptFile> {
        if i64::try_from(self.data.len()) != Ok(self.size) {
            return Err(CorruptFile::Size { stated: self.size, data: self.data.len() });
        }
        if self.checksum.is_empty() {
            return Err(CorruptFile::NoChecksum);
        }
        if self.checksum != super::checksum(&self.data)[..] {
            return Err(CorruptFile::Checksum);
        }
        Ok(())
    }
}
