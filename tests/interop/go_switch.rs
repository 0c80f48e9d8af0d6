//! A switch of Go.

use serde_json::json;

use crate::go_peer::{GoConfig, GoEvent, GoNodeInfo, GoPeer, GoPeerStatus, Link, PATIENCE};

impl GoPeer {
    /// A switch that listens.
    pub(crate) fn switch(&self, config: &GoConfig) -> GoSwitch<'_> {
        let link = self.link();
        link.command(json!({"do": "switch", "config": config}));
        loop {
            match link.next() {
                GoEvent::Running { port, text } => return GoSwitch { link, port, id: text },
                GoEvent::Logged { .. } => {}
                other => panic!("not running but {other:?}"),
            }
        }
    }
}

/// One switch in a Go peer.
#[derive(Debug)]
pub(crate) struct GoSwitch<'a> {
    link: Link<'a>,
    pub(crate) id: String,
    pub(crate) port: u16,
}

impl GoSwitch<'_> {
    pub(crate) fn address(&self) -> String {
        format!("{}@127.0.0.1:{}", self.id, self.port)
    }

    /// `dial_persistent`, `peers` or `stop`.
    pub(crate) fn tell(&self, what: &str) {
        self.link.tell(what);
    }

    pub(crate) fn dial(&self, address: &str) {
        self.link.command(json!({"do": "dial", "peer": address}));
    }

    /// Has the message of that number and length broadcast.
    pub(crate) fn broadcast(&self, channel: u8, index: usize, len: usize) {
        let command = json!({"do": "broadcast", "channel": channel, "index": index, "lens": [len]});
        self.link.command(command);
    }

    /// The same to one peer.
    pub(crate) fn send(&self, peer: &str, channel: u8, index: usize, len: usize) {
        let command = json!({"do": "send", "peer": peer, "channel": channel, "index": index, "lens": [len]});
        self.link.command(command);
    }

    pub(crate) fn disconnect(&self, peer: &str, reason: &str) {
        self.link.command(json!({"do": "disconnect", "peer": peer, "reason": reason}));
    }

    /// The next event that is wanted. What comes before it is lost.
    pub(crate) fn until<T>(&self, what: &str, mut wanted: impl FnMut(GoEvent) -> Option<T>) -> T {
        loop {
            let event = self.link.next_within(PATIENCE).unwrap_or_else(|| panic!("in vain: {what}"));
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    pub(crate) fn until_added(&self, id: &str) -> (GoPeerStatus, GoNodeInfo) {
        self.until("a peer that is added", |event| match event {
            GoEvent::Added { peer, info } if peer.id == id => Some((peer, info)),
            _ => None,
        })
    }

    pub(crate) fn until_removed(&self, id: &str) -> String {
        self.until("a peer that is removed", |event| match event {
            GoEvent::Removed { peer, text } if peer.id == id => Some(text),
            _ => None,
        })
    }

    pub(crate) fn until_failed(&self) -> String {
        self.until("a failure", |event| match event {
            GoEvent::Failed { text } => Some(text),
            _ => None,
        })
    }

    /// The channel, length and hash of the next message of a peer.
    pub(crate) fn until_received(&self, id: &str) -> (u8, usize, String) {
        self.until("a message", |event| match event {
            GoEvent::Received { peer, channel, len, sha256 } if peer.id == id => Some((channel, len, sha256)),
            _ => None,
        })
    }

    pub(crate) fn peers(&self) -> Vec<String> {
        self.tell("peers");
        self.until("the peers", |event| match event {
            GoEvent::Peers { peers } => Some(peers.into_iter().map(|peer| peer.id).collect()),
            _ => None,
        })
    }
}
