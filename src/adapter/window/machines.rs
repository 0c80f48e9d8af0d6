//! The machine that a driver carries: an endpoint with its sessions, or one session.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Batch, PeerAddress};
use crate::machine::Machine;
use crate::sliding_window::endpoint::{self, Endpoint, EndpointCounters, SessionKey};
use crate::sliding_window::{CloseReason, ConfigError, Event, Farewell, Input, SlidingWindow, Status};
use crate::time::Instant;

/// Which session. The only one of its kind has no key.
pub(super) type Key = Option<SessionKey>;

/// One machine or many behind the same face.
#[derive(Debug)]
pub(super) enum Machines {
    Many(Box<Endpoint<PeerAddress>>),
    One(Box<One>),
}

/// One session, and where its peer is.
#[derive(Debug)]
pub(super) struct One {
    session: SlidingWindow,
    /// `None` until somebody calls.
    peer: Option<PeerAddress>,
    /// Whether the peer can not be anywhere else: it was given, or has proved that it hears us.
    settled: bool,
    /// What answers a peer that goes on with the session after its end.
    farewell: Option<Farewell>,
    /// Its answer.
    answer: Option<Bytes>,
}

impl One {
    pub(super) fn new(session: SlidingWindow, peer: Option<PeerAddress>) -> Self {
        Self { session, settled: peer.is_some(), peer, farewell: None, answer: None }
    }

    fn on_datagram(&mut self, now: Instant, from: &PeerAddress, bytes: &[u8]) {
        if self.peer.as_ref() != Some(from) {
            if self.settled {
                return;
            }
            self.peer = Some(from.clone());
        }
        if let Some(farewell) = &mut self.farewell {
            self.answer = farewell.answer(bytes).or(self.answer.take());
            return;
        }
        self.session.handle(now, Input::Datagram(bytes));
        self.settled |= self.session.is_connected();
    }

    fn transmit_batch(&mut self, now: Instant, batch: &mut Batch, lengths: &mut Vec<usize>, most: usize) {
        match self.answer.take() {
            Some(answer) => {
                if let Some(buffer) = batch.buffer.get_mut(..answer.len()) {
                    buffer.copy_from_slice(&answer);
                    lengths.push(answer.len());
                }
            }
            None => _ = self.session.transmit_batch(now, &mut batch.buffer, lengths, most),
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.session.poll_event()?;
        // After an orderly end the peer waits no longer than it lingers, whatever it has heard.
        if matches!(&event, Event::Closed(reason) if *reason != CloseReason::Finished) {
            self.farewell = self.session.farewell();
        }
        Some(event)
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.farewell {
            Some(farewell) => Some(farewell.until()),
            None => self.session.poll_timeout().map(|(deadline, _)| deadline),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.farewell.take_if(|farewell| farewell.until() <= now);
        self.session.handle_timeout(now);
    }

    /// Nobody is to be answered any more.
    fn transport_failed(&mut self, now: Instant) {
        (self.farewell, self.answer) = (None, None);
        self.session.handle(now, Input::TransportFailed);
    }
}

impl Machines {
    pub(super) fn with<R>(
        &mut self,
        now: Instant,
        key: Key,
        use_it: impl FnOnce(&mut SlidingWindow) -> R,
    ) -> Option<R> {
        match self {
            Self::Many(endpoint) => endpoint.with(now, key?, use_it),
            Self::One(one) => (!one.session.is_closed()).then(|| use_it(&mut one.session)),
        }
    }

    /// A session that has not ended.
    pub(super) fn session(&self, key: Key) -> Option<&SlidingWindow> {
        match self {
            Self::Many(endpoint) => endpoint.session(key?),
            Self::One(one) => Some(&one.session).filter(|session| !session.is_closed()),
        }
    }

    pub(super) fn address(&self, key: Key) -> Option<&PeerAddress> {
        match self {
            Self::Many(endpoint) => endpoint.address(key?),
            Self::One(one) => one.peer.as_ref(),
        }
    }

    pub(super) fn on_datagram(&mut self, now: Instant, from: &PeerAddress, bytes: &[u8]) {
        match self {
            Self::Many(endpoint) => endpoint.handle(now, endpoint::Input::Datagram { from: from.clone(), bytes }),
            Self::One(one) => one.on_datagram(now, from, bytes),
        }
    }

    /// Fills an empty batch; at most `most` datagrams.
    pub(super) fn fill(&mut self, now: Instant, batch: &mut Batch, lengths: &mut Vec<usize>, most: usize) {
        let to = match self {
            Self::Many(endpoint) => endpoint.transmit_batch(now, &mut batch.buffer, lengths, most),
            Self::One(one) => {
                one.transmit_batch(now, batch, lengths, most);
                one.peer.clone()
            }
        };
        match to {
            Some(to) => batch.refill(to, lengths),
            None => lengths.clear(),
        }
    }

    pub(super) fn transport_failed(&mut self, now: Instant) {
        match self {
            Self::Many(endpoint) => endpoint.handle(now, endpoint::Input::TransportFailed),
            Self::One(one) => one.transport_failed(now),
        }
    }

    /// Asks all peers at once whether they are there.
    pub(super) fn probe(&mut self, now: Instant) {
        match self {
            Self::Many(endpoint) => {
                for key in endpoint.sessions().collect::<Vec<_>>() {
                    endpoint.with(now, key, |session| session.probe(now));
                }
            }
            Self::One(one) => one.session.probe(now),
        }
    }

    /// Finishes all sessions, and accepts no more.
    pub(super) fn close(&mut self, now: Instant) {
        match self {
            Self::Many(endpoint) => endpoint.handle(now, endpoint::Input::Close),
            Self::One(one) => one.session.handle(now, Input::Close),
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<(Key, Event)> {
        match self {
            Self::Many(endpoint) => endpoint.poll_event().map(|(key, event)| (Some(key), event)),
            Self::One(one) => one.poll_event().map(|event| (None, event)),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Many(endpoint) => endpoint.poll_timeout().map(|(deadline, _)| deadline),
            Self::One(one) => one.deadline(),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Many(endpoint) => endpoint.handle_timeout(now),
            Self::One(one) => one.handle_timeout(now),
        }
    }

    /// Whether there may be output. Of many it is not known exactly.
    pub(super) fn wants_write(&self) -> bool {
        match self {
            Self::Many(endpoint) => endpoint.wants_write(),
            Self::One(one) => one.answer.is_some() || one.session.wants_write(),
        }
    }

    /// Whether no session can be opened any more.
    pub(super) fn is_closing(&self) -> bool {
        match self {
            Self::Many(endpoint) => !endpoint.accepts(),
            Self::One(_) => true,
        }
    }

    pub(super) fn counters(&self) -> EndpointCounters {
        match self {
            Self::Many(endpoint) => endpoint.counters(),
            Self::One(_) => EndpointCounters::default(),
        }
    }

    pub(super) fn statuses(&self, now: Instant) -> Vec<Status> {
        match self {
            Self::Many(endpoint) => {
                let sessions = endpoint.sessions().filter_map(|key| endpoint.session(key));
                sessions.map(|session| session.status(now)).collect()
            }
            Self::One(one) => alloc::vec![one.session.status(now)],
        }
    }

    /// Opens a session.
    pub(super) fn connect(&mut self, now: Instant, to: PeerAddress) -> Option<Result<Key, ConfigError>> {
        match self {
            Self::Many(endpoint) => Some(endpoint.connect(now, to).map(Some)),
            Self::One(_) => None,
        }
    }

    /// Whether nothing will ever come of it again; `owned` says whether anybody can still open a session.
    pub(super) fn is_over(&self, owned: bool) -> bool {
        match self {
            Self::Many(endpoint) => endpoint.is_closed() || (!owned && endpoint.is_empty()),
            Self::One(one) => one.session.is_closed() && one.farewell.is_none(),
        }
    }
}
