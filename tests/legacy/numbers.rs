//! The estimate of the round-trip time, the deadline and the window.

use mconn::sliding_window::legacy::{RttEstimator, RttSummary, deadline, in_window};
use mconn::time::Duration;

use super::support::text;
use super::{integer, rows};

#[test]
fn the_estimate_is_the_original_s_to_the_bit() {
    for row in rows("rtt", 6) {
        assert_eq!(row["alpha"].as_f64(), Some(0.1));
        let mut rtt = RttEstimator::new();
        for (number, step) in row["steps"].as_array().unwrap().iter().enumerate() {
            if number > 0 {
                let sample = u64::try_from(integer(step, "sample_ns")).unwrap();
                rtt.add_sample(Duration::from_nanos(sample));
                assert_eq!(format!("{:016x}", rtt.estimate_nanoseconds().to_bits()), text(step, "est_f64"), "{step}");
            }
            let expected = RttSummary {
                estimate: integer(step, "est_ns"),
                deviation: integer(step, "sd_ns"),
                samples: integer(step, "n"),
            };
            assert_eq!(rtt.summary(), expected, "{}: {step}", row["name"]);
        }
    }
}

/// Also the counterpart of the original's test 012.
#[test]
fn the_deadline_is_the_original_s_where_that_is_a_time() {
    let mut mended = 0;
    for row in rows("deadline", 39) {
        let summary = |end: &str| RttSummary {
            estimate: integer(&row, &format!("{end}_est_ns")),
            deviation: integer(&row, &format!("{end}_sd_ns")),
            samples: integer(&row, &format!("{end}_n")),
        };
        let (local, remote) = (summary("local"), summary("remote"));
        let expected = u64::try_from(integer(&row, "deadline_ns")).unwrap_or_else(|_| {
            // Go divided by zero. We go by our own estimate, and wait 100 ms at least.
            assert!(local.deviation == 0 || remote.deviation == 0);
            mended += 1;
            u64::try_from(local.estimate + 4 * local.deviation).unwrap().max(100_000_000)
        });
        assert_eq!(deadline(local, remote), Duration::from_nanos(expected), "{row}");
    }
    assert_eq!(mended, 6);
}

#[test]
fn the_window_is_the_original_s() {
    for row in rows("inwindow", 8) {
        let inside = in_window(integer(&row, "seqno"), integer(&row, "min"), integer(&row, "max"));
        assert_eq!(Some(inside), row["in"].as_bool(), "{row}");
    }
}
