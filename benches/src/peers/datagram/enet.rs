//! ENet: reliable packets on one channel.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use rusty_enet::{Event, Host, HostSettings, MTU_MAX, Packet, PacketReceived, Socket};

use super::MTU;
use crate::contender::{Contender, InMemory};

/// The name in the table.
pub const NAME: &str = "enet";

/// Packets that are handed over before the other end is served.
const BATCH: u64 = 512;

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of two queues; its address is its number.
struct Wire {
    to: Queue,
    from: Queue,
    peer: u8,
    /// Buffers to use again.
    spare: Rc<RefCell<Vec<Vec<u8>>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Address(u8);

impl rusty_enet::Address for Address {
    fn same_host(&self, other: &Self) -> bool {
        self == other
    }
    fn same(&self, other: &Self) -> bool {
        self == other
    }
    fn is_broadcast(&self) -> bool {
        false
    }
}

impl Socket for Wire {
    type Address = Address;
    type Error = Infallible;

    fn send(&mut self, _: Address, datagram: &[u8]) -> Result<usize, Infallible> {
        let mut buffer = self.spare.borrow_mut().pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(datagram);
        self.to.borrow_mut().push_back(buffer);
        Ok(datagram.len())
    }

    fn receive(&mut self, into: &mut [u8; MTU_MAX]) -> Result<Option<(Address, PacketReceived)>, Infallible> {
        let Some(datagram) = self.from.borrow_mut().pop_front() else { return Ok(None) };
        into[..datagram.len()].copy_from_slice(&datagram);
        let length = datagram.len();
        self.spare.borrow_mut().push(datagram);
        Ok(Some((Address(self.peer), PacketReceived::Complete(length))))
    }
}

fn host(socket: Wire, time: &Rc<Cell<u64>>) -> Host<Wire> {
    let time = time.clone();
    let settings = HostSettings {
        peer_limit: 1,
        channel_limit: 1,
        time: Box::new(move || Duration::from_millis(time.get())),
        seed: Some(1),
        ..HostSettings::default()
    };
    let mut host = Host::new(socket, settings).unwrap_or_else(|_| panic!("an ENet host"));
    host.set_mtu(MTU as u16).expect("an MTU that ENet takes");
    host
}

/// Messages of `size` bytes.
#[must_use]
pub fn boxed(size: usize) -> Box<dyn Contender> {
    let (there, back, spare) = (Queue::default(), Queue::default(), Rc::default());
    let time = Rc::new(Cell::new(1));
    let mut sender = host(Wire { to: there.clone(), from: back.clone(), peer: 1, spare: Rc::clone(&spare) }, &time);
    let mut receiver = host(Wire { to: back, from: there, peer: 0, spare }, &time);
    let peer = sender.connect(Address(1), 1, 0).expect("a free peer").id();
    let mut connected = false;
    while !connected {
        time.set(time.get() + 1);
        let _event = receiver.service();
        connected = matches!(sender.service(), Ok(Some(Event::Connect { .. })));
    }
    let message = vec![0x5a; size];
    InMemory::boxed(NAME, move |operations| {
        let (mut sent, mut received) = (0, 0);
        while received < operations {
            while sent < operations && sent - received < BATCH {
                sender.peer_mut(peer).send(0, &Packet::reliable(message.as_slice())).expect("ENet takes a packet");
                sent += 1;
            }
            time.set(time.get() + 1);
            while sender.service().expect("no error").is_some() {}
            while let Some(event) = receiver.service().expect("no error") {
                if let Event::Receive { packet, .. } = event {
                    assert_eq!(packet.data().len(), size);
                    received += 1;
                }
            }
        }
    })
}
