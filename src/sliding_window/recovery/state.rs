//! The sender's half: packets leave, time passes.

use super::config::RecoveryConfig;
use super::delivery::DeliveryCounter;
use super::episode::{Episode, Silence};
use super::loss::ReorderWindow;
use super::round_trip::RoundTripEstimator;
use super::sent::{Fate, SentPacket, SentPackets};
use super::status::{RecoveryCounters, RecoveryStatus};
use crate::sliding_window::congestion::{Congestion, Controller, Pacer, RoundTrip, Sent};
use crate::time::{Duration, Instant};

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
    pub(super) largest_acked: Option<u64>,
    /// When the oldest packet in flight becomes lost.
    pub(super) loss_at: Option<Instant>,
    pub(super) probe_count: u32,
    /// From when the probe timeout runs: the last packet that left, or the last timeout.
    probe_from: Instant,
    /// The latest time that was told.
    clock: Instant,
    pub(super) counters: RecoveryCounters,
}

impl<C: Copy> Recovery<C> {
    /// Nothing is sent; the first packet has number 0.
    pub(crate) fn new(config: &RecoveryConfig, controller: Controller, now: Instant) -> Self {
        let mut pacer = Pacer::new(config.max_datagram);
        pacer.set_rate(controller.pacing_rate());
        Self {
            config: *config,
            controller,
            pacer,
            sent: SentPackets::new(config.max_tracked.max(1)),
            round_trip: RoundTripEstimator::new(config.initial_round_trip, config.max_ack_delay, config.granularity),
            reordering: ReorderWindow::new(config),
            delivery: DeliveryCounter::default(),
            episode: Episode::default(),
            silence: Silence::default(),
            next_number: 0,
            largest_acked: None,
            loss_at: None,
            probe_count: 0,
            probe_from: now,
            clock: now,
            counters: RecoveryCounters::default(),
        }
    }

    /// Whether a packet of `bytes` that wants an acknowledgement may leave. Probes and pure acknowledgements need not ask.
    #[inline]
    pub(crate) fn gate(&self, now: Instant, bytes: usize) -> Gate {
        let in_flight = self.sent.bytes_in_flight();
        if in_flight > 0
            && (in_flight.saturating_add(bytes as u64) > self.controller.window()
                || self.sent.packets_in_flight() >= self.controller.window_packets()
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
    #[inline]
    pub(crate) fn on_sent(&mut self, now: Instant, bytes: usize, ack_eliciting: bool, content: C) -> u64 {
        let now = self.tick(now);
        let number = self.next_number;
        // 2^64 packets are never sent.
        self.next_number = number.saturating_add(1);
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
        self.controller.on_sent(&Sent { now, number, bytes: wide, in_flight: self.sent.bytes_in_flight() });
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
        Some((self.probe_from + self.backed_off_timeout(), RecoveryTimer::Probe))
    }

    /// Time has passed. Returns how many packets may leave now beyond the window, as probes (RFC 9002 section 6.2.4); they
    /// carry what is oldest, or new data, or a ping.
    pub(crate) fn on_timeout(&mut self, now: Instant, sink: &mut impl FnMut(Outcome<C>)) -> u32 {
        let now = self.tick(now);
        match self.deadline() {
            Some((moment, timer)) if moment <= now => {
                if timer == RecoveryTimer::Loss {
                    self.find_losses(now, sink);
                    self.sent.trim(self.forget_lost_before(now));
                    return 0;
                }
                self.probe_count = self.probe_count.saturating_add(1);
                self.probe_from = now;
                self.counters.probe_timeouts = self.counters.probe_timeouts.wrapping_add(1);
                2
            }
            _ => 0,
        }
    }

    /// The probe timeout, doubled for each one since the last acknowledgement (RFC 9002 section 6.2.1).
    fn backed_off_timeout(&self) -> Duration {
        let timeout = self.round_trip.probe_timeout();
        let factor = 1_u32.checked_shl(self.probe_count).unwrap_or(u32::MAX);
        timeout.saturating_mul(factor).min(self.config.max_probe_timeout.max(self.config.granularity))
    }

    /// Packets lost and sent before this are forgotten: three probe timeouts are long after the loss was declared.
    pub(super) fn forget_lost_before(&self, now: Instant) -> Instant {
        now.saturating_sub(self.round_trip.probe_timeout().saturating_mul(3))
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
    pub(crate) const fn round_trip(&self) -> &RoundTrip {
        self.round_trip.known()
    }

    /// How long an acknowledgement is waited for before a probe, not doubled.
    pub(crate) fn probe_timeout(&self) -> Duration {
        self.round_trip.probe_timeout()
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
    pub(crate) fn window(&self) -> u64 {
        self.controller.window()
    }

    /// One look at everything.
    pub(crate) fn status(&self) -> RecoveryStatus {
        RecoveryStatus {
            window: self.controller.window(),
            bytes_in_flight: self.sent.bytes_in_flight(),
            packets_in_flight: self.sent.packets_in_flight(),
            pacing_rate: self.pacer.rate(),
            in_slow_start: self.controller.in_slow_start(),
            round_trip: *self.round_trip.known(),
            probe_timeout: self.round_trip.probe_timeout(),
            probe_count: self.probe_count,
            packet_threshold: self.reordering.packet_threshold(),
            loss_delay: self.reordering.delay(self.round_trip.known()),
            counters: self.counters,
        }
    }
}
