//! What every limiter promises.

use std::vec::Vec;

use super::*;
use crate::time::Duration;

const PACKET: u64 = 1_036;

fn limiters() -> Vec<Box<dyn Limiter>> {
    std::vec![
        Box::new(Flowrate::new(0)),
        Box::new(Flowrate::new(1)),
        Box::new(Flowrate::new(512_000)),
        Box::new(TokenBucket::new(0, 20_000)),
        Box::new(TokenBucket::new(512_000, 10_360)),
        Box::new(Unlimited::new()),
    ]
}

/// A box compares by what it prints, which is all of its state.
fn state(limiter: &dyn Limiter) -> std::string::String {
    std::format!("{limiter:?}")
}

#[test]
fn whoever_waits_as_told_always_goes_on() {
    for mut limiter in limiters() {
        let mut now = Instant::from_millis(3);
        limiter.start(now);
        for _ in 0..200 {
            if let Grant::Until(moment) = limiter.grant(now, PACKET, 10) {
                assert!(moment > now, "{limiter:?}");
                now = moment;
                assert!(
                    matches!(limiter.grant(now, PACKET, 10), Grant::Bytes(bytes) if bytes >= PACKET),
                    "{limiter:?}"
                );
            }
            limiter.record(now, PACKET);
        }
        assert_eq!(limiter.status(now).bytes, 200 * PACKET);
    }
}

#[test]
fn looking_changes_nothing_and_shows_the_rates() {
    for mut limiter in limiters() {
        let start = Instant::from_secs(1);
        limiter.start(start);
        limiter.record(start + Duration::from_millis(50), 4_000);
        let before = state(&*limiter);
        let status = limiter.status(start + Duration::from_secs(2));
        assert_eq!(state(&*limiter), before);
        assert_eq!((status.bytes, status.limit), (4_000, limiter.rate()));
        assert_eq!((status.current, status.average, status.peak), (2_000, 2_000, 2_000), "{limiter:?}");
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    for mut limiter in limiters() {
        limiter.start(Instant::ZERO);
        limiter.record(Instant::ZERO, 100);
        let mut copy = limiter.clone();
        assert_eq!(state(&*copy), state(&*limiter));
        copy.record(Instant::ZERO, 1);
        assert_eq!((copy.status(Instant::ZERO).bytes, limiter.status(Instant::ZERO).bytes), (101, 100));
    }
}

#[test]
fn starting_again_begins_anew() {
    for mut limiter in limiters() {
        let again = Instant::from_secs(3);
        let mut fresh = limiter.clone();
        fresh.start(again);
        limiter.start(Instant::ZERO);
        limiter.record(Instant::from_secs(2), 1 << 30);
        let _ = limiter.grant(Instant::from_secs(2), PACKET, 10);
        limiter.start(again);
        assert_eq!(state(&*limiter), state(&*fresh));
    }
}

#[test]
fn only_a_bucket_has_a_largest_packet() {
    let largest: Vec<_> = limiters().iter().map(|limiter| limiter.largest_packet()).collect();
    assert_eq!(largest, [None, None, None, Some(20_000), Some(10_360), None]);
}

#[test]
fn a_lifted_limit_lets_everything_pass_and_unlimited_takes_none() {
    for mut limiter in limiters() {
        limiter.start(Instant::ZERO);
        limiter.record(Instant::ZERO, 1 << 30);
        limiter.set_rate(Instant::ZERO, None);
        assert_eq!((limiter.rate(), limiter.grant(Instant::ZERO, PACKET, 1)), (None, Grant::Bytes(u64::MAX)));
    }
    let mut unlimited = Unlimited::new();
    unlimited.set_rate(Instant::ZERO, Some(1));
    unlimited.record(Instant::ZERO, 1 << 30);
    assert_eq!((unlimited.rate(), unlimited.grant(Instant::ZERO, PACKET, 1)), (None, Grant::Bytes(u64::MAX)));
}
