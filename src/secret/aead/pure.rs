//! The crate `chacha20poly1305`: pure Rust, everywhere.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};

use super::{Key, TAG_LEN, nonce};

/// One key, ready to seal and to open.
pub(in super::super) struct Cipher(ChaCha20Poly1305);

impl Cipher {
    pub(in super::super) fn new(key: &Key) -> Self {
        Self(ChaCha20Poly1305::new((&**key).into()))
    }

    /// Encrypts `data` in place and gives the tag; `None` when `data` is longer than the cipher can take (256 GiB).
    pub(in super::super) fn seal(&self, frame: u64, data: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let tag = self.0.encrypt_inout_detached(&nonce(frame).into(), b"", data.into()).ok()?;
        Some(tag.into())
    }

    /// Opens a ciphertext and its tag, which stands behind it, in place; `None` when the tag is wrong.
    pub(in super::super) fn open<'a>(&self, frame: u64, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let (data, tag) = sealed.split_last_chunk_mut::<TAG_LEN>()?;
        self.0.decrypt_inout_detached(&nonce(frame).into(), b"", (&mut *data).into(), &(*tag).into()).ok()?;
        Some(data)
    }
}
