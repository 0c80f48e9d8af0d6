//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use mconn::peer::{PeerAddress, node_key};
use mconn::secret::NodeKey;

use crate::common::introduction::Introduction;
use crate::failure::Failure;

/// Dial a CometBFT node and show what it sends, channel by channel.
#[derive(Debug, Parser)]
#[command(name = "dial_cometbft")]
pub(crate) struct Arguments {
    /// The node, as ID@HOST:PORT
    pub(crate) address: PeerAddress,
    /// The network (chain id) of which we are; that of the node if this is left out
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// End after so many seconds; otherwise ctrl-c ends
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) seconds: Option<Duration>,
    /// How long each step may take until there is a connection
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// The node_key.json with our key; a new key if this is left out
    #[arg(long, value_name = "FILE")]
    node_key: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn key(&self) -> Result<NodeKey, Failure> {
        let Some(path) = &self.node_key else { return Ok(Introduction::passing_key()?) };
        let wrong = |why: String| Failure::NodeKey { path: path.clone(), why };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        node_key::from_json(&text).map_err(|error| wrong(error.to_string()))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a number of seconds".into())
}
