//! A whole run drawn from one seed, and the verdict on how it went.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::operation::Operation;
use super::pair::{Pair, PairConfig};
use super::trace::{Happening, Trace};
use super::{CutKind, Side, Violation};
use crate::connection::{CloseReason, MConnConfig, MConnState};
use crate::time::{Duration, Instant};

mod draw;
mod workload;

/// Two connections, what lies between them, what their users do, and what goes wrong: all drawn from one seed.
///
/// Each seed draws a codec, three channels or more, packet sizes, queues and inboxes down to one message, limiters, flush and
/// keepalive policies, links with all their faults, drivers that tick, come late or have a clock that goes back, users that
/// sleep, messages of 0 to 300 KB in both directions, changes of rates, and how it ends.
///
/// ```
/// use mconn::sim::Scenario;
/// let outcome = Scenario::from_seed(1).run();
/// assert_eq!(outcome.violation, None);
/// assert_eq!(outcome.trace.hash(), Scenario::from_seed(1).run().trace.hash());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// Where all came from.
    pub seed: u64,
    /// The connection A.
    pub config_a: MConnConfig,
    /// The connection B.
    pub config_b: MConnConfig,
    /// Links and drivers.
    pub pair: PairConfig,
    /// What the users do, and when.
    pub plan: Vec<(Side, Instant, Operation)>,
    /// How the run ends.
    pub closing: Closing,
    /// Whether timeouts are so short that they may end a connection that has a live peer.
    pub tight_timeouts: bool,
}

/// How a [`Scenario`] ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closing {
    /// This side does this once all messages were delivered.
    WhenDelivered(Side, Operation),
    /// The plan holds the operations that close, at any moment of the run.
    Planned,
}

/// How a [`Scenario`] went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// All that happened.
    pub trace: Trace,
    /// Messages delivered, both ways.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often somebody woke.
    pub events: u64,
    /// When the run ended.
    pub ended: Instant,
    /// Messages and bytes delivered per receiving side and channel, sorted.
    pub delivered: Vec<(Side, u8, u64, u64)>,
    /// Why A ended.
    pub ending_a: Option<CloseReason>,
    /// Why B ended.
    pub ending_b: Option<CloseReason>,
}

type MConnPair = Pair<MConnState, MConnState>;

impl Scenario {
    /// Draws everything from `seed`.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        draw::scenario(seed)
    }

    /// The same with drivers that wake only when there is a reason, and clocks that are exact.
    #[must_use]
    pub const fn exact(mut self) -> Self {
        self.pair.driver_a.ticks = None;
        self.pair.driver_b.ticks = None;
        self.pair.driver_a.lateness = Duration::ZERO;
        self.pair.driver_b.lateness = Duration::ZERO;
        self.pair.driver_a.clock_error = Duration::ZERO;
        self.pair.driver_b.clock_error = Duration::ZERO;
        self
    }

    /// The same with drivers that wake at random moments too, on average `apart`.
    #[must_use]
    pub const fn ticking(mut self, apart: Duration) -> Self {
        self.pair.driver_a.ticks = Some(apart);
        self.pair.driver_b.ticks = Some(apart);
        self
    }

    /// Whether nothing in it breaks a connection before all is delivered.
    #[must_use]
    pub const fn is_harmless(&self) -> bool {
        matches!(self.closing, Closing::WhenDelivered(..))
            && self.pair.a_to_b.cut.is_none()
            && self.pair.b_to_a.cut.is_none()
            && !self.tight_timeouts
    }

    /// Runs it to its end, or to the first violation.
    #[must_use]
    pub fn run(self) -> Outcome {
        let judge = Judge::new(&self);
        let (a, b) = match self.machines() {
            Ok(machines) => machines,
            Err(violation) => return Outcome::refused(violation),
        };
        let mut pair = Pair::new(self.seed, a, b, self.pair);
        for (side, at, operation) in self.plan {
            pair.plan(side, at, operation);
        }
        let result = drive(&mut pair, self.closing, judge.harmless).and_then(|()| judge.verdict(&pair));
        Outcome::of(&pair, result.err())
    }

    fn machines(&self) -> Result<(MConnState, MConnState), Violation> {
        let machine = |side, config: &MConnConfig| {
            MConnState::new(config.clone(), Instant::ZERO).map_err(|error| Violation::Rule {
                at: Instant::ZERO,
                side,
                what: error.to_string().into(),
            })
        };
        Ok((machine(Side::A, &self.config_a)?, machine(Side::B, &self.config_b)?))
    }
}

impl fmt::Display for Scenario {
    /// Everything but the messages, over several lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "A: {:?}", self.config_a)?;
        writeln!(f, "B: {:?}", self.config_b)?;
        writeln!(f, "{:?}", self.pair)?;
        for (side, at, operation) in self.plan.iter().filter(|planned| !matches!(planned.2, Operation::Send { .. })) {
            writeln!(f, "{side} at {at}: {operation}")?;
        }
        writeln!(f, "tight timeouts: {}; {:?}", self.tight_timeouts, self.closing)
    }
}

fn drive(pair: &mut MConnPair, closing: Closing, harmless: bool) -> Result<(), Violation> {
    if let Closing::WhenDelivered(side, operation) = closing
        && (pair.run_until_delivered()? || harmless)
    {
        if let Some(missing) = harmless.then(|| undelivered(pair)).flatten() {
            return Err(missing);
        }
        pair.plan(side, pair.now(), operation);
    }
    pair.run()
}

fn undelivered(pair: &MConnPair) -> Option<Violation> {
    for (side, ending) in [(Side::A, pair.ending_a()), (Side::B, pair.ending_b())] {
        if let Some(ending) = ending {
            return Some(Violation::Ending { side, reason: format!("{ending}, before all was delivered") });
        }
    }
    pair.sent_by(Side::A).missing().or_else(|| pair.sent_by(Side::B).missing())
}

/// What is known of a scenario after its parts were given away.
struct Judge {
    harmless: bool,
    tight_timeouts: bool,
    message_timeouts: bool,
    cuts: [Option<CutKind>; 2],
    /// What each side was to do that ends a connection.
    closings: Vec<(Side, Operation)>,
}

impl Judge {
    fn new(scenario: &Scenario) -> Self {
        let mut closings: Vec<(Side, Operation)> = Vec::new();
        for (side, _, operation) in &scenario.plan {
            if matches!(operation, Operation::Close | Operation::CloseAfterFlush { .. } | Operation::FailTransport) {
                closings.push((*side, operation.clone()));
            }
        }
        if let Closing::WhenDelivered(side, operation) = &scenario.closing {
            closings.push((*side, operation.clone()));
        }
        let timeouts = [scenario.config_a.message_timeout, scenario.config_b.message_timeout];
        Self {
            harmless: scenario.is_harmless(),
            tight_timeouts: scenario.tight_timeouts,
            message_timeouts: timeouts.iter().any(Option::is_some),
            cuts: [&scenario.pair.a_to_b, &scenario.pair.b_to_a].map(|link| link.cut.map(|cut| cut.kind)),
            closings,
        }
    }

    /// How the link on which `side` sends was cut, if it was.
    fn cut(&self, pair: &MConnPair, side: Side) -> Option<CutKind> {
        let [from_a, from_b] = self.cuts;
        let kind = if side == Side::A { from_a } else { from_b };
        kind.filter(|_| pair.link_from(side).was_cut())
    }

    fn was_cut(&self, pair: &MConnPair, kind: CutKind) -> bool {
        [Side::A, Side::B].into_iter().any(|side| self.cut(pair, side) == Some(kind))
    }

    fn asked(&self, side: Side, wanted: impl Fn(&Operation) -> bool) -> bool {
        self.closings.iter().any(|(asked, operation)| *asked == side && wanted(operation))
    }

    fn verdict(&self, pair: &MConnPair) -> Result<(), Violation> {
        // A side whose user sleeps closes its half before its last event is taken.
        let ends = |what: &Happening| matches!(what, Happening::Closed { .. } | Happening::Gone { .. });
        let first = pair.trace().entries().iter().find(|entry| ends(&entry.what));
        for side in [Side::A, Side::B] {
            let (Some(mine), Some(other)) = endings(pair, side) else { continue };
            let came_first = first.is_some_and(|entry| entry.side == side);
            if !self.explains(pair, side, mine, came_first) {
                return Err(Violation::Ending { side, reason: mine.to_string() });
            }
            self.check_flushed(pair, side, mine, other)?;
        }
        Ok(())
    }

    /// Whether something in the run can have ended `side` for this reason. The side that ended first can not have followed
    /// the other.
    fn explains(&self, pair: &MConnPair, side: Side, reason: &CloseReason, came_first: bool) -> bool {
        match reason {
            CloseReason::Local => self.asked(side, |asked| *asked == Operation::Close),
            CloseReason::Flushed => self.asked(side, |asked| matches!(asked, Operation::CloseAfterFlush { .. })),
            CloseReason::FlushDeadline { .. } => {
                self.asked(side, |asked| matches!(asked, Operation::CloseAfterFlush { within: Some(_) }))
            }
            CloseReason::PeerClosed { .. } => !came_first || self.cut(pair, side.other()) == Some(CutKind::End),
            CloseReason::TransportFailed => {
                !came_first
                    || self.was_cut(pair, CutKind::Failure)
                    || self.asked(side, |asked| *asked == Operation::FailTransport)
            }
            CloseReason::PongTimeout { .. } | CloseReason::TransmitStalled { .. } => {
                self.tight_timeouts || self.was_cut(pair, CutKind::Silence)
            }
            CloseReason::MessageTimeout { .. } => self.tight_timeouts && self.message_timeouts,
            // Honest peers break no rule.
            _ => false,
        }
    }

    /// When a side has closed after flush, all that it had accepted arrives.
    fn check_flushed(
        &self,
        pair: &MConnPair,
        side: Side,
        mine: &CloseReason,
        other: &CloseReason,
    ) -> Result<(), Violation> {
        if *mine != CloseReason::Flushed || self.cut(pair, side).is_some() {
            return Ok(());
        }
        let receiver = side.other();
        if let CloseReason::PeerClosed { unread_bytes, partial_messages } = other {
            if *unread_bytes > 0 || *partial_messages > 0 {
                return Err(Violation::Ending { side: receiver, reason: other.to_string() });
            }
            return pair.sent_by(side).missing().map_or(Ok(()), Err);
        }
        let disturbed = self.tight_timeouts || self.cut(pair, receiver).is_some() || self.asked(receiver, |_| true);
        if disturbed {
            return Ok(());
        }
        Err(Violation::Ending { side: receiver, reason: format!("{other}; the peer had closed after flush") })
    }
}

fn endings(pair: &MConnPair, side: Side) -> (Option<&CloseReason>, Option<&CloseReason>) {
    match side {
        Side::A => (pair.ending_a(), pair.ending_b()),
        Side::B => (pair.ending_b(), pair.ending_a()),
    }
}

impl Outcome {
    fn of(pair: &MConnPair, violation: Option<Violation>) -> Self {
        let mut delivered = Vec::new();
        for side in [Side::A, Side::B] {
            for account in pair.sent_by(side.other()).accounts() {
                delivered.push((side, account.channel(), account.delivered(), account.delivered_bytes()));
            }
        }
        delivered.sort_unstable();
        Self {
            violation,
            trace: pair.trace().clone(),
            messages: delivered.iter().map(|account| account.2).sum(),
            bytes: delivered.iter().map(|account| account.3).sum(),
            events: pair.events(),
            ended: pair.now(),
            delivered,
            ending_a: pair.ending_a().cloned(),
            ending_b: pair.ending_b().cloned(),
        }
    }

    /// The machines could not even be made.
    fn refused(violation: Violation) -> Self {
        Self {
            violation: Some(violation),
            trace: Trace::new(),
            messages: 0,
            bytes: 0,
            events: 0,
            ended: Instant::ZERO,
            delivered: Vec::new(),
            ending_a: None,
            ending_b: None,
        }
    }
}
