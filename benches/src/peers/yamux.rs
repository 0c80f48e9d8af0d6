//! `yamux`: streams of bytes, no messages.

use std::future::poll_fn;
use std::io;

use futures::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_util::compat::TokioAsyncReadCompatExt;
use yamux::{Config, Connection, Mode, Stream};

use super::async_peer::{AsyncPeer, Io};
use crate::load::{KIB, Load};

/// `yamux` as it comes, one task per stream.
#[derive(Debug)]
pub struct Yamux;

impl AsyncPeer for Yamux {
    const NAME: &'static str = "yamux";

    async fn send<T: Io>(io: T, load: Load) -> io::Result<()> {
        let mut connection = Connection::new(io.compat(), Config::default(), Mode::Client);
        let mut writers = JoinSet::new();
        for _ in 0..load.streams {
            let stream = poll_fn(|context| connection.poll_new_outbound(context)).await.map_err(io::Error::other)?;
            writers.spawn(write(stream, load));
        }
        // The connection moves only while it is polled. It ends, in one way or another, when the receiver has gone.
        while let Some(Ok(_)) = poll_fn(|context| connection.poll_next_inbound(context)).await {}
        Ok(())
    }

    async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
        let mut connection = Connection::new(io.compat(), Config::default(), Mode::Server);
        let mut readers = JoinSet::new();
        let mut bytes = 0;
        while bytes < load.bytes() {
            tokio::select! {
                Some(read) = readers.join_next() => bytes += read.map_err(io::Error::other)??,
                accepted = poll_fn(|context| connection.poll_next_inbound(context)) => match accepted {
                    Some(stream) => {
                        readers.spawn(read(stream.map_err(io::Error::other)?, load));
                    }
                    None => break,
                },
            }
        }
        Ok(bytes)
    }
}

async fn write(mut stream: Stream, load: Load) -> io::Result<()> {
    let message = load.message();
    for _ in 0..load.per_stream {
        stream.write_all(&message).await?;
    }
    stream.close().await
}

async fn read(mut stream: Stream, load: Load) -> io::Result<u64> {
    let wanted = load.per_stream * load.size as u64;
    let mut buffer = vec![0; 64 * KIB];
    let mut bytes = 0;
    while bytes < wanted {
        match stream.read(&mut buffer).await? {
            0 => break,
            count => bytes += count as u64,
        }
    }
    Ok(bytes)
}
