//! Examples as programs: built, started, watched, ended.

// Each test uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

/// The features with which this test was built.
const FEATURES: &[&str] = &[
    #[cfg(feature = "std")]
    "std",
    #[cfg(feature = "tokio")]
    "tokio",
    #[cfg(feature = "blocking")]
    "blocking",
    #[cfg(feature = "memory")]
    "memory",
    #[cfg(feature = "udp")]
    "udp",
    #[cfg(feature = "udp-blocking")]
    "udp-blocking",
    #[cfg(feature = "nats")]
    "nats",
    #[cfg(feature = "secret")]
    "secret",
    #[cfg(feature = "ring")]
    "ring",
    #[cfg(feature = "legacy")]
    "legacy",
    #[cfg(feature = "peer")]
    "peer",
    #[cfg(feature = "sim")]
    "sim",
];

/// The program, built if need be: `cargo test --test NAME` builds no examples.
pub(crate) fn program(name: &'static str) -> PathBuf {
    static PROGRAMS: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut programs = PROGRAMS.lock().unwrap();
    programs.entry(name).or_insert_with(|| build(name)).clone()
}

fn build(name: &str) -> PathBuf {
    // This test is target/PROFILE/deps/NAME-HASH.
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", name, "--manifest-path"]);
    build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    build.arg("--target-dir").arg(profile.parent().unwrap());
    // The same features as the test has: what is built already is not built again.
    build.args(["--features", &FEATURES.join(",")]);
    // What cargo tells a test of its package makes some build scripts run again (ring's): they would do so at every turn.
    for (name, _) in std::env::vars_os() {
        let of_the_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if of_the_package.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            build.env_remove(name);
        }
    }
    if profile.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success());
    profile.join("examples").join(name)
}

/// An empty folder of this test alone.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// How a program has ended. No code: a signal.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for End {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

pub(crate) fn start(name: &'static str, arguments: &[&str]) -> Child {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until it has ended.
pub(crate) fn end(program: Child) -> End {
    program.wait_with_output().unwrap().into()
}

pub(crate) fn run(name: &'static str, arguments: &[&str]) -> End {
    end(start(name, arguments))
}

/// Presses ctrl-c.
#[cfg(unix)]
pub(crate) fn interrupt(program: &Child) {
    assert!(Command::new("kill").args(["-INT", &program.id().to_string()]).status().unwrap().success());
}
