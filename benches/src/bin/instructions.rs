//! Does a number of operations of one contender and nothing else, for callgrind (see `instructions.sh`) and profilers.
//!
//! Without arguments it lists what there is to count, one per line: group, load, contender, and a number of operations
//! that is large enough to be exact and small enough for a simulated processor, separated by tabs.

use std::process::ExitCode;

use mconn_benches::groups::{ALL, Group, Kind};
use mconn_benches::measure::Row;

/// Instructions are counted with this many streams.
const STREAMS: &str = " x 4";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            list();
            ExitCode::SUCCESS
        }
        [group, load, contender, operations] => match operations.parse() {
            Ok(operations) => run(group, load, contender, operations),
            Err(error) => usage(&format!("{operations}: {error}")),
        },
        _ => usage("four arguments, or none"),
    }
}

fn usage(complaint: &str) -> ExitCode {
    eprintln!("{complaint}\nusage: instructions [GROUP LOAD CONTENDER OPERATIONS]");
    ExitCode::FAILURE
}

fn list() {
    // Over TCP what is done depends on time; a profiler can still look at those.
    for group in ALL.iter().filter(|group| matches!(group.kind, Kind::Memory(_))) {
        let rows = group.rows();
        for row in rows.iter().filter(|row| row.label.ends_with(STREAMS) || !row.label.contains(" x ")) {
            for contender in &row.contenders {
                println!("{}\t{}\t{}\t{}", group.name, row.label, contender.name(), operations(row));
            }
        }
    }
}

/// Long messages are thousands of packets each.
fn operations(row: &Row) -> u64 {
    match row.label.as_str() {
        label if label.contains("MiB") => 4 * row.granule,
        label if label.contains("64 KiB") => 100 * row.granule,
        _ => 5_000 * row.granule,
    }
}

fn run(group: &str, load: &str, contender: &str, operations: u64) -> ExitCode {
    let row = ALL.iter().filter(|known| known.name == group).flat_map(Group::rows).find(|row| row.label == load);
    let found = row.and_then(|row| row.contenders.into_iter().find(|known| known.name() == contender));
    match found {
        Some(mut contender) => {
            let cost = contender.run(operations);
            assert_eq!(cost.operations, operations, "the operations do not fill the streams evenly");
            eprintln!("{:.1} ns each", cost.nanos_each());
            ExitCode::SUCCESS
        }
        None => usage("no such group, load or contender"),
    }
}
