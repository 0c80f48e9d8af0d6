//! The cycle of probes for more bandwidth.

use super::{Bbr, Phase};
use crate::sliding_window::congestion::{Acked, scale};
use crate::time::{Duration, Instant};

/// A probe begins at the latest after so many round trips, since NewReno would have grown by as many packets.
const MAX_ROUNDS: u64 = 63;

impl Bbr {
    /// Moves on to the next phase when it is time.
    pub(super) fn advance(&mut self, ack: &Acked) {
        self.raise_bound(ack);
        if self.ending && self.path.round_began {
            self.ending = false;
            self.sampling = false;
            self.path.advance_cycle();
        }
        let product = self.product(self.path.rate(), 100);
        match self.phase {
            Phase::Drain if ack.in_flight <= product => self.begin_down(ack.now, ack.next_number),
            Phase::Down | Phase::Cruise if self.is_time_to_probe(ack.now) => self.begin_refill(ack),
            Phase::Down if ack.in_flight <= product.min(self.with_headroom()) => {
                self.enter(Phase::Cruise, ack.now);
            }
            Phase::Refill if self.path.round_began => self.begin_up(ack),
            Phase::Up if self.has_probed(ack) => self.begin_down(ack.now, ack.next_number),
            _ => {}
        }
    }

    fn is_time_to_probe(&self, now: Instant) -> bool {
        let packets = self.product(self.path.max_rate(), 100).checked_div(self.max_datagram).unwrap_or(0);
        now - self.since > self.wait || self.rounds_since_probe >= packets.clamp(4, MAX_ROUNDS)
    }

    /// The queue has grown by a quarter, or more does not arrive.
    fn has_probed(&self, ack: &Acked) -> bool {
        let round_trip = self.minimum.round_trip().unwrap_or(Duration::ZERO);
        let queued = self.product(self.path.max_rate(), 125).saturating_add(self.max_datagram);
        (ack.now - self.since > round_trip && ack.in_flight > queued) || self.pipe.now
    }

    pub(super) fn begin_down(&mut self, now: Instant, next_number: u64) {
        self.enter(Phase::Down, now);
        self.ending = true;
        self.rounds_since_probe = 0;
        // From two to three seconds, so that flows which began together do not stay together.
        let spread = next_number.wrapping_mul(619) & 1_023;
        self.wait = Duration::from_millis(spread.saturating_add(2_000));
        self.path.restart_round(next_number);
    }

    fn begin_refill(&mut self, ack: &Acked) {
        self.enter(Phase::Refill, ack.now);
        self.ending = false;
        self.path.forget_short_bounds();
        self.rises = 0;
        self.pending = 0;
        self.path.restart_round(ack.next_number);
    }

    fn begin_up(&mut self, ack: &Acked) {
        self.enter(Phase::Up, ack.now);
        self.sampling = true;
        self.pipe.restart(self.path.latest_rate());
        self.path.restart_round(ack.next_number);
    }

    /// What was in flight and arrived without much loss is borne. While probing at the bound, it rises: by one packet per
    /// round trip, then two, four, ...
    fn raise_bound(&mut self, ack: &Acked) {
        let bound = self.path.bounds.long_bytes;
        if bound == u64::MAX || !self.sampling {
            return;
        }
        if let Some(sample) = &ack.delivery
            && !self.path.is_too_much(sample.lost, sample.in_flight)
        {
            self.path.bounds.long_bytes = bound.max(sample.in_flight);
        }
        if self.phase != Phase::Up || ack.prior_in_flight.saturating_add(self.max_datagram) < self.window {
            return;
        }
        if self.path.round_began {
            self.rises = self.rises.saturating_add(1).min(30);
        }
        self.pending = self.pending.saturating_add(ack.bytes);
        let step = self.max_datagram.checked_shl(self.rises).unwrap_or(u64::MAX);
        let rise = scale(self.pending, step, self.window);
        if rise >= self.max_datagram {
            self.pending = 0;
            self.path.bounds.long_bytes = self.path.bounds.long_bytes.saturating_add(rise.min(ack.bytes));
        }
    }

    /// A probe lost too much: so much in flight is more than the path bears.
    pub(super) fn on_overflow(&mut self, now: Instant, in_flight: u64) {
        if self.phase == Phase::Startup {
            return; // decided at the end of the round
        }
        self.sampling = false;
        let target = scale(self.product(self.path.rate(), 100).min(self.window), 7, 10);
        self.path.bounds.long_bytes = in_flight.max(target);
        if self.phase == Phase::Up {
            self.begin_down(now, 0);
        }
    }
}
