//! smoltcp's TCP: a stream of bytes, so it has no messages to keep apart. Checksums are off.

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{self, ChecksumCapabilities, Device, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use super::MTU;
use crate::contender::{Contender, InMemory};
use crate::load::KIB;

/// The name in the table.
pub const NAME: &str = "smoltcp";

const BUFFER: usize = 1024 * KIB;
/// The headers of IPv4 and TCP without options: what a datagram of [`MTU`] bytes does not count.
const HEADERS: usize = 40;

/// What is sent comes back in its turn; buffers are used again.
#[derive(Debug, Default)]
struct Loop {
    queue: std::collections::VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

struct Received<'a>(Vec<u8>, std::marker::PhantomData<&'a ()>);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

struct Transmit<'a>(&'a mut Loop);

impl phy::TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut buffer = self.0.spare.pop().unwrap_or_default();
        buffer.resize(length, 0);
        let result = f(&mut buffer);
        self.0.queue.push_back(buffer);
        result
    }
}

impl Device for Loop {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Transmit<'a>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU + HEADERS;
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Transmit<'_>)> {
        let datagram = self.queue.pop_front()?;
        Some((Received(datagram, std::marker::PhantomData), Transmit(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Transmit<'_>> {
        Some(Transmit(self))
    }
}

fn socket() -> tcp::Socket<'static> {
    let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

/// Pieces of `size` bytes.
#[must_use]
pub fn boxed(size: usize) -> Box<dyn Contender> {
    let mut device = Loop::default();
    let mut now = Instant::from_millis(0);
    let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, now);
    let address = IpAddress::v4(127, 0, 0, 1);
    interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address, 8)).expect("room for an address"));
    let mut sockets = SocketSet::new(vec![]);
    let (server, client) = (sockets.add(socket()), sockets.add(socket()));
    sockets.get_mut::<tcp::Socket<'_>>(server).listen(1).expect("a free port");
    let client_socket = sockets.get_mut::<tcp::Socket<'_>>(client);
    client_socket.connect(interface.context(), (address, 1), 2).expect("a free port");
    while !sockets.get::<tcp::Socket<'_>>(client).may_send() {
        now += smoltcp::time::Duration::from_millis(1);
        interface.poll(now, &mut device, &mut sockets);
    }
    let message = vec![0x5a; size];
    InMemory::boxed(NAME, move |operations| {
        let wanted = operations * size as u64;
        let (mut sent, mut received) = (0, 0);
        while received < wanted {
            let from = sockets.get_mut::<tcp::Socket<'_>>(client);
            while sent < operations && from.send_capacity() - from.send_queue() >= size {
                from.send_slice(&message).expect("an open socket");
                sent += 1;
            }
            now += smoltcp::time::Duration::from_micros(100);
            interface.poll(now, &mut device, &mut sockets);
            let to = sockets.get_mut::<tcp::Socket<'_>>(server);
            while to.can_recv() {
                received += to.recv(|bytes| (bytes.len(), bytes.len() as u64)).expect("an open socket");
            }
        }
    })
}
