//! `tokio-yamux`: streams of bytes, no messages.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::task::JoinSet;
use tokio_yamux::{Config, Session, StreamHandle};

use super::async_peer::{AsyncPeer, Io};
use crate::load::{KIB, Load};

/// `tokio-yamux` as it comes, one task per stream.
#[derive(Debug)]
pub struct TokioYamux;

impl AsyncPeer for TokioYamux {
    const NAME: &'static str = "tokio-yamux";

    async fn send<T: Io>(io: T, load: Load) -> io::Result<()> {
        let mut session = Session::new_client(io, Config::default());
        let mut control = session.control();
        let mut writers = JoinSet::new();
        writers.spawn(async move {
            let mut streams = JoinSet::new();
            for _ in 0..load.streams {
                streams.spawn(write(control.open_stream().await.map_err(io::Error::other)?, load));
            }
            // The handles stay until all is written: without one the session would end itself.
            while let Some(written) = streams.join_next().await {
                written.map_err(io::Error::other)??;
            }
            std::future::pending::<()>().await;
            drop(control);
            io::Result::Ok(())
        });
        while let Some(Ok(_)) = session.next().await {}
        Ok(())
    }

    async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
        let mut session = Session::new_server(io, Config::default());
        let mut readers = JoinSet::new();
        let mut bytes = 0;
        while bytes < load.bytes() {
            tokio::select! {
                Some(read) = readers.join_next() => bytes += read.map_err(io::Error::other)??,
                accepted = session.next() => match accepted {
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

async fn write(mut stream: StreamHandle, load: Load) -> io::Result<StreamHandle> {
    let message = load.message();
    for _ in 0..load.per_stream {
        let mut rest = &message[..];
        while !rest.is_empty() {
            let count = poll_fn(|context| poll_write(Pin::new(&mut stream), context, rest)).await?;
            rest = &rest[count..];
        }
    }
    Ok(stream)
}

/// A stream learns of new credit only when its owner reads: one that only writes would sleep for ever.
fn poll_write(mut stream: Pin<&mut StreamHandle>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
    match stream.as_mut().poll_write(context, data) {
        Poll::Pending => {
            let mut nothing = [MaybeUninit::uninit(); 1];
            if let Poll::Ready(read) = stream.poll_read(context, &mut ReadBuf::uninit(&mut nothing)) {
                return Poll::Ready(read.and(Err(io::ErrorKind::UnexpectedEof.into())));
            }
            Poll::Pending
        }
        written => written,
    }
}

async fn read(mut stream: StreamHandle, load: Load) -> io::Result<u64> {
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
