//! The frame of either program.

use std::future::Future;
use std::process::ExitCode;

use tokio::runtime::Runtime;

use super::failure::{Failure, exit};

/// Runs a program to its end, and says what went wrong, if anything.
pub(crate) fn run(program: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err(Failure::Start(error))),
    };
    let result = runtime.block_on(program);
    // A thread that still reads or writes the file is not waited for: a part may end anywhere.
    runtime.shutdown_background();
    exit(result)
}
