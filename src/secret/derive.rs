//! From the two ephemeral keys to the keys of the frames and the challenge that both sides sign.

use hkdf::Hkdf;
use merlin::Transcript;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::aead::Key;

/// The secret part of the ephemeral X25519 key of one handshake.
///
/// It must come from a cryptographically secure random source and be used for one handshake only, which is why a handshake
/// takes it by value and it can not be cloned. It is never printed, and overwritten when it is dropped.
pub struct EphemeralSecret {
    secret: StaticSecret,
    public: [u8; 32],
}

impl EphemeralSecret {
    /// The secret of 32 random bytes. Every value is one: the bits that X25519 fixes are set when it is used.
    ///
    /// The bytes are copied: the caller overwrites its own.
    #[must_use]
    pub fn from_random(bytes: &[u8; 32]) -> Self {
        let secret = StaticSecret::from(*bytes);
        let public = PublicKey::from(&secret).to_bytes();
        Self { secret, public }
    }

    /// The public part, as the wire carries it.
    #[must_use]
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// What follows from this and the other side's key; `None` when that has low order, so that everybody would know the
    /// shared secret.
    pub(super) fn agree(&self, remote: &[u8; 32]) -> Option<Agreement> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*remote));
        if !shared.was_contributory() {
            return None;
        }
        let is_lower = self.public < *remote;
        let (lower, upper) = if is_lower { (&self.public, remote) } else { (remote, &self.public) };
        Some(Agreement {
            keys: frame_keys(shared.as_bytes(), is_lower)?,
            challenge: challenge(lower, upper, shared.as_bytes()),
        })
    }
}

/// What both sides know after they have each other's ephemeral key.
pub(super) struct Agreement {
    pub(super) keys: FrameKeys,
    /// What both sides sign.
    pub(super) challenge: Zeroizing<[u8; 32]>,
}

impl core::fmt::Debug for EphemeralSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EphemeralSecret").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The keys of the two directions.
pub(super) struct FrameKeys {
    pub(super) send: Key,
    pub(super) receive: Key,
}

const HKDF_INFO: &[u8] = b"TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN";

/// The keys of the frames (`deriveSecrets` of `p2p/conn/secret_connection.go @ v0.38`). They depend on the shared secret alone.
///
/// Who has the lower ephemeral key receives with the first one.
fn frame_keys(shared: &[u8; 32], local_is_lower: bool) -> Option<FrameKeys> {
    // Go takes 32 bytes more, the challenge of versions before v0.33; what stands before them does not depend on it.
    let mut output = Zeroizing::new([0_u8; 64]);
    // 64 bytes can always be had: HKDF gives up to 255 blocks of 32.
    Hkdf::<Sha256>::new(None, shared).expand(HKDF_INFO, output.as_mut_slice()).ok()?;
    let (low, high) = output.split_at(32);
    let (mut first, mut second) = (Key::default(), Key::default());
    first.copy_from_slice(low);
    second.copy_from_slice(high);
    Some(match local_is_lower {
        true => FrameKeys { receive: first, send: second },
        false => FrameKeys { receive: second, send: first },
    })
}

/// What both sides sign: 32 bytes that depend on both ephemeral keys and the shared secret, and on nothing else.
fn challenge(lower: &[u8; 32], upper: &[u8; 32], shared: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut transcript = Zeroizing::new(Transcript::new(b"TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH"));
    transcript.append_message(b"EPHEMERAL_LOWER_PUBLIC_KEY", lower);
    transcript.append_message(b"EPHEMERAL_UPPER_PUBLIC_KEY", upper);
    transcript.append_message(b"DH_SECRET", shared);
    let mut challenge = Zeroizing::new([0; 32]);
    transcript.challenge_bytes(b"SECRET_CONNECTION_MAC", challenge.as_mut_slice());
    challenge
}

#[cfg(test)]
mod tests;
