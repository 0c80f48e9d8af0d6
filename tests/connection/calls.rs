//! Any sequence of calls, against a simple reference model.
//!
//! The model has no limiter, no throttle and no pings of its own; those have tests of their own. What it has is queues, the
//! plain scan of the channels, an inbox, and the life of a connection.

use std::collections::VecDeque;

use crate::support::{PING, Seen, events, machine, packet, quiet, seen};
use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, CloseReason, Event, Input, MConnState, SendRefusal};
use mconn::machine::Machine;
use mconn::time::{Duration, Instant};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

/// Channels: id, priority, messages that may wait.
const CHANNELS: [(u8, u32, usize); 3] = [(3, 1, 1), (0x80, 5, 3), (200, 2, 2)];
const QUEUE_BYTES: usize = 5000;
const MAX_MESSAGE: usize = 6000;
const RECV_CAPACITY: usize = 700;
const INBOX: usize = 2;
const PAYLOAD: usize = 100;

#[derive(Clone, Debug)]
enum Call {
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
enum Peer {
    Ping,
    Message { channel: usize, end: bool, len: usize },
    UnknownChannel,
    Garbage,
}

impl Peer {
    fn bytes(&self) -> Vec<u8> {
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
struct Model {
    now: Duration,
    ticks: u64,
    /// Messages that were accepted: how many bytes of the first were sent, and all lengths.
    queues: [(usize, VecDeque<usize>); 3],
    recently_sent: [i64; 3],
    pong_due: bool,
    /// Packets that the peer has sent and the machine has not consumed.
    incoming: VecDeque<Peer>,
    /// Their bytes that have not reached the buffer, and those that have.
    on_the_way: usize,
    in_buffer: usize,
    partial: [usize; 3],
    inbox: VecDeque<(u8, usize)>,
    phase: Phase,
    deadline: Option<Duration>,
    /// What the last call gave.
    written: Vec<Seen>,
    taken: Vec<Taken>,
    refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Open,
    Flushing,
    Ended(Reason),
    Closed,
}

/// The ends that the model knows, without their details.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
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
    fn of(reason: &CloseReason) -> Self {
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
enum Taken {
    Message(u8, usize),
    Closed(Reason),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Refused {
    Unknown,
    TooLarge,
    Full,
    Closing,
    Closed,
}

impl Model {
    fn ended(&self) -> bool {
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

    fn send(&mut self, channel: usize, len: usize) -> Option<Refused> {
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

/// The machine, and what its driver keeps.
struct Driven {
    machine: MConnState,
    /// The time that the driver tells, which may go back.
    now: Instant,
    on_the_way: VecDeque<u8>,
    buffer: BytesMut,
}

impl Driven {
    fn payload(len: usize) -> Bytes {
        (0..len).map(|index| (index * 7) as u8).collect()
    }

    fn check_written(&mut self, bytes: &[u8], model: &Model) {
        assert_eq!(seen(bytes), model.written);
    }
}

impl StateMachineTest for Driven {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let channel = |(id, priority, capacity)| {
            ChannelConfig::new(id, priority)
                .send_queue_capacity(capacity)
                .send_queue_bytes(QUEUE_BYTES)
                .max_send_message(MAX_MESSAGE)
                .recv_message_capacity(RECV_CAPACITY)
        };
        let mut config = quiet(CHANNELS.map(channel));
        (config.send_payload_size, config.inbox_messages) = (PAYLOAD, INBOX);
        Self { machine: machine(config), now: Instant::ZERO, on_the_way: VecDeque::new(), buffer: BytesMut::new() }
    }

    fn apply(mut driven: Self, model: &Model, call: Call) -> Self {
        let now = driven.now;
        let machine = &mut driven.machine;
        match call {
            Call::Send { channel, len } => {
                let id = CHANNELS[channel].0;
                let message = Driven::payload(len);
                let expected = model.refused;
                assert_eq!(machine.may_send(id, len).is_ok(), expected.is_none());
                let outcome = machine.try_send(id, message.clone());
                if let Err(error) = &outcome {
                    assert_eq!((error.channel, &error.message), (id, &message));
                }
                let refused = outcome.err().map(|error| match error.refusal {
                    SendRefusal::UnknownChannel => Refused::Unknown,
                    SendRefusal::TooLarge { .. } => Refused::TooLarge,
                    SendRefusal::Full { .. } => Refused::Full,
                    SendRefusal::Closing => Refused::Closing,
                    SendRefusal::Closed => Refused::Closed,
                    other => panic!("{other}"),
                });
                assert_eq!(refused, expected);
            }
            Call::SendUnknown => {
                let refused = machine.try_send(9, Bytes::from("x")).unwrap_err().refusal;
                assert_eq!(refused == SendRefusal::UnknownChannel, model.refused == Some(Refused::Unknown));
            }
            Call::Transmit { max } => {
                let mut out = BytesMut::new();
                assert_eq!(machine.transmit_into(now, &mut out, max), out.len());
                assert!(out.len() <= max);
                driven.check_written(&out, model);
            }
            Call::Frame => {
                let frame = machine.poll_transmit(now);
                let bytes = frame.map_or_else(Bytes::new, |mut frame| frame.copy_to_bytes(frame.remaining()));
                driven.check_written(&bytes, model);
            }
            Call::PeerSends(packets) => driven.on_the_way.extend(packets.iter().flat_map(Peer::bytes)),
            Call::Feed { bytes, end } => {
                let bytes = bytes.min(driven.on_the_way.len());
                driven.buffer.extend(driven.on_the_way.drain(..bytes));
                machine.handle(now, Input::Received { buf: &mut driven.buffer, end });
            }
            Call::TakeEvents(count) => {
                let events = std::iter::from_fn(|| machine.poll_event()).take(count);
                let taken: Vec<_> = events
                    .map(|event| match event {
                        Event::Message { channel, payload } => Taken::Message(channel, payload.len()),
                        Event::Closed(reason) => Taken::Closed(Reason::of(&reason)),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert_eq!(taken, model.taken);
            }
            Call::Tick { milliseconds } => {
                let latest = driven.machine.status(Instant::ZERO).duration.as_millis() as i64;
                driven.now = Instant::from_millis((latest + milliseconds).max(0) as u64);
                driven.machine.handle_timeout(driven.now);
            }
            Call::Close => machine.handle(now, Input::Close),
            Call::TransportFailed => machine.handle(now, Input::TransportFailed),
            Call::CloseAfterFlush { after } => {
                let latest = machine.status(Instant::ZERO).duration;
                let deadline = after.map(|after| Instant::ZERO + latest + Duration::from_millis(after));
                machine.handle(now, Input::CloseAfterFlush { deadline });
            }
        }
        driven
    }

    fn check_invariants(driven: &Self, model: &Model) {
        let machine = &driven.machine;
        let status = machine.status(Instant::ZERO);
        let ended = model.ended();
        assert_eq!(machine.is_closed(), model.phase == Phase::Closed);
        assert_eq!(machine.wants_read(), !ended && model.inbox.len() < INBOX);
        let queued = model.queues.iter().any(|(_, queue)| !queue.is_empty());
        assert_eq!(machine.wants_write(), !ended && (model.pong_due || queued));
        let deadline = model.deadline.map(|deadline| Instant::ZERO + deadline);
        assert_eq!(machine.poll_timeout().map(|(deadline, _)| deadline), deadline);
        assert_eq!(status.inbox_messages, model.inbox.len());
        assert_eq!(status.inbox_bytes, model.inbox.iter().map(|(_, len)| len).sum::<usize>());
        assert_eq!(status.partial_bytes, model.partial.iter().sum::<usize>());
        for (index, channel) in status.channels.iter().enumerate() {
            let (sent, queue) = &model.queues[index];
            assert_eq!(channel.send_queue_size, queue.len());
            assert_eq!(channel.send_queue_bytes, queue.iter().sum::<usize>() - sent);
            assert_eq!(channel.partial_bytes, model.partial[index]);
            assert_eq!(machine.can_send(channel.id), model.clone().send(index, 1).is_none());
            if !ended {
                assert_eq!(channel.recently_sent as i64, model.recently_sent[index]);
            }
        }
        if !ended {
            assert_eq!(driven.buffer.len(), model.in_buffer);
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(sequential 1..80 => Driven);
}

/// The contents, which the model leaves out: what arrives at a peer is what was sent, whatever the calls.
#[test]
fn the_payloads_survive_any_cutting() {
    for seed in 0..60 {
        let mut rng = crate::support::Rng::new(seed);
        let config =
            || quiet(CHANNELS.map(|(id, priority, _)| ChannelConfig::new(id, priority).send_queue_capacity(50)));
        let (mut alice, mut bob, mut wire) = (machine(config()), machine(config()), BytesMut::new());
        let (mut expected, mut arrived): ([Vec<Bytes>; 3], [Vec<Bytes>; 3]) = Default::default();
        for round in 0..60 {
            let (channel, len) = (rng.below(3), rng.below(4000));
            let payload = crate::support::pattern(channel as u8, round, len);
            if alice.try_send(CHANNELS[channel].0, payload.clone()).is_ok() {
                expected[channel].push(payload);
            }
            let room = if round == 59 { usize::MAX } else { rng.below(5000) };
            alice.transmit_into(Instant::ZERO, &mut wire, room);
            bob.handle(Instant::ZERO, Input::Received { buf: &mut wire, end: false });
            for event in events(&mut bob) {
                let Event::Message { channel, payload } = event else { panic!("{event:?}") };
                let position = CHANNELS.iter().position(|(id, ..)| *id == channel).unwrap();
                arrived[position].push(payload);
            }
        }
        assert_eq!(arrived, expected);
    }
}
