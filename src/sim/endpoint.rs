//! One side of a pair: a machine, its driver, and its user.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::driver::Driver;
use super::ledger::Ledger;
use super::link::ByteLink;
use super::memory::Memory;
use super::operation::Operation;
use super::random::Random;
use super::trace::{Happening, Trace};
use super::{Delivery, Read, Side, Violation};
use crate::connection::{Input, StreamMachine};
use crate::time::{Duration, Instant, nanos};

mod pump;

/// Rounds of one run in which something moved: more are an error, as no link and no inbox is so large.
const MAX_ROUNDS: u32 = 10_000_000;

#[derive(Debug)]
pub(super) struct Endpoint<M: StreamMachine> {
    pub(super) side: Side,
    pub(super) machine: M,
    driver: Driver,
    random: Random,
    limits: Option<Memory>,
    /// Read from the link, not consumed.
    inbound: BytesMut,
    /// Pulled from the machine, not written.
    outbound: BytesMut,
    life: Life,
    pub(super) ending: Option<M::Ending>,
    /// What the user will do, by time.
    plan: VecDeque<(Instant, Operation)>,
    /// Messages that the user wants to send, per channel; they wait for room in the queue of the machine.
    outboxes: Vec<(u8, VecDeque<Bytes>)>,
    /// The user takes no messages before.
    resting_until: Instant,
    next_tick: Option<Instant>,
    /// The machine's deadline, and when the driver wakes for it.
    alarm: Option<(Instant, Instant)>,
    last_run: Instant,
    /// Something was done to the machine outside of a run.
    touched: bool,
    wants_input: bool,
    end_read: bool,
    write_failed: bool,
    /// The link was closed for writing.
    half_closed: bool,
}

/// Where the driver is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// The machine ended in order: what is left is written, then the peer's end is awaited.
    Lingering {
        until: Instant,
    },
    Gone,
}

/// What lies around an endpoint in one run.
pub(super) struct Surroundings<'a> {
    pub(super) now: Instant,
    pub(super) out: &'a mut ByteLink,
    pub(super) into: &'a mut ByteLink,
    pub(super) sent: &'a mut Ledger,
    pub(super) received: &'a mut Ledger,
    pub(super) kept: Option<&'a mut Vec<Delivery>>,
    pub(super) trace: &'a mut Trace,
}

impl<M: StreamMachine> Endpoint<M> {
    pub(super) fn new(side: Side, machine: M, driver: Driver, limits: Option<Memory>, mut random: Random) -> Self {
        let next_tick = driver.ticks.map(|apart| Instant::ZERO + random.duration(apart));
        Self {
            side,
            machine,
            driver,
            random,
            limits,
            inbound: BytesMut::new(),
            outbound: BytesMut::new(),
            life: Life::Open,
            ending: None,
            plan: VecDeque::new(),
            outboxes: Vec::new(),
            resting_until: Instant::ZERO,
            next_tick,
            alarm: None,
            last_run: Instant::ZERO,
            touched: true,
            wants_input: true,
            end_read: false,
            write_failed: false,
            half_closed: false,
        }
    }

    /// Plans an operation; of those at the same moment the first planned comes first.
    pub(super) fn plan(&mut self, at: Instant, operation: Operation) {
        let position = self.plan.partition_point(|(planned, _)| *planned <= at);
        self.plan.insert(position, (at, operation));
    }

    /// Queues a message of the user.
    pub(super) fn queue(&mut self, channel: u8, message: Bytes) {
        self.touched = true;
        match self.outboxes.iter_mut().find(|(id, _)| *id == channel) {
            Some((_, outbox)) => outbox.push_back(message),
            None => self.outboxes.push((channel, VecDeque::from([message]))),
        }
    }

    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.life, Life::Gone)
    }

    /// Whether the user has nothing more to send.
    pub(super) fn has_sent_all(&self) -> bool {
        self.outboxes.iter().all(|(_, outbox)| outbox.is_empty())
            && !self.plan.iter().any(|(_, operation)| matches!(operation, Operation::Send { .. }))
    }

    /// When this side wakes next; a time in the past stands for now.
    pub(super) fn wake(&self, out: &ByteLink, into: &ByteLink) -> Option<Instant> {
        let readable = if self.wants_input { into.readable_at() } else { None };
        match self.life {
            Life::Gone => None,
            Life::Lingering { until } => {
                let writable = (!self.half_closed && out.is_writable()).then_some(self.last_run);
                [Some(until), writable, into.readable_at()].into_iter().flatten().min()
            }
            Life::Open => {
                if self.touched {
                    return Some(self.last_run);
                }
                let writes = !self.outbound.is_empty() || self.machine.wants_write();
                let writable = (writes && !self.write_failed && out.is_writable()).then_some(self.last_run);
                let rested = Some(self.resting_until).filter(|until| *until > self.last_run);
                let planned = self.plan.front().map(|(at, _)| *at);
                let alarm = self.alarm.map(|(_, wake)| wake);
                [readable, writable, rested, planned, alarm, self.next_tick].into_iter().flatten().min()
            }
        }
    }

    /// Does all that can be done at this moment. Returns whether anything moved.
    pub(super) fn run(&mut self, around: &mut Surroundings<'_>) -> Result<bool, Violation> {
        self.last_run = around.now;
        self.touched = false;
        match self.life {
            Life::Gone => return Ok(false),
            Life::Lingering { .. } => return Ok(self.linger(around)),
            Life::Open => {}
        }
        let mut moved = self.wake_up(around);
        let mut rounds = 0_u32;
        while self.life == Life::Open && self.pump(around)? {
            moved = true;
            rounds = rounds.saturating_add(1);
            if rounds > MAX_ROUNDS {
                return Err(Violation::Spin { at: around.now, events: MAX_ROUNDS });
            }
        }
        if self.life == Life::Open {
            self.check(around)?;
            self.set_alarm(around.now);
        }
        Ok(moved)
    }

    /// The time as the driver's clock shows it.
    fn clock(&mut self, now: Instant) -> Instant {
        let error = self.driver.clock_error;
        if error.is_zero() {
            return now;
        }
        now.saturating_sub(error) + self.random.duration(error.saturating_mul(2))
    }

    /// Timers, ticks, and what the user has planned for now.
    fn wake_up(&mut self, around: &mut Surroundings<'_>) -> bool {
        let now = around.now;
        let mut moved = false;
        if let (Some(tick), Some(apart)) = (self.next_tick, self.driver.ticks)
            && tick <= now
        {
            let pause = self.random.duration(apart.saturating_mul(2)).max(Duration::from_nanos(1));
            self.next_tick = Some(now + pause);
            around.trace.push(now, self.side, Happening::Ticked);
            moved = true;
        }
        let told = self.clock(now);
        if let Some((deadline, timer)) = self.machine.poll_timeout()
            && deadline <= told
        {
            let timer = format!("{timer:?}").into();
            around.trace.push(now, self.side, Happening::Woken { timer });
        }
        self.machine.handle_timeout(told);
        while self.plan.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, operation)) = self.plan.pop_front() else { break };
            moved = true;
            self.operate(around, operation);
        }
        moved
    }

    fn operate(&mut self, around: &mut Surroundings<'_>, operation: Operation) {
        let now = self.clock(around.now);
        if !matches!(operation, Operation::Send { .. }) {
            let operation = format!("{operation}").into();
            around.trace.push(around.now, self.side, Happening::Asked { operation });
        }
        match operation {
            Operation::Send { channel, message } => self.queue(channel, message),
            Operation::Close => self.machine.handle(now, Input::Close),
            Operation::CloseAfterFlush { within } => {
                let deadline = within.map(|within| now + within);
                self.machine.handle(now, Input::CloseAfterFlush { deadline });
            }
            Operation::FailTransport => self.machine.handle(now, Input::TransportFailed),
            Operation::SetSendRate(rate) => self.machine.set_send_rate(now, rate),
            Operation::SetRecvRate(rate) => self.machine.set_recv_rate(now, rate),
            Operation::Sleep(rest) => self.resting_until = around.now + rest,
        }
        self.touched = false;
    }

    /// Sets the alarm for the machine's deadline: late, if the driver is.
    fn set_alarm(&mut self, now: Instant) {
        let Some((deadline, _)) = self.machine.poll_timeout() else {
            self.alarm = None;
            return;
        };
        if self.alarm.is_none_or(|(known, _)| known != deadline) {
            let late = self.random.duration(self.driver.lateness);
            self.alarm = Some((deadline, deadline + late));
        }
        // A clock that went back shows a time before the deadline: look again a little later, as sleeping loops do.
        let again = now + Duration::from_nanos(nanos(self.driver.clock_error) / 8);
        if let Some((_, wake)) = &mut self.alarm {
            *wake = (*wake).max(again);
        }
    }

    /// The oracles of one side.
    fn check(&self, around: &Surroundings<'_>) -> Result<(), Violation> {
        let (at, side) = (around.now, self.side);
        if self.outbound.is_empty() && !self.write_failed && around.out.is_writable() && self.machine.wants_write() {
            return Err(Violation::Rule { at, side, what: "it wants to write and gives nothing".into() });
        }
        let Some(limits) = &self.limits else { return Ok(()) };
        match Memory::held(&self.machine.status(around.now)).excess(limits) {
            Some((what, held, limit)) => Err(Violation::Memory { at, side, what, held, limit }),
            None => Ok(()),
        }
    }

    /// The machine has given its last event.
    fn ended(&mut self, around: &mut Surroundings<'_>, ending: M::Ending) -> Result<(), Violation> {
        let reason = format!("{ending}").into();
        around.trace.push(around.now, self.side, Happening::Closed { reason });
        self.check_ended(around)?;
        let flushed = M::is_flushed(&ending);
        self.ending = Some(ending);
        if flushed && !self.write_failed {
            self.life = Life::Lingering { until: around.now + self.driver.linger };
            self.linger(around);
        } else {
            let how = if self.driver.resets { "reset" } else { "closed" };
            self.go(around, how);
        }
        Ok(())
    }

    /// After the last event a machine gives nothing and takes nothing.
    fn check_ended(&mut self, around: &Surroundings<'_>) -> Result<(), Violation> {
        let (at, side) = (around.now, self.side);
        let machine = &mut self.machine;
        let mut output = BytesMut::new();
        let what = if machine.poll_event().is_some() {
            "an event after the last"
        } else if !machine.is_closed() {
            "the last event was taken, and it is not closed"
        } else if machine.poll_timeout().is_some() {
            "a deadline after the end"
        } else if machine.wants_write() || machine.transmit_into(at, &mut output, usize::MAX) > 0 {
            "output after the end"
        } else if machine.recv_budget(at) > 0 {
            "it wants input after the end"
        } else {
            return Ok(());
        };
        Err(Violation::Rule { at, side, what: what.into() })
    }

    /// Writes what is left, closes the outgoing half, and waits for the peer's end.
    fn linger(&mut self, around: &mut Surroundings<'_>) -> bool {
        let Life::Lingering { until } = self.life else { return false };
        let mut moved = !self.outbound.is_empty() && self.write(around) > 0;
        moved |= self.half_close(around);
        let mut discarded = BytesMut::new();
        let over = loop {
            match around.into.read(around.now, &mut discarded, usize::MAX) {
                Read::Bytes(_) => moved = true,
                Read::Nothing => break false,
                Read::End | Read::Failed => break true,
            }
        };
        // A peer that only half closed still reads: what is left goes on being written.
        if (over && self.outbound.is_empty()) || self.write_failed || until <= around.now {
            let how = if over { "closed" } else { "given up" };
            self.go(around, how);
            moved = true;
        }
        moved
    }

    /// Closes the link for writing when the machine has ended and all is written. Returns whether it did.
    ///
    /// This does not wait for the last event: the user may sleep, and the peer would take the silence for a dead connection.
    fn half_close(&mut self, around: &mut Surroundings<'_>) -> bool {
        if self.half_closed || self.write_failed || !self.outbound.is_empty() || !self.machine.has_ended() {
            return false;
        }
        self.half_closed = true;
        around.out.close(around.now);
        around.trace.push(around.now, self.side, Happening::Gone { how: "closed for writing".into() });
        true
    }

    fn go(&mut self, around: &mut Surroundings<'_>, how: &'static str) {
        self.life = Life::Gone;
        self.inbound.clear();
        self.outbound.clear();
        if how == "reset" {
            around.out.reset(around.now);
        } else {
            around.out.close(around.now);
        }
        around.into.stop_reading();
        around.trace.push(around.now, self.side, Happening::Gone { how: how.into() });
    }

    /// The state in a few words, for a run that stands still.
    pub(super) fn describe(&self) -> alloc::string::String {
        let (inbound, outbound) = (self.inbound.len(), self.outbound.len());
        let waiting: usize = self.outboxes.iter().map(|(_, outbox)| outbox.len()).sum();
        let (side, life) = (self.side, self.life);
        format!("{side}: {life:?}, {inbound} bytes to consume, {outbound} to write, {waiting} messages of the user")
    }
}
