use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn millis(milliseconds: u64) -> Instant {
    Instant::from_millis(milliseconds)
}

fn nanos(nanoseconds: u64) -> Instant {
    Instant::from_nanos(nanoseconds)
}

fn started(rate: u64, burst: u64) -> TokenBucket {
    let mut bucket = TokenBucket::new(rate, burst);
    bucket.start(Instant::ZERO);
    bucket
}

#[test]
fn a_fresh_bucket_is_full_and_never_fuller() {
    let mut bucket = TokenBucket::new(1_000, 2_500);
    bucket.start(millis(7_000));
    assert_eq!((bucket.burst(), bucket.largest_packet(), bucket.rate()), (2_500, Some(2_500), Some(1_000)));
    assert_eq!(bucket.grant(millis(7_000), 1_000, 1), Grant::Bytes(2_500));
    assert_eq!(bucket.grant(millis(70_000), 1_000, 10), Grant::Bytes(2_500));
    bucket.record(millis(70_000), 100);
    assert_eq!(bucket.grant(millis(70_000), 1_000, 10), Grant::Bytes(2_400));
    assert_eq!(bucket.grant(millis(70_099), 1_000, 10), Grant::Bytes(2_499));
    assert_eq!(bucket.grant(millis(70_100), 1_000, 10), Grant::Bytes(2_500));
}

#[test]
fn idle_time_does_not_pay_for_what_passes_after_it() {
    let mut bucket = started(1_000, 1_000);
    bucket.record(millis(5_000), 1_000); // recorded without asking first
    assert_eq!(bucket.grant(millis(5_000), 1, 1), Grant::Until(millis(5_001)));
}

#[test]
fn a_debt_is_paid_back_before_anything_is_granted() {
    let mut bucket = started(100, 1_000);
    bucket.record(Instant::ZERO, 1_600);
    // 600 bytes of debt and 50 for the packet, at 100 bytes per second.
    assert_eq!(bucket.grant(Instant::ZERO, 50, 1), Grant::Until(millis(6_500)));
    assert_eq!(bucket.grant(nanos(5_999_999_999), 0, 1), Grant::Until(millis(6_000)));
    assert_eq!(bucket.grant(millis(6_000), 0, 1), Grant::Bytes(0));
    assert_eq!(bucket.grant(millis(6_500), 50, 1), Grant::Bytes(50));
}

#[test]
fn a_packet_larger_than_the_burst_never_passes() {
    let mut bucket = started(1_000, 1_000);
    assert_eq!(bucket.grant(Instant::ZERO, 1_000, 1), Grant::Bytes(1_000));
    assert_eq!(bucket.grant(Instant::ZERO, 1_001, 1), Grant::Until(Instant::MAX));
    bucket.record(Instant::ZERO, 1);
    assert_eq!(bucket.grant(Instant::ZERO, 1_000, 1), Grant::Until(millis(1)));
    assert_eq!(bucket.grant(Instant::MAX, 1_001, 1), Grant::Until(Instant::MAX));
}

#[test]
fn a_rate_of_nothing_is_one_byte_per_second() {
    let mut bucket = started(0, 10);
    assert_eq!(bucket.rate(), Some(1));
    bucket.record(Instant::ZERO, 10);
    assert_eq!(bucket.grant(Instant::ZERO, 2, 1), Grant::Until(millis(2_000)));
    bucket.set_rate(Instant::ZERO, Some(5));
    bucket.set_rate(Instant::ZERO, Some(0));
    assert_eq!((bucket.rate(), bucket.status(Instant::ZERO).limit), (Some(1), Some(1)));
}

#[test]
fn a_new_rate_counts_from_its_moment() {
    let mut bucket = started(1_000, 10_000);
    bucket.record(Instant::ZERO, 10_000);
    bucket.set_rate(millis(2_000), Some(100)); // 2,000 bytes at the old rate
    assert_eq!(bucket.grant(millis(3_000), 2_100, 1), Grant::Bytes(2_100));
    assert_eq!(bucket.grant(millis(3_000), 2_200, 1), Grant::Until(millis(4_000)));
}

#[test]
fn while_the_limit_is_lifted_the_bucket_stays_as_it_is() {
    let mut bucket = started(1_000, 10_000);
    bucket.record(Instant::ZERO, 10_000);
    bucket.set_rate(millis(2_000), None);
    assert_eq!((bucket.rate(), bucket.grant(millis(3_000), 20_000, 1)), (None, Grant::Bytes(u64::MAX)));
    bucket.record(millis(4_000), 1 << 40);
    bucket.set_rate(millis(9_000), Some(1_000));
    assert_eq!(bucket.grant(millis(9_000), 2_000, 1), Grant::Bytes(2_000));
    assert_eq!(bucket.grant(millis(9_000), 2_001, 1), Grant::Until(millis(9_001)));
    assert_eq!(bucket.status(millis(9_000)).bytes, (1 << 40) + 10_000);
}

#[test]
fn starting_again_forgets_what_was_measured() {
    let mut bucket = started(1, 100);
    bucket.record(millis(9_000), 100_000);
    bucket.start(millis(1));
    assert_eq!(bucket.grant(millis(1), 100, 1), Grant::Bytes(100));
    assert_eq!(bucket.status(millis(2)).bytes, 0);
    bucket.record(millis(1), 100);
    assert_eq!(bucket.grant(millis(1_001), 1, 1), Grant::Bytes(1));
}

#[test]
fn time_that_goes_back_is_not_counted_twice() {
    let mut bucket = started(1_000, 1_000);
    bucket.record(Instant::ZERO, 1_000);
    assert_eq!(bucket.grant(millis(100), 1, 1), Grant::Bytes(100));
    assert_eq!(bucket.grant(millis(40), 1, 1), Grant::Bytes(100));
    assert_eq!(bucket.grant(millis(40), 101, 1), Grant::Until(millis(101)));
    assert_eq!(bucket.grant(millis(100), 1, 1), Grant::Bytes(100));
}

#[test]
fn the_largest_numbers_saturate() {
    let mut bucket = started(u64::MAX, u64::MAX);
    assert_eq!(bucket.grant(Instant::ZERO, u64::MAX, u32::MAX), Grant::Bytes(u64::MAX));
    bucket.record(Instant::ZERO, 3);
    assert_eq!(bucket.grant(Instant::ZERO, 1, 1), Grant::Bytes(u64::MAX - 3));
    assert_eq!(bucket.grant(Instant::MAX, 1, 1), Grant::Bytes(u64::MAX));
    let mut slow = started(1, u64::MAX);
    slow.record(Instant::ZERO, u64::MAX);
    slow.record(Instant::ZERO, u64::MAX);
    assert_eq!(slow.grant(Instant::ZERO, 1, 1), Grant::Until(Instant::MAX));
    assert_eq!(slow.grant(Instant::MAX, 1, 1), Grant::Until(Instant::MAX));
}

#[test]
fn whole_bytes_are_exact_on_both_sides_of_64_bits() {
    let border = u128::from(u64::MAX);
    for number in [0, 999_999_999, 1_000_000_000, border, border + 1, border * 1_000_000_000 + 5] {
        assert_eq!(u128::from(whole_bytes(number)), number / 1_000_000_000);
    }
}

/// What happens in a schedule: time passes (in nanoseconds), then this.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// As many packets of this size as are granted, but at most so many.
    Packets(u64, usize),
    /// Bytes that nobody granted.
    Ping(u64),
    /// Asks, and sleeps until then when told to.
    Wait,
}

/// A pause and a step, drawn from two numbers: 10,000 schedules of composed strategies would take most of the time of all
/// tests.
fn step((pause, what): (u64, u64)) -> (u64, Step) {
    let longest = [1, 1_000, 50_000_000, 5_000_000_000];
    let step = match what % 6 {
        0 => Step::Ping(1 + (what >> 8) % 199),
        1 => Step::Wait,
        _ => Step::Packets(1 + (what >> 8) % MAX, 1 + (what >> 40) as usize % 39),
    };
    ((pause >> 8) % longest[(pause % 4) as usize], step)
}

/// The largest packet in the schedules.
const MAX: u64 = 1_036;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn in_any_window_no_more_passes_than_the_rate_and_a_burst(
        start in 0u64..1 << 50,
        rate in prop_oneof![1u64..50, 50u64..100_000, 100_000u64..1 << 40],
        burst in MAX..30_000,
        steps in prop::collection::vec(any::<(u64, u64)>(), 1..24),
    ) {
        let mut now = nanos(start);
        let mut bucket = TokenBucket::new(rate, burst);
        bucket.start(now);
        let mut passed: Vec<(Instant, u64)> = Vec::new();
        for (pause, step) in steps.into_iter().map(step) {
            now += Duration::from_nanos(pause);
            match (step, bucket.grant(now, MAX, 10)) {
                (Step::Packets(size, count), Grant::Bytes(granted)) => {
                    prop_assert!(granted >= MAX);
                    let count = count.min((granted / size) as usize);
                    passed.extend(core::iter::repeat_n((now, size), count));
                    (0..count).for_each(|_| bucket.record(now, size));
                }
                (Step::Wait, Grant::Until(moment)) => now = moment,
                (Step::Ping(bytes), _) => bucket.record(now, bytes),
                _ => {}
            }
        }
        // In each window that begins with a packet and ends with one, to the nano-byte. `earned - before` of the window's
        // beginning is looked for once, for all windows that end with this packet.
        let (mut sum, mut best) = (0i128, i128::MIN);
        for (moment, size) in passed {
            let earned = i128::from(rate) * i128::from((moment - nanos(start)).as_nanos() as u64);
            best = best.max(earned - sum);
            sum += i128::from(size) * 1_000_000_000;
            prop_assert!(sum + best - earned <= i128::from(burst) * 1_000_000_000);
        }
    }
}

proptest! {
    #[test]
    fn the_moment_named_is_the_first_at_which_a_packet_fits(
        rate in prop_oneof![1u64..50, 50u64..100_000, 100_000u64..1 << 40],
        burst in MAX..30_000,
        spent in 0u64..1 << 20,
        pause in 0u64..5_000_000_000,
        packet in 1u64..=MAX,
    ) {
        let mut bucket = started(rate, burst);
        bucket.record(Instant::ZERO, spent);
        let now = nanos(pause);
        match bucket.grant(now, packet, 1) {
            Grant::Bytes(bytes) => prop_assert!((packet..=burst).contains(&bytes)),
            Grant::Until(moment) => {
                prop_assert!(moment > now);
                prop_assert_eq!(bucket.grant(nanos(moment.as_nanos() - 1), packet, 1), Grant::Until(moment));
                // A single nanosecond may bring more than one byte.
                let Grant::Bytes(bytes) = bucket.grant(moment, packet, 1) else { panic!("not enough at {moment}") };
                prop_assert!((packet..=packet + rate / 1_000_000_000 + 1).contains(&bytes));
            }
        }
    }

    #[test]
    fn asking_in_between_changes_nothing(
        rate in 1u64..1_000_000,
        spent in 0u64..100_000,
        mut moments in prop::collection::vec(0u64..3_000_000_000, 1..50),
    ) {
        moments.sort_unstable();
        let mut often = started(rate, 10_000);
        often.record(Instant::ZERO, spent);
        let mut once = often.clone();
        let last = nanos(moments[moments.len() - 1]);
        for moment in moments {
            let _ = often.grant(nanos(moment), MAX, 1);
        }
        prop_assert_eq!(often.grant(last, MAX, 1), once.grant(last, MAX, 1), "no drift");
        prop_assert_eq!(often, once);
    }

    #[test]
    fn any_order_of_moments_is_survived(
        rate in any::<u64>(),
        burst in any::<u64>(),
        calls in prop::collection::vec((any::<u64>(), 0u8..5, prop_oneof![0u64..5_000, any::<u64>()]), 0..80)
    ) {
        let mut bucket = TokenBucket::new(rate, burst);
        for (now, call, number) in calls {
            let now = nanos(now);
            match call {
                0 => bucket.start(now),
                1 => bucket.set_rate(now, (number > 2_000).then_some(number)),
                2 | 3 => bucket.record(now, number),
                _ => {
                    let before = bucket.clone();
                    prop_assert_eq!(bucket.status(now).limit, bucket.rate());
                    prop_assert_eq!(&bucket, &before);
                }
            }
            match bucket.grant(now, number, 10) {
                Grant::Bytes(bytes) => prop_assert!(bytes >= number && (bytes <= burst || bucket.rate().is_none())),
                Grant::Until(moment) => {
                    prop_assert!(moment >= now);
                    prop_assert!(moment == Instant::MAX || matches!(bucket.grant(moment, number, 10), Grant::Bytes(_)));
                }
            }
        }
    }
}
