//! `cargo run --release -p mconn-benches --bin goodput`: what the sliding window reaches over simulated links.

use std::time::Instant as Wall;

use clap::Parser;
use comfy_table::Table;
use mconn::time::{Duration, Instant};
use mconn_benches::goodput::{Flow, MESSAGE, Outcome, Path, Policy, bottleneck, run, unlimited};

/// Prints goodput in virtual time: MB/s, and how often each packet was sent.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Megabytes of each transfer
    #[arg(long, default_value_t = 24)]
    megabytes: u64,
    /// The seed of all that is random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const LOSSES: [u32; 4] = [0, 10_000, 50_000, 200_000];
/// Virtual time that a transfer may take.
const LIMIT: Duration = Duration::from_secs(3_600);

fn main() {
    let Arguments { megabytes, seed } = Arguments::parse();
    let messages = megabytes * 1_000_000 / MESSAGE as u64;
    let one = |path: Path, policy| run(path, vec![Flow::new(0, policy, messages, Instant::ZERO)], LIMIT, seed);

    println!("{megabytes} MB in messages of {MESSAGE} bytes: MB/s of virtual time (transmissions per packet)");
    println!(
        "from the end of the handshake to the last arrival. \"!\" marks what had not all arrived after {} s\n",
        LIMIT.as_secs()
    );
    println!("A link without a limit of bandwidth; with `Fixed`, 1024 packets in flight");
    let mut table = table(["one way", "loss"]);
    for latency in [0, 1, 20] {
        for loss in LOSSES {
            let path = unlimited(Duration::from_millis(latency), loss);
            let cells = Policy::ALL.map(|policy| {
                // Without latency only the processor is the limit, so the wall clock tells more.
                let begun = Wall::now();
                let outcome = one(path, policy);
                if latency == 0 { engine(&outcome, messages, begun) } else { cell(&outcome, 0) }
            });
            table.add_row([vec![format!("{latency} ms"), percent(loss)], cells.to_vec()].concat());
        }
    }
    println!("{table}\nRows of 0 ms: MB per second of real time, both ends and the simulator.\n");

    println!("100 Mbit/s (12.5 MB/s with headers), 20 ms one way, a queue of 125 kB");
    let mut table = self::table(["transfer", "loss"]);
    for (size, count) in [(megabytes, messages), (5 * megabytes, 5 * messages)] {
        for loss in &LOSSES[..2] {
            let cells = Policy::ALL.map(|policy| {
                let flow = Flow::new(0, policy, count, Instant::ZERO);
                cell(&run(bottleneck(*loss), vec![flow], LIMIT, seed), 0)
            });
            table.add_row([vec![format!("{size} MB"), percent(*loss)], cells.to_vec()].concat());
        }
    }
    println!("{table}\n");

    println!("Two flows over that bottleneck for 60 s, the second 5 s later; jitter of 0.1 ms: MB/s of each");
    let mut table = self::table(["flow", ""]);
    let path = Path { jitter: Duration::from_micros(100), ..bottleneck(0) };
    let fair = Policy::ALL.map(|policy| {
        let flows =
            vec![Flow::new(0, policy, u64::MAX, Instant::ZERO), Flow::new(1, policy, u64::MAX, Instant::from_secs(5))];
        run(path, flows, Duration::from_secs(65), seed)
    });
    for number in 0..2 {
        let cells = fair.iter().map(|outcome| cell(outcome, number).replace('!', ""));
        table.add_row([format!("{}", number + 1), String::new()].into_iter().chain(cells));
    }
    println!("{table}");
}

fn table(first: [&str; 2]) -> Table {
    let mut table = Table::new();
    table
        .set_header(first.into_iter().map(str::to_owned).chain(Policy::ALL.iter().map(|policy| format!("{policy:?}"))));
    table
}

fn percent(parts_per_million: u32) -> String {
    format!("{} %", f64::from(parts_per_million) / 10_000.0)
}

fn cell(outcome: &Outcome, flow: usize) -> String {
    let share = &outcome.shares[flow];
    let mark = if share.complete { "" } else { "!" };
    let told = format!("{:.2}{mark} ({:.2}x)", share.goodput / 1e6, share.transmissions);
    share.ended.as_ref().map_or(told.clone(), |reason| format!("{told} {reason}"))
}

fn engine(outcome: &Outcome, messages: u64, begun: Wall) -> String {
    let bytes = (messages * MESSAGE as u64) as f64;
    let share = &outcome.shares[0];
    let told = format!("{:.0} ({:.2}x)", bytes / begun.elapsed().as_secs_f64() / 1e6, share.transmissions);
    share.ended.as_ref().map_or(told.clone(), |reason| format!("{told} {reason}"))
}
