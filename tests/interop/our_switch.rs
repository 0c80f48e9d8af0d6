//! Our switch, on tokio, with a reactor that tells what happens to it.

use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use mconn::adapter::tokio::switch::{Node, Options, run};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Context, EndReason, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::NodeId;
use mconn::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::go_peer::PATIENCE;
use crate::our_end::runtime;
use crate::sealed::{NETWORK, node};

/// What our reactor and our switch tell.
#[derive(Debug)]
pub(crate) enum Told {
    Added { peer: NodeId, outbound: bool, info: NodeInfo },
    Removed { peer: NodeId, reason: EndReason },
    Received { channel: u8, message: Bytes },
    DialEnded { reason: EndReason },
    Switch(Event),
}

/// A running switch. Dropped, it is gone as if it had been killed.
pub(crate) struct OurSwitch {
    node: Node,
    driver: Option<JoinHandle<()>>,
    told: Receiver<Told>,
    pub(crate) id: NodeId,
    pub(crate) port: u16,
}

/// Tells what happens to it.
struct Teller {
    channels: Vec<ChannelConfig>,
    tell: Sender<Told>,
}

impl Teller {
    fn tell(&self, told: Told) {
        // A test that is done listens no more.
        let _ = self.tell.send(told);
    }
}

impl Reactor for Teller {
    fn channels(&self) -> Vec<ChannelConfig> {
        self.channels.clone()
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        let found = context.peer(&peer).unwrap();
        self.tell(Told::Added { peer, outbound: found.is_outbound(), info: found.node_info().clone() });
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, channel: u8, message: Bytes) {
        self.tell(Told::Received { channel, message });
    }

    fn remove_peer(&mut self, _: &mut Context<'_>, peer: NodeId, reason: &EndReason) {
        self.tell(Told::Removed { peer, reason: reason.clone() });
    }

    fn dial_ended(&mut self, _: &mut Context<'_>, _: &PeerAddress, reason: &EndReason) {
        self.tell(Told::DialEnded { reason: reason.clone() });
    }
}

/// Several peers at one address, and dials that follow each other soon.
pub(crate) fn config() -> SwitchConfig {
    let mut config = SwitchConfig::default();
    config.limits.allow_duplicate_ip = true;
    config.backoff.interval = Duration::from_millis(200);
    config.backoff.jitter = Duration::from_millis(100);
    config
}

impl OurSwitch {
    /// The node of that name, on a free port.
    pub(crate) fn run(name: &str, channels: &[(u8, u32)], config: SwitchConfig) -> Self {
        Self::run_on(0, name, channels, config)
    }

    pub(crate) fn run_on(port: u16, name: &str, channels: &[(u8, u32)], config: SwitchConfig) -> Self {
        let channels = channels.iter().map(|&(id, priority)| ChannelConfig::new(id, priority)).collect();
        Self::run_in(NETWORK, port, name, channels, config)
    }

    /// The same in another network.
    pub(crate) fn run_in(
        network: &str,
        port: u16,
        name: &str,
        channels: Vec<ChannelConfig>,
        config: SwitchConfig,
    ) -> Self {
        let listener = runtime().block_on(TcpListener::bind(("127.0.0.1", port))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = channel();
        let local = node(name, []);
        let mut info = NodeInfo::new(local.id(), network, []);
        info.listen_addr = format!("127.0.0.1:{port}");
        let mut builder = Switch::builder(local.key().clone(), info).config(config);
        builder.add_reactor(Teller { channels, tell: tell.clone() }).unwrap();
        let _inside = runtime().enter();
        let (node, driver) = run(builder, Some(listener), Options::default()).unwrap();
        let mut events = node.events();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let _ = tell.send(Told::Switch(event));
            }
        });
        Self { node, driver: Some(tokio::spawn(driver)), told, id: local.id(), port }
    }

    pub(crate) fn address(&self) -> String {
        format!("{}@127.0.0.1:{}", self.id, self.port)
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.node.with(act)
    }

    pub(crate) fn add_persistent_peer(&self, address: PeerAddress) -> bool {
        self.node.add_persistent_peer(address)
    }

    /// The next thing told that is wanted. What comes before it is lost.
    pub(crate) fn until<T>(&self, what: &str, mut wanted: impl FnMut(Told) -> Option<T>) -> T {
        loop {
            let told = self.told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("in vain: {what}"));
            if let Some(found) = wanted(told) {
                return found;
            }
        }
    }

    pub(crate) fn until_added(&self, id: &str) -> (bool, NodeInfo) {
        self.until("a peer that is added", |told| match told {
            Told::Added { peer, outbound, info } if peer.to_string() == id => Some((outbound, info)),
            _ => None,
        })
    }

    pub(crate) fn until_removed(&self, id: &str) -> EndReason {
        self.until("a peer that is removed", |told| match told {
            Told::Removed { peer, reason } if peer.to_string() == id => Some(reason),
            _ => None,
        })
    }

    pub(crate) fn peers(&self) -> Vec<String> {
        self.with(|context| context.peers().map(|peer| peer.id().to_string()).collect())
    }
}

impl Drop for OurSwitch {
    fn drop(&mut self) {
        let Some(driver) = self.driver.take() else { return };
        driver.abort();
        // Until it is gone, so is nobody else at its port. A panic of it has been printed.
        let _ = runtime().block_on(driver);
    }
}
