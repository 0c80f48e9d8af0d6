//! Sealing: bytes to frames.

use core::fmt;

use bytes::{Buf, BufMut, BytesMut};

use super::aead::{Cipher, Key};
use super::error::SealError;
use super::{FRAME_DATA, FRAME_LEN, LENGTH_LEN};

/// The sending direction of a secret connection: its key and the number of the next frame.
///
/// The key is never printed, and overwritten when the value is dropped. A sealer can not be cloned: two of them would use a
/// nonce twice.
pub struct Sealer {
    key: Key,
    next_frame: u64,
}

impl Sealer {
    pub(super) const fn new(key: Key) -> Self {
        Self { key, next_frame: 0 }
    }

    /// Goes on as if so many frames had been sealed.
    #[cfg(all(test, feature = "peer"))]
    pub(crate) const fn skip_to(&mut self, frame: u64) {
        self.next_frame = frame;
    }

    /// Seals all of `plain`, as far as `max` bytes of output allow: full frames, and a last one that may be short.
    ///
    /// Frames are filled across the packets in `plain`. A short frame costs as much as a full one, 1044 bytes, so give all
    /// that is to leave now at once; what may wait for more goes to [`Sealer::seal_full`]. Padding is zero, whatever was sent
    /// before. Appends to `out` at most `max` bytes, whole frames only, and returns how many it appended; what was sealed is
    /// consumed from `plain`, and the rest stays there.
    ///
    /// # Errors
    /// [`SealError`] when not even one frame could be sealed; nothing has changed, and the connection has to be closed.
    pub fn seal(&mut self, plain: &mut impl Buf, out: &mut BytesMut, max: usize) -> Result<usize, SealError> {
        let frames = plain.remaining().div_ceil(FRAME_DATA).min(max / FRAME_LEN);
        self.seal_frames(plain, out, frames)
    }

    /// Seals what fills whole frames, and leaves the rest in `plain`, where more may be appended to it.
    ///
    /// Otherwise like [`Sealer::seal`].
    ///
    /// # Errors
    /// Those of [`Sealer::seal`].
    pub fn seal_full(&mut self, plain: &mut impl Buf, out: &mut BytesMut, max: usize) -> Result<usize, SealError> {
        let frames = (plain.remaining() / FRAME_DATA).min(max / FRAME_LEN);
        self.seal_frames(plain, out, frames)
    }

    /// Frames sealed so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.next_frame
    }

    /// Seals so many frames, of which only the last may be short.
    fn seal_frames(&mut self, plain: &mut impl Buf, out: &mut BytesMut, frames: usize) -> Result<usize, SealError> {
        if frames == 0 {
            return Ok(0);
        }
        out.reserve(frames.saturating_mul(FRAME_LEN));
        let cipher = Cipher::new(&self.key);
        let mut sealed = 0_usize;
        for _ in 0..frames {
            match self.seal_frame(&cipher, plain, out) {
                Ok(()) => sealed = sealed.saturating_add(FRAME_LEN),
                Err(error) if sealed == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sealed)
    }

    fn seal_frame(&mut self, cipher: &Cipher, plain: &mut impl Buf, out: &mut BytesMut) -> Result<(), SealError> {
        // The last number is never used, as in Go, which panics instead of counting over it.
        let following = self.next_frame.checked_add(1).ok_or(SealError::NoncesUsed)?;
        let start = out.len();
        let length = plain.remaining().min(FRAME_DATA);
        out.put_u32_le(length as u32);
        out.put(plain.take(length));
        out.resize(start.saturating_add(LENGTH_LEN + FRAME_DATA), 0);
        let frame = out.get_mut(start..).unwrap_or_default();
        let Some(tag) = cipher.seal(self.next_frame, frame) else {
            // A frame is never too long for the cipher. If it were, nothing may leave in the clear.
            out.truncate(start);
            return Err(SealError::NoncesUsed);
        };
        out.extend_from_slice(&tag);
        self.next_frame = following;
        Ok(())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("next_frame", &self.next_frame).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
