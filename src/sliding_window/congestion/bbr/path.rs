//! What is known of the path.

use crate::sliding_window::congestion::{Acked, scale};

/// The path as it was measured: its rate, and how much in flight it has borne.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathModel {
    /// The highest rate of this cycle of probes, and of the last one.
    rates: [u64; 2],
    /// The highest rate and the most bytes delivered within a round trip, in this one.
    latest_rate: u64,
    latest_delivered: u64,
    pub(super) bounds: Bounds,
    /// The round is over when a packet with at least this number is acknowledged.
    round_end: u64,
    /// Whether the last acknowledgement began a round.
    pub(super) round_began: bool,
    delivered_in_round: u64,
    lost_in_round: u64,
    max_datagram: u64,
}

/// What not to exceed; `u64::MAX` where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// In flight, since a probe found more to be too much.
    pub(super) long_bytes: u64,
    /// In flight, until the next probe, since a round trip was lossy.
    pub(super) short_bytes: u64,
    /// The rate, until the next probe, since a round trip was lossy.
    pub(super) short_rate: u64,
}

impl Bounds {
    /// The wider ones of both.
    pub(super) fn widen(&mut self, other: &Self) {
        self.long_bytes = self.long_bytes.max(other.long_bytes);
        self.short_bytes = self.short_bytes.max(other.short_bytes);
        self.short_rate = self.short_rate.max(other.short_rate);
    }
}

/// Losses that never count: on a short path a single one is more than 2 %.
const HARMLESS_PACKETS: u64 = 4;

impl PathModel {
    pub(super) fn new(max_datagram: u64) -> Self {
        Self {
            rates: [0; 2],
            latest_rate: 0,
            latest_delivered: 0,
            bounds: Bounds { long_bytes: u64::MAX, short_bytes: u64::MAX, short_rate: u64::MAX },
            round_end: 0,
            round_began: false,
            delivered_in_round: 0,
            lost_in_round: 0,
            max_datagram,
        }
    }

    /// The highest rate at which packets arrived, in bytes per second.
    pub(super) fn max_rate(&self) -> u64 {
        let [current, last] = self.rates;
        current.max(last)
    }

    /// The rate to send at.
    pub(super) fn rate(&self) -> u64 {
        self.max_rate().min(self.bounds.short_rate)
    }

    /// The highest rate in this round.
    pub(super) const fn latest_rate(&self) -> u64 {
        self.latest_rate
    }

    /// The most bytes that arrived within a round trip, in this one.
    pub(super) const fn latest_delivered(&self) -> u64 {
        self.latest_delivered
    }

    pub(super) fn on_ack(&mut self, ack: &Acked) {
        self.round_began = ack.newest >= self.round_end;
        if self.round_began {
            self.round_end = ack.next_number;
        }
        self.delivered_in_round = self.delivered_in_round.saturating_add(ack.bytes);
        self.lost_in_round = self.lost_in_round.saturating_sub(ack.spurious);
        if let Some(sample) = &ack.delivery {
            self.latest_rate = self.latest_rate.max(sample.rate);
            self.latest_delivered = self.latest_delivered.max(sample.delivered);
            let [current, _] = &mut self.rates;
            *current = (*current).max(if sample.app_limited { 0 } else { sample.rate });
            if sample.app_limited && sample.rate > self.max_rate() {
                self.rates = [sample.rate; 2];
            }
        }
    }

    pub(super) fn on_loss(&mut self, bytes: u64) {
        self.lost_in_round = self.lost_in_round.saturating_add(bytes);
    }

    /// What was lost in this round was not.
    pub(super) const fn forget_losses(&mut self) {
        self.lost_in_round = 0;
    }

    /// More than 2 % of what was in flight, beyond a few packets.
    pub(super) fn is_too_much(&self, lost: u64, in_flight: u64) -> bool {
        let harmless = self.max_datagram.saturating_mul(HARMLESS_PACKETS);
        lost > scale(in_flight, 2, 100).saturating_add(harmless)
    }

    /// Whether the round that just ended lost too much.
    pub(super) fn round_was_lossy(&self) -> bool {
        self.is_too_much(self.lost_in_round, self.delivered_in_round.saturating_add(self.lost_in_round))
    }

    /// A round has been looked at; the next begins with this acknowledgement.
    pub(super) fn begin_round(&mut self, ack: &Acked) {
        self.delivered_in_round = 0;
        self.lost_in_round = 0;
        let (rate, delivered) = ack.delivery.map_or((0, 0), |sample| (sample.rate, sample.delivered));
        self.latest_rate = rate;
        self.latest_delivered = delivered;
    }

    /// From now on a round is what leaves after this: the packet with this number, and later ones.
    pub(super) const fn restart_round(&mut self, next_number: u64) {
        self.round_end = next_number;
    }

    /// A lossy round trip: keep to what arrived in it, but give up no more than 30 % at once, and half of the rate in all.
    pub(super) fn lower_bounds(&mut self, window: u64) {
        let max_rate = self.max_rate();
        let (rate, bytes) = (self.bounds.short_rate.min(max_rate), self.bounds.short_bytes.min(window));
        self.bounds.short_rate = self.latest_rate.max(scale(rate, 7, 10)).max(max_rate >> 1);
        self.bounds.short_bytes = self.latest_delivered.max(scale(bytes, 7, 10));
    }

    pub(super) const fn forget_short_bounds(&mut self) {
        self.bounds.short_rate = u64::MAX;
        self.bounds.short_bytes = u64::MAX;
    }

    /// A cycle of probes is over: rates measured before the last one are forgotten.
    pub(super) fn advance_cycle(&mut self) {
        let [current, _] = self.rates;
        if current > 0 {
            self.rates = [0, current];
        }
    }
}
