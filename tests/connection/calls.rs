//! Any sequence of calls, against a simple reference model.
//!
//! The model has no limiter, no throttle and no pings of its own; those have tests of their own. What it has is queues, the
//! plain scan of the channels, an inbox, and the life of a connection.

mod model;

use std::collections::VecDeque;

use crate::support::{events, machine, quiet, seen};
use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, Event, Input, MConnState, SendRefusal};
use mconn::machine::Machine;
use mconn::time::{Duration, Instant};
use model::{
    CHANNELS, Call, INBOX, MAX_MESSAGE, Model, PAYLOAD, Peer, Phase, QUEUE_BYTES, RECV_CAPACITY, Reason, Refused, Taken,
};
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};

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
                if bytes % 2 == 0 {
                    machine.handle(now, Input::Received { buf: &mut driven.buffer, end });
                } else {
                    let consumed = machine.receive_from(now, &driven.buffer, end);
                    driven.buffer.advance(consumed);
                }
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
        assert_eq!(machine.has_ended(), ended);
        assert_eq!(machine.has_events(), !model.inbox.is_empty() || matches!(model.phase, Phase::Ended(_)));
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
            assert_eq!(machine.channel_status(Instant::ZERO, channel.id), Some(*channel));
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
