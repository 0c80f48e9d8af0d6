//! Two machines over TCP, each driven by hand on a plain thread: what is left for the adapters to lose.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use bytes::BytesMut;
use mconn::time::Instant;

use super::machine::{BATCH, Receiver, Sender};
use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{KIB, Load};
use crate::peers::async_peer::tcp_pair;

/// The name in the table.
pub const NAME: &str = "mconn by hand";

const READ: usize = 256 * KIB;

/// One thread writes, the other reads.
#[derive(Debug)]
pub struct ByHand {
    size: usize,
    streams: usize,
}

impl ByHand {
    /// Messages of `size` bytes on `streams` channels.
    #[must_use]
    pub fn boxed(size: usize, streams: usize) -> Box<dyn Contender> {
        Box::new(Self { size, streams })
    }
}

impl Contender for ByHand {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, self.streams, operations);
        let (near, far) = tcp_pair().expect("loopback TCP");
        let barrier = Barrier::new(2);
        let (time, bytes) = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                barrier.wait();
                receive(far, load)
            });
            barrier.wait();
            Clock::Process.time(|| {
                send(near, load);
                receiver.join().expect("the receiving thread")
            })
        });
        assert_eq!(bytes, load.bytes(), "mconn lost bytes");
        Cost { operations: load.messages(), time }
    }
}

fn send(mut stream: TcpStream, load: Load) {
    let mut sender = Sender::new(load.streams, load.streams, load.size);
    let mut wire = BytesMut::with_capacity(BATCH);
    sender.begin(load);
    while sender.produce(Instant::ZERO, &mut wire) {
        stream.write_all(&wire).expect("write");
        wire.clear();
    }
}

fn receive(mut stream: TcpStream, load: Load) -> u64 {
    let mut receiver = Receiver::new(load.streams);
    let mut read = vec![0; READ];
    // Bytes at the front that are not consumed yet: less than a packet.
    let mut waiting = 0;
    let mut bytes = 0;
    while bytes < load.bytes() {
        match stream.read(&mut read[waiting..]).expect("read") {
            0 => break,
            count => waiting += count,
        }
        let (consumed, arrived) = receiver.consume(Instant::ZERO, &read[..waiting]);
        read.copy_within(consumed..waiting, 0);
        waiting -= consumed;
        bytes += arrived;
    }
    bytes
}
