//! A session that speaks the original's packets, behind the same face as our own.
//!
//! The table of states is [`update_mended`]; what it leaves open is decided so that a peer of the original survives.

mod closing;
pub(super) mod config;
mod events;
mod greeting;
mod incoming;
mod outgoing;
mod receive;
mod timeout;
mod timers;
mod transmit;
mod user;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::BytesMut;

use super::state_table::{TcpAction, TcpEvent, TcpState, update_mended};
use super::timestamp::Timestamp;
use super::unacked_limit::UnackedLimit;
use crate::sliding_window::config::{Config, PacketFormat};
use crate::sliding_window::error::{CloseReason, ConfigError};
use crate::sliding_window::event::{AbortReason, Event, FlushMark, Input, Told};
use crate::sliding_window::fault::PeerFault;
use crate::sliding_window::recovery::{RecoveryCounters, RecoveryStatus};
use crate::sliding_window::status::{Counters, Status};
use crate::time::{Duration, Instant, nanos};
use closing::{Closing, Life};
use config::LegacyConfig;
use greeting::Greeting;
use incoming::Incoming;
use outgoing::{Outgoing, Room};
use timeout::Timeout;

/// What an answer repeats of the packet that it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) sent_at: Timestamp,
    pub(super) retry: i64,
}

/// Answers that wait to be sent; of each kind the newest is enough.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    syn: bool,
    syn_ack: Option<Echo>,
    estab_ack: Option<Echo>,
    fin: bool,
    fin_ack: Option<Echo>,
    data_ack: Option<Echo>,
    /// The answer to a keepalive. The peer can not tell by it whether number 0 was consumed.
    keepalive_ack: Option<Echo>,
    keepalive: bool,
}

/// What is known of the peer.
#[derive(Clone, Debug, Default)]
struct Peer {
    /// Its inbox. From the configuration, or that of the first that calls.
    inbox: Vec<u8>,
    /// Empty as long as it is not known.
    nonce: Vec<u8>,
    /// The most messages and bytes that it ever said it takes: its windows, when nothing is in them.
    window: u64,
    window_bytes: u64,
    /// It counts what it has consumed from -1, as the original does not: it also sends its end behind its data, and its 0 means 0.
    is_mended: bool,
}

/// A session that speaks the original's packets.
#[derive(Clone, Debug)]
pub(crate) struct Legacy {
    config: Config,
    legacy: LegacyConfig,
    max_payload: usize,
    /// The latest time that the driver told; it never goes back.
    now: Instant,
    started: Instant,
    life: Life,
    state: TcpState,
    peer: Peer,
    greeting: Greeting,
    outgoing: Outgoing,
    incoming: Incoming,
    timeout: Timeout,
    /// Timeouts in a row in which the peer was silent.
    probes: u32,
    due: Due,
    heard: Instant,
    said: Instant,
    closing: Closing,
    unacked: UnackedLimit,
    /// Since when the peer's window has held us up.
    blocked_since: Option<Instant>,
    refused: bool,
    events: VecDeque<Event>,
    flushes: VecDeque<FlushMark>,
    told: Told,
    discards: bool,
    scratch: BytesMut,
    counters: Counters,
}

impl Legacy {
    pub(crate) fn new(config: Config, calls: bool, now: Instant) -> Result<Self, ConfigError> {
        let PacketFormat::Legacy(legacy) = config.format.clone() else {
            return Err(ConfigError::Unsupported { what: "another format" });
        };
        if calls && legacy.peer_inbox.is_empty() {
            return Err(ConfigError::OutOfRange {
                name: "peer_inbox",
                value: 0,
                min: 1,
                max: LegacyConfig::MAX_INBOX as u64,
            });
        }
        let max_payload = config.max_datagram.saturating_sub(legacy.overhead());
        let window = config.receive.window.min(config.receive.max_messages) as u64;
        let max_held = config.receive.max_bytes.saturating_add(config.receive.max_message);
        let peer = Peer { inbox: legacy.peer_inbox.as_bytes().to_vec(), ..Peer::default() };
        let mut session = Self {
            max_payload,
            now,
            started: now,
            life: Life::Open,
            state: TcpState::Listen,
            peer,
            greeting: Greeting::default(),
            outgoing: Outgoing::default(),
            incoming: Incoming::new(window, max_held),
            timeout: Timeout::new(&legacy, now),
            probes: 0,
            due: Due::default(),
            heard: now,
            said: now,
            closing: Closing::default(),
            unacked: crate::sliding_window::config::UnackedLimit::watch(config.unacked_limit),
            blocked_since: None,
            refused: false,
            events: VecDeque::new(),
            flushes: VecDeque::new(),
            told: Told::default(),
            discards: false,
            scratch: BytesMut::new(),
            counters: Counters::default(),
            legacy,
            config,
        };
        if calls {
            session.call(now);
        }
        Ok(session)
    }

    /// Takes the driver's time, and gives the machine's: the same, or the latest one if the driver's went back.
    fn clock(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.counters.clock_went_back = self.counters.clock_went_back.saturating_add(1);
        } else {
            self.now = now;
        }
        self.now
    }

    /// What the clock on the wall shows.
    fn wall(&self, now: Instant) -> Timestamp {
        const SECOND: u64 = 1_000_000_000;
        let now = now.as_nanos();
        let seconds = i64::try_from(now / SECOND).unwrap_or(i64::MAX);
        let nanoseconds = i32::try_from(now % SECOND).unwrap_or(0).saturating_add(self.legacy.clock.nanoseconds());
        Timestamp::new(self.legacy.clock.seconds().saturating_add(seconds), nanoseconds)
    }

    /// How long ago a moment was that the clock on the wall has shown; `None` for what it has not shown yet.
    fn since(&self, now: Instant, moment: Timestamp) -> Option<Duration> {
        let wall = self.wall(now);
        let seconds = wall.seconds().checked_sub(moment.seconds())?;
        let nanoseconds = i64::from(wall.nanoseconds()).saturating_sub(i64::from(moment.nanoseconds()));
        let elapsed = seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)?;
        u64::try_from(elapsed).ok().map(Duration::from_nanos).filter(|elapsed| *elapsed <= now - self.started)
    }

    fn is_open(&self) -> bool {
        self.life == Life::Open
    }

    /// Whether both ends know each other.
    const fn is_established(&self) -> bool {
        matches!(
            self.state,
            TcpState::Established | TcpState::CloseInitiatorHasSentFin | TcpState::CloseResponderGotFin
        )
    }

    pub(crate) fn handle(&mut self, now: Instant, input: Input<'_>) {
        let now = self.clock(now);
        match input {
            Input::Datagram(datagram) => self.on_datagram(now, datagram),
            _ if !self.is_open() => {}
            Input::Close => self.start_closing(now),
            Input::Abort { code, text } => {
                let AbortReason { code, text } = AbortReason::new(code, text);
                self.discards = true;
                self.end(CloseReason::Aborted { code, text });
            }
            Input::TransportFailed => self.end(CloseReason::TransportFailed),
        }
    }

    /// Lets an event act on the state, by the table; does what it asks for.
    fn act(&mut self, now: Instant, event: TcpEvent, echo: Echo) {
        // Whoever knows our nonce has seen our SYN or SYNACK: what the original's packets were to say and do not.
        let (state, action) = update_mended(self.state, event, TcpState::Established);
        let was_established = self.is_established();
        self.state = state;
        match action {
            TcpAction::SendSynAck => self.due.syn_ack = Some(echo),
            TcpAction::SendEstabAck => self.due.estab_ack = Some(echo),
            TcpAction::SendDataAck => self.due.keepalive_ack = Some(echo),
            TcpAction::SendFin => self.say_end(now),
            TcpAction::SendFinAck => self.answer_fin(now, echo),
            TcpAction::DoAppClose => self.hear_end(now, echo),
            _ => {}
        }
        if !was_established && state == TcpState::Established {
            self.open(now);
        }
        if state == TcpState::Closed && self.is_open() {
            self.finished(now);
        }
    }

    fn open(&mut self, now: Instant) {
        self.greeting.stop();
        (self.due.syn, self.due.syn_ack) = (false, None);
        (self.heard, self.said) = (now, now);
        self.timeout.on_progress(now);
        self.events.push_back(Event::Connected);
        self.after_progress(now);
    }

    /// A fault that only the peer can have committed.
    fn fault(&mut self, fault: PeerFault) {
        self.end(CloseReason::Peer(fault));
    }

    /// Looks at what an acknowledgement or an arrival may have brought about.
    fn after_progress(&mut self, now: Instant) {
        if self.is_open() {
            self.close_step(now);
            self.note_blocked(now);
        }
    }

    /// How much may be out: the peer's windows count from what it has consumed, and so do ours. Nothing that it tells shrinks
    /// them; one message is always let out, to ask.
    fn room(&self) -> Room {
        let messages = usize::try_from(self.peer.window).unwrap_or(usize::MAX).max(1).min(self.config.send.window);
        Room { messages, bytes: self.peer.window_bytes }
    }

    /// Notes since when the peer's window holds us up: until an acknowledgement brings progress.
    fn note_blocked(&mut self, now: Instant) {
        let room = self.room();
        let (messages, bytes) = self.outgoing.in_flight();
        let blocked = self.is_established()
            && self.outgoing.has_unsent()
            && messages > 0
            && (messages as u64 >= self.peer.window || bytes >= room.bytes);
        if !blocked {
            self.blocked_since = None;
        } else if self.blocked_since.is_none() {
            self.blocked_since = Some(now);
        }
    }

    pub(crate) const fn max_datagram(&self) -> usize {
        self.config.max_datagram
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_established() && self.is_open()
    }

    pub(crate) const fn tag(&self) -> u64 {
        self.config.tag
    }

    pub(crate) const fn state(&self) -> TcpState {
        self.state
    }

    pub(crate) fn status(&self, now: Instant) -> Status {
        let now = now.max(self.now);
        Status {
            duration: now - self.started,
            connected: self.is_connected(),
            handshake_attempts: self.greeting.attempts(),
            silence: now - self.heard,
            recovery: self.is_established().then(|| self.recovery_status()),
            send: self.send_status(),
            receive: self.receive_status(),
            counters: self.counters,
        }
    }

    fn recovery_status(&self) -> RecoveryStatus {
        let (packets, bytes) = self.outgoing.in_flight();
        let sent = self.counters.data_sent;
        RecoveryStatus {
            window: self.peer.window_bytes,
            bytes_in_flight: bytes,
            packets_in_flight: packets as u64,
            pacing_rate: None,
            in_slow_start: false,
            round_trip: self.timeout.round_trip(),
            probe_timeout: self.timeout.base(),
            probe_count: self.timeout.backoff(),
            packet_threshold: u64::MAX,
            loss_delay: Duration::from_nanos(nanos(self.timeout.current())),
            counters: RecoveryCounters {
                packets_sent: sent,
                packets_acked: self.outgoing.base(),
                packets_lost: self.counters.packets_lost,
                probe_timeouts: self.counters.probe_timeouts,
                clock_went_back: self.counters.clock_went_back,
                ..RecoveryCounters::default()
            },
        }
    }
}
