//! What each policy makes of a link.

use std::vec;

use super::link::{Flow, Link, Simulation};
use super::*;

/// 24 MB.
const SEGMENTS: u64 = 20_000;

fn run(algorithm: &Algorithm, link: Link, segments: u64, seed: u64) -> (f64, f64) {
    let mut simulation = Simulation::new(link, seed, vec![Flow::new(algorithm, segments, ms(0))]);
    simulation.run(Instant::from_secs(3_600));
    assert_eq!(simulation.flows[0].delivered, segments);
    let figures = (simulation.goodput(0), simulation.transmissions(0));
    let c = simulation.flows[0].recovery.status();
    std::println!(
        "{:8} loss {:2} %: {:6.2} MB/s, {:.3} x  {c:?}",
        algorithm.name(),
        link.loss / 10_000,
        figures.0 / 1e6,
        figures.1
    );
    figures
}

#[test]
fn figures() {
    let fixed = Algorithm::Fixed { bytes: u64::MAX, packets: 1_024 };
    for loss in [0, 10_000, 50_000, 200_000] {
        run(&fixed, Link::unlimited().losing(loss), SEGMENTS * 5, 7);
    }
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic, Algorithm::Bbr] {
        for loss in [0, 10_000, 200_000] {
            run(&algorithm, Link::bottleneck().losing(loss), if loss > 100_000 { 2_000 } else { SEGMENTS }, 7);
        }
    }
}
