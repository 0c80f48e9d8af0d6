//! CometBFT's SecretConnection: who is at the other end is proven, and everything is encrypted. A machine for the handshake,
//! then two halves that turn bytes into frames and back.
//!
//! [`SecretHandshake`] is the [`Machine`](crate::machine::Machine). The node's key and the secret of the ephemeral key are
//! arguments: nothing here draws a random number. It ends with [`Event::Established`], which holds a [`SecretConnection`]: a
//! [`Sealer`] and an [`Opener`]. The bytes are those of Tendermint v0.34 to CometBFT today
//! (`p2p/conn/secret_connection.go @ v0.38`).
//!
//! ```
//! use bytes::{Buf, BytesMut};
//! use mconn::machine::{Action, Machine};
//! use mconn::secret::{
//!     EphemeralSecret, Event, ExpectedPeer, HandshakeConfig, Input, NodeKey, SecretConnection, SecretHandshake,
//! };
//! use mconn::time::Instant;
//!
//! /// Takes all that one side gives now: its output goes to `wire`.
//! fn turn(side: &mut SecretHandshake, inbound: &mut BytesMut, wire: &mut BytesMut) -> Option<SecretConnection> {
//!     let mut established = None;
//!     for action in side.step(Instant::ZERO, Input::Received { buf: inbound, end: false }) {
//!         match action {
//!             Action::Transmit(bytes) => wire.extend_from_slice(&bytes),
//!             Action::Event(Event::Established(connection)) => established = Some(connection),
//!             Action::Event(other) => panic!("{other:?}"),
//!         }
//!     }
//!     established
//! }
//!
//! // In a program the ephemeral secrets come from the operating system, and the node keys from files.
//! let (alice_key, bob_key) = (NodeKey::from_seed(&[1; 32]), NodeKey::from_seed(&[2; 32]));
//! let config = HandshakeConfig::default();
//! let start = |key: &NodeKey, random: u8, expected| {
//!     SecretHandshake::new(key, EphemeralSecret::from_random(&[random; 32]), expected, config, Instant::ZERO)
//! };
//! let mut alice = start(&alice_key, 3, ExpectedPeer::Id(bob_key.id())); // she dials Bob, and nobody else
//! let mut bob = start(&bob_key, 4, ExpectedPeer::Any); // he listens
//!
//! let (mut to_alice, mut to_bob) = (BytesMut::new(), BytesMut::new());
//! let (mut at_alice, mut at_bob) = (None, None);
//! while at_alice.is_none() || at_bob.is_none() {
//!     at_alice = at_alice.or(turn(&mut alice, &mut to_alice, &mut to_bob));
//!     at_bob = at_bob.or(turn(&mut bob, &mut to_bob, &mut to_alice));
//! }
//! let (alice, mut bob) = (at_alice.unwrap(), at_bob.unwrap());
//! assert_eq!((alice.peer, bob.peer), (bob_key.public_key(), alice_key.public_key()));
//!
//! let (mut sealer, _opener) = alice.split();
//! sealer.seal(&mut &b"hello"[..], &mut to_bob, usize::MAX)?;
//! let mut opened = BytesMut::new();
//! bob.opener.open(&mut to_bob, &mut opened, usize::MAX)?;
//! assert_eq!(opened, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way of the bytes
//!
//! ```text
//!  35 bytes in the clear        our ephemeral X25519 key             both sides at once
//!  1044 bytes, frame 0          our node key, our signature          after the peer's ephemeral key
//!  1044 bytes each              a length, up to 1024 bytes of data, padding; sealed with ChaCha20-Poly1305
//! ```
//!
//! A driver gives the handshake its read buffer and leaves there what the handshake leaves: those are the first frames. What
//! the peer put behind its authentication *in the same frame* waits in the [`Opener`], which gives it out first.
//!
//! # Stricter than the Go program
//!
//! | Go | here |
//! | --- | --- |
//! | an ephemeral key of another length is padded or cut | [`HandshakeError::EphemeralKeyLength`] |
//! | the two messages may have 1 MiB | 128 and 256 bytes: [`HandshakeError::TooLong`] |
//! | our own ephemeral key, sent back, fails later | [`HandshakeError::ReflectedKey`] |
//! | our own authentication, sent back, passes (the NodeInfo after it does not) | [`HandshakeError::OwnNodeKey`] |
//! | signatures by ZIP 215: keys of small order, with which everybody can sign, pass | [`HandshakeError::WrongSignature`] |
//! | a frame without data becomes a byte that nobody sent | skipped, and limited: [`OpenError::EmptyFrames`] |
//! | padding carries older bytes, up to v0.38.9 those of other connections | zero |
//! | the last nonce panics | [`SealError::NoncesUsed`], [`OpenError::NoncesUsed`] |
//!
//! What honest nodes send is byte for byte the same. The five encodings that stand on lists of low-order points beside the
//! seven true ones are none once the highest bit is masked, as X25519 demands; they pass, as in Go.
//!
//! # What it does not give
//!
//! The protocol is what all nodes speak, so its weaknesses stay; they have been pointed out and kept
//! ([cometbft#4350](https://github.com/cometbft/cometbft/issues/4350)).
//!
//! - The frame keys come from the shared secret alone, not from the transcript. That both sides saw the same two ephemeral
//!   keys is assured by the signatures, hence only once [`Event::Established`] is there.
//! - Both sides sign the same 32 bytes. Neither the direction nor the two node keys are part of them: a signature says "I took
//!   part in this exchange", not "with you".
//! - The node key of the side that sends first can be learnt by any active party: whoever connects is told our key before it
//!   has shown its own.
//! - A frame is one of 1044 bytes whatever it carries, but how many go and when can be seen, and so can the end of a
//!   connection be forged: it is not authenticated. What ends in the middle of a message above must be taken as cut.
//! - No post-quantum secrecy, no change of keys within a connection.
//!
//! Signing keys that live elsewhere (a signing device) and node keys other than Ed25519 are not supported. The frame keys are
//! overwritten when they are dropped; copies that the crypto crates make on the stack for the time of a call are theirs to
//! erase, and `ring` does not erase all of them.
//!
//! # Memory and work
//!
//! Until the peer has proven itself, a connection costs less than 4 KiB with the driver's buffer, if that is no larger than
//! [`SecretHandshake::recv_budget`]. A peer that only connects makes us compute one public key; one that sends 32 bytes, one
//! agreement and one signature. The signature of a peer that is not the expected one is not looked at.
//!
//! # Which ChaCha20-Poly1305
//!
//! The crate `chacha20poly1305` is pure Rust and goes everywhere. With the feature `ring` the frames are sealed and opened by
//! ring, about four times as fast on x86-64. The bytes are the same.

mod aead;
mod connection;
mod derive;
mod error;
mod event;
mod handshake;
mod identity;
mod message;
mod open;
mod seal;

pub use connection::SecretConnection;
pub use derive::EphemeralSecret;
pub use error::{HandshakeError, OpenError, SealError, Stage};
pub use event::{Event, Input, Timer};
pub use handshake::{HandshakeConfig, SecretHandshake};
pub use identity::{ExpectedPeer, NodeId, NodeKey, ParseNodeIdError, PublicKey};
pub use open::Opener;
pub use seal::Sealer;

/// The most bytes of data that a frame carries.
pub const FRAME_DATA: usize = 1024;
/// The bytes of a frame on the wire: the length and the data, always in full, and the tag.
pub const FRAME_LEN: usize = LENGTH_LEN + FRAME_DATA + aead::TAG_LEN;
/// The bytes of the length at the start of a frame.
const LENGTH_LEN: usize = 4;
