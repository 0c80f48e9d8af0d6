//! The handshake: a small machine in which every step may be lost, doubled, late or simultaneous.
//!
//! ```text
//!   connect                                     listen
//!   SynSent ───────────── Syn ─────────────────► Listen
//!      │ ◄─────────────── SynAck ─────────────── SynReceived
//!      ▼ ────── any packet with its tag ───────────► │
//!   Established                                  Established
//! ```
//!
//! Every step can be repeated: each `Syn` is answered with a `SynAck` again, each `SynAck` with a packet again, and any packet
//! that carries our tag says that the peer has our answer. When both ends connect at once, both are `Crossed` and each answers
//! the other's `Syn`.
//!
//! The tag is what proves that somebody has read what we sent. So a `SynAck` outweighs a crossing `Syn`, which anybody can
//! send; an answer to somebody unproved stays within three times what came from there (RFC 9000, 8.1); and a listener that was
//! called by nobody real listens again after a while.

use bytes::Bytes;

use super::config::HandshakeConfig;
use super::seed::Seed;
use crate::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// How far the handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Waiting for anybody.
    Listen,
    /// Our `Syn` is out.
    SynSent,
    /// The peer's `Syn` has come, ours was never sent.
    SynReceived,
    /// Our `Syn` is out, and the peer's has come.
    Crossed,
    /// Both know each other.
    Established,
}

/// What is heard, or not heard in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A `Syn` of the peer that we know, or of anybody when we know none.
    Syn,
    /// A `Syn` of somebody else.
    OtherSyn,
    /// A `SynAck` with our tag, of the peer that we know, or of anybody when we know none.
    SynAck,
    /// A `SynAck` with our tag, of somebody else.
    OtherSynAck,
    /// The demand to come again with a cookie.
    Retry,
    /// Any later packet with our tag.
    Packet,
    /// Nothing, for this attempt.
    Timeout,
    /// Nothing, for the last attempt.
    Exhausted,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// Nothing; what was heard changes nothing.
    Ignore,
    /// Nothing more.
    Proceed,
    SendSyn,
    SendSynAck,
    /// Send both: either may have been lost.
    SendBoth,
    /// Remember the peer as it describes itself, and answer.
    LearnAndAnswer,
    /// Remember the peer as it describes itself, and show it with a packet: the session is open.
    LearnAndConfirm,
    /// Show it again with a packet.
    Confirm,
    /// The session is open.
    Open,
    /// The session is open; show it with a packet.
    OpenAndConfirm,
    /// Forget the peer and listen again.
    Forget,
    /// End the session.
    GiveUp,
}

/// Every phase and everything that can be heard.
pub(crate) const fn next(phase: Phase, heard: Heard) -> (Phase, Todo) {
    match phase {
        Phase::Listen => match heard {
            Heard::Syn => (Phase::SynReceived, Todo::LearnAndAnswer),
            Heard::OtherSyn
            | Heard::SynAck
            | Heard::OtherSynAck
            | Heard::Retry
            | Heard::Packet
            | Heard::Timeout
            | Heard::Exhausted => (phase, Todo::Ignore),
        },
        Phase::SynSent => match heard {
            Heard::Syn => (Phase::Crossed, Todo::LearnAndAnswer),
            Heard::SynAck => (Phase::Established, Todo::LearnAndConfirm),
            Heard::Retry | Heard::Timeout => (phase, Todo::SendSyn),
            Heard::Exhausted => (phase, Todo::GiveUp),
            // The peer has answered and knows us, but its answer has not come: it will be repeated.
            Heard::OtherSyn | Heard::OtherSynAck | Heard::Packet => (phase, Todo::Ignore),
        },
        Phase::SynReceived => match heard {
            Heard::Syn | Heard::Timeout => (phase, Todo::SendSynAck),
            Heard::Packet => (Phase::Established, Todo::Open),
            Heard::Exhausted => (Phase::Listen, Todo::Forget),
            // We sent no `Syn` that anybody could answer.
            Heard::OtherSyn | Heard::SynAck | Heard::OtherSynAck | Heard::Retry => (phase, Todo::Ignore),
        },
        Phase::Crossed => match heard {
            Heard::Syn => (phase, Todo::SendSynAck),
            Heard::SynAck => (Phase::Established, Todo::OpenAndConfirm),
            // Only who has read our `Syn` knows our tag: this is the peer, and the other `Syn` was a stranger's.
            Heard::OtherSynAck => (Phase::Established, Todo::LearnAndConfirm),
            Heard::Retry => (phase, Todo::SendSyn),
            Heard::Packet => (Phase::Established, Todo::Open),
            Heard::Timeout => (phase, Todo::SendBoth),
            Heard::Exhausted => (phase, Todo::GiveUp),
            Heard::OtherSyn => (phase, Todo::Ignore),
        },
        Phase::Established => match heard {
            Heard::Syn => (phase, Todo::SendSynAck),
            Heard::SynAck => (phase, Todo::Confirm),
            Heard::Packet => (phase, Todo::Proceed),
            Heard::OtherSyn | Heard::OtherSynAck | Heard::Retry | Heard::Timeout | Heard::Exhausted => {
                (phase, Todo::Ignore)
            }
        },
    }
}

/// What the session has to do after something was heard. What is to be *sent* the handshake keeps itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Count it as ignored.
    Ignored,
    /// Nothing.
    Nothing,
    /// Remember the peer as it describes itself; with `open`, the session is open too.
    Learn { open: bool },
    /// The session is open.
    Open,
    /// Forget the peer.
    Forget,
    /// End the session: nobody answered so many attempts.
    GiveUp { attempts: u32 },
}

/// A packet of the handshake that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Syn,
    SynAck,
}

/// How many demands for a cookie are followed in one attempt: a peer whose key changes may ask twice, nobody honest asks for
/// ever. Later attempts begin anew, because a cookie expires.
const MAX_RETRIES: u32 = 3;
/// How much may be sent for each byte that came from somebody unproved (RFC 9000, 8.1).
const AMPLIFICATION: u64 = 3;

/// The handshake of one session.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    phase: Phase,
    config: HandshakeConfig,
    seed: Seed,
    attempts: u32,
    deadline: Option<Instant>,
    peer: Option<u64>,
    cookie: Bytes,
    retries: u32,
    syn_due: bool,
    syn_ack_due: bool,
    confirm_due: bool,
    /// When a repeated step was answered last.
    answered: Option<Instant>,
    validated: bool,
    bytes_heard: u64,
    bytes_said: u64,
    /// No answer may go until more has come.
    held_back: bool,
    /// It listens for one caller and no other.
    once: bool,
}

impl Handshake {
    pub(crate) fn connect(config: HandshakeConfig, seed: Seed, now: Instant) -> Self {
        let mut handshake = Self::listen(config, seed);
        handshake.phase = Phase::SynSent;
        handshake.syn_due = true;
        handshake.begin_attempt(now);
        handshake
    }

    pub(crate) const fn listen(config: HandshakeConfig, seed: Seed) -> Self {
        Self {
            phase: Phase::Listen,
            config,
            seed,
            attempts: 0,
            deadline: None,
            peer: None,
            cookie: Bytes::new(),
            retries: 0,
            syn_due: false,
            syn_ack_due: false,
            confirm_due: false,
            answered: None,
            validated: false,
            bytes_heard: 0,
            bytes_said: 0,
            held_back: false,
            once: false,
        }
    }

    #[inline]
    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    #[inline]
    pub(crate) const fn is_established(&self) -> bool {
        matches!(self.phase, Phase::Established)
    }

    /// The tag that the peer chose; what we send carries it.
    pub(crate) const fn peer(&self) -> Option<u64> {
        self.peer
    }

    /// Another tag for ourselves.
    pub(crate) fn draw_tag(&mut self) -> u64 {
        self.seed.next().max(1)
    }

    pub(crate) const fn cookie(&self) -> &Bytes {
        &self.cookie
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// This listener is for one caller, whose `Syn` comes next, and ends when nothing becomes of it. `validated` says that the
    /// caller's address was proved by other means: a cookie came back.
    pub(crate) const fn for_one_caller(&mut self, validated: bool) {
        (self.once, self.validated) = (true, validated);
    }

    /// A `Syn` has come, in a datagram of so many bytes.
    pub(crate) fn on_syn(&mut self, now: Instant, peer: u64, bytes: usize) -> Reaction {
        let heard = if self.peer.is_none_or(|known| known == peer) { Heard::Syn } else { Heard::OtherSyn };
        if heard == Heard::Syn {
            self.bytes_heard = self.bytes_heard.saturating_add(bytes as u64);
            self.held_back = false;
        }
        self.on(now, heard, peer)
    }

    /// A `SynAck` with our tag has come.
    pub(crate) fn on_syn_ack(&mut self, now: Instant, peer: u64) -> Reaction {
        let known = self.peer.is_none_or(|known| known == peer);
        self.on(now, if known { Heard::SynAck } else { Heard::OtherSynAck }, peer)
    }

    /// A demand with our tag has come to try again with a cookie.
    pub(crate) fn on_retry(&mut self, now: Instant, cookie: Bytes) -> Reaction {
        if self.retries >= MAX_RETRIES || !matches!(self.phase, Phase::SynSent | Phase::Crossed) {
            return Reaction::Ignored;
        }
        self.retries = self.retries.saturating_add(1);
        self.cookie = cookie;
        self.on(now, Heard::Retry, 0)
    }

    /// A later packet with our tag has come.
    #[inline]
    pub(crate) fn on_packet(&mut self, now: Instant) -> Reaction {
        if self.is_established() {
            return Reaction::Nothing;
        }
        self.on(now, Heard::Packet, 0)
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) -> Reaction {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return Reaction::Nothing;
        }
        let exhausted = self.attempts >= self.config.attempts;
        self.on(now, if exhausted { Heard::Exhausted } else { Heard::Timeout }, 0)
    }

    fn on(&mut self, now: Instant, heard: Heard, peer: u64) -> Reaction {
        let (phase, todo) = next(self.phase, heard);
        let established = phase == Phase::Established && self.phase != phase;
        self.phase = phase;
        if established {
            self.establish();
        }
        if heard == Heard::Timeout && todo != Todo::Ignore {
            self.begin_attempt(now);
        }
        match todo {
            Todo::Ignore => Reaction::Ignored,
            Todo::Proceed => Reaction::Nothing,
            Todo::SendSyn => {
                self.syn_due = true;
                Reaction::Nothing
            }
            Todo::SendBoth => {
                (self.syn_due, self.syn_ack_due) = (true, true);
                Reaction::Nothing
            }
            Todo::SendSynAck => self.repeat(now, heard, |handshake| handshake.syn_ack_due = true),
            Todo::Confirm => self.repeat(now, heard, |handshake| handshake.confirm_due = true),
            Todo::LearnAndAnswer => {
                self.peer = Some(peer);
                self.syn_ack_due = true;
                self.begin_attempt(now);
                Reaction::Learn { open: false }
            }
            Todo::LearnAndConfirm => {
                self.peer = Some(peer);
                self.confirm_due = true;
                Reaction::Learn { open: true }
            }
            Todo::Open => Reaction::Open,
            Todo::OpenAndConfirm => {
                self.confirm_due = true;
                Reaction::Open
            }
            Todo::Forget if self.once => {
                self.deadline = None;
                Reaction::GiveUp { attempts: self.attempts }
            }
            Todo::Forget => {
                *self = Self::listen(self.config, self.seed.clone());
                Reaction::Forget
            }
            Todo::GiveUp => {
                self.deadline = None;
                Reaction::GiveUp { attempts: self.attempts }
            }
        }
    }

    fn establish(&mut self) {
        (self.deadline, self.validated) = (None, true);
        (self.syn_due, self.syn_ack_due) = (false, false);
        self.cookie = Bytes::new();
    }

    /// Answers a repeated step, unless one was answered just before: a flood of copies is not worth a flood of answers.
    fn repeat(&mut self, now: Instant, heard: Heard, answer: impl FnOnce(&mut Self)) -> Reaction {
        let quarter = Duration::from_nanos(crate::time::nanos(self.config.first_timeout) >> 2);
        if heard != Heard::Timeout && self.answered.is_some_and(|before| now < before + quarter) {
            return Reaction::Ignored;
        }
        self.answered = Some(now);
        answer(self);
        Reaction::Nothing
    }

    fn begin_attempt(&mut self, now: Instant) {
        self.retries = 0;
        let doublings = self.attempts.min(31);
        self.attempts = self.attempts.saturating_add(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let wait = self.config.first_timeout.saturating_mul(factor).min(self.config.max_timeout);
        self.deadline = Some(now + self.seed.around(wait));
    }

    /// The packet that is to be sent now, when a `SynAck` has so many bytes.
    pub(crate) fn due(&mut self, syn_ack_bytes: usize) -> Option<Step> {
        if self.syn_ack_due {
            if self.may_say(syn_ack_bytes) {
                return Some(Step::SynAck);
            }
            self.held_back = true;
        }
        self.syn_due.then_some(Step::Syn)
    }

    /// Whether a packet of the handshake waits to be sent and may be.
    pub(crate) const fn is_due(&self) -> bool {
        self.syn_due || (self.syn_ack_due && !self.held_back)
    }

    fn may_say(&self, bytes: usize) -> bool {
        let most = self.bytes_heard.saturating_mul(AMPLIFICATION);
        self.validated || self.bytes_said.saturating_add(bytes as u64) <= most
    }

    pub(crate) const fn sent(&mut self, step: Step, bytes: usize) {
        match step {
            Step::Syn => self.syn_due = false,
            Step::SynAck => {
                self.syn_ack_due = false;
                self.bytes_said = self.bytes_said.saturating_add(bytes as u64);
            }
        }
    }

    /// Whether a packet must be sent to show the peer that its answer came.
    #[inline]
    pub(crate) const fn confirm_due(&self) -> bool {
        self.confirm_due
    }

    #[inline]
    pub(crate) const fn confirmed(&mut self) {
        self.confirm_due = false;
    }
}
