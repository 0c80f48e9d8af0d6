//! What is printed on standard output: who the node is, and at the end what it has sent.

use std::io::{self, Write};
use std::time::Duration;

use mconn::connection::Status;
use mconn::peer::{NodeInfo, PeerAddress};

use crate::traffic::{Traffic, label};

/// Prints what the node says of itself.
pub(crate) fn node_info(address: &PeerAddress, info: &NodeInfo) {
    // Whoever closed the pipe has seen enough.
    _ = write_node_info(address, info, &mut io::stdout().lock());
}

fn write_node_info(address: &PeerAddress, info: &NodeInfo, out: &mut impl Write) -> io::Result<()> {
    let channels: Vec<String> = info.channels.iter().map(|channel| format!("{channel:02x}")).collect();
    let protocol = info.protocol;
    for (name, value) in [
        ("node", info.node_id.clone()),
        ("dialled at", address.at.to_string()),
        ("moniker", info.moniker.clone()),
        ("network", info.network.clone()),
        ("version", info.version.clone()),
        ("protocol", format!("p2p {}, block {}, app {}", protocol.p2p, protocol.block, protocol.app)),
        ("listens on", info.listen_addr.clone()),
        ("channels", channels.join(" ")),
        ("tx index", info.tx_index.clone()),
        ("rpc", info.rpc_address.clone()),
    ] {
        writeln!(out, "{name:<11} {value}")?;
    }
    writeln!(out)
}

/// Prints what has come, and how the connection was doing.
pub(crate) fn traffic(traffic: &Traffic, duration: Duration, status: &Status) {
    _ = write_traffic(traffic, duration, status, &mut io::stdout().lock());
}

fn write_traffic(traffic: &Traffic, duration: Duration, status: &Status, out: &mut impl Write) -> io::Result<()> {
    let seconds = duration.as_secs_f64();
    writeln!(out, "{:<22} {:<20} {:>9} {:>12} {:>9}", "channel", "kind", "messages", "bytes", "per s")?;
    for (channel, kinds) in &traffic.channels {
        for (kind, count) in kinds {
            let rate = count.messages as f64 / seconds;
            let (label, messages, bytes) = (label(*channel), count.messages, count.bytes);
            writeln!(out, "{label:<22} {kind:<20} {messages:>9} {bytes:>12} {rate:>9.1}")?;
        }
    }
    let counters = status.counters;
    writeln!(
        out,
        "{seconds:.1} s; received {} messages, {} bytes of packets; sent {} bytes; pings {} out, {} in; pongs {} out, {} in",
        counters.messages_received,
        counters.bytes_received,
        counters.bytes_sent,
        counters.pings_sent,
        counters.pings_received,
        counters.pongs_sent,
        counters.pongs_received,
    )
}
