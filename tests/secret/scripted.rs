//! A peer that does what a test wants, made from the crypto crates alone.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use merlin::Transcript;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};

/// The other side of a handshake, as far as it seals.
pub(crate) struct Scripted {
    cipher: ChaCha20Poly1305,
    nonce: u64,
    challenge: [u8; 32],
}

/// The message with the ephemeral key of `secret`.
pub(crate) fn key_message(secret: &[u8; 32]) -> Vec<u8> {
    [&[0x22, 0x0a, 0x20], PublicKey::from(&StaticSecret::from(*secret)).as_bytes().as_slice()].concat()
}

impl Scripted {
    /// A side that has sent the key of `secret` and received `key_message`.
    pub(crate) fn new(secret: &[u8; 32], key_message: &[u8]) -> Self {
        let secret = StaticSecret::from(*secret);
        let local = PublicKey::from(&secret);
        let remote = PublicKey::from(<[u8; 32]>::try_from(&key_message[3..35]).unwrap());
        let shared = secret.diffie_hellman(&remote);
        let mut keys = [0; 96];
        let info = b"TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN";
        Hkdf::<Sha256>::new(None, shared.as_bytes()).expand(info, &mut keys).unwrap();
        let is_lower = local.as_bytes() < remote.as_bytes();
        let (lower, upper) = if is_lower { (&local, &remote) } else { (&remote, &local) };
        let mut transcript = Transcript::new(b"TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH");
        transcript.append_message(b"EPHEMERAL_LOWER_PUBLIC_KEY", lower.as_bytes());
        transcript.append_message(b"EPHEMERAL_UPPER_PUBLIC_KEY", upper.as_bytes());
        transcript.append_message(b"DH_SECRET", shared.as_bytes());
        let mut challenge = [0; 32];
        transcript.challenge_bytes(b"SECRET_CONNECTION_MAC", &mut challenge);
        let send = if is_lower { &keys[32..64] } else { &keys[..32] };
        Self { cipher: ChaCha20Poly1305::new_from_slice(send).unwrap(), nonce: 0, challenge }
    }

    /// The next frame, with `data` (at most 1024 bytes).
    pub(crate) fn frame(&mut self, data: &[u8]) -> Vec<u8> {
        let mut frame = [&u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat();
        // As Go: what stands behind the data is not zero.
        frame.resize(1028, 0xee);
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.nonce.to_le_bytes());
        self.nonce += 1;
        let tag = self.cipher.encrypt_inout_detached(&nonce.into(), b"", frame.as_mut_slice().into()).unwrap();
        frame.extend_from_slice(&tag);
        frame
    }

    /// The authentication of the node with this seed.
    pub(crate) fn auth(&self, node_seed: u8) -> Vec<u8> {
        let key = SigningKey::from_bytes(&[node_seed; 32]);
        auth_message(key.verifying_key().as_bytes(), &key.sign(&self.challenge).to_bytes())
    }
}

/// An authentication with whatever key and signature.
pub(crate) fn auth_message(key: &[u8; 32], signature: &[u8; 64]) -> Vec<u8> {
    [&[0x66, 0x0a, 0x22, 0x0a, 0x20], key.as_slice(), &[0x12, 0x40], signature].concat()
}
