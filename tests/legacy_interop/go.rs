//! A process with sessions of the original, driven by JSON lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// When a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What a session of the original tells.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GoEvent {
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) port: u16,
    #[serde(default)]
    pub(crate) seq: i64,
    #[serde(default)]
    pub(crate) len: usize,
    #[serde(default)]
    pub(crate) sha256: String,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) status: Value,
}

type Links = Arc<Mutex<BTreeMap<u64, Sender<GoEvent>>>>;

/// The process. It ends with its standard input.
pub(crate) struct Go {
    child: Child,
    stdin: Option<ChildStdin>,
    links: Links,
    next: u64,
}

impl Go {
    pub(crate) fn run() -> Self {
        let program = built();
        let log = File::create(program.with_extension(format!("{:?}.log", std::thread::current().id()))).unwrap();
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("it was just built");
        let links = Links::default();
        let (stdout, known) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&links));
        std::thread::spawn(move || {
            for line in stdout.lines() {
                // The original prints too.
                let Ok(line) = serde_json::from_str::<Value>(&line.unwrap()) else { continue };
                let Some(events) = line["link"].as_u64().and_then(|link| known.lock().unwrap().get(&link).cloned())
                else {
                    continue;
                };
                let _ = events.send(serde_json::from_value(line).unwrap());
            }
            known.lock().unwrap().clear();
        });
        let stdin = child.stdin.take();
        Self { child, stdin, links, next: 1 }
    }

    /// Opens a session; also gives its UDP port.
    pub(crate) fn open(&mut self, config: &Value) -> (GoSession, u16) {
        let (sender, events) = channel();
        let session = GoSession { number: self.next, events };
        self.next += 1;
        self.links.lock().unwrap().insert(session.number, sender);
        self.tell(&session, json!({"do": "open", "config": config}));
        let opened = session.next();
        assert_eq!(opened.event, "opened", "{opened:?}");
        (session, opened.port)
    }

    pub(crate) fn tell(&mut self, session: &GoSession, mut command: Value) {
        command["link"] = session.number.into();
        writeln!(self.stdin.as_mut().unwrap(), "{command}").expect("the Go program has died");
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success() || std::thread::panicking(), "the Go program died: {status}");
    }
}

/// A session of the original.
pub(crate) struct GoSession {
    number: u64,
    events: Receiver<GoEvent>,
}

impl GoSession {
    fn next(&self) -> GoEvent {
        self.events.recv_timeout(PATIENCE).expect("the Go program tells nothing")
    }

    /// What it has told since.
    pub(crate) fn told(&self) -> Vec<GoEvent> {
        self.events.try_iter().collect()
    }
}

/// The program of the module, which is built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<std::path::PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go/go-sliding-window/program");
        let status = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/go-sliding-window"))
            .envs([("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0"), ("GOFLAGS", "-mod=readonly -buildvcs=false")])
            .status()
            .unwrap_or_else(|error| panic!("these tests need the Go toolchain: {error}"));
        assert!(status.success(), "go build failed: {status}");
        program
    })
}
