//! What can go wrong on the way to a node, in words for the person at the terminal.

use std::io;

use mconn::adapter::tokio::DialError;
use mconn::peer::{Incompatible, UpgradeError};
use mconn::secret::HandshakeError;

/// What to try when a node could not be reached; possibly nothing.
pub(crate) fn hint(error: &DialError) -> &'static str {
    match error {
        DialError::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "\nhint: nothing listens there; nodes take peers on port 26656 mostly"
        }
        DialError::Timeout { .. } => "\nhint: the host is out of reach, or a firewall is between",
        DialError::Upgrade { error, .. } => hint_upgrade(error),
        _ => "",
    }
}

fn hint_upgrade(error: &UpgradeError) -> &'static str {
    match error {
        UpgradeError::Handshake(HandshakeError::WrongPeer { .. }) => {
            "\nhint: if you trust it, dial it with the id that it says it has"
        }
        UpgradeError::Handshake(
            HandshakeError::TooLong { .. } | HandshakeError::Decode { .. } | HandshakeError::EphemeralKeyLength { .. },
        ) => "\nhint: this is no CometBFT node, or not its port for peers (26656 mostly; 26657 is for RPC)",
        UpgradeError::Handshake(HandshakeError::PeerClosed { .. } | HandshakeError::TransportFailed { .. })
        | UpgradeError::TransportFailed { .. }
        | UpgradeError::PeerClosed { .. } => {
            "\nhint: it does not want us (it has enough peers, or one with our address), or it is no CometBFT node"
        }
        UpgradeError::Timeout { .. } => "\nhint: it takes connections and says nothing: perhaps it is no CometBFT node",
        UpgradeError::Incompatible(Incompatible::Network { .. }) => {
            "\nhint: without --network, that of the node is taken"
        }
        _ => "",
    }
}
