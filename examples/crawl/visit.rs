//! A visit to one node: who it is, and whom it knows.

use std::time::Duration;

use mconn::adapter::tokio::{DialError, PeerStream};
use mconn::connection::{ChannelConfig, MConnConfig};
use mconn::peer::pex::{self, PexMessage};
use mconn::peer::{NodeInfo, PeerAddress};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came of a visit.
pub(crate) struct Visit {
    pub(crate) info: NodeInfo,
    /// Whom it knows, or why it has not told.
    pub(crate) knows: Result<Vec<PeerAddress>, String>,
}

/// Asks a node for addresses.
pub(crate) async fn ask(
    dialled: Result<PeerStream<TcpStream>, DialError>,
    limit: Duration,
) -> Result<Visit, DialError> {
    let peer = dialled?;
    let info = peer.node_info().clone();
    let knows = match info.channels.contains(&pex::CHANNEL) {
        true => exchange(peer, limit).await,
        false => Err("it exchanges no addresses".into()),
    };
    Ok(Visit { info, knows })
}

async fn exchange(peer: PeerStream<TcpStream>, limit: Duration) -> Result<Vec<PeerAddress>, String> {
    let config = MConnConfig::cometbft().channels(crate::CHANNELS.map(|channel| {
        let largest = if channel == pex::CHANNEL { pex::MAX_MESSAGE } else { 1 << 20 };
        ChannelConfig::new(channel, 1).recv_message_capacity(largest)
    }));
    let (connection, mut messages, driver) = peer.connect(config).map_err(|error| error.to_string())?;
    let driver = tokio::spawn(driver);
    let Some(sender) = connection.sender(pex::CHANNEL) else { return Err("no channel to ask on".into()) };
    let answer = async {
        sender.send(PexMessage::Request.encode()).await.map_err(|error| error.to_string())?;
        while let Some((channel, message)) = messages.recv().await {
            if channel != pex::CHANNEL {
                continue;
            }
            match PexMessage::decode(&message) {
                Ok(PexMessage::Addresses(addresses)) => return Ok(addresses),
                // It wants to know whom we know. It can wait.
                Ok(PexMessage::Request) => {}
                Err(error) => return Err(format!("its answer: {error}")),
            }
        }
        Err(format!("it ended the connection: {}", connection.closed().await))
    };
    let answer = timeout(limit, answer).await.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")));
    connection.close();
    _ = driver.await;
    answer
}
