//! The examples that talk to nodes, as programs: what they print and how they end.
#![cfg(all(feature = "tokio", feature = "peer"))]

#[path = "../support/example.rs"]
mod example;

mod crawl;
mod dial;
mod failures;
mod reactor;

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
