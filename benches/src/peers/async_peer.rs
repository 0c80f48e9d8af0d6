//! A peer that speaks over any tokio stream, and the two ways to run one: in memory and over TCP.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net::{TcpListener, TcpStream};
use std::sync::Barrier;
use std::thread;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};

use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::Load;

/// Whatever a peer can speak over.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A protocol that carries messages (or, for those that have no messages, their bytes) on streams.
pub trait AsyncPeer: 'static {
    /// The name in the table.
    const NAME: &'static str;

    /// Sends the load, and stays until the other end has gone away.
    fn send<T: Io>(io: T, load: Load) -> impl Future<Output = io::Result<()>>;

    /// Takes the load, says how many bytes of messages came, and goes away.
    fn receive<T: Io>(io: T, load: Load) -> impl Future<Output = io::Result<u64>>;
}

/// Capacity of the pipe in memory, in bytes.
pub const DUPLEX_CAPACITY: usize = 64 * 1024;

/// Both ends on one thread, a pipe in memory between them.
#[derive(Debug)]
pub struct OverDuplex<P> {
    runtime: Runtime,
    size: usize,
    streams: usize,
    peer: PhantomData<P>,
}

impl<P: AsyncPeer> OverDuplex<P> {
    /// Messages of `size` bytes on `streams` streams.
    #[must_use]
    pub fn boxed(size: usize, streams: usize) -> Box<dyn Contender> {
        Box::new(Self { runtime: runtime(), size, streams, peer: PhantomData })
    }
}

impl<P: AsyncPeer> Contender for OverDuplex<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, self.streams, operations);
        let (near, far) = tokio::io::duplex(DUPLEX_CAPACITY);
        let (time, bytes) = Clock::Thread
            .time(|| self.runtime.block_on(async { tokio::try_join!(P::send(near, load), P::receive(far, load)) }));
        check::<P>(bytes.map(|((), bytes)| bytes), load);
        Cost { operations: load.messages(), time }
    }
}

/// The ends on two threads, a runtime of one thread each, loopback TCP between them.
#[derive(Debug)]
pub struct OverTcp<P> {
    size: usize,
    streams: usize,
    peer: PhantomData<P>,
}

impl<P: AsyncPeer> OverTcp<P> {
    /// Messages of `size` bytes on `streams` streams.
    #[must_use]
    pub fn boxed(size: usize, streams: usize) -> Box<dyn Contender> {
        Box::new(Self { size, streams, peer: PhantomData })
    }
}

impl<P: AsyncPeer> Contender for OverTcp<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, self.streams, operations);
        let (near, far) = tcp_pair().expect("loopback TCP");
        let barrier = Barrier::new(2);
        let (time, bytes) = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                let runtime = runtime();
                barrier.wait();
                runtime.block_on(async { P::receive(into_tokio(far)?, load).await })
            });
            let runtime = runtime();
            barrier.wait();
            Clock::Process.time(|| {
                let sent = runtime.block_on(async { P::send(into_tokio(near)?, load).await });
                let received = receiver.join().expect("the receiving thread");
                sent.and(received)
            })
        });
        check::<P>(bytes, load);
        Cost { operations: load.messages(), time }
    }
}

/// A runtime of one thread.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn check<P: AsyncPeer>(bytes: io::Result<u64>, load: Load) {
    match bytes {
        Ok(bytes) => assert_eq!(bytes, load.bytes(), "{} lost bytes", P::NAME),
        Err(error) => panic!("{}: {error}", P::NAME),
    }
}

/// Two connected sockets without Nagle's delay.
///
/// # Errors
/// Whatever the system says when loopback TCP is not to be had.
pub fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

fn into_tokio(stream: TcpStream) -> io::Result<tokio::net::TcpStream> {
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}
