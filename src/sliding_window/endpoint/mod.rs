//! Many sessions over one socket: datagrams find their session by its tag.
//!
//! An [`Endpoint`] is a [`Machine`] like a session is; its transmits carry the address to which they go, its events the session
//! that they are of. The address is any type that can be compared, copied and hashed: a `SocketAddr`, a subject, a number in a
//! simulation.
//!
//! ```
//! use mconn::machine::Machine;
//! use mconn::sliding_window::endpoint::{Endpoint, EndpointConfig, Input};
//! use mconn::sliding_window::{Event, SendOptions};
//! use mconn::time::Instant;
//!
//! // Keys come from a good random source.
//! let now = Instant::ZERO;
//! let mut server = Endpoint::new(EndpointConfig::new([1; 16]), now)?;
//! let mut client = Endpoint::new(EndpointConfig::new([2; 16]), now)?;
//! let call = client.connect(now, "server")?;
//! client.with(now, call, |session| session.try_send(now, "hello".into(), &SendOptions::default())).unwrap()?;
//!
//! let mut received = None;
//! while received.is_none() {
//!     while let Some((to, datagram)) = client.poll_transmit(now) {
//!         assert_eq!(to, "server");
//!         server.handle(now, Input::Datagram { from: "client", bytes: &datagram });
//!     }
//!     while let Some((to, datagram)) = server.poll_transmit(now) {
//!         assert_eq!(to, "client");
//!         client.handle(now, Input::Datagram { from: "server", bytes: &datagram });
//!     }
//!     while let Some((_session, event)) = server.poll_event() {
//!         if let Event::Message { payload, .. } = event {
//!             received = Some(payload);
//!         }
//!     }
//! }
//! assert_eq!(received.unwrap(), "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who may come in
//!
//! A call by somebody else makes a *half-open* session, until a packet with the session's tag proves that the caller reads what is
//! sent to its address. There is a limit on these, and above a threshold a caller must first come back with a cookie, for which
//! nothing is kept here. A half-open session of which nothing becomes goes without an event; the first event of any other is
//! [`Connected`](crate::sliding_window::Event::Connected).
//!
//! After [`Closed`](crate::sliding_window::Event::Closed) nothing of a session is left but, if we have ended it, a
//! [`Farewell`](crate::sliding_window::Farewell): for `linger` and a keepalive interval, and for at most 256 sessions, the peer is told
//! again when it goes on.

mod accept;
mod config;
mod cookie;
mod draw;
mod farewells;
mod table;

pub use config::{EndpointConfig, EndpointCounters};
pub use table::SessionKey;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::hash::Hash;

use bytes::Bytes;

use super::packet;
use super::{ConfigError, Event, SlidingWindow, Timer};
use crate::machine::Machine;
use crate::time::Instant;
use cookie::Cookies;
use draw::Draw;
use farewells::{Answer, Farewells};
use table::Table;

/// What can happen to an endpoint from outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<'a, A> {
    /// The transport has delivered a datagram.
    Datagram {
        /// From whom.
        from: A,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// Finish all sessions, each after what was accepted, and accept no more.
    Close,
    /// The transport can carry nothing more: all sessions end.
    TransportFailed,
}

/// Answers to those for whom there is no session that may wait for the transport.
const MAX_ANSWERS: usize = 64;

/// Many sessions over one socket. See the [module](self).
pub struct Endpoint<A> {
    config: EndpointConfig,
    now: Instant,
    accepts: bool,
    draw: Draw,
    cookies: Cookies,
    table: Table<A>,
    farewells: Farewells<A>,
    /// Answers to those for whom there is no session.
    answers: VecDeque<(A, Bytes)>,
    counters: EndpointCounters,
}

impl<A: Clone + Ord + Hash> Endpoint<A> {
    /// An endpoint without a session.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work.
    pub fn new(config: EndpointConfig, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            now,
            accepts: config.accept,
            draw: Draw::new(&config.key),
            cookies: Cookies::new(&config.key, config.cookie_lifetime),
            table: Table::new(),
            farewells: Farewells::new(),
            answers: VecDeque::new(),
            counters: EndpointCounters::default(),
            config,
        })
    }

    /// Calls somebody. The limit on sessions does not hold for those that we open.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration of sessions can not work, which [`Endpoint::new`] has seen already.
    pub fn connect(&mut self, now: Instant, address: A) -> Result<SessionKey, ConfigError> {
        let now = self.clock(now);
        let session = SlidingWindow::connect(self.session_config(), now)?;
        self.counters.connected = self.counters.connected.wrapping_add(1);
        let key = self.table.insert(session, address, 0, false);
        self.refresh(key);
        Ok(key)
    }

    /// Lends a session, to send, to receive or to look at it; `None` when there is none (any more) with this key.
    pub fn with<R>(
        &mut self,
        now: Instant,
        key: SessionKey,
        use_it: impl FnOnce(&mut SlidingWindow) -> R,
    ) -> Option<R> {
        self.clock(now);
        let slot = self.table.slot_of(key)?;
        let result = use_it(&mut self.table.get_mut(slot)?.session);
        self.table.refresh(self.now, slot);
        Some(result)
    }

    /// Lends a session to look at it.
    #[must_use]
    pub fn session(&self, key: SessionKey) -> Option<&SlidingWindow> {
        self.table.get(self.table.slot_of(key)?).map(|entry| &entry.session)
    }

    /// Where the peer of a session is.
    #[must_use]
    pub fn address(&self, key: SessionKey) -> Option<&A> {
        self.table.get(self.table.slot_of(key)?).map(|entry| &entry.address)
    }

    /// The sessions that there are, half-open ones included.
    pub fn sessions(&self) -> impl Iterator<Item = SessionKey> + '_ {
        self.table.keys()
    }

    /// How many sessions there are, half-open ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// How many sessions others have begun to open.
    #[must_use]
    pub fn half_open(&self) -> usize {
        self.table.half_open()
    }

    /// What was counted since the start, besides what the sessions count.
    #[must_use]
    pub fn counters(&self) -> EndpointCounters {
        self.counters
    }

    /// Whether sessions that others open are accepted: as configured, until the endpoint is closed.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.accepts
    }

    /// Whether pulling output may give some now.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        !self.answers.is_empty() || self.table.has_output_turns()
    }

    /// Writes the next datagram to the start of `buffer`; gives to whom it goes, and its length. The sessions take turns.
    ///
    /// A buffer of less than the configured `max_datagram` bytes gives nothing.
    pub fn transmit_into(&mut self, now: Instant, buffer: &mut [u8]) -> Option<(A, usize)> {
        let now = self.clock(now);
        if buffer.len() < self.config.session.max_datagram {
            return None;
        }
        if let Some((to, datagram)) = self.answers.pop_front() {
            buffer.get_mut(..datagram.len())?.copy_from_slice(&datagram);
            return Some((to, datagram.len()));
        }
        while let Some(slot) = self.table.output_turn() {
            let Some(entry) = self.table.get_mut(slot) else { continue };
            let len = entry.session.transmit_into(now, buffer);
            let to = (len > 0).then(|| entry.address.clone());
            self.table.after_output(now, slot, len > 0);
            if let Some(to) = to {
                return Some((to, len));
            }
        }
        None
    }

    /// Writes datagrams of one session one behind the other to `buffer`, until it has none to be sent now, `buffer` has no room
    /// for a full one, or `most` were written; appends their lengths to `lengths`. Gives to whom they go. The sessions take turns.
    ///
    /// All but the last are mostly of the same length, as segmentation offload wants them.
    pub fn transmit_batch(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        lengths: &mut Vec<usize>,
        most: usize,
    ) -> Option<A> {
        let now = self.clock(now);
        if buffer.len() < self.config.session.max_datagram {
            return None;
        }
        if !self.answers.is_empty() {
            let (to, len) = self.transmit_into(now, buffer)?;
            lengths.push(len);
            return Some(to);
        }
        while let Some(slot) = self.table.output_turn() {
            let Some(entry) = self.table.get_mut(slot) else { continue };
            let gave = entry.session.transmit_batch(now, buffer, lengths, most) > 0;
            let to = gave.then(|| entry.address.clone());
            self.table.after_output(now, slot, gave);
            if to.is_some() {
                return to;
            }
        }
        None
    }

    fn clock(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn refresh(&mut self, key: SessionKey) {
        if let Some(slot) = self.table.slot_of(key) {
            self.table.refresh(self.now, slot);
        }
    }

    fn on_datagram(&mut self, from: A, bytes: &[u8]) {
        match packet::destination(bytes) {
            None => self.counters.malformed = self.counters.malformed.wrapping_add(1),
            Some(0) => self.on_syn(from, bytes),
            Some(tag) => match self.table.slot_of_tag(tag) {
                None => self.on_unknown(tag, from, bytes),
                Some(slot) => self.on_tagged(slot, from, bytes),
            },
        }
    }

    /// Of no session, or of one that we have ended and whose peer goes on.
    fn on_unknown(&mut self, tag: u64, from: A, bytes: &[u8]) {
        let counters = &mut self.counters;
        match self.farewells.answer(self.now, &from, tag, bytes) {
            Answer::Unknown => counters.unknown_tag = counters.unknown_tag.wrapping_add(1),
            Answer::Elsewhere => counters.wrong_address = counters.wrong_address.wrapping_add(1),
            Answer::Say(datagram) if self.answers.len() < MAX_ANSWERS => {
                counters.farewells_repeated = counters.farewells_repeated.wrapping_add(1);
                self.answers.push_back((from, datagram));
            }
            Answer::Say(_) | Answer::Silence => {}
        }
    }

    fn on_tagged(&mut self, slot: usize, from: A, bytes: &[u8]) {
        let Some(entry) = self.table.get_mut(slot) else { return };
        let is_elsewhere = entry.address != from;
        if is_elsewhere && !self.config.migration {
            self.counters.wrong_address = self.counters.wrong_address.wrapping_add(1);
            return;
        }
        let before = entry.session.newest_packet();
        entry.session.handle(self.now, super::Input::Datagram(bytes));
        // Only a newer packet moves it (RFC 9000, 9.3): an old one that comes late or again does not.
        if is_elsewhere && entry.session.newest_packet() > before {
            self.counters.moved = self.counters.moved.wrapping_add(1);
            self.table.move_to(slot, from);
        }
        self.table.refresh(self.now, slot);
    }

    /// Forgets a session, but for what answers for it. Whether it was half open.
    fn remove(&mut self, slot: usize) -> bool {
        let Some(mut entry) = self.table.remove(slot) else { return false };
        if let Some(farewell) = entry.session.farewell() {
            // A peer that has nothing to say speaks so late.
            let silence = self.config.session.keepalive.unwrap_or_default();
            self.farewells.keep(self.now, farewell.until() + silence, entry.address, farewell);
        }
        entry.half_open
    }

    fn for_all(&mut self, mut tell: impl FnMut(&mut SlidingWindow, Instant)) {
        for slot in self.table.slots() {
            if let Some(entry) = self.table.get_mut(slot) {
                tell(&mut entry.session, self.now);
                self.table.refresh(self.now, slot);
            }
        }
    }
}

impl<A: Clone + Ord + Hash> Machine for Endpoint<A> {
    type Input<'a> = Input<'a, A>;
    type Transmit = (A, Bytes);
    type Event = (SessionKey, Event);
    type Timer = (SessionKey, Timer);

    fn handle(&mut self, now: Instant, input: Input<'_, A>) {
        self.clock(now);
        match input {
            Input::Datagram { from, bytes } => self.on_datagram(from, bytes),
            Input::Close => {
                self.accepts = false;
                self.for_all(|session, now| session.handle(now, super::Input::Close));
            }
            Input::TransportFailed => {
                self.accepts = false;
                self.for_all(|session, now| session.handle(now, super::Input::TransportFailed));
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock(now);
        while let Some(slot) = self.table.expired(now) {
            if let Some(entry) = self.table.get_mut(slot) {
                entry.session.handle_timeout(now);
            }
            self.table.refresh(now, slot);
        }
    }

    fn poll_event(&mut self) -> Option<(SessionKey, Event)> {
        while let Some(slot) = self.table.event_turn() {
            let Some(entry) = self.table.get_mut(slot) else { continue };
            let key = entry.key;
            let Some(event) = entry.session.poll_event() else { continue };
            if event == Event::Connected {
                self.table.opened(slot);
            }
            if matches!(event, Event::Closed(_)) {
                if self.remove(slot) {
                    // Nobody was told that it began.
                    self.counters.half_open_ended = self.counters.half_open_ended.wrapping_add(1);
                    continue;
                }
            } else {
                self.table.refresh(self.now, slot);
            }
            return Some((key, event));
        }
        None
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<(A, Bytes)> {
        let mut buffer = alloc::vec![0; self.config.session.max_datagram];
        let (to, len) = self.transmit_into(now, &mut buffer)?;
        buffer.truncate(len);
        Some((to, Bytes::from(buffer)))
    }

    fn poll_timeout(&self) -> Option<(Instant, (SessionKey, Timer))> {
        let (deadline, key, timer) = self.table.next_deadline()?;
        Some((deadline, (key, timer)))
    }

    /// An endpoint has no end of its own: `true` when it accepts nobody and has no session.
    fn is_closed(&self) -> bool {
        !self.accepts && self.is_empty()
    }
}

impl<A: fmt::Debug> fmt::Debug for Endpoint<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the key.
        f.debug_struct("Endpoint")
            .field("now", &self.now)
            .field("table", &self.table)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
