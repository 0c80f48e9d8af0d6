//! Nodes over links that cut, delay and stall: upgrade and traffic as one run, from a seed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mconn::connection::{CloseReason, Event, Input, SendError, SendRefusal, Status, StreamMachine, Timer};
use mconn::machine::Machine;
use mconn::peer::{Origin, Peer, PeerClosed, Upgrade, UpgradeError, UpgradeEvent};
use mconn::secret::{self, ExpectedPeer, NodeKey};
use mconn::sim::{Cut, LinkConfig, Operation, Pair, PairConfig, Reader, Side, Stalls};
use mconn::time::Instant;

use super::{config, info, node, pattern, upgrade, upgrade_of};

/// A stream from its first byte to its last: an upgrade, then what came of it.
#[derive(Debug)]
enum Node {
    Upgrading(Box<Upgrade>),
    Peer(Box<Peer>),
    Failed(Option<UpgradeError>),
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Ending {
    #[error(transparent)]
    Upgrade(UpgradeError),
    #[error(transparent)]
    Peer(PeerClosed),
}

impl Node {
    /// Goes on to the next part of its life if the upgrade is over.
    fn advance(&mut self, now: Instant) {
        let Self::Upgrading(upgrade) = self else { return };
        match upgrade.poll_event() {
            None => {}
            Some(UpgradeEvent::Established(upgraded)) => {
                *self = Self::Peer(Box::new(Peer::new(upgraded, Origin::inbound(), config(), now).unwrap()));
            }
            Some(UpgradeEvent::Closed(error)) => *self = Self::Failed(Some(error)),
            Some(other) => panic!("{other:?}"),
        }
    }

    /// What cannot be sent for now, or never.
    fn refusal(&self) -> SendRefusal {
        match self {
            // The user tries again.
            Self::Upgrading(_) => SendRefusal::Full { queued: 0, capacity: 0, queued_bytes: 0, capacity_bytes: 0 },
            Self::Peer(_) | Self::Failed(_) => SendRefusal::Closed,
        }
    }
}

impl Machine for Node {
    type Input<'a> = Input<'a>;
    type Transmit = Bytes;
    type Event = Event<Ending>;
    type Timer = Option<Timer>;

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        let upgrade = match self {
            Self::Upgrading(upgrade) => upgrade,
            Self::Peer(peer) => return peer.handle(now, input),
            Self::Failed(_) => return,
        };
        match input {
            Input::Received { buf, end } => {
                upgrade.handle(now, secret::Input::Received { buf, end });
                self.advance(now);
                // What the upgrade left is the peer's.
                if let Self::Peer(peer) = self {
                    peer.handle(now, Input::Received { buf, end });
                }
                return;
            }
            Input::Close | Input::CloseAfterFlush { .. } => upgrade.handle(now, secret::Input::Close),
            Input::TransportFailed => upgrade.handle(now, secret::Input::TransportFailed),
        }
        self.advance(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Upgrading(upgrade) => upgrade.handle_timeout(now),
            Self::Peer(peer) => peer.handle_timeout(now),
            Self::Failed(_) => {}
        }
        self.advance(now);
    }

    fn poll_event(&mut self) -> Option<Event<Ending>> {
        match self {
            Self::Upgrading(_) => None,
            Self::Peer(peer) => peer.poll_event().map(|event| match event {
                Event::Message { channel, payload } => Event::Message { channel, payload },
                Event::Closed(reason) => Event::Closed(Ending::Peer(reason)),
                other => panic!("{other:?}"),
            }),
            Self::Failed(error) => error.take().map(|error| Event::Closed(Ending::Upgrade(error))),
        }
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        let output = match self {
            Self::Upgrading(upgrade) => upgrade.poll_transmit(now),
            Self::Peer(peer) => peer.poll_transmit(now),
            Self::Failed(_) => None,
        };
        self.advance(now);
        output
    }

    fn poll_timeout(&self) -> Option<(Instant, Option<Timer>)> {
        match self {
            Self::Upgrading(upgrade) => upgrade.poll_timeout().map(|(deadline, _)| (deadline, None)),
            Self::Peer(peer) => peer.poll_timeout().map(|(deadline, timer)| (deadline, Some(timer))),
            Self::Failed(_) => None,
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Upgrading(_) => false,
            Self::Peer(peer) => peer.is_closed(),
            Self::Failed(error) => error.is_none(),
        }
    }
}

impl StreamMachine for Node {
    type Ending = Ending;

    fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError> {
        match self {
            Self::Peer(peer) => peer.try_send(channel, message),
            _ => Err(SendError::new(self.refusal(), channel, message)),
        }
    }

    fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal> {
        match self {
            Self::Peer(peer) => peer.may_send(channel, len),
            _ => Err(self.refusal()),
        }
    }

    fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        let start = out.len();
        while let Self::Upgrading(_) = self
            && out.len() - start + 1044 <= max
            && let Some(bytes) = self.poll_transmit(now)
        {
            out.extend_from_slice(&bytes);
        }
        if let Self::Peer(peer) = self {
            let left = max - (out.len() - start);
            peer.transmit_into(now, out, left);
        }
        out.len() - start
    }

    fn recv_budget(&mut self, now: Instant) -> usize {
        match self {
            Self::Upgrading(upgrade) => upgrade.recv_budget(),
            Self::Peer(peer) => peer.recv_budget(now),
            Self::Failed(_) => 0,
        }
    }

    fn wants_read(&self) -> bool {
        match self {
            Self::Upgrading(upgrade) => upgrade.recv_budget() > 0,
            Self::Peer(peer) => peer.wants_read(),
            Self::Failed(_) => false,
        }
    }

    fn wants_write(&self) -> bool {
        match self {
            Self::Upgrading(upgrade) => upgrade.wants_write(),
            Self::Peer(peer) => peer.wants_write(),
            Self::Failed(_) => false,
        }
    }

    fn has_ended(&self) -> bool {
        match self {
            Self::Upgrading(_) => false,
            Self::Peer(peer) => peer.has_ended(),
            Self::Failed(_) => true,
        }
    }

    fn is_flushed(ending: &Ending) -> bool {
        matches!(ending, Ending::Peer(reason) if reason.is_flushed())
    }

    fn status(&self, now: Instant) -> Status {
        match self {
            Self::Peer(peer) => peer.status(now),
            _ => panic!("asked only where there is a limit on memory, and here is none"),
        }
    }

    fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        if let Self::Peer(peer) = self {
            peer.set_send_rate(now, rate);
        }
    }

    fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        if let Self::Peer(peer) = self {
            peer.set_recv_rate(now, rate);
        }
    }
}

fn nodes() -> (Node, Node) {
    let dialling = upgrade(ExpectedPeer::Id(NodeKey::from_seed(&[3; 32]).id()));
    let listening = upgrade_of(node(info(3), 3), 4, ExpectedPeer::Any);
    (Node::Upgrading(Box::new(dialling)), Node::Upgrading(Box::new(listening)))
}

/// What a seed chooses, without a random source of its own.
fn choice(seed: u64, number: u64, below: usize) -> usize {
    let mixed = (seed * 31 + number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 33) as usize % below
}

fn pair(seed: u64) -> Pair<Node, Node> {
    let (a, b) = nodes();
    let mut config = PairConfig::symmetric(LinkConfig::new());
    for (number, link) in [&mut config.a_to_b, &mut config.b_to_a].into_iter().enumerate() {
        let choice = |what, below| choice(seed, 10 * number as u64 + what, below);
        *link = LinkConfig::new()
            .latency(Duration::from_millis(choice(0, 200) as u64))
            .jitter(Duration::from_millis(choice(1, 30) as u64))
            .chunk(1 + choice(2, 3000))
            .segment(1 + choice(3, 3000))
            .buffer(500 + choice(4, 20_000));
        if choice(5, 2) == 0 {
            *link = link.clone().stalls(Stalls {
                longest_gap: Duration::from_millis(300),
                longest: Duration::from_millis(100 + choice(6, 900) as u64),
            });
        }
    }
    for (number, driver) in [&mut config.driver_a, &mut config.driver_b].into_iter().enumerate() {
        let choice = |what, below| choice(seed, 10 * number as u64 + what, below);
        driver.write_size = 1044 + choice(7, 8000);
        driver.packet_by_packet = choice(8, 3) == 0;
        driver.reader = Reader { rest: Duration::from_millis(choice(9, 50) as u64), batch: 1 + choice(10, 5) as u32 };
        if choice(11, 3) == 0 {
            *driver = driver.clone().ticks(Duration::from_millis(20));
        }
    }
    Pair::new(seed, a, b, config)
}

#[test]
fn nodes_meet_and_talk_whatever_lies_between_them() {
    for seed in 0..30 {
        let mut pair = pair(seed);
        for number in 0..40_usize {
            let side = if number % 2 == 0 { Side::A } else { Side::B };
            let channel = super::CHANNELS[choice(seed, number as u64, 3)];
            pair.send(side, channel, pattern(choice(seed, 100 + number as u64, 4000), number));
        }
        let delivered = pair.run_until_delivered().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(delivered, "seed {seed}");
        let closer = if seed % 2 == 0 { Side::A } else { Side::B };
        let now = pair.now();
        pair.plan(closer, now, Operation::CloseAfterFlush { within: None });
        pair.run().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let flushed = Ending::Peer(PeerClosed::Connection(CloseReason::Flushed));
        let ended = if closer == Side::A { pair.ending_a() } else { pair.ending_b() };
        assert_eq!(ended, Some(&flushed), "seed {seed}");
        let (received_a, received_b) = (pair.received(Side::A).len(), pair.received(Side::B).len());
        assert_eq!((received_a, received_b), (20, 20), "seed {seed}");
    }
}

/// Wherever a link breaks, both sides end, and what was delivered was right: the ledger looks at each message.
#[test]
fn a_link_that_breaks_anywhere_ends_both() {
    for seed in 0..90_u64 {
        let mut pair_config = PairConfig::symmetric(LinkConfig::new().chunk(700));
        let after = seed * 67;
        pair_config.a_to_b.cut = Some(match seed % 3 {
            0 => Cut::end(after),
            1 => Cut::failure(after),
            _ => Cut::silence(after),
        });
        let (a, b) = nodes();
        let mut pair = Pair::new(seed, a, b, pair_config);
        for number in 0..4 {
            pair.send(Side::A, 0x20, pattern(900, number));
            pair.send(Side::B, 0x20, pattern(900, number));
        }
        pair.run().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(pair.ending_a().is_some() && pair.ending_b().is_some(), "seed {seed}");
    }
}
