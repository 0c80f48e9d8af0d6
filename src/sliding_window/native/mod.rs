//! The session behind the face, for our own packets.

mod ending;
mod events;
mod greeting;
mod link;
mod receive;
mod timers;
mod transmit;
mod user;

use alloc::collections::VecDeque;

use super::close::{Close, Progress};
use super::config::{self, Config, InitialNumbers};
use super::error::{CloseReason, ConfigError};
use super::event::{AbortReason, Event, FlushMark, Input, Told};
use super::farewell::Farewell;
use super::handshake::{Handshake, Reaction};
use super::keepalive::Keepalive;
use super::legacy::UnackedLimit;
use super::number::Numbering;
use super::packet::FramesPacket;
use super::receiver::{Receiver, ReceiverConfig};
use super::resume::{Name, Resumable, Tags};
use super::seed::Seed;
use super::sender::{Blocked, Sender, SenderConfig};
use super::status::{Counters, Status};
use crate::time::{Duration, Instant};
use ending::MAX_CODE;
use link::{Link, Peer};

/// Where the session is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// Ended, but the peer is still to be told, unless the transport takes nothing until then.
    Leaving {
        reason: CloseReason,
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
    /// What this session goes on with.
    resumes: Option<Name>,
    /// Which of its names the peer has called it by.
    called: Option<Tags>,
    /// What a later session needs to go on with this one. Known once it is open.
    name: Option<Name>,
    peer_hello: Option<Peer>,
    link: Option<Link>,
    sender: Sender,
    receiver: Receiver,
    keepalive: Keepalive,
    unacked: UnackedLimit,
    close: Close,
    close_deadline: Option<Instant>,
    linger_until: Option<Instant>,
    /// The peer is to be told that we have everything.
    done_due: bool,
    /// The peer has everything.
    peer_done: bool,
    /// When the word that we have everything is said again, in case it was lost, and how long to wait after that.
    done_again: Option<(Instant, Duration)>,
    /// However often the peer asks again, it is answered no longer than this.
    linger_limit: Instant,
    /// However long a receipt is on its way, it is waited for no longer than this.
    receipt_limit: Instant,
    /// What the peer is told of an end that it does not know.
    farewell: Option<Farewell>,
    /// Since when the peer's credit has held us up.
    blocked_since: Option<Instant>,
    /// The peer is to be told our credit.
    credit_due: bool,
    /// A packet that told our credit was lost.
    credit_lost: bool,
    events: VecDeque<Event>,
    flushes: VecDeque<FlushMark>,
    told: Told,
    /// We ended it: nothing that has arrived is delivered any more.
    discards: bool,
    counters: Counters,
}

/// The sender and the receiver, new or of the session that was cut, and by what that is known.
fn halves(config: &Config, resumable: Option<Resumable>) -> Result<(Sender, Receiver, Option<Name>), ConfigError> {
    let Some(old) = resumable else {
        return Ok((Sender::new(sender_config(config)), Receiver::new(receiver_config(config)), None));
    };
    let (max_datagram, needed) = (config.max_datagram, old.name.max_datagram);
    if max_datagram < needed {
        return Err(ConfigError::ResumeDatagram { max_datagram, needed });
    }
    Ok((old.sender, old.receiver, Some(old.name)))
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
        let (sender, receiver, resumes) = halves(&config, resumable)?;
        let mut close = Close::new();
        if sender.is_finishing() {
            let _queued_already = close.on(Progress::Finish);
        }
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
            called: None,
            name: None,
            peer_hello: None,
            link: None,
            sender,
            receiver,
            keepalive: Keepalive::new(config.keepalive, config.idle_timeout, now),
            unacked: config::UnackedLimit::watch(config.unacked_limit),
            close,
            close_deadline: None,
            linger_until: None,
            done_due: false,
            peer_done: false,
            done_again: None,
            linger_limit: Instant::MAX,
            receipt_limit: Instant::MAX,
            farewell: None,
            blocked_since: None,
            credit_due: false,
            credit_lost: false,
            events: VecDeque::new(),
            flushes: VecDeque::new(),
            told: Told::default(),
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
            other => self.handle_end(now, other),
        }
    }

    /// What the user or the transport ends.
    #[cold]
    fn handle_end(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Datagram(_) => {}
            Input::Close => self.start_closing(now),
            Input::Abort { code, text } => {
                let AbortReason { code, text } = AbortReason::new(code.min(MAX_CODE), text);
                self.discards = true;
                self.end(CloseReason::Aborted { code, text });
            }
            Input::TransportFailed => self.end(CloseReason::TransportFailed),
        }
    }

    /// Notes since when the peer's credit holds us up. That lasts until new data could be sent: an update that grants nothing
    /// does not count.
    #[inline]
    fn note_blocked(&mut self, now: Instant) {
        if self.blocked_since.is_some() || self.sender.blocked_by().is_some() {
            self.note_held_up(now);
        }
    }

    fn note_held_up(&mut self, now: Instant) {
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
            Reaction::Forget => {
                self.link = None;
                // The one that is forgotten may have learned our tag: what it still sends is not for the next one.
                self.config.tag = self.handshake.draw_tag();
            }
            Reaction::GiveUp { attempts } => self.end(CloseReason::HandshakeTimeout { attempts }),
        }
    }

    pub(crate) fn into_resumable(mut self) -> Option<Resumable> {
        self.settle_name();
        let may_resume = match &self.life {
            Life::Open => true,
            Life::Leaving { reason, .. } | Life::Ended(reason) | Life::Closed(reason) => self.may_resume(reason),
        };
        // What never came to be open is as it was.
        let name = self.name.or(self.resumes).filter(|_| may_resume)?;
        Some(Resumable { name, sender: self.sender, receiver: self.receiver })
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
