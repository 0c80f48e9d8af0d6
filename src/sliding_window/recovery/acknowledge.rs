//! The sender's half: acknowledgements come, losses are found.

use core::ops::RangeInclusive;

use super::delivery::Snapshot;
use super::sent::{Fate, SentPacket};
use super::state::{AckError, Outcome, Recovery};
use crate::sliding_window::congestion::{Acked, Congestion, Controller, Lost};
use crate::time::{Duration, Instant, nanos};

/// What one acknowledgement has told so far.
#[derive(Default)]
struct Batch {
    packets: u64,
    bytes: u64,
    growth: u64,
    /// Of them, those that had been declared lost.
    spurious_packets: u64,
    spurious: u64,
    newest: Option<Newest>,
    undo: bool,
}

/// The newest packet of an acknowledgement that was not known to have arrived.
struct Newest {
    number: u64,
    sent_at: Instant,
    snapshot: Snapshot,
}

impl<C: Copy + Default> Recovery<C> {
    /// An acknowledgement came: the packets that arrived, as ranges, newest first, and how long the peer held it back.
    ///
    /// `app_limited` says that nothing waits that could be sent: for lack of messages, or of credit. What became of packets
    /// goes to `sink`, in no particular order.
    ///
    /// # Errors
    /// The peer can not have sent that honestly. Ranges before the bad one have been taken.
    pub(crate) fn on_ack(
        &mut self,
        now: Instant,
        ranges: impl IntoIterator<Item = RangeInclusive<u64>>,
        ack_delay: Duration,
        app_limited: bool,
        sink: &mut impl FnMut(Outcome<C>),
    ) -> Result<(), AckError> {
        let now = self.tick(now);
        let prior_in_flight = self.sent.bytes_in_flight();
        let mut batch = Batch::default();
        let (largest, result) = self.take_ranges(ranges, &mut batch, sink);
        let Some(largest) = largest else { return result };
        if batch.packets > 0 {
            let in_flight = batch.packets.saturating_sub(batch.spurious_packets);
            self.sent.landed(in_flight, batch.bytes.saturating_sub(batch.spurious));
            self.delivery.on_acked(now, batch.bytes);
            self.counters.packets_acked = self.counters.packets_acked.wrapping_add(batch.packets);
        }
        // A sample is of the newest packet that the acknowledgement tells of, when that is news (RFC 9002 section 5.1). When
        // that one wanted no acknowledgement nothing is known of it, and the newest one that did stands for it: the peer held
        // that back a little longer than it says. Without this an end that mostly acknowledges would never have a sample.
        let before = self.largest_acked.replace(self.largest_acked.map_or(largest, |before| before.max(largest)));
        let is_news = |newest: &&Newest| before.is_none_or(|before| newest.number > before);
        let sample = batch.newest.as_ref().filter(is_news).map(|newest| now - newest.sent_at);
        if let Some(sample) = sample {
            self.round_trip.update(nanos(sample), ack_delay);
            self.silence.on_sample(now);
        }
        if batch.undo {
            self.counters.episodes_undone = self.counters.episodes_undone.wrapping_add(1);
            self.controller.on_spurious_loss(now);
            self.ask_controller();
        }
        self.find_losses(now, sink);
        if let Some(newest) = batch.newest.take() {
            self.probe_count = 0;
            self.set_backed_off();
            self.report(now, &newest, sample, prior_in_flight, app_limited, &batch);
        }
        self.trim(now);
        result
    }

    /// The packets of these ranges have arrived. Gives the newest number among them, and what is wrong with the first range that
    /// is wrong: nothing is taken from there on.
    #[inline]
    fn take_ranges(
        &mut self,
        ranges: impl IntoIterator<Item = RangeInclusive<u64>>,
        batch: &mut Batch,
        sink: &mut impl FnMut(Outcome<C>),
    ) -> (Option<u64>, Result<(), AckError>) {
        let (mut largest, mut below) = (None, self.next_number);
        for range in ranges {
            let (low, high) = range.into_inner();
            if high >= self.next_number {
                return (largest, Err(AckError::NeverSent { number: high }));
            }
            if low > high || high >= below {
                return (largest, Err(AckError::Disordered));
            }
            if let Some(number) = self.skipped.within(low, high) {
                return (largest, Err(AckError::NeverSent { number }));
            }
            // They come newest first.
            largest = largest.or(Some(high));
            below = low;
            self.acknowledge(low, high, batch, sink);
        }
        (largest, Ok(()))
    }

    /// The packets with numbers from `low` to `high` have arrived.
    fn acknowledge(&mut self, low: u64, high: u64, batch: &mut Batch, sink: &mut impl FnMut(Outcome<C>)) {
        if self.sent.front().is_some_and(|front| front.number >= low) {
            self.acknowledge_front(high, batch, sink);
        } else {
            self.acknowledge_within(low, high, batch, sink);
        }
    }

    /// The usual case: all up to `high` has arrived, and goes.
    #[inline]
    fn acknowledge_front(&mut self, high: u64, batch: &mut Batch, sink: &mut impl FnMut(Outcome<C>)) {
        let count = self.sent.position(high.saturating_add(1));
        if batch.newest.is_none() {
            batch.newest = self.newest_of(count);
        }
        for _ in 0..count {
            #[cfg(test)]
            {
                self.looks += 1;
            }
            let Some(&SentPacket { number, bytes, fate, content, .. }) = self.sent.front() else { return };
            if !self.sent.pop() {
                self.silence.end();
            }
            if fate != Fate::Acked {
                self.on_arrived(number, u64::from(bytes), fate, content, batch, sink);
            }
        }
    }

    /// The newest one of the first packets that was not known to have arrived.
    fn newest_of(&self, count: usize) -> Option<Newest> {
        let mut packets = (0..count).rev().filter_map(|position| self.sent.get(position));
        let &SentPacket { number, sent_at, snapshot, .. } = packets.find(|packet| packet.fate != Fate::Acked)?;
        Some(Newest { number, sent_at, snapshot })
    }

    /// There are others before `low`. Goes over those only that were not known to have arrived, and over one of each run of
    /// those that were.
    #[inline(never)]
    fn acknowledge_within(&mut self, low: u64, high: u64, batch: &mut Batch, sink: &mut impl FnMut(Outcome<C>)) {
        let bottom = self.sent.position(low);
        let Some(mut position) = self.sent.position(high.saturating_add(1)).checked_sub(1) else { return };
        while position >= bottom {
            #[cfg(test)]
            {
                self.looks += 1;
            }
            let span = position.saturating_sub(bottom);
            let Some(packet) = self.sent.get_mut(position) else { return };
            let known = packet.run;
            // All from the bottom to here have arrived: whoever comes here again jumps below them at once.
            packet.run = known.max(u32::try_from(span).unwrap_or(u32::MAX).saturating_add(1));
            let mut step = 1;
            if packet.fate == Fate::Acked {
                step = known as usize;
            } else {
                let (number, bytes, fate, content) =
                    (packet.number, u64::from(packet.bytes), packet.fate, packet.content);
                packet.fate = Fate::Acked;
                if batch.newest.is_none() {
                    batch.newest = Some(Newest { number, sent_at: packet.sent_at, snapshot: packet.snapshot });
                }
                self.on_arrived(number, bytes, fate, content, batch, sink);
            }
            if span < step {
                return;
            }
            position = position.saturating_sub(step);
        }
    }

    /// A packet has arrived that was not known to have; so far its fate was this.
    #[inline]
    fn on_arrived(
        &mut self,
        number: u64,
        bytes: u64,
        fate: Fate,
        content: C,
        batch: &mut Batch,
        sink: &mut impl FnMut(Outcome<C>),
    ) {
        batch.packets = batch.packets.wrapping_add(1);
        batch.bytes = batch.bytes.wrapping_add(bytes);
        if self.episode.is_over_for(number) {
            batch.growth = batch.growth.wrapping_add(bytes);
        }
        let was_lost = fate == Fate::Lost;
        if was_lost {
            batch.spurious_packets = batch.spurious_packets.wrapping_add(1);
            batch.spurious = batch.spurious.wrapping_add(bytes);
            self.on_spurious(number, batch);
        }
        sink(if was_lost { Outcome::WasNotLost(content) } else { Outcome::Acked(content) });
    }

    /// A packet that was declared lost has arrived.
    #[cold]
    fn on_spurious(&mut self, number: u64, batch: &mut Batch) {
        self.counters.spurious_losses = self.counters.spurious_losses.wrapping_add(1);
        self.silence.end();
        let distance = self.largest_acked.unwrap_or(0).saturating_sub(number);
        self.reordering.on_spurious(number, distance, self.next_number);
        batch.undo |= self.episode.on_spurious(number);
    }

    /// Goes on, from where it stopped, until the first packet that is neither acknowledged nor lost (RFC 9002 section 6.1,
    /// appendix A.10). Those after it left later, so they are not lost either.
    pub(super) fn find_losses(&mut self, now: Instant, sink: &mut impl FnMut(Outcome<C>)) {
        self.loss_at = None;
        let Some(largest_acked) = self.largest_acked else { return };
        let delay = Duration::from_nanos(self.reordering.delay(&self.round_trip));
        let threshold = self.reordering.packet_threshold();
        let (mut bytes, mut packets) = (0_u64, 0_u64);
        let (mut starts_episode, mut persistent) = (false, false);
        let mut newest = None;
        while let Some(packet) = self.sent.searched_next() {
            #[cfg(test)]
            {
                self.looks += 1;
            }
            if packet.fate == Fate::Acked {
                self.silence.end();
            } else {
                if packet.number > largest_acked {
                    break;
                }
                let lost_at = packet.sent_at + delay;
                if largest_acked.saturating_sub(packet.number) < threshold && lost_at > now {
                    self.loss_at = Some(lost_at);
                    break;
                }
                let (number, content, size) = (packet.number, packet.content, u64::from(packet.bytes));
                newest = Some(packet.snapshot);
                packet.fate = Fate::Lost;
                let probes = u64::from(self.config.persistent_congestion_threshold);
                let limit = self.round_trip.probe_timeout().saturating_mul(probes);
                persistent |= self.silence.on_lost(packet.sent_at, Duration::from_nanos(limit));
                starts_episode |= self.episode.on_lost(number, self.next_number);
                bytes = bytes.saturating_add(size);
                packets = packets.saturating_add(1);
                self.sent.landed(1, size);
                sink(Outcome::Lost(content));
            }
            self.sent.searched = self.sent.searched.saturating_add(1);
        }
        if let Some(newest) = newest {
            self.on_losses(now, bytes, packets, starts_episode, persistent, &newest);
        }
    }

    fn on_losses(
        &mut self,
        now: Instant,
        bytes: u64,
        packets: u64,
        starts_episode: bool,
        persistent: bool,
        newest: &Snapshot,
    ) {
        self.delivery.on_lost(bytes);
        self.counters.packets_lost = self.counters.packets_lost.wrapping_add(packets);
        if starts_episode {
            self.counters.episodes = self.counters.episodes.wrapping_add(1);
            self.reordering.on_episode();
        }
        if persistent {
            self.counters.persistent_congestion = self.counters.persistent_congestion.wrapping_add(1);
            self.round_trip.forget_minimum();
        }
        self.controller.on_loss(&Lost {
            now,
            bytes,
            packets,
            in_flight: self.sent.bytes_in_flight(),
            starts_episode,
            persistent,
            in_flight_when_sent: newest.in_flight(),
            lost_since_sent: self.delivery.lost_since(newest),
            delivered: self.delivery.delivered(),
            round_trip: self.round_trip.known(),
        });
        self.ask_controller();
    }

    fn report(
        &mut self,
        now: Instant,
        newest: &Newest,
        sample: Option<Duration>,
        prior_in_flight: u64,
        app_limited: bool,
        batch: &Batch,
    ) {
        if let Controller::Fixed(_) = self.controller {
            return; // it would not listen
        }
        // Who uses seven eighths of the window uses it.
        let window = self.window();
        let app_limited = app_limited && prior_in_flight < window.saturating_sub(window >> 3);
        // When this acknowledgement began an episode, all that it tells of left before.
        let growth = if self.episode.is_over_for(newest.number) { batch.growth } else { 0 };
        let in_flight = self.sent.bytes_in_flight();
        let minimum = self.round_trip.minimum();
        let delivery = self.delivery.sample(&newest.snapshot, newest.sent_at, minimum);
        if app_limited {
            self.delivery.on_app_limited(in_flight);
        }
        self.controller.on_ack(&Acked {
            now,
            bytes: batch.bytes,
            growth,
            spurious: batch.spurious,
            prior_in_flight,
            in_flight,
            app_limited,
            newest: newest.number,
            next_number: self.next_number,
            sample,
            round_trip: self.round_trip.known(),
            delivery,
            delivered: self.delivery.delivered(),
        });
        self.ask_controller();
    }
}
