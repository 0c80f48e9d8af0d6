//! Opening: frames to bytes.

use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::aead::{Cipher, Key};
use super::error::OpenError;
use super::{FRAME_DATA, FRAME_LEN, LENGTH_LEN};

/// The receiving direction of a secret connection: its key and the number of the next frame.
///
/// The key is never printed, and overwritten when the value is dropped.
pub struct Opener {
    key: Key,
    next_frame: u64,
    /// Data that the peer put into the frame of its authentication, behind it.
    early: Bytes,
    empty_frames: u32,
    max_empty_frames: u32,
    failed: Option<OpenError>,
}

impl Opener {
    pub(super) const fn new(key: Key, max_empty_frames: u32) -> Self {
        Self { key, next_frame: 0, early: Bytes::new(), empty_frames: 0, max_empty_frames, failed: None }
    }

    /// Opens whole frames at the front of `input` and appends their data to `out`.
    ///
    /// Frames are consumed from `input`; an incomplete one stays there, and the driver appends what comes next behind it. A
    /// frame is opened only while 1024 bytes more may be appended within `max`, so that `max` is never exceeded; with `max`
    /// below 1024 nothing happens. Returns the bytes that were appended. Frames without data count as nothing, but only so
    /// many in a row are taken. Bytes that came together with the peer's authentication are given out by the first call,
    /// also when `input` is empty ([`Opener::has_early_data`]).
    ///
    /// # Errors
    /// [`OpenError`], from then on at every call. What was opened before the fault has been appended to `out`; the rest of
    /// `input` is of no use. The frame's number moves on only after a good tag.
    pub fn open(&mut self, input: &mut BytesMut, out: &mut BytesMut, max: usize) -> Result<usize, OpenError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let start = out.len();
        let early = self.early.split_to(self.early.len().min(max));
        out.extend_from_slice(&early);
        let appended = |out: &BytesMut| out.len().saturating_sub(start);
        if self.early.is_empty() && input.len() >= FRAME_LEN {
            let cipher = Cipher::new(&self.key);
            while max.saturating_sub(appended(out)) >= FRAME_DATA {
                let Some(frame) = input.get_mut(..FRAME_LEN) else { break };
                self.open_frame(&cipher, frame, out).inspect_err(|error| self.failed = Some(*error))?;
                input.advance(FRAME_LEN);
            }
        }
        Ok(appended(out))
    }

    /// Whether data came together with the peer's authentication, which the next [`Opener::open`] gives out.
    #[must_use]
    pub fn has_early_data(&self) -> bool {
        !self.early.is_empty()
    }

    /// Frames opened so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.next_frame
    }

    pub(super) fn set_early(&mut self, early: Bytes) {
        self.early = early;
    }

    fn open_frame(&mut self, cipher: &Cipher, frame: &mut [u8], out: &mut BytesMut) -> Result<(), OpenError> {
        // The last number is never used, as in Go, which panics instead of counting over it.
        let following = self.next_frame.checked_add(1).ok_or(OpenError::NoncesUsed)?;
        let frame_number = self.next_frame;
        let plain = cipher.open(frame_number, frame).ok_or(OpenError::WrongTag { frame: frame_number })?;
        self.next_frame = following;
        let (length, data) = plain.split_first_chunk::<LENGTH_LEN>().unwrap_or((&[0; LENGTH_LEN], &[]));
        let length = u32::from_le_bytes(*length);
        let data = usize::try_from(length).ok().and_then(|length| data.get(..length));
        // What stands behind the data is padding, and in frames of Go not always zero; nobody looks at it.
        let data = data.ok_or(OpenError::DataLength { frame: frame_number, length })?;
        if !data.is_empty() {
            self.empty_frames = 0;
            out.extend_from_slice(data);
            return Ok(());
        }
        // Go takes a frame without data for a byte that nobody sent, and loses its place in the stream.
        self.empty_frames = self.empty_frames.saturating_add(1);
        if self.empty_frames > self.max_empty_frames {
            return Err(OpenError::EmptyFrames { frames: self.empty_frames, limit: self.max_empty_frames });
        }
        Ok(())
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("next_frame", &self.next_frame)
            .field("early_data", &self.early.len())
            .field("empty_frames", &self.empty_frames)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
