//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use mconn::peer::PeerAddress;

/// Crawl a CometBFT network by peer exchange, and print who is there and who knows whom.
#[derive(Debug, Parser)]
#[command(name = "crawl")]
pub(crate) struct Arguments {
    /// The node to begin with, as ID@HOST:PORT
    pub(crate) address: PeerAddress,
    /// The network (chain id) of which we are; that of the first node if this is left out
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Nodes that are dialled at one time
    #[arg(long, value_name = "NODES", default_value_t = 16, value_parser = at_least_one)]
    pub(crate) concurrency: usize,
    /// How far from the first node to go: 0 is that node alone
    #[arg(long, value_name = "STEPS", default_value_t = 8)]
    pub(crate) depth: usize,
    /// How many nodes to dial at most
    #[arg(long, value_name = "NODES", default_value_t = 1000, value_parser = at_least_one)]
    pub(crate) max_nodes: usize,
    /// How long each step with a node may take: the connection, each half of the handshake, the answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// How long all may take
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) limit: Option<Duration>,
    /// Dial also addresses that can not be reached from everywhere, such as 127.0.0.1 and 10.0.0.7
    #[arg(long)]
    pub(crate) private: bool,
    /// Write JSON to this file, or to standard output (-); the default, unless there is --dot
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write a graph for Graphviz to this file, or to standard output (-)
    #[arg(long, value_name = "FILE")]
    pub(crate) dot: Option<PathBuf>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("with none there is nothing to do".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a number".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a number of seconds".into())
}
