//! Ends of connections, and a pipe in memory.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mconn::adapter::blocking::{self, Connection, Messages};
use mconn::connection::{ChannelConfig, Liveness, MConnConfig, PingPolicy};

/// When a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const PING: [u8; 3] = [0x02, 0x0a, 0x00];
pub(crate) const PONG: [u8; 3] = [0x02, 0x12, 0x00];

/// Two ends of a TCP connection.
pub(crate) fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let far = listener.accept().unwrap().0;
    for stream in [&near, &far] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (near, far)
}

/// A connection, and the other end of its TCP stream.
pub(crate) fn with_raw_peer(config: MConnConfig) -> (Connection, Messages, TcpStream) {
    let (near, far) = tcp_pair();
    let (connection, messages) = blocking::connect_tcp(near, config).unwrap();
    (connection, messages, far)
}

pub(crate) type End = (Connection, Messages);

/// Two connections that talk to each other over TCP.
pub(crate) fn connected(near_config: MConnConfig, far_config: MConnConfig) -> (End, End) {
    let (near, far) = tcp_pair();
    (blocking::connect_tcp(near, near_config).unwrap(), blocking::connect_tcp(far, far_config).unwrap())
}

/// Channel 1 with a queue of one message, as in `createMConnectionWithCallbacks` of `p2p/conn/connection_test.go @ v0.38`.
pub(crate) fn one_channel() -> MConnConfig {
    MConnConfig::default().channel(ChannelConfig::new(1, 1).send_queue_capacity(1))
}

/// The same with pings, and with pongs as the only sign of life.
pub(crate) fn with_pings(interval: Duration, pong_timeout: Duration) -> MConnConfig {
    let mut config = one_channel();
    config.ping = PingPolicy::Every(interval);
    config.pong_timeout = Some(pong_timeout);
    config.liveness = Liveness::PongOnly;
    config
}

#[allow(clippy::disallowed_methods, reason = "a test of drivers, which have a clock")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// Waits until `condition` holds.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = clock();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn read_exactly(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    stream.read_exact(&mut read).unwrap();
    read
}

/// A message packet on the wire of today, for payloads below 100 bytes and channels below 128.
pub(crate) fn packet(channel: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u8;
    let mut bytes = vec![length + 8, 0x1a, length + 6, 0x08, channel, 0x10, 0x01, 0x1a, length];
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn text(message: &str) -> Bytes {
    Bytes::copy_from_slice(message.as_bytes())
}

/// Says when it is dropped.
pub(crate) struct Guard(mpsc::Sender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Tells which guards are gone.
pub(crate) struct Gone(mpsc::Receiver<()>);

/// As many guards, and what tells when they are dropped.
pub(crate) fn guards<const N: usize>() -> ([Guard; N], Gone) {
    let (sender, receiver) = mpsc::channel();
    (std::array::from_fn(|_| Guard(sender.clone())), Gone(receiver))
}

impl Gone {
    pub(crate) fn wait_for(&self, guards: usize) {
        for _ in 0..guards {
            self.0.recv_timeout(PATIENCE).expect("all guards are dropped in time");
        }
    }

    /// How many are gone at this moment and were not counted before.
    pub(crate) fn count(&self) -> usize {
        self.0.try_iter().count()
    }
}

/// One direction of a stream in memory.
#[derive(Clone)]
pub(crate) struct Pipe(Arc<(Mutex<PipeState>, Condvar)>);

struct PipeState {
    bytes: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    /// After how long a blocked write gives up, if ever.
    write_timeout: Option<Duration>,
}

impl Pipe {
    pub(crate) fn new(capacity: usize, write_timeout: Option<Duration>) -> Self {
        let state = PipeState { bytes: VecDeque::new(), capacity, closed: false, write_timeout };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    pub(crate) fn close(&self) {
        self.0.0.lock().unwrap().closed = true;
        self.0.1.notify_all();
    }

    pub(crate) fn is_full(&self) -> bool {
        let state = self.0.0.lock().unwrap();
        state.bytes.len() == state.capacity
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        while state.bytes.is_empty() && !state.closed {
            state = self.0.1.wait(state).unwrap();
        }
        let count = buffer.len().min(state.bytes.len());
        for (place, byte) in buffer.iter_mut().zip(state.bytes.drain(..count)) {
            *place = byte;
        }
        self.0.1.notify_all();
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.0.lock().unwrap();
        loop {
            if state.closed {
                return Err(ErrorKind::BrokenPipe.into());
            }
            let count = bytes.len().min(state.capacity - state.bytes.len());
            if count > 0 {
                state.bytes.extend(&bytes[..count]);
                self.0.1.notify_all();
                return Ok(count);
            }
            state = match state.write_timeout {
                None => self.0.1.wait(state).unwrap(),
                Some(timeout) => {
                    let (state, result) = self.0.1.wait_timeout(state, timeout).unwrap();
                    if result.timed_out() {
                        return Err(ErrorKind::WouldBlock.into());
                    }
                    state
                }
            };
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A `Read` or `Write` that keeps something as long as its thread does.
pub(crate) struct Keeping<T, K>(pub(crate) T, pub(crate) K);

impl<T: Read, K> Read for Keeping<T, K> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<T: Write, K> Write for Keeping<T, K> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A connection over a pipe each way, whose threads hold a guard each.
pub(crate) struct OverPipes {
    pub(crate) connection: Connection,
    pub(crate) messages: Messages,
    pub(crate) inbound: Pipe,
    pub(crate) outbound: Pipe,
    pub(crate) gone: Gone,
}

pub(crate) fn over_pipes(config: MConnConfig, capacity: usize, write_timeout: Option<Duration>) -> OverPipes {
    let (inbound, outbound) = (Pipe::new(1 << 16, None), Pipe::new(capacity, write_timeout));
    let ([reading, writing], gone) = guards();
    let pipes = (inbound.clone(), outbound.clone());
    let shutdown = move |how| {
        pipes.1.close();
        if how == Shutdown::Both {
            pipes.0.close();
        }
        Ok(())
    };
    let (reader, writer) = (Keeping(inbound.clone(), reading), Keeping(outbound.clone(), writing));
    let (connection, messages) = blocking::connect(reader, writer, shutdown, config).unwrap();
    OverPipes { connection, messages, inbound, outbound, gone }
}
