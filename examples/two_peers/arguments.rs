//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Two peers exchange a file and a stream of small urgent messages over TCP.
///
/// Without --listen or --dial both run in this process, over loopback.
#[derive(Debug, Parser)]
#[command(name = "two_peers")]
pub(crate) struct Arguments {
    /// The file to send; bytes made on the spot if there is none
    #[arg(conflicts_with = "listen")]
    pub(crate) file: Option<PathBuf>,
    /// Wait here for a peer, and receive
    #[arg(long, value_name = "ADDR", conflicts_with = "dial")]
    pub(crate) listen: Option<String>,
    /// Connect to a peer there, and send
    #[arg(long, value_name = "ADDR")]
    pub(crate) dial: Option<String>,
    /// The wire format; both sides must speak the same
    #[arg(long, value_enum, default_value_t = Wire::Proto3)]
    pub(crate) wire: Wire,
    /// The limit on what is sent, in bytes per second, or "unlimited"
    #[arg(long, value_name = "BYTES_PER_S", default_value = "33554432", value_parser = send_rate)]
    pub(crate) send_rate: SendRate,
    /// How many bytes to make when there is no file
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub(crate) size: u64,
    /// Use two threads per connection instead of tokio
    #[arg(long)]
    pub(crate) blocking: bool,
}

/// The wire formats by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    /// Tendermint v0.34 to CometBFT today
    Proto3,
    /// Tendermint v0.22 to v0.33
    Amino,
    /// Tendermint up to v0.18
    Gowire,
}

/// Bytes per second; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendRate(pub(crate) Option<u64>);

fn send_rate(text: &str) -> Result<SendRate, String> {
    if text == "unlimited" {
        return Ok(SendRate(None));
    }
    match text.parse() {
        Ok(0) => Err("at 0 bytes per second nothing is ever sent".into()),
        Ok(rate) => Ok(SendRate(Some(rate))),
        Err(_) => Err("not a number of bytes per second, nor \"unlimited\"".into()),
    }
}
