//! How a switch behaves.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use super::backoff::Backoff;
use super::limits::PeerLimits;
use crate::connection::MConnConfig;
use crate::peer::node_info::NodeInfo;
use crate::peer::upgrade::UpgradeConfig;

/// How a switch behaves.
#[derive(Debug)]
#[non_exhaustive]
pub struct SwitchConfig {
    /// How many peers, and which.
    pub limits: PeerLimits,
    /// How connections are upgraded.
    pub upgrade: UpgradeConfig,
    /// How the connections of peers behave. The channels are those of the reactors. As CometBFT nodes do
    /// ([`MConnConfig::cometbft`]).
    pub connection: MConnConfig,
    /// When persistent peers are dialled again.
    pub backoff: Backoff,
    /// How long a second connection to a node stands by until one of the two goes. 3 s. It must be longer than bytes travel.
    pub standby: Duration,
    /// How long [`Context::send`](super::Context::send) waits for room. 10 s, as in Go (`defaultSendTimeout`).
    pub send_timeout: Duration,
    /// Messages for one peer that may wait for room. 64.
    pub max_waiting_messages: usize,
    /// Bytes of messages for one peer that may wait for room. 1 MiB. One message may exceed it.
    pub max_waiting_bytes: usize,
    /// Who is not wanted.
    pub filter: Option<Box<dyn PeerFilter>>,
}

impl Default for SwitchConfig {
    fn default() -> Self {
        Self {
            limits: PeerLimits::default(),
            upgrade: UpgradeConfig::default(),
            connection: MConnConfig::cometbft(),
            backoff: Backoff::default(),
            standby: Duration::from_secs(3),
            send_timeout: Duration::from_secs(10),
            max_waiting_messages: 64,
            max_waiting_bytes: 1 << 20,
            filter: None,
        }
    }
}

/// Says who is not wanted (`ConnFilterFunc` and `PeerFilterFunc` of `p2p @ v0.38`). It answers at once: who has to ask somebody
/// else stops the peer later.
pub trait PeerFilter: fmt::Debug + Send {
    /// Whether a connection with this address is wanted, before anything is read from it.
    ///
    /// # Errors
    /// Why it is not.
    fn check_address(&mut self, _remote: SocketAddr) -> Result<(), String> {
        Ok(())
    }

    /// Whether a node that says this of itself is wanted.
    ///
    /// # Errors
    /// Why it is not.
    fn check_node(&mut self, _info: &NodeInfo, _remote: SocketAddr, _is_outbound: bool) -> Result<(), String> {
        Ok(())
    }
}
