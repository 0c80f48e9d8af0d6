//! How long the path is without a queue.

use super::{Bbr, Phase};
use crate::sliding_window::congestion::Acked;
use crate::time::{Duration, Instant};

/// When the least round-trip time was not seen for this long, it is looked for.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// And what was seen before this long ago is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(10);
/// For so long little is in flight.
const PROBE_DURATION: Duration = Duration::from_millis(200);

/// The least round-trip time, and when to look for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MinimumProbe {
    least: Option<Duration>,
    least_at: Instant,
    recent: Duration,
    recent_at: Instant,
    /// When the probe under way is over: known once little is in flight.
    done_at: Option<Instant>,
    /// And a packet with at least this number must have been acknowledged.
    done_number: u64,
}

impl MinimumProbe {
    pub(super) const fn new(now: Instant) -> Self {
        Self { least: None, least_at: now, recent: Duration::MAX, recent_at: now, done_at: None, done_number: 0 }
    }

    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.least
    }

    /// Takes a sample. Returns whether the least one was not seen for long.
    fn update(&mut self, now: Instant, sample: Option<Duration>) -> bool {
        let expired = now - self.recent_at > PROBE_INTERVAL;
        if let Some(sample) = sample
            && (sample <= self.recent || expired)
        {
            self.recent = sample;
            self.recent_at = now;
        }
        if self.recent < Duration::MAX
            && (self.least.is_none_or(|least| self.recent <= least) || now - self.least_at > FORGET_AFTER)
        {
            self.least = Some(self.recent);
            self.least_at = self.recent_at;
        }
        expired
    }
}

impl Bbr {
    pub(super) fn probe_minimum(&mut self, ack: &Acked) {
        let expired = self.minimum.update(ack.now, ack.sample);
        if expired && self.phase != Phase::Minimum && !ack.app_limited {
            self.prior_window = self.window;
            self.minimum.done_at = None;
            self.sampling = false;
            self.ending = false;
            self.enter(Phase::Minimum, ack.now);
        }
        if self.phase != Phase::Minimum {
            return;
        }
        match self.minimum.done_at {
            None if ack.in_flight <= self.window => {
                let few = self.product(self.path.rate(), self.phase.window_gain()).max(self.minimum_window());
                if ack.in_flight <= few {
                    self.minimum.done_at = Some(ack.now + PROBE_DURATION);
                    self.minimum.done_number = ack.next_number;
                }
            }
            Some(done_at) if ack.now >= done_at && ack.newest >= self.minimum.done_number => self.end_probe(ack),
            _ => {}
        }
    }

    fn end_probe(&mut self, ack: &Acked) {
        self.minimum.recent_at = ack.now;
        self.window = self.window.max(self.prior_window);
        if self.pipe.reached {
            self.path.forget_short_bounds();
            self.begin_down(ack.now, ack.next_number);
            self.ending = false;
            self.enter(Phase::Cruise, ack.now);
        } else {
            self.sampling = true;
            self.enter(Phase::Startup, ack.now);
        }
    }
}
