//! A real node: the `cometbft` program with one validator and its built-in key-value application.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mconn::connection::{ChannelConfig, MConnConfig};
use mconn::peer::{LocalNode, NodeInfo, PeerAddress};
use mconn::secret::NodeId;
use serde_json::Value;

use crate::go_peer::{PATIENCE, built};
use crate::sealed::node;
use crate::version::Version;

/// The channels of a node with their priorities and the largest message (`GetChannels` of its reactors @ v0.38).
const CHANNELS: [(u8, u32, usize); 9] = [
    (0x20, 6, 1_048_576),
    (0x21, 10, 1_048_576),
    (0x22, 7, 1_048_576),
    (0x23, 1, 1_048_576),
    (0x30, 5, 1_048_584),
    (0x38, 6, 1_048_576),
    (0x40, 5, 104_857_605),
    (0x60, 5, 4_000_000),
    (0x61, 3, 16_000_000),
];

/// A running node. It dies with this.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    command: Command,
    home: PathBuf,
    pub(crate) id: NodeId,
    pub(crate) network: String,
    p2p: SocketAddr,
    rpc: SocketAddr,
}

impl Node {
    /// A node that has produced a block. It keeps dialling `persistent_peers`.
    pub(crate) fn run(version: &Version, persistent_peers: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let program = built(version.directory, "github.com/cometbft/cometbft/cmd/cometbft");
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nodes").join(name);
        cometbft(&program, &home, &["init"]);
        let id = cometbft(&program, &home, &["show-node-id"]).trim().parse().unwrap();
        let genesis: Value = serde_json::from_reader(File::open(home.join("config/genesis.json")).unwrap()).unwrap();
        configure(&home.join("config/config.toml"));
        let (p2p, rpc) = (free(), free());
        let mut command = Command::new(&program);
        command
            .args(["node", "--proxy_app=kvstore", "--p2p.pex=false", "--home"])
            .arg(&home)
            .arg(format!("--p2p.laddr=tcp://{p2p}"))
            .arg(format!("--rpc.laddr=tcp://{rpc}"))
            .arg(format!("--p2p.persistent_peers={persistent_peers}"))
            .stdout(File::options().create(true).append(true).open(home.join("log")).unwrap());
        let child = command.spawn().unwrap();
        let network = genesis["chain_id"].as_str().unwrap().to_owned();
        let node = Self { child, command, home, id, network, p2p, rpc };
        node.wait_for("a block", || node.height().filter(|&height| height > 0));
        node
    }

    /// Kills it and starts it again, at the same place.
    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = self.command.spawn().unwrap();
    }

    /// Where others dial it.
    pub(crate) fn address(&self) -> PeerAddress {
        format!("{}@{}", self.id, self.p2p).parse().unwrap()
    }

    /// Our node of that name, in the network of this one.
    pub(crate) fn ours(&self, name: &str) -> LocalNode {
        let local = node(name, []);
        let mut info = NodeInfo::new(local.id(), &self.network, CHANNELS.map(|channel| channel.0));
        info.moniker = name.into();
        LocalNode::new(local.key().clone(), info).unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.p2p).unwrap()
    }

    /// The result of a call; `None` when there is no answer or an error.
    pub(crate) fn rpc(&self, call: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.rpc).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /{call} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let body: Value = serde_json::from_str(body).ok()?;
        body.get("result").cloned()
    }

    pub(crate) fn height(&self) -> Option<u64> {
        self.rpc("status")?["sync_info"]["latest_block_height"].as_str()?.parse().ok()
    }

    /// What `/net_info` says of this peer.
    pub(crate) fn peer(&self, id: NodeId) -> Option<Value> {
        let info = self.rpc("net_info")?;
        let peers = info["peers"].as_array()?;
        peers.iter().find(|peer| peer["node_info"]["id"] == id.to_string()).cloned()
    }

    pub(crate) fn wait_for<T>(&self, what: &str, check: impl Fn() -> Option<T>) -> T {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if let Some(found) = check() {
                return found;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("in vain: {what}; see {}", self.home.display());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.home).unwrap();
        }
    }
}

/// What the channels of a node need.
pub(crate) fn config() -> MConnConfig {
    let channel = |(id, priority, capacity)| ChannelConfig::new(id, priority).recv_message_capacity(capacity);
    MConnConfig::cometbft().channels(CHANNELS.map(channel))
}

fn cometbft(program: &Path, home: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).arg("--home").arg(home).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Peers may have the same address, and blocks come faster.
fn configure(file: &Path) {
    let mut text = std::fs::read_to_string(file).unwrap();
    for (setting, value) in [
        ("allow_duplicate_ip = false", "allow_duplicate_ip = true"),
        (r#"timeout_commit = "1s""#, r#"timeout_commit = "200ms""#),
    ] {
        assert!(text.contains(setting), "{setting}");
        text = text.replace(setting, value);
    }
    std::fs::write(file, text).unwrap();
}

/// Nothing listens there, for now.
fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
