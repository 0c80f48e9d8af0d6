//! One transfer between two sessions, over a simulated link that the command line describes, in virtual time.
//!
//! ```text
//! cargo run --release --features sim --example simulate -- --loss 1 --delay 20ms --rate 100M
//! cargo run --release --features sim --example simulate -- --loss 1 --rate 20M --congestion bbr --plot transfer.svg
//! ```
//!
//! The same arguments give the same transfer. It prints what came of it; `--plot` draws what happened to each packet, the
//! window, and the round-trip time.

mod arguments;
mod plot;
mod record;
mod report;
mod transfer;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let record = match transfer::run(&arguments) {
        Ok(record) => record,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let out = &mut io::stdout();
    // Whoever closed the pipe has seen enough.
    _ = report::write(out, &arguments, &record);
    if let Some(path) = &arguments.plot {
        if let Err(error) = plot::draw(path, &arguments, &record) {
            eprintln!("error: can not draw {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        _ = writeln!(out, "drawn          {}", path.display());
    }
    if record.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
