//! Runs simulated pairs of connections, one per seed, until a promise breaks.
//!
//! ```text
//! cargo run --release --features sim --example soak -- --seeds 100000            # 0 to 99,999
//! cargo run --release --features sim --example soak -- --seeds 1000 --start 5000
//! cargo run --release --features sim --example soak -- --seed 1234 --trace       # one, with all that happened
//! ```
//!
//! Progress goes to stderr; ctrl-c stops it at any moment, and the last line tells where to go on. The exit code is 1 when a
//! seed failed.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use mconn::sim::{Outcome, Scenario};

#[derive(Debug, Parser)]
#[command(about = "Runs simulated pairs of connections, one per seed.")]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Run this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "start"])]
    seed: Option<u64>,
    /// Print the scenario and the trace (with --seed).
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Threads; as many as there are processors by default.
    #[arg(long)]
    jobs: Option<usize>,
    /// Stop after so many failed seeds.
    #[arg(long, default_value_t = 10)]
    max_failures: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match options.seed {
        Some(seed) => one(seed, options.trace),
        None => many(&options),
    }
}

/// Runs one seed. What a broken promise leaves behind is printed; `None` when the code under test panicked.
fn run(seed: u64) -> Option<Outcome> {
    std::panic::catch_unwind(|| Scenario::from_seed(seed).run()).ok()
}

fn one(seed: u64, trace: bool) -> ExitCode {
    if trace {
        print!("{}", Scenario::from_seed(seed));
    }
    let Some(outcome) = run(seed) else { return ExitCode::FAILURE };
    if trace {
        print!("{}", outcome.trace);
    }
    println!(
        "seed {seed}: {} messages, {} bytes, {} events, {} of virtual time, trace hash {:#018x}",
        outcome.messages,
        outcome.bytes,
        outcome.events,
        outcome.ended,
        outcome.trace.hash()
    );
    match outcome.violation {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            println!("seed {seed} failed: {violation}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Totals {
    next: AtomicU64,
    done: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
    virtual_seconds: AtomicU64,
    failures: Mutex<Vec<u64>>,
}

fn many(options: &Options) -> ExitCode {
    let totals = Totals { next: AtomicU64::new(options.start), ..Totals::default() };
    let end = options.start.saturating_add(options.seeds);
    let jobs = options.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| work(&totals, end, options.max_failures))).collect();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(200));
            progress(&totals, options, end);
        }
    });
    eprintln!();
    let failures = totals.failures.into_inner().unwrap_or_default();
    println!(
        "{} seeds: {} failed; {} messages, {} bytes, {} events, {} s of virtual time",
        totals.done.into_inner(),
        failures.len(),
        totals.messages.into_inner(),
        totals.bytes.into_inner(),
        totals.events.into_inner(),
        totals.virtual_seconds.into_inner()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(totals: &Totals, end: u64, max_failures: usize) {
    loop {
        let seed = totals.next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let what = match run(seed) {
            None => Some("it panicked".to_owned()),
            Some(outcome) => {
                totals.messages.fetch_add(outcome.messages, Ordering::Relaxed);
                totals.bytes.fetch_add(outcome.bytes, Ordering::Relaxed);
                totals.events.fetch_add(outcome.events, Ordering::Relaxed);
                totals.virtual_seconds.fetch_add(outcome.ended.as_nanos() / 1_000_000_000, Ordering::Relaxed);
                outcome.violation.map(|violation| violation.to_string())
            }
        };
        totals.done.fetch_add(1, Ordering::Relaxed);
        if let Some(what) = what {
            let again = "cargo run --release --features sim --example soak -- --seed";
            println!("seed {seed} failed: {what}\n  again: {again} {seed} --trace");
            let Ok(mut failures) = totals.failures.lock() else { return };
            failures.push(seed);
            if failures.len() >= max_failures {
                totals.next.store(end, Ordering::Relaxed);
            }
        }
    }
}

fn progress(totals: &Totals, options: &Options, end: u64) {
    let done = totals.done.load(Ordering::Relaxed);
    let next = totals.next.load(Ordering::Relaxed).min(end);
    let failed = totals.failures.lock().map_or(0, |failures| failures.len());
    let start = if std::io::stderr().is_terminal() { "\r" } else { "\n" };
    eprint!("{start}{done} of {} seeds, {failed} failed; go on with --start {next}", options.seeds);
    let _ = std::io::stderr().flush();
}
