//! The examples that talk to nodes, as programs: what they print and how they end.
#![cfg(all(feature = "tokio", feature = "peer"))]

mod crawl;
mod dial;
mod failures;
mod reactor;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use bytes::Bytes;
use mconn::adapter::tokio::switch::{Node, Options, run as run_switch};
use mconn::connection::ChannelConfig;
use mconn::peer::pex::{BookConfig, PexConfig, PexReactor};
use mconn::peer::switch::{Context, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::{NodeId, NodeKey};
use mconn::time::Instant;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The directory of the programs, built if need be: `cargo test --test node_examples` builds no examples.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        // This test is target/PROFILE/deps/node_examples-HASH.
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--all-features", "--manifest-path"]);
        build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        build.args(["--example", "dial_cometbft", "--example", "crawl", "--example", "reactor"]);
        build.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
        profile.join("examples")
    })
}

fn start(program: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(programs().join(program));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How a run has ended.
#[derive(Debug)]
struct End {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for End {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

fn run(program: &str, arguments: &[&str]) -> End {
    start(program, arguments).wait_with_output().unwrap().into()
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

/// Says one thing to each peer, on the channel of the state of the consensus.
struct Consensus(Vec<u8>);

impl Reactor for Consensus {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(0x20, 6)]
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        context.try_send(&peer, 0x20, Bytes::from(self.0.clone())).unwrap();
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: u8, _: Bytes) {}
}

/// Nodes of our own on loopback.
struct Net {
    runtime: Runtime,
}

impl Net {
    fn new() -> Self {
        Self { runtime: Runtime::new().unwrap() }
    }

    /// A node; with `knows` it exchanges addresses, and knows these.
    fn node(&self, seed: u8, knows: Option<&[PeerAddress]>) -> (Node, PeerAddress) {
        self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let key = NodeKey::from_seed(&[seed; 32]);
            let address = PeerAddress { id: key.id(), at: listener.local_addr().unwrap().into() };
            let mut info = NodeInfo::new(key.id(), "test-chain", []);
            info.moniker = format!("node {seed}");
            let mut config = SwitchConfig::default();
            config.limits.allow_duplicate_ip = true;
            let mut builder = Switch::builder(key, info).config(config);
            // NewRoundStep with a height of 7.
            builder.add_reactor(Consensus(vec![0x0a, 2, 8, 7])).unwrap();
            if let Some(known) = knows {
                builder.add_reactor(pex(address.id, known)).unwrap();
            }
            let (node, driver) = run_switch(builder, Some(listener), Options::default()).unwrap();
            tokio::spawn(driver);
            (node, address)
        })
    }
}

fn pex(own: NodeId, known: &[PeerAddress]) -> PexReactor {
    let (mut config, mut book) = (PexConfig::default(), BookConfig::default());
    book.allow_private = true;
    config.book = book;
    config.dials = false;
    let mut reactor = PexReactor::new(own, config, 1);
    for address in known {
        assert_eq!(reactor.book_mut().add(Instant::ZERO, address.clone(), own), Ok(true));
    }
    reactor
}

/// An address at which nobody listens.
fn nobody(seed: u8) -> PeerAddress {
    let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    PeerAddress { id: NodeKey::from_seed(&[seed; 32]).id(), at: at.into() }
}
