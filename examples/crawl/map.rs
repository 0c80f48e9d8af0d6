//! What was found: nodes, and who knows whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use mconn::peer::{NodeInfo, PeerAddress};
use mconn::secret::NodeId;
use serde::Serialize;

/// How a visit to a node has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It was not visited.
    NotDialled,
    Reached,
    Failed,
}

/// A node that somebody knows.
#[derive(Debug, Serialize)]
pub(crate) struct Node {
    id: String,
    address: String,
    /// Steps from the first node.
    depth: usize,
    pub(crate) state: State,
    /// Why it was not reached, or not dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<Info>,
    /// The ids of the nodes of which it has told us.
    knows: BTreeSet<String>,
    /// Why it has not told us of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent: Option<String>,
}

/// What a node says of itself.
#[derive(Debug, Serialize)]
struct Info {
    moniker: String,
    network: String,
    version: String,
    listen_addr: String,
    channels: String,
    protocol: Protocol,
    rpc_address: String,
}

/// The versions of its protocols.
#[derive(Debug, Serialize)]
struct Protocol {
    p2p: u64,
    block: u64,
    app: u64,
}

impl From<&NodeInfo> for Info {
    fn from(info: &NodeInfo) -> Self {
        let NodeInfo { moniker, network, version, listen_addr, rpc_address, .. } = info.clone();
        let protocol = Protocol { p2p: info.protocol.p2p, block: info.protocol.block, app: info.protocol.app };
        Self { moniker, network, version, listen_addr, channels: hex::encode(&info.channels), protocol, rpc_address }
    }
}

/// All that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Map {
    start: String,
    pub(crate) network: String,
    /// Whether nothing was left to dial within the limits.
    pub(crate) complete: bool,
    pub(crate) seconds: f64,
    #[serde(serialize_with = "values")]
    pub(crate) nodes: BTreeMap<NodeId, Node>,
}

fn values<S: serde::Serializer>(nodes: &BTreeMap<NodeId, Node>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(nodes.values())
}

impl Map {
    pub(crate) fn new(start: &PeerAddress) -> Self {
        let nodes = BTreeMap::new();
        Self { start: start.to_string(), network: String::new(), complete: false, seconds: 0.0, nodes }
    }

    /// Somebody knows a node. Whether it is new.
    pub(crate) fn add(&mut self, address: &PeerAddress, depth: usize) -> bool {
        if self.nodes.contains_key(&address.id) {
            return false;
        }
        let (id, at) = (address.id.to_string(), address.at.to_string());
        let (state, knows) = (State::NotDialled, BTreeSet::new());
        let node = Node { id, address: at, depth, state, why: None, info: None, knows, silent: None };
        self.nodes.insert(address.id, node);
        true
    }

    /// A node was there, and said this.
    pub(crate) fn reached(&mut self, id: &NodeId, info: &NodeInfo, knows: Result<&[PeerAddress], String>) {
        let Some(node) = self.nodes.get_mut(id) else { return };
        node.state = State::Reached;
        node.why = None;
        node.info = Some(info.into());
        match knows {
            Ok(addresses) => node.knows = addresses.iter().map(|address| address.id.to_string()).collect(),
            Err(why) => node.silent = Some(why),
        }
    }

    /// A node could not be reached, or is not dialled.
    pub(crate) fn not_reached(&mut self, id: &NodeId, state: State, why: String) {
        if let Some(node) = self.nodes.get_mut(id) {
            (node.state, node.why) = (state, Some(why));
        }
    }

    pub(crate) fn finish(&mut self, complete: bool, duration: Duration) {
        self.complete = complete;
        self.seconds = (duration.as_secs_f64() * 1000.0).round() / 1000.0;
    }

    pub(crate) fn count(&self, state: State) -> usize {
        self.nodes.values().filter(|node| node.state == state).count()
    }

    pub(crate) fn to_json(&self) -> String {
        // Nothing in it can fail: the keys of all maps are texts.
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }

    /// The graph of who knows whom.
    pub(crate) fn to_dot(&self) -> String {
        let mut text = format!("digraph {} {{\n  node [shape=box];\n", quoted(&self.network));
        for node in self.nodes.values() {
            let moniker = node.info.as_ref().map_or("", |info| &info.moniker);
            let label = quoted(&format!("{moniker}\n{}\n{}", &node.id[..8], node.address));
            let style = match node.state {
                State::Reached => "",
                State::Failed => ", color=red",
                State::NotDialled => ", color=gray",
            };
            _ = writeln!(text, "  {} [label={label}{style}];", quoted(&node.id));
            for known in &node.knows {
                _ = writeln!(text, "  {} -> {};", quoted(&node.id), quoted(known));
            }
        }
        text + "}\n"
    }

    pub(crate) fn summary(&self) -> String {
        let [reached, failed, rest] = [State::Reached, State::Failed, State::NotDialled].map(|state| self.count(state));
        let all = self.nodes.len();
        format!(
            "{all} nodes of {:?}: {reached} reached, {failed} failed, {rest} not dialled; {:.1} s",
            self.network, self.seconds
        )
    }
}

/// A text as Graphviz reads it. What others say of themselves must not become part of the graph.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
