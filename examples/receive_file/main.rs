//! Receives a file from `send_file`, from disk to disk.
//!
//! ```text
//! cargo run --release --all-features --example receive_file -- --listen 0.0.0.0:4600 --into downloads     # on one machine
//! cargo run --release --all-features --example send_file -- FILE HOST:4600                                # on the other
//! ```
//!
//! With `--nats URL` on both sides they meet over a NATS server.
//!
//! It takes one file and ends. Until the file is complete and its checksum is right, it is called `NAME.part`. After a cut, start
//! both again with the same arguments: it goes on where it stood.

#[path = "../file_transfer/mod.rs"]
mod file_transfer;
mod store;
mod writer;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tokio::task::spawn_blocking;

use file_transfer::arguments::LinkArguments;
use file_transfer::conversation::{Conversation, or_ctrl_c};
use file_transfer::failure::Failure;
use file_transfer::name::FileName;
use file_transfer::progress::Progress;
use file_transfer::protocol::{Message, Offer, VERSION};
use file_transfer::{link, program};
use store::{Part, Store};
use writer::Writer;

/// Receives a file from send_file.
#[derive(Debug, Parser)]
#[command(name = "receive_file")]
struct Arguments {
    /// Where to wait for send_file: an address of this machine and a port
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:4600", conflicts_with = "nats")]
    listen: String,
    /// The folder for the file
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    into: PathBuf,
    /// Replace a file of the same name
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    link: LinkArguments,
}

fn main() -> ExitCode {
    program::run(run(&Arguments::parse()))
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    Store::check_folder(&arguments.into)?;
    let (session, address) = or_ctrl_c(link::listen(&arguments.link, &arguments.listen)).await?;
    // Whoever closed the pipe has seen enough.
    _ = writeln!(io::stdout(), "waiting for a file on {address}");
    let conversation = Conversation::new(session.clone());
    let received = conversation.run(async {
        session.connected().await.map_err(|closed| Failure::Closed { closed })?;
        receive(arguments, &conversation).await
    });
    let received = received.await?;
    _ = writeln!(io::stdout(), "{received}");
    conversation.end().await;
    Ok(())
}

/// Receives the file, as far as it is not here, and says so. Gives a summary.
async fn receive(arguments: &Arguments, conversation: &Conversation) -> Result<String, Failure> {
    let offer = match conversation.hear().await? {
        Message::Offer(Offer { version, .. }) if version != VERSION => return Err(Failure::Version(version)),
        Message::Offer(offer) => offer,
        other => return Err(Failure::Unexpected { found: other.kind(), expected: "an offer" }),
    };
    let name = FileName::new(&offer.name)?;
    let store = Store::new(&arguments.into, &name, &offer, arguments.overwrite);
    let (store, part) = blocking(move || store.open().map(|part| (store, part))).await?;
    let length = part.length;
    conversation.say(&Message::Have { length, checksum: part.hasher.checksum() }).await?;
    let offset = match conversation.hear().await? {
        Message::From(offset) if offset == length || offset == 0 => offset,
        Message::From(_) => return Err(Failure::Offset),
        other => return Err(Failure::Unexpected { found: other.kind(), expected: "the beginning of the data" }),
    };
    #[allow(clippy::disallowed_methods, reason = "a program may read the clock")]
    let start = Instant::now();
    let part = take_data(part, offset, &offer, conversation).await?;
    blocking(move || store.complete(part)).await?;
    let seconds = start.elapsed().as_secs_f64();
    conversation.say(&Message::Done).await?;
    // It lies on the disk, whatever becomes of the session now.
    _ = conversation.session.flush().await;
    let (bytes, checksum) = (offer.size - offset, offer.checksum);
    let before = if offset > 0 { format!(", {offset} were there") } else { String::new() };
    Ok(format!(
        "received {name}: {bytes} bytes in {seconds:.2} s, {:.1} MB/s{before}\nblake2b-512 {checksum}",
        bytes as f64 / 1e6 / seconds.max(1e-9)
    ))
}

/// Takes the data from a byte on, until there are as many as were offered.
async fn take_data(part: Part, offset: u64, offer: &Offer, conversation: &Conversation) -> Result<Part, Failure> {
    let progress = Progress::new("receiving", offset, offer.size);
    let mut left = offer.size - offset;
    let mut writer = Writer::start(part, offset);
    let mut failure = None;
    while left > 0 {
        match conversation.hear().await {
            Ok(Message::Data(bytes)) if bytes.len() as u64 <= left => {
                left -= bytes.len() as u64;
                progress.advance(bytes.len() as u64);
                if !writer.write(bytes).await {
                    break;
                }
            }
            Ok(Message::Data(_)) => failure = Some(Failure::Offset),
            Ok(other) => failure = Some(Failure::Unexpected { found: other.kind(), expected: "data" }),
            Err(error) => failure = Some(error),
        }
        if failure.is_some() {
            break;
        }
    }
    // What has arrived is written in any case.
    let written = writer.finish().await;
    progress.finish();
    failure.map_or(written, Err)
}

/// Does something that blocks on a thread for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(|error| Failure::Start(error.into()))?
}
