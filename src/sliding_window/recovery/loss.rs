//! When a packet counts as lost, and how that adapts to reordering.

use super::config::RecoveryConfig;
use super::round_trip::RoundTripEstimator;
use crate::time::nanos;

/// The two thresholds of RFC 9002 section 6.1, which grow when a packet declared lost turns out not to be.
///
/// The packet threshold becomes what the reordering that was seen would have needed. The time threshold gets a quarter of
/// the least round-trip time more, once per round trip, up to one smoothed round-trip time (RFC 8985 section 6.2, step 4,
/// with a late acknowledgement in place of a DSACK). After sixteen episodes without such an error both go back.
#[derive(Clone, Debug)]
pub(super) struct ReorderWindow {
    packet_threshold: u64,
    initial_threshold: u64,
    max_threshold: u64,
    granularity: u64,
    /// Quarters of the least round-trip time that the time threshold has grown by.
    steps: u32,
    /// The time threshold grows again when a packet with at least this number turns out not to be lost.
    grows_from: u64,
    /// Episodes until both go back.
    persists: u32,
}

/// RFC 8985 section 6.2, step 4: `RACK.reo_wnd_persist`.
const PERSISTS: u32 = 16;

impl ReorderWindow {
    pub(super) fn new(config: &RecoveryConfig) -> Self {
        let initial_threshold = u64::from(config.packet_threshold.max(1));
        Self {
            packet_threshold: initial_threshold,
            initial_threshold,
            max_threshold: u64::from(config.max_packet_threshold).max(initial_threshold),
            granularity: nanos(config.granularity),
            steps: 0,
            grows_from: 0,
            persists: 0,
        }
    }

    pub(super) const fn packet_threshold(&self) -> u64 {
        self.packet_threshold
    }

    /// How long after its sending a packet is lost when a later one has arrived, in nanoseconds: 9/8 of the round-trip time,
    /// and what was added for reordering.
    #[inline]
    pub(super) fn delay(&self, round_trip: &RoundTripEstimator) -> u64 {
        let longer = round_trip.smoothed().max(round_trip.latest());
        let delay = longer.saturating_add(longer >> 3).max(self.granularity);
        if self.steps == 0 {
            return delay;
        }
        let quarter = (round_trip.minimum() >> 2).max(self.granularity);
        delay.saturating_add(quarter.saturating_mul(u64::from(self.steps)).min(round_trip.smoothed()))
    }

    /// A packet declared lost has arrived, when one `distance` numbers later was known to have. `next_number` is that of
    /// the next packet to leave.
    pub(super) fn on_spurious(&mut self, number: u64, distance: u64, next_number: u64) {
        let needed = distance.saturating_add(1).min(self.max_threshold);
        self.packet_threshold = self.packet_threshold.max(needed);
        self.persists = PERSISTS;
        if number >= self.grows_from {
            self.steps = self.steps.saturating_add(1);
            self.grows_from = next_number;
        }
    }

    /// An episode of congestion begins.
    pub(super) const fn on_episode(&mut self) {
        self.persists = self.persists.saturating_sub(1);
        if self.persists == 0 {
            self.packet_threshold = self.initial_threshold;
            self.steps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    /// Nanoseconds.
    const fn ms(milliseconds: u64) -> u64 {
        milliseconds * 1_000_000
    }

    /// After a sample of `minimum`, and so many more of `latest`.
    fn path(minimum: u64, latest: u64, samples: u32) -> RoundTripEstimator {
        let (initial, zero) = (Duration::from_millis(333), Duration::ZERO);
        let mut path = RoundTripEstimator::new(initial, zero, zero);
        path.update(ms(minimum), zero);
        for _ in 0..samples {
            path.update(ms(latest), zero);
        }
        path
    }

    /// In milliseconds: the mean comes to its value only from below.
    fn rounded(window: &ReorderWindow, path: &RoundTripEstimator) -> u64 {
        (window.delay(path) + ms(1) / 2) / ms(1)
    }

    /// RFC 9002 section 6.1.2: kTimeThreshold 9/8, the greater of both, not below the granularity.
    #[test]
    fn the_time_threshold_is_nine_eighths() {
        let window = ReorderWindow::new(&RecoveryConfig::default());
        assert_eq!(window.packet_threshold(), 3);
        assert_eq!(window.delay(&path(80, 80, 0)), ms(90));
        assert_eq!(window.delay(&path(40, 80, 1)), ms(90)); // the latest is longer
        assert_eq!(window.delay(&path(80, 40, 1)), ms(75) + ms(75) / 8); // the mean is longer
        assert_eq!(window.delay(&path(0, 0, 9)), ms(1));
    }

    #[test]
    fn reordering_widens_both_once_per_round_trip_up_to_a_round_trip() {
        let mut window = ReorderWindow::new(&RecoveryConfig::default());
        let path = path(40, 80, 1_000);
        window.on_spurious(5, 7, 20);
        assert_eq!((window.packet_threshold(), rounded(&window, &path)), (8, 100));
        window.on_spurious(6, 4, 21); // the same round trip, and less
        assert_eq!((window.packet_threshold(), rounded(&window, &path)), (8, 100));
        window.on_spurious(20, 1_000_000, 40);
        assert_eq!((window.packet_threshold(), rounded(&window, &path)), (256, 110));
        for number in 1..100 {
            window.on_spurious(number * 100, 1, number * 100 + 100);
        }
        assert_eq!(rounded(&window, &path), 170);
    }

    #[test]
    fn sixteen_quiet_episodes_bring_it_back() {
        let mut window = ReorderWindow::new(&RecoveryConfig::default());
        let path = path(40, 80, 1_000);
        window.on_spurious(5, 7, 20);
        for _ in 0..15 {
            window.on_episode();
            assert_eq!((window.packet_threshold(), rounded(&window, &path)), (8, 100));
        }
        window.on_episode();
        assert_eq!((window.packet_threshold(), rounded(&window, &path)), (3, 90));
    }

    #[test]
    fn a_threshold_of_zero_counts_as_one() {
        let mut config = RecoveryConfig::default();
        (config.packet_threshold, config.max_packet_threshold) = (0, 0);
        let mut window = ReorderWindow::new(&config);
        window.on_spurious(1, 9, 3);
        assert_eq!(window.packet_threshold(), 1);
    }
}
