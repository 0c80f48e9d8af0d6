//! Connections of `adapter::tokio`.

use std::collections::VecDeque;
use std::io;

use mconn::adapter::tokio::{Sender, connect};
use tokio::task::JoinSet;

use super::machine::{batch, config};
use crate::load::Load;
use crate::peers::async_peer::{AsyncPeer, Io};

/// The name of the contender that sends in batches.
pub const NAME: &str = "mconn";
/// The name of the contender that sends each message by itself.
pub const SINGLY: &str = "mconn, singly";

/// A task per channel sends, each many messages at once; one task receives all.
#[derive(Debug)]
pub struct InBatches;

/// A task per channel sends, each message by itself; one task receives all.
#[derive(Debug)]
pub struct Singly;

impl AsyncPeer for InBatches {
    const NAME: &'static str = NAME;

    async fn send<T: Io>(io: T, load: Load) -> io::Result<()> {
        send(io, load, send_in_batches).await
    }

    async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
        receive(io, load).await
    }
}

impl AsyncPeer for Singly {
    const NAME: &'static str = SINGLY;

    async fn send<T: Io>(io: T, load: Load) -> io::Result<()> {
        send(io, load, send_singly).await
    }

    async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
        receive(io, load).await
    }
}

async fn send<T, F>(io: T, load: Load, on_channel: impl Fn(Sender, Load) -> F) -> io::Result<()>
where
    T: Io,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let (connection, _messages, driver) = connect(io, config(load.streams, load.streams)).map_err(io::Error::other)?;
    let driver = tokio::spawn(driver);
    let mut senders = JoinSet::new();
    for channel in 0..load.streams {
        let sender = connection.sender(channel as u8).expect("a channel of the configuration");
        senders.spawn(on_channel(sender, load));
    }
    while let Some(sent) = senders.join_next().await {
        sent.map_err(io::Error::other)??;
    }
    let _closed = driver.await.map_err(io::Error::other)?;
    Ok(())
}

async fn send_in_batches(sender: Sender, load: Load) -> io::Result<()> {
    let message = load.message();
    let mut messages = VecDeque::new();
    let mut left = load.per_stream;
    while left > 0 {
        let count = left.min(batch(load));
        messages.extend((0..count).map(|_| message.clone()));
        sender.send_many(&mut messages).await.map_err(io::Error::other)?;
        left -= count;
    }
    Ok(())
}

async fn send_singly(sender: Sender, load: Load) -> io::Result<()> {
    let message = load.message();
    for _ in 0..load.per_stream {
        sender.send(message.clone()).await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
    let (connection, mut messages, driver) =
        connect(io, config(load.streams, load.streams)).map_err(io::Error::other)?;
    let driver = tokio::spawn(driver);
    let mut bytes = 0;
    while bytes < load.bytes() {
        match messages.recv().await {
            Some((_channel, message)) => bytes += message.len() as u64,
            None => break,
        }
    }
    connection.close();
    let _closed = driver.await.map_err(io::Error::other)?;
    Ok(bytes)
}
