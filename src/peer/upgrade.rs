//! From a byte stream to a peer: the handshake of SecretConnection, then NodeInfo both ways, as one machine.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use super::local::LocalNode;
use super::node_info::NodeInfo;
use crate::machine::Machine;
use crate::secret::{
    self, EphemeralSecret, ExpectedPeer, FRAME_LEN, HandshakeConfig, Input, PublicKey, SecretConnection,
    SecretHandshake,
};
use crate::time::Instant;

mod error;
mod exchange;

pub use error::{UpgradeError, UpgradeStage};
use exchange::Exchange;

/// How an upgrade behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpgradeConfig {
    /// How the secret connection is made. Its timeout holds for each of the two stages, and its limit on frames without data
    /// also for all that the peer sends later.
    pub handshake: HandshakeConfig,
}

impl UpgradeConfig {
    /// Sets how the secret connection is made, and with it how long each stage may take.
    #[must_use]
    pub const fn handshake(mut self, handshake: HandshakeConfig) -> Self {
        self.handshake = handshake;
        self
    }
}

/// How an upgrade ends. There is one event, the last one.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeEvent {
    /// The peer has proven who it is, has said of itself what it may say, can talk to us, and all our output was taken.
    Established(Upgraded),
    /// It has failed.
    Closed(UpgradeError),
}

/// The name of a deadline of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UpgradeTimer {
    /// The secret connection has to stand.
    Handshake,
    /// The NodeInfo has to be there, and ours away.
    NodeInfo,
}

/// What an upgrade gives: [`Peer::new`](super::Peer::new) makes a peer of it.
///
/// What is left in the driver's buffer belongs to the peer.
#[derive(Debug)]
pub struct Upgraded {
    pub(super) connection: SecretConnection,
    pub(super) info: Box<NodeInfo>,
    /// What the peer sent behind its NodeInfo in the same frame.
    pub(super) early: BytesMut,
}

impl Upgraded {
    /// The node key of the peer, which it has proven to own.
    #[must_use]
    pub const fn key(&self) -> PublicKey {
        self.connection.peer
    }

    /// What the peer says of itself. It is valid, and its id is that of the key.
    #[must_use]
    pub const fn node_info(&self) -> &NodeInfo {
        &self.info
    }
}

/// A stream on its way to become a peer, as a machine: the same for who dials and for who listens.
///
/// Its inputs are those of a [`SecretHandshake`], its end is one event. See the [module](super) for an example.
///
/// All that can be done with the bytes at hand is done when they are given: what stays in the driver's buffer is an
/// incomplete frame, or belongs to the [`Peer`](super::Peer).
pub struct Upgrade {
    local: Arc<LocalNode>,
    timeout: Duration,
    deadline: Instant,
    phase: Phase,
    /// Output of the handshake that was not taken: at most two pieces, the first in front.
    outbound: [Option<Bytes>; 2],
}

/// How far an upgrade has come.
enum Phase {
    /// The secret connection is to come.
    Handshake(Box<SecretHandshake>),
    /// NodeInfo is exchanged. Our own may have left or not.
    NodeInfo(Exchange),
    /// Failed; the reason waits to be taken.
    Failed(UpgradeError),
    /// The last event was taken.
    Closed,
}

impl Upgrade {
    /// An upgrade that begins at `now`.
    ///
    /// Our ephemeral key can be taken at once: both sides send without waiting for each other.
    #[must_use]
    pub fn new(
        local: Arc<LocalNode>,
        ephemeral: EphemeralSecret,
        expected: ExpectedPeer,
        config: UpgradeConfig,
        now: Instant,
    ) -> Self {
        let timeout = config.handshake.timeout;
        // The deadline is kept here, for both stages.
        let without_deadline = config.handshake.timeout(Duration::MAX);
        let mut handshake = SecretHandshake::new(local.key(), ephemeral, expected, without_deadline, now);
        let outbound = [handshake.poll_transmit(now), None];
        let deadline = now.saturating_add(timeout);
        Self { local, timeout, deadline, phase: Phase::Handshake(Box::new(handshake)), outbound }
    }

    /// How many bytes the driver should hold for this machine at most: what is in its buffer already, and what it reads.
    ///
    /// With more, the upgrade works as well; this keeps a connection small until the peer is known.
    #[must_use]
    pub fn recv_budget(&self) -> usize {
        match &self.phase {
            Phase::Handshake(handshake) => handshake.recv_budget(),
            Phase::NodeInfo(exchange) if !exchange.is_complete() => FRAME_LEN,
            _ => 0,
        }
    }

    /// Whether output waits to be taken.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        let ours = matches!(&self.phase, Phase::NodeInfo(exchange) if !exchange.is_sent(&self.local));
        ours || self.outbound.iter().any(Option::is_some)
    }

    /// Whether the event waits to be taken, or was.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        match &self.phase {
            Phase::Handshake(_) => false,
            Phase::NodeInfo(exchange) => exchange.is_complete() && !self.wants_write(),
            Phase::Failed(_) | Phase::Closed => true,
        }
    }

    fn stage(&self) -> Option<UpgradeStage> {
        match &self.phase {
            Phase::Handshake(_) => Some(UpgradeStage::Handshake),
            Phase::NodeInfo(exchange) if exchange.is_complete() => Some(UpgradeStage::Leaving),
            Phase::NodeInfo(_) => Some(UpgradeStage::NodeInfo),
            Phase::Failed(_) | Phase::Closed => None,
        }
    }

    fn fail(&mut self, error: UpgradeError) {
        self.phase = Phase::Failed(error);
        self.outbound = [None, None];
    }

    /// Takes all that `buf` has for the upgrade.
    fn receive(&mut self, now: Instant, buf: &mut BytesMut, end: bool) -> Result<(), UpgradeError> {
        if let Phase::Handshake(handshake) = &mut self.phase {
            handshake.handle(now, Input::Received { buf, end });
            self.shake_hands(now)?;
        }
        if let Phase::NodeInfo(exchange) = &mut self.phase
            && !exchange.is_complete()
        {
            exchange.receive(buf, &self.local)?;
            if end && !exchange.is_complete() {
                return Err(UpgradeError::PeerClosed {
                    stage: UpgradeStage::NodeInfo,
                    unread_bytes: exchange.unread(buf),
                });
            }
        }
        Ok(())
    }

    /// Takes over what the handshake gives, and goes on to NodeInfo when it is over.
    ///
    /// Its output is taken at once and kept here, since it ends only when that was taken; so the frames that follow need not
    /// wait for the driver to write.
    fn shake_hands(&mut self, now: Instant) -> Result<(), UpgradeError> {
        let Phase::Handshake(handshake) = &mut self.phase else { return Ok(()) };
        while let Some(output) = handshake.poll_transmit(now) {
            let free = self.outbound.iter_mut().find(|place| place.is_none());
            debug_assert!(free.is_some(), "a handshake has two messages");
            if let Some(place) = free {
                *place = Some(output);
            }
        }
        match handshake.poll_event() {
            None => Ok(()),
            Some(secret::Event::Closed(error)) => Err(error.into()),
            Some(secret::Event::Established(connection)) => {
                self.phase = Phase::NodeInfo(Exchange::new(connection));
                self.deadline = now.saturating_add(self.timeout);
                Ok(())
            }
        }
    }

    /// Our next output.
    fn next_output(&mut self) -> Option<Bytes> {
        let [first, second] = &mut self.outbound;
        if let Some(output) = first.take().or_else(|| second.take()) {
            return Some(output);
        }
        let Phase::NodeInfo(exchange) = &mut self.phase else { return None };
        exchange.next_frame(&self.local)
    }
}

impl Machine for Upgrade {
    type Input<'a> = Input<'a>;
    type Transmit = Bytes;
    type Event = UpgradeEvent;
    type Timer = UpgradeTimer;

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        let Some(stage) = self.stage() else { return };
        let result = match input {
            Input::Received { buf, end } => self.receive(now, buf, end),
            Input::Close => Err(UpgradeError::Local { stage }),
            Input::TransportFailed => Err(UpgradeError::TransportFailed { stage }),
        };
        if let Err(error) = result {
            self.fail(error);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some((deadline, _)) = self.poll_timeout()
            && deadline <= now
            && let Some(stage) = self.stage()
        {
            self.fail(UpgradeError::Timeout { timeout: self.timeout, stage });
        }
    }

    fn poll_event(&mut self) -> Option<UpgradeEvent> {
        if !self.has_ended() {
            return None;
        }
        match core::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::NodeInfo(exchange) => exchange.finish().map(|result| match result {
                Ok(upgraded) => UpgradeEvent::Established(upgraded),
                Err(error) => UpgradeEvent::Closed(error),
            }),
            Phase::Failed(error) => Some(UpgradeEvent::Closed(error)),
            Phase::Handshake(_) | Phase::Closed => None,
        }
    }

    /// Takes our ephemeral key, our authentication, and the frames of our NodeInfo, one by one.
    fn poll_transmit(&mut self, _: Instant) -> Option<Bytes> {
        self.next_output()
    }

    fn poll_timeout(&self) -> Option<(Instant, UpgradeTimer)> {
        if self.has_ended() || self.deadline == Instant::MAX {
            return None;
        }
        let timer = match self.phase {
            Phase::Handshake(_) => UpgradeTimer::Handshake,
            _ => UpgradeTimer::NodeInfo,
        };
        Some((self.deadline, timer))
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("local", &self.local.id())
            .field("stage", &self.stage())
            .field("deadline", &self.deadline)
            .field("wants_write", &self.wants_write())
            .finish_non_exhaustive()
    }
}
