//! A running Go peer, and the connections in it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// When a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A channel of the Go connection. What is 0 keeps the default of the version.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct GoChannel {
    pub(crate) id: u8,
    pub(crate) priority: u32,
    pub(crate) queue: usize,
    pub(crate) capacity: usize,
}

/// How the Go connection behaves. What is 0 keeps the default of the version; rates of 0 are no limit.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct GoConfig {
    pub(crate) channels: Vec<GoChannel>,
    pub(crate) payload: usize,
    pub(crate) ping_ms: u64,
    pub(crate) pong_ms: u64,
    pub(crate) flush_ms: u64,
    pub(crate) send_rate: u64,
    pub(crate) recv_rate: u64,
    /// Who a sealed connection says it is.
    pub(crate) node: Option<GoNode>,
}

/// A node of Go.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct GoNode {
    pub(crate) secret: String,
    pub(crate) network: String,
    pub(crate) moniker: String,
    pub(crate) dialled: String,
    /// The rest is for switches.
    pub(crate) port: u16,
    pub(crate) persistent: Vec<String>,
    pub(crate) echo: Vec<u8>,
    /// 0 is the default.
    pub(crate) max_inbound: usize,
    /// One peer for each IP address.
    pub(crate) strict: bool,
}

/// What a Go connection tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum GoEvent {
    Listening {
        port: u16,
    },
    /// The handshake of a sealed connection is done.
    Shaken {
        info: GoNodeInfo,
    },
    Started,
    Message {
        channel: u8,
        len: usize,
        sha256: String,
    },
    /// `onError` was called.
    Error {
        text: String,
    },
    /// `Send` returned false.
    Refused {
        channel: u8,
        len: usize,
    },
    /// All calls of `Send` have returned.
    Idle,
    /// From now on `onReceive` does not return.
    Paused,
    Flushed {
        #[serde(default)]
        running: bool,
    },
    Stopped {
        #[serde(default)]
        running: bool,
    },
    Status {
        #[serde(default)]
        running: bool,
        status: Vec<GoStatus>,
    },
    /// The peer could not do what it was told.
    Failed {
        text: String,
    },
    /// Why a NodeInfo is refused; nothing when it is not.
    Judged {
        #[serde(default)]
        text: String,
    },
    /// A switch listens on this port, as the node of this id.
    Running {
        port: u16,
        text: String,
    },
    /// `InitPeer` of the reactor of a switch, and its other methods.
    Initialised {
        peer: GoPeerStatus,
    },
    Added {
        peer: GoPeerStatus,
        info: GoNodeInfo,
    },
    Removed {
        peer: GoPeerStatus,
        text: String,
    },
    Received {
        peer: GoPeerStatus,
        channel: u8,
        len: usize,
        sha256: String,
    },
    /// A dial of the switch has succeeded.
    Dialled,
    /// `Broadcast` has ended. -1 when the version does not say how many peers have accepted the message.
    Broadcast {
        accepted: i64,
    },
    Peers {
        #[serde(default)]
        peers: Vec<GoPeerStatus>,
    },
    /// The switch has written this into its log.
    Logged {
        text: String,
    },
}

/// A peer of a Go switch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct GoPeerStatus {
    pub(crate) id: String,
    pub(crate) outbound: bool,
    pub(crate) persistent: bool,
}

/// What Go has understood of our NodeInfo.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct GoNodeInfo {
    pub(crate) protocol_version: GoProtocolVersion,
    pub(crate) id: String,
    pub(crate) listen_addr: String,
    pub(crate) network: String,
    pub(crate) version: String,
    /// In hexadecimal.
    pub(crate) channels: String,
    pub(crate) moniker: String,
    pub(crate) other: GoNodeInfoOther,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct GoProtocolVersion {
    pub(crate) p2p: u64,
    pub(crate) block: u64,
    pub(crate) app: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct GoNodeInfoOther {
    pub(crate) tx_index: String,
    pub(crate) rpc_address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct GoStatus {
    pub(crate) id: u8,
    pub(crate) queued: usize,
    pub(crate) can_send: bool,
}

type Links = Arc<Mutex<BTreeMap<u64, Sender<GoEvent>>>>;

/// A process of the Go peer. It ends with its standard input.
#[derive(Debug)]
pub(crate) struct GoPeer {
    child: Child,
    stdin: Mutex<Option<ChildStdin>>,
    links: Links,
    next_link: AtomicU64,
    /// Whether its connections are sealed.
    sealed: bool,
    killed: bool,
}

impl GoPeer {
    pub(crate) fn run(version: &str, sealed: bool) -> Self {
        let mut child = Command::new(built(version, "."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer was just built");
        let links = Links::default();
        let (stdout, known) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&links));
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
                let link = line["link"].as_u64().unwrap();
                let event = serde_json::from_value(line).unwrap();
                if let Some(events) = known.lock().unwrap().get(&link) {
                    // A test that is done listens no more.
                    let _ = events.send(event);
                }
            }
            // Who still waits must not wait in vain.
            known.lock().unwrap().clear();
        });
        let stdin = Mutex::new(child.stdin.take());
        Self { child, stdin, links, next_link: AtomicU64::new(1), sealed, killed: false }
    }

    fn tell(&self, mut command: Value, link: u64) {
        command["link"] = link.into();
        let mut stdin = self.stdin.lock().unwrap();
        writeln!(stdin.as_mut().unwrap(), "{command}").expect("the Go peer has died");
    }

    pub(crate) fn link(&self) -> Link<'_> {
        let number = self.next_link.fetch_add(1, Ordering::Relaxed);
        let (sender, events) = channel();
        self.links.lock().unwrap().insert(number, sender);
        Link { peer: self, number, events }
    }

    /// Whether its connections are sealed, and begin with a handshake.
    pub(crate) const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// A connection to which we have dialled. It has not started yet.
    pub(crate) fn listen(&self, config: &GoConfig) -> (Link<'_>, TcpStream) {
        let link = self.link();
        self.tell(json!({"do": "listen", "config": config}), link.number);
        let GoEvent::Listening { port } = link.next() else { panic!("not listening") };
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        (link, stream)
    }

    /// A connection that has dialled us. It has not started yet.
    pub(crate) fn dial(&self, config: &GoConfig) -> (Link<'_>, TcpStream) {
        let link = self.link();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        self.tell(json!({"do": "dial", "port": port, "config": config}), link.number);
        let stream = listener.accept().unwrap().0;
        (link, stream)
    }
}

impl GoPeer {
    /// Ends the process on the spot.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.killed = true;
    }
}

impl Drop for GoPeer {
    fn drop(&mut self) {
        drop(self.stdin.lock().unwrap().take());
        let status = self.child.wait().unwrap();
        assert!(status.success() || self.killed || std::thread::panicking(), "the Go peer died: {status}");
    }
}

/// One connection in a Go peer.
#[derive(Debug)]
pub(crate) struct Link<'a> {
    peer: &'a GoPeer,
    number: u64,
    events: Receiver<GoEvent>,
}

impl Link<'_> {
    /// The next event.
    pub(crate) fn next(&self) -> GoEvent {
        self.next_within(PATIENCE).expect("the Go peer tells nothing")
    }

    /// The next event, if one comes in time.
    pub(crate) fn next_within(&self, time: Duration) -> Option<GoEvent> {
        self.events.recv_timeout(time).ok()
    }

    /// The text of the error, which is the next event.
    pub(crate) fn error(&self) -> String {
        match self.next() {
            GoEvent::Error { text } => text,
            other => panic!("no error but {other:?}"),
        }
    }

    /// Why it could not do what it was told, which is the next event.
    pub(crate) fn failure(&self) -> String {
        match self.next() {
            GoEvent::Failed { text } => text,
            other => panic!("no failure but {other:?}"),
        }
    }

    /// Gives a command.
    pub(crate) fn command(&self, command: Value) {
        self.peer.tell(command, self.number);
    }

    /// Why Go would refuse a peer with this NodeInfo.
    pub(crate) fn judge(&self, config: &GoConfig, encoded: &[u8]) -> Result<(), String> {
        self.command(json!({"do": "judge", "config": config, "encoded": hex::encode(encoded)}));
        match self.next() {
            GoEvent::Judged { text } if text.is_empty() => Ok(()),
            GoEvent::Judged { text } => Err(text),
            other => panic!("{other:?}"),
        }
    }

    /// One of `wait`, `flush_stop`, `stop`, `status`, `pause` and `resume`.
    pub(crate) fn tell(&self, what: &str) {
        self.peer.tell(json!({ "do": what }), self.number);
    }

    /// Has messages sent on a channel, of which the first is number `index`.
    pub(crate) fn send(&self, channel: u8, index: usize, lens: &[usize]) {
        self.peer.tell(json!({"do": "send", "channel": channel, "index": index, "lens": lens}), self.number);
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        self.peer.links.lock().unwrap().remove(&self.number);
    }
}

/// A program of the module of a version, which is built once.
pub(crate) fn built(version: &str, package: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<PathBuf, Arc<OnceLock<()>>>> = Mutex::new(BTreeMap::new());
    let name = if package == "." { "peer" } else { package.rsplit('/').next().unwrap() };
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go").join(version).join(name);
    // Not under the lock of all: programs may be built at the same time.
    let cell = Arc::clone(BUILT.lock().unwrap().entry(program.clone()).or_default());
    cell.get_or_init(|| build(version, package, &program));
    program
}

fn build(version: &str, package: &str, program: &Path) {
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(program)
        .arg(package)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(version))
        // Neither another toolchain, nor a C compiler, nor changes of go.mod and go.sum.
        .envs([("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0"), ("GOFLAGS", "-mod=readonly -buildvcs=false")])
        .status()
        .unwrap_or_else(|error| panic!("these tests need the Go toolchain: {error}"));
    assert!(status.success(), "go build of {package} in {version} failed: {status}");
}
