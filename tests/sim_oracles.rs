//! The oracles of the simulation find what they are there to find: machines that break a promise on purpose.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use mconn::connection::{
    ChannelConfig, CloseReason, Event, Frame, Input, MConnConfig, MConnState, SendError, SendRefusal, Status,
    StreamMachine, Timer,
};
use mconn::machine::Machine;
use mconn::sim::{LinkConfig, Memory, Operation, Pair, PairConfig, Side, Violation};
use mconn::time::{Duration, Instant};
use mconn::wire::AnyCodec;

/// What a [`Broken`] machine does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Gives the third message twice.
    Doubles,
    /// Loses the third message.
    Loses,
    /// Gives the third message after the fourth.
    Reorders,
    /// Changes a byte of the third message.
    Changes,
    /// Gives a message that nobody sent.
    Invents,
    /// Never says that it wants to write.
    ForgetsToWrite,
    /// Says that it wants to write and gives nothing.
    CriesWolf,
    /// Its deadline lies always in the past.
    Spins,
    /// Holds more than it may.
    Hoards,
    /// Gives an event after the last.
    SpeaksAfterTheEnd,
    /// Never ends.
    Lives,
}

/// A connection with a fault.
#[derive(Debug)]
struct Broken {
    inner: MConnState,
    fault: Fault,
    delivered: u32,
    /// Given before anything else.
    held_back: Vec<Event>,
    /// Given after the next message.
    late: Option<Event>,
}

impl Machine for Broken {
    type Input<'a> = Input<'a>;
    type Transmit = Frame;
    type Event = Event;
    type Timer = Timer;

    fn handle(&mut self, now: Instant, mut input: Input<'_>) {
        if let Input::Received { end, .. } = &mut input {
            *end &= self.fault != Fault::Lives;
        }
        self.inner.handle(now, input);
    }
    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }
    fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.held_back.pop() {
            return Some(event);
        }
        let mut event = self.inner.poll_event()?;
        if self.fault == Fault::SpeaksAfterTheEnd && matches!(event, Event::Closed(_)) {
            self.held_back.push(event.clone());
        }
        let Event::Message { channel, payload } = &mut event else { return Some(event) };
        self.delivered += 1;
        self.held_back.extend(self.late.take());
        if self.delivered != 3 {
            return Some(event);
        }
        match self.fault {
            Fault::Doubles => self.held_back.push(event.clone()),
            Fault::Loses => return self.inner.poll_event(),
            Fault::Reorders => {
                self.late = Some(event);
                return self.poll_event();
            }
            Fault::Changes => {
                let mut bytes = payload.to_vec();
                bytes[0] ^= 1;
                *payload = bytes.into();
            }
            Fault::Invents => {
                let channel = channel.wrapping_add(1);
                self.held_back.push(Event::Message { channel, payload: Bytes::new() });
            }
            _ => {}
        }
        Some(event)
    }
    fn poll_transmit(&mut self, now: Instant) -> Option<Frame> {
        self.inner.poll_transmit(now)
    }
    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.fault {
            Fault::Spins => Some((Instant::ZERO, Timer::Ping)),
            _ => self.inner.poll_timeout(),
        }
    }
    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl StreamMachine for Broken {
    type Ending = CloseReason;

    fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError> {
        self.inner.try_send(channel, message)
    }
    fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal> {
        self.inner.may_send(channel, len)
    }
    fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        self.inner.transmit_into(now, out, max)
    }
    fn recv_budget(&mut self, now: Instant) -> usize {
        self.inner.recv_budget(now)
    }
    fn wants_read(&self) -> bool {
        self.inner.wants_read()
    }
    fn wants_write(&self) -> bool {
        match self.fault {
            Fault::ForgetsToWrite => false,
            Fault::CriesWolf => true,
            _ => self.inner.wants_write(),
        }
    }
    fn has_ended(&self) -> bool {
        self.inner.has_ended()
    }
    fn is_flushed(ending: &CloseReason) -> bool {
        MConnState::<AnyCodec>::is_flushed(ending)
    }
    fn status(&self, now: Instant) -> Status {
        let mut status = self.inner.status(now);
        if self.fault == Fault::Hoards {
            status.partial_bytes = 1 << 40;
        }
        status
    }
    fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.inner.set_send_rate(now, rate);
    }
    fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.inner.set_recv_rate(now, rate);
    }
}

fn config() -> MConnConfig {
    let mut config = MConnConfig::default().channel(ChannelConfig::new(0x20, 1));
    config.ping = mconn::connection::PingPolicy::Never;
    config
}

/// Sends ten messages from a sound machine, A, to one with a fault, B, and forty the other way.
fn run(fault: Fault, with: impl FnOnce(&mut PairConfig)) -> Result<(), Violation> {
    let machine = |fault| {
        let inner = MConnState::new(config(), Instant::ZERO).expect("a valid configuration");
        Broken { inner, fault, delivered: 0, held_back: Vec::new(), late: None }
    };
    let mut pair_config = PairConfig::symmetric(LinkConfig::new().latency(Duration::from_millis(3)).buffer(80));
    // One packet fills the buffer: the next one needs a wake of its own.
    pair_config.driver_b.write_size = 75;
    pair_config.memory_b = Some(Memory::limits(&config()));
    with(&mut pair_config);
    let mut pair = Pair::new(1, machine(Fault::None), machine(fault), pair_config);
    for number in 0..10_u8 {
        pair.send(Side::A, 0x20, vec![number; 60]);
        for _ in 0..4 {
            pair.send(Side::B, 0x20, vec![number; 60]);
        }
    }
    pair.run_until_delivered()?;
    pair.plan(Side::A, pair.now(), Operation::Close);
    pair.run()
}

#[track_caller]
fn delivery(fault: Fault) -> (u64, u8, Cow<'static, str>) {
    match run(fault, |_| {}) {
        Err(Violation::Delivery { side: Side::B, index, channel, what, .. }) => (index, channel, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_machine_breaks_nothing() {
    assert_eq!(run(Fault::None, |_| {}), Ok(()));
}

#[test]
fn a_wrong_delivery_is_found_at_once() {
    let text = |text: &'static str| Cow::Borrowed(text);
    let differs = "60 bytes for 60, the first difference at byte 0";
    assert_eq!(delivery(Fault::Doubles), (3, 0x20, text(differs)));
    assert_eq!(delivery(Fault::Changes), (2, 0x20, text(differs)));
    assert_eq!(delivery(Fault::Loses), (2, 0x20, text("it is the one 1 later")));
    assert_eq!(delivery(Fault::Reorders), (2, 0x20, text("it is the one 1 later")));
    assert_eq!(delivery(Fault::Invents), (0, 0x21, text("0 bytes on a channel on which nothing was sent")));
}

#[test]
fn a_machine_that_does_not_ask_to_be_woken_stands_still() {
    let Err(violation) = run(Fault::ForgetsToWrite, |_| {}) else { panic!("it is stuck") };
    assert!(matches!(violation, Violation::Stuck { .. }), "{violation}");
    // Ticks hide it: that is why there is a driver without.
    let ticks = |config: &mut PairConfig| config.driver_b.ticks = Some(Duration::from_millis(1));
    assert_eq!(run(Fault::ForgetsToWrite, ticks), Ok(()));
}

#[test]
fn a_machine_that_lies_about_output_is_found() {
    let Err(violation) = run(Fault::CriesWolf, |_| {}) else { panic!("it lies") };
    assert!(violation.to_string().ends_with("B: it wants to write and gives nothing"), "{violation}");
}

#[test]
fn a_machine_whose_deadline_never_passes_spins() {
    let result = run(Fault::Spins, |_| {});
    assert!(matches!(result, Err(Violation::Spin { events: 100, .. })), "{result:?}");
}

#[test]
fn more_events_at_once_than_allowed_are_a_spin_too() {
    let result = run(Fault::None, |config| config.max_events_at_once = 1);
    assert!(matches!(result, Err(Violation::Spin { events: 1, .. })), "{result:?}");
}

#[test]
fn a_machine_that_holds_too_much_is_found() {
    let result = run(Fault::Hoards, |_| {});
    assert!(
        matches!(result, Err(Violation::Memory { side: Side::B, what: "partial_bytes", held, .. }) if held == 1 << 40),
        "{result:?}"
    );
}

#[test]
fn an_event_after_the_last_is_found() {
    let Err(violation) = run(Fault::SpeaksAfterTheEnd, |_| {}) else { panic!("it speaks") };
    assert!(violation.to_string().ends_with("B: an event after the last"), "{violation}");
}

#[test]
fn a_run_without_an_end_is_found() {
    let Err(violation) = run(Fault::Lives, |_| {}) else { panic!("it lives") };
    assert!(matches!(violation, Violation::Stuck { .. }), "{violation}");
    let endless = |config: &mut PairConfig| {
        config.driver_b.ticks = Some(Duration::from_millis(1));
        config.max_time = Duration::from_secs(5);
    };
    let result = run(Fault::Lives, endless);
    assert!(matches!(result, Err(Violation::Endless { at, .. }) if at > Instant::from_secs(5)), "{result:?}");
    let few = run(Fault::None, |config| config.max_events = 7);
    assert!(matches!(few, Err(Violation::Endless { events: 8, .. })), "{few:?}");
}
