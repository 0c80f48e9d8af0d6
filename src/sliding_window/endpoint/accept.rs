//! Who may come in.

use core::hash::Hash;

use bytes::Bytes;

use super::{Endpoint, MAX_ANSWERS, cookie};
use crate::machine::Machine;
use crate::sliding_window::packet::{Hello, Packet, Retry, decode, encode_retry};
use crate::sliding_window::{Config, Input, SlidingWindow};

/// More than a demand for a cookie has.
const RETRY_LEN: usize = 64;

impl<A: Clone + Ord + Hash> Endpoint<A> {
    /// A `Syn` has come: of a session that we have, or of somebody new.
    pub(super) fn on_syn(&mut self, from: A, bytes: &[u8]) {
        let Ok(Packet::Syn(hello)) = decode(bytes) else {
            self.counters.malformed = self.counters.malformed.wrapping_add(1);
            return;
        };
        let known = self.table.slot_of_caller(&from, hello.source);
        // Who accepts nobody may still be called by the one that it calls: both at once.
        let crossing = || self.table.slot_of_caller(&from, 0).filter(|_| !self.accepts);
        match known.or_else(crossing) {
            Some(slot) => self.feed(slot, bytes),
            None => self.on_stranger(from, &hello, bytes),
        }
    }

    fn feed(&mut self, slot: usize, bytes: &[u8]) {
        if let Some(entry) = self.table.get_mut(slot) {
            entry.session.handle(self.now, Input::Datagram(bytes));
            self.table.refresh(self.now, slot);
        }
    }

    fn on_stranger(&mut self, from: A, hello: &Hello<'_>, bytes: &[u8]) {
        let refused = if !self.accepts {
            &mut self.counters.not_accepting
        } else if self.table.len() >= self.config.max_sessions {
            &mut self.counters.too_many_sessions
        } else if self.table.half_open() >= self.config.max_half_open {
            &mut self.counters.too_many_half_open
        } else {
            return self.admit(from, hello, bytes);
        };
        *refused = refused.wrapping_add(1);
    }

    fn admit(&mut self, from: A, hello: &Hello<'_>, bytes: &[u8]) {
        let proved = match hello.cookie {
            Some(cookie) if self.cookies.check(self.now, &from, hello.source, cookie) => true,
            Some(_) => {
                self.counters.bad_cookies = self.counters.bad_cookies.wrapping_add(1);
                false
            }
            None => false,
        };
        if !proved && self.table.half_open() >= self.config.cookies_above {
            return self.demand_cookie(from, hello.source);
        }
        let Ok(session) = SlidingWindow::accept(self.session_config(), proved, self.now) else { return };
        self.counters.accepted = self.counters.accepted.wrapping_add(1);
        let key = self.table.insert(session, from, hello.source, true);
        if let Some(slot) = self.table.slot_of(key) {
            self.feed(slot, bytes);
        }
    }

    /// Asks the caller to come again with a cookie; nothing is kept.
    fn demand_cookie(&mut self, from: A, caller: u64) {
        if self.answers.len() >= MAX_ANSWERS {
            self.counters.retries_dropped = self.counters.retries_dropped.wrapping_add(1);
            return;
        }
        let cookie: [u8; cookie::LEN] = self.cookies.make(self.now, &from, caller);
        let mut buffer = [0; RETRY_LEN];
        let len = encode_retry(&mut buffer, caller, &Retry { cookie: &cookie });
        if let Some(datagram) = len.and_then(|len| buffer.get(..len)) {
            self.counters.retries_sent = self.counters.retries_sent.wrapping_add(1);
            self.answers.push_back((from, Bytes::copy_from_slice(datagram)));
        }
    }

    /// The configuration of the next session, with a tag and a seed of its own.
    pub(super) fn session_config(&mut self) -> Config {
        let mut config = self.config.session.clone();
        config.tag = loop {
            let tag = self.draw.next();
            if tag != 0 && !self.table.has_tag(tag) && !self.farewells.has_tag(tag) {
                break tag;
            }
        };
        config.seed = self.draw.next();
        config
    }
}
