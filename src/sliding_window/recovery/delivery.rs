//! How fast packets arrive at the other end.

use crate::sliding_window::congestion::{DeliveryRate, SECOND, scale};
use crate::time::{Instant, nanos};

/// What was counted when a packet left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Snapshot {
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    lost: u64,
    in_flight: u32,
    app_limited: bool,
}

impl Snapshot {
    /// Bytes that were in flight when the packet left, itself included.
    pub(super) const fn in_flight(&self) -> u64 {
        self.in_flight as u64
    }
}

/// Counts what was delivered, and takes samples of the rate.
///
/// Source: draft-cheng-iccrg-delivery-rate-estimation, section 3.
#[derive(Clone, Debug, Default)]
pub(super) struct DeliveryCounter {
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    lost: u64,
    /// Until so many bytes are delivered, packets count as sent by a sender with too little to send; 0: not.
    app_limited_until: u64,
}

impl DeliveryCounter {
    /// What to keep with a packet of `bytes` that leaves now.
    #[inline]
    pub(super) fn on_sent(&mut self, now: Instant, prior_in_flight: u64, bytes: u64) -> Snapshot {
        if prior_in_flight == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        let in_flight = prior_in_flight.saturating_add(bytes);
        Snapshot {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            lost: self.lost,
            in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
            app_limited: self.app_limited_until != 0,
        }
    }

    #[inline]
    pub(super) fn on_acked(&mut self, now: Instant, bytes: u64) {
        self.delivered = self.delivered.wrapping_add(bytes);
        self.delivered_at = now;
    }

    pub(super) fn on_lost(&mut self, bytes: u64) {
        self.lost = self.lost.wrapping_add(bytes);
    }

    /// The sender has nothing to send, with `in_flight` bytes on the way.
    pub(super) fn on_app_limited(&mut self, in_flight: u64) {
        self.app_limited_until = self.delivered.saturating_add(in_flight).max(1);
    }

    /// All bytes delivered so far.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Bytes declared lost since the packet left.
    pub(super) const fn lost_since(&self, snapshot: &Snapshot) -> u64 {
        self.lost.wrapping_sub(snapshot.lost)
    }

    /// The sample that the newest acknowledged packet gives, once all of its acknowledgement was counted.
    pub(super) fn sample(&mut self, newest: &Snapshot, sent_at: Instant, minimum: u64) -> Option<DeliveryRate> {
        if self.app_limited_until != 0 && self.delivered > self.app_limited_until {
            self.app_limited_until = 0;
        }
        self.first_sent_at = sent_at;
        let sending = sent_at - newest.first_sent_at;
        let arriving = self.delivered_at - newest.delivered_at;
        let interval = nanos(sending.max(arriving));
        // Section 3.3: a sample over less than a round trip comes from acknowledgements that were compressed on their way.
        if interval == 0 || interval < minimum {
            return None;
        }
        let delivered = self.delivered.wrapping_sub(newest.delivered);
        Some(DeliveryRate {
            rate: scale(delivered, SECOND, interval),
            delivered,
            app_limited: newest.app_limited,
            in_flight: newest.in_flight(),
            lost: self.lost_since(newest),
            prior_delivered: newest.delivered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Instant {
        Instant::from_millis(milliseconds)
    }

    #[test]
    fn the_rate_is_what_arrived_between_sending_and_acknowledgement() {
        let mut counter = DeliveryCounter::default();
        let first = counter.on_sent(ms(0), 0, 1_000);
        let second = counter.on_sent(ms(10), 1_000, 1_000);
        assert_eq!(second.in_flight(), 2_000);
        counter.on_acked(ms(100), 1_000);
        let sample = counter.sample(&first, ms(0), 0).unwrap();
        assert_eq!((sample.rate, sample.delivered, sample.prior_delivered), (10_000, 1_000, 0));
        counter.on_acked(ms(110), 1_000);
        let sample = counter.sample(&second, ms(10), 100_000_000).unwrap();
        assert_eq!((sample.rate, sample.delivered), (18_181, 2_000)); // both arrived within 110 ms
        assert_eq!(counter.delivered(), 2_000);
    }

    #[test]
    fn acknowledgements_that_came_in_a_clump_give_no_sample() {
        let mut counter = DeliveryCounter::default();
        let packet = counter.on_sent(ms(0), 0, 1_000);
        counter.on_acked(ms(3), 1_000);
        assert_eq!(counter.sample(&packet, ms(0), 4_000_000), None);
        assert_eq!(DeliveryCounter::default().sample(&Snapshot::default(), ms(0), 0), None);
    }

    #[test]
    fn a_packet_sent_for_want_of_data_says_so() {
        let mut counter = DeliveryCounter::default();
        let before = counter.on_sent(ms(0), 0, 1_000);
        counter.on_app_limited(1_000);
        let within = counter.on_sent(ms(1), 1_000, 500);
        counter.on_acked(ms(50), 1_000);
        assert!(!counter.sample(&before, ms(0), 0).unwrap().app_limited);
        counter.on_lost(7);
        counter.on_acked(ms(51), 500);
        let sample = counter.sample(&within, ms(1), 0).unwrap();
        assert!(sample.app_limited);
        assert_eq!((sample.lost, counter.lost_since(&within)), (7, 7));
        assert!(!counter.on_sent(ms(60), 0, 1).app_limited);
    }

    /// It lasts until all has arrived that was on its way then.
    #[test]
    fn want_of_data_lasts_for_what_was_on_its_way() {
        let mut counter = DeliveryCounter::default();
        let first = counter.on_sent(ms(0), 0, 500);
        counter.on_app_limited(2_000);
        for (bytes, app_limited) in [(500, true), (1_500, true), (1, false)] {
            counter.on_acked(ms(50), bytes);
            counter.sample(&first, ms(0), 0).unwrap();
            assert_eq!(counter.on_sent(ms(60), 0, 1).app_limited, app_limited, "{} bytes", counter.delivered());
        }
    }
}
