//! The crate `ring`: assembly for the common processors.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{Key, TAG_LEN, nonce};

/// One key, ready to seal and to open.
pub(in super::super) struct Cipher(Option<LessSafeKey>);

impl Cipher {
    pub(in super::super) fn new(key: &Key) -> Self {
        // The key has the right length, so that this is always there.
        Self(UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).ok().map(LessSafeKey::new))
    }

    /// Encrypts `data` in place and gives the tag; `None` when `data` is longer than the cipher can take (256 GiB).
    pub(in super::super) fn seal(&self, frame: u64, data: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let nonce = Nonce::assume_unique_for_key(nonce(frame));
        let tag = self.0.as_ref()?.seal_in_place_separate_tag(nonce, Aad::empty(), data).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Opens a ciphertext and its tag, which stands behind it, in place; `None` when the tag is wrong.
    pub(in super::super) fn open<'a>(&self, frame: u64, sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce(frame));
        let data = self.0.as_ref()?.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        Some(data)
    }
}
