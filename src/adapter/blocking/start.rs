//! The beginning of a connection.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use super::super::clock::Clock;
use super::asleep::Asleep;
use super::connection::{Connection, Owner};
use super::messages::Messages;
use super::shared::{Addresses, Shared, ShutdownFn};
use super::state::Core;
use super::{reader, writer};
use crate::connection::{MConnConfig, MConnState};
use crate::wire::Codec;

/// How long one write may be held up by the socket before the deadlines are looked at.
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);

/// Begins a connection over a TCP stream that is connected already.
///
/// Sets `TCP_NODELAY` and the timeouts of the stream; a clone of the stream that somebody keeps has them too.
///
/// # Errors
/// The stream can not be set up, a thread can not be started, or, as `InvalidInput`, the configuration can not work: a
/// [`ConfigError`](crate::connection::ConfigError).
pub fn connect_tcp<C>(stream: TcpStream, config: MConnConfig<C>) -> io::Result<(Connection<C>, Messages<C>)>
where
    C: Codec + 'static,
{
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let addresses = Addresses { local: stream.local_addr().ok(), remote: stream.peer_addr().ok() };
    let stream = Arc::new(stream);
    let (reader, writer) = (Half(Arc::clone(&stream)), Half(Arc::clone(&stream)));
    start(reader, writer, Box::new(move |how| stream.shutdown(how)), addresses, config)
}

/// Begins a connection over the two halves of any byte stream.
///
/// `shutdown` ends the stream, or its sending side: after `Shutdown::Both`, a `read` or `write` that waits must return, and so
/// must all later ones, be it with an error or with 0. It must not block and not use the connection.
///
/// A `read` or `write` that can be held up for long should return `WouldBlock` or `TimedOut` now and then, as a
/// `TcpStream` with a timeout does; it is called again after the deadlines were looked at. Of a stream where neither does, a
/// peer that takes nothing is not noticed, and only [`Connection::close`] ends it.
///
/// # Errors
/// A thread can not be started, or, as `InvalidInput`, the configuration can not work: a
/// [`ConfigError`](crate::connection::ConfigError).
pub fn connect<R, W, S, C>(
    reader: R,
    writer: W,
    shutdown: S,
    config: MConnConfig<C>,
) -> io::Result<(Connection<C>, Messages<C>)>
where
    C: Codec + 'static,
    R: Read + Send + 'static,
    W: Write + Send + 'static,
    S: Fn(Shutdown) -> io::Result<()> + Send + Sync + 'static,
{
    start(reader, writer, Box::new(shutdown), Addresses::default(), config)
}

fn start<R, W, C>(
    reader: R,
    writer: W,
    shutdown: ShutdownFn,
    addresses: Addresses,
    config: MConnConfig<C>,
) -> io::Result<(Connection<C>, Messages<C>)>
where
    C: Codec + 'static,
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let asleep = Asleep::nobody(&config);
    let patience = config.pong_timeout;
    let largest_packet = usize::try_from(config.max_sent_packet()).unwrap_or(usize::MAX);
    let clock = Clock::start();
    let machine =
        MConnState::new(config, clock.now()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let shared = Arc::new(Shared::new(Core::new(machine, asleep, patience), clock, shutdown, addresses));
    // If a thread can not be started, dropping the owner ends the other one.
    let owner = Arc::new(Owner::new(Arc::clone(&shared)));
    let for_reader = Arc::clone(&shared);
    owner.add_thread(named("mconn-read").spawn(move || reader::run(&for_reader, reader))?);
    owner.add_thread(named("mconn-write").spawn(move || writer::run(&shared, writer, largest_packet))?);
    Ok((Connection::new(Arc::clone(&owner)), Messages::new(owner)))
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_string())
}

/// One half of a TCP stream. All halves are one file descriptor.
struct Half(Arc<TcpStream>);

impl Read for Half {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
