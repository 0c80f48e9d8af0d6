//! `cargo run --release -p mconn-benches`: measures everything and prints one table.

use clap::Parser;
use mconn_benches::groups::{ALL, Thoroughness};
use mconn_benches::report::summary;

/// Measures mconn against its limits and its peers, and prints medians as ratios.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Only groups whose name contains one of these, such as `codec` or `tcp_std`; all when empty
    groups: Vec<String>,
    /// Fewer and shorter rounds: less than a minute, less exact
    #[arg(long)]
    quick: bool,
    /// Only rows whose load contains this, such as `1 KiB` or `x 32`
    #[arg(long, default_value = "")]
    load: String,
    /// Only carriers whose name contains this, such as `mconn, tokio`; for groups of transfers
    #[arg(long, default_value = "")]
    only: String,
    /// Rounds per row
    #[arg(long)]
    rounds: Option<usize>,
}

fn main() {
    let Arguments { groups, load, only, quick, rounds } = Arguments::parse();
    let thoroughness = Thoroughness { load, only, quick, rounds };
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: nothing it prints means anything. Use --release.");
    }
    let wanted = |name: &str| groups.is_empty() || groups.iter().any(|part| name.contains(part.as_str()));
    let reports: Vec<_> =
        ALL.iter().filter(|group| wanted(group.name)).map(|group| group.measure(&thoroughness)).collect();
    for report in &reports {
        println!("{}", report.table());
    }
    print!("{}", summary(&reports));
}
