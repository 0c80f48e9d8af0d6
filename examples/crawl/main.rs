//! Crawls a CometBFT network: dials a node, asks it for addresses, dials those, and so on.
//!
//! `crawl ID@HOST:PORT` prints JSON; `--dot FILE` draws who knows whom, for `dot -Tsvg`.

mod arguments;
#[path = "../common/mod.rs"]
mod common;
mod crawl;
mod failure;
mod map;
mod progress;
mod visit;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use mconn::adapter::tokio::DialConfig;

use arguments::Arguments;
use common::introduction::Introduction;
use crawl::{Crawl, Ended};
use failure::Failure;

/// What a shell expects of a program that ctrl-c has ended.
const INTERRUPTED: u8 = 130;

/// Peer exchange, and a channel that all nodes have: also those that exchange no addresses shall talk to us.
const CHANNELS: [u8; 2] = [0x00, 0x20];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(Ended::Interrupted) => {
            eprintln!("interrupted: this is what was found until then");
            ExitCode::from(INTERRUPTED)
        }
        Ok(Ended::Complete | Ended::OutOfTime) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<Ended, Failure> {
    let key = Introduction::passing_key()?;
    let introduction = Introduction::new(key, arguments.network.as_deref(), CHANNELS);
    let mut config = DialConfig::default();
    config.timeout = arguments.timeout;
    config.upgrade.handshake.timeout = arguments.timeout;
    let (map, ended) = Crawl::new(arguments, introduction, config).run().await?;
    let json = arguments.json.as_deref();
    if json.is_some() || arguments.dot.is_none() {
        save(json, &map.to_json())?;
    }
    if let Some(path) = &arguments.dot {
        save(Some(path), &map.to_dot())?;
    }
    eprintln!("{}", map.summary());
    Ok(ended)
}

/// Writes to a file, or to standard output.
fn save(path: Option<&Path>, text: &str) -> Result<(), Failure> {
    match path.filter(|path| *path != Path::new("-")) {
        None => {
            // Whoever closed the pipe has seen enough.
            _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
            Ok(())
        }
        Some(path) => std::fs::write(path, text).map_err(|error| Failure::Write { path: path.into(), error }),
    }
}
