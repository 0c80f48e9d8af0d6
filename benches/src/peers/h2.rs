//! `h2`: streams of chunks, no messages. Windows and frames are as large as helps it.

use std::future::poll_fn;
use std::io;

use bytes::Bytes;
use h2::{RecvStream, SendStream, client, server};
use http::{Method, Request};
use tokio::task::JoinSet;

use super::async_peer::{AsyncPeer, Io};
use crate::load::{KIB, Load, MIB};

const STREAM_WINDOW: u32 = (4 * MIB) as u32;
const CONNECTION_WINDOW: u32 = (16 * MIB) as u32;
const FRAME: u32 = (64 * KIB) as u32;

/// `h2`, one request per stream, one chunk per message, one task per stream.
#[derive(Debug)]
pub struct H2;

impl AsyncPeer for H2 {
    const NAME: &'static str = "h2";

    async fn send<T: Io>(io: T, load: Load) -> io::Result<()> {
        let (mut client, connection) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .max_send_buffer_size(4 * MIB)
            .handshake::<_, Bytes>(io)
            .await
            .map_err(io::Error::other)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Ends, in one way or another, when the receiver has gone.
            let _ = connection.await;
        });
        let mut responses = Vec::new();
        let mut writers = JoinSet::new();
        for _ in 0..load.streams {
            client = client.ready().await.map_err(io::Error::other)?;
            let mut request = Request::new(());
            *request.method_mut() = Method::POST;
            *request.uri_mut() = http::Uri::from_static("http://localhost/");
            let (response, body) = client.send_request(request, false).map_err(io::Error::other)?;
            // A response that nobody waits for would reset its stream.
            responses.push(response);
            writers.spawn(write(body, load));
        }
        while let Some(written) = writers.join_next().await {
            written.map_err(io::Error::other)?.map_err(io::Error::other)?;
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    async fn receive<T: Io>(io: T, load: Load) -> io::Result<u64> {
        let mut connection = server::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .handshake::<_, Bytes>(io)
            .await
            .map_err(io::Error::other)?;
        let mut readers: JoinSet<Result<u64, h2::Error>> = JoinSet::new();
        let mut bytes = 0;
        while bytes < load.bytes() {
            tokio::select! {
                Some(read) = readers.join_next() => {
                    bytes += read.map_err(io::Error::other)?.map_err(io::Error::other)?;
                }
                accepted = connection.accept() => match accepted {
                    Some(request) => {
                        let (request, respond) = request.map_err(io::Error::other)?;
                        readers.spawn(async move {
                            let bytes = read(request.into_body()).await;
                            drop(respond);
                            bytes
                        });
                    }
                    None => break,
                },
            }
        }
        Ok(bytes)
    }
}

async fn write(mut body: SendStream<Bytes>, load: Load) -> Result<(), h2::Error> {
    let message = load.message();
    for sent in 1..=load.per_stream {
        let mut rest = message.clone();
        while !rest.is_empty() {
            body.reserve_capacity(rest.len());
            while body.capacity() == 0 {
                match poll_fn(|context| body.poll_capacity(context)).await {
                    Some(capacity) => capacity?,
                    None => return Ok(()),
                };
            }
            let piece = rest.split_to(body.capacity().min(rest.len()));
            body.send_data(piece, rest.is_empty() && sent == load.per_stream)?;
        }
    }
    Ok(())
}

async fn read(mut body: RecvStream) -> Result<u64, h2::Error> {
    let mut bytes = 0;
    while let Some(chunk) = body.data().await {
        let count = chunk?.len();
        body.flow_control().release_capacity(count)?;
        bytes += count as u64;
    }
    Ok(bytes)
}
