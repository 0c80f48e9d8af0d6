//! The two peers on plain threads.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mconn::adapter::blocking::{Connection, Messages, connect_tcp};

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
    if let Some(address) = &arguments.listen {
        let listener = bind(address)?;
        eprintln!("waiting for a peer on {}", listener.local_addr()?);
        return receive(&listener, arguments, true);
    }
    let content = Content::open(arguments)?;
    if let Some(address) = &arguments.dial {
        return send(address, content, arguments, &Progress::new());
    }
    let listener = bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::scope(|scope| {
        let receiving = scope.spawn(|| receive(&listener, arguments, false));
        let sent = send(&address, content, arguments, &Progress::hidden());
        match receiving.join() {
            Ok(received) => first_cause(received, sent),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| Failure::Listen { address: address.into(), error })
}

/// Waits for a peer and takes what it sends.
fn receive(listener: &TcpListener, arguments: &Arguments, alone: bool) -> Result<Outcome, Failure> {
    let (stream, _) = listener.accept()?;
    let start = measure::start();
    let (connection, mut messages) = connect_tcp(stream, config::connection(arguments))?;
    let interrupt = if alone { on_ctrl_c(&connection) } else { Interrupt::default() };
    let received = take_file(&mut messages);
    let Ok(Some(Received { sent, receipt })) = received else {
        return Err(explain(received.err(), &connection, &interrupt));
    };
    let (duration, counters) = (start.elapsed(), connection.status().counters);
    // The sender closes when it has the receipt. Urgent messages that still come are of no interest.
    _ = connection.send(FILE.id, format::receipt(&receipt));
    while messages.recv().is_some() {}
    Ok(Outcome { sent, receipt, duration, counters })
}

/// Takes messages until the file is complete; `None` when the connection ends before.
fn take_file(messages: &mut Messages) -> Result<Option<Received>, Failure> {
    let mut receiver = Receiver::new();
    for (channel, message) in messages {
        if let Some(received) = receiver.take(channel, &message)? {
            return Ok(Some(received));
        }
    }
    Ok(None)
}

/// Connects to a peer and sends the file, and urgent messages all the while.
fn send(address: &str, content: Content, arguments: &Arguments, progress: &Progress) -> Result<Outcome, Failure> {
    let dialled = TcpStream::connect(address);
    let stream = dialled.map_err(|error| Failure::Dial { address: address.into(), error })?;
    let start = measure::start();
    let (connection, mut messages) = connect_tcp(stream, config::connection(arguments))?;
    let interrupt = on_ctrl_c(&connection);
    progress.begin("sending", &content.name(), content.size);
    let mut content = FileMessages::new(content);
    let done = AtomicBool::new(false);
    let receipt = thread::scope(|scope| {
        scope.spawn(|| send_urgent(&connection, &done));
        let receipt = send_file(&mut content, &connection, &mut messages, progress);
        done.store(true, Ordering::Relaxed);
        receipt
    });
    let Ok(Some(receipt)) = receipt else {
        return Err(explain(receipt.err(), &connection, &interrupt));
    };
    progress.finish();
    let (duration, counters) = (start.elapsed(), connection.status().counters);
    connection.close_after_flush(Some(LAST_FLUSH));
    _ = connection.join();
    Ok(Outcome { sent: content.checksum(), receipt, duration, counters })
}

/// Sends the file and waits for the receipt; `None` when the connection ends before.
fn send_file(
    content: &mut FileMessages,
    connection: &Connection,
    messages: &mut Messages,
    progress: &Progress,
) -> Result<Option<Receipt>, Failure> {
    while let Some(message) = content.next()? {
        progress.advance(message.len());
        if connection.send(FILE.id, message).is_err() {
            return Ok(None);
        }
    }
    match messages.recv() {
        None => Ok(None),
        Some((_, message)) => format::parse_receipt(&message).map(Some),
    }
}

fn send_urgent(connection: &Connection, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) && connection.send(URGENT.id, format::urgent()).is_ok() {
        thread::sleep(URGENT_INTERVAL);
    }
}

fn on_ctrl_c(connection: &Connection) -> Interrupt {
    let (gently, at_once) = (connection.clone(), connection.clone());
    Interrupt::on_ctrl_c(move || gently.close_after_flush(Some(LAST_FLUSH)), move || at_once.close())
}

/// Why there was no exchange: a failure of our own, or else the end of the connection.
fn explain(failure: Option<Failure>, connection: &Connection, interrupt: &Interrupt) -> Failure {
    if failure.is_some() {
        connection.close();
    }
    let closed = connection.join();
    let reason = if interrupt.happened() { Failure::Interrupted } else { Failure::Closed { closed } };
    failure.unwrap_or(reason)
}
