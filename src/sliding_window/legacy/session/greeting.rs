//! The handshake: every step is repeated until it is answered, and answered whenever it comes.

use super::{Due, Echo, Legacy, Peer};
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::legacy::control;
use crate::sliding_window::legacy::state_table::{TcpEvent, TcpState};
use crate::time::{Duration, Instant};

/// The repetition of the step that was sent last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Greeting {
    attempts: u32,
    wait: Duration,
    deadline: Option<Instant>,
    /// What the answer to the peer's first packet repeats.
    echo: Echo,
}

impl Greeting {
    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) const fn stop(&mut self) {
        self.deadline = None;
    }

    fn start(&mut self, now: Instant, wait: Duration, echo: Echo) {
        *self = Self { attempts: self.attempts.saturating_add(1), wait, deadline: Some(now + wait), echo };
    }

    fn again(&mut self, now: Instant, longest: Duration) {
        self.attempts = self.attempts.saturating_add(1);
        self.wait = self.wait.saturating_mul(2).min(longest);
        self.deadline = Some(now + self.wait);
    }
}

impl Legacy {
    /// A caller whose SYN comes next is as any other.
    pub(crate) const fn for_one_caller(&mut self, _: bool) {}

    /// The original's packets have no numbers of their own.
    pub(crate) const fn newest_packet(&self) -> Option<u64> {
        None
    }

    /// Begins to call the peer.
    pub(super) fn call(&mut self, now: Instant) {
        self.state = TcpState::SynSent;
        self.due.syn = true;
        self.greeting.start(now, self.config.handshake.first_timeout, Echo::default());
    }

    /// A SYN of the peer, or of anybody: it is the one packet that need not know our nonce.
    pub(super) fn on_syn(&mut self, now: Instant, from: &[u8], nonce: &[u8], echo: Echo) {
        let known = self.peer.nonce == nonce && self.peer.inbox == from;
        match self.state {
            TcpState::Listen => {
                (self.peer.inbox, self.peer.nonce) = (from.to_vec(), nonce.to_vec());
                self.greeting = Greeting::default();
                self.greeting.start(now, self.config.handshake.first_timeout, echo);
                self.act(now, TcpEvent::Syn, echo);
            }
            // Both have called. Our repetitions go on, now of an ESTABACK.
            TcpState::SynSent => {
                self.peer.nonce = nonce.to_vec();
                self.due.syn = false;
                self.greeting.start(now, self.config.handshake.first_timeout, echo);
                self.act(now, TcpEvent::Syn, echo);
            }
            TcpState::SynReceived if known => self.repeat_answer(echo),
            // Our answer to it is on its way, or was lost: the peer still calls.
            TcpState::Established if known => self.due.estab_ack = Some(echo),
            _ => self.ignore(),
        }
    }

    /// Answers a SYN again: one that we called too gets an ESTABACK.
    fn repeat_answer(&mut self, echo: Echo) {
        if self.due.estab_ack.is_some() || self.called() {
            self.due.estab_ack = Some(echo);
        } else {
            self.due.syn_ack = Some(echo);
        }
    }

    /// Whether we called.
    const fn called(&self) -> bool {
        self.counters.syns_sent > 0
    }

    pub(super) fn ignore(&mut self) {
        self.counters.handshake_ignored = self.counters.handshake_ignored.wrapping_add(1);
    }

    /// A packet of the handshake, or any other packet that carries our nonce, before the session is open.
    pub(super) fn on_answer(&mut self, now: Instant, event: TcpEvent, from_nonce: &[u8], echo: Echo) {
        match self.state {
            // Whoever knows our nonce has got our SYN. The original opens by a SYNACK alone and would wait for ever when that
            // one is lost.
            TcpState::SynSent => {
                self.peer.nonce = from_nonce.to_vec();
                // What arrives after a SYNACK that was lost is answered as if it were that one.
                let retry = if event == TcpEvent::SynAck { echo.retry } else { control::ACK };
                self.act(now, TcpEvent::SynAck, Echo { retry, ..echo });
            }
            TcpState::SynReceived => {
                self.peer.nonce = from_nonce.to_vec();
                self.act(now, TcpEvent::EstabAck, echo);
            }
            // The peer repeats its SYNACK as long as our ESTABACK has not reached it; the original ten times, then it dies.
            TcpState::Established if event == TcpEvent::SynAck => self.due.estab_ack = Some(echo),
            // Both have called, and our ESTABACK was lost.
            TcpState::Established if event == TcpEvent::EstabAck && echo.retry == control::SYN => {
                self.due.estab_ack = Some(Echo { retry: control::ACK, ..echo });
            }
            _ => {}
        }
    }

    pub(super) fn on_greeting_timeout(&mut self, now: Instant) {
        if self.greeting.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        let attempts = self.greeting.attempts;
        if attempts >= self.config.handshake.attempts {
            self.greeting.stop();
            if self.called() {
                return self.end(CloseReason::HandshakeTimeout { attempts });
            }
            return self.listen_on();
        }
        self.greeting.again(now, self.config.handshake.max_timeout);
        match self.state {
            TcpState::SynSent => self.due.syn = true,
            TcpState::SynReceived => self.repeat_answer(self.greeting.echo),
            _ => self.greeting.stop(),
        }
    }

    /// Forgets a caller that never proved that it gets our answers. A listener does not end by it.
    fn listen_on(&mut self) {
        self.state = TcpState::Listen;
        self.peer = Peer { inbox: self.legacy.peer_inbox.as_bytes().to_vec(), ..Peer::default() };
        self.due = Due::default();
        self.greeting = Greeting::default();
    }
}
