//! What both command lines have.

use std::time::Duration;

use clap::Args;
use mconn::sliding_window::Config;

const DEFAULT_SUBJECT: &str = "mconn.receive_file";

/// How the two programs reach each other.
#[derive(Clone, Debug, Args)]
pub(crate) struct LinkArguments {
    /// Meet the other side over this NATS server in place of UDP, such as nats://HOST:4222
    #[arg(long, value_name = "URL")]
    pub(crate) nats: Option<String>,
    /// The subject on which receive_file listens; both sides must name the same
    #[arg(long, value_name = "SUBJECT", default_value = DEFAULT_SUBJECT, requires = "nats")]
    pub(crate) subject: String,
    /// End when nothing is heard from the other side for so long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = timeout)]
    pub(crate) timeout: Duration,
    /// The largest datagram over UDP, in bytes; the smaller one of both sides holds. 1,232 go through every path of the internet,
    /// 8,900 through a network with jumbo frames, 65,000 through the loopback
    #[arg(long, value_name = "BYTES", default_value_t = 1232, value_parser = datagram)]
    pub(crate) datagram: u16,
}

impl LinkArguments {
    /// Without a command line: the defaults, but for the timeout.
    pub(crate) fn quick(timeout: Duration) -> Self {
        Self { nats: None, subject: DEFAULT_SUBJECT.into(), timeout, datagram: 1232 }
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(timeout) if timeout >= Duration::from_millis(100) => Ok(timeout),
        Ok(_) => Err("at least 100ms".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn datagram(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(bytes) if (Config::MIN_DATAGRAM..=65_507).contains(&usize::from(bytes)) => Ok(bytes),
        _ => Err(format!("{} to 65507", Config::MIN_DATAGRAM)),
    }
}
