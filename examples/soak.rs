//! Runs simulated pairs of connections, or worlds of sliding windows, one per seed, until a promise breaks.
//!
//! ```text
//! cargo run --release --features sim --example soak -- --seeds 100000            # 0 to 99,999
//! cargo run --release --features sim --example soak -- --seeds 1000 --start 5000
//! cargo run --release --features sim --example soak -- --seed 1234 --trace       # one, with all that happened
//! cargo run --release --features sim --example soak -- --window --seeds 100000   # sessions of the sliding window
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
use mconn::sim::Scenario;
use mconn::sim::window::WindowScenario;

#[derive(Debug, Parser)]
#[command(about = "Runs simulated pairs of connections, or worlds of sliding windows, one per seed.")]
struct Options {
    /// Sessions of the sliding window over datagrams, instead of connections over byte streams.
    #[arg(long)]
    window: bool,
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
        Some(seed) => one(&options, seed),
        None => many(&options),
    }
}

/// How a seed went.
#[derive(Default)]
struct Run {
    messages: u64,
    bytes: u64,
    events: u64,
    ended: mconn::time::Instant,
    /// All that happened, where it was kept, and its hash.
    trace: Option<(String, u64)>,
    failure: Option<String>,
}

/// Runs one seed. What a broken promise leaves behind is printed; `None` when the code under test panicked.
fn run(window: bool, seed: u64, trace: bool) -> Option<Run> {
    std::panic::catch_unwind(|| if window { run_window(seed, trace) } else { run_pair(seed, trace) }).ok()
}

fn run_pair(seed: u64, trace: bool) -> Run {
    let outcome = Scenario::from_seed(seed).run();
    Run {
        messages: outcome.messages,
        bytes: outcome.bytes,
        events: outcome.events,
        ended: outcome.ended,
        trace: trace.then(|| (outcome.trace.to_string(), outcome.trace.hash())),
        failure: outcome.violation.map(|violation| violation.to_string()),
    }
}

fn run_window(seed: u64, trace: bool) -> Run {
    let scenario = WindowScenario::from_seed(seed);
    match if trace { scenario.run_traced() } else { scenario.run() } {
        Ok(outcome) => Run {
            messages: outcome.delivered.0,
            bytes: outcome.delivered.1,
            events: outcome.events,
            ended: outcome.ended,
            trace: trace.then(|| (outcome.trace.to_string(), outcome.trace.hash())),
            failure: None,
        },
        Err(failure) => Run { failure: Some(failure.to_string()), ..Run::default() },
    }
}

fn one(options: &Options, seed: u64) -> ExitCode {
    if options.trace && options.window {
        print!("{}", WindowScenario::from_seed(seed));
    } else if options.trace {
        print!("{}", Scenario::from_seed(seed));
    }
    let Some(run) = run(options.window, seed, true) else { return ExitCode::FAILURE };
    if let Some((text, _)) = run.trace.as_ref().filter(|_| options.trace) {
        print!("{text}");
    }
    println!(
        "seed {seed}: {} messages, {} bytes, {} events, {} of virtual time, trace hash {:#018x}",
        run.messages,
        run.bytes,
        run.events,
        run.ended,
        run.trace.map_or(0, |(_, hash)| hash)
    );
    match run.failure {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            println!("seed {seed} failed: {failure}");
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
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| work(&totals, end, options))).collect();
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

fn work(totals: &Totals, end: u64, options: &Options) {
    loop {
        let seed = totals.next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let what = match run(options.window, seed, false) {
            None => Some("it panicked".to_owned()),
            Some(run) => {
                totals.messages.fetch_add(run.messages, Ordering::Relaxed);
                totals.bytes.fetch_add(run.bytes, Ordering::Relaxed);
                totals.events.fetch_add(run.events, Ordering::Relaxed);
                totals.virtual_seconds.fetch_add(run.ended.as_nanos() / 1_000_000_000, Ordering::Relaxed);
                run.failure
            }
        };
        totals.done.fetch_add(1, Ordering::Relaxed);
        if let Some(what) = what {
            let kind = if options.window { "--window " } else { "" };
            let again = format!("cargo run --release --features sim --example soak -- {kind}--seed");
            let first = what.lines().next().unwrap_or_default();
            println!("seed {seed} failed: {first}\n  again: {again} {seed} --trace");
            let Ok(mut failures) = totals.failures.lock() else { return };
            failures.push(seed);
            if failures.len() >= options.max_failures {
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
