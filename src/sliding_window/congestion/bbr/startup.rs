//! When the pipe is full.

use super::{Bbr, Phase};
use crate::sliding_window::congestion::Acked;

/// Finds out that sending faster does not make more arrive: three round trips in which the rate has not grown by a quarter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FullPipe {
    rate: u64,
    rounds: u32,
    /// Whether it was full once: the start is over.
    pub(super) reached: bool,
    /// Whether it is full in the present probe.
    pub(super) now: bool,
}

impl FullPipe {
    fn on_round(&mut self, rate: u64) {
        if rate >= self.rate.saturating_add(self.rate >> 2) {
            self.rate = rate;
            self.rounds = 0;
            return;
        }
        self.rounds = self.rounds.saturating_add(1);
        self.now = self.rounds >= 3;
        self.reached |= self.now;
    }

    /// A new probe begins, at this rate.
    pub(super) const fn restart(&mut self, rate: u64) {
        self.rate = rate;
        self.rounds = 0;
        self.now = false;
    }
}

impl Bbr {
    /// At the end of a round.
    pub(super) fn look_for_full_pipe(&mut self, ack: &Acked, lossy: bool) {
        let app_limited = ack.delivery.is_none_or(|sample| sample.app_limited);
        match self.phase {
            // At the bound it is the bound that keeps the rate.
            Phase::Up if self.window >= self.path.bounds.long_bytes => self.pipe.restart(self.path.latest_rate()),
            Phase::Startup | Phase::Up if !app_limited => self.pipe.on_round(self.path.latest_rate()),
            _ => {}
        }
        if self.phase == Phase::Startup {
            if lossy && !self.pipe.reached {
                self.pipe.reached = true;
                let borne = self.product(self.path.max_rate(), 100).max(self.path.latest_delivered());
                self.path.bounds.long_bytes = self.path.bounds.long_bytes.min(borne);
            }
            if self.pipe.reached {
                self.sampling = false;
                self.enter(Phase::Drain, ack.now);
            }
        }
    }
}
