//! Go programs, each a process that does the work when it is told to and answers with the CPU time that it took.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::contender::{Contender, Cost};

/// The name in the table of CometBFT's MConnection.
pub const MCONNECTION: &str = "Go MConnection";
/// The name in the table of CometBFT's MConnection over its SecretConnection.
pub const SEALED: &str = "Go, sealed";
/// The name in the table of go-sliding-window.
pub const WINDOW: &str = "go-sliding-window";

/// A program of ours around the real Go code, and what to tell it.
pub struct Go {
    name: &'static str,
    /// What comes before the number of messages.
    command: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl fmt::Debug for Go {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Go").field("name", &self.name).field("command", &self.command).finish_non_exhaustive()
    }
}

impl Go {
    /// CometBFT v0.38.25 over TCP, both ends, with messages of `size` bytes; none on a machine without Go.
    #[must_use]
    pub fn mconnection(sealed: bool, size: usize) -> Option<Box<dyn Contender>> {
        let (name, kind) = if sealed { (SEALED, "sealed") } else { (MCONNECTION, "plain") };
        Self::boxed("mconnection", name, format!("{kind} {size}"))
    }

    /// go-sliding-window over its simulated network, both ends, with messages of `size` bytes; none on a machine without Go.
    #[must_use]
    pub fn window(size: usize) -> Option<Box<dyn Contender>> {
        Self::boxed("window", WINDOW, size.to_string())
    }

    fn boxed(module: &str, name: &'static str, command: String) -> Option<Box<dyn Contender>> {
        let program = build(module)?;
        let mut process = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (input, output) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        Some(Box::new(Self { name, command, process, input, output }))
    }
}

/// Builds a module and gives the program; says why not when it can not be built.
fn build(module: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("go").join(module);
    let program = std::env::temp_dir().join(format!("mconn-benches-{module}"));
    let built = Command::new("go").current_dir(&folder).args(["build", "-o"]).arg(&program).arg(".").status();
    match built {
        Ok(status) if status.success() => Some(program),
        Ok(status) => {
            eprintln!("go build of {} failed ({status}): its rows lack it", folder.display());
            None
        }
        Err(error) => {
            eprintln!("no go program ({error}): the rows lack {module}");
            None
        }
    }
}

impl Contender for Go {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, operations: u64) -> Cost {
        writeln!(self.input, "{} {operations}", self.command).expect("a running Go program");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("an answer");
        let nanos = answer.trim().parse().expect("a number of nanoseconds");
        Cost { operations, time: Duration::from_nanos(nanos) }
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}
