//! The two peers on tokio.

use mconn::adapter::tokio::{Connection, Messages, Sender, connect_tcp};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::block_in_place;
use tokio::time::{MissedTickBehavior, interval};

use crate::arguments::Arguments;
use crate::config::{self, FILE, LAST_FLUSH, URGENT, URGENT_INTERVAL};
use crate::content::Content;
use crate::failure::{Failure, first_cause};
use crate::format::{self, FileMessages, Receipt};
use crate::interrupt::Interrupt;
use crate::measure;
use crate::progress::Progress;
use crate::receiver::{Received, Receiver};
use crate::report::Outcome;

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    Runtime::new()?.block_on(async {
        if let Some(address) = &arguments.listen {
            let listener = bind(address).await?;
            eprintln!("waiting for a peer on {}", listener.local_addr()?);
            return receive(listener, arguments, true).await;
        }
        let content = Content::open(arguments)?;
        if let Some(address) = &arguments.dial {
            return send(address, content, arguments, Progress::new()).await;
        }
        let listener = bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (received, sent) =
            tokio::join!(receive(listener, arguments, false), send(&address, content, arguments, Progress::hidden()),);
        first_cause(received, sent)
    })
}

async fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| Failure::Listen { address: address.into(), error })
}

/// Waits for a peer and takes what it sends.
async fn receive(listener: TcpListener, arguments: &Arguments, alone: bool) -> Result<Outcome, Failure> {
    let (stream, _) = listener.accept().await?;
    let start = measure::start();
    let (connection, mut messages, driver) = connect_tcp(stream, config::connection(arguments))?;
    tokio::spawn(driver);
    let interrupt = if alone { on_ctrl_c(&connection) } else { Interrupt::default() };
    let received = take_file(&mut messages).await;
    let Ok(Some(Received { sent, receipt })) = received else {
        return Err(explain(received.err(), &connection, &interrupt).await);
    };
    let (duration, counters) = (start.elapsed(), connection.status().counters);
    // The sender closes when it has the receipt. Urgent messages that still come are of no interest.
    if let Some(sender) = connection.sender(FILE.id) {
        _ = sender.send(format::receipt(&receipt)).await;
    }
    while messages.recv().await.is_some() {}
    Ok(Outcome { sent, receipt, duration, counters })
}

/// Takes messages until the file is complete; `None` when the connection ends before.
async fn take_file(messages: &mut Messages) -> Result<Option<Received>, Failure> {
    let mut receiver = Receiver::new();
    while let Some((channel, message)) = messages.recv().await {
        if let Some(received) = receiver.take(channel, &message)? {
            return Ok(Some(received));
        }
    }
    Ok(None)
}

/// Connects to a peer and sends the file, and urgent messages all the while.
async fn send(address: &str, content: Content, arguments: &Arguments, progress: Progress) -> Result<Outcome, Failure> {
    let dialled = TcpStream::connect(address).await;
    let stream = dialled.map_err(|error| Failure::Dial { address: address.into(), error })?;
    let start = measure::start();
    let (connection, mut messages, driver) = connect_tcp(stream, config::connection(arguments))?;
    tokio::spawn(driver);
    let interrupt = on_ctrl_c(&connection);
    let (Some(file), Some(urgent)) = (connection.sender(FILE.id), connection.sender(URGENT.id)) else {
        return Err(Failure::Content("no such channel"));
    };
    let urgent = tokio::spawn(send_urgent(urgent));
    progress.begin("sending", &content.name(), content.size);
    let mut content = FileMessages::new(content);
    let receipt = send_file(&mut content, &file, &mut messages, &progress).await;
    urgent.abort();
    let Ok(Some(receipt)) = receipt else {
        return Err(explain(receipt.err(), &connection, &interrupt).await);
    };
    progress.finish();
    let (duration, counters) = (start.elapsed(), connection.status().counters);
    connection.close_after_flush(Some(LAST_FLUSH));
    connection.closed().await;
    Ok(Outcome { sent: content.checksum(), receipt, duration, counters })
}

/// Sends the file and waits for the receipt; `None` when the connection ends before.
async fn send_file(
    content: &mut FileMessages,
    sender: &Sender,
    messages: &mut Messages,
    progress: &Progress,
) -> Result<Option<Receipt>, Failure> {
    // Reading from a disk blocks, which a task must not.
    while let Some(message) = block_in_place(|| content.next())? {
        progress.advance(message.len());
        if sender.send(message).await.is_err() {
            return Ok(None);
        }
    }
    match messages.recv().await {
        None => Ok(None),
        Some((_, message)) => format::parse_receipt(&message).map(Some),
    }
}

async fn send_urgent(sender: Sender) {
    let mut ticks = interval(URGENT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if sender.send(format::urgent()).await.is_err() {
            return;
        }
    }
}

fn on_ctrl_c(connection: &Connection) -> Interrupt {
    let (gently, at_once) = (connection.clone(), connection.clone());
    Interrupt::on_ctrl_c(move || gently.close_after_flush(Some(LAST_FLUSH)), move || at_once.close())
}

/// Why there was no exchange: a failure of our own, or else the end of the connection.
async fn explain(failure: Option<Failure>, connection: &Connection, interrupt: &Interrupt) -> Failure {
    if failure.is_some() {
        connection.close();
    }
    let closed = connection.closed().await;
    let reason = if interrupt.happened() { Failure::Interrupted } else { Failure::Closed { closed } };
    failure.unwrap_or(reason)
}
