//! What can go wrong, in words for the person at the terminal.

use std::io;
use std::path::PathBuf;

use mconn::adapter::Closed;
use mconn::connection::{CloseReason, ConfigError, Fault};
use thiserror::Error;

/// Why there was no complete exchange.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("can not read {}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("can not listen on {address}: {error}{}", hint_listen(error))]
    Listen { address: String, error: io::Error },
    #[error("can not connect to {address}: {error}")]
    Dial { address: String, error: io::Error },
    #[error("can not start a connection: {0}")]
    Start(#[from] io::Error),
    #[error("the configuration can not work: {0}")]
    Config(#[from] ConfigError),
    #[error("the connection ended before everything was exchanged: {closed}{}", hint_closed(closed))]
    Closed { closed: Closed },
    #[error("the peer sent what this program does not understand: {0}")]
    Content(&'static str),
    #[error("the checksums differ: sent {sent}, received {received}")]
    Checksum { sent: String, received: String },
    #[error("interrupted")]
    Interrupted,
}

fn hint_listen(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "\nhint: another program listens there; choose another port, or end it",
        _ => "",
    }
}

fn hint_closed(closed: &Closed) -> &'static str {
    match (&closed.reason, closed.fault()) {
        (_, Fault::Peer) => "\nhint: the other side speaks another wire format (see --wire), or is no peer at all",
        (CloseReason::PeerClosed { .. } | CloseReason::TransportFailed, _) => {
            "\nhint: it went away, or speaks another wire format (see --wire); its own error tells"
        }
        (CloseReason::PongTimeout { .. } | CloseReason::TransmitStalled { .. }, _) => {
            "\nhint: who does not answer pings is no peer, speaks another wire format (see --wire), or is out of reach"
        }
        _ => "",
    }
}

/// When both sides ran here: the outcome of the receiver, or what went wrong first.
///
/// When one side fails, the other one loses its connection, which explains nothing.
pub(crate) fn first_cause<T>(received: Result<T, Failure>, sent: Result<T, Failure>) -> Result<T, Failure> {
    match (received, sent) {
        (_, Err(Failure::Interrupted)) => Err(Failure::Interrupted),
        (Err(Failure::Closed { closed }), Err(cause)) if closed.fault() != Fault::Peer => Err(cause),
        (received, Ok(_)) => received,
        (Ok(_), Err(cause)) | (Err(cause), Err(_)) => Err(cause),
    }
}
