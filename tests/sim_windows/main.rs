//! Sessions of the sliding window in simulated worlds: ten thousand seeds with every fault, and scenarios by name.

mod broken;
mod named;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mconn::sim::Fnv;
use mconn::sim::window::{Fault, Restart, WindowOutcome, WindowScenario};
use mconn::sliding_window::CloseReason;

/// Seeds with which a promise was broken once.
const REGRESSIONS: [u64; 34] = [
    // A message that does not fit was told at once that there is room, for ever.
    19, 9, // Who lingered after both had finished was woken for the end of closing, for ever.
    335, 80, // A message expired whose receipt had come.
    5683, 5514, 5677, 5668, 5816,
    // A listener that had forgotten a caller took its packets for those of the next one.
    14302, 20767, 29145, 38688,
    // A session that went on after a cut had forgotten that its side was finished.
    101560, 103635, 153882, 244739, 285984, 341097, 412841,
    // Two packets went beyond the limit for each probe.
    82080, 483816,
    // The oracles were wrong: restarts, resumptions, strangers that call first, queues of expired messages.
    62, 109, 705, 1313, 2176, 532, 4718, 7755, 15378, 212_438, 570_257, 952_206,
];

fn run(seed: u64) -> WindowOutcome {
    WindowScenario::from_seed(seed).run().unwrap_or_else(|failure| panic!("{failure}"))
}

#[derive(Default)]
struct Sums {
    messages: u64,
    resumed: u64,
    receipts: u64,
    flushes: u64,
    expired: u64,
    refused: u64,
    links: [u64; 5],
    endings: BTreeMap<String, u64>,
    faults: BTreeMap<Fault, u64>,
    finished_by_fault: BTreeMap<Fault, u64>,
}

impl Sums {
    fn add(&mut self, scenario: &WindowScenario, outcome: &WindowOutcome) {
        self.messages += outcome.delivered.0;
        self.resumed += u64::from(outcome.resumed);
        self.receipts += outcome.tally.receipts;
        self.flushes += outcome.tally.flushes;
        self.expired += outcome.tally.expired;
        self.refused += outcome.tally.refused;
        self.links.iter_mut().zip(outcome.links).for_each(|(sum, count)| *sum += count);
        for reason in &outcome.endings {
            let name = format!("{reason:?}");
            let name = name.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
            *self.endings.entry(name).or_default() += 1;
        }
        for fault in &scenario.faults {
            *self.faults.entry(*fault).or_default() += 1;
            if outcome.endings.contains(&CloseReason::Finished) {
                *self.finished_by_fault.entry(*fault).or_default() += 1;
            }
        }
    }
}

/// Runs many seeds on all processors.
fn run_many(seeds: u64) -> Vec<Sums> {
    let next = AtomicU64::new(0);
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let work = || {
            let mut sums = Sums::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return sums;
                }
                sums.add(&WindowScenario::from_seed(seed), &run(seed));
            }
        };
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a seed failed")).collect()
    })
}

#[test]
fn ten_thousand_seeds_keep_every_promise() {
    let all = run_many(10_000);
    let sum = |count: &dyn Fn(&Sums) -> u64| all.iter().map(count).sum::<u64>();
    assert!(sum(&|sums| sums.messages) > 100_000, "messages arrive");
    for fault in Fault::ALL {
        let (met, finished) = (
            sum(&|sums| sums.faults.get(&fault).copied().unwrap_or(0)),
            sum(&|sums| sums.finished_by_fault.get(&fault).copied().unwrap_or(0)),
        );
        assert!(met > 200 && finished > met / 4, "{fault:?}: {met} met it, {finished} of them finished");
    }
    for (name, count) in [
        ("resumed sessions", sum(&|sums| sums.resumed)),
        ("receipts", sum(&|sums| sums.receipts)),
        ("flushes", sum(&|sums| sums.flushes)),
        ("expired messages", sum(&|sums| sums.expired)),
        ("refused messages", sum(&|sums| sums.refused)),
        ("lost datagrams", sum(&|sums| sums.links[0])),
        ("doubled datagrams", sum(&|sums| sums.links[1])),
        ("damaged datagrams", sum(&|sums| sums.links[2])),
        ("datagrams cut short", sum(&|sums| sums.links[3])),
        ("datagrams overtaken", sum(&|sums| sums.links[4])),
    ] {
        assert!(count > 100, "{name}: only {count}");
    }
    for ending in [
        "Finished",
        "Aborted",
        "PeerAborted",
        "TransportFailed",
        "HandshakeTimeout",
        "IdleTimeout",
        "ProbesExhausted",
        "UnackedLimit",
        "ZeroWindow",
        "CloseTimeout",
        "NeverConnected",
        "Peer",
    ] {
        let count = sum(&|sums| sums.endings.get(ending).copied().unwrap_or(0));
        assert!(count > 0, "nothing ended with {ending}");
    }
}

#[test]
fn seeds_that_failed_once_do_not_fail_again() {
    for seed in REGRESSIONS {
        run(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let mut hash = Fnv::new();
    for seed in 0..60 {
        let trace = || WindowScenario::from_seed(seed).run_traced().expect("no violation").trace;
        let (one, two) = (trace(), trace());
        assert_eq!(one.difference(&two), None);
        hash.update(&one.hash().to_le_bytes());
    }
    // The same on every platform and optimisation level. Whoever changes what happens puts the new number here.
    assert_eq!(hash.finish(), 0xe029_a687_14b0_ea02, "{:#x}", hash.finish());
}

#[test]
fn every_kind_of_restart_is_drawn() {
    let scenarios = (0..4_000).map(WindowScenario::from_seed);
    let (mut resumed, mut one, mut both) = (0, 0, 0);
    for scenario in scenarios {
        resumed += u32::from(scenario.ends.iter().any(|end| end.conduct.resumes > 0));
        one += u32::from(scenario.restart == Some(Restart::One));
        both += u32::from(scenario.restart == Some(Restart::Both));
    }
    assert!(resumed > 20 && one > 10 && both > 5, "{resumed} {one} {both}");
}
