//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use mconn::sim::DatagramConfig;
use mconn::sliding_window::Config;
use mconn::sliding_window::congestion::Algorithm;

/// What UDP and IPv4 add to a datagram, in bytes.
const OVERHEAD: usize = 28;

/// One transfer between two sessions over a simulated link, in virtual time.
///
/// The link is the same in both directions. Sizes are in bytes, rates in bits per second: 20M is 20,000,000, 64Ki is 65,536.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
pub(crate) struct Arguments {
    /// How many bytes to send
    #[arg(long, value_name = "BYTES", default_value = "4M", value_parser = some)]
    pub(crate) bytes: u64,
    /// How many bytes each message has
    #[arg(long, value_name = "BYTES", default_value = "8Ki", value_parser = message_size)]
    pub(crate) message: usize,
    /// Datagrams lost by chance, of a hundred
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parts)]
    pub(crate) loss: u32,
    /// The time on the way, in one direction
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = humantime::parse_duration)]
    pub(crate) delay: Duration,
    /// The longest time besides, drawn for each datagram
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = humantime::parse_duration)]
    pub(crate) jitter: Duration,
    /// The bits per second that the link carries, or "unlimited"
    #[arg(long, value_name = "BITS", default_value = "20M", value_parser = rate)]
    pub(crate) rate: Rate,
    /// Bytes that wait for the link, at most; as many as it carries in one round trip if not given, and 16 Ki at least
    #[arg(long, value_name = "BYTES", value_parser = size)]
    queue: Option<u64>,
    /// Datagrams held up for as long as a round trip, of a hundred
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parts)]
    pub(crate) reorder: u32,
    /// Datagrams that arrive twice, of a hundred
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parts)]
    pub(crate) duplicate: u32,
    /// Datagrams that arrive damaged, of a hundred
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parts)]
    pub(crate) corrupt: u32,
    /// The congestion control
    #[arg(long, value_enum, default_value_t = Congestion::Cubic)]
    pub(crate) congestion: Congestion,
    /// The window of "fixed"
    #[arg(long, value_name = "BYTES", default_value = "256Ki", value_parser = some)]
    window: u64,
    /// What all chance is drawn from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Draw the transfer into this file
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

/// The policies by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Congestion {
    /// A window that stays as it is
    Fixed,
    /// RFC 9002
    Newreno,
    /// RFC 9438
    Cubic,
    /// After BBR
    Bbr,
}

/// Bits per second; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) Option<u64>);

impl Arguments {
    /// The least time from a datagram to its answer.
    pub(crate) fn round_trip(&self) -> Duration {
        self.delay.saturating_mul(2)
    }

    /// The link, in one direction.
    pub(crate) fn link(&self) -> DatagramConfig {
        let mut link = DatagramConfig::new()
            .latency(self.delay)
            .jitter(self.jitter)
            .overhead(OVERHEAD)
            .loss(self.loss)
            .reorder(self.reorder, self.round_trip())
            .duplicate(self.duplicate, self.round_trip())
            .corrupt(self.corrupt);
        if let Rate(Some(bits)) = self.rate {
            link = link.bandwidth((bits / 8).max(1), self.queue());
        }
        link
    }

    /// The bytes that wait for the link at most.
    pub(crate) fn queue(&self) -> usize {
        let bits = self.rate.0.unwrap_or(0);
        let in_a_round_trip = (bits as f64 / 8.0 * self.round_trip().as_secs_f64()) as u64;
        let queue = self.queue.unwrap_or_else(|| in_a_round_trip.max(16 << 10));
        usize::try_from(queue).unwrap_or(usize::MAX)
    }

    /// The configuration of one of the two sessions. Its tag is no secret here: nobody else is on the link.
    pub(crate) fn session(&self, tag: u64) -> Config {
        let mut config = Config::new(tag, self.seed ^ tag);
        config.congestion = match self.congestion {
            Congestion::Fixed => Algorithm::Fixed { bytes: self.window, packets: u64::MAX },
            Congestion::Newreno => Algorithm::NewReno,
            Congestion::Cubic => Algorithm::Cubic,
            Congestion::Bbr => Algorithm::Bbr,
        };
        config
    }
}

fn size(text: &str) -> Result<u64, String> {
    parse_size::parse_size(text).map_err(|error| error.to_string())
}

fn some(text: &str) -> Result<u64, String> {
    size(text).and_then(|bytes| if bytes == 0 { Err("at least 1".into()) } else { Ok(bytes) })
}

fn message_size(text: &str) -> Result<usize, String> {
    let most = Config::new(1, 1).send.max_message;
    match size(text)?.try_into() {
        Ok(len) if (1..=most).contains(&len) => Ok(len),
        _ => Err(format!("a message has 1 to {most} bytes")),
    }
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "unlimited" {
        return Ok(Rate(None));
    }
    match size(text)? {
        0 => Err("at 0 bits per second nothing ever arrives".into()),
        bits => Ok(Rate(Some(bits))),
    }
}

/// Percent as parts per million.
fn parts(text: &str) -> Result<u32, String> {
    let percent: f64 = text.trim_end_matches('%').parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&percent) {
        Ok((percent * 10_000.0).round() as u32)
    } else {
        Err("it is a percentage: 0 to 100".into())
    }
}
