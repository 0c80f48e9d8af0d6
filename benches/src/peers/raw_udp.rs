//! The limit of everything over UDP: the bytes of the messages in datagrams of a fixed size, and nothing else.
//!
//! Nothing holds the sender back, so what the receiver has no room for is lost, and nobody sends it again.

use std::io::{ErrorKind, IoSliceMut};
use std::net::UdpSocket;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use socket2::SockRef;

use crate::load::Load;
use crate::transfer::{Carrier, Moment, Transfer};

/// The name in the table of a system call for each datagram.
pub const PLAIN: &str = "raw UDP, send/recv";
/// The name in the table of segmentation offload and `recvmmsg`.
pub const BATCHED: &str = "raw UDP, batched";

/// What the sockets of `adapter::udp` ask for too.
const SOCKET_BUFFER: usize = 2 << 20;
/// When nothing came for so long after the last was sent, nothing comes any more.
const PATIENCE: Duration = Duration::from_millis(20);
/// Buffers of a call, and their size, as in `adapter::udp`.
const BUFFERS: usize = if BATCH_SIZE < 16 { BATCH_SIZE } else { 16 };
const BUFFER: usize = 1 << 16;
/// Bytes of a call with segmentation offload.
const MOST: usize = 65_000;

/// Bare sockets on two threads.
#[derive(Debug)]
pub struct RawUdp {
    size: usize,
    datagram: usize,
    batched: bool,
}

/// Sends so many bytes in datagrams of a size.
type Send = fn(&UdpSocket, u64, usize);
/// Receives so many bytes, or until nothing comes after all were sent.
type Receive = fn(&UdpSocket, &AtomicBool, u64) -> Arrived;

/// What has arrived, and when the last of it did.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    bytes: u64,
    last: Instant,
}

impl RawUdp {
    /// As many bytes as messages of `size` bytes have, in datagrams of `datagram` bytes, each by a call of its own.
    #[must_use]
    pub fn plain(size: usize, datagram: usize) -> Box<dyn Carrier> {
        Box::new(Self { size, datagram, batched: false })
    }

    /// The same, many datagrams by one call.
    #[must_use]
    pub fn batched(size: usize, datagram: usize) -> Box<dyn Carrier> {
        Box::new(Self { size, datagram, batched: true })
    }
}

impl Carrier for RawUdp {
    fn name(&self) -> &'static str {
        if self.batched { BATCHED } else { PLAIN }
    }

    fn run(&mut self, messages: u64) -> Transfer {
        let load = Load::new(self.size, 1, messages);
        let (near, far) = udp_pair();
        let (barrier, sent) = (Barrier::new(2), AtomicBool::new(false));
        let (send, receive): (Send, Receive) =
            if self.batched { (send_batched, receive_batched) } else { (send_plainly, receive_plainly) };
        thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                barrier.wait();
                receive(&far, &sent, load.bytes())
            });
            barrier.wait();
            let begin = Moment::now();
            send(&near, load.bytes(), self.datagram);
            sent.store(true, Ordering::Release);
            let arrived = receiver.join().expect("the receiving thread");
            // To wait costs no CPU time.
            let end = Moment { wall: arrived.last, ..Moment::now() };
            Transfer { arrived: arrived.bytes as f64 / self.size as f64, ..begin.until(end, load) }
        })
    }
}

/// Two sockets connected to each other.
fn udp_pair() -> (UdpSocket, UdpSocket) {
    let [near, far] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("loopback UDP"));
    near.connect(far.local_addr().expect("an address")).expect("loopback UDP");
    far.connect(near.local_addr().expect("an address")).expect("loopback UDP");
    // The system may give less.
    let _given = SockRef::from(&far).set_recv_buffer_size(SOCKET_BUFFER);
    far.set_read_timeout(Some(PATIENCE)).expect("a socket");
    (near, far)
}

fn send_plainly(socket: &UdpSocket, mut left: u64, datagram: usize) {
    let bytes = vec![0x5a; datagram];
    while left > 0 {
        let count = left.min(datagram as u64);
        socket.send(&bytes[..count as usize]).expect("send");
        left -= count;
    }
}

#[allow(clippy::disallowed_methods, reason = "transfers are measured by the clock on the wall")]
fn receive_plainly(socket: &UdpSocket, sent: &AtomicBool, wanted: u64) -> Arrived {
    let mut buffer = vec![0; BUFFER];
    let mut arrived = Arrived { bytes: 0, last: Instant::now() };
    while arrived.bytes < wanted {
        let over = sent.load(Ordering::Acquire);
        match socket.recv(&mut buffer) {
            Ok(count) => arrived = Arrived { bytes: arrived.bytes + count as u64, last: Instant::now() },
            Err(error) if error.kind() == ErrorKind::WouldBlock && over => break,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "recv: {error}"),
        }
    }
    arrived
}

/// Waits until the socket is ready; not for ever.
fn wait(socket: &UdpSocket, flags: PollFlags) -> bool {
    let timeout = Timespec::try_from(PATIENCE).expect("a short time");
    poll(&mut [PollFd::new(socket, flags)], Some(&timeout)).expect("poll") > 0
}

fn send_batched(socket: &UdpSocket, mut left: u64, datagram: usize) {
    let state = UdpSocketState::new(UdpSockRef::from(socket)).expect("a socket");
    let most = (MOST / datagram).clamp(1, state.max_gso_segments()) * datagram;
    let bytes = vec![0x5a; most];
    let destination = socket.peer_addr().expect("a connected socket");
    while left > 0 {
        let contents = &bytes[..left.min(most as u64) as usize];
        let segment_size = (contents.len() > datagram).then_some(datagram);
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        match state.try_send(UdpSockRef::from(socket), &transmit) {
            Ok(()) => left -= contents.len() as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                wait(socket, PollFlags::OUT);
            }
            Err(error) => panic!("send: {error}"),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "transfers are measured by the clock on the wall")]
fn receive_batched(socket: &UdpSocket, sent: &AtomicBool, wanted: u64) -> Arrived {
    let state = UdpSocketState::new(UdpSockRef::from(socket)).expect("a socket");
    let mut buffer = vec![0; BUFFERS * BUFFER];
    let mut metas = [RecvMeta::default(); BUFFERS];
    let mut arrived = Arrived { bytes: 0, last: Instant::now() };
    while arrived.bytes < wanted {
        let over = sent.load(Ordering::Acquire);
        let mut chunks = buffer.chunks_exact_mut(BUFFER);
        let mut buffers: [_; BUFFERS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().expect("as many as buffers")));
        match state.recv(UdpSockRef::from(socket), &mut buffers, &mut metas) {
            Ok(count) => {
                let bytes: usize = metas.iter().take(count).map(|meta| meta.len).sum();
                arrived = Arrived { bytes: arrived.bytes + bytes as u64, last: Instant::now() };
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if !wait(socket, PollFlags::IN) && over {
                    break;
                }
            }
            Err(error) => panic!("recv: {error}"),
        }
    }
    arrived
}
