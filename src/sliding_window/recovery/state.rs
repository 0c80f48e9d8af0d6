//! The sender's half: packets leave, time passes.

use super::config::RecoveryConfig;
use super::delivery::DeliveryCounter;
use super::episode::{Episode, Silence};
use super::loss::ReorderWindow;
use super::round_trip::RoundTripEstimator;
use super::sent::{Fate, SentPacket, SentPackets};
use super::skip::Skipped;
use super::status::{RecoveryCounters, RecoveryStatus};
use crate::sliding_window::congestion::{Congestion, Controller, Pacer, RoundTrip, Sent};
use crate::time::{Duration, Instant, nanos};

/// Whether a packet may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Now.
    Open,
    /// At this moment: pacing.
    At(Instant),
    /// When packets have been acknowledged or lost: the congestion window, or there is no place to remember more.
    Blocked,
}

/// What became of a packet that carried `C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<C> {
    /// It arrived.
    Acked(C),
    /// It is taken for lost.
    Lost(C),
    /// It was taken for lost, and has arrived.
    WasNotLost(C),
}

/// Why an acknowledgement is no honest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckError {
    /// It tells of a packet that was never sent.
    NeverSent {
        /// That packet.
        number: u64,
    },
    /// A range is backwards, or not below the one before it.
    Disordered,
}

/// What a deadline of [`Recovery`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecoveryTimer {
    /// Packets become lost because a later one arrived long enough ago.
    Loss,
    /// Nothing was acknowledged for so long that a probe leaves.
    Probe,
}

/// The sender's half of loss recovery. `C` is what a packet carried; it comes back when its fate is known.
///
/// Each packet that wants an acknowledgement comes back as [`Outcome::Acked`], or as [`Outcome::Lost`] and then perhaps as
/// [`Outcome::WasNotLost`]; never twice as the same.
#[derive(Clone, Debug)]
pub(crate) struct Recovery<C> {
    pub(super) config: RecoveryConfig,
    pub(super) controller: Controller,
    pub(super) pacer: Pacer,
    pub(super) sent: SentPackets<C>,
    pub(super) round_trip: RoundTripEstimator,
    pub(super) reordering: ReorderWindow,
    pub(super) delivery: DeliveryCounter,
    pub(super) episode: Episode,
    pub(super) silence: Silence,
    pub(super) next_number: u64,
    pub(super) skipped: Skipped,
    pub(super) largest_acked: Option<u64>,
    /// When the oldest packet in flight becomes lost.
    pub(super) loss_at: Option<Instant>,
    pub(super) probe_count: u32,
    /// From when the probe timeout runs: the last packet that left, or the last timeout.
    probe_from: Instant,
    /// The probe timeout, doubled for each one since the last acknowledgement.
    backed_off: Duration,
    max_probe_timeout: u64,
    /// What the policy allows: bytes and packets in flight.
    window: (u64, u64),
    /// The latest time that was told.
    clock: Instant,
    pub(super) counters: RecoveryCounters,
    /// Packets looked at, for the tests of the cost.
    #[cfg(test)]
    pub(super) looks: u64,
}

impl<C: Copy + Default> Recovery<C> {
    /// Nothing is sent; the first packet has number 0.
    pub(crate) fn new(config: &RecoveryConfig, controller: Controller, now: Instant) -> Self {
        let mut recovery = Self {
            config: *config,
            controller,
            pacer: Pacer::new(config.max_datagram),
            sent: SentPackets::new(config.max_tracked.max(1)),
            round_trip: RoundTripEstimator::new(config.initial_round_trip, config.max_ack_delay, config.granularity),
            reordering: ReorderWindow::new(config),
            delivery: DeliveryCounter::default(),
            episode: Episode::default(),
            silence: Silence::default(),
            next_number: 0,
            skipped: Skipped::new(config.skip_seed),
            largest_acked: None,
            loss_at: None,
            probe_count: 0,
            probe_from: now,
            backed_off: Duration::ZERO,
            window: (0, 0),
            max_probe_timeout: nanos(config.max_probe_timeout.max(config.granularity)),
            clock: now,
            counters: RecoveryCounters::default(),
            #[cfg(test)]
            looks: 0,
        };
        recovery.set_backed_off();
        recovery.ask_controller();
        recovery
    }

    /// Whether a packet of `bytes` that wants an acknowledgement may leave. Probes and pure acknowledgements need not ask.
    #[inline]
    pub(crate) fn gate(&self, now: Instant, bytes: usize) -> Gate {
        let in_flight = self.sent.bytes_in_flight();
        if in_flight > 0
            && (in_flight.saturating_add(bytes as u64) > self.window.0
                || self.sent.packets_in_flight() >= self.window.1
                || self.sent.is_full())
        {
            return Gate::Blocked;
        }
        match self.pacer.blocked_until(now.max(self.clock)) {
            Some(moment) => Gate::At(moment),
            None => Gate::Open,
        }
    }

    /// The number of the next packet.
    pub(crate) const fn next_packet_number(&self) -> u64 {
        self.next_number
    }

    /// A packet leaves. Returns its number, which was [`next_packet_number`](Self::next_packet_number).
    ///
    /// One that wants no acknowledgement has a number and nothing else: its content never comes back.
    #[inline(always)]
    pub(crate) fn on_sent(&mut self, now: Instant, bytes: usize, ack_eliciting: bool, content: C) -> u64 {
        let now = self.tick(now);
        let number = self.next_number;
        // 2^64 packets are never sent.
        self.next_number = number.saturating_add(1);
        if self.skipped.skips(self.next_number) {
            self.next_number = self.next_number.saturating_add(1);
        }
        if !ack_eliciting {
            return number;
        }
        // A packet of no bytes would be in flight without a trace.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        let wide = u64::from(bytes);
        let snapshot = self.delivery.on_sent(now, self.sent.bytes_in_flight(), wide);
        let packet = SentPacket { number, sent_at: now, snapshot, bytes, run: 1, fate: Fate::InFlight, content };
        self.counters.packets_sent = self.counters.packets_sent.wrapping_add(1);
        self.counters.bytes_sent = self.counters.bytes_sent.wrapping_add(wide);
        if !self.sent.push(packet) {
            self.counters.packets_untracked = self.counters.packets_untracked.wrapping_add(1);
            return number;
        }
        self.probe_from = now;
        self.pacer.on_sent(now, wide);
        // None of the built-in policies wants to know.
        if let Controller::Custom(policy) = &mut self.controller {
            policy.on_sent(&Sent { now, number, bytes: wide, in_flight: self.sent.bytes_in_flight() });
            self.ask_controller();
        }
        number
    }

    /// The next deadline and what it is for. None while nothing is in flight.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<(Instant, RecoveryTimer)> {
        if self.sent.packets_in_flight() == 0 {
            return None;
        }
        if let Some(moment) = self.loss_at {
            return Some((moment, RecoveryTimer::Loss));
        }
        Some((self.probe_from + self.backed_off, RecoveryTimer::Probe))
    }

    /// Time has passed. Returns how many packets may leave now beyond the window, as probes (RFC 9002 section 6.2.4); they
    /// carry what is oldest, or new data, or a ping.
    pub(crate) fn on_timeout(&mut self, now: Instant, sink: &mut impl FnMut(Outcome<C>)) -> u32 {
        let now = self.tick(now);
        match self.deadline() {
            Some((moment, timer)) if moment <= now => {
                if timer == RecoveryTimer::Loss {
                    self.find_losses(now, sink);
                    self.trim(now);
                    return 0;
                }
                self.probe_count = self.probe_count.saturating_add(1);
                self.probe_from = now;
                self.set_backed_off();
                self.counters.probe_timeouts = self.counters.probe_timeouts.wrapping_add(1);
                2
            }
            _ => 0,
        }
    }

    /// After a sample, an acknowledgement or a probe timeout (RFC 9002 section 6.2.1).
    pub(super) fn set_backed_off(&mut self) {
        let timeout = self.round_trip.probe_timeout();
        let factor = 1_u64.checked_shl(self.probe_count).unwrap_or(u64::MAX);
        self.backed_off = Duration::from_nanos(timeout.saturating_mul(factor).min(self.max_probe_timeout));
    }

    /// After the policy was told something.
    pub(super) fn ask_controller(&mut self) {
        self.window = (self.controller.window(), self.controller.window_packets());
        self.pacer.set_rate(self.controller.pacing_rate());
    }

    /// Forgets what is known to have arrived, and what was lost and sent three probe timeouts ago: that is long after the
    /// loss was declared.
    #[inline]
    pub(super) fn trim(&mut self, now: Instant) {
        let timeout = self.round_trip.probe_timeout();
        self.sent.trim(|| now.saturating_sub(Duration::from_nanos(timeout.saturating_mul(3))));
    }

    /// The time, which never goes back.
    #[inline]
    pub(super) fn tick(&mut self, now: Instant) -> Instant {
        if now < self.clock {
            self.counters.clock_went_back = self.counters.clock_went_back.wrapping_add(1);
        }
        self.clock = self.clock.max(now);
        self.clock
    }

    /// What is known of the round-trip time.
    pub(crate) const fn round_trip(&self) -> RoundTrip {
        self.round_trip.known()
    }

    /// How long an acknowledgement is waited for before a probe, not doubled.
    pub(crate) const fn probe_timeout(&self) -> Duration {
        Duration::from_nanos(self.round_trip.probe_timeout())
    }

    /// Probe timeouts since the last acknowledgement.
    pub(crate) const fn probe_count(&self) -> u32 {
        self.probe_count
    }

    /// Bytes in flight.
    pub(crate) const fn bytes_in_flight(&self) -> u64 {
        self.sent.bytes_in_flight()
    }

    /// Bytes that may be in flight.
    pub(crate) const fn window(&self) -> u64 {
        self.window.0
    }

    /// One look at everything.
    pub(crate) fn status(&self) -> RecoveryStatus {
        RecoveryStatus {
            window: self.window.0,
            bytes_in_flight: self.sent.bytes_in_flight(),
            packets_in_flight: self.sent.packets_in_flight(),
            pacing_rate: self.pacer.rate(),
            in_slow_start: self.controller.in_slow_start(),
            round_trip: self.round_trip.known(),
            probe_timeout: self.probe_timeout(),
            probe_count: self.probe_count,
            packet_threshold: self.reordering.packet_threshold(),
            loss_delay: Duration::from_nanos(self.reordering.delay(&self.round_trip)),
            counters: self.counters,
        }
    }
}
