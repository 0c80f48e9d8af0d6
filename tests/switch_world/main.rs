//! Two hundred switches in one simulated world: real handshakes, real bytes, nodes that die, return and misbehave.
//!
//! After everything that happens: each reactor has seen `init_peer`, `add_peer`, `receive`, `remove_peer` of each peer in this
//! order; the limits hold; no node is a peer twice; no message is missing, doubled or invented. In the end, persistent peers
//! are joined by one connection, each peer of one node has that node as a peer, and when all switches have stopped nothing is
//! left of them.
//!
//! ```text
//! cargo test --release --all-features --test switch_world -- --ignored --nocapture              # 1,000 seeds
//! SEEDS=500..600 cargo test --release --all-features --test switch_world -- --ignored --nocapture
//! ```

mod checks;
mod ledger;
mod node;
mod wire;
mod world;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use mconn::time::Duration;
use world::{Totals, World};

fn run(seed: u64, nodes: usize, chaos: u64) -> Totals {
    let mut world = World::new(seed, nodes, Duration::from_secs(chaos));
    world.run();
    if !world.broken.is_empty() {
        let again = "cargo test --release --all-features --test switch_world -- --ignored --nocapture";
        let settings = format!("NODES={nodes} CHAOS={chaos} SEEDS={seed}..{}", seed + 1);
        panic!("seed {seed}: {:#?}\n  again: {settings} {again}", world.broken);
    }
    world.totals
}

#[test]
fn a_world_of_thirty_switches_keeps_its_promises() {
    for seed in 0..1 {
        let totals = run(seed, 30, 40);
        assert!(totals.peers > 60 && totals.messages > 100 && totals.kills > 0, "{totals:?}");
    }
}

#[test]
fn a_world_of_two_hundred_switches_keeps_its_promises() {
    let totals = run(1, 200, 6);
    println!("{totals:?}");
    assert!(totals.peers > 400 && totals.strangers > 0 && totals.ended_between > 0, "{totals:?}");
    assert!(totals.simultaneous > 0, "{totals:?}");
}

#[test]
fn a_seed_means_the_same_each_time() {
    let totals = || format!("{:?}", run(3, 20, 20));
    assert_eq!(totals(), totals());
}

fn setting<T>(name: &str, default: T, parse: impl Fn(&str) -> Option<T>) -> T {
    let text = env::var(name).ok();
    text.map_or(default, |text| parse(&text).unwrap_or_else(|| panic!("{name} is {text:?}")))
}

#[test]
#[ignore = "takes half an hour; settings: SEEDS=0..1000, NODES=200, CHAOS=60 (seconds)"]
fn a_thousand_seeds() {
    let seeds: Range<u64> = setting("SEEDS", 0..1000, |text| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    let nodes = setting("NODES", 200, |text| text.parse().ok());
    let chaos = setting("CHAOS", 60, |text| text.parse().ok());
    let next = AtomicU64::new(seeds.start);
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    println!("seed {seed}: {:?}", run(seed, nodes, chaos));
                }
            });
        }
    });
    println!("{} seeds of {nodes} switches each: nothing broken", seeds.end - seeds.start);
}
