//! Pings, pongs, and when a silent peer is given up.

use core::time::Duration;

use super::config::{Liveness, MConnConfig, PingPolicy};
use super::error::CloseReason;
use super::event::{Timer, Timers};
use crate::time::{Instant, nanos};
use crate::timer::Periodic;

/// What the keepalive knows; its deadlines stand in the table of the connection.
#[derive(Clone, Debug)]
pub(crate) struct Keepalive {
    policy: PingPolicy,
    grid: Option<Periodic>,
    pong_timeout: Option<Duration>,
    liveness: Liveness,
    pong_while_paused: bool,
    /// A flag and not a queue: pongs are coalesced, and reading never waits for a place to put one.
    pub(crate) pong_due: bool,
    pub(crate) ping_due: bool,
    awaiting: Awaiting,
    /// Pings that went out and were not answered: each pays for one pong. Apart from `awaiting`, since other signs of life
    /// answer no ping, and many pongs may come at once after a time in which we did not read.
    pongs_owed: u32,
    paused: Option<Paused>,
    /// For how long reading may still pause before a pong is due. It runs on over many short pauses: a user who is slow but
    /// not asleep hides the peer's pings just as well.
    until_paused_pong: Duration,
    flood: Flood,
}

/// Whether a sign of life is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaiting {
    Nothing,
    /// A ping is due, but the transport has not taken it.
    Transport,
    /// A ping is out.
    Life,
}

/// We do not read at present.
#[derive(Clone, Copy, Debug)]
struct Paused {
    since: Instant,
    /// The time that is left for a sign of life; it stands still.
    left: Option<Duration>,
    /// Whether it is because the user takes no messages (and not because of a rate limit).
    inbox: bool,
}

/// Counts the pings of the peer in windows of one interval.
#[derive(Clone, Copy, Debug)]
struct Flood {
    start: Instant,
    interval: Duration,
    pings: u32,
    limit: u32,
    /// Pings beyond the limit that may have gathered while we did not read.
    excused: u32,
}

impl Flood {
    fn excuse(&mut self, now: Instant, pause: Duration) {
        let intervals = nanos(pause).checked_div(nanos(self.interval)).unwrap_or(0);
        if intervals > 0 {
            let intervals = u32::try_from(intervals).unwrap_or(u32::MAX);
            (self.start, self.pings, self.excused) = (now, 0, self.limit.saturating_mul(intervals));
        }
    }

    fn count(&mut self, now: Instant) -> Result<(), CloseReason> {
        if now - self.start >= self.interval {
            (self.start, self.pings, self.excused) = (now, 0, 0);
        }
        self.pings = self.pings.saturating_add(1);
        if self.pings > self.limit.saturating_add(self.excused) {
            let (pings, limit, interval) = (self.pings, self.limit, self.interval);
            return Err(CloseReason::PingFlood { pings, limit, interval });
        }
        Ok(())
    }
}

impl Keepalive {
    pub(crate) fn new<C>(config: &MConnConfig<C>, now: Instant, timers: &mut Timers) -> Self {
        let interval = config.ping.interval();
        timers.put(Timer::Ping, interval.map(|interval| now + interval));
        let mut keepalive = Self {
            policy: config.ping,
            grid: interval.map(|interval| Periodic::new(now, interval)),
            pong_timeout: config.pong_timeout,
            liveness: config.liveness,
            pong_while_paused: config.pong_while_paused,
            pong_due: false,
            ping_due: false,
            awaiting: Awaiting::Nothing,
            pongs_owed: 0,
            paused: None,
            until_paused_pong: Duration::ZERO,
            flood: Flood {
                start: now,
                interval: config.counting_interval(),
                pings: 0,
                limit: config.max_pings_per_interval,
                excused: 0,
            },
        };
        keepalive.until_paused_pong = keepalive.third_of_timeout();
        keepalive
    }

    /// [`Timer::Ping`] fired.
    pub(crate) fn ping_timer(&mut self, now: Instant, timers: &mut Timers) {
        self.ping_due = true;
        if self.awaiting == Awaiting::Nothing {
            // From now on, and not only from the moment when the transport takes the ping: a transport that takes nothing
            // must not keep a dead peer alive.
            self.expect_life(Awaiting::Transport, now, timers);
        }
        let next = match (self.policy, &mut self.grid) {
            (PingPolicy::Every(_), Some(grid)) => {
                grid.advance(now);
                Some(grid.deadline())
            }
            (PingPolicy::AfterSilence(interval), _) => Some(now + interval),
            _ => None,
        };
        timers.put(Timer::Ping, next);
    }

    /// The transport takes the ping.
    pub(crate) fn ping_sent(&mut self, now: Instant, timers: &mut Timers) {
        self.ping_due = false;
        self.pongs_owed = self.pongs_owed.saturating_add(1);
        if self.awaiting != Awaiting::Life {
            self.expect_life(Awaiting::Life, now, timers);
        }
    }

    fn expect_life(&mut self, awaiting: Awaiting, now: Instant, timers: &mut Timers) {
        let Some(timeout) = self.pong_timeout else { return };
        self.awaiting = awaiting;
        match &mut self.paused {
            Some(paused) => paused.left = Some(timeout),
            None => timers.set(Timer::PongTimeout, now + timeout),
        }
    }

    /// A ping of the peer came.
    pub(crate) fn ping_received(&mut self, now: Instant) -> Result<(), CloseReason> {
        self.pong_due = true;
        self.flood.count(now)
    }

    /// A pong came. Returns whether anybody had asked for it.
    pub(crate) fn pong_received(&mut self, timers: &mut Timers) -> bool {
        self.alive(timers);
        let asked_for = self.pongs_owed > 0;
        self.pongs_owed = self.pongs_owed.saturating_sub(1);
        asked_for
    }

    /// At least one complete packet came.
    pub(crate) fn packets_received(&mut self, now: Instant, timers: &mut Timers) {
        if let PingPolicy::AfterSilence(interval) = self.policy {
            timers.set(Timer::Ping, now + interval);
        }
        if self.liveness == Liveness::AnyPacket {
            self.alive(timers);
        }
    }

    fn alive(&mut self, timers: &mut Timers) {
        self.awaiting = Awaiting::Nothing;
        timers.cancel(Timer::PongTimeout);
    }

    /// [`Timer::PongTimeout`] fired.
    pub(crate) fn timed_out(&self) -> CloseReason {
        let timeout = self.pong_timeout.unwrap_or_default();
        match self.awaiting {
            Awaiting::Transport => CloseReason::TransmitStalled { timeout },
            Awaiting::Life | Awaiting::Nothing => CloseReason::PongTimeout { timeout },
        }
    }

    /// We stop reading: time no longer counts against the peer, and its pings can not be seen.
    pub(crate) fn pause(&mut self, now: Instant, inbox: bool, timers: &mut Timers) {
        if let Some(paused) = &mut self.paused {
            paused.inbox |= inbox;
            return;
        }
        let left = timers.get(Timer::PongTimeout).map(|deadline| deadline - now);
        timers.cancel(Timer::PongTimeout);
        self.paused = Some(Paused { since: now, left, inbox });
        self.arm_paused_pong(now, timers);
    }

    pub(crate) const fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// We read again. Returns for how long we did not.
    pub(crate) fn resume(&mut self, now: Instant, timers: &mut Timers) -> Duration {
        let Some(paused) = self.paused.take() else { return Duration::ZERO };
        if let Some(deadline) = timers.get(Timer::PausedPong) {
            self.until_paused_pong = deadline - now;
            timers.cancel(Timer::PausedPong);
        }
        // After a long sleep of the user, what the peer sent meanwhile must be read before it is judged.
        let grace = if paused.inbox { self.third_of_timeout() } else { Duration::ZERO };
        timers.put(Timer::PongTimeout, paused.left.map(|left| now + left.max(grace)));
        let pause = now - paused.since;
        self.flood.excuse(now, pause);
        pause
    }

    /// [`Timer::PausedPong`] fired: answer the ping that the peer may have sent. Go takes any pong after its ping.
    pub(crate) fn paused_pong_timer(&mut self, now: Instant, timers: &mut Timers) {
        self.pong_due = true;
        self.until_paused_pong = self.third_of_timeout();
        self.arm_paused_pong(now, timers);
    }

    fn arm_paused_pong(&self, now: Instant, timers: &mut Timers) {
        if self.pong_while_paused && self.pong_timeout.is_some() {
            timers.set(Timer::PausedPong, now + self.until_paused_pong);
        }
    }

    /// At least a nanosecond, so that a timer which is set again lies ahead.
    fn third_of_timeout(&self) -> Duration {
        let third = self.pong_timeout.unwrap_or_default().checked_div(3).unwrap_or_default();
        third.max(Duration::from_nanos(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Counters, Event, Input, MConnState};
    use crate::machine::Machine;
    use crate::time::Instant;
    use bytes::BytesMut;

    /// Two idle ends ping each other at the same moment, so that each sees a ping before the pong that it asked for.
    #[test]
    fn a_pong_that_was_asked_for_is_never_held_against_the_peer() {
        let config = MConnConfig { max_packets_without_progress: 3, ..MConnConfig::default() };
        let mut machine = MConnState::new(config, Instant::ZERO).expect("a valid configuration");
        for minute in 1..=100 {
            let now = Instant::from_secs(60 * minute);
            machine.handle_timeout(now);
            let mut output = BytesMut::new();
            machine.transmit_into(now, &mut output, 100);
            assert_eq!(output, b"\x02\x0a\x00"[..], "a ping");
            for packet in [b"\x02\x0a\x00", b"\x02\x12\x00"] {
                let mut buf = BytesMut::from(&packet[..]);
                machine.handle(now, Input::Received { buf: &mut buf, end: false });
                machine.transmit_into(now, &mut output, 100);
            }
            assert_eq!(machine.poll_event(), None::<Event>);
        }
        let counters: Counters = machine.status(Instant::ZERO).counters;
        assert_eq!((counters.pings_sent, counters.pongs_received), (100, 100));
    }

    fn pong(machine: &mut MConnState, now: Instant) -> Option<Event> {
        let mut buf = BytesMut::from(&b"\x02\x12\x00"[..]);
        machine.handle(now, Input::Received { buf: &mut buf, end: false });
        machine.poll_event()
    }

    /// While its user sleeps, a peer sends pongs of its own accord. Those between two of our pings are few, but they would
    /// add up.
    #[test]
    fn pongs_that_nobody_asked_for_count_from_the_last_that_was() {
        let config = MConnConfig { max_packets_without_progress: 3, ..MConnConfig::default() };
        let mut machine = MConnState::new(config, Instant::ZERO).expect("a valid configuration");
        for minute in 1..=100 {
            let now = Instant::from_secs(60 * minute);
            machine.handle_timeout(now);
            machine.transmit_into(now, &mut BytesMut::new(), 100);
            for _ in 0..4 {
                assert_eq!(pong(&mut machine, now), None);
            }
        }
        let closed = pong(&mut machine, Instant::from_secs(6000));
        let reason = CloseReason::NoProgress { packets: 4, limit: 3, channel: None };
        assert_eq!(closed, Some(Event::Closed(reason)));
    }

    /// After a time in which we did not read, the answers to all our pings come at once.
    #[test]
    fn each_ping_pays_for_one_pong() {
        let config = MConnConfig { max_packets_without_progress: 3, pong_timeout: None, ..MConnConfig::default() };
        let mut machine = MConnState::new(config, Instant::ZERO).expect("a valid configuration");
        for minute in 1..=100 {
            let now = Instant::from_secs(60 * minute);
            machine.handle_timeout(now);
            machine.transmit_into(now, &mut BytesMut::new(), 100);
        }
        for _ in 0..100 + 3 {
            assert_eq!(pong(&mut machine, Instant::from_secs(6000)), None);
        }
        assert!(pong(&mut machine, Instant::from_secs(6000)).is_some());
    }
}
