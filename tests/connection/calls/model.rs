//! The reference model: what a connection must be, computed in the plainest way.

use std::collections::VecDeque;

use crate::support::{PING, Seen, packet};
use mconn::connection::CloseReason;
use mconn::time::Duration;
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// Channels: id, priority, messages that may wait.
pub(crate) const CHANNELS: [(u8, u32, usize); 3] = [(3, 1, 1), (0x80, 5, 3), (200, 2, 2)];
pub(crate) const QUEUE_BYTES: usize = 5000;
pub(crate) const MAX_MESSAGE: usize = 6000;
pub(crate) const RECV_CAPACITY: usize = 700;
pub(crate) const INBOX: usize = 2;
pub(crate) const PAYLOAD: usize = 100;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Send {
        channel: usize,
        len: usize,
    },
    SendUnknown,
    Transmit {
        max: usize,
    },
    Frame,
    /// The peer's next packets become bytes that may be fed.
    PeerSends(Vec<Peer>),
    /// At most so many more of the peer's bytes reach the driver's buffer, and the buffer is fed.
    Feed {
        bytes: usize,
        end: bool,
    },
    TakeEvents(usize),
    Tick {
        milliseconds: i64,
    },
    Close,
    CloseAfterFlush {
        after: Option<u64>,
    },
    TransportFailed,
}

/// A packet of the peer.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Ping,
    Message { channel: usize, end: bool, len: usize },
    UnknownChannel,
    Garbage,
}

impl Peer {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match *self {
            Self::Ping => PING.to_vec(),
            Self::Message { channel, end, len } => packet(CHANNELS[channel].0, end, &vec![len as u8; len]),
            Self::UnknownChannel => packet(77, true, b"x"),
            Self::Garbage => vec![1, 0],
        }
    }
}

/// The state of the model: what a connection must be, computed in the plainest way.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) now: Duration,
    pub(crate) ticks: u64,
    /// Messages that were accepted: how many bytes of the first were sent, and all lengths.
    pub(crate) queues: [(usize, VecDeque<usize>); 3],
    pub(crate) recently_sent: [i64; 3],
    pub(crate) pong_due: bool,
    /// Packets that the peer has sent and the machine has not consumed.
    pub(crate) incoming: VecDeque<Peer>,
    /// Their bytes that have not reached the buffer, and those that have.
    pub(crate) on_the_way: usize,
    pub(crate) in_buffer: usize,
    pub(crate) partial: [usize; 3],
    pub(crate) inbox: VecDeque<(u8, usize)>,
    pub(crate) phase: Phase,
    pub(crate) deadline: Option<Duration>,
    /// What the last call gave.
    pub(crate) written: Vec<Seen>,
    pub(crate) taken: Vec<Taken>,
    pub(crate) refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Open,
    Flushing,
    Ended(Reason),
    Closed,
}

/// The ends that the model knows, without their details.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reason {
    Local,
    Flushed,
    FlushDeadline,
    PeerClosed,
    TransportFailed,
    Decode,
    UnknownChannel,
    TooLarge,
}

impl Reason {
    pub(crate) fn of(reason: &CloseReason) -> Self {
        match reason {
            CloseReason::Local => Self::Local,
            CloseReason::Flushed => Self::Flushed,
            CloseReason::FlushDeadline { .. } => Self::FlushDeadline,
            CloseReason::PeerClosed { .. } => Self::PeerClosed,
            CloseReason::TransportFailed => Self::TransportFailed,
            CloseReason::Decode { .. } => Self::Decode,
            CloseReason::UnknownChannel { .. } => Self::UnknownChannel,
            CloseReason::MessageTooLarge { .. } => Self::TooLarge,
            other => panic!("{other}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Taken {
    Message(u8, usize),
    Closed(Reason),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refused {
    Unknown,
    TooLarge,
    Full,
    Closing,
    Closed,
}

impl Model {
    pub(crate) fn ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_) | Phase::Closed)
    }

    fn end(&mut self, reason: Reason) {
        if !self.ended() {
            self.phase = Phase::Ended(reason);
            self.queues = Default::default();
            self.partial = [0; 3];
            self.deadline = None;
        }
    }

    fn pass_time(&mut self, to: Duration) {
        self.now = self.now.max(to);
        while self.ticks < self.now.as_millis() as u64 / 2000 {
            self.ticks += 1;
            for bytes in &mut self.recently_sent {
                *bytes = (*bytes as f64 * 0.8) as i64;
            }
        }
    }

    pub(crate) fn send(&mut self, channel: usize, len: usize) -> Option<Refused> {
        let (sent, queue) = &mut self.queues[channel];
        let bytes = queue.iter().sum::<usize>() - *sent;
        match self.phase {
            Phase::Flushing => return Some(Refused::Closing),
            Phase::Ended(_) | Phase::Closed => return Some(Refused::Closed),
            Phase::Open if len > MAX_MESSAGE => return Some(Refused::TooLarge),
            Phase::Open => {}
        }
        // One is being cut, and as many as the capacity says may wait; one message alone may be larger than the bytes.
        if queue.len() > CHANNELS[channel].2 || (!queue.is_empty() && bytes + len > QUEUE_BYTES) {
            return Some(Refused::Full);
        }
        queue.push_back(len);
        None
    }

    /// The next packet: its channel, and what it is on the wire.
    fn next_packet(&self) -> Option<(usize, Seen, usize)> {
        let (mut least, mut chosen) = (f32::MAX, None);
        for (channel, &(_, priority, _)) in CHANNELS.iter().enumerate() {
            let ratio = self.recently_sent[channel] as f32 / priority as f32;
            if !self.queues[channel].1.is_empty() && ratio < least {
                (least, chosen) = (ratio, Some(channel));
            }
        }
        let channel = chosen?;
        let id = CHANNELS[channel].0;
        let (sent, queue) = &self.queues[channel];
        let rest = queue[0] - sent;
        // Within the limit of a peer, a full last packet of a channel with a long id has no room for its last byte.
        let last = if id >= 0x80 { PAYLOAD - 1 } else { PAYLOAD };
        let (len, end) =
            if rest <= last { (rest, true) } else { (if rest <= PAYLOAD { last } else { PAYLOAD }, false) };
        let wire_len = packet(id, end, &vec![0; len]).len();
        Some((channel, Seen::Message(i32::from(id), end, len), wire_len))
    }

    /// Writes one packet if it fits.
    fn write(&mut self, room: &mut usize) -> bool {
        if self.ended() {
            return false;
        }
        if self.pong_due && *room >= 3 {
            self.pong_due = false;
            *room -= 3;
            self.written.push(Seen::Pong);
            return true;
        }
        let Some((channel, seen, wire_len)) = self.next_packet().filter(|(_, _, len)| len <= room) else {
            return false;
        };
        *room -= wire_len;
        self.written.push(seen);
        self.recently_sent[channel] += wire_len as i64;
        let (sent, queue) = &mut self.queues[channel];
        let Seen::Message(_, end, len) = seen else { unreachable!() };
        *sent += len;
        if end {
            *sent = 0;
            queue.pop_front();
        }
        true
    }

    fn end_if_flushed(&mut self) {
        if self.phase == Phase::Flushing && self.queues.iter().all(|(_, queue)| queue.is_empty()) {
            self.end(Reason::Flushed);
        }
    }

    /// Consumes what is in the buffer, as far as it can.
    fn consume(&mut self, end: bool) {
        while !self.ended() {
            if self.in_buffer > 0 && self.inbox.len() >= INBOX {
                return;
            }
            let whole = self.incoming.front().map_or(usize::MAX, |packet| packet.bytes().len());
            let garbage = matches!(self.incoming.front(), Some(Peer::Garbage));
            if self.in_buffer < whole && !(garbage && self.in_buffer == 2) {
                break;
            }
            let peer = self.incoming.pop_front().unwrap();
            self.in_buffer -= whole;
            match peer {
                Peer::Ping => self.pong_due = true,
                Peer::UnknownChannel => self.end(Reason::UnknownChannel),
                Peer::Garbage => self.end(Reason::Decode),
                Peer::Message { channel, len, .. } if self.partial[channel] + len > RECV_CAPACITY => {
                    self.end(Reason::TooLarge);
                }
                Peer::Message { channel, end, len } => {
                    self.partial[channel] += len;
                    if end {
                        self.inbox.push_back((CHANNELS[channel].0, std::mem::take(&mut self.partial[channel])));
                    }
                }
            }
        }
        if end {
            self.end(Reason::PeerClosed);
        }
    }

    fn take_event(&mut self) -> Option<Taken> {
        if let Some((channel, len)) = self.inbox.pop_front() {
            return Some(Taken::Message(channel, len));
        }
        let Phase::Ended(reason) = self.phase else { return None };
        self.phase = Phase::Closed;
        Some(Taken::Closed(reason))
    }
}

fn call() -> impl Strategy<Value = Call> {
    let peer = prop_oneof![
        2 => Just(Peer::Ping),
        12 => (0..3_usize, any::<bool>(), 0..=PAYLOAD).prop_map(|(channel, end, len)| Peer::Message { channel, end, len }),
        1 => Just(Peer::UnknownChannel),
        1 => Just(Peer::Garbage),
    ];
    let len = prop_oneof![3 => 0..300_usize, 1 => Just(PAYLOAD), 1 => Just(2 * PAYLOAD), 1 => 0..MAX_MESSAGE + 2];
    prop_oneof![
        20 => (0..3_usize, len).prop_map(|(channel, len)| Call::Send { channel, len }),
        1 => Just(Call::SendUnknown),
        8 => prop_oneof![0..12_usize, 90..130_usize, 0..3000_usize].prop_map(|max| Call::Transmit { max }),
        6 => Just(Call::Frame),
        10 => proptest::collection::vec(peer, 1..6).prop_map(Call::PeerSends),
        14 => (0..400_usize, proptest::bool::weighted(0.02)).prop_map(|(bytes, end)| Call::Feed { bytes, end }),
        10 => (1..5_usize).prop_map(Call::TakeEvents),
        6 => prop_oneof![-3000..4000_i64, Just(2000)].prop_map(|milliseconds| Call::Tick { milliseconds }),
        1 => Just(Call::Close),
        2 => proptest::option::of(0..3000_u64).prop_map(|after| Call::CloseAfterFlush { after }),
        1 => Just(Call::TransportFailed),
    ]
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Self> {
        let start = Self {
            now: Duration::ZERO,
            ticks: 0,
            queues: Default::default(),
            recently_sent: [0; 3],
            pong_due: false,
            incoming: VecDeque::new(),
            on_the_way: 0,
            in_buffer: 0,
            partial: [0; 3],
            inbox: VecDeque::new(),
            phase: Phase::Open,
            deadline: None,
            written: vec![],
            taken: vec![],
            refused: None,
        };
        Just(start).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Call> {
        call().boxed()
    }

    fn apply(mut state: Self, call: &Call) -> Self {
        (state.written, state.taken, state.refused) = (vec![], vec![], None);
        match *call {
            Call::Send { channel, len } => state.refused = state.send(channel, len),
            Call::SendUnknown => {
                state.refused = Some(match state.phase {
                    Phase::Open => Refused::Unknown,
                    Phase::Flushing => Refused::Closing,
                    Phase::Ended(_) | Phase::Closed => Refused::Closed,
                });
            }
            Call::Transmit { mut max } => {
                while state.write(&mut max) {}
                state.end_if_flushed();
            }
            Call::Frame => {
                state.write(&mut usize::MAX.clone());
                state.end_if_flushed();
            }
            Call::PeerSends(ref packets) => {
                for peer in packets {
                    state.on_the_way += peer.bytes().len();
                    state.incoming.push_back(peer.clone());
                }
            }
            Call::Feed { bytes, end } => {
                let bytes = bytes.min(state.on_the_way);
                state.on_the_way -= bytes;
                state.in_buffer += bytes;
                state.consume(end);
            }
            Call::TakeEvents(count) => {
                for _ in 0..count {
                    let event = state.take_event();
                    state.taken.extend(event);
                }
            }
            Call::Tick { milliseconds } => {
                let now = state.now.as_millis() as i64;
                state.pass_time(Duration::from_millis((now + milliseconds).max(0) as u64));
                if state.deadline.is_some_and(|deadline| deadline <= state.now) {
                    state.end(Reason::FlushDeadline);
                }
            }
            Call::Close => state.end(Reason::Local),
            Call::TransportFailed => state.end(Reason::TransportFailed),
            Call::CloseAfterFlush { after } => {
                if !state.ended() {
                    state.phase = Phase::Flushing;
                    state.deadline = after.map(|after| state.now + Duration::from_millis(after));
                    state.end_if_flushed();
                }
            }
        }
        state
    }
}
