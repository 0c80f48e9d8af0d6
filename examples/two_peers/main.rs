//! Two peers exchange a file and a stream of small urgent messages over TCP.
//!
//! Without arguments both run in this process, over loopback. On two machines: `two_peers --listen 0.0.0.0:26656` on one,
//! `two_peers --dial HOST:26656 FILE` on the other.

mod arguments;
mod blocking;
mod config;
mod content;
mod failure;
mod format;
mod interrupt;
mod measure;
mod nonblocking;
mod progress;
mod receiver;
mod report;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use failure::Failure;

/// What a shell expects of a program that ctrl-c has ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.blocking { blocking::run(&arguments) } else { nonblocking::run(&arguments) };
    match result.and_then(|outcome| report::print(&outcome)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => {
            eprintln!("interrupted: closed after flush");
            ExitCode::from(INTERRUPTED)
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
