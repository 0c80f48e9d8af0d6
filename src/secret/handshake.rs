//! The handshake as a machine.

use core::fmt;
use core::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use zeroize::Zeroizing;

use super::connection::SecretConnection;
use super::derive::{Agreement, EphemeralSecret};
use super::error::{HandshakeError, Stage};
use super::event::{Event, Input, Timer};
use super::identity::{ExpectedPeer, NodeKey, PublicKey, VerifyError};
use super::message::{Authentication, MAX_KEY_WIRE, auth_message, key_message, read_auth, read_key};
use super::open::Opener;
use super::seal::Sealer;
use super::{FRAME_DATA, FRAME_LEN};
use crate::machine::Machine;
use crate::time::Instant;

/// How a handshake behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeConfig {
    /// How long the handshake may take. 20 s, as in the configuration of CometBFT nodes (`handshake_timeout`).
    pub timeout: Duration,
    /// Frames without data that the peer may send in a row, during the handshake and after it. No known node sends any.
    pub max_empty_frames: u32,
}

impl Default for HandshakeConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(20), max_empty_frames: 64 }
    }
}

impl HandshakeConfig {
    /// Sets how long the handshake may take.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many frames without data the peer may send in a row.
    #[must_use]
    pub const fn max_empty_frames(mut self, frames: u32) -> Self {
        self.max_empty_frames = frames;
        self
    }
}

/// The handshake of a secret connection as a machine: the same for who dials and for who listens.
///
/// Its output is two messages, its end one event. See the [module](super) for an example.
pub struct SecretHandshake {
    config: HandshakeConfig,
    expected: ExpectedPeer,
    node_key: NodeKey,
    deadline: Instant,
    phase: Phase,
    /// Our ephemeral key, which was not taken yet.
    key_message: Option<[u8; 35]>,
    /// The frame with our authentication, which was not taken yet.
    auth_frame: Option<Bytes>,
}

/// How far a handshake has come.
enum Phase {
    /// The peer's ephemeral key is to come.
    Key(EphemeralSecret),
    /// The peer's authentication is to come.
    Auth(Keyed),
    /// All has come; our output waits to be taken.
    Leaving(SecretConnection),
    /// Failed; the reason waits to be taken.
    Failed(HandshakeError),
    /// The last event was taken.
    Closed,
}

/// What both sides know when they have each other's ephemeral key.
struct Keyed {
    sealer: Sealer,
    opener: Opener,
    challenge: Zeroizing<[u8; 32]>,
    /// What was opened of the authentication.
    opened: BytesMut,
}

impl SecretHandshake {
    /// A handshake that begins at `now`.
    ///
    /// Its first output, our ephemeral key, can be taken at once: both sides send without waiting for each other.
    #[must_use]
    pub fn new(
        node_key: &NodeKey,
        ephemeral: EphemeralSecret,
        expected: ExpectedPeer,
        config: HandshakeConfig,
        now: Instant,
    ) -> Self {
        Self {
            expected,
            node_key: node_key.clone(),
            deadline: now.saturating_add(config.timeout),
            key_message: Some(key_message(ephemeral.public())),
            auth_frame: None,
            phase: Phase::Key(ephemeral),
            config,
        }
    }

    /// How many bytes the driver should hold for this machine at most: what is in its buffer already, and what it reads.
    ///
    /// With more, the handshake works as well; this keeps a connection small until the peer is known.
    #[must_use]
    pub const fn recv_budget(&self) -> usize {
        match self.phase {
            Phase::Key(_) => MAX_KEY_WIRE + FRAME_LEN,
            Phase::Auth(_) => FRAME_LEN,
            _ => 0,
        }
    }

    /// Whether output waits to be taken.
    #[must_use]
    pub const fn wants_write(&self) -> bool {
        self.key_message.is_some() || self.auth_frame.is_some()
    }

    /// How far it has come; `None` when it has ended.
    const fn stage(&self) -> Option<Stage> {
        match self.phase {
            Phase::Key(_) => Some(Stage::EphemeralKey),
            Phase::Auth(_) => Some(Stage::Authentication),
            Phase::Leaving(_) => Some(Stage::Leaving),
            Phase::Failed(_) | Phase::Closed => None,
        }
    }

    /// The bytes of a message that is not complete, while one is to come.
    fn unread(&self, buf: &BytesMut) -> Option<usize> {
        match &self.phase {
            Phase::Key(_) => Some(buf.len()),
            Phase::Auth(keyed) => Some(keyed.opened.len().saturating_add(buf.len())),
            _ => None,
        }
    }

    fn fail(&mut self, error: HandshakeError) {
        self.phase = Phase::Failed(error);
        self.key_message = None;
        self.auth_frame = None;
    }

    /// Takes all that `buf` has for the handshake.
    fn receive(&mut self, buf: &mut BytesMut) -> Result<(), HandshakeError> {
        if let Phase::Key(ephemeral) = &self.phase {
            let Some((remote, wire_len)) = read_key(buf)? else { return Ok(()) };
            buf.advance(wire_len);
            if ephemeral.public() == &remote {
                return Err(HandshakeError::ReflectedKey);
            }
            let agreement = ephemeral.agree(&remote).ok_or(HandshakeError::LowOrderPoint)?;
            self.authenticate(agreement);
        }
        if let Phase::Auth(keyed) = &mut self.phase {
            let Some((peer, early)) = keyed.receive(buf, self.expected, &self.node_key)? else { return Ok(()) };
            if let Phase::Auth(Keyed { sealer, mut opener, .. }) = core::mem::replace(&mut self.phase, Phase::Closed) {
                opener.set_early(early);
                self.phase = Phase::Leaving(SecretConnection { peer, sealer, opener });
            }
        }
        Ok(())
    }

    /// Seals our own authentication, and waits for the peer's.
    fn authenticate(&mut self, agreement: Agreement) {
        let Agreement { keys, challenge } = agreement;
        let mut sealer = Sealer::new(keys.send);
        let message = auth_message(self.node_key.public_key().as_bytes(), &self.node_key.sign(challenge.as_slice()));
        let mut frame = BytesMut::with_capacity(FRAME_LEN);
        let sealed = sealer.seal(&mut message.as_slice(), &mut frame, FRAME_LEN);
        debug_assert_eq!(sealed, Ok(FRAME_LEN), "the first frame of a direction can always be sealed");
        self.auth_frame = Some(frame.freeze());
        let opener = Opener::new(keys.receive, self.config.max_empty_frames);
        self.phase = Phase::Auth(Keyed { sealer, opener, challenge, opened: BytesMut::new() });
    }
}

impl Keyed {
    /// Opens frames until the authentication is there, and checks it: the peer's key, and what followed in the same frame.
    ///
    /// All known nodes put it into one frame, but a stream may be cut anywhere.
    fn receive(
        &mut self,
        buf: &mut BytesMut,
        expected: ExpectedPeer,
        node_key: &NodeKey,
    ) -> Result<Option<(PublicKey, Bytes)>, HandshakeError> {
        loop {
            if let Some((authentication, wire_len)) = read_auth(&self.opened)? {
                let peer = check(authentication, self.challenge.as_slice(), expected, node_key)?;
                let mut early = core::mem::take(&mut self.opened);
                early.advance(wire_len);
                // Nothing of the buffer stays when there is nothing in it.
                return Ok(Some((peer, if early.is_empty() { Bytes::new() } else { early.freeze() })));
            }
            if buf.len() < FRAME_LEN {
                return Ok(None);
            }
            // One frame with data at a time: what comes after the authentication stays sealed.
            self.opener.open(buf, &mut self.opened, FRAME_DATA)?;
        }
    }
}

/// Checks who the peer is; what is cheap comes first.
fn check(
    authentication: Authentication<'_>,
    challenge: &[u8],
    expected: ExpectedPeer,
    node_key: &NodeKey,
) -> Result<PublicKey, HandshakeError> {
    let peer = PublicKey::from_bytes(authentication.node_key()?);
    let signature = authentication.signature()?;
    // Both sides sign the same bytes: our own authentication, sent back, would pass.
    if peer == node_key.public_key() {
        return Err(HandshakeError::OwnNodeKey);
    }
    if let Some(expected) = expected.refuses(peer) {
        return Err(HandshakeError::WrongPeer { expected, found: peer.id() });
    }
    match peer.verify(challenge, &signature) {
        Ok(()) => Ok(peer),
        Err(VerifyError::NoPoint) => Err(HandshakeError::NodeKeyInvalid),
        Err(VerifyError::WrongSignature) => Err(HandshakeError::WrongSignature { claimed: peer.id() }),
    }
}

impl Machine for SecretHandshake {
    type Input<'a> = Input<'a>;
    type Transmit = Bytes;
    type Event = Event;
    type Timer = Timer;

    fn handle(&mut self, _: Instant, input: Input<'_>) {
        let Some(stage) = self.stage() else { return };
        match input {
            Input::Received { buf, end } => {
                if let Err(error) = self.receive(buf) {
                    self.fail(error);
                } else if end && let Some(unread_bytes) = self.unread(buf) {
                    let stage = self.stage().unwrap_or(stage);
                    self.fail(HandshakeError::PeerClosed { stage, unread_bytes });
                }
            }
            Input::Close => self.fail(HandshakeError::Local { stage }),
            Input::TransportFailed => self.fail(HandshakeError::TransportFailed { stage }),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(stage) = self.stage()
            && self.deadline <= now
            && self.deadline < Instant::MAX
        {
            self.fail(HandshakeError::Timeout { timeout: self.config.timeout, stage });
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        match &self.phase {
            Phase::Leaving(_) if self.wants_write() => return None,
            Phase::Leaving(_) | Phase::Failed(_) => {}
            Phase::Key(_) | Phase::Auth(_) | Phase::Closed => return None,
        }
        match core::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Leaving(connection) => Some(Event::Established(connection)),
            Phase::Failed(error) => Some(Event::Closed(error)),
            Phase::Key(_) | Phase::Auth(_) | Phase::Closed => None,
        }
    }

    /// Takes our ephemeral key, and later, when the peer's has come, the frame with our authentication.
    fn poll_transmit(&mut self, _: Instant) -> Option<Bytes> {
        let key = self.key_message.take().map(|message| Bytes::copy_from_slice(&message));
        key.or_else(|| self.auth_frame.take())
    }

    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        (self.stage().is_some() && self.deadline < Instant::MAX).then_some((self.deadline, Timer::Handshake))
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }
}

impl fmt::Debug for SecretHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretHandshake")
            .field("stage", &self.stage())
            .field("expected", &self.expected)
            .field("deadline", &self.deadline)
            .field("wants_write", &self.wants_write())
            .finish_non_exhaustive()
    }
}
