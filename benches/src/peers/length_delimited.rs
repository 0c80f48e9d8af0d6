//! tokio-util's `LengthDelimitedCodec`: messages, but no streams. All messages go one after the other.

use std::io;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::async_peer::{AsyncPeer, Io};
use crate::load::{KIB, Load};

/// `LengthDelimitedCodec` with buffers of 64 KiB.
#[derive(Debug)]
pub struct LengthDelimited;

impl AsyncPeer for LengthDelimited {
    const NAME: &'static str = "LengthDelimitedCodec";

    async fn send<T: Io>(io: T, load: Load) -> io::Result<()> {
        let mut sink = FramedWrite::with_capacity(io, LengthDelimitedCodec::new(), 64 * KIB);
        sink.set_backpressure_boundary(64 * KIB);
        let message = load.message();
        for _ in 0..load.messages() {
            sink.feed(message.clone()).await?;
        }
        SinkExt::<Bytes>::flush(&mut sink).await?;
        let _end = sink.into_inner().read(&mut [0]).await?;
        Ok(())
    }

    async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
        let mut stream = FramedRead::with_capacity(io, LengthDelimitedCodec::new(), 256 * KIB);
        let mut bytes = 0;
        while bytes < load.bytes() {
            match stream.next().await {
                Some(message) => bytes += message?.len() as u64,
                None => break,
            }
        }
        Ok(bytes)
    }
}
