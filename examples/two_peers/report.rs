//! What is printed at the end.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::HumanBytes;
use mconn::connection::Counters;

use crate::config::{CHANNELS, FILE};
use crate::failure::Failure;
use crate::format::{Checksum, Receipt};

/// A complete exchange, as one of the two sides has seen it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The checksum by the sender.
    pub(crate) sent: Checksum,
    /// What the receiver tells.
    pub(crate) receipt: Receipt,
    pub(crate) duration: Duration,
    /// Of the connection on our side.
    pub(crate) counters: Counters,
}

/// Prints the table and compares the checksums.
pub(crate) fn print(outcome: &Outcome) -> Result<(), Failure> {
    // Whoever closed the pipe has seen enough.
    _ = write(outcome, &mut io::stdout().lock());
    let (sent, received) = (outcome.sent, outcome.receipt.checksum);
    if sent != received {
        return Err(Failure::Checksum { sent: hex::encode(sent), received: hex::encode(received) });
    }
    Ok(())
}

fn write(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let reports = outcome.receipt.channels;
    let total: u64 = reports.iter().map(|report| report.bytes).sum();
    writeln!(
        out,
        "{:<13} {:>8} {:>9} {:>13} {:>8} {:>10} {:>10}",
        "channel", "priority", "messages", "bytes", "share", "p50", "p99"
    )?;
    for (channel, report) in CHANNELS.iter().zip(reports) {
        writeln!(
            out,
            "{:<13} {:>8} {:>9} {:>13} {:>6.2} % {:>7.2} ms {:>7.2} ms",
            format!("{:#04x} {}", channel.id, channel.name),
            channel.priority,
            report.messages,
            report.bytes,
            report.bytes as f64 * 100.0 / total.max(1) as f64,
            report.p50 as f64 / 1e6,
            report.p99 as f64 / 1e6,
        )?;
    }
    let seconds = outcome.duration.as_secs_f64();
    let file = CHANNELS.iter().zip(reports).find(|(channel, _)| channel.id == FILE.id);
    let bytes = file.map_or(0, |(_, report)| report.bytes);
    let counters = outcome.counters;
    writeln!(
        out,
        "{seconds:.2} s, {}/s; pings {} out, {} in; pongs {} out, {} in",
        HumanBytes((bytes as f64 / seconds) as u64),
        counters.pings_sent,
        counters.pings_received,
        counters.pongs_sent,
        counters.pongs_received,
    )?;
    let (sent, received) = (outcome.sent, outcome.receipt.checksum);
    writeln!(out, "sha256 sent      {}", hex::encode(sent))?;
    let verdict = if sent == received { "the same" } else { "NOT THE SAME" };
    writeln!(out, "sha256 received  {}  {verdict}", hex::encode(received))
}
