//! The ring of events.

use core::num::NonZeroUsize;

use mconn::sliding_window::legacy::{EventRing, TermConfig, UnackedLimit};
use mconn::time::{Duration, Instant};
use serde_json::Value;

use super::rows;
use super::support::{number, text};

fn milliseconds(events: &[Instant]) -> Vec<u64> {
    events.iter().map(|event| event.as_nanos() / 1_000_000).collect()
}

fn listed(step: &Value, key: &str) -> Vec<u64> {
    step[key].as_array().unwrap().iter().map(|event| event.as_u64().unwrap()).collect()
}

fn check_state(ring: &EventRing, step: &Value) {
    assert_eq!((ring.first_slot(), ring.len()), (number(step, "beg"), number(step, "readable")), "{step}");
}

/// Also the counterpart of the original's test 014.
fn add_and_check(row: &Value) {
    let window = Duration::from_nanos(row["window_ns"].as_u64().unwrap());
    let mut ring = EventRing::new(NonZeroUsize::new(number(row, "n")).unwrap(), window);
    let mut limit = UnackedLimit::new(TermConfig { window, unacked_limit: number(row, "n") });
    for step in row["steps"].as_array().unwrap() {
        let event = Instant::from_millis(step["event_ms"].as_u64().unwrap());
        let overflow = step["overflow"].as_bool().unwrap();
        assert_eq!(ring.add(event), overflow, "{step}");
        check_state(&ring, step);
        let (head, tail) = ring.as_slices();
        assert_eq!(milliseconds(&[head, tail].concat()), listed(step, "stored_ms"));
        assert_eq!(limit.on_unacked(event).is_err(), overflow && !window.is_zero(), "{step}");
    }
}

fn follow_the_script(row: &Value) {
    let mut ring = EventRing::new(NonZeroUsize::new(number(row, "n")).unwrap(), Duration::ZERO);
    for step in row["steps"].as_array().unwrap() {
        let mut out = vec![Instant::MAX; number(step, "cnt")];
        let asked = out.len();
        let before = ring.len();
        let (done, error) = match text(step, "op") {
            "write" => {
                let events: Vec<_> = listed(step, "in_ms").into_iter().map(Instant::from_millis).collect();
                let written = ring.write(&events);
                (Some(written), (written < events.len()).then_some("short write"))
            }
            operation @ ("read" | "peek") => {
                let read = if operation == "read" { ring.read(&mut out) } else { ring.peek(&mut out) };
                out.truncate(read);
                assert_eq!(milliseconds(&out), step["out_ms"].as_array().map_or(vec![], |_| listed(step, "out_ms")));
                (Some(read), (before == 0 && asked > 0).then_some("EOF"))
            }
            "advance" => {
                ring.advance(asked);
                (None, None)
            }
            other => panic!("{other}"),
        };
        check_state(&ring, step);
        if let Some(done) = done {
            assert_eq!((done, error.unwrap_or("<nil>")), (number(step, "n"), text(step, "err")), "{step}");
        }
    }
}

#[test]
fn the_ring_is_the_original_s() {
    let rows = rows("eventring", 9);
    let (scripts, additions): (Vec<_>, Vec<_>) = rows.iter().partition(|row| text(row, "op") == "script");
    assert_eq!((scripts.len(), additions.len()), (4, 5));
    additions.into_iter().for_each(add_and_check);
    scripts.into_iter().for_each(follow_the_script);
}
