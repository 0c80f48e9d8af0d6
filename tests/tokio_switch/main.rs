//! Switches on tokio, over loopback TCP.
#![cfg(all(feature = "tokio", feature = "peer"))]

mod dialling;
mod endings;
mod peers;
mod strangers;
mod upgrade;

use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::tokio::switch::{Events, Node, Options, run};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Context, EndReason, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::{NodeId, NodeKey};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

const CHANNEL: u8 = 0x77;

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a reactor has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Init(NodeId),
    Add(NodeId),
    Received(NodeId, Bytes),
    Remove(NodeId),
}

/// Tells all that it sees, and greets each peer if it has a greeting.
struct Witness {
    seen: UnboundedSender<Seen>,
    greeting: Option<Bytes>,
}

impl Witness {
    fn tell(&self, seen: Seen) {
        let _ = self.seen.send(seen);
    }
}

impl Reactor for Witness {
    fn channels(&self) -> Vec<ChannelConfig> {
        vec![ChannelConfig::new(CHANNEL, 1).send_queue_capacity(10)]
    }

    fn init_peer(&mut self, _: &mut Context<'_>, peer: NodeId) {
        self.tell(Seen::Init(peer));
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        self.tell(Seen::Add(peer));
        if let Some(greeting) = self.greeting.clone() {
            context.try_send(&peer, CHANNEL, greeting).unwrap();
        }
    }

    fn receive(&mut self, _: &mut Context<'_>, peer: NodeId, _: u8, message: Bytes) {
        self.tell(Seen::Received(peer, message));
    }

    fn remove_peer(&mut self, _: &mut Context<'_>, peer: NodeId, _: &EndReason) {
        self.tell(Seen::Remove(peer));
    }
}

/// A node that runs.
struct Running {
    node: Node,
    address: PeerAddress,
    events: Events,
    seen: UnboundedReceiver<Seen>,
    driver: JoinHandle<()>,
}

impl Running {
    async fn start(seed: u8, config: SwitchConfig) -> Self {
        Self::start_at(seed, config, "127.0.0.1:0", None).await
    }

    async fn start_at(seed: u8, mut config: SwitchConfig, at: &str, greeting: Option<Bytes>) -> Self {
        config.limits.allow_duplicate_ip = true;
        let listener = TcpListener::bind(at).await.unwrap();
        let key = NodeKey::from_seed(&[seed; 32]);
        let address = PeerAddress { id: key.id(), at: listener.local_addr().unwrap().into() };
        let mut builder = Switch::builder(key.clone(), NodeInfo::new(key.id(), "test-chain", [])).config(config);
        let (sender, seen) = unbounded_channel();
        builder.add_reactor(Witness { seen: sender, greeting }).unwrap();
        let (node, driver) = run(builder, Some(listener), Options::default()).unwrap();
        let events = node.events();
        Self { node, address, events, seen, driver: tokio::spawn(driver) }
    }

    fn id(&self) -> NodeId {
        self.address.id
    }

    async fn seen(&mut self) -> Seen {
        soon(self.seen.recv()).await.unwrap()
    }

    async fn event(&mut self) -> Event {
        soon(self.events.recv()).await.unwrap()
    }

    /// Passes over events until the end of a connection.
    async fn ended(&mut self) -> (Option<NodeId>, bool, EndReason) {
        loop {
            if let Event::Ended { id, was_peer, reason, .. } = self.event().await {
                return (id, was_peer, reason);
            }
        }
    }

    /// Waits until this node is a peer, and init and add were seen.
    async fn sees_add(&mut self, id: NodeId) {
        assert_eq!(self.seen().await, Seen::Init(id));
        assert_eq!(self.seen().await, Seen::Add(id));
    }

    fn peers(&self) -> Vec<NodeId> {
        self.node.peers().into_iter().map(|peer| peer.id).collect()
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happens")
}

/// Redials quickly.
fn impatient() -> SwitchConfig {
    let mut config = SwitchConfig::default();
    config.backoff.interval = Duration::from_millis(20);
    config.backoff.jitter = Duration::from_millis(20);
    config.backoff.quick = 10_000;
    config
}

/// Two nodes, the first of which has dialled the second.
async fn pair(first: SwitchConfig, second: SwitchConfig) -> (Running, Running) {
    let (mut alice, mut bob) = (Running::start(1, first).await, Running::start(2, second).await);
    alice.node.dial(&bob.address).unwrap();
    alice.sees_add(bob.id()).await;
    bob.sees_add(alice.id()).await;
    (alice, bob)
}
