//! The session behind the face, for our own packets.

mod events;
mod greeting;
mod link;
mod receive;
mod timers;
mod transmit;
mod user;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::ToString;

use super::close::{Close, Progress, Stage, Todo};
use super::config::{Config, InitialNumbers};
use super::error::{CloseReason, ConfigError};
use super::event::{AbortReason, Event, FlushMark, Input};
use super::fault::PeerFault;
use super::handshake::{Handshake, Phase, Reaction};
use super::keepalive::Keepalive;
use super::number::Numbering;
use super::packet::FramesPacket;
use super::receiver::{Receiver, ReceiverConfig};
use super::resume::Resumable;
use super::seed::Seed;
use super::sender::{Blocked, Sender, SenderConfig};
use super::status::{Counters, Status};
use super::unacked::Unacked;
use crate::time::Instant;
use link::{Link, Peer};

/// The largest code that a user can give.
const MAX_CODE: u64 = CODE_FINISHED - 1;
/// What an abort carries that is none: both sides have finished, and the one that says so has everything and is *done*.
const CODE_FINISHED: u64 = 1 << 60;
/// What an abort carries when a session has ended by itself. No user gives such a code by accident.
const CODE_BY_ITSELF: u64 = CODE_FINISHED + 1;

/// Where the session is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// Ended, but the peer is still to be told, unless the transport takes nothing until then.
    Leaving {
        reason: CloseReason,
        farewell: AbortReason,
        until: Instant,
    },
    /// Ended; the reason waits behind what has arrived.
    Ended(CloseReason),
    /// Ended, and the last event was taken.
    Closed(CloseReason),
}

fn sender_config(config: &Config) -> SenderConfig {
    SenderConfig {
        max_message: config.send.max_message,
        buffer_bytes: config.send.max_bytes,
        buffer_messages: config.send.max_messages,
        window_segments: config.send.window,
        max_frame: frame_room(config, config.max_datagram),
        max_receipts: config.send.max_receipts,
    }
}

fn receiver_config(config: &Config) -> ReceiverConfig {
    ReceiverConfig {
        window_bytes: config.receive.max_bytes as u64,
        window_messages: config.receive.max_messages as u64,
        window_segments: config.receive.window as u64,
        max_message: config.receive.max_message,
        max_segment: frame_room(config, config.max_datagram),
    }
}

/// The most bytes of frames in a datagram of this size.
fn frame_room(config: &Config, max_datagram: usize) -> usize {
    max_datagram.saturating_sub(FramesPacket::header_len(config.format.is_checked()))
}

/// A session that speaks our own packets.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    config: Config,
    /// The latest time that the driver told; it never goes back.
    now: Instant,
    started: Instant,
    life: Life,
    handshake: Handshake,
    packets: Numbering,
    segments: Numbering,
    /// What this session goes on with: the tags of the one that was cut, ours and the peer's, and the size of its datagrams.
    resumes: Option<((u64, u64), usize)>,
    /// What a later session needs to go on with this one: its tags and the size of its datagrams. Known once it is open.
    cut: Option<((u64, u64), usize)>,
    peer_hello: Option<Peer>,
    link: Option<Link>,
    sender: Sender,
    receiver: Receiver,
    keepalive: Keepalive,
    unacked: Option<Unacked>,
    close: Close,
    close_deadline: Option<Instant>,
    linger_until: Option<Instant>,
    /// The peer is to be told that we have everything.
    done_due: bool,
    /// The peer has everything.
    peer_done: bool,
    /// However often the peer asks again, it is answered no longer than this.
    linger_limit: Instant,
    /// Since when the peer's credit has held us up.
    blocked_since: Option<Instant>,
    /// A packet that told our credit was lost.
    credit_lost: bool,
    events: VecDeque<Event>,
    flushes: VecDeque<FlushMark>,
    told: events::Told,
    /// We ended it: nothing that has arrived is delivered any more.
    discards: bool,
    counters: Counters,
}

impl Native {
    pub(crate) fn new(
        config: Config,
        calls: bool,
        resumable: Option<Resumable>,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let mut seed = Seed::new(config.seed);
        let drawn = seed.next();
        let drawn = InitialNumbers::new(drawn as u32, (drawn >> 32) as u32);
        let initial = config.initial_numbers.unwrap_or(drawn);
        let (sender, receiver, resumes) = match resumable {
            None => (Sender::new(sender_config(&config)), Receiver::new(receiver_config(&config)), None),
            Some(old) => {
                if config.max_datagram < old.max_datagram {
                    let (max_datagram, needed) = (config.max_datagram, old.max_datagram);
                    return Err(ConfigError::ResumeDatagram { max_datagram, needed });
                }
                (old.sender, old.receiver, Some((old.tags, old.max_datagram)))
            }
        };
        let handshake = if calls {
            Handshake::connect(config.handshake, seed, now)
        } else {
            Handshake::listen(config.handshake, seed)
        };
        Ok(Self {
            now,
            started: now,
            life: Life::Open,
            handshake,
            packets: Numbering::new(initial.packet),
            segments: Numbering::new(initial.segment),
            resumes,
            cut: None,
            peer_hello: None,
            link: None,
            sender,
            receiver,
            keepalive: Keepalive::new(config.keepalive, config.idle_timeout, now),
            unacked: config.unacked_limit.map(Unacked::new),
            close: Close::new(),
            close_deadline: None,
            linger_until: None,
            done_due: false,
            peer_done: false,
            linger_limit: Instant::MAX,
            blocked_since: None,
            credit_lost: false,
            events: VecDeque::new(),
            flushes: VecDeque::new(),
            told: events::Told::default(),
            discards: false,
            counters: Counters::default(),
            config,
        })
    }

    /// This session listens for one caller, whose `Syn` comes next.
    pub(crate) const fn for_one_caller(&mut self, validated: bool) {
        self.handshake.for_one_caller(validated);
    }

    /// The newest packet of the peer.
    pub(crate) fn newest_packet(&self) -> Option<u64> {
        self.link.as_ref()?.acks.newest()
    }

    /// Takes the driver's time, and gives the machine's: the same, or the latest one if the driver's went back.
    #[inline]
    fn clock(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.counters.clock_went_back = self.counters.clock_went_back.saturating_add(1);
        } else {
            self.now = now;
        }
        self.now
    }

    #[inline]
    fn is_open(&self) -> bool {
        self.life == Life::Open
    }

    pub(crate) fn handle(&mut self, now: Instant, input: Input<'_>) {
        let now = self.clock(now);
        if !self.is_open() {
            return;
        }
        match input {
            Input::Datagram(datagram) => self.on_datagram(now, datagram),
            Input::Close => self.start_closing(now),
            Input::Abort { code, text } => {
                let AbortReason { code, text } = AbortReason::new(code.min(MAX_CODE), text);
                self.discards = true;
                self.end(CloseReason::Aborted { code, text });
            }
            Input::TransportFailed => self.end(CloseReason::TransportFailed),
        }
    }

    /// Ends the session, if it has not ended. What has arrived stays to be taken; all else is let go.
    fn end(&mut self, reason: CloseReason) {
        if !self.is_open() {
            return;
        }
        if !Self::may_resume(&reason) {
            self.sender = Sender::new(sender_config(&self.config));
        }
        (self.close_deadline, self.linger_until, self.blocked_since) = (None, None, None);
        let farewell = self.farewell(&reason).filter(|_| self.handshake.is_established());
        self.life = match farewell {
            Some(farewell) => Life::Leaving { reason, farewell, until: self.now + self.linger() },
            None => Life::Ended(reason),
        };
        if !matches!(self.life, Life::Leaving { .. }) {
            self.link = None;
        }
    }

    /// Whether a session that ended so can be gone on with: the network has cut it, nobody wanted its end.
    const fn may_resume(reason: &CloseReason) -> bool {
        matches!(
            reason,
            CloseReason::TransportFailed
                | CloseReason::IdleTimeout { .. }
                | CloseReason::ProbesExhausted { .. }
                | CloseReason::UnackedLimit { .. }
        )
    }

    /// What the peer is told of this end, when it does not know and may still listen.
    fn farewell(&self, reason: &CloseReason) -> Option<AbortReason> {
        match reason {
            CloseReason::Aborted { code, text } => Some(AbortReason { code: *code, text: text.clone() }),
            CloseReason::Peer(fault) => Some(AbortReason::new(CODE_BY_ITSELF, &format!("you broke a rule: {fault}"))),
            CloseReason::UnackedLimit { .. }
            | CloseReason::ZeroWindow { .. }
            | CloseReason::CloseTimeout { .. }
            | CloseReason::PeerTakesLess { .. }
            | CloseReason::ResumeRefused => Some(AbortReason::new(CODE_BY_ITSELF, &reason.to_string())),
            CloseReason::Finished if self.done_due => Some(AbortReason::new(CODE_FINISHED, "")),
            CloseReason::Finished
            | CloseReason::NeverConnected
            | CloseReason::PeerAborted { .. }
            | CloseReason::TransportFailed
            | CloseReason::HandshakeTimeout { .. }
            | CloseReason::IdleTimeout { .. }
            | CloseReason::ProbesExhausted { .. } => None,
        }
    }

    /// The peer was told, or could not be.
    fn left(&mut self) {
        if let Life::Leaving { reason, .. } = &self.life {
            self.life = Life::Ended(reason.clone());
            self.link = None;
        }
    }

    /// A fault that only the peer can have committed, in a packet that a check has found undamaged.
    fn fault(&mut self, fault: PeerFault) {
        self.end(CloseReason::Peer(fault));
    }

    /// Finishes our side, and ends when the peer has too.
    fn start_closing(&mut self, now: Instant) {
        if self.handshake.phase() == Phase::Listen {
            self.end(CloseReason::NeverConnected);
            return;
        }
        if self.close_deadline.is_none() {
            self.close_deadline = Some(now + self.config.close_timeout);
        }
        self.finish(now);
    }

    pub(crate) fn finish(&mut self, now: Instant) {
        let now = self.clock(now);
        if self.is_open() {
            let todo = self.close.on(Progress::Finish);
            self.close_step(now, todo);
        }
    }

    /// The peer says that it is done. It can not be before we have said that we finish.
    fn hear_done(&mut self) -> bool {
        self.peer_done |= self.close.is_finishing();
        self.heed_done();
        self.peer_done
    }

    /// Ends the session when the peer is done and we lack nothing either.
    fn heed_done(&mut self) {
        if self.peer_done && matches!(self.close.stage(), Stage::BothFinishing | Stage::Lingering) {
            // Who has not said so itself does it in leaving.
            self.done_due |= self.close.stage() == Stage::BothFinishing;
            // Its application has taken everything, though it may not have come through that it has.
            let events = &mut self.events;
            self.sender.on_all_consumed(&mut |id| events.push_back(Event::Receipt(id)));
            let todo = self.close.on(Progress::PeerDone);
            self.close_step(self.now, todo);
        }
    }

    /// The peer is gone. That is no fault when nothing was missing but the acknowledgement of our end.
    fn end_by_silence(&mut self, reason: CloseReason) {
        let lacks_nothing = self.sender.buffered_messages() == 0 && self.sender.waiting_receipts() == 0;
        let is_over = match self.close.stage() {
            Stage::BothFinishing => lacks_nothing,
            stage => stage == Stage::Lingering,
        };
        self.end(if is_over { CloseReason::Finished } else { reason });
    }

    fn close_step(&mut self, now: Instant, todo: Todo) {
        match todo {
            Todo::Nothing => {}
            Todo::QueueFinish => self.sender.finish(),
            Todo::Linger => {
                self.done_due = true;
                self.linger_until = Some(now + self.linger());
                self.linger_limit = now + self.config.linger;
            }
            Todo::End => self.end(CloseReason::Finished),
        }
    }

    /// Looks at what an acknowledgement or an arrival may have brought about.
    fn after_progress(&mut self, now: Instant) {
        if !self.is_open() {
            return;
        }
        if self.close.is_finishing() && self.has_delivered_all() {
            let todo = self.close.on(Progress::Acknowledged);
            self.close_step(now, todo);
        }
        self.note_taken_all(now);
        self.note_blocked(now);
    }

    /// Whether everything of ours was acknowledged, the end too, and every receipt has come that was asked for.
    fn has_delivered_all(&self) -> bool {
        self.sender.is_finished() && self.sender.waiting_receipts() == 0
    }

    /// Notes whether our user has taken everything that the peer ever sends. Before that the peer may still wait for receipts.
    fn note_taken_all(&mut self, now: Instant) {
        if self.is_open() && !self.close.peer_has_finished() && self.receiver.is_finished() {
            let todo = self.close.on(Progress::PeerFinished);
            self.close_step(now, todo);
            self.heed_done();
        }
    }

    /// Notes since when the peer's credit holds us up. That lasts until new data could be sent: an update that grants nothing
    /// does not count.
    fn note_blocked(&mut self, now: Instant) {
        let by_credit =
            matches!(self.sender.blocked_by(), Some(Blocked::Bytes | Blocked::Messages | Blocked::Segments));
        if !self.handshake.is_established() || !self.sender.has_unsent() {
            self.blocked_since = None;
        } else if by_credit && self.blocked_since.is_none() {
            self.blocked_since = Some(now);
        }
    }

    /// Does what the handshake asks for.
    fn react(&mut self, now: Instant, reaction: Reaction) {
        match reaction {
            Reaction::Nothing => {}
            Reaction::Ignored => self.counters.handshake_ignored = self.counters.handshake_ignored.wrapping_add(1),
            Reaction::Learn { open } => {
                if let Some(peer) = self.peer_hello.take() {
                    self.link = Some(Link::new(&self.config, peer, now));
                }
                if open {
                    self.open(now);
                }
            }
            Reaction::Open => self.open(now),
            Reaction::Forget => self.link = None,
            Reaction::GiveUp { attempts } => self.end(CloseReason::HandshakeTimeout { attempts }),
        }
    }

    pub(crate) fn into_resumable(self) -> Option<Resumable> {
        let may_resume = match &self.life {
            Life::Open => true,
            Life::Leaving { reason, .. } | Life::Ended(reason) | Life::Closed(reason) => Self::may_resume(reason),
        };
        let (tags, max_datagram) = self.cut.filter(|_| may_resume)?;
        Some(Resumable { tags, sender: self.sender, receiver: self.receiver, max_datagram })
    }

    pub(crate) const fn max_datagram(&self) -> usize {
        self.config.max_datagram
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.handshake.is_established() && self.is_open()
    }

    pub(crate) const fn tag(&self) -> u64 {
        self.config.tag
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        let now = now.max(self.now);
        Status {
            duration: now - self.started,
            connected: self.is_connected(),
            handshake_attempts: self.handshake.attempts(),
            silence: now - self.keepalive.last_heard(),
            recovery: self.link.as_ref().map(|link| link.recovery.status()),
            send: self.send_status(),
            receive: self.receive_status(),
            counters: self.counters,
        }
    }
}
