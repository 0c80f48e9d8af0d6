//! Dials a CometBFT node, shakes hands, and shows what it sends, channel by channel.
//!
//! `dial_cometbft ID@HOST:PORT`, and ctrl-c when you have seen enough. The id of a node is what `cometbft show-node-id` prints.

mod arguments;
mod channels;
#[path = "../common/mod.rs"]
mod common;
mod failure;
mod report;
mod traffic;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use mconn::adapter::tokio::{DialConfig, Messages};
use mconn::connection::{ChannelConfig, MConnConfig};
use tokio::time::{Instant, sleep_until};

use arguments::Arguments;
use channels::CHANNELS;
use common::introduction::Introduction;
use failure::Failure;
use traffic::Traffic;
use view::View;

/// How long our last bytes may take.
const LAST_FLUSH: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let key = arguments.key()?;
    let channels = CHANNELS.iter().map(|channel| channel.id);
    let mut introduction = Introduction::new(key, arguments.network.as_deref(), channels);
    let mut config = DialConfig::default();
    config.timeout = arguments.timeout;
    config.upgrade.handshake.timeout = arguments.timeout;
    let peer = tokio::select! {
        peer = introduction.dial(&arguments.address, config) => {
            peer.map_err(|error| Failure::Dial { address: arguments.address.to_string(), error })?
        }
        _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted),
    };
    report::node_info(&arguments.address, peer.node_info());

    let start = Instant::now();
    let (connection, mut messages, driver) = peer.connect(connection())?;
    let driver = tokio::spawn(driver);
    let mut traffic = Traffic::default();
    let view = View::new();
    let left = watch(&mut messages, &mut traffic, &view, arguments.seconds.map(|seconds| start + seconds)).await;
    view.finish();
    let (duration, status) = (start.elapsed(), connection.status());
    connection.close_after_flush(Some(LAST_FLUSH));
    // A peer that sends all the time must not keep the end waiting.
    drop(messages);
    let closed = driver.await.map_err(|error| Failure::Driver(error.to_string()))?;
    report::traffic(&traffic, duration, &status);
    match left {
        Left::ByUs => Ok(()),
        Left::ByPeer => Err(Failure::Closed { closed }),
    }
}

/// Who has ended the connection.
enum Left {
    ByUs,
    ByPeer,
}

/// Counts what comes, until somebody has enough.
async fn watch(messages: &mut Messages, traffic: &mut Traffic, view: &View, until: Option<Instant>) -> Left {
    let mut ctrl_c = std::pin::pin!(tokio::signal::ctrl_c());
    let end = async {
        match until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    let mut end = std::pin::pin!(end);
    loop {
        let (channel, message) = tokio::select! {
            message = messages.recv() => match message {
                Some(message) => message,
                None => return Left::ByPeer,
            },
            _ = &mut ctrl_c => return Left::ByUs,
            () = &mut end => return Left::ByUs,
        };
        let news = traffic.count(channel, &message);
        view.show(traffic, channel, news.then_some(message));
    }
}

/// What the channels of a node need.
fn connection() -> MConnConfig {
    let channel = |channel: &channels::Channel| {
        ChannelConfig::new(channel.id, channel.priority).recv_message_capacity(channel.largest)
    };
    MConnConfig::cometbft().channels(CHANNELS.iter().map(channel))
}
