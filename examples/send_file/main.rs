//! Sends a file to `receive_file`, from disk to disk.
//!
//! ```text
//! cargo run --release --all-features --example receive_file -- --listen 0.0.0.0:4600 --into downloads     # on one machine
//! cargo run --release --all-features --example send_file -- FILE HOST:4600                                # on the other
//! ```
//!
//! With `--nats URL` on both sides they meet over a NATS server.
//!
//! After a cut, start both again with the same arguments: it goes on where it stood. The exit code is 0 only when the file lies
//! complete and checked on the other side.

#[path = "../file_transfer/mod.rs"]
mod file_transfer;
mod source;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use mconn::adapter::window::Session;
use tokio::sync::mpsc;
use tokio::time::interval;

use file_transfer::arguments::LinkArguments;
use file_transfer::conversation::{Conversation, or_ctrl_c};
use file_transfer::failure::Failure;
use file_transfer::progress::Progress;
use file_transfer::protocol::{Message, Offer, VERSION};
use file_transfer::{link, program};
use source::Source;

/// Messages that were read and not yet taken for sending.
const READ_AHEAD: usize = 8;

/// Sends a file to receive_file.
#[derive(Debug, Parser)]
#[command(name = "send_file")]
struct Arguments {
    /// The file
    file: PathBuf,
    /// Where receive_file listens: host and port
    #[arg(required_unless_present = "nats", conflicts_with = "nats")]
    to: Option<String>,
    #[command(flatten)]
    link: LinkArguments,
}

fn main() -> ExitCode {
    program::run(run(&Arguments::parse()))
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let source = Source::open(&arguments.file)?;
    let checking = Progress::new("checking", 0, source.size);
    let offer = or_ctrl_c(source.offer(&checking)).await?;
    checking.finish();
    let session = or_ctrl_c(link::call(&arguments.link, arguments.to.as_deref())).await?;
    let conversation = Conversation::new(session.clone());
    let sent = conversation.run(async {
        session.connected().await.map_err(|closed| Failure::Closed { closed })?;
        send(&source, offer, &conversation).await
    });
    let sent = sent.await?;
    // Whoever closed the pipe has seen enough.
    _ = writeln!(io::stdout(), "{sent}");
    conversation.end().await;
    Ok(())
}

/// Sends the file, as far as the other side does not have it, and waits until it has. Gives a summary.
async fn send(source: &Source, offer: Offer, conversation: &Conversation) -> Result<String, Failure> {
    let (name, checksum) = (offer.name.clone(), offer.checksum);
    debug_assert_eq!(offer.version, VERSION);
    conversation.say(&Message::Offer(offer)).await?;
    let offset = match conversation.hear().await? {
        Message::Have { length, checksum } => source.common(length, checksum).await?,
        other => return Err(Failure::Unexpected { found: other.kind(), expected: "the answer to an offer" }),
    };
    conversation.say(&Message::From(offset)).await?;
    #[allow(clippy::disallowed_methods, reason = "a program may read the clock")]
    let start = Instant::now();
    let progress = Progress::new("sending", offset, source.size);
    tokio::select! {
        sent = send_data(source.size - offset, source.read(offset, READ_AHEAD), conversation) => sent?,
        () = show(&progress, offset, &conversation.session) => {}
    }
    progress.finish();
    let (seconds, bytes) = (start.elapsed().as_secs_f64(), source.size - offset);
    let before = if offset > 0 { format!(", {offset} were there") } else { String::new() };
    Ok(format!(
        "sent {name}: {bytes} bytes in {seconds:.2} s, {:.1} MB/s{before}\nblake2b-512 {checksum}",
        bytes as f64 / 1e6 / seconds.max(1e-9)
    ))
}

/// Sends what is read, and waits until the other side has it. It may say so before the thread that reads has ended: what is
/// counted are bytes.
async fn send_data(
    mut left: u64,
    mut data: mpsc::Receiver<Result<Bytes, Failure>>,
    conversation: &Conversation,
) -> Result<(), Failure> {
    let unexpected = |found: &Message, expected| Failure::Unexpected { found: found.kind(), expected };
    while left > 0 {
        let message = tokio::select! {
            message = data.recv() => message,
            // The other side has nothing to say now, unless something is wrong.
            heard = conversation.hear() => return Err(unexpected(&heard?, "nothing")),
        };
        let Some(message) = message else { break };
        let message = message?;
        left = left.saturating_sub(Message::data_len(&message));
        conversation.send(message).await?;
    }
    match conversation.hear().await? {
        Message::Done => Ok(()),
        other => Err(unexpected(&other, "the confirmation")),
    }
}

/// Shows how much the other side has acknowledged, for ever.
async fn show(progress: &Progress, offset: u64, session: &Session) {
    let acknowledged = || {
        let status = session.status()?;
        Some(status.counters.message_bytes_accepted.saturating_sub(status.send.queued_bytes as u64))
    };
    let before = acknowledged().unwrap_or(0);
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        if let Some(now) = acknowledged() {
            progress.at(offset + now.saturating_sub(before));
        }
    }
}
