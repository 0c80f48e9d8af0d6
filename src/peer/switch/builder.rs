//! From reactors and a configuration to a switch.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use thiserror::Error;

use super::config::SwitchConfig;
use super::core::Core;
use super::redial::Redials;
use super::state::{Registered, Switch};
use super::table::Table;
use crate::connection::{ChannelConfig, ConfigError, MConnState};
use crate::peer::local::{LocalNode, LocalNodeError};
use crate::peer::node_info::NodeInfo;
use crate::peer::reactor::Reactor;
use crate::peer::sequence::Sequence;
use crate::secret::NodeKey;
use crate::time::Instant;

/// Gathers what a switch consists of. Made by [`Switch::builder`].
pub struct SwitchBuilder {
    key: NodeKey,
    info: NodeInfo,
    config: SwitchConfig,
    reactors: Vec<Registered>,
    channels: Vec<ChannelConfig>,
}

/// Two reactors want one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("channel {channel:#04x} has a reactor already")]
#[non_exhaustive]
pub struct DuplicateChannel {
    /// The channel.
    pub channel: u8,
}

/// Why there is no switch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// No other node would accept what we want to say of us.
    #[error(transparent)]
    LocalNode(#[from] LocalNodeError),
    /// The configuration of connections can not work with these channels.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl SwitchBuilder {
    pub(super) fn new(key: NodeKey, info: NodeInfo) -> Self {
        let (reactors, channels) = (Vec::new(), Vec::new());
        Self { key, info, config: SwitchConfig::default(), reactors, channels }
    }

    /// Sets how the switch behaves.
    #[must_use]
    pub fn config(mut self, config: SwitchConfig) -> Self {
        self.config = config;
        self
    }

    /// Adds a reactor, with its channels. The order of registration is the order in which reactors are told of peers, and
    /// breaks ties between channels of equal priority.
    ///
    /// # Errors
    /// [`DuplicateChannel`]; nothing has changed. Go panics (`AddReactor` of `p2p/switch.go @ v0.38`).
    pub fn add_reactor(&mut self, reactor: impl Reactor) -> Result<&mut Self, DuplicateChannel> {
        let channels = reactor.channels();
        for (place, channel) in channels.iter().enumerate() {
            let own = channels.iter().take(place);
            if self.channels.iter().chain(own).any(|other| other.id == channel.id) {
                return Err(DuplicateChannel { channel: channel.id });
            }
        }
        let ids = channels.iter().map(|channel| channel.id).collect();
        self.channels.extend(channels);
        self.reactors.push(Registered::new(Box::new(reactor), ids));
        Ok(self)
    }

    /// The switch. What is left to chance (when persistent peers are dialled) follows from the seed.
    ///
    /// The channels of the reactors become those of the NodeInfo and of the connections.
    ///
    /// # Errors
    /// [`SwitchError`] when it could not talk to anybody.
    pub fn build(self, seed: u64, now: Instant) -> Result<Switch, SwitchError> {
        let Self { key, mut info, mut config, reactors, channels } = self;
        info.channels = channels.iter().map(|channel| channel.id).collect();
        config.connection.channels = channels;
        // That it works now means that it works for each peer.
        MConnState::new(config.connection.clone(), now)?;
        let local = Arc::new(LocalNode::new(key, info)?);
        let mut table = Table::new(local.id(), config.limits.clone());
        reactors.iter().for_each(|_| table.add_reactor());
        let core = Core {
            now,
            local,
            table,
            redials: Redials::new(config.backoff.clone(), Sequence::new(seed)),
            config,
            connections: Default::default(),
            deadlines: Default::default(),
            commands: Default::default(),
            events: Default::default(),
            stopped: false,
            dropped_messages: 0,
        };
        Ok(Switch::new(core, reactors))
    }
}

impl core::fmt::Debug for SwitchBuilder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SwitchBuilder")
            .field("info", &self.info)
            .field("reactors", &self.reactors.len())
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}
