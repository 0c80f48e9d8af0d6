//! ChaCha20-Poly1305 with a counter as nonce: the keys, and the crate that does the work.
//!
//! A [`Cipher`] is made for one call and dropped with it: only the 32 bytes of the [`Key`] stay in memory between calls, and
//! those are overwritten when they are dropped, whichever crate is chosen.

use zeroize::Zeroizing;

#[cfg(any(not(feature = "ring"), test))]
mod pure;
#[cfg(feature = "ring")]
mod ring;

#[cfg(not(feature = "ring"))]
pub(super) use pure::Cipher;
#[cfg(feature = "ring")]
pub(super) use ring::Cipher;

/// The bytes of a tag.
pub(super) const TAG_LEN: usize = 16;

/// The key of one direction.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// The nonce of a frame: four zero bytes, then the frame's number, the lowest byte first
/// (`p2p/conn/secret_connection.go @ v0.38`, `incrNonce`).
const fn nonce(frame: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = frame.to_le_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests;
