//! What each policy makes of a link, without a session around it. Run with `--nocapture` to see the figures.

use std::vec;

use super::link::{Flow, Link, PACKET, Simulation};
use super::*;

struct Figures {
    /// Of the bottleneck, when it has a rate; else bytes per second.
    goodput: f64,
    /// For each packet delivered.
    transmissions: f64,
    counters: RecoveryCounters,
}

fn run(algorithm: &Algorithm, link: Link, segments: u64, seed: u64) -> Figures {
    let mut simulation = Simulation::new(link, seed, vec![Flow::new(algorithm, segments, ms(0))]);
    simulation.run(Instant::from_secs(3_600));
    assert_eq!(simulation.flows[0].delivered, segments, "{algorithm:?}");
    let figures = Figures {
        goodput: simulation.goodput(0) / if link.rate == 0 { 1.0 } else { link.rate as f64 },
        transmissions: simulation.transmissions(0),
        counters: simulation.flows[0].recovery.status().counters,
    };
    std::println!(
        "{:8} seed {seed} loss {:2} % queue {:7} jitter {:?}: goodput {:.3}, {:.3} transmissions, {} losses, {} of them none, {} probes",
        algorithm.name(),
        link.loss / 10_000,
        link.queue,
        link.jitter,
        figures.goodput,
        figures.transmissions,
        figures.counters.packets_lost,
        figures.counters.spurious_losses,
        figures.counters.probe_timeouts,
    );
    figures
}

/// 1,024 packets.
fn fixed() -> Algorithm {
    Algorithm::Fixed { bytes: u64::MAX, packets: 1_024 }
}

/// Goal: 1 % loss at 20 ms leaves at least 90 % of the goodput without loss.
#[test]
fn a_fixed_window_loses_little_to_random_loss() {
    let lossless = run(&fixed(), Link::unlimited(), 60_000, 1);
    assert_eq!((lossless.transmissions, lossless.counters.packets_lost), (1.0, 0));
    for (loss, share, transmissions) in [(10_000, 0.92, 1.015), (50_000, 0.85, 1.07), (200_000, 0.65, 1.33)] {
        let lossy = run(&fixed(), Link::unlimited().losing(loss), 60_000, 1);
        assert!(lossy.goodput >= share * lossless.goodput, "{} of {}", lossy.goodput, lossless.goodput);
        assert!(lossy.transmissions <= transmissions, "{}", lossy.transmissions);
    }
}

/// Goal: more than 90 % of 100 Mbit/s at 20 ms with a queue of 125 kB, at most 1.1 transmissions per packet.
#[test]
fn cubic_fills_a_bottleneck() {
    let figures = run(&Algorithm::Cubic, Link::bottleneck(), 40_000, 1);
    assert!(figures.goodput > 0.93 && figures.transmissions < 1.03, "{}", figures.goodput);
}

/// Goal: the same, and also when 1 % is lost at random.
#[test]
fn bbr_fills_a_bottleneck_also_with_random_loss() {
    for (loss, seed, share, transmissions) in [(0, 1, 0.93, 1.03), (10_000, 1, 0.9, 1.05), (10_000, 2, 0.9, 1.05)] {
        let figures = run(&Algorithm::Bbr, Link::bottleneck().losing(loss), 40_000, seed);
        assert!(figures.goodput > share && figures.transmissions < transmissions, "{}", figures.goodput);
    }
}

#[test]
fn newreno_does_what_it_can() {
    let figures = run(&Algorithm::NewReno, Link::bottleneck(), 20_000, 1);
    assert!(figures.goodput > 0.85 && figures.transmissions < 1.03, "{}", figures.goodput);
}

/// Jitter of half the delay reorders most packets: no policy may take that for congestion for long.
#[test]
fn reordering_is_learned_and_taken_back() {
    let link = Link { jitter: Duration::from_millis(10), ..Link::bottleneck() };
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic, Algorithm::Bbr] {
        let figures = run(&algorithm, link, 20_000, 3);
        assert!(figures.goodput > 0.6 && figures.transmissions < 1.1, "{}", figures.goodput);
        assert!(figures.counters.spurious_losses > 0 && figures.counters.episodes_undone > 0);
    }
}

#[test]
fn a_loss_of_a_fifth_is_survived() {
    let fixed = Algorithm::Fixed { bytes: u64::MAX, packets: 100 };
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic, Algorithm::Bbr, fixed] {
        for seed in 1..4 {
            let figures = run(&algorithm, Link::bottleneck().losing(200_000), 500, seed);
            assert!(figures.transmissions < 1.7, "{}", figures.transmissions);
        }
    }
}

#[test]
fn a_slow_link_and_a_short_one_are_filled() {
    let slow = Link { rate: 125_000, queue: 20_000, ..Link::bottleneck() };
    let short = Link { delay: Duration::from_millis(1), ..Link::bottleneck() };
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic, Algorithm::Bbr] {
        for (link, segments) in [(slow, 2_000), (short, 10_000)] {
            let figures = run(&algorithm, link, segments, 1);
            assert!(figures.goodput > 0.95 && figures.transmissions < 1.05, "{}", figures.goodput);
        }
    }
}

/// Two flows on 10 Mbit/s for a minute, with a little jitter: without any, what is dropped depends on whose packets come
/// just after the other's.
#[test]
fn two_flows_share_fairly() {
    let link = Link { rate: 1_250_000, queue: 25_000, jitter: Duration::from_micros(100), ..Link::bottleneck() };
    for algorithm in [Algorithm::NewReno, Algorithm::Cubic, Algorithm::Bbr] {
        for starts_at in [ms(0), ms(5_000)] {
            let flow = |starts_at| Flow::new(&algorithm, 1_000_000, starts_at);
            let mut simulation = Simulation::new(link, 1, vec![flow(ms(0)), flow(starts_at)]);
            simulation.run(ms(30_000));
            let before: Vec<u64> = simulation.flows.iter().map(|flow| flow.delivered).collect();
            simulation.run(ms(60_000));
            let mut after = simulation.flows.iter().zip(before).map(|(flow, before)| flow.delivered - before);
            let (first, second) = (after.next().unwrap(), after.next().unwrap());
            let used = ((first + second) * PACKET as u64) as f64 / (30 * link.rate) as f64;
            let share = first.min(second) as f64 / (first + second) as f64;
            std::println!("{:8} from {starts_at}: {share:.2} for the lesser, {used:.2} used", algorithm.name());
            assert!(share > 0.3 && used > 0.85, "{} {share} {used}", algorithm.name());
        }
    }
}
