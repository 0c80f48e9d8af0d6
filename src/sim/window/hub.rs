//! An endpoint with many sessions in a world, and their users.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::conduct::Conduct;
use super::tally::Tally;
use super::user::User;
use super::watch::Watch;
use crate::machine::Machine;
use crate::sim::{Address, DatagramEndpoint, Desk, Violation};
use crate::sliding_window::endpoint::{Endpoint, EndpointConfig, Input, SessionKey};
use crate::sliding_window::{CloseReason, ConfigError, Event};
use crate::time::{Duration, Instant};

/// A session that was told of, and its user.
#[derive(Debug)]
struct Guest {
    address: Address,
    user: User,
    watch: Watch,
}

/// What came from an address and went there before it was proved.
#[derive(Clone, Copy, Debug, Default)]
struct Stranger {
    heard: u64,
    said: u64,
    proved: bool,
}

/// An endpoint that many call, the users of its sessions, and the oracles that watch all of them.
#[derive(Debug)]
pub struct WindowHub {
    endpoint: Endpoint<Address>,
    config: EndpointConfig,
    /// What it does with those that call, each once.
    conducts: BTreeMap<Address, Conduct>,
    guests: BTreeMap<SessionKey, Guest>,
    strangers: BTreeMap<Address, Stranger>,
    stop_at: Instant,
    closing: bool,
    now: Instant,
    endings: Vec<(Address, CloseReason)>,
    tally: Tally,
}

impl WindowHub {
    /// One that expects these callers, and stops when they all have gone, or `stop` later.
    ///
    /// # Errors
    /// Those of [`Endpoint::new`].
    pub fn new(
        config: EndpointConfig,
        conducts: impl IntoIterator<Item = (Address, Conduct)>,
        stop: Duration,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            endpoint: Endpoint::new(config.clone(), now)?,
            config,
            conducts: conducts.into_iter().collect(),
            guests: BTreeMap::new(),
            strangers: BTreeMap::new(),
            stop_at: now + stop,
            closing: false,
            now,
            endings: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// How the sessions with each address have ended, in that order.
    #[must_use]
    pub fn endings(&self) -> &[(Address, CloseReason)] {
        &self.endings
    }

    /// The endpoint.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint<Address> {
        &self.endpoint
    }

    /// What the users of sessions that are over have counted.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    fn hear(&mut self, key: SessionKey, event: Event, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        if let Event::Closed(reason) = event {
            let Some(guest) = self.guests.remove(&key) else {
                return desk.rule(false, "an end without a beginning");
            };
            desk.note(|| format!("{} ended: {reason:?}", guest.address));
            self.tally.add(guest.user.tally);
            self.endings.push((guest.address, reason));
            return Ok(());
        }
        let Some(address) = self.endpoint.address(key).copied() else {
            return desk.rule(false, "an event of a session that is gone");
        };
        if let alloc::collections::btree_map::Entry::Vacant(place) = self.guests.entry(key) {
            desk.rule(event == Event::Connected, "a session that begins with another event")?;
            self.strangers.entry(address).or_default().proved = true;
            let conduct = self.conducts.remove(&address).unwrap_or_else(Conduct::listener);
            let user = User::new(conduct, self.config.session.delivery, address, self.now);
            user.promise(desk);
            place.insert(Guest { address, user, watch: Watch::default() });
        }
        let (now, guests) = (self.now, &mut self.guests);
        let Some(guest) = guests.get_mut(&key) else { return Ok(()) };
        let heard = self.endpoint.with(now, key, |session| guest.user.hear(now, event, session, desk));
        heard.unwrap_or(Ok(()))
    }

    /// Lets all users act; whether one of them told its session to end.
    fn pursue(&mut self, desk: &mut Desk<'_>) -> Result<bool, Violation<Address>> {
        let (now, mut acted) = (self.now, false);
        for (key, guest) in &mut self.guests {
            let Guest { user, watch, .. } = guest;
            let pursued = self.endpoint.with(now, *key, |session| {
                user.pursue(now, session, desk)?;
                watch.look(&session.status(now), &self.config.session, desk)
            });
            pursued.unwrap_or(Ok(()))?;
            acted |= user.has_acted();
        }
        Ok(acted)
    }

    fn look(&self, desk: &Desk<'_>) -> Result<(), Violation<Address>> {
        desk.limit("half-open sessions", self.endpoint.half_open(), self.config.max_half_open)?;
        desk.limit("sessions", self.endpoint.len(), self.config.max_sessions)?;
        for stranger in self.strangers.values().filter(|stranger| !stranger.proved) {
            let most = stranger.heard.saturating_mul(3) as usize;
            desk.limit("bytes said to a stranger", stranger.said as usize, most)?;
        }
        Ok(())
    }

    fn close(&mut self) -> bool {
        let is_idle = self.conducts.is_empty() && self.guests.is_empty();
        let closes = !self.closing && (is_idle || self.now >= self.stop_at);
        if closes {
            self.closing = true;
            self.endpoint.handle(self.now, Input::Close);
        }
        closes
    }
}

impl DatagramEndpoint for WindowHub {
    fn handle_datagram(&mut self, now: Instant, from: Address, datagram: &mut BytesMut) {
        self.now = now;
        let stranger = self.strangers.entry(from).or_default();
        stranger.heard = stranger.heard.saturating_add(datagram.len() as u64);
        self.endpoint.handle(now, Input::Datagram { from, bytes: datagram });
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
        self.now = now;
        let (to, datagram): (Address, Bytes) = self.endpoint.poll_transmit(now)?;
        into.extend_from_slice(&datagram);
        let stranger = self.strangers.entry(to).or_default();
        stranger.said = stranger.said.saturating_add(datagram.len() as u64);
        Some(to)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        let sessions = self.endpoint.poll_timeout().map(|(deadline, _)| deadline);
        let users = self.guests.values().filter_map(|guest| guest.user.next_wake(self.now)).min();
        [sessions, users, (!self.closing).then_some(self.stop_at)].into_iter().flatten().min()
    }

    fn act(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        self.now = now;
        loop {
            let mut any = false;
            while let Some((key, event)) = self.endpoint.poll_event() {
                any = true;
                self.hear(key, event, desk)?;
            }
            any |= self.pursue(desk)?;
            any |= self.close();
            if !any {
                return self.look(desk);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.closing && self.endpoint.is_closed()
    }

    fn describe(&self) -> String {
        let users: Vec<String> = self.guests.values().map(|guest| guest.user.describe()).collect();
        format!("{} sessions; {users:?}", self.endpoint.len())
    }
}
