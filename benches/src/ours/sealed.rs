//! Two peers over TCP, each driven by hand on a plain thread: sealed frames around a whole connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::thread;

use bytes::BytesMut;
use mconn::connection::Input;
use mconn::machine::Machine;
use mconn::peer::{Event, LocalNode, NodeInfo, Origin, Peer, Upgrade, UpgradeConfig, UpgradeEvent};
use mconn::secret::{self, EphemeralSecret, ExpectedPeer, NodeKey};
use mconn::time::Instant;

use super::machine::{BATCH, config};
use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{KIB, Load};
use crate::peers::async_peer::tcp_pair;

/// The name in the table.
pub const NAME: &str = "mconn peer";

const NOW: Instant = Instant::ZERO;
const READ: usize = 256 * KIB;

/// One thread writes, the other reads.
#[derive(Debug)]
pub struct SealedPeers {
    size: usize,
    streams: usize,
}

impl SealedPeers {
    /// Messages of `size` bytes on `streams` channels.
    #[must_use]
    pub fn boxed(size: usize, streams: usize) -> Box<dyn Contender> {
        Box::new(Self { size, streams })
    }
}

fn upgrade(seed: u8, streams: usize) -> Upgrade {
    let key = NodeKey::from_seed(&[seed; 32]);
    let channels = (0..streams).map(|channel| u8::try_from(channel).expect("few channels"));
    let info = NodeInfo::new(key.id(), "bench", channels.take(16));
    let node = Arc::new(LocalNode::new(key, info).expect("a valid node"));
    let ephemeral = EphemeralSecret::from_random(&[seed + 100; 32]);
    Upgrade::new(node, ephemeral, ExpectedPeer::Any, UpgradeConfig::default(), NOW)
}

fn turn(side: &mut Upgrade, inbound: &mut BytesMut, outbound: &mut BytesMut, streams: usize) -> Option<Peer> {
    side.handle(NOW, secret::Input::Received { buf: inbound, end: false });
    while let Some(bytes) = side.poll_transmit(NOW) {
        outbound.extend_from_slice(&bytes);
    }
    match side.poll_event()? {
        UpgradeEvent::Established(upgraded) => {
            Some(Peer::new(upgraded, Origin::inbound(), config(streams, streams), NOW).expect("a valid configuration"))
        }
        event => panic!("{event:?}"),
    }
}

/// Two connected peers; nothing is on its way.
#[must_use]
fn pair(streams: usize) -> (Peer, Peer) {
    let (mut one, mut other) = (upgrade(1, streams), upgrade(2, streams));
    let (mut to_one, mut to_other) = (BytesMut::new(), BytesMut::new());
    let (mut near, mut far) = (None, None);
    while near.is_none() || far.is_none() {
        near = near.or_else(|| turn(&mut one, &mut to_one, &mut to_other, streams));
        far = far.or_else(|| turn(&mut other, &mut to_other, &mut to_one, streams));
    }
    (near.expect("connected"), far.expect("connected"))
}

fn send(mut stream: TcpStream, mut peer: Peer, load: Load) {
    let message = load.message();
    let mut left = vec![load.per_stream; load.streams];
    let mut wire = BytesMut::with_capacity(2 * BATCH);
    loop {
        for (channel, left) in left.iter_mut().enumerate() {
            while *left > 0 && peer.try_send(channel as u8, message.clone()).is_ok() {
                *left -= 1;
            }
        }
        if peer.transmit_into(NOW, &mut wire, BATCH) == 0 {
            return;
        }
        stream.write_all(&wire).expect("write");
        wire.clear();
    }
}

fn receive(mut stream: TcpStream, mut peer: Peer, load: Load) -> u64 {
    let mut read = vec![0; READ];
    let mut inbound = BytesMut::with_capacity(2 * READ);
    let mut bytes = 0;
    while bytes < load.bytes() {
        match stream.read(&mut read).expect("read") {
            0 => break,
            count => inbound.extend_from_slice(&read[..count]),
        }
        loop {
            let before = inbound.len();
            peer.handle(NOW, Input::Received { buf: &mut inbound, end: false });
            let mut taken = false;
            while let Some(event) = peer.poll_event() {
                taken = true;
                match event {
                    Event::Message { payload, .. } => bytes += payload.len() as u64,
                    event => panic!("{event:?}"),
                }
            }
            if !taken && inbound.len() == before {
                break;
            }
        }
    }
    bytes
}

impl Contender for SealedPeers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, self.streams, operations);
        let (near, far) = tcp_pair().expect("loopback TCP");
        let (sender, receiver) = pair(self.streams);
        let barrier = Barrier::new(2);
        let (time, bytes) = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                barrier.wait();
                receive(far, receiver, load)
            });
            barrier.wait();
            Clock::Process.time(|| {
                send(near, sender, load);
                receiver.join().expect("the receiving thread")
            })
        });
        assert_eq!(bytes, load.bytes(), "mconn lost bytes");
        Cost { operations: load.messages(), time }
    }
}
