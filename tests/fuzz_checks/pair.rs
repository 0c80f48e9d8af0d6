//! Operations on a pair of connections.

use std::collections::VecDeque;

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, Event, FlushPolicy, Input, Liveness, MConnConfig, MConnState, PingPolicy};
use mconn::machine::Machine;
use mconn::rate::{Flowrate, TokenBucket};
use mconn::time::{Duration, Instant};

const CHANNELS: [u8; 3] = [0x01, 0x40, 0xff];

#[derive(Arbitrary, Debug)]
struct Setup {
    codec: u8,
    throttled: bool,
    limiter: u8,
    inbox: u8,
    payload: u8,
    pong_only: bool,
    after_silence: bool,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Send { end: bool, channel: u8, len: u16 },
    Pull { end: bool, max: u16 },
    PullFrame { end: bool },
    Deliver { end: bool, bytes: u16 },
    Take { end: bool, count: u8 },
    Tick { milliseconds: u16 },
    Back { milliseconds: u16 },
    Rate { end: bool, rate: u16 },
    CloseAfterFlush { end: bool },
    Close { end: bool },
}

/// One end of the pair, what it has sent and what the other has to get.
struct End {
    machine: MConnState,
    /// Bytes that left this end and have not been delivered.
    wire: BytesMut,
    /// Bytes that were delivered to this end and not consumed.
    inbound: BytesMut,
    /// Messages of this end, per channel, that the other has not taken.
    expected: [VecDeque<Bytes>; CHANNELS.len()],
    closed: bool,
}

/// Decodes a setup and operations from `data`, and carries them out.
pub(crate) fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::arbitrary(&mut input) else { return };
    let mut now = Instant::from_secs(1);
    let mut ends = [0, 1].map(|_| End {
        machine: MConnState::new(config(&setup), now).unwrap(),
        wire: BytesMut::new(),
        inbound: BytesMut::new(),
        expected: Default::default(),
        closed: false,
    });
    let mut asked_to_close = false;
    for _ in 0..400 {
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        if input.is_empty() {
            break;
        }
        asked_to_close |= matches!(operation, Operation::Close { .. } | Operation::CloseAfterFlush { .. });
        apply(&mut ends, &mut now, operation);
    }
    settle(&mut ends, &mut now, asked_to_close);
}

fn config(setup: &Setup) -> MConnConfig {
    let mut config = match setup.codec % 3 {
        0 => MConnConfig::cometbft(),
        1 => MConnConfig::tendermint_v0_33(),
        _ => MConnConfig::tendermint_v0_10(),
    }
    .channels(CHANNELS.map(|id| ChannelConfig::new(id, u32::from(id % 7) + 1).send_queue_capacity(4)));
    config.send_payload_size = usize::from(setup.payload).max(1) * 8;
    config.recv_payload_size = config.send_payload_size;
    if setup.throttled {
        config.flush = FlushPolicy::Throttled { interval: Duration::from_millis(50), bytes: 2000 };
    }
    match setup.limiter % 3 {
        0 => {}
        1 => config.send_limiter = Box::new(TokenBucket::new(20_000, 4096)),
        _ => {
            config.send_limiter = Box::new(Flowrate::new(50_000));
            config.recv_limiter = Box::new(Flowrate::new(30_000));
        }
    }
    config.inbox_messages = usize::from(setup.inbox % 8) + 1;
    config.liveness = if setup.pong_only { Liveness::PongOnly } else { Liveness::AnyPacket };
    if setup.after_silence {
        config.ping = PingPolicy::AfterSilence(Duration::from_secs(60));
    }
    // The operations let time pass without delivering anything; the peer is not to be judged by that.
    config.pong_timeout = None;
    config
}

fn apply(ends: &mut [End; 2], now: &mut Instant, operation: Operation) {
    let (one, other) = ends.split_at_mut(1);
    let (one, other) = (&mut one[0], &mut other[0]);
    match operation {
        Operation::Send { end, channel, len } => send(if end { one } else { other }, channel, len),
        Operation::Pull { end, max } => {
            let end = if end { one } else { other };
            let before = end.wire.len();
            let pulled = end.machine.transmit_into(*now, &mut end.wire, usize::from(max));
            assert!(pulled <= usize::from(max) && end.wire.len() == before + pulled);
        }
        Operation::PullFrame { end } => {
            let end = if end { one } else { other };
            if let Some(frame) = end.machine.poll_transmit(*now) {
                bytes::BufMut::put(&mut end.wire, frame);
            }
        }
        Operation::Deliver { end, bytes } => {
            let (from, to) = if end { (one, other) } else { (other, one) };
            deliver(from, to, usize::from(bytes), *now);
        }
        Operation::Take { end, count } => {
            let (from, to) = if end { (one, other) } else { (other, one) };
            take(from, to, usize::from(count));
        }
        Operation::Tick { milliseconds } => {
            *now += Duration::from_millis(u64::from(milliseconds));
            one.machine.handle_timeout(*now);
            other.machine.handle_timeout(*now);
        }
        Operation::Back { milliseconds } => {
            let past = now.saturating_sub(Duration::from_millis(u64::from(milliseconds)));
            one.machine.handle_timeout(past);
            other.machine.transmit_into(past, &mut other.wire, 5000);
        }
        Operation::Rate { end, rate } => {
            let end = if end { one } else { other };
            end.machine.set_send_rate(*now, (rate > 100).then_some(u64::from(rate) * 100));
        }
        Operation::CloseAfterFlush { end } => {
            (if end { one } else { other }).machine.handle(*now, Input::CloseAfterFlush { deadline: None });
        }
        Operation::Close { end } => (if end { one } else { other }).machine.handle(*now, Input::Close),
    }
}

fn send(end: &mut End, channel: u8, len: u16) {
    let position = usize::from(channel) % CHANNELS.len();
    let first = end.expected[position].len() as u8;
    let message: Bytes = (0..len % 5000).map(|byte| (byte as u8).wrapping_mul(31) ^ first).collect();
    match end.machine.try_send(CHANNELS[position], message.clone()) {
        Ok(()) => end.expected[position].push_back(message),
        Err(error) => assert_eq!(error.message, message, "the message comes back"),
    }
}

fn deliver(from: &mut End, to: &mut End, bytes: usize, now: Instant) {
    let bytes = bytes.min(from.wire.len());
    to.inbound.unsplit(from.wire.split_to(bytes));
    to.machine.handle(now, Input::Received { buf: &mut to.inbound, end: false });
}

fn take(from: &mut End, to: &mut End, count: usize) {
    for _ in 0..count {
        match to.machine.poll_event() {
            Some(Event::Message { channel, payload }) => {
                let position = CHANNELS.iter().position(|id| *id == channel).unwrap();
                assert_eq!(Some(payload), from.expected[position].pop_front(), "channel {channel:#04x}");
            }
            Some(Event::Closed(_)) => {
                assert!(!to.closed, "closed twice");
                to.closed = true;
            }
            Some(event) => panic!("{event:?}"),
            None => return,
        }
        assert!(!to.closed || to.machine.poll_event().is_none(), "an event after the last");
    }
}

/// Carries all that can move from one end to the other; gives how much that was.
fn pass_all(from: &mut End, to: &mut End, now: Instant) -> usize {
    let before = to.inbound.len();
    let pulled = from.machine.transmit_into(now, &mut from.wire, 100_000);
    deliver(from, to, usize::MAX, now);
    take(from, to, usize::MAX);
    pulled + usize::from(to.inbound.len() != before)
}

/// Lets everything arrive. When nobody asked to close, nothing may be missing.
fn settle(ends: &mut [End; 2], now: &mut Instant, asked_to_close: bool) {
    for _ in 0..20_000 {
        let [one, other] = ends;
        let mut moved = 0;
        moved += pass_all(one, other, *now) + pass_all(other, one, *now);
        let waiting = ends.iter().any(|end| {
            !end.inbound.is_empty() || !end.wire.is_empty() || end.expected.iter().any(|messages| !messages.is_empty())
        });
        if moved == 0 && (!waiting || asked_to_close) {
            break;
        }
        if moved == 0 {
            let next = ends.iter().filter_map(|end| end.machine.poll_timeout()).map(|(deadline, _)| deadline).min();
            *now = next.expect("something waits, so there is a deadline");
            ends.iter_mut().for_each(|end| end.machine.handle_timeout(*now));
        }
    }
    for end in ends {
        if asked_to_close {
            continue;
        }
        assert!(!end.closed, "nobody closed");
        assert!(end.expected.iter().all(VecDeque::is_empty), "something was lost: {:?}", end.expected);
    }
}
