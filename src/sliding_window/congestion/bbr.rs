//! A policy after BBR, for links that lose packets at random.

mod cycle;
mod path;
mod probe;
mod startup;

use alloc::boxed::Box;

use path::PathModel;
use probe::MinimumProbe;
use startup::FullPipe;

use super::{Acked, Congestion, Lost, SECOND, Setup, scale};
use crate::time::{Duration, Instant, nanos};

/// Measures how fast the path is and how long it is, and sends at that rate, with about that much in flight.
///
/// A loss alone means nothing to it. Only when more than 2 % of a round trip is lost (and more than four packets) it takes
/// that for an overflow: then it remembers how much was in flight, and stays below. So random loss of a percent or so costs
/// no more than the packets that are sent again.
///
/// After draft-ietf-ccwg-bbr (the third version), in whole numbers, with these simplifications: the wait between two probes
/// for more bandwidth varies by packet number and not at random; lower bounds are set by lossy round trips only, and are
/// never below half of the bandwidth; a few losses never count; acknowledgements that come in clumps get no allowance of
/// their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bbr {
    phase: Phase,
    /// When the phase began.
    since: Instant,
    path: PathModel,
    pipe: FullPipe,
    minimum: MinimumProbe,
    /// Losses now are a sign that this is too much: from the start, or in a probe for more bandwidth until the last of its
    /// packets is known.
    sampling: bool,
    /// A probe for more bandwidth has ended, and what it showed is still coming in.
    ending: bool,
    rounds_since_probe: u64,
    /// How long to wait until the next probe for more bandwidth.
    wait: Duration,
    /// While probing: round trips for which the bound has risen, and acknowledged bytes that have not yet made it rise.
    rises: u32,
    pending: u64,
    window: u64,
    /// The window before the path's length was probed.
    prior_window: u64,
    pacing_rate: Option<u64>,
    max_datagram: u64,
    initial_window: u64,
    /// What to go back to when the last losses were none.
    before: Option<Before>,
}

/// What it does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Doubles the rate each round trip until it arrives no faster.
    Startup,
    /// Lets the queue run empty that the start has built.
    Drain,
    /// Sends a little less than arrives, after a probe.
    Down,
    /// Sends as fast as it arrives.
    Cruise,
    /// Fills the pipe for one round trip before a probe.
    Refill,
    /// Sends faster than it arrived, to see whether more would.
    Up,
    /// Sends little for a moment, to see how long the path is without a queue.
    Minimum,
}

impl Phase {
    /// The rate in hundredths of the bandwidth.
    const fn pacing_gain(self) -> u64 {
        match self {
            Self::Startup => 277,
            Self::Drain => 36,
            Self::Down => 90,
            Self::Up => 125,
            Self::Cruise | Self::Refill | Self::Minimum => 100,
        }
    }

    /// The window in hundredths of the bandwidth-delay product.
    const fn window_gain(self) -> u64 {
        match self {
            Self::Up => 225,
            Self::Minimum => 50,
            _ => 200,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Before {
    bounds: path::Bounds,
    /// Whether the start was under way.
    starting: bool,
}

impl Bbr {
    /// Begins by doubling.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self {
            phase: Phase::Startup,
            since: setup.now,
            path: PathModel::new(setup.max_datagram),
            pipe: FullPipe::default(),
            minimum: MinimumProbe::new(setup.now),
            sampling: true,
            ending: false,
            rounds_since_probe: 0,
            wait: Duration::ZERO,
            rises: 0,
            pending: 0,
            window: setup.initial_window(),
            prior_window: 0,
            pacing_rate: None,
            max_datagram: setup.max_datagram,
            initial_window: setup.initial_window(),
            before: None,
        }
    }

    /// The estimate of the bandwidth, in bytes per second; 0 before the first sample.
    #[must_use]
    pub fn bandwidth(&self) -> u64 {
        self.path.max_rate()
    }

    fn minimum_window(&self) -> u64 {
        self.max_datagram.saturating_mul(4)
    }

    /// Bandwidth times delay, in bytes, with a gain in hundredths.
    fn product(&self, rate: u64, gain: u64) -> u64 {
        match self.minimum.round_trip() {
            Some(round_trip) if rate > 0 => scale(scale(rate, nanos(round_trip), SECOND), gain, 100),
            _ => self.initial_window,
        }
    }

    /// What may be in flight when nothing is probed: some room is left for others below what once was too much.
    fn with_headroom(&self) -> u64 {
        match self.path.bounds.long_bytes {
            u64::MAX => u64::MAX,
            bytes => {
                let room = scale(bytes, 15, 100).max(self.max_datagram);
                bytes.saturating_sub(room).max(self.minimum_window())
            }
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }

    fn set_pacing_rate(&mut self, ack: &Acked) {
        let bandwidth = self.path.rate();
        let gain = self.phase.pacing_gain();
        let rate = if bandwidth > 0 {
            // One part in a hundred less: so the queue runs empty.
            scale(scale(bandwidth, gain, 100), 99, 100)
        } else if ack.round_trip.measured {
            scale(scale(self.window, gain, 100), SECOND, nanos(ack.round_trip.smoothed))
        } else {
            return;
        };
        if self.pipe.reached || self.pacing_rate.is_none_or(|current| rate > current) {
            self.pacing_rate = Some(rate.max(1));
        }
    }

    fn set_window(&mut self, ack: &Acked) {
        let slack = self.max_datagram.saturating_mul(3);
        let most = self.product(self.path.rate(), self.phase.window_gain().max(200)).saturating_add(slack);
        if self.pipe.reached {
            self.window = self.window.saturating_add(ack.bytes).min(most);
        } else if self.window < most || ack.delivered < self.initial_window {
            self.window = self.window.saturating_add(ack.bytes);
        }
        let bound = match self.phase {
            Phase::Startup | Phase::Drain => u64::MAX,
            Phase::Minimum => self.product(self.path.rate(), self.phase.window_gain()).min(self.with_headroom()),
            Phase::Cruise => self.with_headroom(),
            Phase::Down | Phase::Refill | Phase::Up => self.path.bounds.long_bytes,
        };
        self.window = self.window.min(bound).min(self.path.bounds.short_bytes).max(self.minimum_window());
    }
}

impl Congestion for Bbr {
    fn window(&self) -> u64 {
        self.window
    }

    fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }

    fn in_slow_start(&self) -> bool {
        self.phase == Phase::Startup
    }

    fn on_ack(&mut self, ack: &Acked) {
        self.path.on_ack(ack);
        if self.path.round_began {
            self.rounds_since_probe = self.rounds_since_probe.saturating_add(1);
            let lossy = self.path.round_was_lossy();
            let probing = matches!(self.phase, Phase::Startup | Phase::Refill | Phase::Up);
            if lossy && !probing {
                self.path.lower_bounds(self.window);
            }
            self.look_for_full_pipe(ack, lossy);
            self.path.begin_round(ack);
        }
        self.advance(ack);
        self.probe_minimum(ack);
        self.set_pacing_rate(ack);
        self.set_window(ack);
    }

    fn on_loss(&mut self, loss: &Lost) {
        if loss.starts_episode {
            self.before = Some(Before { bounds: self.path.bounds, starting: self.phase == Phase::Startup });
        }
        self.path.on_loss(loss.bytes);
        if self.sampling && self.path.is_too_much(loss.lost_since_sent, loss.in_flight_when_sent) {
            self.on_overflow(loss.now, loss.in_flight_when_sent);
        }
        if loss.persistent {
            self.window = self.minimum_window();
        }
    }

    fn on_spurious_loss(&mut self, now: Instant) {
        let Some(before) = self.before.take() else { return };
        self.path.forget_losses();
        self.path.bounds.widen(&before.bounds);
        if before.starting && self.pipe.reached {
            self.pipe = FullPipe::default();
            self.pipe.restart(self.path.max_rate());
            self.sampling = true;
            self.ending = false;
            self.enter(Phase::Startup, now);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Congestion> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests;
