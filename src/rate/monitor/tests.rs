use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const MILLI: u64 = 1_000_000;

fn millis(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

impl Monitor {
    /// The integer fields as the golden data name them: bytes, samples, s_bytes, s_last_ms, t_last_ms.
    pub(in crate::rate) fn golden_integers(&self) -> [u64; 5] {
        [self.bytes, self.samples, self.s_bytes, self.s_last / MILLI, clock(self.t_last) / MILLI]
    }

    /// The float fields as the golden data name them: r_sample, r_ema, r_peak.
    pub(in crate::rate) fn golden_floats(&self) -> [f64; 3] {
        [self.r_sample, self.r_ema, self.r_peak]
    }
}

#[test]
fn the_clock_rounds_to_the_nearest_tick_and_halves_up() {
    let cases = [(0, 0), (9_999_999, 0), (10_000_000, 20), (29_999_999, 20), (30_000_000, 40), (1_990_000_000, 2_000)];
    for (nanoseconds, milliseconds) in cases {
        assert_eq!(clock(Instant::from_nanos(nanoseconds)), milliseconds * MILLI, "{nanoseconds}");
    }
    assert_eq!(clock(Instant::MAX), u64::MAX / TICK * TICK);
}

#[test]
fn seconds_are_whole_seconds_plus_the_rest() {
    for (nanoseconds, expected) in [(0, 0.0), (100 * MILLI, 0.1), (2_500 * MILLI, 2.5), (7_000_000_001, 7.0 + 1e-9)] {
        assert_eq!(seconds(nanoseconds), expected);
    }
}

#[test]
fn numbers_round_to_the_nearest_and_halves_up() {
    for (number, expected) in
        [(0.0, 0), (0.49, 0), (0.5, 1), (1.499, 1), (2.5, 3), (3.75, 4), (9e15, 9_000_000_000_000_000)]
    {
        assert_eq!(round(number), expected, "{number}");
    }
    assert_eq!(round(f64::INFINITY), u64::MAX);
}

#[test]
fn a_sample_covers_a_pause_of_any_length() {
    let mut monitor = Monitor::started(millis(1_000));
    monitor.update(millis(1_000), 500);
    let status = monitor.status(millis(3_000));
    assert_eq!((status.bytes, status.samples, status.sample_rate), (500, 1, 250));
    assert_eq!((status.current_rate, status.average_rate, status.peak_rate), (250, 250, 250));
    assert_eq!((status.duration, status.idle), (Duration::from_secs(2), Duration::from_secs(2)));
    assert_eq!(status.start, millis(1_000));
    // An empty second sample halves the average, and pulls the moving one by e to the minus two.
    let status = monitor.status(millis(5_000));
    assert_eq!((status.samples, status.sample_rate, status.average_rate, status.peak_rate), (2, 0, 125, 250));
    assert_eq!(status.current_rate, 34); // 250 * e^-2 = 33.83
    assert_eq!(status.idle, Duration::from_secs(4));
}

#[test]
fn before_the_first_sample_ends_only_the_peak_and_the_start_are_known() {
    let mut monitor = Monitor::started(millis(7));
    monitor.update(millis(7), 900);
    let status = monitor.status(millis(89));
    assert_eq!(status, MonitorStatus { idle: Duration::from_millis(80), ..MonitorStatus::default() });
    assert_eq!(monitor.sample_bytes(), 900);
}

#[test]
fn the_peak_is_the_highest_sample() {
    let mut monitor = Monitor::started(millis(0));
    let mut peaks = Vec::new();
    for (sample, bytes) in [100, 300, 200, 300, 301].into_iter().enumerate() {
        monitor.update(millis(sample as u64 * 100 + 50), bytes);
        peaks.push(monitor.status(millis(sample as u64 * 100 + 100)).peak_rate);
    }
    assert_eq!(peaks, [1_000, 3_000, 3_000, 3_000, 3_010]);
}

#[test]
fn an_update_with_no_bytes_does_not_end_the_idle_time() {
    let mut monitor = Monitor::started(millis(0));
    monitor.update(millis(40), 1);
    monitor.update(millis(60), 0);
    assert_eq!(monitor.status(millis(80)).idle, Duration::from_millis(40));
}

#[test]
fn rate_status_counts_the_open_sample_and_the_exact_time() {
    let mut monitor = Monitor::started(millis(1_003));
    monitor.update(millis(1_020), 1_000);
    monitor.update(millis(1_203), 500);
    monitor.update(millis(1_250), 70);
    let before = monitor.clone();
    let status = monitor.rate_status(millis(1_253), Some(9));
    assert_eq!(monitor, before, "looking changes nothing");
    assert_eq!((status.bytes, status.limit), (1_570, Some(9)));
    assert_eq!(status.average, 6_280, "1,570 bytes in 250 ms");
    // The closed sample lasted from 1,000 ms to 1,200 ms of the rounded clock.
    assert_eq!((status.current, status.peak), (7_500, 7_500));
    // 100 ms later the open sample is closed in what is shown, and there only.
    assert_eq!(monitor.rate_status(millis(1_300), None).current, 7_500 - 647); // 700 + e^-0.1 * 6,800 = 6,852.9
    assert_eq!(monitor, before);
    assert_eq!(monitor.rate_status(millis(1_003), None).average, 0, "no time, no rate");
}

#[test]
fn the_largest_numbers_saturate() {
    let mut monitor = Monitor::started(Instant::ZERO);
    monitor.update(Instant::ZERO, u64::MAX);
    monitor.update(Instant::from_nanos(1), u64::MAX);
    assert_eq!(monitor.sample_bytes(), u64::MAX);
    let status = monitor.rate_status(Instant::from_nanos(1), None);
    assert_eq!((status.bytes, status.average), (u64::MAX, u64::MAX));
    monitor.update(millis(200), 0);
    monitor.update(millis(400), u64::MAX);
    assert_eq!(monitor.status(millis(400)).bytes, u64::MAX);
    assert_eq!(monitor.rate_status(millis(400), None).peak, u64::MAX);
}

#[test]
fn a_jump_to_the_end_of_time_closes_one_sample() {
    let mut monitor = Monitor::started(Instant::ZERO);
    monitor.update(millis(300), 30);
    monitor.update(Instant::MAX, 50);
    assert_eq!(monitor.status(Instant::MAX).samples, 2);
    assert!(monitor.golden_floats().iter().all(|rate| rate.is_finite()));
    // The next sample could not end: time does not go that far.
    monitor.update(Instant::MAX, 10);
    assert_eq!((monitor.status(Instant::MAX).samples, monitor.sample_bytes()), (2, 10));
    assert_eq!(monitor.sample_wake(Instant::MAX), Instant::MAX);
    // One that began just early enough ends, though its rounded end lies beyond what can be expressed.
    let mut late = Monitor::started(Instant::from_nanos(u64::MAX - SAMPLE));
    late.update(Instant::MAX, 10);
    assert_eq!(late.status(Instant::MAX).samples, 1);
    assert!(late.golden_floats().iter().all(|rate| rate.is_finite()));
}

proptest! {
    #[test]
    fn a_sample_ends_exactly_when_the_rounded_clock_says_so(start in 0u64..1 << 40, delta in 0u64..300_000_000) {
        let mut monitor = Monitor::started(Instant::from_nanos(start));
        let now = Instant::from_nanos(start + delta);
        let ends = clock(now) - clock(Instant::from_nanos(start)) >= SAMPLE;
        monitor.update(now, 1);
        prop_assert_eq!(monitor.golden_integers()[1], u64::from(ends));
    }

    #[test]
    fn a_sleeper_wakes_within_a_tick_of_the_end_of_the_sample(start in 0u64..1 << 40, delta in 0u64..110_000_000) {
        let monitor = Monitor::started(Instant::from_nanos(start));
        let began = clock(Instant::from_nanos(start));
        let now = Instant::from_nanos(start + delta);
        prop_assume!(clock(now) < began + SAMPLE);
        let wake = monitor.sample_wake(now);
        prop_assert!(wake > now, "a sleep is at least one tick");
        prop_assert!(wake - now >= Duration::from_nanos(TICK));
        prop_assert!(clock(wake) >= began + SAMPLE, "awake, the sample is over");
        prop_assert!(wake.as_nanos() < began + SAMPLE + HALF_TICK, "and not for longer than rounding explains");
    }

    #[test]
    fn any_order_of_moments_and_any_numbers_are_survived(
        calls in prop::collection::vec((any::<u64>(), prop_oneof![0u64..100_000, any::<u64>()]), 0..60)
    ) {
        let mut monitor = Monitor::started(calls.first().map_or(Instant::ZERO, |call| Instant::from_nanos(call.0)));
        let mut total = 0u64;
        for (now, bytes) in calls {
            let now = Instant::from_nanos(now);
            monitor.update(now, bytes);
            total = total.saturating_add(bytes);
            prop_assert_eq!(monitor.rate_status(now, None).bytes, total);
            prop_assert!(monitor.golden_floats().iter().all(|rate| rate.is_finite() && *rate >= 0.0));
            prop_assert!(monitor.sample_wake(now) >= now);
        }
    }
}
