//! What the reactors of one node have seen, and whether that may be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use mconn::connection::ChannelConfig;
use mconn::peer::Reactor;
use mconn::peer::pex;
use mconn::peer::switch::{Context, EndReason};
use mconn::secret::NodeId;
use mconn::sim::Random;
use mconn::time::{Duration, Instant};

/// How many recorders a node has.
pub(crate) const RECORDERS: usize = 2;
/// Their channels.
pub(crate) const CHANNELS: [u8; RECORDERS] = [0x20, 0x30];

/// What all recorders of one node have seen.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) peers: BTreeMap<NodeId, [Stage; RECORDERS]>,
    pub(crate) broken: Vec<String>,
    pub(crate) calls: u64,
    pub(crate) messages: u64,
    pub(crate) ended_between: u64,
    /// What peers do wrong, in a hundred calls.
    pub(crate) mischief: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    None,
    Init,
    Add,
}

/// A reactor that writes down what it sees.
pub(crate) struct Recorder {
    place: usize,
    ledger: Arc<Mutex<Ledger>>,
    random: Random,
    next: Instant,
    sessions: u64,
    peers: BTreeMap<NodeId, Talk>,
    /// A peer that was stopped by us and is still to be removed.
    stopped: Option<NodeId>,
}

/// The messages of one connection, as one recorder sees them.
#[derive(Debug, Default)]
struct Talk {
    session: u64,
    sent: u64,
    /// The other side's session, and the number of its next message.
    received: Option<(u64, u64)>,
}

/// What recorder 0 keeps with a peer.
struct Kept(u64);

impl Recorder {
    pub(crate) const fn new(place: usize, ledger: Arc<Mutex<Ledger>>, random: Random) -> Self {
        Self { place, ledger, random, next: Instant::ZERO, sessions: 0, peers: BTreeMap::new(), stopped: None }
    }

    fn mischief(&mut self) -> bool {
        let times = self.ledger.lock().unwrap().mischief;
        self.random.below(1000) < times * 10
    }

    fn say(&mut self, context: &mut Context<'_>, peer: NodeId) {
        let Some(talk) = self.peers.get_mut(&peer) else { return };
        let mut message = BytesMut::new();
        message.put_u64(talk.session);
        message.put_u64(talk.sent);
        let longest = if self.random.percent(5) { 5000 } else { 60 };
        message.put_bytes(7, self.random.size(0..=longest));
        let (channel, message) = (CHANNELS[self.place], message.freeze());
        let sent = match self.random.percent(50) {
            true => context.send(&peer, channel, message),
            false => context.try_send(&peer, channel, message),
        };
        talk.sent += u64::from(sent.is_ok());
    }

    /// Notes a call, and that it may be.
    fn note(&self, peer: NodeId, call: &str, may: impl Fn(usize, Stage) -> bool, after: Stage) {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.calls += 1;
        let stages = ledger.peers.entry(peer).or_default();
        let before = *stages;
        stages[self.place] = after;
        let gone = stages.iter().all(|stage| *stage == Stage::None);
        if gone {
            ledger.peers.remove(&peer);
        }
        if !before.iter().enumerate().all(|(place, stage)| may(place, *stage)) {
            ledger.broken.push(format!("{call} of {peer} at reactor {}: {before:?}", self.place));
        }
        ledger.ended_between += u64::from(call == "remove_peer" && before[self.place] == Stage::Init);
    }
}

impl Reactor for Recorder {
    fn channels(&self) -> Vec<ChannelConfig> {
        let channel = ChannelConfig::new(CHANNELS[self.place], 1 + self.place as u32);
        [channel.send_queue_capacity(4).recv_message_capacity(10_000)].into()
    }

    fn init_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        let place = self.place;
        let expected = |other| if other < place { Stage::Init } else { Stage::None };
        self.note(peer, "init_peer", |other, stage| stage == expected(other), Stage::Init);
        self.sessions += 1;
        self.peers.insert(peer, Talk { session: self.sessions, ..Talk::default() });
        if place == 0 {
            context.data(&peer).unwrap().insert(Kept(self.sessions));
        }
        if context.try_send(&peer, CHANNELS[place], Bytes::new()).is_ok() {
            self.ledger.lock().unwrap().broken.push(format!("{peer} takes messages before it has started"));
        }
        if self.mischief() {
            context.stop_peer(&peer, "mischief in init_peer");
        }
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        let place = self.place;
        let expected = |other| if other < place { Stage::Add } else { Stage::Init };
        self.note(peer, "add_peer", |other, stage| stage == expected(other), Stage::Add);
        for _ in 0..self.random.size(0..=3) {
            self.say(context, peer);
        }
        if self.mischief() {
            context.stop_peer(&peer, "mischief in add_peer");
        }
    }

    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, channel: u8, mut message: Bytes) {
        self.note(peer, "receive", |_, stage| stage == Stage::Add, Stage::Add);
        self.ledger.lock().unwrap().messages += 1;
        let mut problem = (channel != CHANNELS[self.place]).then_some("a message of a channel of somebody else");
        if self.stopped == Some(peer) {
            problem = Some("a message of a peer that was stopped");
        }
        let (session, number) = (message.get_u64(), message.get_u64());
        if session != u64::MAX {
            let talk = self.peers.get_mut(&peer).unwrap();
            if (session, number) != talk.received.unwrap_or((session, 0)) {
                problem = Some("a message is missing, doubled, or of another connection");
            }
            talk.received = Some((session, number + 1));
        }
        if let Some(problem) = problem {
            self.ledger.lock().unwrap().broken.push(format!("{problem}: {peer}, {session} {number}"));
        }
        if self.random.percent(40) {
            self.say(context, peer);
        }
        if self.mischief() {
            match self.random.below(3) {
                0 => {
                    self.stopped = Some(peer);
                    context.stop_peer(&peer, "mischief in receive")
                }
                1 => context.close_peer(&peer, Some(context.now() + Duration::from_secs(1))),
                _ => {
                    let peers: Vec<_> = context.peers().map(|peer| peer.id()).collect();
                    let other = self.random.choose(&peers, peer);
                    context.stop_peer(&other, "mischief in receive of another")
                }
            };
        }
    }

    fn remove_peer(&mut self, context: &mut Context<'_>, peer: NodeId, _: &EndReason) {
        let place = self.place;
        // Who comes later has been told already.
        let may = |other: usize, stage: Stage| (stage == Stage::None) == (other > place);
        self.note(peer, "remove_peer", may, Stage::None);
        self.stopped.take_if(|stopped| *stopped == peer);
        let talk = self.peers.remove(&peer);
        if context.is_peer(&peer) || talk.is_none() {
            self.ledger.lock().unwrap().broken.push(format!("{peer} is removed and still a peer"));
        }
        let kept = context.data(&peer).and_then(|data| data.get::<Kept>().map(|kept| kept.0));
        if place == 0 && kept != talk.map(|talk| talk.session) {
            self.ledger.lock().unwrap().broken.push(format!("what was kept with {peer} is gone: {kept:?}"));
        }
        if self.mischief() {
            let peers: Vec<_> = context.peers().map(|peer| peer.id()).collect();
            let other = self.random.choose(&peers, peer);
            context.stop_peer(&other, "mischief in remove_peer");
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn handle_timeout(&mut self, context: &mut Context<'_>) {
        self.next = context.now() + Duration::from_secs(10) + self.random.duration(Duration::from_secs(20));
        let mut message = BytesMut::new();
        message.put_u64(u64::MAX);
        message.put_u64(0);
        context.broadcast(CHANNELS[self.place], &message.freeze());
    }
}

/// A reactor on the channel of peer exchange that breaks its rules.
pub(crate) struct Vandal {
    random: Random,
    ledger: Arc<Mutex<Ledger>>,
    next: Instant,
}

impl Vandal {
    pub(crate) const fn new(ledger: Arc<Mutex<Ledger>>, random: Random) -> Self {
        Self { random, ledger, next: Instant::ZERO }
    }

    fn strike(&mut self, context: &mut Context<'_>, peer: NodeId) {
        if self.ledger.lock().unwrap().mischief == 0 {
            return;
        }
        let mut garbage = [0; 40];
        self.random.fill(&mut garbage);
        let message = match self.random.below(4) {
            0 => Bytes::copy_from_slice(&garbage),
            1 => pex::PexMessage::Addresses(Vec::new()).encode(),
            _ => pex::PexMessage::Request.encode(),
        };
        let _ = context.try_send(&peer, pex::CHANNEL, message);
    }
}

impl Reactor for Vandal {
    fn channels(&self) -> Vec<ChannelConfig> {
        [ChannelConfig::new(pex::CHANNEL, 1).send_queue_capacity(10)].into()
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        if self.random.percent(20) {
            self.strike(context, peer);
        }
    }

    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, _: u8, _: Bytes) {
        self.strike(context, peer);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn handle_timeout(&mut self, context: &mut Context<'_>) {
        self.next = context.now() + Duration::from_secs(3) + self.random.duration(Duration::from_secs(10));
        let peers: Vec<_> = context.peers().map(|peer| peer.id()).collect();
        peers.into_iter().for_each(|peer| self.strike(context, peer));
    }
}
