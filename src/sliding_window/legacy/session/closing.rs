//! The end. The original's says nothing of what came before it, so ours is not sent before everything is acknowledged.

use super::{Echo, Legacy};
use crate::sliding_window::error::CloseReason;
use crate::sliding_window::event::Event;
use crate::sliding_window::legacy::state_table::{TcpEvent, TcpState};
use crate::time::{Duration, Instant};

/// Where the session is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    /// Ended, but the peer may not know that we know: its FIN is still answered.
    Lingering {
        reason: CloseReason,
        until: Instant,
    },
    /// Ended; the reason waits behind what has arrived.
    Ended(CloseReason),
    /// Ended, and the last event was taken.
    Closed(CloseReason),
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Closing {
    /// Nothing more is accepted.
    pub(super) is_finishing: bool,
    /// Everything must be over by then.
    pub(super) deadline: Option<Instant>,
    /// How often our FIN was sent since the peer was heard.
    pub(super) fins: u32,
    pub(super) next_fin: Option<Instant>,
    /// The peer has sent a FIN; what the answer repeats.
    pub(super) peer_fin: Option<Echo>,
    /// What the peer sent before its FIN may still come until then.
    pub(super) drained_at: Option<Instant>,
    /// The peer's FIN was answered.
    answered: bool,
    /// A closed end answers no FIN before.
    answer_at: Instant,
}

/// A peer of the original sends its FIN at once and repeats after it what was lost; its first repetition comes after half a
/// second.
const DRAIN: Duration = Duration::from_secs(1);
/// A FIN is repeated at least so often.
const MAX_FIN_WAIT: Duration = Duration::from_secs(2);
/// A closed end answers a FIN so often.
const ANSWER_INTERVAL: Duration = Duration::from_millis(100);

impl Legacy {
    /// Finishes our side; the session ends when the peer knows it.
    pub(super) fn start_closing(&mut self, now: Instant) {
        if self.state == TcpState::Listen {
            return self.end(CloseReason::NeverConnected);
        }
        self.closing.is_finishing = true;
        if self.closing.deadline.is_none() {
            self.closing.deadline = Some(now + self.config.close_timeout);
        }
        self.close_step(now);
    }

    pub(crate) fn finish(&mut self, now: Instant) {
        let now = self.clock(now);
        if self.is_open() {
            self.start_closing(now);
        }
    }

    /// Goes on with the end when everything of ours is acknowledged.
    pub(super) fn close_step(&mut self, now: Instant) {
        if !self.is_open() || !self.closing.is_finishing || !self.outgoing.is_empty() {
            return;
        }
        match self.state {
            TcpState::Established => self.act(now, TcpEvent::StartClose, Echo::default()),
            TcpState::CloseResponderGotFin => {
                if let Some(echo) = self.closing.peer_fin.filter(|_| !self.closing.answered) {
                    self.closing.answered = true;
                    self.due.fin_ack = Some(echo);
                }
                let drained = self.closing.drained_at.is_none_or(|moment| moment <= now) && !self.incoming.has_gap();
                if drained {
                    self.act(now, TcpEvent::ApplicationClosed, Echo::default());
                }
            }
            _ => {}
        }
    }

    /// Our FIN is due.
    pub(super) fn say_end(&mut self, now: Instant) {
        self.due.fin = true;
        self.closing.fins = self.closing.fins.saturating_add(1);
        let wait = self.timeout.base().saturating_mul(1 << self.closing.fins.min(4).saturating_sub(1));
        self.closing.next_fin = Some(now + wait.min(MAX_FIN_WAIT));
    }

    /// The peer's FIN: our side finishes too, after what was accepted.
    pub(super) fn hear_end(&mut self, now: Instant, echo: Echo) {
        self.greeting.stop();
        (self.due.syn, self.due.syn_ack) = (false, None);
        self.closing.peer_fin = Some(echo);
        self.drain(now);
        self.start_closing(now);
    }

    /// A FIN that is repeated.
    pub(super) fn hear_end_again(&mut self, now: Instant, echo: Echo) {
        self.closing.peer_fin = Some(echo);
        self.closing.answered = false;
        self.close_step(now);
    }

    /// Waits for what the peer may have sent before its FIN.
    pub(super) fn drain(&mut self, now: Instant) {
        let wait = if self.peer.is_mended { Duration::ZERO } else { DRAIN.min(self.config.linger) };
        self.closing.drained_at = Some(now + wait);
    }

    pub(super) fn on_fin_timeout(&mut self, now: Instant) {
        if self.closing.next_fin.is_some_and(|moment| moment <= now) && self.state == TcpState::CloseInitiatorHasSentFin
        {
            // Everything of ours was acknowledged; of the original's FINACKs every other never leaves it. A peer that sends its own
            // data first answers later, and is waited for as long as any that is silent.
            if self.closing.fins >= self.legacy.fin_attempts && !self.peer.is_mended {
                return self.end(CloseReason::Finished);
            }
            self.say_end(now);
        }
        if self.closing.deadline.is_some_and(|deadline| deadline <= now) {
            let unacked_messages = self.outgoing.len();
            let timeout = self.config.close_timeout;
            let lacks_nothing = unacked_messages == 0 && !self.incoming.has_gap();
            return self.end(if lacks_nothing && self.is_established() {
                CloseReason::Finished
            } else {
                CloseReason::CloseTimeout { timeout, unacked_messages }
            });
        }
        self.close_step(now);
    }

    /// A closed end answers a FIN, and that not too often.
    pub(super) fn answer_fin(&mut self, now: Instant, echo: Echo) {
        if self.closing.answer_at <= now {
            self.closing.answer_at = now + ANSWER_INTERVAL;
            self.due.fin_ack = Some(echo);
        }
    }

    /// Both ends know that all is over. Who has the last word stays for a while to repeat it.
    pub(super) fn finished(&mut self, now: Instant) {
        if self.closing.peer_fin.is_none() {
            return self.end(CloseReason::Finished);
        }
        self.let_go();
        let wait = self.timeout.base().saturating_mul(10).min(self.config.linger);
        self.life = Life::Lingering { reason: CloseReason::Finished, until: now + wait };
    }

    /// Ends the session, if it has not ended. What has arrived stays to be taken; all else is let go. The peer is not told: the
    /// original's packets have a FIN, which would say that all was well.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if self.is_open() {
            self.let_go();
            self.state = TcpState::Closed;
            self.due = super::Due::default();
            self.life = Life::Ended(reason);
        }
    }

    fn let_go(&mut self) {
        self.greeting.stop();
        (self.due.fin, self.due.keepalive) = (false, false);
        (self.closing.deadline, self.closing.next_fin, self.closing.drained_at) = (None, None, None);
        self.blocked_since = None;
    }

    pub(super) fn lingered(&mut self) {
        if let Life::Lingering { reason, .. } = &self.life {
            self.life = Life::Ended(reason.clone());
            self.due = super::Due::default();
        }
    }

    /// The peer is gone. That is no fault when nothing was missing but the answer to our FIN.
    pub(super) fn end_by_silence(&mut self, reason: CloseReason) {
        let is_over = match self.state {
            TcpState::CloseInitiatorHasSentFin => true,
            TcpState::CloseResponderGotFin => self.outgoing.is_empty() && !self.incoming.has_gap(),
            _ => false,
        };
        self.end(if is_over { CloseReason::Finished } else { reason });
    }

    /// Whether the peer has finished and nothing of it is missing.
    pub(super) fn peer_is_finished(&self) -> bool {
        let over = matches!(self.state, TcpState::Closed)
            && matches!(&self.life, Life::Lingering { .. } | Life::Ended(CloseReason::Finished));
        over && !self.incoming.is_readable()
    }

    /// Who knows nothing of the end when it comes.
    pub(super) fn closed(&mut self) -> Option<Event> {
        let Life::Ended(reason) = &self.life else { return None };
        let reason = reason.clone();
        self.life = Life::Closed(reason.clone());
        self.events.clear();
        self.flushes.clear();
        Some(Event::Closed(reason))
    }

    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.life, Life::Closed(_))
    }
}
