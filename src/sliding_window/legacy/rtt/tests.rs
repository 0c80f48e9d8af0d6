use super::*;

fn summary(estimate: i64, deviation: i64, samples: i64) -> RttSummary {
    RttSummary { estimate, deviation, samples }
}

const UNKNOWN: RttSummary = RttSummary { estimate: 0, deviation: 0, samples: 0 };

#[test]
fn the_first_two_samples() {
    let mut rtt = RttEstimator::new();
    assert_eq!(rtt.summary(), summary(0, 10_000_000, 0));
    rtt.add_sample(Duration::from_nanos(1001));
    assert_eq!(rtt.summary(), summary(1001, 500, 1));
    rtt.add_sample(Duration::from_nanos(1001));
    assert_eq!(rtt.summary(), summary(1001, 0, 2));
    assert_eq!(rtt.estimate_nanoseconds(), 1001.0);
}

#[test]
fn no_sample_is_too_long() {
    let mut rtt = RttEstimator::new();
    for _ in 0..3 {
        rtt.add_sample(Duration::MAX);
        assert_eq!(rtt.summary().estimate, i64::MAX);
    }
    assert_eq!(deadline(rtt.summary(), UNKNOWN), Duration::from_nanos(i64::MAX as u64));
}

#[test]
fn as_long_as_we_know_nothing_the_peer_is_asked() {
    let known = |samples| summary(50_000_000, 30_000_000, samples);
    assert_eq!(deadline(UNKNOWN, known(2)), Duration::from_millis(500));
    assert_eq!(deadline(UNKNOWN, known(3)), Duration::from_millis(170));
    assert_eq!(deadline(UNKNOWN, summary(-5, i64::MIN, 3)), Duration::from_millis(100));
}

#[test]
fn few_samples_of_our_own_make_a_floor() {
    assert_eq!(deadline(summary(1000, 10, 9), UNKNOWN), Duration::from_millis(100));
    assert_eq!(deadline(summary(1000, 10, 10), UNKNOWN), Duration::from_nanos(1040));
    // With one sample the estimate stands for the deviation.
    assert_eq!(deadline(summary(30_000_000, 1, 1), UNKNOWN), Duration::from_millis(150));
}

#[test]
fn a_blend_needs_more_than_two_samples_of_both() {
    let ours = |samples| summary(200_000_000, 1_000_000, samples);
    let theirs = |samples| summary(100_000_000, 1_000_000, samples);
    let own = Duration::from_millis(204);
    assert_eq!(deadline(ours(2), theirs(3)), own);
    assert_eq!(deadline(ours(3), theirs(2)), own);
    assert!(deadline(ours(3), theirs(3)) < Duration::from_millis(160));
}

/// Part of the defect: the original answers with about -292 years.
#[test]
fn a_blend_that_is_no_time_gives_way_to_our_own_estimate() {
    let ours = summary(400_000_000, 10_000_000, 50);
    let own = Duration::from_millis(440);
    for theirs in [
        summary(2_000_000, 0, 10),
        summary(-900_000_000_000, 1, 10),
        summary(i64::MIN, 10_000_000, 10),
        summary(i64::MIN, 0, i64::MAX),
    ] {
        assert_eq!(deadline(ours, theirs), own, "{theirs:?}");
    }
    assert_eq!(deadline(summary(400_000_000, 0, 50), summary(2_000_000, 5, 10)), Duration::from_millis(400));
    assert_eq!(deadline(summary(1000, 0, 50), summary(1000, 0, 50)), Duration::from_millis(100));
    // A blend of exactly zero is no time either.
    assert_eq!(deadline(summary(0, 1, 50), summary(0, 1, 50)), Duration::from_millis(100));
}
